//! Operations on sound: what is said to the node, and what it says.
//!
//! Who hears and speaks is handed in, as the language models are: the operations know no recording from
//! another, and no microphone.

mod push_to_talk;
mod seat;
#[cfg(test)]
mod tests;
mod unheard;
mod utterance;

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use hearth_domain::Actor;
use hearth_store::projects::ProjectFilter;
use thiserror::Error;

pub use push_to_talk::{PttAct, PttFuture, PttStage, PttState, PttTurn, PushToTalk};
pub use seat::{Lane, Seat};
pub use unheard::Unheard;
pub use utterance::{Utterance, Uttered};

use crate::app::App;
use crate::authority::must_work;
use crate::error::{AppError, UnavailableCause};
use seat::Seats;

/// The longest text that is spoken, in bytes: about 20 minutes.
pub const SPOKEN_MAX_BYTES: usize = 20_000;

/// The longest that a recording may take. A slow machine needs about as long as it sounds.
const HEAR_WITHIN: Duration = Duration::from_hours(1);
/// The longest that making sound of a text may take.
const SPEAK_WITHIN: Duration = Duration::from_mins(5);
/// How many names of projects are named as likely words: more than fit into a prompt.
const NAMES_MAX: usize = 50;

/// Something that is being heard or spoken.
pub type VoiceFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, VoiceError>> + Send + 'a>>;

/// Makes text of recordings, and sound of text.
pub trait Voice: Send + Sync + 'static {
    /// Writes down what is said in a recording: the bytes of a file in any form that is read. Dropped, it
    /// stops and leaves nothing at work.
    fn transcribe(&self, recording: Bytes, wanted: Wanted) -> VoiceFuture<'_, Transcript>;

    /// Speaks a text; returns the bytes of a file. Dropped, it stops.
    fn speak(&self, speech: Speech) -> VoiceFuture<'_, Bytes>;
}

/// What is wanted of one transcript.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// The language spoken, as two letters such as `en`; none where it is to be found out.
    pub language: Option<String>,
    /// Words that are likely.
    pub prompt: Option<String>,
    /// Whether the time of each sentence matters.
    pub wants_times: bool,
}

/// What was said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Transcript {
    /// All of it, in one line; empty where nothing was said.
    pub text: String,
    /// The same in timed pieces, in order.
    pub segments: Vec<Segment>,
    /// The language; none where it is not known.
    pub language: Option<String>,
    /// How long the whole recording sounds.
    pub duration: Duration,
    /// Whether nobody spoke.
    pub is_silence: bool,
    /// Whether the recording breaks off in the middle: this is what there is of it.
    pub is_cut: bool,
}

/// A timed piece of a transcript.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// When it begins, from the beginning of the recording.
    pub start: Duration,
    /// When it ends.
    pub end: Duration,
    /// What was said.
    pub text: String,
}

/// Something to be spoken.
#[derive(Debug, Clone, PartialEq)]
pub struct Speech {
    /// What.
    pub text: String,
    /// As which kind of file.
    pub format: SpeechFormat,
    /// By which voice; none for the one of the settings.
    pub voice: Option<String>,
    /// How fast, where 1 is the speed of the settings.
    pub speed: f32,
}

/// The kinds of file that speech is made as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpeechFormat {
    /// WAV, 16 bits, mono.
    Wav,
    /// Ogg with Opus.
    Opus,
}

impl SpeechFormat {
    /// Returns the media type of such a file.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Wav => "audio/wav",
            Self::Opus => "audio/ogg",
        }
    }
}

/// Why something was not heard or spoken. Its words are for people, and name no path.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum VoiceError {
    /// Nothing is there to do it with. Says what to install or set.
    #[error("{0}")]
    NotSetUp(String),
    /// What was given cannot be used.
    #[error("{field} {problem}")]
    Refused {
        /// A stable word for the problem, such as `invalid_audio`.
        code: &'static str,
        /// Which field.
        field: &'static str,
        /// What is wrong with it, and what would be right; reads on from the field.
        problem: String,
    },
    /// As much waits as may.
    #[error("{0}")]
    Busy(String),
    /// It was tried and failed; another try may succeed.
    #[error("{0}")]
    Failed(String),
}

