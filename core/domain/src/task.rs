//! Tasks: units of work, and every way one may change.
//!
//! | from | to | by |
//! |---|---|---|
//! | pending | in_progress | [`Task::claim`] |
//! | in_progress | completed | [`Task::complete`] |
//! | in_progress | blocked | [`Task::block`]; [`Task::release`] after the last attempt; [`Task::block_unaccepted`] after the third completion that did not pass ([`Task::fail_acceptance`]) |
//! | in_progress | pending | [`Task::release`] |
//! | blocked | pending | [`Task::answer`] |
//! | pending, in_progress, blocked | cancelled | [`Task::cancel`] |
//! | completed, cancelled | pending | [`Task::reopen`] |
//!
//! Everything else is refused with the state the task is in.

mod acceptance;
mod patch;
mod recurring;
mod refusal;
mod state;
mod transitions;

use std::time::Duration;

use crate::actor::Actor;
use crate::change::Change;
use crate::clock::Timestamp;
use crate::event::{EventKind, TaskFacts};
use crate::field::{AgentName, JsonObject, Label, Title};
use crate::id::{ArtifactId, ProjectId, RunId, TaskId};
use crate::money::{Limits, micros, usd};
use crate::policy::Labels;
use crate::priority::Priority;

pub use acceptance::{ARGV_MAX, ArtifactFound, CODE_MAX_BYTES, Check, FailedCheck, Finding, Unmet};
pub use patch::TaskPatch;
pub use recurring::{NewRecurrence, Recurrence};
pub use refusal::Refusal;
pub use state::{AttemptEnd, Block, BlockCause, Lease, TaskState, TaskStatus};
pub use transitions::{Completion, Progress};

/// How long a claim lasts without a heartbeat, unless the claim says otherwise.
pub const LEASE_DEFAULT: Duration = Duration::from_mins(1);
/// The shortest lease: less would expire between two heartbeats of a busy worker.
pub const LEASE_MIN: Duration = Duration::from_secs(5);
/// The longest lease: a dead worker's task comes back within the hour.
pub const LEASE_MAX: Duration = Duration::from_hours(1);
/// How many attempts a task gets unless it says otherwise.
pub const MAX_ATTEMPTS_DEFAULT: u32 = 3;
/// The most attempts a task may ask for.
pub const MAX_ATTEMPTS_LIMIT: u32 = 20;
/// How often a completion may fail its acceptance checks before the task is the owner's.
pub const FAILED_CHECKS_MAX: usize = 3;
/// The longest estimate, in minutes: a year.
pub const ESTIMATE_MAX_MINUTES: u32 = 525_600;

/// A unit of work.
#[derive(Debug, Clone, PartialEq)]
pub struct Task {
    /// Identifies it.
    pub id: TaskId,
    /// Its short number, for people: `#12`.
    pub number: i64,
    /// The project it is part of.
    pub project_id: Option<ProjectId>,
    /// The task it is part of.
    pub parent_id: Option<TaskId>,
    /// What is to be done, in a line.
    pub title: Title,
    /// What is to be done, at length; may be empty.
    pub description: String,
    /// How urgent it is.
    pub priority: Priority,
    /// Whom it is kept for while pending; `owner` means the person.
    pub reserved_for: Option<AgentName>,
    /// Who holds it, or held it last.
    pub worker: Option<AgentName>,
    /// Where it stands, with what belongs to that.
    pub state: TaskState,
    /// What its worker should know: a plan, answers, references.
    pub context: JsonObject,
    /// The tasks that must be completed first.
    pub depends_on: Vec<TaskId>,
    /// Words to find it by.
    pub labels: Vec<Label>,
    /// When it should be done.
    pub due_at: Option<Timestamp>,
    /// Before when it must not be started.
    pub not_before: Option<Timestamp>,
    /// How often it was claimed.
    pub attempt: u32,
    /// How many attempts may fail before it blocks.
    pub max_attempts: u32,
    /// The attempts that failed since somebody last looked at it.
    pub failed_attempts: Vec<AttemptEnd>,
    /// Rises with every claim; every write of the holder names it.
    pub fence: u64,
    /// What must hold before it counts as done.
    pub acceptance: Vec<Check>,
    /// The completions that failed these checks since somebody last looked at it.
    pub failed_checks: Vec<FailedCheck>,
    /// What it may spend.
    pub budget: Option<Budget>,
    /// How long it is thought to take, in minutes.
    pub estimate_minutes: Option<u32>,
    /// Which occasion of which rhythm it is for.
    pub recurrence: Option<Recurrence>,
    /// Whose its words are: title, description, context. What came of it has the labels of its run.
    pub trust: Labels,
    /// Rises by one with every change.
    pub version: u64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// When the last attempt began.
    pub started_at: Option<Timestamp>,
    /// Who made it.
    pub created_by: String,
    /// Who last changed it.
    pub updated_by: String,
}

