//! Something said to the chief of staff as sound, and what came of it.

use std::sync::Arc;

use bytes::Bytes;
use hearth_domain::artifact::MediaType;
use hearth_domain::field::Word;
use hearth_domain::policy::Labels;
use hearth_domain::{Actor, ArtifactId, ConversationId, JsonObject};
use sha2::{Digest, Sha256};
use tracing::warn;

use super::{Transcript, VoiceError, Wanted};
use crate::app::App;
use crate::artifacts::StoreArtifact;
use crate::chat::{Answered, Saying};
use crate::error::AppError;
use crate::tasks::Once;

/// Is told what was heard, before it is answered.
pub type HeardListener = Arc<dyn Fn(&Transcript) + Send + Sync>;

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
    /// Who is told what was heard, before it is answered.
    pub heard: Option<HeardListener>,
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
    pub async fn utter(&self, actor: &Actor, utterance: Utterance) -> Result<Uttered, AppError> {
        self.may_be_heard(actor)?;
        let Utterance {
            recording,
            media_type,
            language,
            conversation,
            once,
            heard,
        } = utterance;
        let wanted = Wanted {
            language,
            ..Wanted::default()
        };
        let transcript = match self.hear(recording.clone(), wanted).await? {
            Ok(transcript) => transcript,
            Err(error @ (VoiceError::NotSetUp(_) | VoiceError::Failed(_))) => {
                let kept = self.keep_recording(actor, &recording, media_type).await;
                return Err(with_kept(error, kept));
            }
            Err(error) => return Err(error.into()),
        };
        if let Some(heard) = heard {
            heard(&transcript);
        }
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
        let answer = Some(self.say(actor, saying).await?);
        Ok(Uttered { transcript, answer })
    }

    /// Keeps a recording as an artifact; the same one of the same caller once.
    ///
    /// # Errors
    /// As for [`App::create_artifact`].
    pub async fn keep_recording(
        &self,
        actor: &Actor,
        recording: &Bytes,
        media_type: MediaType,
    ) -> Result<ArtifactId, AppError> {
        let mut writer = self.begin_artifact(actor).await?;
        for piece in recording.chunks(256 * 1024) {
            writer.write(piece).await?;
        }
        let blob = writer.finish().await?;
        let new = StoreArtifact {
            task: None,
            agent: None,
            fence: None,
            kind: Word::from_stored("recording".into()),
            name: Some("a recording that was not heard".parse()?),
            media_type,
            metadata: JsonObject::new(),
            labels: Labels::UNTRUSTED,
            within: None,
        };
        let id = recording_id(actor, recording);
        let artifact = self.create_artifact_once(actor, id, new, blob).await?;
        Ok(artifact.id)
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

/// Names a recording of a caller by what it is, so that one that comes again is kept once.
fn recording_id(actor: &Actor, recording: &Bytes) -> ArtifactId {
    let digest: [u8; 32] = Sha256::new()
        .chain_update(actor.name())
        .chain_update([0])
        .chain_update(recording)
        .finalize()
        .into();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    ArtifactId(uuid::Builder::from_custom_bytes(bytes).into_uuid())
}
