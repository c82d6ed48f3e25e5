//! Artifacts: what runs produce and what people hand in. The bytes lie elsewhere, under their hash.

use std::fmt;
use std::str::FromStr;

use crate::actor::Actor;
use crate::change::Change;
use crate::clock::Timestamp;
use crate::event::{ArtifactFacts, EventKind};
use crate::field::{InvalidField, JsonObject, Name, Word};
use crate::id::{ArtifactId, TaskId};
use crate::policy::Labels;

/// SHA-256 of an artifact's bytes; equal bytes are stored once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContentHash(pub [u8; 32]);

impl fmt::Display for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// A media type such as `text/plain; charset=utf-8`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MediaType(String);

impl MediaType {
    /// For bytes of which nothing is known.
    pub fn octet_stream() -> Self {
        Self("application/octet-stream".into())
    }

    /// For text.
    pub fn plain_text() -> Self {
        Self("text/plain; charset=utf-8".into())
    }

    /// Takes one that was checked before it was stored.
    pub fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for MediaType {
    type Err = InvalidField;

    /// Takes `type/subtype` with parameters, in printable ASCII, so that it is safe as a header.
    fn from_str(text: &str) -> Result<Self, InvalidField> {
        let essence = text.split(';').next().unwrap_or_default().trim();
        let is_token = |part: &str| {
            !part.is_empty()
                && part
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || "!#$&-^_.+".contains(c))
        };
        let has_form = essence
            .split_once('/')
            .is_some_and(|(kind, sub)| is_token(kind) && is_token(sub));
        let is_printable =
            text.len() <= 200 && text.chars().all(|c| c == ' ' || c.is_ascii_graphic());
        if has_form && is_printable {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidField::new(
                "media_type",
                "must be a media type such as text/markdown",
            ))
        }
    }
}

/// One artifact.
#[derive(Debug, Clone, PartialEq)]
pub struct Artifact {
    /// Identifies it.
    pub id: ArtifactId,
    /// The task it belongs to; none while it waits for one to take it.
    pub task_id: Option<TaskId>,
    /// What sort it is, such as `report`.
    pub kind: Word,
    /// A name for people. Never used as a path.
    pub name: Option<Name>,
    /// What the bytes are.
    pub media_type: MediaType,
    /// How many bytes.
    pub size_bytes: u64,
    /// Where the bytes are.
    pub hash: ContentHash,
    /// Whatever its maker keeps with it.
    pub metadata: JsonObject,
    /// Whose its bytes are.
    pub labels: Labels,
    /// Who made it.
    pub created_by: String,
    /// When.
    pub created_at: Timestamp,
}

/// The fields a new artifact is made from, its bytes being stored already.
#[derive(Debug, Clone, PartialEq)]
pub struct NewArtifact {
    /// See [`Artifact::task_id`].
    pub task_id: Option<TaskId>,
    /// See [`Artifact::kind`].
    pub kind: Word,
    /// See [`Artifact::name`].
    pub name: Option<Name>,
    /// See [`Artifact::media_type`].
    pub media_type: MediaType,
    /// See [`Artifact::size_bytes`].
    pub size_bytes: u64,
    /// See [`Artifact::hash`].
    pub hash: ContentHash,
    /// See [`Artifact::metadata`].
    pub metadata: JsonObject,
    /// See [`Artifact::labels`].
    pub labels: Labels,
}

impl Artifact {
    /// Makes an artifact.
    pub fn create(id: ArtifactId, new: NewArtifact, by: &Actor, now: Timestamp) -> Change<Self> {
        let after = Self {
            id,
            task_id: new.task_id,
            kind: new.kind,
            name: new.name,
            media_type: new.media_type,
            size_bytes: new.size_bytes,
            hash: new.hash,
            metadata: new.metadata,
            labels: new.labels,
            created_by: by.name().to_owned(),
            created_at: now,
        };
        let event = EventKind::ArtifactCreated(after.facts());
        Change { after, event }
    }

    /// Gives it to a task.
    ///
    /// # Errors
    /// An artifact belongs to one task for good.
    pub fn attach(mut self, task: TaskId) -> Result<Change<Self>, InvalidField> {
        if self.task_id.is_some() {
            return Err(InvalidField::new(
                "artifacts",
                format!("{} already belongs to a task", self.id),
            ));
        }
        self.task_id = Some(task);
        let event = EventKind::ArtifactAttached(self.facts());
        Ok(Change { after: self, event })
    }

    /// Returns the address of its bytes on this node.
    pub fn storage_url(&self) -> String {
        format!("cas:sha256:{}", self.hash)
    }

    fn facts(&self) -> ArtifactFacts {
        ArtifactFacts {
            artifact_id: self.id,
            task_id: self.task_id,
            kind: self.kind.clone(),
            name: self.name.clone(),
            media_type: self.media_type.as_str().to_owned(),
            size_bytes: self.size_bytes,
            sha256: self.hash.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn artifact() -> Artifact {
        let new = NewArtifact {
            task_id: None,
            kind: "report".parse().unwrap(),
            name: Some("../../etc/passwd".parse().unwrap()),
            media_type: MediaType::octet_stream(),
            size_bytes: 3,
            hash: ContentHash([0xab; 32]),
            metadata: JsonObject::new(),
            labels: Labels::default(),
        };
        let id = ArtifactId(Uuid::from_u128(1));
        Artifact::create(id, new, &Actor::Owner, Timestamp::from_millis(0)).after
    }

    #[test]
    fn the_address_of_the_bytes_is_their_hash_and_nothing_else() {
        assert_eq!(
            artifact().storage_url(),
            format!("cas:sha256:{}", "ab".repeat(32))
        );
    }

    #[test]
    fn an_artifact_belongs_to_one_task_for_good() {
        let change = artifact().attach(TaskId(Uuid::from_u128(2))).unwrap();
        assert_eq!(change.event.type_name(), "artifact.attached");

        let again = change.after.attach(TaskId(Uuid::from_u128(3)));

        assert_eq!(again.unwrap_err().field, "artifacts");
    }

    #[test]
    fn a_media_type_is_safe_as_a_header() {
        for good in [
            "text/plain",
            "text/plain; charset=utf-8",
            "application/vnd.api+json",
            "image/svg+xml",
        ] {
            assert_eq!(good.parse::<MediaType>().unwrap().as_str(), good);
        }
        let long = format!("text/{}", "x".repeat(200));
        for bad in [
            "",
            "text",
            "text/",
            "/plain",
            "a b/c",
            "text/plain\r\nX: y",
            "text/plain; a=\u{fc}",
            "text/a/b",
            &long,
        ] {
            assert!(bad.parse::<MediaType>().is_err(), "{bad:?} was taken");
        }
        assert!(
            MediaType::plain_text()
                .as_str()
                .parse::<MediaType>()
                .is_ok()
        );
        assert!(
            MediaType::octet_stream()
                .as_str()
                .parse::<MediaType>()
                .is_ok()
        );
    }
}