/// What a task may use up.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Budget {
    /// In US dollars.
    pub usd: Option<f64>,
    /// In tokens, in and out together.
    pub tokens: Option<u64>,
    /// In turns of a model.
    pub turns: Option<u64>,
    /// In calls of tools.
    pub tool_calls: Option<u64>,
    /// In seconds for which workers hold it.
    pub wall_seconds: Option<u64>,
    /// In tasks that it hands to other agents.
    pub children: Option<u64>,
}

impl Budget {
    /// Returns what it limits.
    pub fn limits(&self) -> Limits {
        Limits {
            usd_micros: self.usd.map(micros),
            tokens: self.tokens,
            turns: self.turns,
            tool_calls: self.tool_calls,
            wall_ms: self
                .wall_seconds
                .map(|seconds| seconds.saturating_mul(1000)),
            children: self.children,
        }
    }
}

impl From<Limits> for Budget {
    fn from(limits: Limits) -> Self {
        Self {
            usd: limits.usd_micros.map(usd),
            tokens: limits.tokens,
            turns: limits.turns,
            tool_calls: limits.tool_calls,
            wall_seconds: limits.wall_ms.map(|wall_ms| wall_ms.div_ceil(1000)),
            children: limits.children,
        }
    }
}

/// The fields a new task is made from.
#[derive(Debug, Clone, PartialEq)]
pub struct NewTask {
    /// See [`Task::project_id`].
    pub project_id: Option<ProjectId>,
    /// See [`Task::parent_id`].
    pub parent_id: Option<TaskId>,
    /// See [`Task::title`].
    pub title: Title,
    /// See [`Task::description`].
    pub description: String,
    /// See [`Task::priority`].
    pub priority: Priority,
    /// See [`Task::reserved_for`].
    pub assigned_to: Option<AgentName>,
    /// See [`Task::context`].
    pub context: JsonObject,
    /// See [`Task::depends_on`].
    pub depends_on: Vec<TaskId>,
    /// See [`Task::labels`].
    pub labels: Vec<Label>,
    /// See [`Task::due_at`].
    pub due_at: Option<Timestamp>,
    /// See [`Task::not_before`].
    pub not_before: Option<Timestamp>,
    /// See [`Task::max_attempts`].
    pub max_attempts: u32,
    /// See [`Task::acceptance`].
    pub acceptance: Vec<Check>,
    /// See [`Task::budget`].
    pub budget: Option<Budget>,
    /// See [`Task::estimate_minutes`].
    pub estimate_minutes: Option<u32>,
    /// See [`Task::recurrence`].
    pub recurrence: Option<NewRecurrence>,
    /// In whose name it is made, where that is not the actor.
    pub created_by: Option<AgentName>,
    /// Artifacts that wait for a task, to be given to this one.
    pub artifacts: Vec<ArtifactId>,
    /// The labels of its words, at least; those of whoever makes it are added.
    pub trust: Labels,
    /// The run that makes it, where an agent of the node does: its words have the run's labels then.
    pub within: Option<RunId>,
}

