//! How one step is made: meant, acted, done, as often as its rule for failures says.

use hearth_app::AppError;
use hearth_app::runs::journal::{Entry, Intent, Meant};
use hearth_domain::JsonObject;
use hearth_domain::action::Action;
use hearth_domain::plan::PlannedStep;
use hearth_domain::policy::{Bounds, Verdict};
use hearth_domain::run::{Repeat, Step, StepEnd, StepState, WaitingFor};
use hearth_domain::task::Progress;

use super::{Executor, label, number};
use crate::persist::persist;
use crate::tools::{Call, ToolError, result_of};
use crate::workspace::Folder;

/// How many calls a run may make before its owner is to look at it.
const CALLS_MAX: u32 = 200;

/// How an attempt ended.
pub(super) enum Attempt {
    Done(StepEnd),
    Waits,
    Failed { story: String, may_help_again: bool },
    Stopped,
}

impl Executor<'_> {
    /// Makes a step, as often as its rule for failures says.
    pub(super) async fn step(
        &self,
        place: usize,
        args: Result<JsonObject, String>,
        acted: Option<Step>,
        mut failures: u32,
        settled: usize,
    ) -> Result<Attempt, AppError> {
        let Some(planned) = self.planned(place) else {
            return Ok(Attempt::Stopped);
        };
        let mut attempt = match acted {
            Some(step) => self.keep(&step, settled).await?,
            None => self.attempt(place, planned, &args, settled).await?,
        };
        loop {
            let Attempt::Failed {
                story,
                may_help_again,
            } = &attempt
            else {
                return Ok(attempt);
            };
            failures += 1;
            let Some(pause) = planned.retry.pause(failures).filter(|_| *may_help_again) else {
                if failures == 1 {
                    return Ok(attempt);
                }
                return Ok(Attempt::Failed {
                    story: format!("{failures} tries, the last: {story}"),
                    may_help_again: false,
                });
            };
            tokio::select! {
                () = tokio::time::sleep(pause) => (),
                () = self.stop.cancelled() => return Ok(Attempt::Stopped),
            }
            attempt = self.attempt(place, planned, &args, settled).await?;
        }
    }

    async fn attempt(
        &self,
        place: usize,
        planned: &PlannedStep,
        args: &Result<JsonObject, String>,
        settled: usize,
    ) -> Result<Attempt, AppError> {
        let failed = |story: String| {
            Ok(Attempt::Failed {
                story,
                may_help_again: false,
            })
        };
        let args = match args {
            Ok(args) => args.clone(),
            Err(problem) => return failed(problem.clone()),
        };
        let mut action = Action {
            tool: planned.tool.clone(),
            args,
        };
        let call = match Call::read(&action) {
            Ok(call) => call,
            Err(problem) => return failed(problem),
        };
        if call.reach().is_outside {
            // A yes is for what the act finds there, and not for what another step makes of it.
            let digest = self
                .on_disk(Folder::digest)
                .await
                .map_err(|error| AppError::Store(Box::new(error)))?;
            action.args.insert("folder_sha256".into(), digest.into());
        }
        let mut reach = self.toolbox.reach(&call);
        reach.limit = planned.limit;
        let meant = Meant {
            place: number(place),
            name: planned.name.clone(),
            action,
            what: call.in_words(),
            repeat: call.repeat(planned.idempotency_key.is_some()),
            brings: call.brings(),
            reach,
            worst_case: None,
        };
        if let Call::AskOwner(_) = call {
            self.ask(meant, WaitingFor::Answer).await?;
            return Ok(Attempt::Waits);
        }
        let changes_folder = call.changes_folder();
        if changes_folder {
            self.begin_in_folder(meant.place, meant.repeat).await?;
        }
        let attempted = self.intend_and_act(planned, &call, meant, settled).await;
        // One that was stopped stays: what it left half done is there for as long as this claim.
        if changes_folder && !matches!(attempted, Ok(Attempt::Stopped)) {
            self.at_work.lock().await.remove(&number(place));
        }
        attempted
    }

    async fn intend_and_act(
        &self,
        planned: &PlannedStep,
        call: &Call,
        meant: Meant,
        settled: usize,
    ) -> Result<Attempt, AppError> {
        let bounds = Bounds {
            calls_max: CALLS_MAX,
            time_max: self.limits.time,
        };
        let intend = || {
            let (hold, meant) = (self.hold.clone(), meant.clone());
            self.app
                .intend_step(self.actor, hold, self.run.id, meant, bounds)
        };
        let step = match persist(intend).await? {
            Intent::Go(step) => step,
            Intent::Waits(_) => return Ok(Attempt::Waits),
            Intent::Refused(step) => {
                return Ok(Attempt::Failed {
                    story: step.decision.reason,
                    may_help_again: false,
                });
            }
        };
        let mut limits = self.limits.clone();
        if let Some(limit) = planned.limit
            && step.decision.verdict != Verdict::Change
        {
            limits.time = limit.min(limits.time);
            limits.cpu = limits.time;
        }
        let key = planned.idempotency_key.as_deref();
        let acted = self.toolbox.act(call, &limits, key).await;
        // Without an outcome of its own, it takes the copy from nobody who was stopped with it.
        if call.changes_folder() && !matches!(acted, Err(ToolError::Stopped)) {
            self.end_in_folder(step.place).await?;
        }
        match acted {
            Ok(outcome) => {
                match self.record(step.clone(), Entry::Acted(outcome), None).await {
                    Ok(step) => self.keep(&step, settled).await,
                    // It does not fit into the journal.
                    Err(AppError::InvalidInput { problem, .. }) => {
                        let story = format!("its outcome cannot be kept: it {problem}");
                        self.record(step, Entry::Failed(story.clone()), None)
                            .await?;
                        Ok(Attempt::Failed {
                            story,
                            may_help_again: false,
                        })
                    }
                    Err(error) => Err(error),
                }
            }
            Err(ToolError::Stopped) => {
                // Where the task was taken away, that is noted with it.
                let _ = self.record(step, Entry::Interrupted, None).await;
                Ok(Attempt::Stopped)
            }
            Err(error) => {
                let story = match &error {
                    ToolError::NoSandbox(_) => format!(
                        "{error}. Then: hearth task answer {} \"the sandbox works now\"",
                        self.run.task_number
                    ),
                    other => other.to_string(),
                };
                let may_help_again = !matches!(error, ToolError::NoSandbox(_));
                self.record(step, Entry::Failed(story.clone()), None)
                    .await?;
                Ok(Attempt::Failed {
                    story,
                    may_help_again,
                })
            }
        }
    }

    /// Makes the result of a call that was made, and keeps it.
    async fn keep(&self, step: &Step, settled: usize) -> Result<Attempt, AppError> {
        let StepState::Acted { outcome } = &step.state else {
            return Ok(Attempt::Stopped);
        };
        let result = Call::read(&step.action).and_then(|call| result_of(&call, outcome));
        match result {
            Ok(end) => {
                let count = self.plan.steps.len();
                let progress = Progress {
                    message: format!(
                        "step {} of {count}, {}: {}",
                        step.place,
                        label(step.place, step.name.as_str(), step.action.tool.as_str()),
                        end.note
                    ),
                    percent: u8::try_from((settled + 1) * 100 / count.max(1)).ok(),
                };
                let entry = Entry::Done(end.clone());
                self.record(step.clone(), entry, Some(progress)).await?;
                Ok(Attempt::Done(end))
            }
            Err(story) => {
                self.record(step.clone(), Entry::Failed(story.clone()), None)
                    .await?;
                Ok(Attempt::Failed {
                    story,
                    may_help_again: true,
                })
            }
        }
    }

    async fn record(
        &self,
        step: Step,
        entry: Entry,
        progress: Option<Progress>,
    ) -> Result<Step, AppError> {
        persist(|| {
            let (hold, step) = (self.hold.clone(), step.clone());
            self.app
                .record_step(self.actor, hold, step, entry.clone(), progress.clone())
        })
        .await
    }

    /// Writes down that the owner is asked, unless it is already.
    pub(super) async fn ask(&self, meant: Meant, waits_for: WaitingFor) -> Result<(), AppError> {
        persist(|| {
            let (hold, meant) = (self.hold.clone(), meant.clone());
            self.app
                .ask_in_step(self.actor, hold, self.run.id, meant, waits_for)
        })
        .await
        .map(drop)
    }

    async fn begin_in_folder(&self, place: u32, repeat: Repeat) -> Result<(), AppError> {
        let mut at_work = self.at_work.lock().await;
        let has_others = !at_work.is_empty();
        self.on_disk(move |folder| folder.begin_step(place, repeat, has_others))
            .await
            .map_err(|error| AppError::Store(Box::new(error)))?;
        at_work.insert(place);
        Ok(())
    }

    async fn end_in_folder(&self, place: u32) -> Result<(), AppError> {
        let mut at_work = self.at_work.lock().await;
        at_work.remove(&place);
        let has_others = !at_work.is_empty();
        self.on_disk(move |folder| folder.end_step(has_others))
            .await
            .map_err(|error| AppError::Store(Box::new(error)))
    }

    /// Does something with the run's folder where it may take its time.
    pub(super) async fn on_disk<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Folder) -> std::io::Result<T> + Send + 'static,
    ) -> std::io::Result<T> {
        let folder = self.folder.clone();
        tokio::task::spawn_blocking(move || work(&folder)).await?
    }
}
