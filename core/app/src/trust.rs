//! Whose words something is made of: the labels of what an operation makes, read in the transaction
//! that makes it.
//!
//! | made by | trusted | private |
//! |---|---|---|
//! | the owner, or a program with an admin key: text | yes | no |
//! | the same: bytes of a file (a form, base64, the inbox folder) | no | no |
//! | a run of one of the node's agents | as the run | as the run |
//! | an agent from outside, with a key of its own; anybody in an agent's name | no | no |
//! | the node: the next task of a series | as the last | as the last |
//!
//! A file that the owner hands in is theirs to hand in, and so not private; but others may have
//! written it. A run has the labels of its task's words, of the files that came with it, and of what
//! its calls brought. What it makes names it (`within`), because an agent may be at several tasks at
//! once; what names none is taken for an outside program's.

use hearth_domain::policy::Labels;
use hearth_domain::run::{Run, RunStatus, Step};
use hearth_domain::task::Task;
use hearth_domain::{Actor, RunId};
use hearth_store::{Tx, artifacts, runs, steps, tasks};

use crate::app::App;
use crate::error::AppError;
use crate::tasks::{TaskRef, find};

impl App {
    /// Returns the labels of all that tasks say: their words, their artifacts, and what their workers
    /// made of them, which are results, or questions that they are blocked with. A task that is not
    /// there says nothing.
    ///
    /// # Errors
    /// The store failed.
    pub async fn labels_of_tasks(&self, tasks: Vec<TaskRef>) -> Result<Labels, AppError> {
        self.store()
            .read(move |tx| {
                let mut labels = Labels::default();
                for task in tasks {
                    match find(tx, task) {
                        Ok(task) => labels = labels.and(of_task(tx, &task)?),
                        Err(AppError::NotFound { .. }) => (),
                        Err(error) => return Err(error),
                    }
                }
                Ok(labels)
            })
            .await
    }
}

/// Returns the labels of what `author` makes, in the run `within` where one is named.
pub(crate) fn of_author(
    tx: &impl Tx,
    author: &Actor,
    within: Option<RunId>,
) -> Result<Labels, AppError> {
    let run = match within {
        Some(id) => runs::get(tx, id)?,
        None => None,
    };
    let read = run.as_ref().map(|run| of_run(tx, run)).transpose()?;
    let by_author = match author {
        Actor::Owner | Actor::System => Labels::default(),
        Actor::Agent(name) => {
            let is_at_it =
                run.is_some_and(|run| run.agent == *name && run.status == RunStatus::Running);
            if is_at_it {
                Labels::default()
            } else {
                Labels::UNTRUSTED
            }
        }
        Actor::Viewer => Labels::UNTRUSTED,
    };
    Ok(by_author.and(read.unwrap_or_default()))
}

/// Returns what a run has taken in: the words of its task, the files that came with it, and what its
/// calls brought.
pub(crate) fn of_run(tx: &impl Tx, run: &Run) -> Result<Labels, AppError> {
    let words = tasks::trust_of(tx, run.task_id)?;
    let files = artifacts::labels_of(tx, run.task_id)?;
    Ok(words.and(files).and(steps::brought(tx, run.id)?))
}

/// As [`of_run`], with the task and the journal at hand.
pub(crate) fn of_scene(tx: &impl Tx, task: &Task, all: &[Step]) -> Result<Labels, AppError> {
    let files = artifacts::labels_of(tx, task.id)?;
    let begun = task.trust.and(files);
    Ok(all
        .iter()
        .fold(begun, |labels, step| labels.and(step.brought())))
}

/// Returns the labels of all that a task says.
pub(crate) fn of_task(tx: &impl Tx, task: &Task) -> Result<Labels, AppError> {
    let words = task.trust.and(artifacts::labels_of(tx, task.id)?);
    Ok(words.and(of_outcome(tx, task)?))
}

/// Returns the labels of what a task's worker wrote: those of its last run, where the node's agents
/// worked on it, and else an outside program's.
pub(crate) fn of_outcome(tx: &impl Tx, task: &Task) -> Result<Labels, AppError> {
    if task.fence == 0 {
        // Nobody worked on it.
        return Ok(Labels::default());
    }
    match runs::last_of(tx, task.id)? {
        Some(run) if run.fence == task.fence => of_run(tx, &run),
        Some(run) => Ok(of_run(tx, &run)?.and(Labels::UNTRUSTED)),
        None => Ok(Labels::UNTRUSTED),
    }
}

#[cfg(test)]
mod tests;
