//! Runs: the work on one task, step by step, written down before, during and after each act, so that
//! it goes on after a crash as if there had been none.
//!
//! A run outlives the claim it began under: while the task waits for a person, or the node is off,
//! it waits too, and the next claim goes on with it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::change::Change;
use crate::clock::Timestamp;
use crate::event::EventKind;
use crate::field::{AgentName, InvalidField};
use crate::id::{RunId, TaskId};

mod step;

pub use step::{NewStep, Repeat, Step, StepEnd, StepFacts, StepState, StepStatus, WaitingFor};

/// The tool under which the turns of a model lie in the journal. A turn's calls are the steps after it.
pub const TURN: &str = "model";
/// The tool by which a model says that its task is done; the task's own checks decide.
pub const COMPLETE: &str = "complete_task";

/// The word for where a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunStatus {
    /// A worker is at it.
    Running,
    /// It waits for a person, or to be taken up again.
    Waiting,
    /// A step failed for good, and its task waits for the owner.
    Failed,
    /// All its steps are done.
    Completed,
    /// It is no longer wanted.
    Cancelled,
}

impl RunStatus {
    /// Every status.
    pub const ALL: [Self; 5] = [
        Self::Running,
        Self::Waiting,
        Self::Failed,
        Self::Completed,
        Self::Cancelled,
    ];

    /// Returns its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::Failed => "failed",
            Self::Completed => "completed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether it can go on.
    pub fn is_open(self) -> bool {
        match self {
            Self::Running | Self::Waiting | Self::Failed => true,
            Self::Completed | Self::Cancelled => false,
        }
    }
}

impl fmt::Display for RunStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for RunStatus {
    type Err = InvalidField;

    fn from_str(text: &str) -> Result<Self, InvalidField> {
        Self::ALL
            .into_iter()
            .find(|status| status.as_str() == text)
            .ok_or_else(|| {
                InvalidField::new(
                    "status",
                    "must be running, waiting, failed, completed or cancelled",
                )
            })
    }
}

/// The work on one task.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// Identifies it.
    pub id: RunId,
    /// What people call it.
    pub number: i64,
    /// The task.
    pub task_id: TaskId,
    /// The task's number.
    pub task_number: i64,
    /// Who works.
    pub agent: AgentName,
    /// The plan as it stood when the run began; null where a model leads it.
    pub plan: Value,
    /// The fence of the claim under which it was last taken up.
    pub fence: u64,
    /// Where it stands.
    pub status: RunStatus,
    /// What it waits for, why it failed, or why it is no longer wanted.
    pub reason: Option<String>,
    /// Rises by one with every change.
    pub version: u64,
    /// When it began.
    pub started_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
}

/// What a run is begun with.
#[derive(Debug, Clone, PartialEq)]
pub struct NewRun {
    /// See [`Run::task_id`].
    pub task_id: TaskId,
    /// See [`Run::task_number`].
    pub task_number: i64,
    /// See [`Run::agent`].
    pub agent: AgentName,
    /// See [`Run::plan`].
    pub plan: Value,
    /// See [`Run::fence`].
    pub fence: u64,
}

/// What every event about a run says of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunFacts {
    /// The run.
    pub run_id: RunId,
    /// Its number.
    pub number: i64,
    /// Its task.
    pub task_id: TaskId,
    /// Its task's number.
    pub task_number: i64,
    /// Who works.
    pub agent: AgentName,
    /// Where it stands.
    pub status: RunStatus,
    /// What it waits for, why it failed, or why it is no longer wanted.
    pub reason: Option<String>,
    /// Its version.
    pub version: u64,
}

/// A run that has ended was asked to go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("cannot {act} run {number}: it is {status}")]
pub struct RunRefusal {
    /// What was asked, such as `retry`.
    pub act: &'static str,
    /// The run.
    pub number: i64,
    /// Where it stands.
    pub status: RunStatus,
}

impl Run {
    /// Begins a run.
    pub fn begin(id: RunId, number: i64, new: NewRun, now: Timestamp) -> Change<Self> {
        let run = Self {
            id,
            number,
            task_id: new.task_id,
            task_number: new.task_number,
            agent: new.agent,
            plan: new.plan,
            fence: new.fence,
            status: RunStatus::Running,
            reason: None,
            version: 0,
            started_at: now,
            updated_at: now,
            ended_at: None,
        };
        run.changed(now, EventKind::RunStarted)
    }

    /// Takes the run up again under a later claim.
    ///
    /// # Errors
    /// It has ended.
    pub fn resume(
        mut self,
        agent: AgentName,
        fence: u64,
        now: Timestamp,
    ) -> Result<Change<Self>, RunRefusal> {
        self.must_be_open("resume")?;
        self.agent = agent;
        self.fence = fence;
        self.status = RunStatus::Running;
        self.reason = None;
        Ok(self.changed(now, EventKind::RunResumed))
    }

    /// Lets the run rest until somebody answers or takes it up.
    ///
    /// # Errors
    /// It has ended.
    pub fn wait(
        mut self,
        reason: impl Into<String>,
        now: Timestamp,
    ) -> Result<Change<Self>, RunRefusal> {
        self.must_be_open("pause")?;
        self.status = RunStatus::Waiting;
        self.reason = Some(reason.into());
        Ok(self.changed(now, EventKind::RunWaiting))
    }

    /// Notes that a step failed for good.
    ///
    /// # Errors
    /// It has ended.
    pub fn fail(
        mut self,
        reason: impl Into<String>,
        now: Timestamp,
    ) -> Result<Change<Self>, RunRefusal> {
        self.must_be_open("fail")?;
        self.status = RunStatus::Failed;
        self.reason = Some(reason.into());
        Ok(self.changed(now, EventKind::RunFailed))
    }

    /// Ends the run with its task.
    ///
    /// # Errors
    /// It has ended.
    pub fn complete(mut self, now: Timestamp) -> Result<Change<Self>, RunRefusal> {
        self.must_be_open("complete")?;
        self.status = RunStatus::Completed;
        self.reason = None;
        self.ended_at = Some(now);
        Ok(self.changed(now, EventKind::RunCompleted))
    }

    /// Ends the run as no longer wanted.
    ///
    /// # Errors
    /// It has ended.
    pub fn cancel(
        mut self,
        reason: impl Into<String>,
        now: Timestamp,
    ) -> Result<Change<Self>, RunRefusal> {
        self.must_be_open("cancel")?;
        self.status = RunStatus::Cancelled;
        self.reason = Some(reason.into());
        self.ended_at = Some(now);
        Ok(self.changed(now, EventKind::RunCancelled))
    }

    /// Whether a model says what is done next, and no plan.
    pub fn is_led_by_model(&self) -> bool {
        self.plan.is_null()
    }

    fn must_be_open(&self, act: &'static str) -> Result<(), RunRefusal> {
        if self.status.is_open() {
            return Ok(());
        }
        Err(RunRefusal {
            act,
            number: self.number,
            status: self.status,
        })
    }

    fn changed(
        mut self,
        now: Timestamp,
        event: impl FnOnce(RunFacts) -> EventKind,
    ) -> Change<Self> {
        self.version += 1;
        self.updated_at = now;
        let event = event(RunFacts {
            run_id: self.id,
            number: self.number,
            task_id: self.task_id,
            task_number: self.task_number,
            agent: self.agent.clone(),
            status: self.status,
            reason: self.reason.clone(),
            version: self.version,
        });
        Change { after: self, event }
    }
}

#[cfg(test)]
mod tests;
