//! Projects.

use hearth_app::projects::ProjectFilter;
use hearth_domain::field::{InvalidField, Name};
use hearth_domain::project::{self, NewProject, ProjectPatch};
use hearth_domain::{JsonObject, ProjectId};
use serde::{Deserialize, Serialize};
use utoipa::openapi::path::{Parameter, ParameterIn};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::field::{not_null, or_null, parse};
use super::scalar::{self, schema_of};
use super::time::Time;
use crate::cursor;
use crate::problem::Problem;
use crate::query::{FromQuery, Pairs, many_parameter, one_parameter, page_parameters};

/// A body of work.
#[derive(Serialize, ToSchema)]
pub(crate) struct Project<'a> {
    /// Identifies it.
    id: Uuid,
    /// What people call it; unique.
    #[schema(min_length = 1, max_length = 200)]
    name: &'a str,
    /// What it is about; may be empty.
    #[schema(max_length = 100_000)]
    description: &'a str,
    /// Whether it is being worked on.
    #[schema(value_type = scalar::ProjectStatus)]
    status: &'static str,
    /// Whatever callers keep with it.
    #[schema(value_type = Object)]
    metadata: &'a JsonObject,
    /// Rises by one with every change; also its ETag.
    #[schema(minimum = 1)]
    version: u64,
    /// When it was made.
    created_at: Time,
    /// When it last changed.
    updated_at: Time,
}

/// A page of projects.
#[derive(Serialize, ToSchema)]
pub(crate) struct ProjectPage<'a> {
    /// The projects, in the list's order.
    pub(crate) items: Vec<Project<'a>>,
    /// Where the next page begins; null at the end.
    #[schema(required = true)]
    pub(crate) next_cursor: Option<String>,
}

impl<'a> From<&'a project::Project> for Project<'a> {
    fn from(project: &'a project::Project) -> Self {
        Self {
            id: project.id.0,
            name: project.name.as_str(),
            description: &project.description,
            status: project.status.as_str(),
            metadata: &project.metadata,
            version: project.version,
            created_at: Time(project.created_at),
            updated_at: Time(project.updated_at),
        }
    }
}

/// A project to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateProject {
    /// What people call it; unique.
    #[schema(value_type = scalar::Name)]
    name: String,
    /// What it is about.
    #[schema(value_type = Option<scalar::Description>)]
    description: Option<String>,
    /// Whether it is being worked on; `active` unless told.
    #[schema(value_type = Option<scalar::ProjectStatus>)]
    status: Option<String>,
    /// Whatever callers keep with it; at most 256 KiB.
    #[schema(value_type = Option<Object>)]
    metadata: Option<JsonObject>,
}

impl CreateProject {
    pub(crate) fn read(self) -> Result<NewProject, InvalidField> {
        Ok(NewProject {
            name: Name::parse("name", &self.name)?,
            description: self.description.unwrap_or_default(),
            status: self
                .status
                .map(|status| parse("status", &status))
                .transpose()?
                .unwrap_or_default(),
            metadata: self.metadata.unwrap_or_default(),
        })
    }
}

/// The fields of a project to change; what is left out stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(
    clippy::option_option,
    reason = "left out, emptied and set are three things"
)]
pub(crate) struct UpdateProject {
    /// What people call it; unique.
    #[serde(default, deserialize_with = "not_null")]
    #[schema(value_type = scalar::Name, required = false)]
    name: Option<String>,
    /// What it is about; null empties it.
    #[serde(default, deserialize_with = "or_null")]
    #[schema(value_type = Option<scalar::Description>)]
    description: Option<Option<String>>,
    /// Whether it is being worked on.
    #[serde(default, deserialize_with = "not_null")]
    #[schema(value_type = scalar::ProjectStatus, required = false)]
    status: Option<String>,
    /// Merged key by key; a null removes its key.
    #[serde(default, deserialize_with = "not_null")]
    #[schema(value_type = Object, required = false)]
    metadata: Option<JsonObject>,
}

impl UpdateProject {
    pub(crate) fn read(self) -> Result<ProjectPatch, InvalidField> {
        Ok(ProjectPatch {
            name: self
                .name
                .map(|name| Name::parse("name", &name))
                .transpose()?,
            description: self.description.map(Option::unwrap_or_default),
            status: self
                .status
                .map(|status| parse("status", &status))
                .transpose()?,
            metadata: self.metadata,
        })
    }
}

/// What a list of projects is asked for.
pub(crate) struct ListProjects {
    pub(crate) filter: ProjectFilter,
    pub(crate) cursor: Option<ProjectId>,
    pub(crate) limit: usize,
}

/// The list's name in its cursors.
const LIST: &str = "projects";

impl FromQuery for ListProjects {
    const PARAMETERS: &'static [&'static str] = &["status", "name", "cursor", "limit"];

    fn read(query: &Pairs) -> Result<Self, Problem> {
        let name = query.one("name")?;
        let cursor = query.one("cursor")?;
        Ok(Self {
            filter: ProjectFilter {
                statuses: query.words("status")?,
                name: name.map(|name| Name::parse("name", name)).transpose()?,
            },
            cursor: cursor
                .map(|cursor| cursor::read(LIST, cursor, |id| id.parse().ok()))
                .transpose()?,
            limit: query.limit()?,
        })
    }
}

impl ListProjects {
    pub(crate) fn next_cursor(next: ProjectId) -> String {
        cursor::write(LIST, next)
    }
}

impl IntoParams for ListProjects {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let mut all = vec![
            many_parameter(
                "status",
                "Whether they are being worked on.",
                schema_of::<scalar::ProjectStatus>(),
            ),
            one_parameter("name", "Exactly this name.", schema_of::<scalar::Name>()),
        ];
        all.extend(page_parameters());
        all
    }
}
