//! Operations on artifacts.

use hearth_domain::artifact::{Artifact, MediaType, NewArtifact};
use hearth_domain::field::{AgentName, Name, Word, json_within};
use hearth_domain::policy::Labels;
use hearth_domain::{Actor, ArtifactId, JsonObject, RunId};
use hearth_store::{Page, artifacts};
use tokio::fs::File;

use crate::app::App;
use crate::authority::{must_act_as, must_hold, must_work};
use crate::blobs::{BlobWriter, StoredBlob};
use crate::error::AppError;
use crate::tasks::{TaskRef, find};
use crate::trust;

/// What an artifact is to be called, its bytes being stored.
#[derive(Debug, Clone, PartialEq)]
pub struct StoreArtifact {
    /// The task it belongs to; none leaves it waiting for one.
    pub task: Option<TaskRef>,
    /// In whose name, where that is not the caller.
    pub agent: Option<AgentName>,
    /// The fence of its claim, where an agent asks.
    pub fence: Option<u64>,
    /// What sort it is.
    pub kind: Word,
    /// A name for people.
    pub name: Option<Name>,
    /// What its bytes are.
    pub media_type: MediaType,
    /// Whatever its maker keeps with it.
    pub metadata: JsonObject,
    /// Whose its bytes are, at least; the labels of whoever makes it are added ([`crate::trust`]).
    pub labels: Labels,
    /// The run that makes it, where an agent of the node does.
    pub within: Option<RunId>,
}

impl App {
    /// Begins to store bytes, for [`App::create_artifact`]; what is not finished is removed.
    ///
    /// # Errors
    /// The caller may only read; the disk is full.
    pub async fn begin_artifact(&self, actor: &Actor) -> Result<BlobWriter, AppError> {
        must_work(actor, "store an artifact")?;
        let max_bytes = self.config().artifact_max_bytes;
        self.blobs().writer(max_bytes).await
    }

    /// Stores an artifact, its bytes being stored.
    ///
    /// # Errors
    /// Its task is not there; an agent asks that does not hold the task; a field is too large.
    pub async fn create_artifact(
        &self,
        actor: &Actor,
        new: StoreArtifact,
        blob: StoredBlob,
    ) -> Result<Artifact, AppError> {
        let id = ArtifactId(self.ids().next_uuid());
        self.create_artifact_once(actor, id, new, blob).await
    }

    /// As [`App::create_artifact`], under an identifier that the caller made; where an artifact has
    /// it already, it was made by an earlier call and is returned as it is.
    ///
    /// # Errors
    /// See [`App::create_artifact`].
    pub async fn create_artifact_once(
        &self,
        actor: &Actor,
        id: ArtifactId,
        new: StoreArtifact,
        blob: StoredBlob,
    ) -> Result<Artifact, AppError> {
        must_work(actor, "store an artifact")?;
        json_within("metadata", &new.metadata)?;
        let author = match new.agent {
            Some(agent) => {
                must_act_as(actor, &agent)?;
                Actor::Agent(agent)
            }
            None => actor.clone(),
        };
        let now = self.now();
        self.store()
            .write(move |tx| {
                if let Some(made) = artifacts::get(tx, id)? {
                    return Ok(made);
                }
                let task_id = match new.task {
                    Some(task) => {
                        let task = find(tx, task)?;
                        must_hold(&author, &task, new.fence)?;
                        Some(task.id)
                    }
                    None => None,
                };
                let labels = new.labels.and(trust::of_author(tx, &author, new.within)?);
                let row = NewArtifact {
                    task_id,
                    kind: new.kind,
                    name: new.name,
                    media_type: new.media_type,
                    size_bytes: blob.size_bytes,
                    hash: blob.hash,
                    metadata: new.metadata,
                    labels,
                };
                Ok::<_, AppError>(artifacts::insert(
                    tx,
                    Artifact::create(id, row, &author, now),
                )?)
            })
            .await
    }

    /// Returns an artifact, without its bytes.
    ///
    /// # Errors
    /// There is none.
    pub fn get_artifact(&self, id: ArtifactId) -> Result<Artifact, AppError> {
        self.store().read_now(|tx| {
            artifacts::get(tx, id)?.ok_or_else(|| AppError::not_found("artifact", id))
        })
    }

    /// Returns an artifact and its bytes, as an open file.
    ///
    /// # Errors
    /// There is none; the bytes are not where they should be.
    pub async fn open_artifact(&self, id: ArtifactId) -> Result<(Artifact, File), AppError> {
        let artifact = self.get_artifact(id)?;
        let file = self.blobs().open_content(artifact.hash).await?;
        Ok((artifact, file))
    }

    /// Returns a page of a task's artifacts, oldest first.
    ///
    /// # Errors
    /// There is no such task.
    pub async fn list_artifacts(
        &self,
        task: TaskRef,
        cursor: Option<ArtifactId>,
        limit: usize,
    ) -> Result<Page<Artifact, ArtifactId>, AppError> {
        self.store()
            .read(move |tx| {
                let task = find(tx, task)?;
                Ok(artifacts::list_by_task(tx, task.id, cursor, limit)?)
            })
            .await
    }
}

#[cfg(test)]
mod tests;
