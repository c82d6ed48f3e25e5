//! Steps: what a run did, is doing, or waits to do.
//!
//! A step of a plan may take several attempts; each is a row of its own with exactly one outcome. An
//! attempt is written down as meant before it is made, as acted when the world has seen it, and as
//! done or failed when its result is kept. One that was meant and has nothing after it was cut off:
//! nobody knows whether it happened, and [`Repeat`] says what follows.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::action::{Action, ActionHash};
use crate::change::Change;
use crate::clock::Timestamp;
use crate::event::EventKind;
use crate::field::{InvalidField, JsonObject, Word};
use crate::id::{ApprovalId, ArtifactId, RunId, TaskId};
use crate::policy::{Decision, Labels, Verdict};
use crate::run::{Run, TURN};

/// What may be done with a call of which nobody knows whether it happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Repeat {
    /// It changes nothing, or the world knows it by its key: it is made again.
    Safe,
    /// It changes the run's folder and nothing else: the folder is put back, and it is made again.
    Restored,
    /// It may have changed anything: the owner is asked.
    Unsafe,
}

impl Repeat {
    /// Returns its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Safe => "safe",
            Self::Restored => "restored",
            Self::Unsafe => "unsafe",
        }
    }
}

impl FromStr for Repeat {
    type Err = InvalidField;

    fn from_str(text: &str) -> Result<Self, InvalidField> {
        [Self::Safe, Self::Restored, Self::Unsafe]
            .into_iter()
            .find(|repeat| repeat.as_str() == text)
            .ok_or_else(|| InvalidField::new("repeat", "must be safe, restored or unsafe"))
    }
}

/// What an attempt waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WaitingFor {
    /// The owner's word on this one action.
    Approval(ApprovalId),
    /// The owner's answer, which is its result.
    Answer,
    /// The owner's word on whether the attempt before it happened.
    Doubt,
    /// A higher limit of what may be spent.
    Budget,
    /// The end of a task that was handed to another agent.
    Child(TaskId),
}

/// Where an attempt stands.
#[derive(Debug, Clone, PartialEq)]
pub enum StepState {
    /// Nothing was done yet.
    Waiting(WaitingFor),
    /// It is about to be made, or was cut off.
    Intended,
    /// It was made; its result is not kept yet.
    Acted {
        /// What the world answered.
        outcome: Value,
    },
    /// It brought its result.
    Done(StepEnd),
    /// It brought none.
    Failed {
        /// Why.
        error: String,
    },
    /// It was stopped, or cut off with the node; whether it happened is not known.
    Interrupted,
}

/// What an attempt brought.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct StepEnd {
    /// What later steps may ask for, and what may become the task's result.
    pub result: Option<JsonObject>,
    /// Artifacts that wait to be given to the task.
    pub artifacts: Vec<ArtifactId>,
    /// How it went, in a few words.
    pub note: String,
    /// What it brought into the run beyond [`Step::brings`], where that showed only in what came: the
    /// labels of an artifact that was read, of a task that was looked at, of what was remembered.
    #[serde(default, skip_serializing_if = "Labels::is_none")]
    pub brings: Labels,
}

/// The word for where an attempt stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepStatus {
    /// See [`StepState::Waiting`].
    Waiting,
    /// See [`StepState::Intended`].
    Intended,
    /// See [`StepState::Acted`].
    Acted,
    /// See [`StepState::Done`].
    Done,
    /// See [`StepState::Failed`].
    Failed,
    /// See [`StepState::Interrupted`].
    Interrupted,
}

impl StepStatus {
    /// Returns its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Intended => "intended",
            Self::Acted => "acted",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Interrupted => "interrupted",
        }
    }
}

impl fmt::Display for StepStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl StepState {
    /// Returns the word for it.
    pub fn status(&self) -> StepStatus {
        match self {
            Self::Waiting(_) => StepStatus::Waiting,
            Self::Intended => StepStatus::Intended,
            Self::Acted { .. } => StepStatus::Acted,
            Self::Done(_) => StepStatus::Done,
            Self::Failed { .. } => StepStatus::Failed,
            Self::Interrupted => StepStatus::Interrupted,
        }
    }
}

