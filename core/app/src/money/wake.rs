//! What goes on when there is more of a budget: because it was raised, because a call used less than
//! was set aside for it, or because another day began.

use std::collections::HashMap;

use hearth_domain::Actor;
use hearth_domain::approval::ApprovalStatus;
use hearth_domain::money::{Charge, Scope, overs};
use hearth_domain::run::{Run, RunStatus, Step};
use hearth_domain::task::Task;
use hearth_store::{Tx, approvals, runs, steps};

use super::Purse;
use super::ask::needs;
use super::raise::asked_by;
use crate::app::App;
use crate::error::AppError;
use crate::notices::save_task;
use crate::tasks::TaskRef;

/// The most runs that are looked at when there is more of a budget.
const LOOKED_AT: usize = 5000;
/// The most tasks that are taken up again in one transaction.
const WOKEN: usize = 100;

impl App {
    /// Has tasks taken up again that waited for a budget and whose next call fits by now; of those
    /// that wait for the same, as many as fit together. Returns how many.
    ///
    /// # Errors
    /// The store failed; the next look does what is left.
    pub(crate) async fn wake_affordable(&self) -> Result<usize, AppError> {
        if !self.is_budget_waited_for()? {
            return Ok(0);
        }
        let (purse, now) = (self.purse(), self.now());
        // Which fit is found out beside the writer, and looked at once more there.
        let found = self.store().read(move |tx| affordable(tx, &purse)).await?;
        if found.is_empty() {
            return Ok(0);
        }
        self.store()
            .write(move |tx| {
                let mut promised = Promised::default();
                let mut woken = 0;
                for task in found {
                    let Some((task, run, all)) = asked_by(tx, TaskRef::Id(task.id))? else {
                        continue;
                    };
                    if promised.fits(tx, &purse, &task, &run, &all)? {
                        save_task(tx, task.answer(None, &Actor::System, now)?)?;
                        woken += 1;
                    }
                }
                Ok::<_, AppError>(woken)
            })
            .await
    }

    /// Whether a task waits for a budget.
    pub(crate) fn is_budget_waited_for(&self) -> Result<bool, AppError> {
        self.store()
            .read_now(|tx| Ok(!steps::runs_waiting_for_budget(tx, 1)?.is_empty()))
    }
}

/// Returns the tasks that can go on, as many as fit together.
fn affordable(tx: &impl Tx, purse: &Purse) -> Result<Vec<Task>, AppError> {
    let mut promised = Promised::default();
    let mut found = Vec::new();
    for run in steps::runs_waiting_for_budget(tx, LOOKED_AT)? {
        let Some(run) = runs::get(tx, run)?.filter(|run| run.status == RunStatus::Waiting) else {
            continue;
        };
        let Some((task, run, all)) = asked_by(tx, TaskRef::Id(run.task_id))? else {
            continue;
        };
        if promised.fits(tx, purse, &task, &run, &all)? {
            found.push(task);
            if found.len() == WOKEN {
                break;
            }
        }
    }
    Ok(found)
}

/// What was promised to tasks that are taken up again, until they set it aside themselves. Without
/// this, all that wait would be woken by what is enough for one, and would ask again.
#[derive(Default)]
struct Promised(HashMap<Scope, Charge>);

impl Promised {
    /// Whether what a run waits for fits; promises it then.
    fn fits(
        &mut self,
        tx: &impl Tx,
        purse: &Purse,
        task: &Task,
        run: &Run,
        all: &[Step],
    ) -> Result<bool, AppError> {
        let is_asked_more = approvals::of_run(tx, run.id)?
            .iter()
            .any(|approval| approval.status == ApprovalStatus::Pending);
        if is_asked_more {
            return Ok(false);
        }
        let needs = needs(all);
        let mut accounts = purse.accounts(tx, &run.agent, Some(task))?;
        for account in &mut accounts {
            if let Some(promised) = self.0.get(&account.scope) {
                account.reserved = account.reserved.plus(*promised);
            }
        }
        if !overs(&accounts, &needs).is_empty() {
            return Ok(false);
        }
        for account in accounts {
            let promised = self.0.entry(account.scope).or_default();
            *promised = promised.plus(needs);
        }
        Ok(true)
    }
}
