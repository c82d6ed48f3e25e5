//! Trying a run again from a step on.

use std::collections::BTreeSet;

use hearth_domain::plan::Plan;
use hearth_domain::run::Step;
use hearth_domain::run::{Run, RunStatus, StepState};
use hearth_domain::task::TaskStatus;
use hearth_domain::{Actor, Timestamp};
use hearth_store::{WriteTx, runs, steps};

use super::follow::set_aside;
use super::{RunRef, RunView, find_run, view};
use crate::app::App;
use crate::authority::must_be_owner;
use crate::error::AppError;
use crate::notices::save_task;
use crate::tasks::{TaskRef, find};

impl App {
    /// Has a run tried again from a step on: that step and all that wait for it are done anew, the
    /// rest stays done. Without a step, from the first one that did not succeed. Its task, if it is
    /// blocked, waits to be taken up again.
    ///
    /// # Errors
    /// The run is at work or has ended; it has no such step; the caller is not the owner.
    pub async fn retry_run(
        &self,
        actor: &Actor,
        run: RunRef,
        from: Option<String>,
    ) -> Result<RunView, AppError> {
        must_be_owner(actor, "have a run tried again")?;
        let (actor, now) = (actor.clone(), self.now());
        let run = self
            .store()
            .write(move |tx| {
                let run = find_run(tx, run)?;
                let run = discard_from(tx, run, from.as_deref(), &actor, now)?;
                let task = find(tx, TaskRef::Id(run.task_id))?;
                if task.status() == TaskStatus::Blocked {
                    save_task(tx, task.answer(None, &actor, now)?)?;
                }
                view(tx, run)
            })
            .await?;
        Ok(run)
    }
}

/// Makes the steps that are to be done anew count no more.
fn discard_from(
    tx: &mut WriteTx<'_>,
    run: Run,
    from: Option<&str>,
    actor: &Actor,
    now: Timestamp,
) -> Result<Run, AppError> {
    let retryable = match run.status {
        RunStatus::Waiting | RunStatus::Failed => Ok(()),
        RunStatus::Running => Err(format!(
            "run {} is at work; wait for its end, or cancel task #{}",
            run.number, run.task_number
        )),
        RunStatus::Completed | RunStatus::Cancelled => Err(format!(
            "run {} is {}; to do it all anew: hearth task reopen {}",
            run.number, run.status, run.task_number
        )),
    };
    retryable.map_err(|detail| AppError::InvalidTransition {
        code: "wrong_state",
        detail,
    })?;
    let all = steps::of_run(tx, run.id)?;
    let anew = if run.is_led_by_model() {
        from_turn(&all, from)?
    } else {
        from_planned(&run, &all, from)?
    };
    let by = actor.name();
    for step in all.iter().filter(|step| is_live(step)) {
        if !anew.places.contains(&step.place) {
            continue;
        }
        set_aside(tx, &run, step, "its step is done anew", by, now)?;
    }
    let reason = format!("to be tried again from {}", anew.label);
    Ok(runs::save(tx, run.wait(reason, now)?, by)?)
}

/// The steps that are to be done anew.
struct Anew {
    places: BTreeSet<u32>,
    /// The first of them, for people.
    label: String,
}

fn is_live(step: &Step) -> bool {
    step.discarded_at.is_none()
}

fn from_planned(run: &Run, all: &[Step], from: Option<&str>) -> Result<Anew, AppError> {
    let plan = Plan::parse(&run.plan)
        .map_err(|error| AppError::invalid("from", format!("cannot be found: {error}")))?;
    let place = match from {
        Some(step) => plan.place_of(step).ok_or_else(|| {
            let names: Vec<&str> = plan.steps.iter().map(|step| step.name.as_str()).collect();
            AppError::invalid(
                "from",
                format!("names no step; the steps are {}", names.join(", ")),
            )
        })?,
        None => (0..plan.steps.len())
            .find(|place| {
                !all.iter().filter(|step| is_live(step)).any(|step| {
                    step.place == number_of(*place) && matches!(step.state, StepState::Done(_))
                })
            })
            .ok_or_else(|| {
                AppError::invalid(
                    "from",
                    "is missing: every step is done, so say from which one",
                )
            })?,
    };
    let name = plan.steps.get(place).map_or("", |step| step.name.as_str());
    Ok(Anew {
        places: plan.from(place).into_iter().map(number_of).collect(),
        label: format!("step {}, {name}", place + 1),
    })
}

/// Where a model leads, everything after a step came of it; so all of that is done anew.
fn from_turn(all: &[Step], from: Option<&str>) -> Result<Anew, AppError> {
    let mut turns = all
        .iter()
        .filter(|step| is_live(step))
        .filter(|step| step.is_turn());
    let first = match from {
        Some(from) => {
            let number: Option<u32> = from.parse().ok();
            let is_meant = |step: &&Step| step.name.as_str() == from || number == Some(step.place);
            all.iter()
                .filter(|step| is_live(step))
                .find(is_meant)
                .ok_or_else(|| {
                    let names: Vec<&str> = turns.map(|step| step.name.as_str()).collect();
                    AppError::invalid(
                        "from",
                        format!("names no step; the model's turns are {}", names.join(", ")),
                    )
                })?
        }
        None => turns
            .next_back()
            .ok_or_else(|| AppError::invalid("from", "is missing, and the run has no step yet"))?,
    };
    Ok(Anew {
        places: all
            .iter()
            .map(|step| step.place)
            .filter(|place| *place >= first.place)
            .collect(),
        label: format!("step {}, {}", first.place, first.name),
    })
}

/// Returns the number of the step at an index of the plan.
fn number_of(index: usize) -> u32 {
    u32::try_from(index + 1).unwrap_or(u32::MAX)
}
