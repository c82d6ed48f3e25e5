//! Recordings that were not heard: kept, so that nothing that was said is lost.

use bytes::Bytes;
use hearth_domain::artifact::MediaType;
use hearth_domain::field::{AgentName, Name, OWNER, Title, Word};
use hearth_domain::policy::Labels;
use hearth_domain::task::NewTask;
use hearth_domain::{Actor, ArtifactId, JsonObject};
use sha2::{Digest, Sha256};

use crate::app::App;
use crate::artifacts::StoreArtifact;
use crate::blobs::StoredBlob;
use crate::error::AppError;
use crate::inbox::FromFile;
use crate::tasks::Once;

/// A recording of the owner's that was not heard, and that nobody can send again.
#[derive(Debug, Clone)]
pub struct Unheard {
    /// The bytes of the recording.
    pub recording: Bytes,
    /// What they are.
    pub media_type: MediaType,
    /// The sort of artifact that it is kept as, such as `voice-note`.
    pub kind: Word,
    /// What it is called.
    pub name: Name,
    /// What the owner is to do about it.
    pub title: Title,
}

impl App {
    /// Keeps a recording as an artifact; the same one of the same caller once.
    ///
    /// # Errors
    /// As for [`App::create_artifact`].
    pub(super) async fn keep_recording(
        &self,
        actor: &Actor,
        recording: &Bytes,
        media_type: MediaType,
    ) -> Result<ArtifactId, AppError> {
        let blob = self.store_recording(actor, recording).await?;
        let kind = Word::from_stored("recording".into());
        let name = "a recording that was not heard".parse()?;
        let new = artifact(kind, name, media_type);
        let id = recording_id(actor, recording);
        let artifact = self.create_artifact_once(actor, id, new, blob).await?;
        Ok(artifact.id)
    }

    /// Keeps a recording with a task for the owner, who is to listen to it; once for each `once`. Returns the
    /// task's number.
    ///
    /// # Errors
    /// As for [`App::create_task_from_file`].
    pub async fn keep_unheard(
        &self,
        actor: &Actor,
        unheard: Unheard,
        once: Once,
    ) -> Result<i64, AppError> {
        let blob = self.store_recording(actor, &unheard.recording).await?;
        let artifact = artifact(unheard.kind, unheard.name, unheard.media_type);
        let new = NewTask {
            assigned_to: Some(AgentName::from_stored(OWNER.into())),
            ..NewTask::titled(unheard.title)
        };
        let with = FromFile {
            artifact: Some((artifact, blob)),
            notice: None,
        };
        let created = self.create_task_from_file(actor, new, with, once).await?;
        Ok(created.view.task.number)
    }

    async fn store_recording(
        &self,
        actor: &Actor,
        recording: &Bytes,
    ) -> Result<StoredBlob, AppError> {
        let mut writer = self.begin_artifact(actor).await?;
        for piece in recording.chunks(256 * 1024) {
            writer.write(piece).await?;
        }
        writer.finish().await
    }
}

fn artifact(kind: Word, name: Name, media_type: MediaType) -> StoreArtifact {
    StoreArtifact {
        task: None,
        agent: None,
        fence: None,
        kind,
        name: Some(name),
        media_type,
        metadata: JsonObject::new(),
        labels: Labels::UNTRUSTED,
        within: None,
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
