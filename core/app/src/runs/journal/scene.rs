//! The decision over a call, and what is written of it: what the policy looks at is read here, and
//! what it says is carried out, in one transaction.

use std::collections::BTreeSet;

use hearth_domain::approval::{Approval, ApprovalStatus, NewApproval};
use hearth_domain::money::{Charge, Over};
use hearth_domain::policy::{self, Bounds, Call, Decision, Labels, Verdict};
use hearth_domain::run::{NewStep, Run, Step, StepState, WaitingFor};
use hearth_domain::task::Task;
use hearth_domain::{ApprovalId, Timestamp};
use hearth_store::{Tx, WriteTx, approvals, folders, permissions, specialists, steps};

use super::{Intent, Meant};
use crate::error::AppError;
use crate::money::ask::in_words;
use crate::money::steps::pay_for_step;
use crate::money::{DELEGATE_TOOL, MODEL_TOOL, Purse};
use crate::trust;

/// The attempts at one step that count.
pub(super) struct Attempts<'a> {
    /// The last one, apart from one that waits for a budget.
    pub(super) last: Option<&'a Step>,
    /// The one that waits for a budget. Before it there may be one that was approved and could not be
    /// paid: the approval holds until it runs out.
    pub(super) unpaid: Option<&'a Step>,
    /// The number that a new one gets.
    pub(super) next: u32,
}

impl<'a> Attempts<'a> {
    pub(super) fn of(all: &'a [Step], meant: &Meant) -> Result<Self, AppError> {
        let of_place = all.iter().filter(|step| step.place == meant.place);
        let next = of_place.clone().map(|step| step.attempt).max().unwrap_or(0) + 1;
        let mut live = of_place.filter(|step| step.discarded_at.is_none());
        let is_unpaid = |step: &&Step| step.state == StepState::Waiting(WaitingFor::Budget);
        let unpaid = live.clone().rfind(is_unpaid);
        let last = live.rfind(|step| !is_unpaid(step));
        match last.map(|step| &step.state) {
            Some(StepState::Intended | StepState::Acted { .. } | StepState::Done(_)) => {
                Err(AppError::InvalidTransition {
                    code: "wrong_state",
                    detail: format!("step {} is under way or done", meant.place),
                })
            }
            Some(StepState::Waiting(_) | StepState::Failed { .. } | StepState::Interrupted)
            | None => Ok(Self { last, unpaid, next }),
        }
    }

    fn approval(&self, tx: &impl Tx) -> Result<Option<Approval>, AppError> {
        match self.last.map(|step| &step.state) {
            Some(StepState::Waiting(WaitingFor::Approval(id))) => Ok(approvals::get(tx, *id)?),
            _ => Ok(None),
        }
    }

