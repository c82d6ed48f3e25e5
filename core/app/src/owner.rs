//! What the owner does to a task by one word, where an agent would claim it, work and hand in.
//!
//! The owner claims like an agent, under the name `owner`, so the rules of a claim hold here too. What
//! only keeps agents away (a reservation, a start that is yet to come, a block) does not keep the
//! owner away.

use std::time::Duration;

use hearth_domain::event::ReleaseCause;
use hearth_domain::field::{AgentName, OWNER};
use hearth_domain::task::{LEASE_DEFAULT, Task, TaskPatch, TaskState};
use hearth_domain::{Actor, Change, JsonObject, Timestamp};
use hearth_store::{Tx, tasks};

use crate::app::App;
use crate::authority::must_be_owner;
use crate::error::AppError;
use crate::holding::{Done, Hold, block_words};
use crate::notices::save_task;
use crate::projects::expect_version;
use crate::tasks::{TaskRef, TaskView, find, view};

/// A task in the owner's hands.
#[derive(Debug, Clone, PartialEq)]
pub struct Taken {
    /// How it is.
    pub view: TaskView,
    /// How it was.
    pub before: Task,
}

impl App {
    /// Hands a task to the owner for `lease`. One that the owner holds already stays as it is.
    ///
    /// # Errors
    /// An agent works on it; it has ended; tasks that must come first are open; the caller is not
    /// the owner.
    pub async fn take_task(
        &self,
        actor: &Actor,
        task: TaskRef,
        lease: Duration,
        expected: Option<u64>,
    ) -> Result<Taken, AppError> {
        must_be_owner(actor, "take a task as its owner")?;
        self.by_steps(actor, task, expected, move |tx, task, actor, now| {
            take(tx, task, lease, actor, now)
        })
        .await
    }

    /// Ends a task as done by the owner, if its acceptance checks hold; else it is as it was.
    ///
    /// # Errors
    /// As for [`App::take_task`]; an acceptance check does not hold.
    pub async fn complete_as_owner(
        &self,
        actor: &Actor,
        task: TaskRef,
        result: Option<JsonObject>,
        expected: Option<u64>,
    ) -> Result<Taken, AppError> {
        let taken = self.take_task(actor, task, LEASE_DEFAULT, expected).await?;
        let done = Done {
            result,
            ..Done::default()
        };
        let hold = Hold {
            agent: owner(),
            fence: taken.view.task.fence,
        };
        let id = TaskRef::Id(taken.before.id);
        match self.complete_task(actor, id, hold, done, None).await {
            Ok(view) => Ok(Taken { view, ..taken }),
            Err(refusal) => {
                self.put_back(actor, taken.before).await?;
                Err(refusal)
            }
        }
    }

    /// Stops a task until the owner says otherwise.
    ///
    /// # Errors
    /// The reason is empty or too long; as for [`App::take_task`].
    pub async fn block_as_owner(
        &self,
        actor: &Actor,
        task: TaskRef,
        reason: &str,
        options: Vec<String>,
        expected: Option<u64>,
    ) -> Result<Taken, AppError> {
        must_be_owner(actor, "block a task as its owner")?;
        let (reason, options) = block_words(reason, &options)?;
        self.by_steps(actor, task, expected, move |tx, task, actor, now| {
            let before = task.clone();
            let mut steps = take(tx, task, LEASE_DEFAULT, actor, now)?;
            let held = last(&steps, &before);
            let fence = held.fence;
            steps.push(held.block(&owner(), fence, reason, options, now)?);
            keep_for(&mut steps, &before, actor, now)?;
            Ok(steps)
        })
        .await
    }

