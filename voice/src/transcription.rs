//! Sound to text.
//!
//! A [`Transcriber`] writes down what is said in a clip. [`Whisper`] does it on the device, in a process of its
//! own; [`PocketSphinx`] knows only the sentences of a grammar; [`Groq`] sends the sound to a company and is
//! used only where the owner said so. Each of them sits behind [`SpeechOnly`], which lets nothing through but
//! speech: what is silence or noise to it is never written down as words.

mod error;
mod groq;
mod parts;
mod pocketsphinx;
mod speech_only;
mod steady;
#[cfg(test)]
mod tests;
pub mod worker;
mod written;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

pub use self::error::TranscriptionError;
pub use self::groq::Groq;
pub use self::pocketsphinx::PocketSphinx;
pub use self::speech_only::{Ear, SpeechOnly};
pub use self::worker::Whisper;
use crate::audio::Clip;

/// A transcript that is being made.
pub type Transcribing<'a> =
    Pin<Box<dyn Future<Output = Result<Transcript, TranscriptionError>> + Send + 'a>>;

/// Is told how much of a clip is done, from 0 to 1. Called now and then from any thread; it must not wait.
pub type Progress = Arc<dyn Fn(f32) + Send + Sync>;

/// Writes down what is said.
pub trait Transcriber: Send + Sync {
    /// Its name in settings and messages.
    fn name(&self) -> &'static str;

    /// Whether the sound stays on the device.
    fn is_local(&self) -> bool {
        true
    }

    /// Writes down a clip. Dropping what it returns gives up and leaves nothing at work. Wants a tokio runtime.
    fn transcribe<'a>(&'a self, clip: &'a Clip, options: &'a Options) -> Transcribing<'a>;
}

impl<T: Transcriber + ?Sized> Transcriber for Arc<T> {
    fn name(&self) -> &'static str {
        (**self).name()
    }

    fn is_local(&self) -> bool {
        (**self).is_local()
    }

    fn transcribe<'a>(&'a self, clip: &'a Clip, options: &'a Options) -> Transcribing<'a> {
        (**self).transcribe(clip, options)
    }
}

/// What is wanted of one transcript.
#[derive(Clone, Default)]
pub struct Options {
    /// The language spoken, as two letters such as `en`; none where it is to be found out.
    pub language: Option<String>,
    /// Words that are likely, such as the names of projects, as a sentence or a list. At most
    /// [`Options::PROMPT_BYTES`] of it are used.
    pub prompt: Option<String>,
    /// Whether the time of each sentence matters. Without it a transcript is made a little faster, and each
    /// segment is as long as what was transcribed at once.
    pub wants_times: bool,
    /// Is told how far it is.
    pub progress: Option<Progress>,
    /// Cancelled, it ends the work at once with [`TranscriptionError::Cancelled`].
    pub cancel: CancellationToken,
}

impl Options {
    /// How much of a prompt is used. Whisper takes some 220 pieces of words.
    pub const PROMPT_BYTES: usize = 600;

    /// Tells whoever wants to know.
    pub(crate) fn tell(&self, done: f32) {
        if let Some(progress) = &self.progress {
            progress(done.clamp(0.0, 1.0));
        }
    }

    /// The prompt, as much of it as is used. Cut at the front: the end of a prompt counts most.
    pub(crate) fn prompt(&self) -> Option<String> {
        let prompt = self.prompt.as_deref()?.replace('\0', " ");
        let prompt = prompt.trim();
        let excess = prompt.len().saturating_sub(Self::PROMPT_BYTES);
        let start = (excess..=prompt.len()).find(|at| prompt.is_char_boundary(*at))?;
        let prompt = prompt[start..].trim();
        (!prompt.is_empty()).then(|| prompt.to_owned())
    }

    /// The language, where it is one that can be.
    ///
    /// # Errors
    /// It is no two or three letters.
    pub(crate) fn language(&self) -> Result<Option<String>, TranscriptionError> {
        let Some(language) = &self.language else {
            return Ok(None);
        };
        let is_code = matches!(language.len(), 2 | 3)
            && language.chars().all(|letter| letter.is_ascii_lowercase());
        if is_code {
            return Ok(Some(language.clone()));
        }
        Err(TranscriptionError::Setting {
            field: "language",
            reason: format!("{language:?} is no language; use its two letters, such as en or de"),
        })
    }
}

/// What was said.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Transcript {
    /// All of it, in one line.
    pub text: String,
    /// The same in timed pieces, in order.
    pub segments: Vec<Segment>,
    /// The language, as the transcriber names it; none where it does not say.
    pub language: Option<String>,
    /// How long the whole clip sounds.
    pub duration: Duration,
    /// Whether nothing was said. The text is empty then.
    pub is_silence: bool,
}

/// A timed piece of a transcript.
#[derive(Clone, Debug, PartialEq)]
pub struct Segment {
    /// When it begins, from the beginning of the clip.
    pub start: Duration,
    /// When it ends, never before the start.
    pub end: Duration,
    /// What was said, without blanks around it and never empty.
    pub text: String,
}

impl Transcript {
    /// That of a clip in which nobody speaks.
    pub fn silence(duration: Duration) -> Self {
        Self {
            duration,
            is_silence: true,
            ..Self::default()
        }
    }

    /// That of these segments. Those without text are left out; with none left, it is silence.
    pub fn of(segments: Vec<Segment>, language: Option<String>, duration: Duration) -> Self {
        let segments: Vec<Segment> = segments
            .into_iter()
            .map(|segment| Segment {
                text: in_one_line(&segment.text),
                end: segment.end.max(segment.start),
                start: segment.start,
            })
            .filter(|segment| !segment.text.is_empty())
            .collect();
        let texts: Vec<&str> = segments.iter().map(|part| part.text.as_str()).collect();
        Self {
            text: texts.join(" "),
            is_silence: segments.is_empty(),
            language,
            duration,
            segments,
        }
    }
}

fn in_one_line(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ")
}
