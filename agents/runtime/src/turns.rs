//! A run that a model leads: it is asked for a turn, what it calls is made, and it is told what came
//! of that, until its task is done. Turns and calls lie in the journal like the steps of a plan, so
//! that a turn which was recorded is never asked for again.
//!
//! Reading order: `episode` (what the journal says, and what comes next), `messages` (what the model
//! is told), `prompt` (who it is), `extract` (the text of strangers), `finish` (when it is done).

mod episode;
mod extract;
mod finish;
mod messages;
mod prompt;
#[cfg(test)]
mod tests;

use hearth_app::AppError;
use hearth_app::money::EXTRACT_ARG;
use hearth_app::runs::journal::{Entry, Intent, Meant, Rest};
use hearth_app::runs::{RunRef, RunView};
use hearth_domain::JsonObject;
use hearth_domain::action::Action;
use hearth_domain::field::Word;
use hearth_domain::policy::{Labels, Reach};
use hearth_domain::run::{COMPLETE, Repeat, Step, StepEnd, StepState, TURN};
use hearth_domain::task::{Progress, Task};
use serde_json::json;

use self::episode::{Called, Came, Episode, Extract, Next, USELESS_MAX};
use crate::hands::{Attempt, Hands, Wanted, is_lost};
use crate::model::{Answer, AskError, Models, Request, ToolCall};
use crate::persist::persist;
use crate::run::Run as Work;

pub(crate) use self::messages::task as brief;
pub(crate) use self::prompt::Role;

/// How many calls in a row may name no tool or have wrong arguments, before the task is its owner's to
/// look at: the first is told what would be right, and so is the second.
const WRONG_MAX: usize = 3;

/// What came of leading a run.
#[derive(Debug)]
pub(crate) enum Led {
    /// The task has ended, or waits for its owner: what has become of it.
    Ended(&'static str),
    /// It waits for the owner or another task; that is written down.
    Waits,
    /// It cannot go on: the story for the owner.
    Failed(String),
    /// It was stopped, or its task is not held any more.
    Stopped,
    /// No model answers: why. It goes on when one does.
    NoModel(String),
}

/// A run that a model leads.
pub(crate) struct Lead<'a> {
    pub(crate) hands: Hands<'a>,
    pub(crate) models: &'a Models,
    pub(crate) role: &'a Role,
    pub(crate) work: &'a Work,
    pub(crate) task: &'a Task,
    /// What the model is told of its task.
    pub(crate) brief: String,
    /// How many tokens a turn may write.
    pub(crate) max_output_tokens: u32,
}

/// What came of one thing that was done for the run.
enum Done {
    /// There is more.
    GoOn,
    Ends(Led),
}

