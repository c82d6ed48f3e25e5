//! How a task lies in its row.

use std::sync::LazyLock;
use std::time::Duration;

use hearth_domain::field::{AgentName, Title};
use hearth_domain::policy::Labels;
use hearth_domain::task::{
    Block, BlockCause, Budget, Lease, Recurrence, Task, TaskState, TaskStatus,
};
use hearth_domain::{Priority, ProjectId, TaskId, Timestamp};
use rusqlite::ToSql;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::ENTITY;
use crate::columns::{Columns, list_to_json, to_json};
use crate::error::StoreError;
use crate::write_tx::WriteTx;

/// Every column that [`read`] reads, in its order.
pub(super) const COLUMNS: &str = "number, id, project_id, parent_id, title, description, status, priority, \
     reserved_for, worker, lease_holder, lease_expires_at, lease_ms, blocked_reason, blocked_options, \
     blocked_cause, result, completed_at, cancelled_at, cancelled_reason, context, depends_on, labels, \
     due_at, not_before, attempt, max_attempts, failed_attempts, fence, acceptance, budget_usd, \
     budget_tokens, version, created_at, updated_at, started_at, created_by, updated_by, failed_checks, \
     estimate_minutes, recurrence, series_id, occasion_at, budget_limits, untrusted, private";

pub(super) fn read(columns: &Columns<'_, '_>) -> Result<Task, StoreError> {
    let state = match columns.word("status", 6)? {
        TaskStatus::Pending => TaskState::Pending,
        TaskStatus::InProgress => TaskState::InProgress {
            lease: Lease {
                holder: AgentName::from_stored(columns.text(10)?),
                expires_at: columns.time(11)?,
                length: Duration::from_millis(columns.count("lease_ms", 12)?),
            },
        },
        TaskStatus::Blocked => TaskState::Blocked {
            block: Block {
                reason: columns.text(13)?,
                options: columns
                    .json_option("blocked_options", 14)?
                    .unwrap_or_default(),
                cause: match columns.text_option(15)?.as_deref() {
                    Some("attempts_used") => BlockCause::AttemptsUsed,
                    Some("checks_failed") => BlockCause::ChecksFailed,
                    _ => BlockCause::Holder,
                },
            },
        },
        TaskStatus::Completed => TaskState::Completed {
            result: columns.json_option("result", 16)?,
            at: columns.time(17)?,
        },
        TaskStatus::Cancelled => TaskState::Cancelled {
            reason: columns.text_option(19)?,
            at: columns.time(18)?,
        },
    };
    let more: More = columns
        .json_option("budget_limits", 43)?
        .unwrap_or_default();
    let budget = Budget {
        usd: columns.row.get(30)?,
        tokens: columns.row.get(31)?,
        turns: more.turns,
        tool_calls: more.tool_calls,
        wall_seconds: more.wall_seconds,
        children: more.children,
    };
    let agent =
        |index| Ok::<_, StoreError>(columns.text_option(index)?.map(AgentName::from_stored));
    Ok(Task {
        number: columns.integer(0)?,
        id: TaskId(columns.uuid(1)?),
        project_id: columns.uuid_option(2)?.map(ProjectId),
        parent_id: columns.uuid_option(3)?.map(TaskId),
        title: Title::from_stored(columns.text(4)?),
        description: columns.text(5)?,
        priority: Priority::from_rank(columns.count("priority", 7)?)
            .ok_or_else(|| StoreError::corrupt(ENTITY, "priority", "is out of range"))?,
        reserved_for: agent(8)?,
        worker: agent(9)?,
        state,
        context: columns.object("context", 20)?,
        depends_on: columns.json_option("depends_on", 21)?.unwrap_or_default(),
        labels: columns.json_option("labels", 22)?.unwrap_or_default(),
        due_at: columns.time_option(23)?,
        not_before: columns.time_option(24)?,
        attempt: columns.count("attempt", 25)?,
        max_attempts: columns.count("max_attempts", 26)?,
        failed_attempts: columns
            .json_option("failed_attempts", 27)?
            .unwrap_or_default(),
        fence: columns.count("fence", 28)?,
        acceptance: columns.json_option("acceptance", 29)?.unwrap_or_default(),
        budget: (budget != Budget::default()).then_some(budget),
        version: columns.count("version", 32)?,
        created_at: columns.time(33)?,
        updated_at: columns.time(34)?,
        started_at: columns.time_option(35)?,
        created_by: columns.text(36)?,
        updated_by: columns.text(37)?,
        failed_checks: columns
            .json_option("failed_checks", 38)?
            .unwrap_or_default(),
        estimate_minutes: columns.row.get(39)?,
        recurrence: read_recurrence(columns)?,
        trust: Labels {
            untrusted: columns.row.get(44)?,
            private: columns.row.get(45)?,
        },
    })
}

