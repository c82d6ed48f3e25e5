//! How a run follows its task: it is paused, ended or settled in the transaction that changes the
//! task.

use hearth_domain::event::EventKind;
use hearth_domain::field::AgentName;
use hearth_domain::money::CallEnd;
use hearth_domain::plan::Plan;
use hearth_domain::run::{
    COMPLETE, Run, RunRefusal, RunStatus, Step, StepEnd, StepState, WaitingFor,
};
use hearth_domain::task::Task;
use hearth_domain::{JsonObject, Timestamp};
use hearth_store::{WriteTx, approvals, runs, steps};

use super::{children, journal};
use crate::error::AppError;
use crate::money::steps::settle_step;

/// What of a task's changes matters to its run.
pub(crate) enum News {
    Completed {
        by: AgentName,
    },
    Cancelled {
        reason: Option<String>,
    },
    Blocked {
        reason: String,
    },
    Released,
    /// With an answer, or only unblocked.
    Answered {
        answer: Option<String>,
    },
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
            EventKind::TaskAnswered { answer, .. } => Some(Self::Answered {
                answer: answer.clone(),
            }),
            _ => None,
        }
    }
}

/// Pauses or ends the run of a task that changed, or settles what it asked; tells whoever handed the
/// task on that it has ended.
pub(crate) fn follow(tx: &mut WriteTx<'_>, task: &Task, news: News) -> Result<(), AppError> {
    follow_run(tx, task, news)?;
    if task.status().is_terminal() {
        children::tell(tx, task)?;
    }
    Ok(())
}

fn follow_run(tx: &mut WriteTx<'_>, task: &Task, news: News) -> Result<(), AppError> {
    let Some(run) = runs::open_of(tx, task.id)? else {
        return Ok(());
    };
    let (by, now) = (task.updated_by.clone(), task.updated_at);
    let is_at_work = run.status == RunStatus::Running;
    match news {
        News::Completed { .. } if run.fence == task.fence => {
            let accepted = StepEnd {
                note: "accepted".into(),
                ..StepEnd::default()
            };
            claimed(tx, &run, &by, now, |step| {
                step.complete(accepted.clone(), &run, now)
            })?;
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
            claimed(tx, &run, &by, now, |step| {
                step.fail(reason.clone(), &run, now)
            })?;
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
        News::Answered { answer } => {
            if run.status == RunStatus::Failed {
                forgive(tx, &run, &by, now)?;
            }
            answer.map_or(Ok(()), |answer| settle(tx, &run, &answer, &by, now))
        }
        News::Blocked { .. } | News::Released => Ok(()),
    }
}

/// Ends the step by which a model said that its task is done: the task's checks have decided.
fn claimed(
    tx: &mut WriteTx<'_>,
    run: &Run,
    by: &str,
    now: Timestamp,
    how: impl Fn(Step) -> hearth_domain::Change<Step>,
) -> Result<(), AppError> {
    for step in steps::of_run(tx, run.id)? {
        let is_open = matches!(step.state, StepState::Acted { .. });
        if is_open && step.discarded_at.is_none() && step.action.tool.as_str() == COMPLETE {
            steps::save(tx, how(step), run, by, now)?;
        }
    }
    Ok(())
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
    if step.state == StepState::Waiting(WaitingFor::Budget) {
        // Whoever answered, it was not by the operation that raises budgets: it asks again.
        return Ok(());
    }
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

/// Returns the step that waits for the owner's answer, if there is one: a question before a budget,
/// which is asked for when the answer is there.
pub(crate) fn asking(all: &[Step]) -> Option<&Step> {
    let mut live = all.iter().filter(|step| step.discarded_at.is_none());
    let question = live.clone().find(|step| {
        matches!(
            step.state,
            StepState::Waiting(WaitingFor::Answer | WaitingFor::Doubt)
        )
    });
    question.or_else(|| live.find(|step| step.state == StepState::Waiting(WaitingFor::Budget)))
}

/// Ends a run, and with it whatever it still waits for.
pub(super) fn end(
    tx: &mut WriteTx<'_>,
    run: Run,
    by: &str,
    now: Timestamp,
    how: impl FnOnce(Run) -> Result<hearth_domain::Change<Run>, RunRefusal>,
) -> Result<(), AppError> {
    interrupt(tx, &run, by, now)?;
    let why = "the run ended before its result was kept";
    let all = steps::of_run(tx, run.id)?;
    let handed_on = children::open_of(&all);
    for step in all {
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
    let run = runs::save(tx, how(run)?, by)?;
    for child in handed_on {
        children::call_off(tx, &run, child, "is not worked on any more", by, now)?;
    }
    Ok(())
}

/// Makes an attempt count no more; what it put to the owner is taken back, and what it handed to
/// another agent is called off.
pub(crate) fn set_aside(
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
    if let Some(child) = step.child() {
        children::call_off(tx, run, child, why, by, now)?;
    }
    Ok(())
}

/// Has what failed made anew, its owner having sent the task on: all but what the plan goes on
/// without, and what the owner stopped. A model has seen what failed, and decides itself what it does
/// about it: only its own turns are asked for anew, as they always are.
fn forgive(tx: &mut WriteTx<'_>, run: &Run, by: &str, now: Timestamp) -> Result<(), AppError> {
    if run.is_led_by_model() {
        for step in steps::of_run(tx, run.id)? {
            let has_failed = matches!(step.state, StepState::Failed { .. });
            if step.discarded_at.is_none() && has_failed && step.is_turn() {
                steps::save(tx, step.discard(run, now), run, by, now)?;
            }
        }
        return Ok(());
    }
    let plan = Plan::parse(&run.plan).ok();
    let is_optional = |place: u32| {
        let place = usize::try_from(place)
            .unwrap_or(usize::MAX)
            .saturating_sub(1);
        let planned = plan.as_ref().and_then(|plan| plan.steps.get(place));
        planned.is_some_and(|planned| planned.is_optional)
    };
    for step in steps::of_run(tx, run.id)? {
        let has_failed = matches!(step.state, StepState::Failed { .. });
        if step.discarded_at.is_none()
            && has_failed
            && !step.is_stopped()
            && !is_optional(step.place)
        {
            steps::save(tx, step.discard(run, now), run, by, now)?;
        }
    }
    Ok(())
}

/// Takes back what a run that has failed still asks: its owner looks at the failure first, and is
/// asked anew when the run goes on. What other agents are at goes on.
pub(super) fn ask_no_more(
    tx: &mut WriteTx<'_>,
    run: &Run,
    by: &str,
    now: Timestamp,
) -> Result<(), AppError> {
    for step in steps::of_run(tx, run.id)? {
        let asks = matches!(step.state, StepState::Waiting(_)) && step.child().is_none();
        if step.discarded_at.is_none() && asks {
            set_aside(tx, run, &step, "its run has failed", by, now)?;
        }
    }
    Ok(())
}

/// Notes of every attempt under way that it was cut off.
pub(super) fn interrupt(
    tx: &mut WriteTx<'_>,
    run: &Run,
    by: &str,
    now: Timestamp,
) -> Result<(), AppError> {
    for step in steps::of_run(tx, run.id)? {
        if step.discarded_at.is_none() && step.state == StepState::Intended {
            // It may have been sent: what it used nobody knows.
            settle_step(tx, &step, CallEnd::Unknown, now)?;
            steps::save(tx, step.interrupt(run, now), run, by, now)?;
        }
    }
    Ok(())
}
