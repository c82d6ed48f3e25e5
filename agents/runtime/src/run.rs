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
use hearth_domain::run::{Step, StepState};
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
use crate::hands::Hands;
use crate::model::Models;
use crate::persist::persist;
use crate::tools::{Registry, Toolbox, with_left_out};
use crate::turns::{Lead, Led, Role, brief};
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
/// How many files of its folder a model is told of at first.
const FILES_NAMED: usize = 50;
/// The longest reason that is told.
const REASON_CHARS: usize = 8000;

/// What every run works with.
#[derive(Clone)]
pub(crate) struct Means {
    pub(crate) app: App,
    pub(crate) sandbox: SandboxFacility,
    pub(crate) web: Web,
    pub(crate) models: Models,
    pub(crate) environment: Environment,
    pub(crate) programs: Arc<Semaphore>,
    pub(crate) workspaces: PathBuf,
}

/// The work on one task under one claim.
pub(crate) struct Run {
    pub(crate) means: Means,
    /// In whose name: Seed's, or a specialist's.
    pub(crate) agent: AgentName,
    pub(crate) limits: Limits,
    /// Cancelled when what runs is to be handed back.
    pub(crate) hand_back: CancellationToken,
}

/// How the work on a task ended.
enum Ended {
    Done(Done),
    /// The task has ended or is blocked already; what has become of it.
    Settled(&'static str),
    /// It waits: for the owner, its task being blocked for that, or for tasks of other agents.
    Waits,
    /// No model answers: the task goes back until one does.
    NoModel(String),
    /// A step failed for good: the story, and the run if there is one.
    Failed(Option<RunId>, String),
    /// The node stops: the task goes back.
    HandedBack,
    /// The task is not held any more: there is nothing to say.
    Lost,
}

/// What leads a run.
enum Leader {
    Plan(Plan),
    Model,
}

/// What came of handing a task in.
pub(crate) enum Finish {
    /// The task is not the worker's any more: what has become of it.
    Ended(&'static str),
    /// It does not pass its checks, or is not taken as it is: the story.
    NotAccepted(String),
    /// The node stops.
    Stopped,
}

impl Run {
    /// Works on a claimed task until its end, or until it waits for its owner.
    pub(crate) async fn work(self, view: TaskView) {
        let task = view.task;
        let hold = Hold {
            agent: self.agent.clone(),
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

    /// Does the task's work: by its plan, or as a model leads it.
    /// Returns the run, if there is one, beside how it ended.
    async fn steps(
        &self,
        task: &Task,
        hold: &Hold,
        stop: &CancellationToken,
    ) -> (Option<RunId>, Ended) {
        let planned = task.context.get("plan").cloned().unwrap_or_default();
        let lead = if task.has_plan() {
            match Plan::parse(&planned) {
                Ok(plan) => Leader::Plan(plan),
                Err(error) => return (None, Ended::Failed(None, error.to_string())),
            }
        } else {
            Leader::Model
        };
        let planned = match lead {
            Leader::Plan(_) => planned,
            Leader::Model => Value::Null,
        };
        let view = match self.begin(task, hold, planned).await {
            Ok(view) => view,
            Err(error) => return (None, ended_by(None, &error)),
        };
        let id = view.run.id;
        let ended = self.try_steps(task, hold, &lead, view, stop).await;
        (
            Some(id),
            ended.unwrap_or_else(|error| ended_by(Some(id), &error)),
        )
    }

    async fn begin(&self, task: &Task, hold: &Hold, plan: Value) -> Result<RunView, AppError> {
        let actor = Actor::Agent(self.agent.clone());
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
        leader: &Leader,
        view: RunView,
        stop: &CancellationToken,
    ) -> Result<Ended, AppError> {
        let run = view.run.clone();
        let registry = Registry::load(&self.means.app).await?;
        let folder = match self.prepare(task, &view, &registry).await {
            Ok(folder) => folder,
            Err(story) => return Ok(Ended::Failed(Some(run.id), story)),
        };
        let actor = Actor::Agent(self.agent.clone());
        let values = folder.values();
        let toolbox = || Toolbox {
            app: &self.means.app,
            registry: &registry,
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
        let hands = Hands {
            app: &self.means.app,
            actor: &actor,
            hold,
            run: &run,
            toolbox: toolbox(),
            folder: &folder,
            limits: &self.limits,
            stop,
            at_work: Mutex::new(BTreeSet::new()),
        };
        match leader {
            Leader::Plan(plan) => match (Executor { hands, plan }).execute(view).await? {
                Executed::Done(done) => {
                    let done = self.collect(done, &folder, &toolbox()).await?;
                    Ok(Ended::Done(done))
                }
                Executed::Waits => Ok(Ended::Waits),
                Executed::Failed(story) => Ok(Ended::Failed(Some(run.id), story)),
                Executed::Stopped => Ok(Ended::HandedBack),
            },
            Leader::Model => {
                let role = match self.role() {
                    Ok(role) => role,
                    Err(story) => return Ok(Ended::Failed(Some(run.id), story)),
                };
                let lead = Lead {
                    brief: self.brief(task, &folder),
                    hands,
                    models: &self.means.models,
                    role: &role,
                    work: self,
                    task,
                    max_output_tokens: self.means.models.max_output_tokens(),
                };
                Ok(match Box::pin(lead.lead(view)).await? {
                    Led::Ended(end) => Ended::Settled(end),
                    Led::Waits => Ended::Waits,
                    Led::Failed(story) => Ended::Failed(Some(run.id), story),
                    Led::Stopped => Ended::HandedBack,
                    Led::NoModel(why) => Ended::NoModel(why),
                })
            }
        }
    }

    /// Returns who leads: Seed, or a specialist with its own instructions and tools.
    fn role(&self) -> Result<Role, String> {
        match self.means.app.specialist(&self.agent) {
            Ok(found) => Ok(found.map_or_else(Role::default, |specialist| Role {
                instructions: Some(specialist.instructions),
                allowed: Some(specialist.grants.tools),
            })),
            Err(error) => Err(format!("who {} is could not be read: {error}", self.agent)),
        }
    }

    /// Returns what a model is told of its task.
    fn brief(&self, task: &Task, folder: &Folder) -> String {
        let project = task.project_id.and_then(|id| {
            let project = self.means.app.get_project(id).ok()?;
            Some(project.name.to_string())
        });
        brief(task, project.as_deref(), &folder.names(FILES_NAMED))
    }

    /// Hands in what a model says is done.
    pub(crate) async fn hand_in(
        &self,
        task: &Task,
        hands: &Hands<'_>,
        done: Done,
    ) -> Result<Finish, AppError> {
        let done = self.collect(done, hands.folder, &hands.toolbox).await?;
        self.try_complete(hands.actor, task, hands.hold, done).await
    }

    /// Stores what lies in `out/`.
    async fn collect(
        &self,
        mut done: Done,
        folder: &Folder,
        toolbox: &Toolbox<'_>,
    ) -> Result<Done, AppError> {
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
        Ok(done)
    }

    /// Opens the run's folder; a new one gets the files that came with the task.
    async fn prepare(
        &self,
        task: &Task,
        view: &RunView,
        registry: &Registry,
    ) -> Result<Folder, String> {
        let failed = |error: &dyn std::fmt::Display| {
            format!("the task's folder could not be prepared: {error}")
        };
        let app = &self.means.app;
        let root = root_of(&self.means.workspaces, view.run.id);
        let (mut folder, is_new) = Folder::open(root).map_err(|error| failed(&error))?;
        if !is_new {
            return Ok(folder);
        }
        let has_changed = |step: &Step| has_changed_folder(step, registry);
        if view.steps.iter().any(has_changed) {
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
        let actor = Actor::Agent(self.agent.clone());
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
        let (actor, id) = (&Actor::Agent(self.agent.clone()), TaskRef::Id(task.id));
        match ended {
            Ended::Lost => Ok("was taken from its worker"),
            Ended::Settled(end) => Ok(end),
            Ended::HandedBack => {
                self.hand_back(actor, id, &hold, ReleaseCause::NodeStopped)
                    .await
            }
            Ended::NoModel(why) => {
                warn!(
                    task.number = task.number,
                    why, "task #{} is given back: no model answers", task.number
                );
                self.hand_back(actor, id, &hold, ReleaseCause::NoModel)
                    .await
            }
            Ended::Waits => Ok("waits"),
            Ended::Failed(None, story) => self.block(actor, id, &hold, &story).await,
            Ended::Failed(Some(run), story) => self.fail(actor, &hold, run, story).await,
            Ended::Done(done) => self.complete(actor, task, hold, done).await,
        }
    }

    /// Completes the task. What does not pass is not tried again: the same plan would bring the same.
    /// So the task is its owner's at once, with the evidence.
    async fn complete(
        &self,
        actor: &Actor,
        task: &Task,
        hold: Hold,
        done: Done,
    ) -> Result<&'static str, AppError> {
        match self.try_complete(actor, task, &hold, done).await? {
            Finish::Ended(end) => Ok(end),
            Finish::NotAccepted(story) => {
                self.block(actor, TaskRef::Id(task.id), &hold, &story).await
            }
            Finish::Stopped => {
                let id = TaskRef::Id(task.id);
                self.hand_back(actor, id, &hold, ReleaseCause::NodeStopped)
                    .await
            }
        }
    }

    /// Tries to complete the task, its checks being run by the node, which keeps the lease meanwhile.
    async fn try_complete(
        &self,
        actor: &Actor,
        task: &Task,
        hold: &Hold,
        done: Done,
    ) -> Result<Finish, AppError> {
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
            Ok(_) => Ok(Finish::Ended("is done")),
            Err(AppError::InvalidInput {
                unaccepted: Some(unaccepted),
                ..
            }) if unaccepted.is_blocked => {
                Ok(Finish::Ended("is blocked: it does not pass its checks"))
            }
            Err(AppError::InvalidInput { problem, field, .. }) => {
                Ok(Finish::NotAccepted(format!("{field} {problem}")))
            }
            Err(AppError::Unavailable {
                cause: UnavailableCause::NoSandbox,
                detail,
            }) => {
                let number = task.number;
                let reason = format!(
                    "{detail}. Then: hearth task answer {number} \"the sandbox works now\""
                );
                self.block(actor, id, hold, &reason)
                    .await
                    .map(Finish::Ended)
            }
            Err(AppError::Unavailable {
                cause: UnavailableCause::Stopping,
                ..
            }) => Ok(Finish::Stopped),
            Err(
                refusal @ (AppError::InvalidTransition { .. }
                | AppError::Conflict {
                    code: "not_holder" | "fence_mismatch",
                    ..
                }),
            ) => {
                info!(task.number = task.number, %refusal, "a completion came too late");
                Ok(Finish::Ended("was taken from its worker"))
            }
            Err(other) => Err(other),
        }
    }

    async fn hand_back(
        &self,
        actor: &Actor,
        id: TaskRef,
        hold: &Hold,
        cause: ReleaseCause,
    ) -> Result<&'static str, AppError> {
        let app = &self.means.app;
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
fn has_changed_folder(step: &Step, registry: &Registry) -> bool {
    let has_acted = matches!(step.state, StepState::Done(_) | StepState::Acted { .. });
    step.discarded_at.is_none() && has_acted && registry.has_changed_folder(&step.action)
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
