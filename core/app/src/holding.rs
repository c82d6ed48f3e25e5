//! Operations of an agent on the task it holds: claim, heartbeat, complete, block, release. What the
//! node's own agents claim is in `own`.

mod own;

use std::time::Duration;

use hearth_domain::event::{Evidence, ReleaseCause};
use hearth_domain::field::{
    AgentName, LABEL_MAX, REASON_MAX, json_within, line, list_within, prose,
};
use hearth_domain::task::{
    Completion, LEASE_DEFAULT, LEASE_MAX, LEASE_MIN, Progress, Refusal, Task, Unmet,
};
use hearth_domain::{Actor, ArtifactId, JsonObject, Timestamp};
use hearth_store::tasks::{self, Wanted};
use hearth_store::{WriteTx, artifacts, runs};

use crate::acceptance::{self, Examined};
use crate::agents::pause::must_not_be_paused;
use crate::agents::seen_working;
use crate::app::{App, Facilities};
use crate::authority::{must_act_as, must_work};
use crate::error::AppError;
use crate::notices::save_task;
use crate::projects::expect_version;
use crate::tasks::{TaskRef, TaskView, attach, find, to_attach, view};

/// The most artifacts of one task that a completion looks at.
const ARTIFACTS_SEEN: usize = 1000;

/// A claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// Who claims.
    pub agent: AgentName,
    /// How long the claim lasts without a heartbeat.
    pub lease: Duration,
}

impl Claim {
    /// A claim of the usual length.
    pub fn new(agent: AgentName) -> Self {
        Self {
            agent,
            lease: LEASE_DEFAULT,
        }
    }
}

/// Which work a claim is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// Tasks whose context carries a plan, which needs no model.
    Planned,
    /// Any.
    Any,
}

/// What every later write of a holder names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// Who holds the task.
    pub agent: AgentName,
    /// The fence that the claim gave.
    pub fence: u64,
}

/// What a holder hands in when it is done.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Done {
    /// What came of the task.
    pub result: Option<JsonObject>,
    /// Artifacts that wait for a task, to be given to this one first.
    pub artifacts: Vec<ArtifactId>,
}

impl App {
    /// Hands the named task to an agent.
    ///
    /// # Errors
    /// It is not pending, is kept for somebody else, or waits for its time or for other tasks; the
    /// agent is paused; the key is another agent's.
    pub async fn claim_task(
        &self,
        actor: &Actor,
        task: TaskRef,
        claim: Claim,
        expected: Option<u64>,
    ) -> Result<TaskView, AppError> {
        check_claim(actor, &claim)?;
        let (facilities, now) = (self.facilities(), self.now());
        let view = self
            .store()
            .write_checked(move |tx| {
                must_not_be_paused(tx, &claim.agent)?;
                let task = find(tx, task)?;
                expect_version("task", task.version, expected)?;
                let open = if task.depends_on.is_empty() {
                    0
                } else {
                    tasks::open_dependencies(tx, task.id)?
                };
                let agent = claim.agent.clone();
                let task = save_task(tx, task.claim(claim.agent, claim.lease, open, now)?)?;
                seen_working(tx, &agent, now)?;
                view(tx, task, &facilities, now)
            })
            .await?;
        self.expect_expiry(&view);
        Ok(view)
    }

    /// Hands the best pending task that fits to an agent; `None` if there is none.
    ///
    /// # Errors
    /// The agent is paused; the key is another agent's.
    pub async fn claim_next_task(
        &self,
        actor: &Actor,
        claim: Claim,
        work: Work,
    ) -> Result<Option<TaskView>, AppError> {
        check_claim(actor, &claim)?;
        let (facilities, now) = (self.facilities(), self.now());
        let view = self
            .store()
            .write_checked(move |tx| {
                must_not_be_paused(tx, &claim.agent)?;
                let wanted = Wanted {
                    agent: claim.agent.clone(),
                    has_plan: work == Work::Planned,
                };
                let Some(task) = tasks::best_pending(tx, &wanted, now)? else {
                    return Ok(None);
                };
                let task = save_task(tx, task.claim(claim.agent, claim.lease, 0, now)?)?;
                seen_working(tx, &wanted.agent, now)?;
                view(tx, task, &facilities, now).map(Some)
            })
            .await?;
        if let Some(view) = &view {
            self.expect_expiry(view);
        }
        Ok(view)
    }

