//! Operations of an agent on the task it holds: claim, heartbeat, complete, block, release.

use std::time::Duration;

use hearth_domain::event::ReleaseCause;
use hearth_domain::field::{
    AgentName, LABEL_MAX, REASON_MAX, json_within, line, list_within, prose,
};
use hearth_domain::task::{Completion, LEASE_DEFAULT, LEASE_MAX, LEASE_MIN, Progress};
use hearth_domain::{Actor, ArtifactId, JsonObject};
use hearth_store::artifacts;
use hearth_store::tasks::{self, Wanted};

use crate::agents::seen_working;
use crate::app::App;
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
    /// key is another agent's.
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

    /// Hands the best pending task that fits to an agent; `None` if there is none. With
    /// `has_plan`, only one whose context carries a plan.
    ///
    /// # Errors
    /// The key is another agent's.
    pub async fn claim_next_task(
        &self,
        actor: &Actor,
        claim: Claim,
        has_plan: bool,
    ) -> Result<Option<TaskView>, AppError> {
        check_claim(actor, &claim)?;
        let (facilities, now) = (self.facilities(), self.now());
        let view = self
            .store()
            .write_checked(move |tx| {
                let wanted = Wanted {
                    agent: claim.agent.clone(),
                    has_plan,
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
        let (facilities, now) = (self.facilities(), self.now());
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
                seen_working(tx, &agent, now)?;
                view(tx, task, &facilities, now)
            })
            .await?;
        // An agent that was offline is watched again.
        self.alarm()
            .set_no_later_than(now.after(self.config().offline_after));
        Ok(view)
    }

    /// Ends a task as done, if its acceptance checks hold.
    ///
    /// # Errors
    /// The agent does not hold it, or the fence is not the present one; a check does not hold.
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
        // Artifacts are given in the holder's name, whoever carries the message.
        let holder = Actor::Agent(hold.agent.clone());
        let (facilities, now) = (self.facilities(), self.now());
        let view = self
            .store()
            .write_checked(move |tx| {
                let task = find(tx, task)?;
                expect_version("task", task.version, expected)?;
                task.held_by("complete", &hold.agent, hold.fence)?;
                let id = task.id;
                let given = to_attach(tx, &holder, &done.artifacts, Some(id))?;
                let mut all = artifacts::list_by_task(tx, id, None, ARTIFACTS_SEEN)?.items;
                all.extend(given.iter().cloned());
                let completion = Completion {
                    result: done.result,
                };
                let change = task.complete(&hold.agent, hold.fence, completion, &all, &[], now)?;
                attach(tx, &holder, given, id, now)?;
                let task = save_task(tx, change)?;
                view(tx, task, &facilities, now)
            })
            .await?;
        self.expect_by_calendar(&view.task);
        metrics::counter!("hearth_tasks_completed_total").increment(1);
        if let Some(started) = view.task.started_at {
            let seconds = view.task.updated_at.since(started).as_secs_f64();
            metrics::histogram!("hearth_task_duration_seconds").record(seconds);
        }
        Ok(view)
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
        let reason = prose("reason", reason, REASON_MAX)?;
        if reason.trim().is_empty() {
            return Err(AppError::invalid(
                "reason",
                "must not be empty; say what is needed",
            ));
        }
        list_within("options", &options)?;
        let options: Vec<String> = options
            .iter()
            .map(|option| line("options", option, LABEL_MAX * 4))
            .collect::<Result<_, _>>()?;
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