    /// Returns the attempt of which the owner was asked and has not answered. One that waits for a
    /// budget is none: whether there is enough by now is looked at anew.
    pub(super) fn waiting(&self, tx: &impl Tx) -> Result<Option<&'a Step>, AppError> {
        let is_unanswered = match self.last.map(|step| &step.state) {
            Some(StepState::Waiting(
                WaitingFor::Answer | WaitingFor::Doubt | WaitingFor::Child(_),
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
        let waited = self
            .last
            .filter(|step| matches!(step.state, StepState::Waiting(_)));
        for step in waited.into_iter().chain(self.unpaid) {
            steps::save(tx, step.clone().discard(run, now), run, by, now)?;
        }
        Ok(())
    }
}

impl Meant {
    /// Returns what it asks of the budgets. Whatever it is takes a moment of time.
    pub(super) fn needs(&self) -> Charge {
        let call = match self.action.tool.as_str() {
            MODEL_TOOL => Charge::turn(self.worst_case.unwrap_or_default().bounded()),
            // Counted when the task is made; looked at here, so that it is asked for.
            DELEGATE_TOOL => Charge::tool_call().plus(Charge::child()),
            _ => Charge::tool_call(),
        };
        call.plus(Charge::wall(1))
    }

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
    pub(super) purse: Purse,
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
        let grants = specialists::get(tx, &self.run.agent)?.map(|specialist| specialist.grants);
        // An answered task begins to count anew, as its attempts do.
        let calls = self.all.iter().filter(|step| step.fence == self.run.fence);
        // A tool is made of what the run knew before; what its examples bring comes after.
        let brings = match meant.reach.creates {
            Some(_) => Labels::default(),
            None => meant.brings,
        };
        let call = Call {
            action: &meant.action,
            reach: &meant.reach,
            project: self.task.project_id,
            labels: trust::of_scene(tx, self.task, self.all)?.and(brings),
            told_by_strangers: self.task.trust.untrusted,
            speaks_meanwhile: self.all.iter().any(|step| {
                step.place != meant.place
                    && step.brings.untrusted
                    && matches!(step.state, StepState::Intended | StepState::Acted { .. })
            }),
            alike: alike(self.all, meant),
            calls: u32::try_from(calls.count()).unwrap_or(u32::MAX),
            grants: grants.as_ref(),
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
        let waited = self.waited(tx, &meant)?;
        let next = self.attempts.next;
        match decision.verdict {
            Verdict::Allow | Verdict::Change => {
                let needs = meant.needs();
                let agent = &run.agent;
                let over = self.purse.overs(tx, agent, Some(self.task), &needs)?;
                if !over.is_empty() {
                    return self.wait_for_budget(tx, meant, &over, needs);
                }
                self.use_up(tx, &meant, &decision)?;
                let worst_case = meant.worst_case;
                let step = if let Some(step) = self.taken_up(tx, &meant, waited)? {
                    steps::save(tx, step.proceed(decision, run), run, &by, now)?
                } else {
                    let new = meant.into_step(next, decision);
                    steps::insert(tx, Step::intend(new, run, now), run, now)?
                };
                pay_for_step(tx, &self.purse, run, self.task, &step, worst_case, now)?;
                Ok(Intent::Go(step))
            }
            Verdict::Deny => {
                let mut open = waited.into_iter().chain(self.attempts.unpaid.cloned());
                let waited = open.next();
                for other in open {
                    steps::save(tx, other.discard(run, now), run, &by, now)?;
                }
                let step = if let Some(step) = waited {
                    steps::save(tx, step.deny(decision, run, now), run, &by, now)?
                } else {
                    let new = meant.into_step(next, decision);
                    steps::insert(tx, Step::refuse(new, run, now), run, now)?
                };
                Ok(Intent::Refused(step))
            }
            Verdict::Ask => {
                for step in waited.into_iter().chain(self.attempts.unpaid.cloned()) {
                    steps::save(tx, step.discard(run, now), run, &by, now)?;
                }
                let id = self.request(tx, &meant, &decision)?;
                let new = meant.into_step(next, decision);
                let change = Step::wait(new, WaitingFor::Approval(id), run, now);
                Ok(Intent::Waits(steps::insert(tx, change, run, now)?))
            }
        }
    }

    /// Returns the attempt that waited with this very action. One that waited with another counts no
    /// more: the journal tells of what is made, and not of what was asked for before.
    pub(super) fn waited(
        &self,
        tx: &mut WriteTx<'_>,
        meant: &Meant,
    ) -> Result<Option<Step>, AppError> {
        let is_waiting = |step: &&Step| matches!(step.state, StepState::Waiting(_));
        let waited = self.attempts.last.filter(is_waiting).cloned();
        match waited {
            Some(step) if step.action_hash() != meant.action.hash() => {
                let change = step.discard(self.run, self.now);
                steps::save(tx, change, self.run, self.run.agent.as_str(), self.now)?;
                Ok(None)
            }
            waited => Ok(waited),
        }
    }

    /// Returns the attempt that waited and is made now; another one that waited beside it, or for
    /// another action, counts no more.
    pub(super) fn taken_up(
        &self,
        tx: &mut WriteTx<'_>,
        meant: &Meant,
        waited: Option<Step>,
    ) -> Result<Option<Step>, AppError> {
        let Some(unpaid) = self.attempts.unpaid else {
            return Ok(waited);
        };
        if waited.is_none() && unpaid.action == meant.action {
            return Ok(Some(unpaid.clone()));
        }
        let change = unpaid.clone().discard(self.run, self.now);
        steps::save(tx, change, self.run, self.run.agent.as_str(), self.now)?;
        Ok(waited)
    }

    /// Writes down that a call does not fit into what is left of its budgets. What allows it is not
    /// used up.
    pub(super) fn wait_for_budget(
        &self,
        tx: &mut WriteTx<'_>,
        meant: Meant,
        over: &[Over],
        needs: Charge,
    ) -> Result<Intent, AppError> {
        let (run, now) = (self.run, self.now);
        if let Some(step) = self.attempts.unpaid {
            if step.action == meant.action && step.decision.needs == Some(needs) {
                return Ok(Intent::Waits(step.clone()));
            }
            let change = step.clone().discard(run, now);
            steps::save(tx, change, run, run.agent.as_str(), now)?;
        }
        let mut reasons = Vec::with_capacity(over.len());
        for over in over {
            let name = self.purse.name(tx, &over.scope, Some(self.task))?;
            reasons.push(in_words(&name, over));
        }
        let decision = Decision {
            needs: Some(needs),
            ..Decision::new(Verdict::Ask, reasons.join(" "))
        };
        Purse::note_reached(tx, over, Some(self.task), run.agent.as_str(), now)?;
        let new = meant.into_step(self.attempts.next, decision);
        let change = Step::wait(new, WaitingFor::Budget, run, now);
        Ok(Intent::Waits(steps::insert(tx, change, run, now)?))
    }

    /// Uses up what allows the call.
    pub(super) fn use_up(
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
        // Between two calls of a model lies its turn.
        .filter(|step| !step.is_turn())
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