impl NewTask {
    /// A task with a title and nothing else said.
    pub fn titled(title: Title) -> Self {
        Self {
            project_id: None,
            parent_id: None,
            title,
            description: String::new(),
            priority: Priority::default(),
            assigned_to: None,
            context: JsonObject::new(),
            depends_on: Vec::new(),
            labels: Vec::new(),
            due_at: None,
            not_before: None,
            max_attempts: MAX_ATTEMPTS_DEFAULT,
            acceptance: Vec::new(),
            budget: None,
            estimate_minutes: None,
            recurrence: None,
            created_by: None,
            artifacts: Vec::new(),
            trust: Labels::default(),
            within: None,
        }
    }
}

impl Task {
    /// Makes a task, pending.
    pub fn create(
        id: TaskId,
        number: i64,
        new: NewTask,
        by: &Actor,
        now: Timestamp,
    ) -> Change<Self> {
        let created_by = new
            .created_by
            .map_or_else(|| by.name().to_owned(), |name| name.as_str().to_owned());
        let mut labels = new.labels;
        labels.sort();
        labels.dedup();
        let mut depends_on = new.depends_on;
        depends_on.sort();
        depends_on.dedup();
        let after = Self {
            id,
            number,
            project_id: new.project_id,
            parent_id: new.parent_id,
            title: new.title,
            description: new.description,
            priority: new.priority,
            reserved_for: new.assigned_to,
            worker: None,
            state: TaskState::Pending,
            context: new.context,
            depends_on,
            labels,
            due_at: new.due_at,
            not_before: new.not_before,
            attempt: 0,
            max_attempts: new.max_attempts,
            failed_attempts: Vec::new(),
            fence: 0,
            acceptance: new.acceptance,
            failed_checks: Vec::new(),
            budget: new.budget,
            estimate_minutes: new.estimate_minutes,
            recurrence: new
                .recurrence
                .map(|recurrence| recurrence.for_task(id, new.due_at.unwrap_or(now))),
            trust: new.trust,
            version: 1,
            created_at: now,
            updated_at: now,
            started_at: None,
            updated_by: created_by.clone(),
            created_by,
        };
        let event = EventKind::TaskCreated {
            task: after.facts(),
            priority: after.priority,
            created_by: after.created_by.clone(),
        };
        Change { after, event }
    }

    /// Returns the status word.
    pub fn status(&self) -> TaskStatus {
        self.state.status()
    }

    /// Returns the lease, while it is held.
    pub fn lease(&self) -> Option<&Lease> {
        match &self.state {
            TaskState::InProgress { lease } => Some(lease),
            TaskState::Pending
            | TaskState::Blocked { .. }
            | TaskState::Completed { .. }
            | TaskState::Cancelled { .. } => None,
        }
    }

    /// Returns whom the task is with: its reservation while pending, else who holds or held it.
    pub fn assigned_to(&self) -> Option<&AgentName> {
        match self.state {
            TaskState::Pending => self.reserved_for.as_ref(),
            TaskState::InProgress { .. }
            | TaskState::Blocked { .. }
            | TaskState::Completed { .. }
            | TaskState::Cancelled { .. } => self.worker.as_ref().or(self.reserved_for.as_ref()),
        }
    }

    /// Whether its context carries a plan that can be executed without a model.
    pub fn has_plan(&self) -> bool {
        self.context
            .get("plan")
            .and_then(serde_json::Value::as_array)
            .is_some_and(|plan| !plan.is_empty())
    }

    /// Returns what every event about it says.
    pub fn facts(&self) -> TaskFacts {
        TaskFacts {
            task_id: self.id,
            number: self.number,
            title: self.title.clone(),
            project_id: self.project_id,
            status: self.status(),
            version: self.version,
            fence: self.fence,
            attempt: self.attempt,
            assigned_to: self.assigned_to().cloned(),
        }
    }
}

#[cfg(test)]
mod tests;
