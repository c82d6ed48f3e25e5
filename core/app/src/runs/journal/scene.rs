//! The decision over a call, and what is written of it: what the policy looks at is read here, and
//! what it says is carried out, in one transaction.

use std::collections::BTreeSet;

use hearth_domain::approval::{Approval, ApprovalStatus, NewApproval};
use hearth_domain::policy::{self, Bounds, Call, Decision, Verdict};
use hearth_domain::run::{NewStep, Run, Step, StepState, WaitingFor};
use hearth_domain::task::Task;
use hearth_domain::{ApprovalId, Timestamp};
use hearth_store::{Tx, WriteTx, approvals, folders, permissions, steps};

use super::{Intent, Meant};
use crate::error::AppError;
use crate::trust;

/// The attempts at one step that count.
pub(super) struct Attempts<'a> {
    pub(super) last: Option<&'a Step>,
    /// The number that a new one gets.
    pub(super) next: u32,
}

impl<'a> Attempts<'a> {
    pub(super) fn of(all: &'a [Step], meant: &Meant) -> Result<Self, AppError> {
        let mut of_place = all.iter().filter(|step| step.place == meant.place);
        let next = of_place.clone().map(|step| step.attempt).max().unwrap_or(0) + 1;
        let last = of_place.rfind(|step| step.discarded_at.is_none());
        match last.map(|step| &step.state) {
            Some(StepState::Intended | StepState::Acted { .. } | StepState::Done(_)) => {
                Err(AppError::InvalidTransition {
                    code: "wrong_state",
                    detail: format!("step {} is under way or done", meant.place),
                })
            }
            Some(StepState::Waiting(_) | StepState::Failed { .. } | StepState::Interrupted)
            | None => Ok(Self { last, next }),
        }
    }

    fn approval(&self, tx: &impl Tx) -> Result<Option<Approval>, AppError> {
        match self.last.map(|step| &step.state) {
            Some(StepState::Waiting(WaitingFor::Approval(id))) => Ok(approvals::get(tx, *id)?),
            _ => Ok(None),
        }
    }

    /// Returns the attempt of which the owner was asked and has not answered.
    pub(super) fn waiting(&self, tx: &impl Tx) -> Result<Option<&'a Step>, AppError> {
        let is_unanswered = match self.last.map(|step| &step.state) {
            Some(StepState::Waiting(
                WaitingFor::Answer | WaitingFor::Doubt | WaitingFor::Budget | WaitingFor::Child(_),
            )) => true,
            Some(StepState::Waiting(WaitingFor::Approval(_))) => self
                .approval(tx)?
                .is_some_and(|approval| approval.status == ApprovalStatus::Pending),
            _ => false,
        };
        Ok(self.last.filter(|_| is_unanswered))
    }

    /// Has an attempt that waited count no more: what was answered is no answer to what is asked
    /// next, because it ran out, or another action is meant.
    pub(super) fn discard_answered(
        &self,
        tx: &mut WriteTx<'_>,
        run: &Run,
        by: &str,
        now: Timestamp,
    ) -> Result<(), AppError> {
        if let Some(step) = self.last
            && matches!(step.state, StepState::Waiting(_))
        {
            steps::save(tx, step.clone().discard(run, now), run, by, now)?;
        }
        Ok(())
    }
}

impl Meant {
    pub(super) fn into_step(self, attempt: u32, decision: Decision) -> NewStep {
        NewStep {
            place: self.place,
            attempt,
            name: self.name,
            action: self.action,
            repeat: self.repeat,
            brings: self.brings,
            decision,
        }
    }
}

/// What a decision over a call looks at.
pub(super) struct Scene<'a> {
    pub(super) run: &'a Run,
    pub(super) task: &'a Task,
    pub(super) all: &'a [Step],
    pub(super) attempts: Attempts<'a>,
    pub(super) now: Timestamp,
}

