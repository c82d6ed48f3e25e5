//! Hearing and speaking, which others do: what this bridge asks of them.

use std::future::Future;
use std::pin::Pin;

use bytes::Bytes;
use thiserror::Error;

/// Something that is being heard or spoken.
pub type VoiceFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, CannotHear>> + Send + 'a>>;

/// What was said in a voice note.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// The words; none where nobody spoke.
    pub text: String,
    /// Whether the note breaks off in the middle.
    pub is_cut: bool,
}

/// Makes text of voice notes, and voice notes of text.
pub trait Voice: Send + Sync + 'static {
    /// Writes down what a voice note (Ogg with Opus, as Telegram gives it) says. Dropped, it stops.
    fn transcribe(&self, note: Bytes) -> VoiceFuture<'_, Said>;

    /// Speaks a text as a voice note (Ogg with Opus).
    fn speak<'a>(&'a self, text: &'a str) -> VoiceFuture<'a, Bytes>;
}

/// Why something cannot be heard or spoken. Its words are for the person: what is the matter, and what
/// mends it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CannotHear {
    /// Nothing is there to do it with; the audio is kept.
    #[error("{0}")]
    NotSetUp(String),
    /// Not now: too much else is being heard, or the node stops. It is asked again.
    #[error("{0}")]
    Later(String),
    /// It was tried and failed; the audio is kept.
    #[error("{0}")]
    Failed(String),
    /// It is no audio, or more than is taken; it is not kept.
    #[error("{0}")]
    Refused(String),
}
