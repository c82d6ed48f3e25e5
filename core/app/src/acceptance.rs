//! Acceptance: the checks that a completion has to pass, and who runs them.
//!
//! A look at the artifacts is the domain's. The shape of a result is held against its schema here.
//! Programs are run by what the node hands in, as it does the clock: this crate knows no sandbox.
//! All checks of a task are run, cheap ones first, even when one has failed: its worker is to see
//! everything that is missing at once.
//!
//! They are run outside the writer, over a snapshot, while the holder's lease is kept alive; the
//! completion is then decided in one write that finds the snapshot unchanged.

pub(crate) mod schema;

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use hearth_domain::artifact::Artifact;
use hearth_domain::event::{EventKind, Evidence};
use hearth_domain::event_filter::EventFilter;
use hearth_domain::task::{Check, Finding, Refusal, Task, Unmet};
use hearth_domain::{ArtifactId, JsonObject, TaskId};
use hearth_store::tasks;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError};
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::agents::seen_working;
use crate::app::App;
use crate::error::{AppError, UnavailableCause};
use crate::holding::Hold;
use crate::tasks::{TaskRef, find};

/// How many checks run at once: a small machine has two cores.
const RUNNING_MAX: usize = 2;
/// How many completions may be under examination, those that wait included; the next is told that
/// the node is busy.
const EXAMINED_MAX: usize = 64;

/// Runs the programs of checks.
pub trait CheckRunner: Send + Sync + 'static {
    /// Runs the program of `check` over `work` to its end, or until `stop`; then nothing of it is
    /// left, and what is returned does not matter.
    ///
    /// A program that fails, hangs or asks for too much is a finding. An error is the node's fault,
    /// as where it has no sandbox, and does not count against the worker.
    fn run<'a>(
        &'a self,
        app: &'a App,
        check: &'a Check,
        work: &'a Work,
        stop: &'a CancellationToken,
    ) -> RunFuture<'a>;
}

/// A check under way.
pub type RunFuture<'a> = Pin<Box<dyn Future<Output = Result<Finding, AppError>> + Send + 'a>>;

/// What a worker says is done.
#[derive(Debug, Clone, PartialEq)]
pub struct Work {
    /// The task, as it is held.
    pub task: Task,
    /// Who holds it.
    pub hold: Hold,
    /// What came of it.
    pub result: Option<JsonObject>,
    /// All artifacts it has or is about to get, those handed in with the completion last.
    pub artifacts: Vec<Artifact>,
}

/// What came of examining a [`Work`].
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Examined {
    /// The artifacts that were looked at, in order.
    pub(crate) artifacts: Vec<ArtifactId>,
    pub(crate) findings: Vec<Finding>,
}

/// Who runs programs, and how many at once.
pub(crate) struct Examiner {
    runner: OnceLock<Arc<dyn CheckRunner>>,
    /// One permit for each check that may run; waiting for one is first come, first served.
    running: Arc<Semaphore>,
    /// One permit for each completion that may be under examination.
    examined: Semaphore,
}

impl Default for Examiner {
    fn default() -> Self {
        Self {
            runner: OnceLock::new(),
            running: Arc::new(Semaphore::new(RUNNING_MAX)),
            examined: Semaphore::new(EXAMINED_MAX),
        }
    }
}

impl App {
    /// Says who runs the programs of checks. Once; a later call changes nothing.
    pub fn set_check_runner(&self, runner: Arc<dyn CheckRunner>) {
        // Set already: the first one stays.
        let _ = self.examiner().runner.set(runner);
    }

