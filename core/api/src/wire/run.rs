//! Runs, and asking for them.

use hearth_app::runs::{ListRuns as Which, RunView};
use hearth_domain::{InvalidField, run};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::openapi::path::{Parameter, ParameterIn};
use utoipa::openapi::{ObjectBuilder, Type};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::scalar::{self, schema_of, task_key};
use super::time::Time;
use super::trust::Trust;
use crate::cursor;
use crate::problem::Problem;
use crate::query::{FromQuery, Pairs, one_parameter, page_parameters};

/// The work on one task.
#[derive(Serialize, ToSchema)]
pub(crate) struct Run<'a> {
    /// Identifies it.
    id: Uuid,
    /// Its short number, for people.
    #[schema(minimum = 1)]
    number: i64,
    /// Its task.
    task_id: Uuid,
    /// Its task's number.
    #[schema(minimum = 1)]
    task_number: i64,
    /// Who works.
    #[schema(value_type = scalar::AgentName)]
    agent: &'a str,
    /// Where it stands.
    #[schema(value_type = scalar::RunStatus)]
    status: &'static str,
    /// What it waits for, why it failed, or why it is no longer wanted.
    #[schema(required = true)]
    reason: Option<&'a str>,
    /// The plan as it stood when the run began.
    #[schema(value_type = Value)]
    plan: &'a Value,
    /// The fence of the claim under which it was last taken up.
    #[schema(value_type = scalar::Fence)]
    fence: u64,
    /// What it has taken in, and so whose what it makes is; left out of lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    trust: Option<Trust>,
    /// Rises by one with every change.
    version: u64,
    /// When it began.
    started_at: Time,
    /// When it last changed.
    updated_at: Time,
    /// When it ended.
    #[schema(required = true)]
    ended_at: Option<Time>,
}

impl<'a> From<&'a run::Run> for Run<'a> {
    fn from(run: &'a run::Run) -> Self {
        Self {
            id: run.id.0,
            number: run.number,
            task_id: run.task_id.0,
            task_number: run.task_number,
            agent: run.agent.as_str(),
            status: run.status.as_str(),
            reason: run.reason.as_deref(),
            plan: &run.plan,
            fence: run.fence,
            trust: None,
            version: run.version,
            started_at: Time(run.started_at),
            updated_at: Time(run.updated_at),
            ended_at: run.ended_at.map(Time),
        }
    }
}

impl<'a> From<&'a RunView> for Run<'a> {
    fn from(view: &'a RunView) -> Self {
        Self {
            trust: Some(view.labels.into()),
            ..Self::from(&view.run)
        }
    }
}

/// A page of runs.
#[derive(Serialize, ToSchema)]
pub(crate) struct RunPage<'a> {
    /// The runs, newest first.
    pub(crate) items: Vec<Run<'a>>,
    /// Where the next page begins; null at the end.
    #[schema(required = true)]
    pub(crate) next_cursor: Option<String>,
}

/// From which step on a run is tried again.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"from": "fetch"}))]
pub(crate) struct RetryRun {
    /// The step's name or its number; the first one that did not succeed unless told.
    #[schema(value_type = Option<scalar::StepKey>)]
    from: Option<Value>,
}

impl RetryRun {
    pub(crate) fn read(self) -> Result<Option<String>, InvalidField> {
        match self.from {
            None => Ok(None),
            Some(Value::String(name)) => Ok(Some(name)),
            Some(Value::Number(number)) if number.is_u64() => Ok(Some(number.to_string())),
            Some(_) => Err(InvalidField::new(
                "from",
                "must be a step's name or its number",
            )),
        }
    }
}

/// What a list of runs is asked for.
pub(crate) struct ListRuns {
    pub(crate) which: Which,
    pub(crate) cursor: Option<i64>,
    pub(crate) limit: usize,
}

/// The list's name in its cursors.
const LIST: &str = "runs";

impl FromQuery for ListRuns {
    const PARAMETERS: &'static [&'static str] = &["status", "task", "cursor", "limit"];

    fn read(query: &Pairs) -> Result<Self, Problem> {
        let task = |text: &str| {
            let read: Result<_, InvalidField> = text.parse();
            read.map_err(|error| Problem::invalid("task", &error.problem))
        };
        Ok(Self {
            which: Which {
                status: query.one("status")?.map(str::parse).transpose()?,
                task: query.one("task")?.map(task).transpose()?,
            },
            cursor: query
                .one("cursor")?
                .map(|cursor| cursor::read(LIST, cursor, |number| number.parse().ok()))
                .transpose()?,
            limit: query.limit()?,
        })
    }
}

impl ListRuns {
    pub(crate) fn next_cursor(next: i64) -> String {
        cursor::write(LIST, next)
    }
}

impl IntoParams for ListRuns {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let task = ObjectBuilder::new()
            .schema_type(Type::String)
            .pattern(Some(task_key()));
        let mut all = vec![
            one_parameter(
                "status",
                "Where they stand.",
                schema_of::<scalar::RunStatus>(),
            ),
            one_parameter("task", "Of which task: its UUID, or its number.", task),
        ];
        all.extend(page_parameters());
        all
    }
}
