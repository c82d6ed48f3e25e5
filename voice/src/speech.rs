//! Text to sound.

use std::future::Future;
use std::pin::Pin;

use crate::audio::Sound;

/// A sound that is being made.
pub type Saying<'a> = Pin<Box<dyn Future<Output = Result<Sound, SpeechError>> + Send + 'a>>;

/// A voice: makes sound of one sentence after another.
pub trait Speaker: Send + Sync {
    /// Its name in settings and messages.
    fn name(&self) -> &str;

    /// Makes sound of one sentence. Dropping what it returns stops it at once and leaves nothing running.
    fn say<'a>(&'a self, sentence: &'a str) -> Saying<'a>;
}

/// Why nothing is said.
#[derive(Debug, thiserror::Error)]
pub enum SpeechError {
    /// The program, library or file that speaks is not there or cannot be used. Says what to install.
    #[error("{0}")]
    Missing(String),
    /// It is there and failed.
    #[error("{voice} could not speak: {reason}")]
    Failed {
        /// The name of the voice.
        voice: String,
        /// What it said.
        reason: String,
    },
}
