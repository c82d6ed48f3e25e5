//! One attempt at one task: its folder, its heartbeat, its calls, its end.

use std::future::Future;
use std::path::Path;
use std::time::Duration;

use hearth_app::holding::{Done, Hold};
use hearth_app::tasks::{TaskRef, TaskView};
use hearth_app::{App, AppError, UnavailableCause};
use hearth_domain::event::ReleaseCause;
use hearth_domain::field::{AgentName, Word};
use hearth_domain::task::{Progress, Task};
use hearth_domain::{Actor, ArtifactId, JsonObject};
use hearth_sandbox::Limits;
use tokio::time::{Instant, MissedTickBehavior, interval_at};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::facility::SandboxFacility;
use crate::plan;
use crate::tools::{ToolError, Toolbox, with_left_out};
use crate::workspace::Folder;

/// How often a lease is renewed: four times in a lease of 60 s.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// How often the last word on a task is tried while the node is busy or the disk full.
const TRIES: u32 = 8;
/// How long after the first failed try the next one comes; doubled each time.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
/// The longest reason that is told.
const REASON_CHARS: usize = 8000;

/// What a run works with.
pub(crate) struct Run {
    pub(crate) app: App,
    pub(crate) agent: AgentName,
    pub(crate) sandbox: SandboxFacility,
    pub(crate) limits: Limits,
    /// Cancelled when what runs is to be handed back.
    pub(crate) hand_back: CancellationToken,
}

/// How the work on a task ended.
enum Ended {
    Done(Done),
    Blocked(String),
    /// The node stops: the task goes back.
    HandedBack,
    /// The task is not held any more: there is nothing to say.
    Lost,
}

impl Run {
    /// Works on a claimed task until its end.
    pub(crate) async fn work(self, view: TaskView, folder: &Path) {
        let task = view.task;
        let hold = Hold {
            agent: self.agent.clone(),
            fence: task.fence,
        };
        let stop = CancellationToken::new();
        let lost = CancellationToken::new();
        let ended = {
            let steps = self.steps(&task, &hold, folder, &stop);
            let watch = self.watch(&task, &hold, &lost);
            tokio::pin!(steps);
            tokio::select! {
                ended = &mut steps => ended,
                () = watch => {
                    // Whatever runs is stopped before the task is let go.
                    stop.cancel();
                    steps.await;
                    if lost.is_cancelled() { Ended::Lost } else { Ended::HandedBack }
                }
            }
        };
        let number = task.number;
        match self.conclude(&task, hold, ended).await {
            Ok(end) => info!(task.number = number, "task #{number} {end}"),
            // The lease runs out, and the sweep takes the task back.
            Err(error) => {
                warn!(task.number = number, %error, "the end of task #{number} could not be stored");
            }
        }
    }

    /// Executes the plan; its outputs wait to be given to the task with its completion.
    async fn steps(
        &self,
        task: &Task,
        hold: &Hold,
        path: &Path,
        stop: &CancellationToken,
    ) -> Ended {
        match self.try_steps(task, hold, path, stop).await {
            Ok(done) => Ended::Done(done),
            Err(StepError::Stopped) => Ended::HandedBack,
            Err(StepError::Blocked(reason)) => Ended::Blocked(reason),
        }
    }

