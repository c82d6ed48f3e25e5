//! How a run writes down its steps: meant, acted, done. Each write names the holder's fence, so that
//! a worker that was given up can write nothing.

mod delegation;
mod question;
mod scene;

use hearth_domain::action::Action;
use hearth_domain::event::ReleaseCause;
use hearth_domain::field::{REASON_MAX, Word, json_within};
use hearth_domain::money::{CallEnd, Usage};
use hearth_domain::policy::{Bounds, Decision, Labels, Reach, Verdict};
use hearth_domain::run::{Repeat, Run, RunStatus, Step, StepEnd, StepState, WaitingFor};
use hearth_domain::task::{Progress, Task};
use hearth_domain::{Actor, RunId, Timestamp};
use hearth_store::{Tx, WriteTx, memories, runs, steps};
use serde_json::Value;

pub use self::delegation::Delegation;
pub(crate) use self::delegation::become_part;
use self::question::question;
use self::scene::{Attempts, Scene};
use super::children;
use super::follow::{ask_no_more, interrupt};
use crate::app::App;
use crate::authority::{must_act_as, must_work};
use crate::error::AppError;
use crate::holding::Hold;
use crate::money::steps::settle_step;
use crate::notices::save_task;
use crate::tasks::{TaskRef, find};

/// What the owner is offered where nobody knows whether a call happened.
pub const DOUBT_OPTIONS: [&str; 3] = ["repeat it", "it was done", "stop"];

/// A call that a run is about to make.
#[derive(Debug, Clone, PartialEq)]
pub struct Meant {
    /// Which step of the plan, from 1 on.
    pub place: u32,
    /// What the plan calls it.
    pub name: Word,
    /// What exactly is to be done.
    pub action: Action,
    /// The same in words, for the owner.
    pub what: String,
    /// What follows if it is cut off.
    pub repeat: Repeat,
    /// What its result brings into the run.
    pub brings: Labels,
    /// What it can touch.
    pub reach: Reach,
    /// What it may use up at most, where it asks a model.
    pub worst_case: Option<Usage>,
}

/// What became of a call that was meant.
#[derive(Debug, Clone, PartialEq)]
pub enum Intent {
    /// It is written down, and is to be made now.
    Go(Step),
    /// The owner is asked; the run goes on with what does not need it.
    Waits(Step),
    /// It is refused, which is its outcome.
    Refused(Step),
}

/// What a holder writes of an attempt.
#[derive(Debug, Clone, PartialEq)]
pub enum Entry {
    /// The world has seen it, and answered so.
    Acted(Value),
    /// A model answered, and used so much for it.
    Answered(Value, Usage),
    /// It brought its result.
    Done(StepEnd),
    /// It brought none. Where it asks a model, that was not asked, and nothing was used.
    Failed(String),
    /// It brought none, and a model was asked and used so much for it; `None` where nobody knows how
    /// much, so that the worst case counts.
    FailedAfter(String, Option<Usage>),
    /// It was stopped on the way.
    Interrupted,
}

/// Why a run rests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rest {
    /// Steps of it wait for the owner, or for tasks of other agents.
    Waits,
    /// A step failed for good: the story for the owner.
    Failed(String),
}

/// What the owner said of a call of which nobody knew whether it happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Resolved {
    Repeat,
    Happened,
    Stop,
}

impl Resolved {
    /// Whatever is neither of the first two options stops it: nothing is repeated by a guess.
    pub(super) fn read(answer: &str) -> Self {
        let words = answer.trim().trim_end_matches(['.', '!']).to_lowercase();
        match words.as_str() {
            "repeat it" | "repeat" | "do it again" | "again" => Self::Repeat,
            "it was done" | "done" | "it happened" => Self::Happened,
            _ => Self::Stop,
        }
    }
}

impl App {
    /// Writes down that a call is about to be made, if the policy allows it and it fits into what is
    /// left of its budgets; uses up the approval that allows it, and sets aside or counts what it may
    /// use, in the same transaction. What does not fit waits ([`WaitingFor::Budget`]).
    ///
    /// # Errors
    /// The caller does not hold the run's task any more; the step is under way or done.
    pub async fn intend_step(
        &self,
        actor: &Actor,
        hold: Hold,
        run: RunId,
        mut meant: Meant,
        bounds: Bounds,
    ) -> Result<Intent, AppError> {
        must_work(actor, "work on a task")?;
        must_act_as(actor, &hold.agent)?;
        json_within("args", &meant.action.args)?;
        let (now, purse) = (self.now(), self.purse());
        let intent = self
            .store()
            .write(move |tx| {
                let (run, task) = held(tx, run, &hold)?;
                purse.charge_wall(tx, &run.agent, &task, now)?;
                let all = steps::of_run(tx, run.id)?;
                let scene = Scene {
                    attempts: Attempts::of(&all, &meant)?,
                    run: &run,
                    task: &task,
                    all: &all,
                    purse,
                    now,
                };
                if let Some(waiting) = scene.attempts.waiting(tx)? {
                    return Ok(Intent::Waits(waiting.clone()));
                }
                if meant.reach.reads_memories {
                    let reached = memories::labels(tx, task.project_id)?;
                    meant.brings = meant.brings.and(reached);
                }
                let decision = scene.decide(tx, &meant, &bounds)?;
                scene.carry_out(tx, meant, decision)
            })
            .await?;
        if let Intent::Waits(_) = &intent {
            self.alarm()
                .set_no_later_than(now.after(hearth_domain::approval::ANSWER_WITHIN));
        }
        Ok(intent)
    }

