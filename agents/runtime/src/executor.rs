//! Executes a plan: makes the steps whose turn it is, several at once, and writes each down before,
//! when and after it is made. What the journal knows already is not done again. How one step is made is
//! in `step`, and how one call is in `crate::hands`.

mod step;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use hearth_app::AppError;
use hearth_app::holding::Done;
use hearth_app::runs::RunView;
use hearth_app::runs::journal::Rest;
use hearth_domain::plan::{Plan, PlannedStep};
use hearth_domain::run::{Step, StepEnd, StepState};
use hearth_domain::{ArtifactId, JsonObject};
use serde_json::Value;

use crate::hands::{Attempt, Hands, is_lost};
use crate::persist::persist;

/// How many steps of one run are made at once.
const AT_ONCE: usize = 4;

/// What came of executing a plan.
#[derive(Debug)]
pub(crate) enum Executed {
    /// Every step is done.
    Done(Done),
    /// It waits: for the owner, the task being blocked for that, or for tasks of other agents.
    Waits,
    /// A step failed for good: the story.
    Failed(String),
    /// It was stopped, or its task is not held any more.
    Stopped,
}

/// Executes one run's plan.
pub(crate) struct Executor<'a> {
    pub(crate) hands: Hands<'a>,
    pub(crate) plan: &'a Plan,
}

/// Where a step of the plan stands.
#[derive(Debug)]
enum Turn {
    /// It is to be made, after the steps it waits for; so many tries of it have failed.
    Open {
        failures: u32,
    },
    /// It was made when the node was cut off; its result is to be kept.
    Acted(Box<Step>),
    Running,
    Waits,
    Done(StepEnd),
    /// It failed, and the plan goes on without it.
    Skipped,
    Failed(String),
}

impl Turn {
    fn is_settled(&self) -> bool {
        matches!(self, Self::Done(_) | Self::Skipped)
    }
}