    async fn try_steps(
        &self,
        task: &Task,
        hold: &Hold,
        path: &Path,
        stop: &CancellationToken,
    ) -> Result<Done, StepError> {
        let calls =
            plan::parse(&task.context).map_err(|error| StepError::Blocked(error.to_string()))?;
        let folder = self.prepare(task, path).await?;
        let actor = Actor::Agent(self.agent.clone());
        let toolbox = Toolbox {
            app: &self.app,
            actor: &actor,
            sandbox: &self.sandbox,
            limits: &self.limits,
            folder: folder.path(),
            stop,
        };
        let mut result: Option<JsonObject> = None;
        let mut artifacts: Vec<ArtifactId> = Vec::new();
        let count = calls.len();
        for (place, call) in (1..).zip(&calls) {
            if stop.is_cancelled() {
                return Err(StepError::Stopped);
            }
            let step = format!("step {place} of {count}, {}", call.tool());
            self.tell(task, hold, format!("{step}: started"), place - 1, count)
                .await;
            let brought = toolbox.call(call).await.map_err(|error| match error {
                ToolError::Stopped => StepError::Stopped,
                ToolError::NoSandbox(_) => StepError::Blocked(format!(
                    "{error}. Then: hearth task answer {} \"the sandbox works now\"",
                    task.number
                )),
                other => StepError::Blocked(format!("{step} failed: {other}")),
            })?;
            self.tell(
                task,
                hold,
                format!("{step}: {}", brought.note),
                place,
                count,
            )
            .await;
            artifacts.extend(brought.artifacts);
            result = brought.result.or(result);
        }
        let (produced, mut left_out) = folder
            .produced()
            .map_err(|error| StepError::Blocked(format!("out/ cannot be read: {error}")))?;
        for path in produced {
            let kind = Word::from_stored("output".into());
            match toolbox.store_file(&path, kind, None).await {
                Ok(id) => artifacts.push(id),
                Err(error) => left_out.push(format!("{path}: {error}")),
            }
        }
        Ok(Done {
            result: with_left_out(result, &left_out),
            artifacts,
        })
    }

    /// Makes the folder, with the files that came with the task.
    async fn prepare(&self, task: &Task, path: &Path) -> Result<Folder, StepError> {
        let failed = |error: &dyn std::fmt::Display| {
            StepError::Blocked(format!("the task's folder could not be prepared: {error}"))
        };
        let mut folder = Folder::create(path.to_owned()).map_err(|error| failed(&error))?;
        let mut cursor = None;
        loop {
            let page = self
                .app
                .list_artifacts(TaskRef::Id(task.id), cursor, 100)
                .await
                .map_err(|error| failed(&error))?;
            for artifact in &page.items {
                let (_, bytes) = self
                    .app
                    .open_artifact(artifact.id)
                    .await
                    .map_err(|error| failed(&error))?;
                folder
                    .add(artifact, bytes)
                    .await
                    .map_err(|error| failed(&error))?;
            }
            if page.next.is_none() {
                return Ok(folder);
            }
            cursor = page.next;
        }
    }

    /// Returns when the run has to end: the task is not held any more (then `lost` is cancelled),
    /// or the node stops.
    async fn watch(&self, task: &Task, hold: &Hold, lost: &CancellationToken) {
        tokio::select! {
            () = self.hand_back.cancelled() => (),
            () = self.heartbeat(task, hold) => lost.cancel(),
            () = self.app.until_taken(task.id, task.fence) => lost.cancel(),
        }
    }

    /// Renews the lease until that is refused.
    async fn heartbeat(&self, task: &Task, hold: &Hold) {
        let mut beats = interval_at(Instant::now() + HEARTBEAT, HEARTBEAT);
        beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let actor = Actor::Agent(self.agent.clone());
        loop {
            beats.tick().await;
            let renewed = self
                .app
                .heartbeat_task(&actor, TaskRef::Id(task.id), hold.clone(), None)
                .await;
            match renewed {
                Ok(_) => (),
                Err(error) if error.is_transient() => {
                    warn!(%error, "a heartbeat failed and is repeated");
                }
                Err(_) => return,
            }
        }
    }

    /// Renews the lease and tells how far the run is; what cannot be told is not worth failing for.
    async fn tell(&self, task: &Task, hold: &Hold, message: String, done: usize, count: usize) {
        let percent = u8::try_from(done * 100 / count.max(1)).ok();
        let progress = Progress { message, percent };
        let actor = Actor::Agent(self.agent.clone());
        let told = self
            .app
            .heartbeat_task(&actor, TaskRef::Id(task.id), hold.clone(), Some(progress))
            .await;
        if let Err(error) = told {
            warn!(%error, "progress could not be stored");
        }
    }