    /// Writes down that a step asks the owner: for the answer that is its result, or whether the
    /// attempt before it happened. Once; what waits already is returned as it is.
    ///
    /// # Errors
    /// The caller does not hold the run's task any more.
    pub async fn ask_in_step(
        &self,
        actor: &Actor,
        hold: Hold,
        run: RunId,
        meant: Meant,
        waits_for: WaitingFor,
    ) -> Result<Step, AppError> {
        must_work(actor, "work on a task")?;
        must_act_as(actor, &hold.agent)?;
        let now = self.now();
        self.store()
            .write(move |tx| {
                let (run, _) = held(tx, run, &hold)?;
                let all = steps::of_run(tx, run.id)?;
                let attempts = Attempts::of(&all, &meant)?;
                if let Some(waiting) = attempts.waiting(tx)? {
                    return Ok(waiting.clone());
                }
                let by = hold.agent.to_string();
                attempts.discard_answered(tx, &run, &by, now)?;
                let decision = Decision::new(Verdict::Ask, "it is a question to the owner");
                let new = meant.into_step(attempts.next, decision);
                let change = Step::wait(new, waits_for, &run, now);
                Ok(steps::insert(tx, change, &run, now)?)
            })
            .await
    }

    /// Writes what came of an attempt, and tells how far the run is where `progress` says so. What was
    /// set aside for a turn of a model is settled in the same transaction, once.
    ///
    /// # Errors
    /// The caller does not hold the run's task any more; the attempt has ended.
    pub async fn record_step(
        &self,
        actor: &Actor,
        hold: Hold,
        step: Step,
        entry: Entry,
        progress: Option<Progress>,
    ) -> Result<Step, AppError> {
        must_work(actor, "work on a task")?;
        must_act_as(actor, &hold.agent)?;
        match &entry {
            Entry::Acted(outcome) | Entry::Answered(outcome, _) => {
                json_within("outcome", outcome)?;
            }
            Entry::Done(end) => json_within("outcome", end)?,
            Entry::Failed(_) | Entry::FailedAfter(..) | Entry::Interrupted => (),
        }
        let (now, purse) = (self.now(), self.purse());
        let (step, is_settled) = self
            .store()
            .write(move |tx| {
                let (run, task) = held(tx, step.run_id, &hold)?;
                let by = hold.agent.to_string();
                purse.charge_wall(tx, &run.agent, &task, now)?;
                let is_settled = match end_of(&entry) {
                    Some(end) => settle_step(tx, &step, end, now)?,
                    None => false,
                };
                if is_settled {
                    purse.note_low(tx, &run.agent, Some(&task), now)?;
                }
                let change = match entry {
                    Entry::Acted(outcome) | Entry::Answered(outcome, _) => {
                        step.act(outcome, &run, now)
                    }
                    Entry::Done(end) => step.complete(end, &run, now),
                    Entry::Failed(error) | Entry::FailedAfter(error, _) => {
                        step.fail(bounded(&error), &run, now)
                    }
                    Entry::Interrupted => step.interrupt(&run, now),
                };
                let step = steps::save(tx, change, &run, &by, now)?;
                if let Some(progress) = progress {
                    let progress = Progress {
                        message: one_line(&progress.message),
                        ..progress
                    };
                    let change = task.progress(&hold.agent, hold.fence, progress, now)?;
                    let task = save_task(tx, change)?;
                    hearth_store::tasks::save_lease(tx, &task)?;
                }
                Ok::<_, AppError>((step, is_settled))
            })
            .await?;
        if is_settled {
            self.look_who_can_go_on()?;
        }
        if step.has_ended() {
            let status = step.state.status().as_str();
            metrics::counter!("hearth_steps_total", "status" => status).increment(1);
        }
        Ok(step)
    }

