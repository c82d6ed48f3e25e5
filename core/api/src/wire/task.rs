//! A task as clients see it.

use hearth_app::tasks::TaskView;
use hearth_domain::field::{AgentName, InvalidField, Label, Word};
use hearth_domain::task::{self, TaskState};
use hearth_domain::{JsonObject, event};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::field::{Object, exact};
use super::scalar;
use super::time::Time;
use super::trust::Trust;

/// A unit of work.
#[derive(Serialize, ToSchema)]
pub(crate) struct Task<'a> {
    /// Identifies it.
    id: Uuid,
    /// Its short number, for people.
    #[schema(minimum = 1)]
    number: i64,
    /// The project it is part of.
    #[schema(required = true)]
    project_id: Option<Uuid>,
    /// The task it is part of.
    #[schema(required = true)]
    parent_id: Option<Uuid>,
    /// What is to be done, in a line.
    #[schema(min_length = 1, max_length = 500)]
    title: &'a str,
    /// What is to be done, at length; may be empty.
    #[schema(max_length = 100_000)]
    description: &'a str,
    /// Where it stands.
    #[schema(value_type = scalar::TaskStatus)]
    status: &'static str,
    /// How urgent it is.
    #[schema(value_type = scalar::Priority)]
    priority: &'static str,
    /// Whom it is kept for while pending, then who holds or held it; `owner` is the person.
    #[schema(required = true)]
    assigned_to: Option<&'a str>,
    /// What its worker should know: a plan, answers, references.
    #[schema(value_type = Object)]
    context: &'a JsonObject,
    /// What came of it, once it is completed.
    #[schema(value_type = Option<Object>, required = true)]
    result: Option<&'a JsonObject>,
    /// Why it is blocked, or the question that is asked.
    #[schema(required = true)]
    blocked_reason: Option<&'a str>,
    /// Answers to choose from while it is blocked; empty where it is no question.
    blocked_options: &'a [String],
    /// Why it was cancelled.
    #[schema(required = true)]
    cancelled_reason: Option<&'a str>,
    /// The tasks that must be completed first.
    depends_on: Vec<Uuid>,
    /// Words to find it by.
    labels: Vec<&'a str>,
    /// Whose its own words are. What came of it is its run's.
    trust: Trust,
    /// When it should be done.
    #[schema(required = true)]
    due_at: Option<Time>,
    /// Before when it must not be started.
    #[schema(required = true)]
    not_before: Option<Time>,
    /// How often it was claimed.
    attempt: u32,
    /// How many attempts may fail before it blocks.
    #[schema(minimum = 1, maximum = 20)]
    max_attempts: u32,
    /// Rises with every claim; the holder names it with every write.
    fence: u64,
    /// Until when its claim lasts, unless renewed.
    #[schema(required = true)]
    lease_expires_at: Option<Time>,
    /// What must hold before it counts as done.
    acceptance: Vec<Check>,
    /// What it may spend on models.
    #[schema(required = true)]
    budget: Option<Budget>,
    /// How long it is thought to take.
    #[schema(value_type = Option<scalar::Minutes>, required = true)]
    estimate_minutes: Option<u32>,
    /// The rhythm in which it comes again after this, such as `every monday 09:00`.
    #[schema(required = true)]
    recurrence: Option<String>,
    /// The first task of its series.
    #[schema(required = true)]
    series_id: Option<Uuid>,
    /// The completions that did not pass the acceptance checks since somebody last looked at it.
    failed_checks: Vec<FailedCheck>,
    /// Rises by one with every change; also its ETag.
    #[schema(minimum = 1)]
    version: u64,
    /// When it was made.
    created_at: Time,
    /// When it last changed.
    updated_at: Time,
    /// When the last attempt began.
    #[schema(required = true)]
    started_at: Option<Time>,
    /// When it was completed.
    #[schema(required = true)]
    completed_at: Option<Time>,
    /// When it was cancelled.
    #[schema(required = true)]
    cancelled_at: Option<Time>,
    /// Who made it.
    created_by: &'a str,
    /// Who last changed it.
    updated_by: &'a str,
    /// Why nobody takes it up, if it is pending and that can be told.
    #[schema(required = true)]
    waiting_for: Option<&'a str>,
}

