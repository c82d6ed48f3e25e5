//! Artifacts.

use hearth_app::artifacts::StoreArtifact;
use hearth_app::tasks::TaskRef;
use hearth_domain::artifact::{self, MediaType};
use hearth_domain::field::{AgentName, InvalidField, Name, Word};
use hearth_domain::policy::Labels;
use hearth_domain::{ArtifactId, JsonObject};
use serde::de::{Deserializer, Error, Visitor};
use serde::{Deserialize, Serialize};
use utoipa::openapi::path::{Parameter, ParameterIn};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::field::parse;
use super::scalar;
use super::time::Time;
use super::trust::Trust;
use crate::cursor;
use crate::problem::Problem;
use crate::query::{FromQuery, Pairs, page_parameters};

/// What a run produced or somebody handed in, without its bytes.
#[derive(Serialize, ToSchema)]
pub(crate) struct Artifact<'a> {
    /// Identifies it.
    id: Uuid,
    /// The task it belongs to; null while it waits for one.
    #[schema(required = true)]
    task_id: Option<Uuid>,
    /// What sort it is, such as `report`.
    #[schema(min_length = 1, max_length = 50)]
    r#type: &'a str,
    /// A name for people. Never a path.
    #[schema(required = true)]
    name: Option<&'a str>,
    /// What its bytes are.
    media_type: &'a str,
    /// How many bytes.
    size_bytes: u64,
    /// SHA-256 of the bytes, in hexadecimal.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    sha256: String,
    /// Where the bytes are.
    storage_url: String,
    /// Whatever its maker keeps with it.
    #[schema(value_type = Object)]
    metadata: &'a JsonObject,
    /// Whose its bytes are.
    trust: Trust,
    /// Who made it.
    created_by: &'a str,
    /// When.
    created_at: Time,
}

/// A page of artifacts.
#[derive(Serialize, ToSchema)]
pub(crate) struct ArtifactPage<'a> {
    /// The artifacts, in the list's order.
    pub(crate) items: Vec<Artifact<'a>>,
    /// Where the next page begins; null at the end.
    #[schema(required = true)]
    pub(crate) next_cursor: Option<String>,
}

impl<'a> From<&'a artifact::Artifact> for Artifact<'a> {
    fn from(artifact: &'a artifact::Artifact) -> Self {
        Self {
            id: artifact.id.0,
            task_id: artifact.task_id.map(|id| id.0),
            r#type: artifact.kind.as_str(),
            name: artifact.name.as_ref().map(Name::as_str),
            media_type: artifact.media_type.as_str(),
            size_bytes: artifact.size_bytes,
            sha256: artifact.hash.to_string(),
            storage_url: artifact.storage_url(),
            metadata: &artifact.metadata,
            trust: artifact.labels.into(),
            created_by: &artifact.created_by,
            created_at: Time(artifact.created_at),
        }
    }
}

/// An artifact to be stored, bytes and all; as JSON up to 16 MiB, larger ones as a form.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateArtifact {
    /// The task it belongs to, by its UUID or number; without one it waits for a task.
    #[serde(default)]
    #[schema(value_type = Option<scalar::TaskKey>)]
    task_id: Option<TaskKey>,
    /// What sort it is, such as `report`.
    #[schema(value_type = scalar::Word)]
    r#type: String,
    /// A name for people. Never used as a path.
    #[schema(value_type = Option<scalar::Name>)]
    name: Option<String>,
    /// What its bytes are; text or unknown bytes unless told.
    #[schema(value_type = Option<scalar::MediaType>)]
    media_type: Option<String>,
    /// The bytes, as text.
    pub(crate) content: Option<String>,
    /// The bytes, in base64.
    #[schema(content_encoding = "base64")]
    pub(crate) content_base64: Option<String>,
    /// Whatever its maker keeps with it; at most 256 KiB.
    #[schema(value_type = Option<Object>)]
    metadata: Option<JsonObject>,
    /// In whose name it is stored, where that is not the caller.
    #[schema(value_type = Option<scalar::AgentName>)]
    agent: Option<String>,
    /// The fence of the claim, where an agent asks.
    #[schema(value_type = Option<scalar::Fence>)]
    fence: Option<u64>,
}