impl Lead<'_> {
    /// Goes on from where the journal is, to the task's end or to where it has to wait.
    ///
    /// # Errors
    /// The node could not write the journal.
    pub(crate) async fn lead(&self, mut view: RunView) -> Result<Led, AppError> {
        loop {
            if self.hands.stop.is_cancelled() {
                return Ok(Led::Stopped);
            }
            match self.advance(&view).await {
                Ok(Done::GoOn) => (),
                Ok(Done::Ends(Led::Waits)) => {
                    if self.rest().await? {
                        return Ok(Led::Waits);
                    }
                }
                Ok(Done::Ends(led)) => return Ok(led),
                Err(error) if is_lost(&error) => return Ok(Led::Stopped),
                Err(error) => return Err(error),
            }
            view = self
                .hands
                .app
                .get_run(RunRef::Id(self.hands.run.id))
                .await?;
        }
    }

    /// Does what comes next.
    async fn advance(&self, view: &RunView) -> Result<Done, AppError> {
        let is_answered = |step: &&Step| {
            step.is_turn()
                && step.discarded_at.is_none()
                && matches!(step.state, StepState::Acted { .. })
        };
        if let Some(step) = view.steps.iter().find(is_answered) {
            // It was cut off right after the answer.
            self.settle(step.clone()).await?;
            return Ok(Done::GoOn);
        }
        let episode = Episode::read(&view.steps);
        let has_strange = view.steps.iter().any(|step| step.brought().untrusted);
        let next = episode.next(self.hands.run.fence, |called| {
            extract::is_strange(called, has_strange)
        });
        if let Next::Turn { place, .. } | Next::Extract { place, .. } = &next
            && let Some(story) = stopped(&view.steps, *place)
        {
            return Ok(Done::Ends(Led::Failed(story)));
        }
        match next {
            Next::Turn { place, number } => {
                let wrong = episode
                    .wrong_calls(self.hands.run.fence, |call| self.problem_of(call).is_some());
                if wrong >= WRONG_MAX {
                    let last = episode.turns.last().and_then(|turn| turn.calls.last());
                    let problem = last.and_then(|called| self.problem_of(&called.call));
                    return Ok(Done::Ends(Led::Failed(format!(
                        "the model called its tools wrongly {wrong} times in a row, the last: {}",
                        problem.unwrap_or_default()
                    ))));
                }
                self.turn(&episode, place, number).await
            }
            Next::Call(called) if called.call.name == COMPLETE => {
                self.finish(view, &episode, called).await
            }
            Next::Call(called) => self.call(&episode, called).await,
            Next::Keep(step) => {
                self.hands
                    .keep(step, &|step, end| Some(progress(step, end)))
                    .await?;
                Ok(Done::GoOn)
            }
            Next::Repeat(step) => {
                if !self.hands.may_repeat(step).await? {
                    return Ok(Done::Ends(Led::Waits));
                }
                let turn = episode.turns.last();
                let called = turn
                    .and_then(|turn| turn.calls.iter().find(|called| called.place == step.place));
                match called {
                    Some(called) if called.call.name == COMPLETE => {
                        self.finish(view, &episode, called).await
                    }
                    Some(called) => self.call(&episode, called).await,
                    None => Ok(Done::GoOn),
                }
            }
            Next::Extract { place, called } => self.extract(&episode, place, called).await,
            Next::Useless => Ok(Done::Ends(Led::Failed(format!(
                "the model said nothing of use {USELESS_MAX} times in a row; try another model, or \
                 describe the task in smaller parts"
            )))),
        }
    }

    /// Lets the run rest; returns whether it does: the owner may have been faster.
    async fn rest(&self) -> Result<bool, AppError> {
        let rested = persist(|| {
            let hold = self.hands.hold.clone();
            self.hands
                .app
                .rest_run(self.hands.actor, hold, self.hands.run.id, Rest::Waits)
        });
        match rested.await {
            Err(error) if is_lost(&error) => Ok(true),
            other => other,
        }
    }

    /// Asks the model for its next turn.
    async fn turn(&self, episode: &Episode, place: u32, number: usize) -> Result<Done, AppError> {
        let Some(profile) = self.models.current() else {
            return Ok(Done::Ends(Led::NoModel("there is none".into())));
        };
        let registry = self.hands.toolbox.registry;
        let mut request = Request {
            system: self.role.prompt(registry),
            tools: self.role.tools(registry, &episode.opened()),
            max_output_tokens: self.max_output_tokens,
            ..Request::default()
        };
        let room = profile
            .context_tokens
            .saturating_sub(u64::from(self.max_output_tokens))
            .saturating_sub(request.input_tokens_at_most());
        request.messages =
            messages::conversation(self.brief.clone(), self.task, episode, room * 9 / 10);
        let args = JsonObject::from_iter([("turn".into(), json!(number))]);
        let name = format!("turn-{number}");
        let asked = self.ask(place, &name, args, &request).await?;
        Ok(match asked {
            Asked::Answered => Done::GoOn,
            Asked::Ends(led) => Done::Ends(led),
            Asked::Unfit(story) => Done::Ends(Led::Failed(story)),
        })
    }

    /// Asks the model, the money for it being reserved, and writes down what it answered.
    async fn ask(
        &self,
        place: u32,
        name: &str,
        args: JsonObject,
        request: &Request,
    ) -> Result<Asked, AppError> {
        let meant = Meant {
            place,
            name: word(name),
            action: Action {
                tool: word(TURN),
                args,
            },
            what: "ask the model".into(),
            repeat: Repeat::Safe,
            brings: Labels::default(),
            reach: Reach::default(),
            worst_case: self.models.worst_case(request),
        };
        let step = match self.hands.intend(&meant).await? {
            Intent::Go(step) => step,
            Intent::Waits(_) => return Ok(Asked::Ends(Led::Waits)),
            Intent::Refused(step) => return Ok(Asked::Ends(Led::Failed(step.decision.reason))),
        };
        let answer = self.models.ask(request, None, self.hands.stop).await;
        let answer = match answer {
            Ok(answer) => answer,
            Err(AskError::Stopped) => {
                // Where the task was taken away, that is noted with it.
                let _ = self.hands.record(step, Entry::Interrupted, None).await;
                return Ok(Asked::Ends(Led::Stopped));
            }
            Err(error) => {
                let story = error.to_string();
                let entry = match error {
                    AskError::BrokenOff(_) => Entry::FailedAfter(story.clone(), None),
                    AskError::Spoiled { usage, .. } => Entry::FailedAfter(story.clone(), usage),
                    _ => Entry::Failed(story.clone()),
                };
                self.hands.record(step, entry, None).await?;
                return Ok(Asked::Ends(match error {
                    AskError::None(_) | AskError::BrokenOff(_) => Led::NoModel(story),
                    _ => Led::Failed(story),
                }));
            }
        };
        let usage = answer.usage;
        let outcome = serde_json::to_value(&answer).unwrap_or_default();
        let entry = Entry::Answered(outcome, usage);
        let step = match self.hands.record(step.clone(), entry, None).await {
            // It does not fit into the journal.
            Err(AppError::InvalidInput { problem, .. }) => {
                let story = format!("the model's answer cannot be kept: it {problem}");
                let entry = Entry::FailedAfter(story.clone(), Some(usage));
                self.hands.record(step, entry, None).await?;
                return Ok(Asked::Unfit(story));
            }
            other => other?,
        };
        self.settle(step).await
    }

    /// Makes what a model answered the result of its turn; of the text of strangers, only what has the
    /// shape for it.
    async fn settle(&self, step: Step) -> Result<Asked, AppError> {
        let answer = episode::answer_in(&step)
            .ok_or_else(|| "the journal holds no answer of a model".to_owned())
            .and_then(|answer| {
                if step.action.args.contains_key(EXTRACT_ARG) {
                    extract::shape(answer)
                } else {
                    Ok(answer)
                }
            });
        let kept = match answer {
            Ok(kept) => kept,
            Err(problem) => {
                self.hands
                    .record(step, Entry::Failed(problem.clone()), None)
                    .await?;
                return Ok(Asked::Unfit(problem));
            }
        };
        let end = StepEnd {
            result: serde_json::to_value(&kept)
                .ok()
                .and_then(|kept| kept.as_object().cloned()),
            note: said(&kept),
            ..StepEnd::default()
        };
        let progress = progress(&step, &end);
        self.hands
            .record(step, Entry::Done(end), Some(progress))
            .await?;
        Ok(Asked::Answered)
    }

    /// Makes a call of the last turn.
    async fn call(&self, episode: &Episode, called: &Called) -> Result<Done, AppError> {
        let turn = episode.turns.len();
        let nth = episode
            .turns
            .last()
            .map_or(0, |turn| called.place.saturating_sub(turn.place));
        let name = word(&format!("turn-{turn}-call-{nth}"));
        let action = action_of(&called.call);
        if let Some(problem) = self.problem_of(&called.call) {
            return self.refuse(called.place, name, action, problem).await;
        }
        let wanted = Wanted {
            place: called.place,
            name: name.clone(),
            action: action.clone(),
            limit: None,
            key: None,
        };
        let attempt = self
            .hands
            .make(&wanted, &|step, end| Some(progress(step, end)))
            .await?;
        Ok(match attempt {
            Attempt::Failed {
                story,
                is_written: false,
                ..
            } => return self.refuse(called.place, name, action, story).await,
            // What failed is the model's to think about.
            Attempt::Done(_) | Attempt::Failed { .. } => Done::GoOn,
            Attempt::Waits => Done::Ends(Led::Waits),
            Attempt::Stopped => Done::Ends(Led::Stopped),
        })
    }

    /// Writes down a call that cannot be made as it stands.
    async fn refuse(
        &self,
        place: u32,
        name: Word,
        action: Action,
        problem: String,
    ) -> Result<Done, AppError> {
        let meant = Meant {
            place,
            name,
            what: format!("call {}", action.tool),
            action,
            repeat: Repeat::Safe,
            brings: Labels::default(),
            reach: Reach::default(),
            worst_case: None,
        };
        match self.hands.intend(&meant).await? {
            Intent::Go(step) => {
                self.hands
                    .record(step, Entry::Failed(problem), None)
                    .await?;
                Ok(Done::GoOn)
            }
            Intent::Waits(_) => Ok(Done::Ends(Led::Waits)),
            Intent::Refused(_) => Ok(Done::GoOn),
        }
    }

    /// Says what is wrong with a call, and what would be right.
    fn problem_of(&self, call: &ToolCall) -> Option<String> {
        if !call.args.is_object() {
            let written: String = call.args.to_string().chars().take(200).collect();
            return Some(format!(
                "the arguments of {} are no JSON object: {written}",
                call.name
            ));
        }
        if call.name == COMPLETE {
            return finish::Claim::read(call).err();
        }
        let names = self.role.names(self.hands.toolbox.registry);
        if !names.contains(&call.name) {
            return Some(format!(
                "there is no tool {} for you; there are {}",
                call.name,
                names.join(", ")
            ));
        }
        self.hands.toolbox.registry.read(&action_of(call)).err()
    }
}