/// What a task may use up.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Budget {
    /// In US dollars.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 1_000_000)]
    usd: Option<f64>,
    /// In tokens, in and out together.
    #[serde(default)]
    #[schema(value_type = Option<scalar::Tokens>)]
    tokens: Option<u64>,
    /// In turns of a model.
    #[serde(default)]
    #[schema(value_type = Option<scalar::BudgetCount>)]
    turns: Option<u64>,
    /// In calls of tools.
    #[serde(default)]
    #[schema(value_type = Option<scalar::BudgetCount>)]
    tool_calls: Option<u64>,
    /// In seconds for which workers hold it; time for which it waits does not count.
    #[serde(default)]
    #[schema(value_type = Option<scalar::BudgetCount>)]
    wall_seconds: Option<u64>,
    /// In tasks that it hands to other agents.
    #[serde(default)]
    #[schema(value_type = Option<scalar::BudgetCount>)]
    children: Option<u64>,
}

/// One thing that must hold before a task counts as done.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Check {
    /// What sort of check.
    kind: CheckKind,
    /// With `artifact`: the type it must have; any where none is named.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<scalar::Word>)]
    of_type: Option<String>,
    /// With `artifact`: how many bytes it must have at least.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<scalar::Bytes>)]
    min_bytes: Option<u64>,
    /// With `result_schema`: the shape of the result, as JSON Schema.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    schema: Option<serde_json::Value>,
    /// With `python`: the source text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    /// With `command`: the program and its arguments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_items = 50)]
    argv: Option<Vec<String>>,
}

/// A sort of check: its worker stored an artifact; the result has a shape; Python code or a command,
/// run in the sandbox over the task's files, exits with 0.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum CheckKind {
    /// The task's worker stored an artifact.
    #[default]
    Artifact,
    /// The result has a shape.
    ResultSchema,
    /// Python code exits with 0.
    Python,
    /// A command exits with 0.
    Command,
}

/// A completion that did not pass the acceptance checks.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FailedCheck {
    /// Whose.
    agent: String,
    /// Of which attempt.
    attempt: u32,
    /// When.
    at: Time,
    /// What did not hold, and what was found instead.
    unmet: Vec<Evidence>,
}

/// A check, and what was found.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Evidence {
    /// The check.
    check: Check,
    /// What was found.
    found: String,
}

impl From<&task::FailedCheck> for FailedCheck {
    fn from(failed: &task::FailedCheck) -> Self {
        Self {
            agent: failed.agent.to_string(),
            attempt: failed.attempt,
            at: Time(failed.at),
            unmet: failed.unmet.iter().map(Evidence::from).collect(),
        }
    }
}

impl From<&event::Evidence> for Evidence {
    fn from(evidence: &event::Evidence) -> Self {
        Self {
            check: Check::from(&evidence.check),
            found: evidence.found.clone(),
        }
    }
}

/// A page of tasks.
#[derive(Serialize, ToSchema)]
pub(crate) struct TaskPage<'a> {
    /// The tasks, in the list's order.
    pub(crate) items: Vec<Task<'a>>,
    /// Where the next page begins; null at the end.
    #[schema(required = true)]
    pub(crate) next_cursor: Option<String>,
}

impl<'a> From<&'a TaskView> for Task<'a> {
    fn from(view: &'a TaskView) -> Self {
        let task = &view.task;
        let mut this = Self {
            id: task.id.0,
            number: task.number,
            project_id: task.project_id.map(|id| id.0),
            parent_id: task.parent_id.map(|id| id.0),
            title: task.title.as_str(),
            description: &task.description,
            status: task.status().as_str(),
            priority: task.priority.as_str(),
            assigned_to: task.assigned_to().map(AgentName::as_str),
            context: &task.context,
            result: None,
            blocked_reason: None,
            blocked_options: &[],
            cancelled_reason: None,
            depends_on: task.depends_on.iter().map(|id| id.0).collect(),
            labels: task.labels.iter().map(Label::as_str).collect(),
            trust: task.trust.into(),
            due_at: task.due_at.map(Time),
            not_before: task.not_before.map(Time),
            attempt: task.attempt,
            max_attempts: task.max_attempts,
            fence: task.fence,
            lease_expires_at: None,
            acceptance: task.acceptance.iter().map(Check::from).collect(),
            budget: task.budget.map(Budget::from),
            version: task.version,
            created_at: Time(task.created_at),
            updated_at: Time(task.updated_at),
            started_at: task.started_at.map(Time),
            completed_at: None,
            cancelled_at: None,
            estimate_minutes: task.estimate_minutes,
            recurrence: task
                .recurrence
                .as_ref()
                .and_then(|recurrence| recurrence.rule.as_ref())
                .map(ToString::to_string),
            series_id: task
                .recurrence
                .as_ref()
                .map(|recurrence| recurrence.series.0),
            failed_checks: task.failed_checks.iter().map(FailedCheck::from).collect(),
            created_by: &task.created_by,
            updated_by: &task.updated_by,
            waiting_for: view.waiting_for.as_deref(),
        };
        match &task.state {
            TaskState::Pending => (),
            TaskState::InProgress { lease } => this.lease_expires_at = Some(Time(lease.expires_at)),
            TaskState::Blocked { block } => {
                this.blocked_reason = Some(&block.reason);
                this.blocked_options = &block.options;
            }
            TaskState::Completed { result, at } => {
                this.result = result.as_ref();
                this.completed_at = Some(Time(*at));
            }
            TaskState::Cancelled { reason, at } => {
                this.cancelled_reason = reason.as_deref();
                this.cancelled_at = Some(Time(*at));
            }
        }
        this
    }
}