/// One attempt at one step of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// The run.
    pub run_id: RunId,
    /// Which step of the plan, from 1 on.
    pub place: u32,
    /// Which attempt at it, from 1 on.
    pub attempt: u32,
    /// What the plan calls it.
    pub name: Word,
    /// The tool, and with what it is called.
    pub action: Action,
    /// What follows if it is cut off.
    pub repeat: Repeat,
    /// What its result brings into the run.
    pub brings: Labels,
    /// What the policy said, and why.
    pub decision: Decision,
    /// Where it stands.
    pub state: StepState,
    /// The fence of the claim under which it was made.
    pub fence: u64,
    /// When it was written down.
    pub created_at: Timestamp,
    /// When the world had seen it.
    pub acted_at: Option<Timestamp>,
    /// When its outcome was known.
    pub ended_at: Option<Timestamp>,
    /// When it stopped to count: the owner had its step done anew.
    pub discarded_at: Option<Timestamp>,
}

/// What an attempt is made from.
#[derive(Debug, Clone, PartialEq)]
pub struct NewStep {
    /// See [`Step::place`].
    pub place: u32,
    /// See [`Step::attempt`].
    pub attempt: u32,
    /// See [`Step::name`].
    pub name: Word,
    /// See [`Step::action`].
    pub action: Action,
    /// See [`Step::repeat`].
    pub repeat: Repeat,
    /// See [`Step::brings`].
    pub brings: Labels,
    /// See [`Step::decision`].
    pub decision: Decision,
}

/// What every event about a step says of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepFacts {
    /// The run.
    pub run_id: RunId,
    /// The run's number.
    pub run_number: i64,
    /// The task.
    pub task_id: TaskId,
    /// The task's number.
    pub task_number: i64,
    /// Which step of the plan, from 1 on.
    pub place: u32,
    /// Which attempt at it, from 1 on.
    pub attempt: u32,
    /// What the plan calls it.
    pub name: Word,
    /// The tool.
    pub tool: Word,
    /// Where it stands.
    pub status: StepStatus,
}

impl Step {
    /// Writes down that an attempt is about to be made.
    pub fn intend(new: NewStep, run: &Run, now: Timestamp) -> Change<Self> {
        Self::create(new, StepState::Intended, run, now).changed(run, EventKind::StepStarted)
    }

    /// Writes down an attempt that may not be made yet.
    pub fn wait(new: NewStep, waits_for: WaitingFor, run: &Run, now: Timestamp) -> Change<Self> {
        Self::create(new, StepState::Waiting(waits_for), run, now)
            .changed(run, EventKind::StepWaiting)
    }

    /// Writes down an attempt that may not be made at all.
    pub fn refuse(new: NewStep, run: &Run, now: Timestamp) -> Change<Self> {
        let error = new.decision.reason.clone();
        Self::create(new, StepState::Intended, run, now).fail(error, run, now)
    }

    /// Goes on with an attempt that waited, as it stands.
    pub fn proceed(mut self, decision: Decision, run: &Run) -> Change<Self> {
        self.state = StepState::Intended;
        self.decision = decision;
        self.fence = run.fence;
        self.changed(run, EventKind::StepStarted)
    }

    /// Goes on with an attempt that waited, as a task that was handed to another agent.
    pub fn hand_on(mut self, decision: Decision, child: TaskId, run: &Run) -> Change<Self> {
        self.state = StepState::Waiting(WaitingFor::Child(child));
        self.decision = decision;
        self.fence = run.fence;
        self.changed(run, EventKind::StepWaiting)
    }

    /// Ends the attempt with what another agent brought, and with what that brings along.
    pub fn deliver(
        mut self,
        end: StepEnd,
        brings: Labels,
        run: &Run,
        now: Timestamp,
    ) -> Change<Self> {
        self.brings = self.brings.and(brings);
        self.complete(end, run, now)
    }

    /// Returns the task that it waits for, where that is another agent's and the attempt counts.
    pub fn child(&self) -> Option<TaskId> {
        match self.state {
            StepState::Waiting(WaitingFor::Child(id)) if self.discarded_at.is_none() => Some(id),
            _ => None,
        }
    }

