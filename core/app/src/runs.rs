//! Operations on runs: begin or go on, list, show, try again. How a run writes down its steps is in
//! [`journal`].
//!
//! A run follows its task: whoever ends, blocks or gives back the task pauses or ends its run in the
//! same transaction (`follow`), so that the two never tell different stories.

pub mod journal;

use std::fmt;
use std::str::FromStr;

use hearth_domain::approval::Approval;
use hearth_domain::event::EventKind;
use hearth_domain::field::AgentName;
use hearth_domain::plan::Plan;
use hearth_domain::run::{
    NewRun, Run, RunRefusal, RunStatus, Step, StepEnd, StepState, WaitingFor,
};
use hearth_domain::task::{Task, TaskStatus};
use hearth_domain::{Actor, InvalidField, JsonObject, RunId, TaskId, Timestamp};
use hearth_store::runs::{self, RunCursor, RunFilter};
use hearth_store::{Page, Tx, WriteTx, approvals, steps};
use serde_json::Value;

use crate::app::App;
use crate::authority::{must_act_as, must_be_owner, must_work};
use crate::error::AppError;
use crate::holding::Hold;
use crate::notices::save_task;
use crate::tasks::{TaskRef, find};

/// How a caller names a run: by its identifier or its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunRef {
    /// By its identifier.
    Id(RunId),
    /// By its number.
    Number(i64),
}

impl FromStr for RunRef {
    type Err = InvalidField;

    fn from_str(text: &str) -> Result<Self, InvalidField> {
        if let Ok(number) = text.parse() {
            return Ok(Self::Number(number));
        }
        text.parse()
            .map(Self::Id)
            .map_err(|_| InvalidField::new("id", "must be a run's UUID or its number"))
    }
}

impl fmt::Display for RunRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => id.fmt(f),
            Self::Number(number) => number.fmt(f),
        }
    }
}

/// A run with its journal.
#[derive(Debug, Clone, PartialEq)]
pub struct RunView {
    /// The run.
    pub run: Run,
    /// Every attempt at every step, in the order of the plan.
    pub steps: Vec<Step>,
    /// What it put to the owner.
    pub approvals: Vec<Approval>,
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
    let plan = Plan::parse(&run.plan)
        .map_err(|error| AppError::invalid("from", format!("cannot be found: {error}")))?;
    let all = steps::of_run(tx, run.id)?;
    let live = |step: &&Step| step.discarded_at.is_none();
    let place = match from {
        Some(step) => plan.place_of(step).ok_or_else(|| {
            let names: Vec<&str> = plan.steps.iter().map(|step| step.name.as_str()).collect();
            AppError::invalid(
                "from",
                format!("names no step; the steps are {}", names.join(", ")),
            )
        })?,
        None => all
            .iter()
            .filter(live)
            .filter(|step| !matches!(step.state, StepState::Done(_)))
            .map(|step| index_of(step.place))
            .min()
            .ok_or_else(|| {
                AppError::invalid("from", "is missing: no step failed, so say from which one")
            })?,
    };
    let places = plan.from(place);
    let by = actor.name();
    for step in all.iter().filter(live) {
        if !places.contains(&index_of(step.place)) {
            continue;
        }
        set_aside(tx, &run, step, "its step is done anew", by, now)?;
    }
    let name = plan.steps.get(place).map_or("", |step| step.name.as_str());
    let reason = format!("to be tried again from step {}, {name}", place + 1);
    Ok(runs::save(tx, run.wait(reason, now)?, by)?)
}

fn index_of(place: u32) -> usize {
    usize::try_from(place)
        .unwrap_or(usize::MAX)
        .saturating_sub(1)
}

/// What of a task's changes matters to its run.
pub(crate) enum News {
    Completed { by: AgentName },
    Cancelled { reason: Option<String> },
    Blocked { reason: String },
    Released,
    Answered { answer: String },
}

impl News {
    /// Most changes are none.
    pub(crate) fn of(event: &EventKind) -> Option<Self> {
        match event {
            EventKind::TaskCompleted { agent, .. } => Some(Self::Completed { by: agent.clone() }),
            EventKind::TaskCancelled { reason, .. } => Some(Self::Cancelled {
                reason: reason.clone(),
            }),
            EventKind::TaskBlocked { reason, .. } => Some(Self::Blocked {
                reason: reason.clone(),
            }),
            EventKind::TaskReleased { .. } => Some(Self::Released),
            EventKind::TaskAnswered { answer, .. } => {
                let answer = answer.clone()?;
                Some(Self::Answered { answer })
            }
            _ => None,
        }
    }
}

