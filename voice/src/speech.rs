//! Text to sound, sentence by sentence, so that the first is heard while the rest is made.
//!
//! [`Espeak`] is a program that is there on any machine; [`Piper`] and [`Kokoro`] sound like people and need
//! files and the ONNX Runtime; [`Cartesia`] sends the text to a company and is used only where the owner gave
//! a key for it. The two that need files were tested with small graphs that have the right inputs and outputs;
//! no real voice of theirs was heard.

mod cartesia;
mod espeak;
mod kokoro;
mod phonemes;
mod piper;
mod program;
mod sentences;
mod voice_model;

#[cfg(test)]
mod tests;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

pub use self::cartesia::Cartesia;
pub use self::espeak::Espeak;
pub use self::kokoro::{Kokoro, KokoroFiles};
pub use self::piper::Piper;
pub use self::program::find_program;
pub use self::sentences::{LONGEST_SENTENCE, sentences};
use crate::audio::Sound;
use crate::onnx::OnnxError;

/// The longest text that is spoken, about 20 minutes.
pub const LONGEST_TEXT: usize = 20_000;

/// Sentences made before the first of them is taken: enough to go on without a gap, little to throw away.
const AHEAD: usize = 2;

/// A sound that is being made.
pub type Saying<'a> = Pin<Box<dyn Future<Output = Result<Sound, SpeechError>> + Send + 'a>>;

/// A voice: makes sound of one sentence after another.
pub trait Speaker: Send + Sync {
    /// Its name in settings and messages.
    fn name(&self) -> &str;

    /// Whether the text stays on the device.
    fn is_local(&self) -> bool {
        true
    }

    /// Makes sound of one sentence, which is cut at [`LONGEST_SENTENCE`] bytes. Dropping what it returns stops
    /// it at once and leaves nothing running. Wants a tokio runtime.
    fn say<'a>(&'a self, sentence: &'a str) -> Saying<'a>;
}

/// Why nothing is said.
#[derive(Debug, thiserror::Error)]
pub enum SpeechError {
    /// The program or file that speaks is not there or cannot be used. Says what to do.
    #[error("{0}")]
    Missing(String),
    /// A setting of the voice is wrong. Names it.
    #[error("{field} of the voice {voice}: {reason}")]
    Setting {
        /// The name of the voice.
        voice: &'static str,
        /// Which setting.
        field: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// The text is longer than is spoken.
    #[error(
        "the text has {length} bytes, and at most {LONGEST_TEXT} are spoken; say less, or in parts"
    )]
    TooLong {
        /// What it has.
        length: usize,
    },
    /// The voice is there and failed.
    #[error("the voice {voice} failed: {reason}")]
    Failed {
        /// The name of the voice.
        voice: &'static str,
        /// What it said.
        reason: String,
    },
    /// The ONNX Runtime or a model for it cannot be used.
    #[error(transparent)]
    Onnx(#[from] OnnxError),
}

/// A text that is being spoken. Dropping it stops it.
pub struct Speech {
    sounds: mpsc::Receiver<Result<Sound, SpeechError>>,
    stop: CancellationToken,
}

/// Starts to make sound of a text. Wants a tokio runtime.
///
/// # Errors
/// The text is too long.
pub fn speak(speaker: Arc<dyn Speaker>, text: &str) -> Result<Speech, SpeechError> {
    if text.len() > LONGEST_TEXT {
        return Err(SpeechError::TooLong { length: text.len() });
    }
    let sentences = sentences(text);
    // Full means that nobody takes the sounds yet: then none is made.
    let (sender, sounds) = mpsc::channel(AHEAD);
    let stop = CancellationToken::new();
    let stopped = stop.clone();
    tokio::spawn(async move {
        stopped
            .run_until_cancelled(say_all(speaker, sentences, sender))
            .await;
    });
    Ok(Speech { sounds, stop })
}

async fn say_all(
    speaker: Arc<dyn Speaker>,
    sentences: Vec<String>,
    sender: mpsc::Sender<Result<Sound, SpeechError>>,
) {
    for sentence in sentences {
        let said = speaker.say(&sentence).await;
        let has_failed = said.is_err();
        if sender.send(said).await.is_err() || has_failed {
            return;
        }
    }
}

impl Speech {
    /// The sound of the next sentence, in order. None at the end, after a failure, and once it was stopped.
    pub async fn next(&mut self) -> Option<Result<Sound, SpeechError>> {
        let next = self.stop.run_until_cancelled(self.sounds.recv()).await;
        next.flatten()
    }

    /// Stops it from anywhere, at once: cancel it.
    pub fn stop_handle(&self) -> CancellationToken {
        self.stop.clone()
    }
}

impl Drop for Speech {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}