impl From<VoiceError> for AppError {
    fn from(error: VoiceError) -> Self {
        match error {
            VoiceError::Refused {
                code,
                field,
                problem,
            } => Self::InvalidInput {
                code,
                field: field.into(),
                problem,
                unaccepted: None,
            },
            VoiceError::Busy(detail) => Self::Unavailable {
                cause: UnavailableCause::Busy,
                detail,
            },
            VoiceError::NotSetUp(detail) => Self::Unavailable {
                cause: UnavailableCause::NoVoice,
                detail,
            },
            VoiceError::Failed(detail) => Self::Unavailable {
                cause: UnavailableCause::VoiceFailed,
                detail,
            },
        }
    }
}

/// Who hears and speaks for a node, and how much of it is under way.
#[derive(Default)]
pub(crate) struct VoiceSlot {
    voice: OnceLock<Arc<dyn Voice>>,
    ptt: OnceLock<Arc<dyn PushToTalk>>,
    seats: Seats,
}

impl VoiceSlot {
    pub(crate) fn push_to_talk(&self) -> &OnceLock<Arc<dyn PushToTalk>> {
        &self.ptt
    }
}

impl App {
    /// Says who hears and speaks. Once; a later call changes nothing.
    pub fn set_voice(&self, voice: Arc<dyn Voice>) {
        // Set already: the first one stays.
        let _ = self.voice_slot().voice.set(voice);
    }

    /// Takes a place for something that a caller wants heard or spoken. It is asked for before the bytes of a
    /// recording are read, so that no more are held than can be dealt with.
    ///
    /// # Errors
    /// The caller may only read; too much is under way.
    pub fn take_seat(&self, actor: &Actor, lane: Lane) -> Result<Seat, AppError> {
        must_work(actor, "have anything heard or spoken")?;
        Ok(self.voice_slot().seats.take(actor.clone(), lane)?)
    }

    /// Writes down what is said in a recording. The names of projects are made likely words.
    ///
    /// # Errors
    /// Nothing is set up to transcribe; the recording cannot be used; it failed.
    pub async fn transcribe(
        &self,
        seat: &Seat,
        recording: Bytes,
        wanted: Wanted,
    ) -> Result<Transcript, AppError> {
        Ok(self.hear(seat, recording, wanted).await??)
    }

    /// Speaks a text; returns the bytes of a file.
    ///
    /// # Errors
    /// The caller may only read; the text is empty or too long; there is no such voice; nothing is there
    /// to speak with; too much is under way; it failed.
    pub async fn speak(&self, actor: &Actor, speech: Speech) -> Result<Bytes, AppError> {
        let seat = self.take_seat(actor, Lane::Speech)?;
        if speech.text.trim().is_empty() {
            return Err(AppError::invalid("input", "must not be empty"));
        }
        if speech.text.len() > SPOKEN_MAX_BYTES {
            let problem = format!("must be at most {SPOKEN_MAX_BYTES} bytes; say it in parts");
            return Err(AppError::invalid("input", problem));
        }
        if !(0.25..=4.0).contains(&speech.speed) {
            return Err(AppError::invalid("speed", "must be between 0.25 and 4"));
        }
        let voice = self.voice()?;
        Ok(seat.run(SPEAK_WITHIN, voice.speak(speech)).await?)
    }

    async fn hear(
        &self,
        seat: &Seat,
        recording: Bytes,
        wanted: Wanted,
    ) -> Result<Result<Transcript, VoiceError>, AppError> {
        let voice = match self.voice() {
            Ok(voice) => voice,
            Err(missing) => return Ok(Err(missing)),
        };
        let prompt = self.likely_words(wanted.prompt.as_deref()).await?;
        let wanted = Wanted { prompt, ..wanted };
        let hearing = voice.transcribe(recording, wanted);
        Ok(seat.run(HEAR_WITHIN, hearing).await)
    }

    /// The names of projects, and after them what the caller says, since the end of a prompt counts most.
    async fn likely_words(&self, asked: Option<&str>) -> Result<Option<String>, AppError> {
        let page = self
            .list_projects(ProjectFilter::default(), None, NAMES_MAX)
            .await?;
        let names: Vec<&str> = page
            .items
            .iter()
            .map(|project| project.name.as_str())
            .collect();
        let names = (!names.is_empty()).then(|| format!("{}.", names.join(", ")));
        let asked = asked.map(str::trim).filter(|asked| !asked.is_empty());
        let parts: Vec<&str> = names.as_deref().into_iter().chain(asked).collect();
        Ok((!parts.is_empty()).then(|| parts.join(" ")))
    }

    fn voice(&self) -> Result<Arc<dyn Voice>, VoiceError> {
        let voice = self.voice_slot().voice.get().cloned();
        voice.ok_or_else(|| {
            VoiceError::NotSetUp("nothing here hears or speaks yet; try again in a moment".into())
        })
    }
}