    /// Renews the lease, and tells how far the work is where `progress` says so.
    ///
    /// # Errors
    /// The agent does not hold the task, or the fence is not the present one.
    pub async fn heartbeat_task(
        &self,
        actor: &Actor,
        task: TaskRef,
        hold: Hold,
        progress: Option<Progress>,
    ) -> Result<TaskView, AppError> {
        must_work(actor, "send a heartbeat")?;
        must_act_as(actor, &hold.agent)?;
        if let Some(progress) = &progress {
            line("message", &progress.message, REASON_MAX)?;
            if progress.percent.is_some_and(|percent| percent > 100) {
                return Err(AppError::invalid("percent", "must be 0 to 100"));
            }
        }
        let (facilities, now, purse) = (self.facilities(), self.now(), self.purse());
        let view = self
            .store()
            .write_checked(move |tx| {
                let task = find(tx, task)?;
                let Hold { agent, fence } = hold;
                let task = match progress {
                    None => task.renew(&agent, fence, now)?,
                    Some(progress) => save_task(tx, task.progress(&agent, fence, progress, now)?)?,
                };
                tasks::save_lease(tx, &task)?;
                if runs::open_of(tx, task.id)?.is_some() {
                    purse.charge_wall(tx, &agent, &task, now)?;
                }
                seen_working(tx, &agent, now)?;
                view(tx, task, &facilities, now)
            })
            .await?;
        // An agent that was offline is watched again.
        self.alarm()
            .set_no_later_than(now.after(self.config().offline_after));
        Ok(view)
    }

    /// Ends a task as done, if its acceptance checks hold. They may take minutes; the lease is kept
    /// alive meanwhile, and a caller that goes away stops them.
    ///
    /// A completion that does not pass them is noted in the task, and the third blocks it for its
    /// owner. What it handed in stays unattached, to be handed in again.
    ///
    /// # Errors
    /// The agent does not hold it, or the fence is not the present one; a check does not hold, or
    /// cannot be run here; the task was taken away, or changed, while its checks ran.
    pub async fn complete_task(
        &self,
        actor: &Actor,
        task: TaskRef,
        hold: Hold,
        done: Done,
        expected: Option<u64>,
    ) -> Result<TaskView, AppError> {
        must_act_as(actor, &hold.agent)?;
        if let Some(result) = &done.result {
            json_within("result", result)?;
        }
        list_within("artifacts", &done.artifacts)?;
        must_work(actor, "complete a task")?;
        let claimed = Claimed {
            task,
            hold,
            done,
            expected,
        };
        let view = match self.try_to_complete(claimed, None).await? {
            Attempt::Completed(view) => view,
            Attempt::Refused(refusal) => return Err(refusal),
            Attempt::ToExamine(claimed, work) => {
                let examined = self.examine(&work).await?;
                drop(work);
                match self.try_to_complete(claimed, Some(examined)).await? {
                    Attempt::Completed(view) => view,
                    Attempt::Refused(refusal) => return Err(refusal),
                    Attempt::ToExamine(_, work) => {
                        let number = work.task.number;
                        return Err(Refusal::Unexamined { number }.into());
                    }
                }
            }
        };
        self.expect_by_calendar(&view.task);
        metrics::counter!("hearth_tasks_completed_total").increment(1);
        if let Some(started) = view.task.started_at {
            let seconds = view.task.updated_at.since(started).as_secs_f64();
            metrics::histogram!("hearth_task_duration_seconds").record(seconds);
        }
        Ok(*view)
    }

    async fn try_to_complete(
        &self,
        claimed: Claimed,
        examined: Option<Examined>,
    ) -> Result<Attempt, AppError> {
        let (facilities, now) = (self.facilities(), self.now());
        self.store()
            .write_checked(move |tx| claimed.decide(tx, examined, &facilities, now))
            .await
    }

    /// Stops work on a task until somebody answers.
    ///
    /// # Errors
    /// The agent does not hold it, or the fence is not the present one.
    pub async fn block_task(
        &self,
        actor: &Actor,
        task: TaskRef,
        hold: Hold,
        reason: &str,
        options: Vec<String>,
        expected: Option<u64>,
    ) -> Result<TaskView, AppError> {
        must_act_as(actor, &hold.agent)?;
        let (reason, options) = block_words(reason, &options)?;
        self.change_task(actor, task, expected, move |_, task, _, now| {
            Ok(task.block(&hold.agent, hold.fence, reason, options, now)?)
        })
        .await
    }

    /// Gives a task back.
    ///
    /// # Errors
    /// The agent does not hold it, or the fence is not the present one.
    pub async fn release_task(
        &self,
        actor: &Actor,
        task: TaskRef,
        hold: Hold,
        cause: ReleaseCause,
        reason: Option<String>,
        expected: Option<u64>,
    ) -> Result<TaskView, AppError> {
        must_act_as(actor, &hold.agent)?;
        let reason = reason
            .map(|text| prose("reason", &text, REASON_MAX))
            .transpose()?;
        self.change_task(actor, task, expected, move |_, task, _, now| {
            Ok(task.release(&hold.agent, hold.fence, cause, reason, now)?)
        })
        .await
    }

    /// Takes back what one of the node's own agents held when the node was killed: its work died
    /// with the node. Returns how many tasks that were.
    ///
    /// # Errors
    /// The store failed.
    pub async fn reclaim_after_restart(&self, agent: AgentName) -> Result<usize, AppError> {
        let now = self.now();
        self.store()
            .write(move |tx| {
                let held = tasks::held_by(tx, &agent)?;
                let count = held.len();
                for task in held {
                    save_task(tx, task.reclaim(ReleaseCause::NodeRestarted, now)?)?;
                }
                Ok(count)
            })
            .await
    }