/// What came of asking.
enum Asked {
    Answered,
    /// What was answered is of no use: why.
    Unfit(String),
    Ends(Led),
}

/// What a call asks for, as an action. A name that is no word can be no tool's.
fn action_of(call: &ToolCall) -> Action {
    Action {
        tool: call.name.parse().unwrap_or_else(|_| word("unknown")),
        args: call.args.as_object().cloned().unwrap_or_else(|| {
            let written: String = call.args.to_string().chars().take(4000).collect();
            JsonObject::from_iter([("written".into(), written.into())])
        }),
    }
}

fn word(text: &str) -> Word {
    Word::from_stored(text.to_owned())
}

fn said(answer: &Answer) -> String {
    let calls: Vec<&str> = answer.calls.iter().map(|call| call.name.as_str()).collect();
    let tokens = answer.usage.tokens();
    if calls.is_empty() {
        format!("{} answered, {tokens} tokens", answer.model)
    } else {
        format!(
            "{} calls {}, {tokens} tokens",
            answer.model,
            calls.join(", ")
        )
    }
}

fn progress(step: &Step, end: &StepEnd) -> Progress {
    let what = if step.is_turn() {
        step.name.to_string()
    } else {
        format!("{}, {}", step.name, step.action.tool)
    };
    Progress {
        message: format!("{what}: {}", end.note),
        percent: None,
    }
}