impl Scene<'_> {
    pub(super) fn decide(
        &self,
        tx: &impl Tx,
        meant: &Meant,
        bounds: &Bounds,
    ) -> Result<Decision, AppError> {
        let approval = self.attempts.approval(tx)?;
        let permissions = permissions::for_tool(tx, &meant.action.tool)?;
        let mut opened = Vec::new();
        for name in meant.reach.reads.iter().chain(&meant.reach.writes) {
            opened.extend(folders::find_by_name(tx, name)?);
        }
        // An answered task begins to count anew, as its attempts do.
        let calls = self.all.iter().filter(|step| step.fence == self.run.fence);
        let call = Call {
            action: &meant.action,
            reach: &meant.reach,
            project: self.task.project_id,
            labels: trust::of_scene(tx, self.task, self.all)?.and(meant.brings),
            told_by_strangers: self.task.trust.untrusted,
            speaks_meanwhile: self.all.iter().any(|step| {
                step.place != meant.place
                    && step.brings.untrusted
                    && matches!(step.state, StepState::Intended | StepState::Acted { .. })
            }),
            alike: alike(self.all, meant),
            calls: u32::try_from(calls.count()).unwrap_or(u32::MAX),
            approval: approval.as_ref(),
            permissions: &permissions,
            folders: &opened,
        };
        Ok(policy::decide(&call, bounds, self.now))
    }

    pub(super) fn carry_out(
        &self,
        tx: &mut WriteTx<'_>,
        meant: Meant,
        decision: Decision,
    ) -> Result<Intent, AppError> {
        let (run, now) = (self.run, self.now);
        let by = run.agent.to_string();
        let waited = self
            .attempts
            .last
            .filter(|step| matches!(step.state, StepState::Waiting(_)))
            .cloned();
        let next = self.attempts.next;
        match decision.verdict {
            Verdict::Allow | Verdict::Change => {
                self.use_up(tx, &meant, &decision)?;
                let step = if let Some(step) = waited {
                    steps::save(tx, step.proceed(decision, run), run, &by, now)?
                } else {
                    let new = meant.into_step(next, decision);
                    steps::insert(tx, Step::intend(new, run, now), run, now)?
                };
                Ok(Intent::Go(step))
            }
            Verdict::Deny => {
                let step = if let Some(step) = waited {
                    steps::save(tx, step.deny(decision, run, now), run, &by, now)?
                } else {
                    let new = meant.into_step(next, decision);
                    steps::insert(tx, Step::refuse(new, run, now), run, now)?
                };
                Ok(Intent::Refused(step))
            }
            Verdict::Ask => {
                self.attempts.discard_answered(tx, run, &by, now)?;
                let id = self.request(tx, &meant, &decision)?;
                let new = meant.into_step(next, decision);
                let change = Step::wait(new, WaitingFor::Approval(id), run, now);
                Ok(Intent::Waits(steps::insert(tx, change, run, now)?))
            }
        }
    }

    /// Uses up what allows the call.
    fn use_up(
        &self,
        tx: &mut WriteTx<'_>,
        meant: &Meant,
        decision: &Decision,
    ) -> Result<(), AppError> {
        if decision.approval.is_some()
            && let Some(approval) = self.attempts.approval(tx)?
        {
            let was = approval.status;
            let used = approval.use_for(meant.action.hash(), self.now)?;
            approvals::save(tx, used, was, self.run.agent.as_str(), self.now)?;
        }
        if let Some(number) = decision.permission {
            permissions::touch(tx, number, self.now)?;
        }
        Ok(())
    }

    /// Puts the call to the owner.
    fn request(
        &self,
        tx: &mut WriteTx<'_>,
        meant: &Meant,
        decision: &Decision,
    ) -> Result<ApprovalId, AppError> {
        let (id, number) = (ApprovalId(tx.fresh_uuid()), approvals::next_number(tx)?);
        let new = NewApproval {
            run_id: self.run.id,
            task_id: self.run.task_id,
            task_number: self.run.task_number,
            place: meant.place,
            action: meant.action.clone(),
            what: meant.what.clone(),
            why: decision.reason.clone(),
            is_once: decision.is_once,
        };
        let change = Approval::request(id, number, new, self.now);
        approvals::insert(tx, change, self.run.agent.as_str())?;
        Ok(id)
    }
}

/// How many calls in a row, this one included, are the same. Attempts at one step count as one.
fn alike(all: &[Step], meant: &Meant) -> u32 {
    let hash = meant.action.hash();
    let mut earlier: Vec<&Step> = all
        .iter()
        .filter(|step| step.place != meant.place && step.discarded_at.is_none())
        .collect();
    earlier.sort_by_key(|step| (step.created_at, step.place));
    let places: BTreeSet<u32> = earlier
        .iter()
        .rev()
        .take_while(|step| step.action_hash() == hash)
        .map(|step| step.place)
        .collect();
    u32::try_from(places.len())
        .unwrap_or(u32::MAX)
        .saturating_add(1)
}