/// What of a budget has no column of its own.
#[derive(Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct More {
    #[serde(skip_serializing_if = "Option::is_none")]
    turns: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_calls: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    wall_seconds: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    children: Option<u64>,
}

impl More {
    /// Returns it as JSON; none where there is nothing to say.
    fn of(budget: Budget) -> Result<Option<String>, StoreError> {
        let more = Self {
            turns: budget.turns,
            tool_calls: budget.tool_calls,
            wall_seconds: budget.wall_seconds,
            children: budget.children,
        };
        if more == Self::default() {
            return Ok(None);
        }
        to_json(ENTITY, "budget_limits", &more).map(Some)
    }
}

fn read_recurrence(columns: &Columns<'_, '_>) -> Result<Option<Recurrence>, StoreError> {
    let (Some(series), Some(occasion)) = (columns.uuid_option(41)?, columns.time_option(42)?)
    else {
        return Ok(None);
    };
    Ok(Some(Recurrence {
        rule: match columns.row.get_ref(40)? {
            rusqlite::types::ValueRef::Null => None,
            _ => Some(columns.word("recurrence", 40)?),
        },
        series: TaskId(series),
        occasion,
    }))
}

/// What a transition may change, in the order of [`Values::state`]. The other columns are left out
/// of a transition's statement, and with them their indexes.
const STATE_COLUMNS: &[&str] = &[
    "status",
    "assigned_to",
    "reserved_for",
    "worker",
    "lease_holder",
    "lease_expires_at",
    "lease_ms",
    "blocked_reason",
    "blocked_options",
    "blocked_cause",
    "result",
    "completed_at",
    "cancelled_at",
    "cancelled_reason",
    "context",
    "has_plan",
    "attempt",
    "failed_attempts",
    "failed_checks",
    "fence",
    "version",
    "updated_at",
    "started_at",
    "updated_by",
    "untrusted",
    "private",
];

/// What else a change of fields may change, in the order of [`Values::fields`].
const FIELD_COLUMNS: &[&str] = &[
    "project_id",
    "parent_id",
    "title",
    "description",
    "priority",
    "depends_on",
    "labels",
    "due_at",
    "not_before",
    "max_attempts",
    "acceptance",
    "budget_usd",
    "budget_tokens",
    "budget_limits",
    "estimate_minutes",
    "recurrence",
    "series_id",
    "occasion_at",
];

/// What never changes, in the order of [`Values::birth`].
const BIRTH_COLUMNS: &[&str] = &["number", "id", "created_at", "created_by"];

static INSERT: LazyLock<String> = LazyLock::new(|| {
    let columns = [STATE_COLUMNS, FIELD_COLUMNS, BIRTH_COLUMNS].concat();
    let marks = vec!["?"; columns.len()];
    format!(
        "INSERT INTO tasks ({}) VALUES ({})",
        columns.join(", "),
        marks.join(", ")
    )
});
static UPDATE_STATE: LazyLock<String> = LazyLock::new(|| update_statement(STATE_COLUMNS));
static UPDATE_ALL: LazyLock<String> =
    LazyLock::new(|| update_statement(&[STATE_COLUMNS, FIELD_COLUMNS].concat()));