    /// Stores how the run ended; returns what has become of the task.
    async fn conclude(
        &self,
        task: &Task,
        hold: Hold,
        ended: Ended,
    ) -> Result<&'static str, AppError> {
        let (actor, id) = (&Actor::Agent(self.agent.clone()), TaskRef::Id(task.id));
        match ended {
            Ended::Lost => Ok("was taken from its worker"),
            Ended::HandedBack => self.hand_back(actor, id, &hold).await,
            Ended::Blocked(reason) => self.block(actor, id, &hold, &reason).await,
            Ended::Done(done) => self.complete(actor, task, hold, done).await,
        }
    }

    /// Completes the task, its checks being run by the node, which keeps the lease meanwhile.
    ///
    /// What does not pass is not tried again: the same plan would bring the same. So the task is
    /// its owner's at once, with the evidence.
    async fn complete(
        &self,
        actor: &Actor,
        task: &Task,
        hold: Hold,
        done: Done,
    ) -> Result<&'static str, AppError> {
        let (app, id) = (&self.app, TaskRef::Id(task.id));
        let attempt = || app.complete_task(actor, id, hold.clone(), done.clone(), None);
        let mut completed = persist(attempt).await;
        for _ in 1..TRIES {
            // An artifact came while the checks ran, and is looked at too.
            if !is_changed_meanwhile(&completed) {
                break;
            }
            completed = persist(attempt).await;
        }
        match completed {
            Ok(()) => Ok("is done"),
            Err(AppError::InvalidInput {
                unaccepted: Some(unaccepted),
                ..
            }) if unaccepted.is_blocked => Ok("is blocked: it does not pass its checks"),
            Err(AppError::InvalidInput { problem, field, .. }) => {
                self.block(actor, id, &hold, &format!("{field} {problem}"))
                    .await
            }
            Err(AppError::Unavailable {
                cause: UnavailableCause::NoSandbox,
                detail,
            }) => {
                let number = task.number;
                let reason = format!(
                    "{detail}. Then: hearth task answer {number} \"the sandbox works now\""
                );
                self.block(actor, id, &hold, &reason).await
            }
            Err(AppError::Unavailable {
                cause: UnavailableCause::Stopping,
                ..
            }) => self.hand_back(actor, id, &hold).await,
            Err(
                refusal @ (AppError::InvalidTransition { .. }
                | AppError::Conflict {
                    code: "not_holder" | "fence_mismatch",
                    ..
                }),
            ) => {
                info!(task.number = task.number, %refusal, "a completion came too late");
                Ok("was taken from its worker")
            }
            Err(other) => Err(other),
        }
    }

    async fn hand_back(
        &self,
        actor: &Actor,
        id: TaskRef,
        hold: &Hold,
    ) -> Result<&'static str, AppError> {
        let (app, cause) = (&self.app, ReleaseCause::NodeStopped);
        persist(|| app.release_task(actor, id, hold.clone(), cause, None, None)).await?;
        Ok("is handed back")
    }

    async fn block(
        &self,
        actor: &Actor,
        id: TaskRef,
        hold: &Hold,
        reason: &str,
    ) -> Result<&'static str, AppError> {
        let reason: String = reason.chars().take(REASON_CHARS).collect();
        let app = &self.app;
        persist(|| app.block_task(actor, id, hold.clone(), &reason, Vec::new(), None)).await?;
        Ok("is blocked")
    }
}

/// Why a plan was not executed to its end.
enum StepError {
    Stopped,
    Blocked(String),
}

fn is_changed_meanwhile(outcome: &Result<(), AppError>) -> bool {
    matches!(
        outcome,
        Err(AppError::Conflict {
            code: "changed_meanwhile",
            ..
        })
    )
}

/// Whether what hinders may pass within moments.
fn may_pass(error: &AppError) -> bool {
    match error {
        AppError::Unavailable { cause, .. } => match cause {
            UnavailableCause::Busy | UnavailableCause::NoRoom => true,
            UnavailableCause::Stopping | UnavailableCause::NoSandbox => false,
        },
        other => other.is_transient(),
    }
}

/// Tries until it is stored, while what hinders it may pass.
async fn persist<F: Future<Output = Result<TaskView, AppError>>>(
    mut attempt: impl FnMut() -> F,
) -> Result<(), AppError> {
    let mut pause = FIRST_PAUSE;
    for _ in 1..TRIES {
        match attempt().await {
            Err(error) if may_pass(&error) => {
                warn!(%error, "the end of a run could not be stored yet");
                tokio::time::sleep(pause).await;
                pause *= 2;
            }
            other => return other.map(drop),
        }
    }
    attempt().await.map(drop)
}
