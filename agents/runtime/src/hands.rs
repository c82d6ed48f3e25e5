//! How one call of a run is made: meant, acted, done, each written into the journal. What leads the
//! run, a plan or a model, says which call comes next.

mod delegate;

use std::collections::BTreeSet;
use std::time::Duration;

use hearth_app::holding::Hold;
use hearth_app::runs::journal::{Entry, Intent, Meant};
use hearth_app::{App, AppError};
use hearth_domain::Actor;
use hearth_domain::action::Action;
use hearth_domain::field::Word;
use hearth_domain::policy::{Bounds, Reach, Verdict};
use hearth_domain::run::{Repeat, Run, Step, StepEnd, StepState, WaitingFor};
use hearth_domain::task::Progress;
use hearth_sandbox::Limits;
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

use crate::persist::persist;
use crate::tools::{Call, ToolError, Toolbox};
use crate::workspace::Folder;

/// How many calls a run may make before its owner is to look at it.
const CALLS_MAX: u32 = 200;

/// Makes the calls of one run.
pub(crate) struct Hands<'a> {
    pub(crate) app: &'a App,
    pub(crate) actor: &'a Actor,
    pub(crate) hold: &'a Hold,
    pub(crate) run: &'a Run,
    pub(crate) toolbox: Toolbox<'a>,
    pub(crate) folder: &'a Folder,
    pub(crate) limits: &'a Limits,
    pub(crate) stop: &'a CancellationToken,
    /// The places of the steps that are at work in the folder.
    pub(crate) at_work: Mutex<BTreeSet<u32>>,
}

/// A call that is to be made.
#[derive(Debug, Clone)]
pub(crate) struct Wanted<'a> {
    /// Which step of the run, from 1 on.
    pub(crate) place: u32,
    /// What it is called.
    pub(crate) name: Word,
    /// What exactly is to be done.
    pub(crate) action: Action,
    /// How long it may take, where that is said.
    pub(crate) limit: Option<Duration>,
    /// What the world knows it by.
    pub(crate) key: Option<&'a str>,
}

/// Says how far the run is when a call has brought its result.
pub(crate) type Tell<'a> = &'a (dyn Fn(&Step, &StepEnd) -> Option<Progress> + Sync);

/// How a call ended.
#[derive(Debug)]
pub(crate) enum Attempt {
    Done(StepEnd),
    Waits,
    Failed {
        story: String,
        may_help_again: bool,
        /// Whether the journal has it; what could not be meant at all is not in there.
        is_written: bool,
    },
    Stopped,
}

impl Attempt {
    fn failed(story: impl Into<String>) -> Self {
        Self::Failed {
            story: story.into(),
            may_help_again: false,
            is_written: true,
        }
    }

    fn not_meant(story: impl Into<String>) -> Self {
        Self::Failed {
            story: story.into(),
            may_help_again: false,
            is_written: false,
        }
    }
}

