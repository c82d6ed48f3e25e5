//! Memories.

use hearth_app::memories::MemoryFilter;
use hearth_domain::memory::{self, NewMemory};
use hearth_domain::policy::Labels;
use hearth_domain::{InvalidField, ProjectId};
use serde::{Deserialize, Serialize};
use utoipa::openapi::path::{Parameter, ParameterIn};
use utoipa::openapi::{KnownFormat, ObjectBuilder, SchemaFormat, Type};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::field::parse;
use super::scalar;
use super::time::Time;
use crate::cursor;
use crate::problem::Problem;
use crate::query::{FromQuery, Pairs, one_parameter, page_parameters};

/// Something that is kept in mind.
#[derive(Serialize, ToSchema)]
pub(crate) struct Memory<'a> {
    /// Identifies it.
    id: Uuid,
    /// Its short number, for people.
    #[schema(minimum = 1)]
    number: i64,
    /// What is to be known; empty once it is forgotten.
    text: &'a str,
    /// What it is about; may be empty.
    about: &'a str,
    /// For the tasks of which project; null is for all tasks.
    #[schema(required = true)]
    project_id: Option<Uuid>,
    /// The task that it came from, unless it came from none or that is gone.
    #[schema(required = true)]
    task_id: Option<Uuid>,
    /// The number of that task.
    #[schema(required = true)]
    task_number: Option<i64>,
    /// The run that it came from, unless it came from none or that is gone.
    #[schema(required = true)]
    run_id: Option<Uuid>,
    /// Whether its run had read text of strangers by then.
    untrusted: bool,
    /// Whether its run had read private data by then.
    private: bool,
    /// Where it came from, in words.
    provenance: String,
    /// Who remembered it.
    created_by: &'a str,
    /// When.
    created_at: Time,
    /// When it was forgotten.
    #[schema(required = true)]
    forgotten_at: Option<Time>,
}

impl<'a> From<&'a memory::Memory> for Memory<'a> {
    fn from(memory: &'a memory::Memory) -> Self {
        let origin = memory.origin;
        Self {
            id: memory.id.0,
            number: memory.number,
            text: &memory.text,
            about: &memory.about,
            project_id: memory.project_id.map(|id| id.0),
            task_id: origin.and_then(|origin| origin.task_id).map(|id| id.0),
            task_number: origin.map(|origin| origin.task_number),
            run_id: origin.and_then(|origin| origin.run_id).map(|id| id.0),
            untrusted: memory.labels.untrusted,
            private: memory.labels.private,
            provenance: memory.provenance(),
            created_by: &memory.created_by,
            created_at: Time(memory.created_at),
            forgotten_at: memory.forgotten_at.map(Time),
        }
    }
}

/// A page of memories.
#[derive(Serialize, ToSchema)]
pub(crate) struct MemoryPage<'a> {
    /// The memories.
    pub(crate) items: Vec<Memory<'a>>,
    /// Where the next page begins; null where this is the last.
    #[schema(required = true)]
    pub(crate) next_cursor: Option<String>,
}

/// Something to be remembered.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"text": "Ada likes green tea", "about": "Ada, drinks"}))]
pub(crate) struct CreateMemory {
    /// What is to be known.
    #[schema(value_type = scalar::MemoryText)]
    text: String,
    /// What it is about, in a few words that it is found by as well.
    #[schema(value_type = Option<scalar::MemoryAbout>)]
    about: Option<String>,
    /// For the tasks of which project; for all tasks unless told.
    #[schema(value_type = Option<Uuid>)]
    project_id: Option<String>,
}

impl CreateMemory {
    pub(crate) fn read(self) -> Result<NewMemory, InvalidField> {
        let project_id = self.project_id.as_deref();
        Ok(NewMemory {
            text: self.text,
            about: self.about.unwrap_or_default(),
            project_id: project_id.map(|id| parse("project_id", id)).transpose()?,
            origin: None,
            labels: Labels::default(),
        })
    }
}

/// What a list of memories is asked for.
pub(crate) struct ListMemories {
    pub(crate) words: Option<String>,
    pub(crate) filter: MemoryFilter,
    pub(crate) cursor: Option<i64>,
    pub(crate) limit: usize,
}

/// The list's name in its cursors.
const LIST: &str = "memories";

impl FromQuery for ListMemories {
    const PARAMETERS: &'static [&'static str] = &["q", "project_id", "all", "cursor", "limit"];

    fn read(query: &Pairs) -> Result<Self, Problem> {
        let project = |text: &str| {
            let read: Result<ProjectId, InvalidField> = text.parse();
            read.map_err(|error| Problem::invalid("project_id", &error.problem))
        };
        Ok(Self {
            words: query.one("q")?.map(str::to_owned),
            filter: MemoryFilter {
                project: query.one("project_id")?.map(project).transpose()?,
                with_forgotten: match query.one("all")? {
                    None | Some("false") => false,
                    Some("true") => true,
                    Some(_) => return Err(Problem::invalid("all", "must be true or false")),
                },
            },
            cursor: query
                .one("cursor")?
                .map(|cursor| cursor::read(LIST, cursor, |number| number.parse().ok()))
                .transpose()?,
            limit: query.limit()?,
        })
    }
}

impl ListMemories {
    pub(crate) fn next_cursor(next: i64) -> String {
        cursor::write(LIST, next)
    }
}

impl IntoParams for ListMemories {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let text = ObjectBuilder::new().schema_type(Type::String);
        let id = ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Uuid)));
        let flag = ObjectBuilder::new().schema_type(Type::Boolean);
        let mut all = vec![
            one_parameter("q", "Words that they hold.", text),
            one_parameter(
                "project_id",
                "For the tasks of which project; with q, those for all tasks are found, too.",
                id,
            ),
            one_parameter(
                "all",
                "Whether those that were forgotten are shown, too.",
                flag,
            ),
        ];
        all.extend(page_parameters());
        all
    }
}
