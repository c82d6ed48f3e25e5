//! How a run writes down its steps: meant, acted, done. Each write names the holder's fence, so that
//! a worker that was given up can write nothing.

use std::collections::BTreeSet;

use hearth_domain::action::Action;
use hearth_domain::approval::{Approval, ApprovalStatus, NewApproval};
use hearth_domain::field::{LABEL_MAX, REASON_MAX, Word, json_within};
use hearth_domain::policy::{self, Bounds, Call, Decision, Labels, Reach, Verdict};
use hearth_domain::run::{NewStep, Repeat, Run, RunStatus, Step, StepEnd, StepState, WaitingFor};
use hearth_domain::task::{Progress, Task};
use hearth_domain::{Actor, ApprovalId, RunId, Timestamp};
use hearth_store::{Tx, WriteTx, approvals, folders, permissions, runs, steps};
use serde_json::Value;

use super::{ask_no_more, asking, interrupt};
use crate::app::App;
use crate::authority::{must_act_as, must_work};
use crate::error::AppError;
use crate::holding::Hold;
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
    /// It brought its result.
    Done(StepEnd),
    /// It brought none.
    Failed(String),
    /// It was stopped on the way.
    Interrupted,
}

/// Why a run rests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rest {
    /// Steps of it wait for the owner.
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
    /// Writes down that a call is about to be made, if the policy allows it; uses up the approval
    /// that allows it, in the same transaction.
    ///
    /// # Errors
    /// The caller does not hold the run's task any more; the step is under way or done.
    pub async fn intend_step(
        &self,
        actor: &Actor,
        hold: Hold,
        run: RunId,
        meant: Meant,
        bounds: Bounds,
    ) -> Result<Intent, AppError> {
        must_work(actor, "work on a task")?;
        must_act_as(actor, &hold.agent)?;
        json_within("args", &meant.action.args)?;
        let now = self.now();
        let intent = self
            .store()
            .write(move |tx| {
                let (run, task) = held(tx, run, &hold)?;
                let all = steps::of_run(tx, run.id)?;
                let scene = Scene {
                    attempts: Attempts::of(&all, &meant)?,
                    run: &run,
                    task: &task,
                    all: &all,
                    now,
                };
                if let Some(waiting) = scene.attempts.waiting(tx)? {
                    return Ok(Intent::Waits(waiting.clone()));
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

    /// Writes what came of an attempt, and tells how far the run is where `progress` says so.
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
            Entry::Acted(outcome) => json_within("outcome", outcome)?,
            Entry::Done(end) => json_within("outcome", end)?,
            Entry::Failed(_) | Entry::Interrupted => (),
        }
        let now = self.now();
        let step = self
            .store()
            .write(move |tx| {
                let (run, task) = held(tx, step.run_id, &hold)?;
                let by = hold.agent.to_string();
                let change = match entry {
                    Entry::Acted(outcome) => step.act(outcome, &run, now),
                    Entry::Done(end) => step.complete(end, &run, now),
                    Entry::Failed(error) => step.fail(bounded(&error), &run, now),
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
                Ok::<_, AppError>(step)
            })
            .await?;
        if step.has_ended() {
            let status = step.state.status().as_str();
            metrics::counter!("hearth_steps_total", "status" => status).increment(1);
        }
        Ok(step)
    }

    /// Lets a run rest, and blocks its task for the owner; the holder is free. Returns whether it
    /// rests: with [`Rest::Waits`] it does not where the owner has answered everything meanwhile.
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
        let now = self.now();
        self.store()
            .write(move |tx| {
                let (run, task) = held(tx, run, &hold)?;
                let by = hold.agent.to_string();
                let (change, reason, options) = match rest {
                    Rest::Failed(story) => {
                        let story = bounded(&story);
                        ask_no_more(tx, &run, &by, now)?;
                        (run.fail(story.clone(), now)?, story, Vec::new())
                    }
                    Rest::Waits => match question(tx, &run)? {
                        None => return Ok(false),
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

/// The attempts at one step that count.
struct Attempts<'a> {
    last: Option<&'a Step>,
    /// The number that a new one gets.
    next: u32,
}

impl<'a> Attempts<'a> {
    fn of(all: &'a [Step], meant: &Meant) -> Result<Self, AppError> {
        let mut of_place = all.iter().filter(|step| step.place == meant.place);
        let next = of_place.clone().map(|step| step.attempt).max().unwrap_or(0) + 1;
        let last = of_place.rfind(|step| step.discarded_at.is_none());
        match last.map(|step| &step.state) {
            Some(StepState::Intended | StepState::Acted { .. } | StepState::Done(_)) => {
                Err(AppError::InvalidTransition {
                    code: "wrong_state",
                    detail: format!("step {} is under way or done", meant.place),
                })
            }
            Some(StepState::Waiting(_) | StepState::Failed { .. } | StepState::Interrupted)
            | None => Ok(Self { last, next }),
        }
    }

    fn approval(&self, tx: &impl Tx) -> Result<Option<Approval>, AppError> {
        match self.last.map(|step| &step.state) {
            Some(StepState::Waiting(WaitingFor::Approval(id))) => Ok(approvals::get(tx, *id)?),
            _ => Ok(None),
        }
    }

    /// Returns the attempt of which the owner was asked and has not answered.
    fn waiting(&self, tx: &impl Tx) -> Result<Option<&'a Step>, AppError> {
        let is_unanswered = match self.last.map(|step| &step.state) {
            Some(StepState::Waiting(WaitingFor::Answer | WaitingFor::Doubt)) => true,
            Some(StepState::Waiting(WaitingFor::Approval(_))) => self
                .approval(tx)?
                .is_some_and(|approval| approval.status == ApprovalStatus::Pending),
            _ => false,
        };
        Ok(self.last.filter(|_| is_unanswered))
    }

    /// Has an attempt that waited count no more: what was answered is no answer to what is asked
    /// next, because it ran out, or another action is meant.
    fn discard_answered(
        &self,
        tx: &mut WriteTx<'_>,
        run: &Run,
        by: &str,
        now: Timestamp,
    ) -> Result<(), AppError> {
        if let Some(step) = self.last
            && matches!(step.state, StepState::Waiting(_))
        {
            steps::save(tx, step.clone().discard(run, now), run, by, now)?;
        }
        Ok(())
    }
}

impl Meant {
    fn into_step(self, attempt: u32, decision: Decision) -> NewStep {
        NewStep {
            place: self.place,
            attempt,
            name: self.name,
            action: self.action,
            repeat: self.repeat,
            brings: self.brings,
            decision,
        }
    }
}

/// What a decision over a call looks at.
struct Scene<'a> {
    run: &'a Run,
    task: &'a Task,
    all: &'a [Step],
    attempts: Attempts<'a>,
    now: Timestamp,
}

impl Scene<'_> {
    fn decide(&self, tx: &impl Tx, meant: &Meant, bounds: &Bounds) -> Result<Decision, AppError> {
        let approval = self.attempts.approval(tx)?;
        let permissions = permissions::for_tool(tx, &meant.action.tool)?;
        let mut opened = Vec::new();
        for name in meant.reach.reads.iter().chain(&meant.reach.writes) {
            opened.extend(folders::find_by_name(tx, name)?);
        }
        // An answered task begins to count anew, as its attempts do.
        let calls = self.all.iter().filter(|step| step.fence == self.run.fence);
        let call = Call {
            action: &meant.action,
            reach: &meant.reach,
            project: self.task.project_id,
            labels: labels(self.all),
            alike: alike(self.all, meant),
            calls: u32::try_from(calls.count()).unwrap_or(u32::MAX),
            approval: approval.as_ref(),
            permissions: &permissions,
            folders: &opened,
        };
        Ok(policy::decide(&call, bounds, self.now))
    }

    fn carry_out(
        &self,
        tx: &mut WriteTx<'_>,
        meant: Meant,
        decision: Decision,
    ) -> Result<Intent, AppError> {
        let (run, now) = (self.run, self.now);
        let by = run.agent.to_string();
        let waited = self
            .attempts
            .last
            .filter(|step| matches!(step.state, StepState::Waiting(_)))
            .cloned();
        let next = self.attempts.next;
        match decision.verdict {
            Verdict::Allow | Verdict::Change => {
                self.use_up(tx, &meant, &decision)?;
                let step = if let Some(step) = waited {
                    steps::save(tx, step.proceed(decision, run), run, &by, now)?
                } else {
                    let new = meant.into_step(next, decision);
                    steps::insert(tx, Step::intend(new, run, now), run, now)?
                };
                Ok(Intent::Go(step))
            }
            Verdict::Deny => {
                let step = if let Some(step) = waited {
                    steps::save(tx, step.deny(decision, run, now), run, &by, now)?
                } else {
                    let new = meant.into_step(next, decision);
                    steps::insert(tx, Step::refuse(new, run, now), run, now)?
                };
                Ok(Intent::Refused(step))
            }
            Verdict::Ask => {
                self.attempts.discard_answered(tx, run, &by, now)?;
                let id = self.request(tx, &meant, &decision)?;
                let new = meant.into_step(next, decision);
                let change = Step::wait(new, WaitingFor::Approval(id), run, now);
                Ok(Intent::Waits(steps::insert(tx, change, run, now)?))
            }
        }
    }

    /// Uses up what allows the call.
    fn use_up(
        &self,
        tx: &mut WriteTx<'_>,
        meant: &Meant,
        decision: &Decision,
    ) -> Result<(), AppError> {
        if decision.approval.is_some()
            && let Some(approval) = self.attempts.approval(tx)?
        {
            let was = approval.status;
            let used = approval.use_for(meant.action.hash(), self.now)?;
            approvals::save(tx, used, was, self.run.agent.as_str(), self.now)?;
        }
        if let Some(number) = decision.permission {
            permissions::touch(tx, number, self.now)?;
        }
        Ok(())
    }

    /// Puts the call to the owner.
    fn request(
        &self,
        tx: &mut WriteTx<'_>,
        meant: &Meant,
        decision: &Decision,
    ) -> Result<ApprovalId, AppError> {
        let (id, number) = (ApprovalId(tx.fresh_uuid()), approvals::next_number(tx)?);
        let new = NewApproval {
            run_id: self.run.id,
            task_id: self.run.task_id,
            task_number: self.run.task_number,
            place: meant.place,
            action: meant.action.clone(),
            what: meant.what.clone(),
            why: decision.reason.clone(),
            is_once: decision.is_once,
        };
        let change = Approval::request(id, number, new, self.now);
        approvals::insert(tx, change, self.run.agent.as_str())?;
        Ok(id)
    }
}

/// What the run has taken in so far: of every call that was to be made. One that failed, was cut off
/// or is done anew may have left what it took in in the run's folder.
fn labels(all: &[Step]) -> Labels {
    all.iter()
        .filter(|step| matches!(step.decision.verdict, Verdict::Allow | Verdict::Change))
        .fold(Labels::default(), |labels, step| labels.and(step.brings))
}

/// How many calls in a row, this one included, are the same. Attempts at one step count as one.
fn alike(all: &[Step], meant: &Meant) -> u32 {
    let hash = meant.action.hash();
    let mut earlier: Vec<&Step> = all
        .iter()
        .filter(|step| step.place != meant.place && step.discarded_at.is_none())
        .collect();
    earlier.sort_by_key(|step| (step.created_at, step.place));
    let places: BTreeSet<u32> = earlier
        .iter()
        .rev()
        .take_while(|step| step.action_hash() == hash)
        .map(|step| step.place)
        .collect();
    u32::try_from(places.len())
        .unwrap_or(u32::MAX)
        .saturating_add(1)
}

/// What a task that waits is blocked with.
struct Question {
    /// For the run.
    short: String,
    reason: String,
    options: Vec<String>,
}

/// Puts together what the owner is asked; `None` where everything is answered.
fn question(tx: &impl Tx, run: &Run) -> Result<Option<Question>, AppError> {
    let pending: Vec<Approval> = approvals::of_run(tx, run.id)?
        .into_iter()
        .filter(|approval| approval.status == ApprovalStatus::Pending)
        .collect();
    let all = steps::of_run(tx, run.id)?;
    let mut asked: Vec<String> = pending.iter().map(asked_of).collect();
    let short = match pending.as_slice() {
        [] => "the owner's answer".to_owned(),
        [one] => format!("approval {}", one.number),
        more => {
            let numbers: Vec<String> = more.iter().map(|one| one.number.to_string()).collect();
            format!("approvals {}", numbers.join(", "))
        }
    };
    let Some(step) = asking(&all) else {
        let options = match pending.as_slice() {
            [] => return Ok(None),
            [_] => vec!["approve".into(), "deny".into()],
            [_, _, ..] => Vec::new(),
        };
        return Ok(Some(Question {
            short,
            reason: bounded(&asked.join("\n")),
            options,
        }));
    };
    let (text, options) = if step.state == StepState::Waiting(WaitingFor::Doubt) {
        let text = format!(
            "Step {}, {}, was cut off, and nobody knows whether it happened. Shall it be repeated?",
            step.place, step.name
        );
        (text, DOUBT_OPTIONS.map(String::from).to_vec())
    } else {
        asked_by(step)
    };
    asked.insert(0, text);
    Ok(Some(Question {
        short: "the owner's answer".into(),
        reason: bounded(&asked.join("\n")),
        options,
    }))
}

fn asked_of(approval: &Approval) -> String {
    format!(
        "May I {}? I ask because {}. All of it: hearth approvals show {}",
        approval.what, approval.why, approval.number
    )
}

/// What a step asks the owner for, from its arguments.
fn asked_by(step: &Step) -> (String, Vec<String>) {
    let args = &step.action.args;
    let text = args.get("question").and_then(Value::as_str).unwrap_or("?");
    let options = args.get("options").and_then(Value::as_array);
    let options = options.into_iter().flatten().filter_map(Value::as_str);
    let options = options.map(|option| option.chars().take(LABEL_MAX * 4).collect());
    (text.to_owned(), options.collect())
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
