//! One claim of one task: its run taken up, its folder, its heartbeat, its end.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use hearth_app::holding::{Done, Hold};
use hearth_app::runs::journal::Rest;
use hearth_app::runs::{RunRef, RunView};
use hearth_app::tasks::{TaskRef, TaskView};
use hearth_app::{App, AppError, UnavailableCause};
use hearth_domain::event::ReleaseCause;
use hearth_domain::field::{AgentName, Word};
use hearth_domain::plan::Plan;
use hearth_domain::run::StepState;
use hearth_domain::task::Task;
use hearth_domain::{Actor, RunId};
use hearth_sandbox::Limits;
use hearth_sandbox::outside::Environment;
use serde_json::Value;
use tokio::sync::{Mutex, Semaphore};
use tokio::time::{Instant, MissedTickBehavior, interval_at};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::executor::{Executed, Executor};
use crate::facility::SandboxFacility;
use crate::persist::persist;
use crate::tools::{Call, Toolbox, with_left_out};
use crate::web::Web;
use crate::workspace::{Folder, remove_of, root_of};

/// How often a lease is renewed: four times in a lease of 60 s.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// How long after a heartbeat that failed the next one comes.
const HEARTBEAT_AGAIN: Duration = Duration::from_secs(1);
/// How long before its lease ends a worker that cannot renew it stops by itself: what it started is
/// gone before another may begin.
const STOP_BEFORE: Duration = Duration::from_secs(10);
/// How often a completion is tried while its task changes.
const TRIES: u32 = 8;
/// The longest reason that is told.
const REASON_CHARS: usize = 8000;

/// What every run works with.
#[derive(Clone)]
pub(crate) struct Means {
    pub(crate) app: App,
    pub(crate) agent: AgentName,
    pub(crate) sandbox: SandboxFacility,
    pub(crate) web: Web,
    pub(crate) environment: Environment,
    pub(crate) programs: Arc<Semaphore>,
    pub(crate) workspaces: PathBuf,
}

/// The work on one task under one claim.
pub(crate) struct Run {
    pub(crate) means: Means,
    pub(crate) limits: Limits,
    /// Cancelled when what runs is to be handed back.
    pub(crate) hand_back: CancellationToken,
}

/// How the work on a task ended.
enum Ended {
    Done(Done),
    /// It waits for the owner, its task being blocked for that.
    Waits,
    /// A step failed for good: the story, and the run if there is one.
    Failed(Option<RunId>, String),
    /// The node stops: the task goes back.
    HandedBack,
    /// The task is not held any more: there is nothing to say.
    Lost,
}