    /// Gives back what the owner took, to where it was: blocked again if it was blocked.
    async fn put_back(&self, actor: &Actor, before: Task) -> Result<(), AppError> {
        let id = TaskRef::Id(before.id);
        let put_back = self.by_steps(actor, id, None, move |_, task, actor, now| {
            // The completion may have been the last one allowed, and has blocked it.
            let is_held = task.lease().is_some_and(|lease| lease.holder.is_owner());
            // What the owner held before, the owner holds on to.
            if !is_held || before.lease().is_some() {
                return Ok(Vec::new());
            }
            let fence = task.fence;
            let first = match &before.state {
                TaskState::Blocked { block } => task.block(
                    &owner(),
                    fence,
                    block.reason.clone(),
                    block.options.clone(),
                    now,
                )?,
                TaskState::Pending
                | TaskState::InProgress { .. }
                | TaskState::Completed { .. }
                | TaskState::Cancelled { .. } => task.release(
                    &owner(),
                    fence,
                    ReleaseCause::GivenBack,
                    Some("it is not done yet".into()),
                    now,
                )?,
            };
            let mut steps = vec![first];
            keep_for(&mut steps, &before, actor, now)?;
            Ok(steps)
        });
        put_back.await.map(drop)
    }

    /// Loads a task, lets `decide` make changes of it that follow each other, saves all or none.
    async fn by_steps(
        &self,
        actor: &Actor,
        task: TaskRef,
        expected: Option<u64>,
        decide: impl FnOnce(
            &hearth_store::WriteTx<'_>,
            Task,
            &Actor,
            Timestamp,
        ) -> Result<Vec<Change<Task>>, AppError>
        + Send
        + 'static,
    ) -> Result<Taken, AppError> {
        let (actor, facilities, now) = (actor.clone(), self.facilities(), self.now());
        let taken = self
            .store()
            .write_checked(move |tx| {
                let before = find(tx, task)?;
                expect_version("task", before.version, expected)?;
                let steps = decide(tx, before.clone(), &actor, now)?;
                let mut task = before.clone();
                for step in steps {
                    task = save_task(tx, step)?;
                }
                let view = view(tx, task, &facilities, now)?;
                Ok::<_, AppError>(Taken { view, before })
            })
            .await?;
        self.expect_by_calendar(&taken.view.task);
        if let Some(lease) = taken.view.task.lease() {
            self.alarm().set_no_later_than(lease.expires_at);
        }
        Ok(taken)
    }
}

/// The steps by which a task comes into the owner's hands.
fn take(
    tx: &impl Tx,
    task: Task,
    lease: Duration,
    actor: &Actor,
    now: Timestamp,
) -> Result<Vec<Change<Task>>, AppError> {
    if let Some(held) = task.lease() {
        return if held.holder.is_owner() {
            Ok(Vec::new())
        } else {
            Err(AppError::conflict(
                "not_holder",
                format!("task #{} is held by {}", task.number, held.holder),
            ))
        };
    }
    let open = tasks::open_dependencies(tx, task.id)?;
    let before = task.clone();
    let mut steps = Vec::new();
    if let TaskState::Blocked { .. } = task.state {
        steps.push(task.answer(None, actor, now)?);
    }
    let task = last(&steps, &before);
    let is_kept = task
        .reserved_for
        .as_ref()
        .is_some_and(|name| !name.is_owner());
    let is_early = task.not_before.is_some_and(|moment| moment > now);
    // An ended task is refused by the claim, in the words for that.
    if (is_kept || is_early) && !task.status().is_terminal() {
        let patch = TaskPatch {
            assigned_to: is_kept.then(|| Some(owner())),
            not_before: is_early.then_some(None),
            ..TaskPatch::default()
        };
        steps.push(task.update(patch, actor, now)?);
    }
    let task = last(&steps, &before);
    steps.push(task.claim(owner(), lease, open, now)?);
    Ok(steps)
}

/// Adds the step by which a task is kept for whom it was kept before, and until when.
fn keep_for(
    steps: &mut Vec<Change<Task>>,
    before: &Task,
    actor: &Actor,
    now: Timestamp,
) -> Result<(), AppError> {
    let task = last(steps, before);
    let patch = TaskPatch {
        assigned_to: (task.reserved_for != before.reserved_for)
            .then(|| before.reserved_for.clone()),
        not_before: (task.not_before != before.not_before).then_some(before.not_before),
        ..TaskPatch::default()
    };
    if patch != TaskPatch::default() {
        steps.push(task.update(patch, actor, now)?);
    }
    Ok(())
}

fn last(steps: &[Change<Task>], before: &Task) -> Task {
    steps
        .last()
        .map_or_else(|| before.clone(), |step| step.after.clone())
}

fn owner() -> AgentName {
    AgentName::from_stored(OWNER.into())
}

#[cfg(test)]
mod tests;