/// Pauses or ends the run of a task that changed, or settles what it asked.
pub(crate) fn follow(tx: &mut WriteTx<'_>, task: &Task, news: News) -> Result<(), AppError> {
    let Some(run) = runs::open_of(tx, task.id)? else {
        return Ok(());
    };
    let (by, now) = (task.updated_by.clone(), task.updated_at);
    let is_at_work = run.status == RunStatus::Running;
    match news {
        News::Completed { .. } if run.fence == task.fence => {
            end(tx, run, &by, now, |run| run.complete(now))
        }
        News::Completed { by: agent } => end(tx, run, &by, now, |run| {
            run.cancel(format!("its task was completed by {agent}"), now)
        }),
        News::Cancelled { reason } => {
            let reason = reason.unwrap_or_else(|| "its task was cancelled".into());
            end(tx, run, &by, now, |run| run.cancel(reason, now))
        }
        News::Blocked { reason } if is_at_work => {
            interrupt(tx, &run, &by, now)?;
            ask_no_more(tx, &run, &by, now)?;
            runs::save(tx, run.fail(reason, now)?, &by)?;
            Ok(())
        }
        News::Released if is_at_work => {
            interrupt(tx, &run, &by, now)?;
            let reason = "its task was given back, and waits to be taken up";
            runs::save(tx, run.wait(reason, now)?, &by)?;
            Ok(())
        }
        News::Answered { answer } => settle(tx, &run, &answer, &by, now),
        News::Blocked { .. } | News::Released => Ok(()),
    }
}

/// Gives the owner's answer to the step that asked for one.
fn settle(
    tx: &mut WriteTx<'_>,
    run: &Run,
    answer: &str,
    by: &str,
    now: Timestamp,
) -> Result<(), AppError> {
    let all = steps::of_run(tx, run.id)?;
    let Some(step) = asking(&all) else {
        return Ok(());
    };
    let step = step.clone();
    if step.state == StepState::Waiting(WaitingFor::Answer) {
        let end = StepEnd {
            result: Some(JsonObject::from_iter([(
                "answer".to_owned(),
                answer.into(),
            )])),
            note: format!("answered by {by}"),
            ..StepEnd::default()
        };
        steps::save(tx, step.complete(end, run, now), run, by, now)?;
        return Ok(());
    }
    let change = match journal::Resolved::read(answer) {
        journal::Resolved::Repeat => {
            // The attempt that was cut off and the question about it count no more.
            let cut_off = all
                .iter()
                .filter(|other| other.place == step.place && other.discarded_at.is_none());
            for attempt in cut_off {
                steps::save(tx, attempt.clone().discard(run, now), run, by, now)?;
            }
            return Ok(());
        }
        journal::Resolved::Happened => {
            let end = StepEnd {
                note: format!("it was done, says {by}"),
                ..StepEnd::default()
            };
            step.complete(end, run, now)
        }
        journal::Resolved::Stop => step.fail(format!("stopped by {by}: {answer}"), run, now),
    };
    steps::save(tx, change, run, by, now)?;
    Ok(())
}

/// Returns the step that waits for the owner's answer, if there is one.
pub(crate) fn asking(all: &[Step]) -> Option<&Step> {
    all.iter().find(|step| {
        step.discarded_at.is_none()
            && matches!(
                step.state,
                StepState::Waiting(WaitingFor::Answer | WaitingFor::Doubt)
            )
    })
}

/// Ends a run, and with it whatever it still waits for.
fn end(
    tx: &mut WriteTx<'_>,
    run: Run,
    by: &str,
    now: Timestamp,
    how: impl FnOnce(Run) -> Result<hearth_domain::Change<Run>, RunRefusal>,
) -> Result<(), AppError> {
    interrupt(tx, &run, by, now)?;
    let why = "the run ended before its result was kept";
    for step in steps::of_run(tx, run.id)? {
        if step.discarded_at.is_none() && !step.has_ended() {
            steps::save(tx, step.fail(why.into(), &run, now), &run, by, now)?;
        }
    }
    for approval in approvals::of_run(tx, run.id)? {
        let was = approval.status;
        if let Some(change) = approval.withdraw("its run has ended") {
            approvals::save(tx, change, was, by, now)?;
        }
    }
    runs::save(tx, how(run)?, by)?;
    Ok(())
}

/// Makes an attempt count no more; what it put to the owner is taken back.
fn set_aside(
    tx: &mut WriteTx<'_>,
    run: &Run,
    step: &Step,
    why: &str,
    by: &str,
    now: Timestamp,
) -> Result<(), AppError> {
    if let StepState::Waiting(WaitingFor::Approval(id)) = step.state
        && let Some(approval) = approvals::get(tx, id)?
    {
        let was = approval.status;
        if let Some(change) = approval.withdraw(why) {
            approvals::save(tx, change, was, by, now)?;
        }
    }
    steps::save(tx, step.clone().discard(run, now), run, by, now)?;
    Ok(())
}

/// Takes back what a run that has failed still asks: its owner looks at the failure first, and is
/// asked anew when the run goes on.
fn ask_no_more(tx: &mut WriteTx<'_>, run: &Run, by: &str, now: Timestamp) -> Result<(), AppError> {
    for step in steps::of_run(tx, run.id)? {
        if step.discarded_at.is_none() && matches!(step.state, StepState::Waiting(_)) {
            set_aside(tx, run, &step, "its run has failed", by, now)?;
        }
    }
    Ok(())
}

/// Notes of every attempt under way that it was cut off.
fn interrupt(tx: &mut WriteTx<'_>, run: &Run, by: &str, now: Timestamp) -> Result<(), AppError> {
    for step in steps::of_run(tx, run.id)? {
        if step.discarded_at.is_none() && step.state == StepState::Intended {
            steps::save(tx, step.interrupt(run, now), run, by, now)?;
        }
    }
    Ok(())
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
    Ok(RunView {
        run,
        steps,
        approvals,
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