impl Run {
    /// Works on a claimed task until its end, or until it waits for its owner.
    pub(crate) async fn work(self, view: TaskView) {
        let task = view.task;
        let hold = Hold {
            agent: self.means.agent.clone(),
            fence: task.fence,
        };
        let stop = CancellationToken::new();
        let lost = CancellationToken::new();
        let (run, ended) = {
            let steps = self.steps(&task, &hold, &stop);
            let watch = self.watch(&task, &hold, &lost);
            tokio::pin!(steps);
            tokio::select! {
                ended = &mut steps => ended,
                () = watch => {
                    // Whatever runs is stopped before the task is let go.
                    stop.cancel();
                    let (run, ended) = steps.await;
                    let ended = match ended {
                        Ended::Waits => Ended::Waits,
                        _ if lost.is_cancelled() => Ended::Lost,
                        _ => Ended::HandedBack,
                    };
                    (run, ended)
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
        if let Some(run) = run {
            self.tidy(run).await;
        }
    }

    /// Executes the plan; its outputs wait to be given to the task with its completion.
    /// Returns the run, if there is one, beside how it ended.
    async fn steps(
        &self,
        task: &Task,
        hold: &Hold,
        stop: &CancellationToken,
    ) -> (Option<RunId>, Ended) {
        let planned = task.context.get("plan").cloned().unwrap_or_default();
        let plan = match Plan::parse(&planned) {
            Ok(plan) => plan,
            Err(error) => return (None, Ended::Failed(None, error.to_string())),
        };
        let view = match self.begin(task, hold, planned).await {
            Ok(view) => view,
            Err(error) => return (None, ended_by(None, &error)),
        };
        let id = view.run.id;
        let ended = self.try_steps(task, hold, &plan, view, stop).await;
        (
            Some(id),
            ended.unwrap_or_else(|error| ended_by(Some(id), &error)),
        )
    }

    async fn begin(&self, task: &Task, hold: &Hold, plan: Value) -> Result<RunView, AppError> {
        let actor = Actor::Agent(self.means.agent.clone());
        persist(|| {
            let id = TaskRef::Id(task.id);
            self.means
                .app
                .begin_run(&actor, id, hold.clone(), plan.clone())
        })
        .await
    }

    async fn try_steps(
        &self,
        task: &Task,
        hold: &Hold,
        plan: &Plan,
        view: RunView,
        stop: &CancellationToken,
    ) -> Result<Ended, AppError> {
        let run = view.run.clone();
        let folder = match self.prepare(task, &view).await {
            Ok(folder) => folder,
            Err(story) => return Ok(Ended::Failed(Some(run.id), story)),
        };
        let actor = Actor::Agent(self.means.agent.clone());
        let values = folder.values();
        let toolbox = || Toolbox {
            app: &self.means.app,
            actor: &actor,
            task,
            run: run.id,
            sandbox: &self.means.sandbox,
            web: &self.means.web,
            environment: &self.means.environment,
            programs: &self.means.programs,
            folder: folder.path(),
            values: &values,
            stop,
        };
        let executor = Executor {
            app: &self.means.app,
            actor: &actor,
            hold,
            run: &run,
            plan,
            toolbox: toolbox(),
            folder: &folder,
            limits: &self.limits,
            stop,
            at_work: Mutex::new(BTreeSet::new()),
        };
        match executor.execute(view).await? {
            Executed::Done(done) => self.collect(done, &folder, &toolbox()).await,
            Executed::Waits => Ok(Ended::Waits),
            Executed::Failed(story) => Ok(Ended::Failed(Some(run.id), story)),
            Executed::Stopped => Ok(Ended::HandedBack),
        }
    }

    /// Stores what lies in `out/`.
    async fn collect(
        &self,
        mut done: Done,
        folder: &Folder,
        toolbox: &Toolbox<'_>,
    ) -> Result<Ended, AppError> {
        let (produced, mut left_out) = folder
            .produced()
            .map_err(|error| AppError::Store(Box::new(error)))?;
        for path in produced {
            let kind = Word::from_stored("output".into());
            match toolbox.store_file(&path, kind, None).await {
                Ok(id) => done.artifacts.push(id),
                Err(error) => left_out.push(format!("{path}: {error}")),
            }
        }
        done.result = with_left_out(done.result, &left_out);
        Ok(Ended::Done(done))
    }

    /// Opens the run's folder; a new one gets the files that came with the task.
    async fn prepare(&self, task: &Task, view: &RunView) -> Result<Folder, String> {
        let failed = |error: &dyn std::fmt::Display| {
            format!("the task's folder could not be prepared: {error}")
        };
        let app = &self.means.app;
        let root = root_of(&self.means.workspaces, view.run.id);
        let (mut folder, is_new) = Folder::open(root).map_err(|error| failed(&error))?;
        if !is_new {
            return Ok(folder);
        }
        if view.steps.iter().any(has_changed_folder) {
            return Err(format!(
                "the run's folder is gone, and with it what its steps left there. To do it all anew: \
                 hearth run retry {} --from 1",
                view.run.number
            ));
        }
        let mut cursor = None;
        loop {
            let page = app
                .list_artifacts(TaskRef::Id(task.id), cursor, 100)
                .await
                .map_err(|error| failed(&error))?;
            for artifact in &page.items {
                let (_, bytes) = app
                    .open_artifact(artifact.id)
                    .await
                    .map_err(|error| failed(&error))?;
                folder
                    .add(artifact, bytes)
                    .await
                    .map_err(|error| failed(&error))?;
            }
            if page.next.is_none() {
                folder.ready().map_err(|error| failed(&error))?;
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
            () = self.means.app.until_taken(task.id, task.fence) => lost.cancel(),
        }
    }

    /// Renews the lease until that is refused, or until it is too late to go on without.
    async fn heartbeat(&self, task: &Task, hold: &Hold) {
        let mut beats = interval_at(Instant::now() + HEARTBEAT, HEARTBEAT);
        beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let actor = Actor::Agent(self.means.agent.clone());
        let app = &self.means.app;
        let mut expires_at = task.lease().map(|lease| lease.expires_at);
        loop {
            beats.tick().await;
            let renewed = app
                .heartbeat_task(&actor, TaskRef::Id(task.id), hold.clone(), None)
                .await;
            match renewed {
                Ok(view) => expires_at = view.task.lease().map(|lease| lease.expires_at),
                Err(error) if error.is_transient() => {
                    let is_over = expires_at.is_some_and(|end| app.now().after(STOP_BEFORE) >= end);
                    if is_over {
                        warn!(%error, "the lease of task #{} could not be renewed in time", task.number);
                        return;
                    }
                    warn!(%error, "a heartbeat failed and is repeated");
                    beats.reset_after(HEARTBEAT_AGAIN);
                }
                Err(_) => return,
            }
        }
    }

    /// Stores how the run ended; returns what has become of the task.
    async fn conclude(
        &self,
        task: &Task,
        hold: Hold,
        ended: Ended,
    ) -> Result<&'static str, AppError> {
        let (actor, id) = (
            &Actor::Agent(self.means.agent.clone()),
            TaskRef::Id(task.id),
        );
        match ended {
            Ended::Lost => Ok("was taken from its worker"),
            Ended::HandedBack => self.hand_back(actor, id, &hold).await,
            Ended::Waits => Ok("waits for its owner"),
            Ended::Failed(None, story) => self.block(actor, id, &hold, &story).await,
            Ended::Failed(Some(run), story) => self.fail(actor, &hold, run, story).await,
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
        let (app, id) = (&self.means.app, TaskRef::Id(task.id));
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
            Ok(_) => Ok("is done"),
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
        let (app, cause) = (&self.means.app, ReleaseCause::NodeStopped);
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
        let app = &self.means.app;
        persist(|| app.block_task(actor, id, hold.clone(), &reason, Vec::new(), None)).await?;
        Ok("is blocked")
    }

    /// Lets the run rest and blocks its task, with the story.
    async fn fail(
        &self,
        actor: &Actor,
        hold: &Hold,
        run: RunId,
        story: String,
    ) -> Result<&'static str, AppError> {
        let app = &self.means.app;
        let rest = || app.rest_run(actor, hold.clone(), run, Rest::Failed(story.clone()));
        persist(rest).await?;
        Ok("is blocked")
    }

    /// Removes the folder of a run that is over.
    async fn tidy(&self, run: RunId) {
        let view = self.means.app.get_run(RunRef::Id(run)).await;
        if view.is_ok_and(|view| !view.run.status.is_open()) {
            let workspaces = self.means.workspaces.clone();
            // A program may have left many files.
            let removed = tokio::task::spawn_blocking(move || remove_of(&workspaces, run));
            let _ = removed.await;
        }
    }
}

/// Whether a step that counts has changed its run's folder.
fn has_changed_folder(step: &hearth_domain::run::Step) -> bool {
    let has_acted = matches!(step.state, StepState::Done(_) | StepState::Acted { .. });
    step.discarded_at.is_none()
        && has_acted
        && Call::read(&step.action).is_ok_and(|call| call.changes_folder())
}

/// What an error of the node's own means for a run.
fn ended_by(run: Option<RunId>, error: &AppError) -> Ended {
    match error {
        AppError::InvalidTransition { .. }
        | AppError::Conflict {
            code: "not_holder" | "fence_mismatch",
            ..
        } => Ended::Lost,
        AppError::Unavailable {
            cause: UnavailableCause::Stopping,
            ..
        } => Ended::HandedBack,
        other => {
            let cause = std::error::Error::source(other).map(ToString::to_string);
            warn!(error = %other, cause, "a run could not go on");
            Ended::Failed(run, format!("the node could not go on with it: {other}"))
        }
    }
}

fn is_changed_meanwhile(outcome: &Result<TaskView, AppError>) -> bool {
    matches!(
        outcome,
        Err(AppError::Conflict {
            code: "changed_meanwhile",
            ..
        })
    )
}