    /// Lets a run rest, and frees the holder. Its task is blocked for the owner; where nothing but
    /// tasks of other agents is waited for, it goes back and waits for them instead, which costs no
    /// attempt. Returns whether it rests: with [`Rest::Waits`] it does not where all that it waited for
    /// has come meanwhile.
    ///
    /// # Errors
    /// The caller does not hold the run's task any more.
    pub async fn rest_run(
        &self,
        actor: &Actor,
        hold: Hold,
        run: RunId,
        rest: Rest,
    ) -> Result<bool, AppError> {
        must_work(actor, "work on a task")?;
        must_act_as(actor, &hold.agent)?;
        let (now, purse) = (self.now(), self.purse());
        self.store()
            .write(move |tx| {
                let (run, task) = held(tx, run, &hold)?;
                let by = hold.agent.to_string();
                purse.charge_wall(tx, &run.agent, &task, now)?;
                let (change, reason, options) = match rest {
                    Rest::Failed(story) => {
                        let story = bounded(&story);
                        ask_no_more(tx, &run, &by, now)?;
                        (run.fail(story.clone(), now)?, story, Vec::new())
                    }
                    Rest::Waits => match question(tx, &purse, &run, &task)? {
                        None => return rest_for_children(tx, run, task, &hold, now),
                        Some(question) => (
                            run.wait(question.short, now)?,
                            question.reason,
                            question.options,
                        ),
                    },
                };
                interrupt(tx, &change.after, &by, now)?;
                runs::save(tx, change, &by)?;
                let change = task.block(&hold.agent, hold.fence, reason, options, now)?;
                save_task(tx, change)?;
                Ok(true)
            })
            .await
    }
}

/// Lets a run rest for the tasks that it handed on, where it waits for nothing else.
fn rest_for_children(
    tx: &mut WriteTx<'_>,
    run: Run,
    task: Task,
    hold: &Hold,
    now: Timestamp,
) -> Result<bool, AppError> {
    let all = steps::of_run(tx, run.id)?;
    let open = children::open_of(&all);
    // An approval that waits no more was answered: there is something to do.
    let is_answered = |step: &Step| {
        let waits = matches!(step.state, StepState::Waiting(WaitingFor::Approval(_)));
        waits && step.discarded_at.is_none()
    };
    if open.is_empty() || all.iter().any(is_answered) {
        return Ok(false);
    }
    let by = hold.agent.to_string();
    let reason = children::named(tx, &open)?;
    let run = runs::save(tx, run.wait(reason.clone(), now)?, &by)?;
    interrupt(tx, &run, &by, now)?;
    let task = match task.clone().wait_for(&open, &by, now) {
        Some(change) => save_task(tx, change)?,
        None => task,
    };
    let reason = Some(format!("waits for {reason}"));
    let cause = ReleaseCause::WaitsForChildren;
    save_task(
        tx,
        task.release(&hold.agent, hold.fence, cause, reason, now)?,
    )?;
    Ok(true)
}

/// Says how a turn of a model ended, if it did.
fn end_of(entry: &Entry) -> Option<CallEnd> {
    let used = |usage, outcome: Option<&Value>| {
        let said = |name| outcome.and_then(|outcome| outcome.get(name)?.as_str());
        CallEnd::Used {
            provider: said("provider").unwrap_or_default().to_owned(),
            model: said("model").unwrap_or_default().to_owned(),
            usage,
        }
    };
    Some(match entry {
        Entry::Answered(outcome, usage) => used(*usage, Some(outcome)),
        Entry::FailedAfter(_, Some(usage)) => used(*usage, None),
        Entry::Failed(_) => CallEnd::NotSent,
        Entry::FailedAfter(_, None) | Entry::Interrupted | Entry::Acted(_) => CallEnd::Unknown,
        Entry::Done(_) => return None,
    })
}

/// Returns the run, at work in the caller's hands, and its task.
fn held(tx: &impl Tx, run: RunId, hold: &Hold) -> Result<(Run, Task), AppError> {
    let run = runs::get(tx, run)?.ok_or_else(|| AppError::not_found("run", run))?;
    let task = find(tx, TaskRef::Id(run.task_id))?;
    task.held_by("work on", &hold.agent, hold.fence)?;
    if run.fence != hold.fence || run.status != RunStatus::Running {
        return Err(AppError::InvalidTransition {
            code: "wrong_state",
            detail: format!(
                "run {} is {}, or was taken up by another",
                run.number, run.status
            ),
        });
    }
    Ok((run, task))
}

fn bounded(text: &str) -> String {
    text.chars()
        .filter(|c| *c != '\0')
        .take(REASON_MAX)
        .collect()
}

fn one_line(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(REASON_MAX)
        .collect()
}