    /// Returns when the next pending task may be started that may not be yet.
    ///
    /// # Errors
    /// The store failed.
    pub fn next_start(&self) -> Result<Option<hearth_domain::Timestamp>, AppError> {
        let now = self.now();
        self.store().read_now(|tx| Ok(tasks::next_start(tx, now)?))
    }

    fn expect_expiry(&self, view: &TaskView) {
        if let Some(lease) = view.task.lease() {
            self.alarm().set_no_later_than(lease.expires_at);
            // The claim was a sign of life.
            self.alarm()
                .set_no_later_than(self.now().after(self.config().offline_after));
        }
    }
}

/// What a holder says of a task: that it is done.
struct Claimed {
    task: TaskRef,
    hold: Hold,
    done: Done,
    expected: Option<u64>,
}

/// What became of it, stored with the answer.
enum Attempt {
    Completed(Box<TaskView>),
    /// A check does not hold, which is noted.
    Refused(AppError),
    /// Nothing was changed: checks are to be run first.
    ToExamine(Claimed, Box<acceptance::Work>),
}

impl Claimed {
    fn decide(
        mut self,
        tx: &mut WriteTx<'_>,
        examined: Option<Examined>,
        facilities: &Facilities,
        now: Timestamp,
    ) -> Result<Attempt, AppError> {
        let task = find(tx, self.task)?;
        expect_version("task", task.version, self.expected)?;
        let Hold { agent, fence } = &self.hold;
        task.held_by("complete", agent, *fence)?;
        let (id, number) = (task.id, task.number);
        // Artifacts are given in the holder's name, whoever carries the message.
        let holder = Actor::Agent(agent.clone());
        let given = to_attach(tx, &holder, &self.done.artifacts, Some(id))?;
        let mut artifacts = artifacts::list_by_task(tx, id, None, ARTIFACTS_SEEN)?.items;
        artifacts.extend(given.iter().cloned());
        let was_examined = examined.is_some();
        let findings = match examined {
            None => Vec::new(),
            Some(examined) => {
                if !artifacts
                    .iter()
                    .map(|seen| &seen.id)
                    .eq(&examined.artifacts)
                {
                    return Err(Refusal::Unexamined { number }.into());
                }
                examined.findings
            }
        };
        // Most tasks have no checks, and need no copy for the case that one does not hold.
        let has_checks = !task.acceptance.is_empty();
        let spare = has_checks.then(|| task.clone());
        let result = if has_checks {
            self.done.result.clone()
        } else {
            self.done.result.take()
        };
        let completion = Completion { result };
        match (
            task.complete(agent, *fence, completion, &artifacts, &findings, now),
            spare,
        ) {
            (Ok(change), _) => {
                attach(tx, &holder, given, id, now)?;
                let task = save_task(tx, change)?;
                view(tx, task, facilities, now).map(|view| Attempt::Completed(Box::new(view)))
            }
            (Err(Refusal::Unaccepted { unmet, .. }), Some(task)) => {
                refuse(tx, task, &self.hold, unmet, now).map(Attempt::Refused)
            }
            (Err(Refusal::Unexamined { .. }), Some(task)) if !was_examined => {
                let work = acceptance::Work {
                    task,
                    hold: self.hold.clone(),
                    result: self.done.result.clone(),
                    artifacts,
                };
                Ok(Attempt::ToExamine(self, Box::new(work)))
            }
            (Err(refusal), _) => Err(refusal.into()),
        }
    }
}

/// Notes that a completion did not pass; after too many the task is its owner's.
fn refuse(
    tx: &mut WriteTx<'_>,
    task: Task,
    hold: &Hold,
    unmet: Vec<Unmet>,
    now: Timestamp,
) -> Result<AppError, AppError> {
    let evidence = unmet.iter().cloned().map(Evidence::from).collect();
    let task = save_task(
        tx,
        task.fail_acceptance(&hold.agent, hold.fence, unmet, now)?,
    )?;
    if !task.has_failed_too_often() {
        return Ok(AppError::unaccepted(&task, false, evidence));
    }
    let task = save_task(tx, task.block_unaccepted(now)?)?;
    Ok(AppError::unaccepted(&task, true, evidence))
}

/// Checks what a task is blocked with: the reason, or the question, and its options.
pub(crate) fn block_words(
    reason: &str,
    options: &[String],
) -> Result<(String, Vec<String>), AppError> {
    let reason = prose("reason", reason, REASON_MAX)?;
    if reason.trim().is_empty() {
        return Err(AppError::invalid(
            "reason",
            "must not be empty; say what is needed",
        ));
    }
    list_within("options", options)?;
    let options = options
        .iter()
        .map(|option| line("options", option, LABEL_MAX * 4))
        .collect::<Result<_, _>>()?;
    Ok((reason, options))
}

fn check_claim(actor: &Actor, claim: &Claim) -> Result<(), AppError> {
    must_work(actor, "claim a task")?;
    must_act_as(actor, &claim.agent)?;
    if !(LEASE_MIN..=LEASE_MAX).contains(&claim.lease) {
        return Err(AppError::invalid(
            "lease_seconds",
            format!("must be {} to {}", LEASE_MIN.as_secs(), LEASE_MAX.as_secs()),
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
