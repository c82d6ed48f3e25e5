//! Operations on runs: begin or go on, list, show. Trying again is in `retry`; how a run writes down
//! its steps is in [`journal`].
//!
//! A run follows its task: whoever ends, blocks or gives back the task pauses or ends its run in the
//! same transaction (`follow`), so that the two never tell different stories.

pub(crate) mod children;
pub(crate) mod follow;
pub mod journal;
mod retry;

use hearth_domain::approval::Approval;
use hearth_domain::policy::Labels;
use hearth_domain::run::{NewRun, Run, RunRefusal, RunStatus, Step};
use hearth_domain::{Actor, RunId, TaskId};
use hearth_store::runs::{self, RunCursor, RunFilter};
use hearth_store::{Page, Tx, approvals, steps};
use serde_json::Value;

use self::follow::{end, interrupt};
use crate::app::App;
use crate::authority::{must_act_as, must_work};
use crate::error::AppError;
use crate::holding::Hold;
use crate::named::Named;
use crate::tasks::{TaskRef, find};
use crate::trust;

/// How a caller names a run: by its identifier or its number.
pub type RunRef = Named<RunId>;

/// A run with its journal.
#[derive(Debug, Clone, PartialEq)]
pub struct RunView {
    /// The run.
    pub run: Run,
    /// Every attempt at every step, in the order of the plan.
    pub steps: Vec<Step>,
    /// What it put to the owner.
    pub approvals: Vec<Approval>,
    /// What it has taken in.
    pub labels: Labels,
}

/// How many runs go on, and how many approvals wait.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RunCounts {
    /// Those that can go on, by state; a state without runs is left out.
    pub open: Vec<(RunStatus, u64)>,
    /// Approvals that wait for an answer.
    pub approvals_pending: u64,
}

/// Which runs a list shows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ListRuns {
    /// Those in this state.
    pub status: Option<RunStatus>,
    /// Those of this task.
    pub task: Option<TaskRef>,
}

impl App {
    /// Begins the run of a task that the caller holds, or goes on with the one that there is. What
    /// the last holder was about when it was cut off is noted as interrupted.
    ///
    /// # Errors
    /// The caller does not hold the task, or the fence is not the present one.
    pub async fn begin_run(
        &self,
        actor: &Actor,
        task: TaskRef,
        hold: Hold,
        plan: Value,
    ) -> Result<RunView, AppError> {
        must_work(actor, "work on a task")?;
        must_act_as(actor, &hold.agent)?;
        let now = self.now();
        self.store()
            .write(move |tx| {
                let task = find(tx, task)?;
                let Hold { agent, fence } = hold;
                task.held_by("work on", &agent, fence)?;
                let by = agent.to_string();
                let run = match runs::open_of(tx, task.id)? {
                    Some(run) if run.plan == plan => {
                        let run = runs::save(tx, run.resume(agent, fence, now)?, &by)?;
                        interrupt(tx, &run, &by, now)?;
                        run
                    }
                    other => {
                        if let Some(run) = other {
                            end(tx, run, &by, now, |run| {
                                run.cancel("the plan of its task was changed", now)
                            })?;
                        }
                        let (id, number) = (RunId(tx.fresh_uuid()), runs::next_number(tx)?);
                        let new = NewRun {
                            task_id: task.id,
                            task_number: task.number,
                            agent,
                            plan,
                            fence,
                        };
                        runs::insert(tx, Run::begin(id, number, new, now))?
                    }
                };
                view(tx, run)
            })
            .await
    }

    /// Returns a page of runs, newest first.
    ///
    /// # Errors
    /// There is no such task; the store failed.
    pub async fn list_runs(
        &self,
        which: ListRuns,
        cursor: Option<RunCursor>,
        limit: usize,
    ) -> Result<Page<Run, RunCursor>, AppError> {
        self.store()
            .read(move |tx| {
                let filter = RunFilter {
                    status: which.status,
                    task: match which.task {
                        None => None,
                        Some(task) => Some(named(tx, task)?),
                    },
                };
                Ok(runs::list(tx, &filter, cursor, limit)?)
            })
            .await
    }

    /// Returns a run with its journal.
    ///
    /// # Errors
    /// There is none.
    pub async fn get_run(&self, run: RunRef) -> Result<RunView, AppError> {
        self.store()
            .read(move |tx| view(tx, find_run(tx, run)?))
            .await
    }

    /// Returns the runs that can go on, whose folders are to be kept.
    ///
    /// # Errors
    /// The store failed.
    pub async fn open_runs(&self) -> Result<Vec<RunId>, AppError> {
        self.store().read(|tx| Ok(runs::open_ids(tx)?)).await
    }

    /// Counts the runs in each state that can go on, and the approvals that wait for an answer.
    ///
    /// # Errors
    /// The store failed.
    pub async fn count_runs(&self) -> Result<RunCounts, AppError> {
        self.store()
            .read(|tx| {
                Ok(RunCounts {
                    open: runs::count_open(tx)?,
                    approvals_pending: approvals::count_pending(tx)?,
                })
            })
            .await
    }
}

/// Returns the task that a filter names.
fn named(tx: &impl Tx, task: TaskRef) -> Result<TaskId, AppError> {
    match find(tx, task) {
        Ok(task) => Ok(task.id),
        Err(AppError::NotFound { .. }) => {
            Err(AppError::invalid("task", format!("{task} is not a task")))
        }
        Err(error) => Err(error),
    }
}

/// Returns the run a caller names.
pub(crate) fn find_run(tx: &impl Tx, run: RunRef) -> Result<Run, AppError> {
    let found = match run {
        RunRef::Id(id) => runs::get(tx, id)?,
        RunRef::Number(number) => runs::find_by_number(tx, number)?,
    };
    found.ok_or_else(|| AppError::not_found("run", run))
}

fn view(tx: &impl Tx, run: Run) -> Result<RunView, AppError> {
    let steps = steps::of_run(tx, run.id)?;
    let approvals = approvals::of_run(tx, run.id)?;
    let labels = trust::of_run(tx, &run)?;
    Ok(RunView {
        run,
        steps,
        approvals,
        labels,
    })
}

impl From<RunRefusal> for AppError {
    fn from(refusal: RunRefusal) -> Self {
        Self::InvalidTransition {
            code: "wrong_state",
            detail: refusal.to_string(),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