fn update_statement(columns: &[&str]) -> String {
    let sets: Vec<String> = columns
        .iter()
        .map(|column| format!("{column} = ?"))
        .collect();
    format!(
        "UPDATE tasks SET {} WHERE number = ? AND id = ? AND version = ? - 1",
        sets.join(", ")
    )
}

pub(super) fn insert(tx: &WriteTx<'_>, task: &Task) -> Result<usize, StoreError> {
    let values = Values::of(task)?;
    let mut all = values.state();
    all.extend(values.fields());
    all.extend(values.birth());
    tx.execute(&INSERT, all.as_slice())
}

/// Updates the row after a transition, if it still has the version before this one; returns how
/// many did.
pub(super) fn update_state(tx: &WriteTx<'_>, task: &Task) -> Result<usize, StoreError> {
    let values = Values::of(task)?;
    let mut all = values.state();
    all.extend(values.key());
    tx.execute(&UPDATE_STATE, all.as_slice())
}

/// Updates the row after any change; otherwise as [`update_state`].
pub(super) fn update_all(tx: &WriteTx<'_>, task: &Task) -> Result<usize, StoreError> {
    let values = Values::of(task)?;
    let mut all = values.state();
    all.extend(values.fields());
    all.extend(values.key());
    tx.execute(&UPDATE_ALL, all.as_slice())
}

type Value<'a> = &'a dyn ToSql;

/// A task's columns as they are stored.
struct Values<'a> {
    task: &'a Task,
    state: StateColumns<'a>,
    status: &'static str,
    priority: u8,
    assigned_to: Option<&'a str>,
    reserved_for: Option<&'a str>,
    worker: Option<&'a str>,
    project_id: Option<Uuid>,
    parent_id: Option<Uuid>,
    context: String,
    has_plan: bool,
    depends_on: Option<String>,
    labels: Option<String>,
    due_at: Option<i64>,
    not_before: Option<i64>,
    failed_attempts: Option<String>,
    failed_checks: Option<String>,
    recurrence: Option<String>,
    series_id: Option<Uuid>,
    occasion_at: Option<i64>,
    acceptance: Option<String>,
    budget: Budget,
    budget_limits: Option<String>,
    title: &'a str,
    created_at: i64,
    updated_at: i64,
    started_at: Option<i64>,
}

impl<'a> Values<'a> {
    fn of(task: &'a Task) -> Result<Self, StoreError> {
        let millis = |time: Option<Timestamp>| time.map(Timestamp::as_millis);
        let recurrence = task.recurrence.as_ref();
        Ok(Self {
            task,
            state: StateColumns::of(&task.state)?,
            status: task.status().as_str(),
            priority: task.priority.rank(),
            assigned_to: task.assigned_to().map(AgentName::as_str),
            reserved_for: task.reserved_for.as_ref().map(AgentName::as_str),
            worker: task.worker.as_ref().map(AgentName::as_str),
            project_id: task.project_id.map(|id| id.0),
            parent_id: task.parent_id.map(|id| id.0),
            context: to_json(ENTITY, "context", &task.context)?,
            has_plan: task.has_plan(),
            depends_on: list_to_json(ENTITY, "depends_on", &task.depends_on)?,
            labels: list_to_json(ENTITY, "labels", &task.labels)?,
            due_at: millis(task.due_at),
            not_before: millis(task.not_before),
            failed_attempts: list_to_json(ENTITY, "failed_attempts", &task.failed_attempts)?,
            failed_checks: list_to_json(ENTITY, "failed_checks", &task.failed_checks)?,
            recurrence: recurrence
                .and_then(|recurrence| recurrence.rule.as_ref())
                .map(ToString::to_string),
            series_id: recurrence.map(|recurrence| recurrence.series.0),
            occasion_at: recurrence.map(|recurrence| recurrence.occasion.as_millis()),
            acceptance: list_to_json(ENTITY, "acceptance", &task.acceptance)?,
            budget: task.budget.unwrap_or_default(),
            budget_limits: More::of(task.budget.unwrap_or_default())?,
            title: task.title.as_str(),
            created_at: task.created_at.as_millis(),
            updated_at: task.updated_at.as_millis(),
            started_at: millis(task.started_at),
        })
    }