impl Executor<'_> {
    /// Goes on with the plan from where the journal is, to its end or to where it has to wait.
    ///
    /// # Errors
    /// The node could not write the journal.
    pub(crate) async fn execute(&self, mut view: RunView) -> Result<Executed, AppError> {
        let is_done = |place| view.steps.iter().any(|step| is_done_at(step, place));
        let registry = self.hands.toolbox.registry;
        if let Err(problem) = registry.check_calls_at(self.plan, |place| !is_done(place)) {
            let story = format!("{problem}; nothing was done");
            return Ok(Executed::Failed(story));
        }
        loop {
            let executed = match self.go_on(&view).await {
                Err(error) if is_lost(&error) => return Ok(Executed::Stopped),
                other => other?,
            };
            match executed {
                Executed::Waits => {
                    let rest = || {
                        let hold = self.hands.hold.clone();
                        self.hands.app.rest_run(
                            self.hands.actor,
                            hold,
                            self.hands.run.id,
                            Rest::Waits,
                        )
                    };
                    match persist(rest).await {
                        Ok(true) => return Ok(Executed::Waits),
                        // The owner was faster.
                        Ok(false) => (),
                        Err(error) if is_lost(&error) => return Ok(Executed::Stopped),
                        Err(error) => return Err(error),
                    }
                    let id = hearth_app::runs::RunRef::Id(self.hands.run.id);
                    view = self.hands.app.get_run(id).await?;
                }
                other => return Ok(other),
            }
        }
    }

    async fn go_on(&self, view: &RunView) -> Result<Executed, AppError> {
        let mut turns = self.turns(view).await?;
        let mut running = FuturesUnordered::new();
        loop {
            let has_failed = turns.iter().any(|turn| matches!(turn, Turn::Failed(_)));
            if !has_failed && !self.hands.stop.is_cancelled() {
                for place in self.ready(&turns) {
                    if running.len() >= AT_ONCE || self.must_wait(place, &turns) {
                        break;
                    }
                    let turn = turns
                        .get_mut(place)
                        .map(|turn| std::mem::replace(turn, Turn::Running));
                    let (acted, failures) = match turn {
                        Some(Turn::Acted(step)) => (Some(*step), 0),
                        Some(Turn::Open { failures }) => (None, failures),
                        _ => (None, 0),
                    };
                    let args = self.args(place, &turns);
                    let done = turns.iter().filter(|turn| turn.is_settled()).count();
                    running.push(async move {
                        (place, self.step(place, args, acted, failures, done).await)
                    });
                }
            }
            let Some((place, attempt)) = running.next().await else {
                break;
            };
            let attempt = match attempt {
                Ok(attempt) => attempt,
                Err(error) => {
                    // Nothing of this run may be left at work.
                    self.hands.stop.cancel();
                    while running.next().await.is_some() {}
                    return Err(error);
                }
            };
            let turn = match attempt {
                Attempt::Done(end) => Turn::Done(end),
                Attempt::Waits => Turn::Waits,
                Attempt::Failed { .. }
                    if self.planned(place).is_some_and(|step| step.is_optional) =>
                {
                    Turn::Skipped
                }
                Attempt::Failed { story, .. } => Turn::Failed(story),
                Attempt::Stopped => Turn::Open { failures: 0 },
            };
            if let Some(slot) = turns.get_mut(place) {
                *slot = turn;
            }
        }
        if self.hands.stop.is_cancelled() {
            return Ok(Executed::Stopped);
        }
        Ok(self.outcome(turns))
    }

    /// Reads off the journal where each step stands.
    async fn turns(&self, view: &RunView) -> Result<Vec<Turn>, AppError> {
        let mut turns = Vec::with_capacity(self.plan.steps.len());
        for (place, planned) in (1_u32..).zip(&self.plan.steps) {
            let live = |step: &&Step| step.place == place && step.discarded_at.is_none();
            let last = view.steps.iter().rfind(live);
            let failed = view.steps.iter().filter(live);
            let failed = failed.filter(|step| matches!(step.state, StepState::Failed { .. }));
            let failures = u32::try_from(failed.count()).unwrap_or(u32::MAX);
            turns.push(match last.map(|step| (&step.state, step)) {
                Some((StepState::Acted { .. }, step)) => Turn::Acted(Box::new(step.clone())),
                Some((StepState::Done(end), _)) => Turn::Done(end.clone()),
                Some((StepState::Failed { .. }, _)) if planned.is_optional => Turn::Skipped,
                // What failed for good stays so until its owner has it done anew; one that was cut off
                // between two tries goes on with those that are left.
                Some((StepState::Failed { error }, step))
                    if !step.was_made() || planned.retry.pause(failures).is_none() =>
                {
                    Turn::Failed(error.clone())
                }
                Some((StepState::Interrupted, step)) => self.after_interruption(step).await?,
                None
                | Some((
                    StepState::Waiting(_) | StepState::Intended | StepState::Failed { .. },
                    _,
                )) => Turn::Open { failures },
            });
        }
        Ok(turns)
    }

    /// Says what follows on a call of which nobody knows whether it happened.
    async fn after_interruption(&self, step: &Step) -> Result<Turn, AppError> {
        let may_repeat = self.hands.may_repeat(step).await?;
        Ok(if may_repeat {
            Turn::Open { failures: 0 }
        } else {
            Turn::Waits
        })
    }

    /// Returns the steps whose turn it is; those outside the sandbox last, so that the folder does not
    /// change any more when their owner is asked.
    fn ready(&self, turns: &[Turn]) -> Vec<usize> {
        let is_settled = |place: &usize| turns.get(*place).is_some_and(Turn::is_settled);
        let steps = self.plan.steps.iter().zip(turns).enumerate();
        let mut ready: Vec<usize> = steps
            .filter(|(_, (step, turn))| match turn {
                Turn::Acted(_) => true,
                Turn::Open { .. } => step.after.iter().all(is_settled),
                Turn::Running | Turn::Waits | Turn::Done(_) | Turn::Skipped | Turn::Failed(_) => {
                    false
                }
            })
            .map(|(place, _)| place)
            .collect();
        ready.sort_by_key(|place| self.planned(*place).is_some_and(is_outside));
        ready
    }

    /// Whether a step may not begin beside those that are under way: what runs outside is alone with
    /// the folder that its owner said yes to.
    fn must_wait(&self, place: usize, turns: &[Turn]) -> bool {
        let mut running = self.plan.steps.iter().zip(turns);
        let is_running = |turn: &Turn| matches!(turn, Turn::Running);
        if self.planned(place).is_some_and(is_outside) {
            return running.any(|(_, turn)| is_running(turn));
        }
        running.any(|(planned, turn)| is_running(turn) && is_outside(planned))
    }

    /// Returns a step's arguments, the results that they ask for being there.
    fn args(&self, place: usize, turns: &[Turn]) -> Result<JsonObject, String> {
        let planned = self.planned(place).ok_or("there is no such step")?;
        planned.args_with(|name| {
            let place = self.plan.place_of(name)?;
            match turns.get(place)? {
                Turn::Done(end) => end.result.clone().map(Value::from),
                _ => None,
            }
        })
    }

    fn planned(&self, place: usize) -> Option<&PlannedStep> {
        self.plan.steps.get(place)
    }

    /// Says what came of the plan, no step being under way any more.
    fn outcome(&self, turns: Vec<Turn>) -> Executed {
        let count = turns.len();
        let done = turns.iter().filter(|turn| turn.is_settled()).count();
        let steps = self.plan.steps.iter().enumerate();
        for ((place, planned), turn) in steps.zip(&turns) {
            if let Turn::Failed(story) = turn {
                let label = label(number(place), planned.name.as_str(), planned.tool.as_str());
                let hint = if story.contains("hearth task answer") {
                    String::new()
                } else {
                    format!(
                        "\n{done} of {count} steps are done. To try again from there: hearth run retry {} --from {}",
                        self.hands.run.number, planned.name
                    )
                };
                return Executed::Failed(format!(
                    "step {} of {count}, {label} failed: {story}{hint}",
                    place + 1
                ));
            }
        }
        if done < count {
            return Executed::Waits;
        }
        let mut result: Option<JsonObject> = None;
        let mut artifacts: Vec<ArtifactId> = Vec::new();
        for turn in turns {
            if let Turn::Done(end) = turn {
                result = end.result.or(result);
                artifacts.extend(end.artifacts);
            }
        }
        Executed::Done(Done { result, artifacts })
    }
}

/// Whether that step of the plan is done.
fn is_done_at(step: &Step, place: usize) -> bool {
    let is_there = step.place == number(place) && step.discarded_at.is_none();
    is_there && matches!(step.state, StepState::Done(_) | StepState::Acted { .. })
}

/// Whether a step asks to be made outside the sandbox, or may turn out to.
fn is_outside(planned: &PlannedStep) -> bool {
    let outside = planned.args.get("outside");
    outside.is_some_and(|outside| *outside != Value::Bool(false))
}

/// A step that the plan gave no name is called by its tool.
fn label(place: u32, name: &str, tool: &str) -> String {
    if name == format!("step-{place}") {
        tool.to_owned()
    } else {
        format!("{name} ({tool})")
    }
}

fn number(place: usize) -> u32 {
    u32::try_from(place + 1).unwrap_or(u32::MAX)
}

#[cfg(test)]
pub(crate) mod tests;