    /// Ends an attempt that waited and may not be made.
    pub fn deny(mut self, decision: Decision, run: &Run, now: Timestamp) -> Change<Self> {
        let error = decision.reason.clone();
        self.decision = decision;
        self.fail(error, run, now)
    }

    /// Writes down what the world answered.
    pub fn act(mut self, outcome: Value, run: &Run, now: Timestamp) -> Change<Self> {
        self.state = StepState::Acted { outcome };
        self.acted_at = Some(now);
        self.changed(run, EventKind::StepActed)
    }

    /// Ends the attempt with its result.
    pub fn complete(mut self, end: StepEnd, run: &Run, now: Timestamp) -> Change<Self> {
        let note = end.note.clone();
        self.state = StepState::Done(end);
        self.ended_at = Some(now);
        self.changed(run, |step| EventKind::StepCompleted { step, note })
    }

    /// Ends the attempt without one.
    pub fn fail(mut self, error: String, run: &Run, now: Timestamp) -> Change<Self> {
        self.state = StepState::Failed {
            error: error.clone(),
        };
        self.ended_at = Some(now);
        self.changed(run, |step| EventKind::StepFailed { step, error })
    }

    /// Notes that it was stopped or cut off.
    pub fn interrupt(mut self, run: &Run, now: Timestamp) -> Change<Self> {
        self.state = StepState::Interrupted;
        self.ended_at = Some(now);
        self.changed(run, EventKind::StepInterrupted)
    }

    /// Makes it count no more, so that its step is done anew.
    pub fn discard(mut self, run: &Run, now: Timestamp) -> Change<Self> {
        self.discarded_at = Some(now);
        self.changed(run, EventKind::StepDiscarded)
    }

    /// Whether nothing more will come of this attempt.
    pub fn has_ended(&self) -> bool {
        match self.state {
            StepState::Waiting(_) | StepState::Intended | StepState::Acted { .. } => false,
            StepState::Done(_) | StepState::Failed { .. } | StepState::Interrupted => true,
        }
    }

    /// Whether the owner, asked whether it happened, stopped it. It is not made again until the owner
    /// has its step done anew.
    pub fn is_stopped(&self) -> bool {
        matches!(self.state, StepState::Failed { .. }) && self.decision.verdict == Verdict::Ask
    }

    /// Returns what it brought into the run. A call that was neither made nor was to be brought
    /// nothing; one that failed, was cut off or is done anew may have left what it took in in the
    /// run's folder.
    pub fn brought(&self) -> Labels {
        let by_call = if self.was_made() {
            self.brings
        } else {
            Labels::default()
        };
        match &self.state {
            StepState::Done(end) => by_call.and(end.brings),
            StepState::Waiting(_)
            | StepState::Intended
            | StepState::Acted { .. }
            | StepState::Failed { .. }
            | StepState::Interrupted => by_call,
        }
    }

    /// Whether the call was made, or was to be: neither refused nor stopped while it was a question.
    pub fn was_made(&self) -> bool {
        matches!(self.decision.verdict, Verdict::Allow | Verdict::Change)
    }

    /// Whether it is a turn of a model.
    pub fn is_turn(&self) -> bool {
        self.action.tool.as_str() == TURN
    }

    /// Returns the hash of its action.
    pub fn action_hash(&self) -> ActionHash {
        self.action.hash()
    }

    fn create(new: NewStep, state: StepState, run: &Run, now: Timestamp) -> Self {
        Self {
            run_id: run.id,
            place: new.place,
            attempt: new.attempt,
            name: new.name,
            action: new.action,
            repeat: new.repeat,
            brings: new.brings,
            decision: new.decision,
            state,
            fence: run.fence,
            created_at: now,
            acted_at: None,
            ended_at: None,
            discarded_at: None,
        }
    }

    fn changed(self, run: &Run, event: impl FnOnce(StepFacts) -> EventKind) -> Change<Self> {
        let event = event(StepFacts {
            run_id: self.run_id,
            run_number: run.number,
            task_id: run.task_id,
            task_number: run.task_number,
            place: self.place,
            attempt: self.attempt,
            name: self.name.clone(),
            tool: self.action.tool.clone(),
            status: self.state.status(),
        });
        Change { after: self, event }
    }
}