    fn state(&self) -> Vec<Value<'_>> {
        let (state, task) = (&self.state, self.task);
        vec![
            &self.status,
            &self.assigned_to,
            &self.reserved_for,
            &self.worker,
            &state.lease_holder,
            &state.lease_expires_at,
            &state.lease_ms,
            &state.blocked_reason,
            &state.blocked_options,
            &state.blocked_cause,
            &state.result,
            &state.completed_at,
            &state.cancelled_at,
            &state.cancelled_reason,
            &self.context,
            &self.has_plan,
            &task.attempt,
            &self.failed_attempts,
            &self.failed_checks,
            &task.fence,
            &task.version,
            &self.updated_at,
            &self.started_at,
            &task.updated_by,
            &task.trust.untrusted,
            &task.trust.private,
        ]
    }

    fn fields(&self) -> Vec<Value<'_>> {
        vec![
            &self.project_id,
            &self.parent_id,
            &self.title,
            &self.task.description,
            &self.priority,
            &self.depends_on,
            &self.labels,
            &self.due_at,
            &self.not_before,
            &self.task.max_attempts,
            &self.acceptance,
            &self.budget.usd,
            &self.budget.tokens,
            &self.budget_limits,
            &self.task.estimate_minutes,
            &self.recurrence,
            &self.series_id,
            &self.occasion_at,
        ]
    }

    fn birth(&self) -> Vec<Value<'_>> {
        vec![
            &self.task.number,
            &self.task.id.0,
            &self.created_at,
            &self.task.created_by,
        ]
    }

    /// Finds the row as it was before the change.
    fn key(&self) -> Vec<Value<'_>> {
        vec![&self.task.number, &self.task.id.0, &self.task.version]
    }
}

/// The columns that belong to one state each.
#[derive(Default)]
struct StateColumns<'a> {
    lease_holder: Option<&'a str>,
    lease_expires_at: Option<i64>,
    lease_ms: Option<i64>,
    blocked_reason: Option<&'a str>,
    blocked_options: Option<String>,
    blocked_cause: Option<&'static str>,
    result: Option<String>,
    completed_at: Option<i64>,
    cancelled_at: Option<i64>,
    cancelled_reason: Option<&'a str>,
}

impl<'a> StateColumns<'a> {
    fn of(state: &'a TaskState) -> Result<Self, StoreError> {
        let none = Self::default();
        Ok(match state {
            TaskState::Pending => none,
            TaskState::InProgress { lease } => Self {
                lease_holder: Some(lease.holder.as_str()),
                lease_expires_at: Some(lease.expires_at.as_millis()),
                lease_ms: i64::try_from(lease.length.as_millis()).ok(),
                ..none
            },
            TaskState::Blocked { block } => Self {
                blocked_reason: Some(&block.reason),
                blocked_options: list_to_json(ENTITY, "blocked_options", &block.options)?,
                blocked_cause: Some(match block.cause {
                    BlockCause::Holder => "holder",
                    BlockCause::AttemptsUsed => "attempts_used",
                    BlockCause::ChecksFailed => "checks_failed",
                }),
                ..none
            },
            TaskState::Completed { result, at } => Self {
                result: result
                    .as_ref()
                    .map(|result| to_json(ENTITY, "result", result))
                    .transpose()?,
                completed_at: Some(at.as_millis()),
                ..none
            },
            TaskState::Cancelled { reason, at } => Self {
                cancelled_at: Some(at.as_millis()),
                cancelled_reason: reason.as_deref(),
                ..none
            },
        })
    }
}
