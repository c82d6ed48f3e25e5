//! Operations on memories: remember, recall, list, show, forget.
//!
//! A memory made in a run has the labels that the run has by then, and so it may bring them into
//! another run. Which labels a call that recalls brings is decided before it is made, in the write
//! that says that it is about to be: those of every memory in its reach
//! ([`hearth_store::memories::labels`]). The call itself then returns nothing with a label that its
//! run has not, so that a memory made in between brings nothing that was not decided about.

use hearth_domain::memory::{Memory, NewMemory, Origin};
use hearth_domain::policy::Labels;
use hearth_domain::run::Run;
use hearth_domain::task::Task;
use hearth_domain::{Actor, MemoryId, ProjectId, TaskId, Timestamp};
use hearth_store::memories::{self, MemoryCursor};
use hearth_store::{Page, Tx, WriteTx, projects, runs};

pub use hearth_store::memories::MemoryFilter;

use crate::app::App;
use crate::authority::{must_act_as, must_be_owner, must_work};
use crate::error::AppError;
use crate::holding::Hold;
use crate::tasks::{TaskRef, find};
use crate::trust;

/// The most memories that one call recalls.
pub const RECALLED_MAX: usize = 20;

/// What whoever recalls may see, where no run is there to take in its labels.
const EVERY_LABEL: Labels = Labels {
    untrusted: true,
    private: true,
};

impl App {
    /// Keeps something in mind, as the owner says.
    ///
    /// # Errors
    /// The text is empty or too long; there is no such project; as much is remembered as may be; the
    /// caller is not the owner.
    pub async fn remember(&self, actor: &Actor, new: NewMemory) -> Result<Memory, AppError> {
        must_be_owner(actor, "say what is to be remembered")?;
        let new = new.check()?;
        let (actor, now) = (actor.clone(), self.now());
        self.store()
            .write(move |tx| {
                if let Some(id) = new.project_id
                    && !projects::is_present(tx, id)?
                {
                    return Err(AppError::invalid(
                        "project_id",
                        format!("{id} is not a project"),
                    ));
                }
                keep(tx, new, &actor, now)
            })
            .await
    }

    /// Keeps something in mind for the project of a task that the caller holds, with the labels of
    /// its run. The same words of the same run are one memory, so that the call can be made again.
    ///
    /// # Errors
    /// As [`App::remember`]; the caller does not hold the task, or it has no run.
    pub async fn remember_in_task(
        &self,
        actor: &Actor,
        hold: Hold,
        task: TaskId,
        text: String,
        about: String,
    ) -> Result<Memory, AppError> {
        must_work(actor, "remember")?;
        must_act_as(actor, &hold.agent)?;
        let new = NewMemory {
            text,
            about,
            project_id: None,
            origin: None,
            labels: Labels::default(),
        };
        let mut new = new.check()?;
        let (actor, now) = (actor.clone(), self.now());
        self.store()
            .write(move |tx| {
                let (run, task) = held(tx, task, &hold)?;
                if let Some(known) = memories::find_same(tx, run.id, &new.text)? {
                    return Ok(known);
                }
                new.project_id = task.project_id;
                new.labels = trust::of_run(tx, &run)?;
                new.origin = Some(Origin {
                    task_id: Some(task.id),
                    task_number: task.number,
                    run_id: Some(run.id),
                });
                keep(tx, new, &actor, now)
            })
            .await
    }

    /// Returns up to `count` memories (at most [`RECALLED_MAX`]) that hold words of a query: those of
    /// the project first, then those for all tasks, the best match first. Each says by its labels
    /// what it brings.
    ///
    /// # Errors
    /// The store failed.
    pub async fn recall(
        &self,
        query: &str,
        project: Option<ProjectId>,
        count: usize,
    ) -> Result<Vec<Memory>, AppError> {
        let (query, count) = (query.to_owned(), count.min(RECALLED_MAX));
        self.store()
            .read(move |tx| Ok(memories::search(tx, &query, project, EVERY_LABEL, count)?))
            .await
    }

