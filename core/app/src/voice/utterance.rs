//! Something said to the chief of staff as sound, and what came of it.

use bytes::Bytes;
use hearth_domain::artifact::MediaType;
use hearth_domain::{ArtifactId, ConversationId};
use tracing::warn;

use super::{Seat, Transcript, VoiceError, Wanted};
use crate::app::App;
use crate::chat::{Answered, Saying};
use crate::error::AppError;
use crate::tasks::Once;

/// Something said to the chief of staff, as sound.
#[derive(Clone)]
pub struct Utterance {
    /// The bytes of the recording.
    pub recording: Bytes,
    /// What they are said to be.
    pub media_type: MediaType,
    /// The language spoken; none where it is to be found out.
    pub language: Option<String>,
    /// The conversation of the caller's; without one, it begins one.
    pub conversation: Option<ConversationId>,
    /// The name of the request, by which a repeated one gets the same answer.
    pub once: Option<Once>,
}

/// What came of an utterance.
#[derive(Debug, Clone, PartialEq)]
pub struct Uttered {
    /// What was heard.
    pub transcript: Transcript,
    /// What was answered; none where nothing was said.
    pub answer: Option<Answered>,
}

impl App {
    /// Hears what is said to the chief of staff, and has it answered. A recording that cannot be heard for
    /// want of something on this machine is kept as an artifact, once.
    ///
    /// # Errors
    /// As for [`App::transcribe`] and [`App::say`].
    pub async fn utter(&self, seat: &Seat, utterance: Utterance) -> Result<Uttered, AppError> {
        let Utterance {
            recording,
            media_type,
            language,
            conversation,
            once,
        } = utterance;
        let wanted = Wanted {
            language,
            ..Wanted::default()
        };
        let transcript = match self.hear(seat, recording.clone(), wanted).await? {
            Ok(transcript) => transcript,
            Err(error @ (VoiceError::NotSetUp(_) | VoiceError::Failed(_))) => {
                let kept = self
                    .keep_recording(seat.actor(), &recording, media_type)
                    .await;
                return Err(with_kept(error, kept));
            }
            Err(error) => return Err(error.into()),
        };
        if transcript.is_silence {
            return Ok(Uttered {
                transcript,
                answer: None,
            });
        }
        let saying = Saying {
            conversation,
            text: transcript.text.clone(),
            once,
            listener: None,
        };
        let answer = Some(self.say(seat.actor(), saying).await?);
        Ok(Uttered { transcript, answer })
    }
}

/// Says of a recording that was not heard where it is.
fn with_kept(error: VoiceError, kept: Result<ArtifactId, AppError>) -> AppError {
    let add = match kept {
        Ok(id) => format!(". The recording is kept as artifact {id}"),
        Err(problem) => {
            warn!(%problem, "a recording that was not heard could not be kept");
            ". The recording could not be kept; keep yours".into()
        }
    };
    match error {
        VoiceError::NotSetUp(detail) => VoiceError::NotSetUp(detail + &add).into(),
        VoiceError::Failed(detail) => VoiceError::Failed(detail + &add).into(),
        other => other.into(),
    }
}