    /// Runs the checks that take more than a look at the artifacts, and keeps the holder's lease
    /// alive meanwhile.
    ///
    /// # Errors
    /// The task was taken from its holder, what ran having been stopped; the node cannot run a
    /// check, or has too many to run.
    pub(crate) async fn examine(&self, work: &Work) -> Result<Examined, AppError> {
        let _place = self
            .examiner()
            .examined
            .try_acquire()
            .map_err(|full| match full {
                TryAcquireError::NoPermits | TryAcquireError::Closed => AppError::Unavailable {
                    cause: UnavailableCause::Busy,
                    detail: "more completions wait for their checks than the node takes in; try \
                             again in a moment"
                        .into(),
                },
            })?;
        let stop = CancellationToken::new();
        let mut checks = pin!(self.run_checks(work, &stop));
        let findings = tokio::select! {
            findings = &mut checks => findings?,
            taken = self.keep_hold(work) => {
                // Whatever runs is stopped before the caller is told.
                stop.cancel();
                let _ = checks.await;
                return Err(taken);
            }
        };
        Ok(Examined {
            artifacts: work.artifacts.iter().map(|artifact| artifact.id).collect(),
            findings,
        })
    }

    async fn run_checks(
        &self,
        work: &Work,
        stop: &CancellationToken,
    ) -> Result<Vec<Finding>, AppError> {
        let (shapes, programs): (Vec<_>, Vec<_>) = work
            .task
            .acceptance
            .iter()
            .filter(|check| !matches!(check, Check::Artifact { .. }))
            .partition(|check| matches!(check, Check::ResultSchema { .. }));
        let runner = match self.examiner().runner.get() {
            Some(runner) => Some(runner),
            None if programs.is_empty() => None,
            None => {
                return Err(AppError::Unavailable {
                    cause: UnavailableCause::NoSandbox,
                    detail: "the checks of this task are run in the sandbox, which this node does \
                             not have; nothing was changed"
                        .into(),
                });
            }
        };
        let mut findings: Vec<Finding> = Vec::new();
        for check in shapes.into_iter().chain(programs) {
            if findings.iter().any(|finding| is_of(finding, check)) {
                continue;
            }
            let Some(slot) = self.slot(stop).await else {
                break;
            };
            match (check, runner) {
                (Check::ResultSchema { schema }, _) => {
                    let found = self.hold_against(schema, work, slot, stop).await;
                    findings.extend(found.map(|found| finding(check, found)));
                }
                (_, Some(runner)) => {
                    findings.push(runner.run(self, check, work, stop).await?);
                    drop(slot);
                }
                (_, None) => (),
            }
        }
        Ok(findings)
    }

    /// Waits until a check may run; `None` if it need not any more.
    async fn slot(&self, stop: &CancellationToken) -> Option<OwnedSemaphorePermit> {
        tokio::select! {
            biased;
            () = stop.cancelled() => None,
            slot = Arc::clone(&self.examiner().running).acquire_owned() => slot.ok(),
        }
    }

    async fn hold_against(
        &self,
        schema: &serde_json::Value,
        work: &Work,
        slot: OwnedSemaphorePermit,
        stop: &CancellationToken,
    ) -> Option<Result<String, String>> {
        let (schema, result) = (schema.clone(), work.result.clone());
        let checked = tokio::task::spawn_blocking(move || {
            let found = schema::check(&schema, result);
            // Given back here: one that nobody waits for any more runs on, and counts.
            drop(slot);
            found
        });
        tokio::select! {
            () = stop.cancelled() => None,
            found = checked => Some(found.unwrap_or_else(|_| Err("it could not be read".into()))),
        }
    }

    /// Keeps the lease alive, and returns when the task was taken from its holder: cancelled, or
    /// handed on.
    async fn keep_hold(&self, work: &Work) -> AppError {
        let (task, fence) = (&work.task, work.hold.fence);
        tokio::select! {
            refused = self.renew_until_refused(work) => refused,
            () = self.until_taken(task.id, fence) => self.whose(work),
        }
    }