    /// As [`App::recall`], for the run of a task that the caller holds: nothing with a label that the
    /// run has not.
    ///
    /// # Errors
    /// The caller does not hold the task, or it has no run.
    pub async fn recall_in_task(
        &self,
        actor: &Actor,
        hold: Hold,
        task: TaskId,
        query: &str,
        count: usize,
    ) -> Result<Vec<Memory>, AppError> {
        must_work(actor, "recall")?;
        must_act_as(actor, &hold.agent)?;
        let (query, count) = (query.to_owned(), count.min(RECALLED_MAX));
        self.store()
            .read(move |tx| {
                let (run, task) = held(tx, task, &hold)?;
                let labels = trust::of_run(tx, &run)?;
                let project = task.project_id;
                Ok(memories::search(tx, &query, project, labels, count)?)
            })
            .await
    }

    /// Returns a page of memories, newest first; those that hold `words`, where they are given, as
    /// [`App::recall`] does, on one page.
    ///
    /// # Errors
    /// The store failed.
    pub async fn list_memories(
        &self,
        words: Option<String>,
        filter: MemoryFilter,
        cursor: Option<MemoryCursor>,
        limit: usize,
    ) -> Result<Page<Memory, MemoryCursor>, AppError> {
        if let Some(words) = words {
            let items = self.recall(&words, filter.project, limit).await?;
            return Ok(Page { items, next: None });
        }
        self.store()
            .read(move |tx| Ok(memories::list(tx, &filter, cursor, limit)?))
            .await
    }

    /// Returns the memory with a number.
    ///
    /// # Errors
    /// There is none.
    pub fn get_memory(&self, number: i64) -> Result<Memory, AppError> {
        self.store().read_now(|tx| named(tx, number))
    }

    /// Forgets a memory: its words are gone, its number and where it came from stay.
    ///
    /// # Errors
    /// There is none with that number; it was forgotten before; the caller is not the owner.
    pub async fn forget_memory(&self, actor: &Actor, number: i64) -> Result<Memory, AppError> {
        must_be_owner(actor, "have something forgotten")?;
        let (actor, now) = (actor.clone(), self.now());
        self.store()
            .write(move |tx| {
                let change = named(tx, number)?.forget(now).ok_or_else(|| {
                    AppError::conflict(
                        "already_forgotten",
                        format!("memory {number} was forgotten before"),
                    )
                })?;
                Ok(memories::save(tx, change, actor.name(), now)?)
            })
            .await
    }
}

fn named(tx: &impl Tx, number: i64) -> Result<Memory, AppError> {
    memories::find_by_number(tx, number)?.ok_or_else(|| AppError::not_found("memory", number))
}

fn keep(
    tx: &mut WriteTx<'_>,
    new: NewMemory,
    actor: &Actor,
    now: Timestamp,
) -> Result<Memory, AppError> {
    if memories::count(tx)? >= memories::KEPT_MAX {
        return Err(AppError::conflict(
            "too_many",
            format!(
                "{} memories are kept already; forget some: hearth memory list, then hearth memory \
                 forget N",
                memories::KEPT_MAX
            ),
        ));
    }
    let (id, number) = (MemoryId(tx.fresh_uuid()), memories::next_number(tx)?);
    let change = Memory::remember(id, number, new, actor.name(), now);
    Ok(memories::insert(tx, change)?)
}

/// Returns the run of a task that the caller holds.
pub(crate) fn held(tx: &impl Tx, task: TaskId, hold: &Hold) -> Result<(Run, Task), AppError> {
    let task = find(tx, TaskRef::Id(task))?;
    task.held_by("work on", &hold.agent, hold.fence)?;
    let run = runs::open_of(tx, task.id)?.ok_or_else(|| AppError::InvalidTransition {
        code: "wrong_state",
        detail: format!("task #{} has no run that goes on", task.number),
    })?;
    Ok((run, task))
}

#[cfg(test)]
pub(crate) mod tests;