impl From<task::Budget> for Budget {
    fn from(budget: task::Budget) -> Self {
        Self {
            usd: budget.usd,
            tokens: budget.tokens,
            turns: budget.turns,
            tool_calls: budget.tool_calls,
            wall_seconds: budget.wall_seconds,
            children: budget.children,
        }
    }
}

impl Budget {
    pub(crate) fn read(self) -> Result<task::Budget, InvalidField> {
        Ok(task::Budget {
            usd: self.usd,
            tokens: self
                .tokens
                .map(|tokens| exact("budget.tokens", tokens))
                .transpose()?,
            turns: self.turns,
            tool_calls: self.tool_calls,
            wall_seconds: self.wall_seconds,
            children: self.children,
        })
    }
}

impl From<&task::Check> for Check {
    fn from(check: &task::Check) -> Self {
        match check {
            task::Check::Artifact { of_type, min_bytes } => Self {
                kind: CheckKind::Artifact,
                of_type: of_type.as_ref().map(|word| word.as_str().to_owned()),
                min_bytes: *min_bytes,
                ..Self::default()
            },
            task::Check::ResultSchema { schema } => Self {
                kind: CheckKind::ResultSchema,
                schema: Some(schema.clone()),
                ..Self::default()
            },
            task::Check::Python { code } => Self {
                kind: CheckKind::Python,
                code: Some(code.clone()),
                ..Self::default()
            },
            task::Check::Command { argv } => Self {
                kind: CheckKind::Command,
                argv: Some(argv.clone()),
                ..Self::default()
            },
        }
    }
}

impl Check {
    /// Reads a list of checks; an error names the entry.
    pub(crate) fn read_all(checks: &[Object<Self>]) -> Result<Vec<task::Check>, InvalidField> {
        let entries = checks.iter().enumerate();
        entries
            .map(|(place, check)| check.0.read(&format!("acceptance[{place}]")))
            .collect()
    }

    fn read(&self, field: &str) -> Result<task::Check, InvalidField> {
        self.expect_only_its_own(field)?;
        let missing =
            |part: &str| InvalidField::new(format!("{field}.{part}"), "is missing for this kind");
        match self.kind {
            CheckKind::ResultSchema => Ok(task::Check::ResultSchema {
                schema: self.schema.clone().ok_or_else(|| missing("schema"))?,
            }),
            CheckKind::Python => Ok(task::Check::Python {
                code: self.code.clone().ok_or_else(|| missing("code"))?,
            }),
            CheckKind::Command => Ok(task::Check::Command {
                argv: self.argv.clone().ok_or_else(|| missing("argv"))?,
            }),
            CheckKind::Artifact => Ok(task::Check::Artifact {
                of_type: self
                    .of_type
                    .as_ref()
                    .map(|word| Word::parse(&format!("{field}.type"), word))
                    .transpose()?,
                min_bytes: self
                    .min_bytes
                    .map(|bytes| exact(&format!("{field}.min_bytes"), bytes))
                    .transpose()?,
            }),
        }
    }

    /// Refuses what belongs to another kind of check.
    fn expect_only_its_own(&self, field: &str) -> Result<(), InvalidField> {
        let parts = [
            ("type", self.of_type.is_some(), CheckKind::Artifact),
            ("min_bytes", self.min_bytes.is_some(), CheckKind::Artifact),
            ("schema", self.schema.is_some(), CheckKind::ResultSchema),
            ("code", self.code.is_some(), CheckKind::Python),
            ("argv", self.argv.is_some(), CheckKind::Command),
        ];
        match parts
            .into_iter()
            .find(|(_, is_given, kind)| *is_given && *kind != self.kind)
        {
            Some((part, _, _)) => Err(InvalidField::new(
                format!("{field}.{part}"),
                "does not belong to this kind of check",
            )),
            None => Ok(()),
        }
    }
}