impl Hands<'_> {
    /// Makes a call, once.
    ///
    /// # Errors
    /// The node could not write the journal.
    pub(crate) async fn make(
        &self,
        wanted: &Wanted<'_>,
        tell: Tell<'_>,
    ) -> Result<Attempt, AppError> {
        let mut action = wanted.action.clone();
        let call = match self.toolbox.registry.read(&action) {
            Ok(call) => call,
            Err(problem) => return Ok(Attempt::not_meant(problem)),
        };
        call.pin(&mut action);
        match self.toolbox.before_asking(&call, self.limits).await {
            Ok(()) => (),
            Err(ToolError::Stopped) => return Ok(Attempt::Stopped),
            Err(problem) => return Ok(Attempt::not_meant(problem.to_string())),
        }
        if call.reach().is_outside {
            // A yes is for what the act finds there, and not for what another step makes of it.
            let digest = self
                .on_disk(Folder::digest)
                .await
                .map_err(|error| AppError::Store(Box::new(error)))?;
            action.args.insert("folder_sha256".into(), digest.into());
        }
        let mut reach = self.toolbox.reach(&call);
        reach.limit = wanted.limit;
        let meant = Meant {
            place: wanted.place,
            name: wanted.name.clone(),
            action,
            what: call.in_words(),
            repeat: call.repeat(wanted.key.is_some()),
            brings: call.brings(),
            reach,
            worst_case: None,
        };
        if let Call::AskOwner(_) = call {
            self.ask(meant, WaitingFor::Answer).await?;
            return Ok(Attempt::Waits);
        }
        if let Call::Delegate(delegate) = &call {
            // Boxed, as most calls are others and need not carry its size.
            return Box::pin(self.delegate(meant, delegate)).await;
        }
        let changes_folder = call.changes_folder();
        if changes_folder {
            self.begin_in_folder(meant.place, meant.repeat).await?;
        }
        let attempted = self.intend_and_act(wanted, &call, meant, tell).await;
        // One that was stopped stays: what it left half done is there for as long as this claim.
        if changes_folder && !matches!(attempted, Ok(Attempt::Stopped)) {
            self.at_work.lock().await.remove(&wanted.place);
        }
        attempted
    }

    /// Writes down that a call is about to be made, if it may.
    pub(crate) async fn intend(&self, meant: &Meant) -> Result<Intent, AppError> {
        persist(|| {
            let (hold, meant, bounds) = (self.hold.clone(), meant.clone(), self.bounds());
            self.app
                .intend_step(self.actor, hold, self.run.id, meant, bounds)
        })
        .await
    }

    fn bounds(&self) -> Bounds {
        Bounds {
            calls_max: CALLS_MAX,
            time_max: self.limits.time,
        }
    }

    async fn intend_and_act(
        &self,
        wanted: &Wanted<'_>,
        call: &Call,
        meant: Meant,
        tell: Tell<'_>,
    ) -> Result<Attempt, AppError> {
        let step = match self.intend(&meant).await? {
            Intent::Go(step) => step,
            Intent::Waits(_) => return Ok(Attempt::Waits),
            Intent::Refused(step) => return Ok(Attempt::failed(step.decision.reason)),
        };
        let mut limits = self.limits.clone();
        if let Some(limit) = wanted.limit
            && step.decision.verdict != Verdict::Change
        {
            limits.time = limit.min(limits.time);
            limits.cpu = limits.time;
        }
        let acted = self
            .toolbox
            .act(call, &limits, wanted.place, wanted.key)
            .await;
        // Without an outcome of its own, it takes the copy from nobody who was stopped with it.
        if call.changes_folder() && !matches!(acted, Err(ToolError::Stopped)) {
            self.end_in_folder(step.place).await?;
        }
        match acted {
            Ok(outcome) => {
                match self.record(step.clone(), Entry::Acted(outcome), None).await {
                    Ok(step) => self.keep(&step, tell).await,
                    // It does not fit into the journal.
                    Err(AppError::InvalidInput { problem, .. }) => {
                        let story = format!("its outcome cannot be kept: it {problem}");
                        self.record(step, Entry::Failed(story.clone()), None)
                            .await?;
                        Ok(Attempt::failed(story))
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
                    is_written: true,
                })
            }
        }
    }

    /// Makes the result of a call that was made, and keeps it.
    pub(crate) async fn keep(&self, step: &Step, tell: Tell<'_>) -> Result<Attempt, AppError> {
        let StepState::Acted { outcome } = &step.state else {
            return Ok(Attempt::Stopped);
        };
        match self.toolbox.registry.result_of(&step.action, outcome) {
            Ok(end) => {
                let progress = tell(step, &end);
                self.record(step.clone(), Entry::Done(end.clone()), progress)
                    .await?;
                Ok(Attempt::Done(end))
            }
            Err(story) => {
                self.record(step.clone(), Entry::Failed(story.clone()), None)
                    .await?;
                Ok(Attempt::Failed {
                    story,
                    may_help_again: true,
                    is_written: true,
                })
            }
        }
    }

    /// Writes what came of an attempt.
    pub(crate) async fn record(
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

    /// Whether a call of which nobody knows whether it happened may be made again; the run's folder
    /// is put back for it where it changes that. Otherwise the owner is asked.
    pub(crate) async fn may_repeat(&self, step: &Step) -> Result<bool, AppError> {
        let may_repeat = match step.repeat {
            Repeat::Safe => true,
            Repeat::Unsafe => false,
            Repeat::Restored => {
                let place = step.place;
                match self.on_disk(move |folder| folder.restore(place)).await {
                    Ok(covered) => covered.is_some(),
                    Err(error) => {
                        tracing::warn!(%error, "a run's folder could not be put back");
                        false
                    }
                }
            }
        };
        if !may_repeat {
            let meant = Meant {
                place: step.place,
                name: step.name.clone(),
                action: step.action.clone(),
                what: String::new(),
                repeat: step.repeat,
                brings: step.brings,
                reach: Reach::default(),
                worst_case: None,
            };
            self.ask(meant, WaitingFor::Doubt).await?;
        }
        Ok(may_repeat)
    }

    /// Writes down that the owner is asked, unless it is already.
    pub(crate) async fn ask(&self, meant: Meant, waits_for: WaitingFor) -> Result<(), AppError> {
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
    async fn on_disk<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Folder) -> std::io::Result<T> + Send + 'static,
    ) -> std::io::Result<T> {
        let folder = self.folder.clone();
        tokio::task::spawn_blocking(move || work(&folder)).await?
    }
}

/// Whether a write was refused because the task, or the run, is another's now.
pub(crate) fn is_lost(error: &AppError) -> bool {
    matches!(
        error,
        AppError::InvalidTransition { .. }
            | AppError::Conflict {
                code: "not_holder" | "fence_mismatch",
                ..
            }
    )
}