    async fn renew_until_refused(&self, work: &Work) -> AppError {
        let length = work
            .task
            .lease()
            .map_or(Duration::ZERO, |lease| lease.length);
        // Four times in each lease; at least every now and then where it is very long.
        let mut beats =
            interval((length / 4).clamp(Duration::from_secs(1), Duration::from_mins(1)));
        beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            beats.tick().await;
            let (id, hold, now) = (work.task.id, work.hold.clone(), self.now());
            let renewed = self
                .store()
                .write_checked(move |tx| {
                    let task = find(tx, TaskRef::Id(id))?;
                    let task = task.renew(&hold.agent, hold.fence, now)?;
                    tasks::save_lease(tx, &task)?;
                    seen_working(tx, &hold.agent, now)?;
                    Ok::<_, AppError>(())
                })
                .await;
            match renewed {
                Ok(()) => (),
                Err(error) if error.is_transient() => {
                    warn!(%error, "the lease of a task under examination is renewed later");
                }
                Err(error) => return error,
            }
        }
    }

    /// Says why `work` is not its holder's any more.
    fn whose(&self, work: &Work) -> AppError {
        let number = work.task.number;
        let Hold { agent, fence } = &work.hold;
        self.store()
            .read_now(|tx| {
                let task = find(tx, TaskRef::Id(work.task.id))?;
                task.held_by("complete", agent, *fence)?;
                // Given back and claimed again under the same fence is not possible.
                Err::<AppError, _>(Refusal::Unexamined { number }.into())
            })
            .unwrap_or_else(|error| error)
    }

    /// Returns when an event tells that a task is not held under `fence` any more: it was
    /// cancelled, ended, or taken back.
    pub async fn until_taken(&self, task: TaskId, fence: u64) {
        let filter = EventFilter {
            entity_ids: vec![task.0],
            ..EventFilter::default()
        };
        let Ok(mut events) = self.subscribe(None, filter) else {
            return std::future::pending().await;
        };
        // What happened before the subscription.
        let is_held = |task: &Task| task.lease().is_some() && task.fence == fence;
        if self
            .get_task(TaskRef::Id(task))
            .is_ok_and(|view| !is_held(&view.task))
        {
            return;
        }
        loop {
            match events.next().await {
                Ok(Some(event)) => {
                    let is_over = match event.kind() {
                        Ok(
                            EventKind::TaskCancelled { .. }
                            | EventKind::TaskReleased { .. }
                            | EventKind::TaskBlocked { .. }
                            | EventKind::TaskCompleted { .. },
                        ) => true,
                        Ok(EventKind::TaskClaimed { task, .. }) => task.fence > fence,
                        _ => false,
                    };
                    if is_over {
                        return;
                    }
                }
                // A renewal of the lease notices a lost task too, only later.
                Ok(None) | Err(_) => return std::future::pending().await,
            }
        }
    }
}

/// Refuses checks that could never be run; the error names the entry.
///
/// # Errors
/// A part is too long, empty, or no schema.
pub(crate) async fn must_be_runnable(checks: &[Check]) -> Result<(), AppError> {
    let named = |place: usize, error: hearth_domain::InvalidField| {
        let part = error.field.strip_prefix("acceptance").unwrap_or_default();
        AppError::invalid(format!("acceptance[{place}]{part}"), error.problem)
    };
    let mut schemas = Vec::new();
    for (place, check) in checks.iter().enumerate() {
        check.validate().map_err(|error| named(place, error))?;
        if let Check::ResultSchema { schema } = check {
            schemas.push((place, schema.clone()));
        }
    }
    if schemas.is_empty() {
        return Ok(());
    }
    let examined = tokio::task::spawn_blocking(move || {
        schemas
            .into_iter()
            .find_map(|(place, schema)| Some((place, schema::compile(&schema).err()?)))
    });
    match examined.await {
        Ok(None) => Ok(()),
        Ok(Some((place, problem))) => Err(AppError::invalid(
            format!("acceptance[{place}].schema"),
            problem,
        )),
        Err(panic) => Err(AppError::Store(Box::new(panic))),
    }
}

fn is_of(finding: &Finding, check: &Check) -> bool {
    match finding {
        Ok(Evidence { check: of, .. }) | Err(Unmet { check: of, .. }) => of == check,
    }
}

fn finding(check: &Check, found: Result<String, String>) -> Finding {
    let check = check.clone();
    match found {
        Ok(found) => Ok(Evidence { check, found }),
        Err(found) => Err(Unmet { check, found }),
    }
}

#[cfg(test)]
mod tests;