/// Why the owner stopped what was about to be asked, if that is so.
fn stopped(steps: &[Step], place: u32) -> Option<String> {
    let at = |step: &&Step| step.place == place && step.discarded_at.is_none();
    let last = steps.iter().rfind(at).filter(|step| step.is_stopped())?;
    match &last.state {
        StepState::Failed { error } => Some(error.clone()),
        _ => None,
    }
}

/// Whether a call has brought its result.
fn brought(called: &Called) -> Option<&StepEnd> {
    match &called.came {
        Came::Done(end) => Some(end),
        _ => None,
    }
}

impl Lead<'_> {
    /// Puts the text of strangers in a call's result into shape.
    async fn extract(
        &self,
        episode: &Episode,
        place: u32,
        called: &Called,
    ) -> Result<Done, AppError> {
        debug_assert_eq!(called.extract, Extract::Open);
        let wanted = format!(
            "{}\n{}",
            self.task.title,
            episode
                .turns
                .last()
                .map_or("", |turn| turn.answer.text.as_str())
        );
        let Some(profile) = self.models.current() else {
            return Ok(Done::Ends(Led::NoModel("there is none".into())));
        };
        let request = extract::request(&wanted, called, profile.context_tokens);
        let args = JsonObject::from_iter([(EXTRACT_ARG.into(), json!(called.place))]);
        let name = format!("turn-{}-extract-{}", episode.turns.len(), called.place);
        let asked = self.ask(place, &name, args, &request).await?;
        Ok(match asked {
            Asked::Answered | Asked::Unfit(_) => Done::GoOn,
            Asked::Ends(led) => Done::Ends(led),
        })
    }
}
