//! The steps of a run: every attempt in its journal.

use hearth_app::runs::RunView;
use hearth_domain::run::{self, StepState, WaitingFor};
use hearth_domain::{JsonObject, policy};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::scalar;
use super::time::Time;

/// One attempt at one step of a run.
#[derive(Serialize, ToSchema)]
pub(crate) struct Step<'a> {
    /// Which step of the plan, from 1 on.
    #[schema(minimum = 1)]
    place: u32,
    /// Which attempt at it, from 1 on.
    #[schema(minimum = 1)]
    attempt: u32,
    /// What the plan calls it.
    #[schema(value_type = scalar::Word)]
    name: &'a str,
    /// The tool.
    #[schema(value_type = scalar::Word)]
    tool: &'a str,
    /// With what it is called.
    #[schema(value_type = Object)]
    args: &'a JsonObject,
    /// What the policy said of it.
    decision: Decision<'a>,
    /// What follows if it is cut off: `safe` is made again, `restored` too once the run's folder is
    /// put back, `unsafe` is put to the owner.
    #[schema(value_type = scalar::Repeat)]
    repeat: &'static str,
    /// Where it stands.
    #[schema(value_type = scalar::StepStatus)]
    status: &'static str,
    /// What it waits for; null unless its status is `waiting`.
    #[schema(required = true)]
    waiting_for: Option<Waiting>,
    /// What it brought, for later steps.
    #[schema(value_type = Option<Object>, required = true)]
    result: Option<&'a JsonObject>,
    /// Artifacts it stored, which the task gets with its end.
    artifacts: Vec<Uuid>,
    /// How it went, in a few words.
    #[schema(required = true)]
    note: Option<&'a str>,
    /// Why it failed.
    #[schema(required = true)]
    error: Option<&'a str>,
    /// When it was written down.
    created_at: Time,
    /// When the world had seen it.
    #[schema(required = true)]
    acted_at: Option<Time>,
    /// When its outcome was known.
    #[schema(required = true)]
    ended_at: Option<Time>,
    /// When it stopped to count, its step being done anew.
    #[schema(required = true)]
    discarded_at: Option<Time>,
}

/// What the policy said of a call, and why.
#[derive(Serialize, ToSchema)]
pub(crate) struct Decision<'a> {
    /// Whether it is made, refused, put to the owner, or made within a shorter time.
    #[schema(value_type = scalar::Verdict)]
    verdict: &'static str,
    /// Why, in words.
    reason: &'a str,
    /// The standing permission that allowed it, by number.
    #[schema(required = true)]
    permission: Option<i64>,
    /// The approval that allowed it, by number.
    #[schema(required = true)]
    approval: Option<i64>,
}

/// What an attempt waits for.
#[derive(Serialize, ToSchema)]
pub(crate) struct Waiting {
    /// The owner's approval, the owner's answer, the owner's word on whether the attempt before
    /// happened, a higher budget, or the end of a task that was handed to another agent.
    #[schema(value_type = scalar::WaitingKind)]
    kind: &'static str,
    /// The approval's number; null with the other kinds.
    #[schema(required = true)]
    approval: Option<i64>,
    /// The task that was handed to another agent; null with the other kinds.
    #[schema(required = true)]
    task_id: Option<Uuid>,
}

/// The journal of a run.
#[derive(Serialize, ToSchema)]
pub(crate) struct StepPage<'a> {
    /// Every attempt, in the order of the plan.
    items: Vec<Step<'a>>,
    /// Always null: a journal is one page.
    #[schema(required = true)]
    next_cursor: Option<String>,
}

impl<'a> From<&'a RunView> for StepPage<'a> {
    fn from(view: &'a RunView) -> Self {
        let number_of = |id| {
            let found = view.approvals.iter().find(|approval| approval.id == id);
            found.map(|approval| approval.number)
        };
        let steps = view.steps.iter();
        Self {
            items: steps.map(|step| Step::new(step, number_of)).collect(),
            next_cursor: None,
        }
    }
}

impl<'a> Step<'a> {
    fn new(
        step: &'a run::Step,
        number_of: impl Fn(hearth_domain::ApprovalId) -> Option<i64>,
    ) -> Self {
        let waiting = |kind, approval| {
            Some(Waiting {
                kind,
                approval,
                task_id: step.child().map(|id| id.0),
            })
        };
        let waiting_for = match step.state {
            StepState::Waiting(WaitingFor::Approval(id)) => waiting("approval", number_of(id)),
            StepState::Waiting(WaitingFor::Answer) => waiting("answer", None),
            StepState::Waiting(WaitingFor::Doubt) => waiting("doubt", None),
            StepState::Waiting(WaitingFor::Budget) => waiting("budget", None),
            StepState::Waiting(WaitingFor::Child(_)) => waiting("child", None),
            _ => None,
        };
        let end = match &step.state {
            StepState::Done(end) => Some(end),
            _ => None,
        };
        let error = match &step.state {
            StepState::Failed { error } => Some(error.as_str()),
            _ => None,
        };
        let artifacts = end.into_iter().flat_map(|end| &end.artifacts);
        Self {
            place: step.place,
            attempt: step.attempt,
            name: step.name.as_str(),
            tool: step.action.tool.as_str(),
            args: &step.action.args,
            decision: Decision::from(&step.decision),
            repeat: step.repeat.as_str(),
            status: step.state.status().as_str(),
            waiting_for,
            result: end.and_then(|end| end.result.as_ref()),
            artifacts: artifacts.map(|id| id.0).collect(),
            note: end.map(|end| end.note.as_str()),
            error,
            created_at: Time(step.created_at),
            acted_at: step.acted_at.map(Time),
            ended_at: step.ended_at.map(Time),
            discarded_at: step.discarded_at.map(Time),
        }
    }
}

impl<'a> From<&'a policy::Decision> for Decision<'a> {
    fn from(decision: &'a policy::Decision) -> Self {
        Self {
            verdict: decision.verdict.as_str(),
            reason: &decision.reason,
            permission: decision.permission,
            approval: decision.approval,
        }
    }
}