/// An artifact to be stored, as a form. The file comes last.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "it describes a form that is read part by part")]
pub(crate) struct ArtifactForm {
    /// What sort it is, such as `report`.
    #[schema(value_type = scalar::Word)]
    r#type: String,
    /// A name for people; the file's own unless told.
    #[schema(value_type = Option<scalar::Name>)]
    name: Option<String>,
    /// The task it belongs to, by its UUID or number.
    #[schema(value_type = Option<scalar::TaskKey>)]
    task_id: Option<String>,
    /// What its bytes are; what the file's part says unless told.
    #[schema(value_type = Option<scalar::MediaType>)]
    media_type: Option<String>,
    /// In whose name it is stored, where that is not the caller.
    #[schema(value_type = Option<scalar::AgentName>)]
    agent: Option<String>,
    /// The fence of the claim, where an agent asks.
    #[schema(value_type = Option<scalar::Fence>)]
    fence: Option<String>,
    /// Whatever its maker keeps with it, as a JSON object.
    metadata: Option<String>,
    /// The bytes.
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
}

impl CreateArtifact {
    /// Reads everything but the bytes, which are of `media_type` unless the caller says otherwise.
    pub(crate) fn read(self, media_type: MediaType) -> Result<StoreArtifact, InvalidField> {
        let given = self.media_type;
        Ok(StoreArtifact {
            task: self.task_id.map(|key| key.0),
            agent: self
                .agent
                .map(|agent| AgentName::parse("agent", &agent))
                .transpose()?,
            fence: self.fence,
            kind: Word::parse("type", &self.r#type)?,
            name: self.name.as_deref().map(file_name).transpose()?,
            media_type: given.map_or(Ok(media_type), |text| parse("media_type", &text))?,
            metadata: self.metadata.unwrap_or_default(),
            labels: Labels::default(),
            within: None,
        })
    }
}

/// Takes the last component of a name that may be a path on somebody's machine.
pub(crate) fn file_name(text: &str) -> Result<Name, InvalidField> {
    let last = text.rsplit(['/', '\\']).next().unwrap_or_default();
    if matches!(last.trim(), "." | "..") {
        return Err(InvalidField::new("name", "must be the name of a file"));
    }
    Name::parse("name", last)
}

/// A task's UUID or number.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TaskKey(pub(crate) TaskRef);

impl<'de> Deserialize<'de> for TaskKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TaskKeyVisitor)
    }
}

struct TaskKeyVisitor;

impl Visitor<'_> for TaskKeyVisitor {
    type Value = TaskKey;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a task's UUID or its number")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<TaskKey, E> {
        text.parse()
            .map(TaskKey)
            .map_err(|error: InvalidField| E::custom(error.problem))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<TaskKey, E> {
        let number = i64::try_from(number).map_err(|_| E::custom("is no number of a task"))?;
        Ok(TaskKey(TaskRef::Number(number)))
    }
}

/// What a list of a task's artifacts is asked for.
pub(crate) struct ListArtifacts {
    pub(crate) cursor: Option<ArtifactId>,
    pub(crate) limit: usize,
}

/// The list's name in its cursors.
const LIST: &str = "artifacts";

impl FromQuery for ListArtifacts {
    const PARAMETERS: &'static [&'static str] = &["cursor", "limit"];

    fn read(query: &Pairs) -> Result<Self, Problem> {
        let cursor = query.one("cursor")?;
        Ok(Self {
            cursor: cursor
                .map(|cursor| cursor::read(LIST, cursor, |id| id.parse().ok()))
                .transpose()?,
            limit: query.limit()?,
        })
    }
}

impl ListArtifacts {
    pub(crate) fn next_cursor(next: ArtifactId) -> String {
        cursor::write(LIST, next)
    }
}

impl IntoParams for ListArtifacts {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        page_parameters()
    }
}
