//! Seed: claims tasks for itself and for the specialists, and executes them. Without a model, only
//! those that carry a plan.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use hearth_app::holding::Work;
use hearth_app::tasks::{SEED, TaskFilter, TaskView};
use hearth_app::{App, AppError, EventStream};
use hearth_domain::agent::{Presence, Registration};
use hearth_domain::event_filter::{Channel, EventFilter, TypePattern};
use hearth_domain::field::{AgentName, Word};
use hearth_domain::task::TaskStatus;
use hearth_domain::{Actor, JsonObject, TaskId};
use hearth_sandbox::outside::Environment;
use tokio::sync::{Mutex, Semaphore};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::facility::SandboxFacility;
use crate::live_limits::LiveLimits;
use crate::model::Models;
use crate::run::{Means, Run};
use crate::web::Web;
use crate::workspace::{present, remove_all_but};

/// How many sandboxed programs run at once, of all runs together: they do the work, and each may take
/// half a gigabyte.
const PROGRAMS: usize = 4;
/// How often folders are looked for that no run needs any more.
const TIDY: Duration = Duration::from_mins(10);
/// How often Seed says that it is there.
const SIGN_OF_LIFE: Duration = Duration::from_secs(15);
/// How long after a failure Seed looks again.
const RETRY: Duration = Duration::from_secs(1);
/// The longest wait for work: a wake-up that was lost costs no more.
const LONGEST_WAIT: Duration = Duration::from_mins(1);
/// How many pending tasks are looked at for one that waits for a model.
const LOOKED_AT: usize = 100;
/// How long running work may finish when the node stops, before it is handed back.
const FINISH: Duration = Duration::from_secs(2);

/// How Seed is set up.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where runs' folders are made.
    pub workspaces_dir: PathBuf,
    /// What each call may use.
    pub limits: LiveLimits,
    /// How many tasks are worked on at once. A run that waits for its owner does not count.
    pub parallel: usize,
    /// What commands outside the sandbox find in their environment.
    pub environment: Environment,
    /// The language models.
    pub models: Models,
}

/// The built-in agent that executes tasks, and has the specialists execute theirs.
pub struct Seed {
    means: Means,
    agent: AgentName,
    config: Config,
    /// In whose name each run works.
    working: HashMap<tokio::task::Id, AgentName>,
    /// One lock for each task that is worked on: a claim that follows another one waits until the
    /// work of that is really over.
    at_work: HashMap<TaskId, Arc<Mutex<()>>>,
}

impl Seed {
    /// Puts Seed together.
    pub fn new(app: App, sandbox: SandboxFacility, web: Web, config: Config) -> Self {
        let means = Means {
            app,
            sandbox,
            web,
            environment: config.environment.clone(),
            models: config.models.clone(),
            programs: Arc::new(Semaphore::new(PROGRAMS)),
            workspaces: config.workspaces_dir.clone(),
        };
        Self {
            means,
            agent: AgentName::from_stored(SEED.into()),
            config,
            working: HashMap::new(),
            at_work: HashMap::new(),
        }
    }

    /// Works until `shutdown`, then lets what runs finish for a moment and hands back the rest.
    ///
    /// # Errors
    /// The folder for runs cannot be made.
    pub async fn run(mut self, shutdown: CancellationToken) -> std::io::Result<()> {
        std::fs::create_dir_all(&self.config.workspaces_dir)?;
        let mut types = Channel::Pending.patterns();
        // A pending task may be given a plan, or an earlier start; what it waited for may be completed;
        // an agent may take tasks again.
        let also = [
            "task.updated",
            "task.completed",
            "agent.resumed",
            "specialist.enabled",
        ];
        types.extend(also.map(|name| TypePattern::Exact(name.into())));
        let filter = EventFilter {
            types,
            ..EventFilter::default()
        };
        let mut events = loop {
            match self.begin(&filter).await {
                Ok(events) => break events,
                Err(failure) => {
                    warn!(error = %failure, "seed could not begin and tries again");
                    tokio::select! {
                        () = shutdown.cancelled() => return Ok(()),
                        () = tokio::time::sleep(RETRY) => (),
                    }
                }
            }
        };
        let hand_back = CancellationToken::new();
        let mut models = self.config.models.changed();
        let mut runs = JoinSet::new();
        let mut signs = interval(SIGN_OF_LIFE);
        signs.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut tidying = interval(TIDY);
        tidying.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            // The subscription is older than this look, so that no task is missed in between.
            let wait = self.fill(&mut runs, &hand_back).await;
            tokio::select! {
                biased;
                () = shutdown.cancelled() => break,
                Some(ended) = runs.join_next_with_id() => {
                    self.report(ended).await;
                    if runs.is_empty() {
                        self.show(false).await;
                    }
                }
                _ = signs.tick() => self.show(!runs.is_empty()).await,
                _ = tidying.tick() => self.tidy().await,
                () = wake(&mut events), if runs.len() < self.config.parallel => (),
                // A model that came may take up what waited for one.
                Ok(()) = models.changed() => (),
                () = tokio::time::sleep(wait) => (),
            }
        }
        self.finish(runs, &hand_back).await;
        Ok(())
    }

    /// Registers, takes back what an earlier life of the node left, and listens for work.
    async fn begin(&self, filter: &EventFilter) -> Result<EventStream, AppError> {
        let registration = Registration {
            name: self.agent.clone(),
            kind: Word::from_stored("orchestrator".into()),
            capabilities: vec!["general-execution".into()],
            metadata: JsonObject::new(),
        };
        self.means
            .app
            .register_agent(&self.actor(), registration)
            .await?;
        let events = self.means.app.subscribe(None, filter.clone())?;
        let mut reclaimed = 0;
        for agent in self.means.app.own_agents()? {
            reclaimed += self.means.app.reclaim_after_restart(agent.clone()).await?;
            self.rests(&agent).await;
        }
        if reclaimed > 0 {
            info!(
                tasks = reclaimed,
                "took back tasks that were cut off when the node was killed"
            );
        }
        Ok(events)
    }

    /// Starts runs until there are enough or no task is left; returns how long to wait at most.
    async fn fill(&mut self, runs: &mut JoinSet<()>, hand_back: &CancellationToken) -> Duration {
        while runs.len() < self.config.parallel {
            match self.means.app.claim_own_task(self.work()).await {
                Ok(Some(view)) => self.start(runs, view, hand_back),
                Ok(None) => break,
                Err(failure) => {
                    warn!(error = %failure, "seed could not claim a task and tries again");
                    return RETRY;
                }
            }
        }
        self.look_for_model().await;
        match self.means.app.next_start() {
            Ok(Some(moment)) => moment.since(self.means.app.now()).min(LONGEST_WAIT),
            Ok(None) | Err(_) => LONGEST_WAIT,
        }
    }

    fn start(&mut self, runs: &mut JoinSet<()>, view: TaskView, hand_back: &CancellationToken) {
        let number = view.task.number;
        let holder = view.task.lease().map(|lease| lease.holder.clone());
        let agent = holder.unwrap_or_else(|| self.agent.clone());
        info!(task.number = number, %agent, "{agent} begins task #{number}");
        let run = Run {
            means: self.means.clone(),
            agent: agent.clone(),
            limits: self.config.limits.get(),
            hand_back: hand_back.clone(),
        };
        // Those that nobody holds are of work that is over.
        self.at_work.retain(|_, lock| Arc::strong_count(lock) > 1);
        let lock = Arc::clone(self.at_work.entry(view.task.id).or_default());
        let spawned = runs.spawn(async move {
            let _alone = lock.lock_owned().await;
            run.work(view).await;
        });
        self.working.insert(spawned.id(), agent);
    }

    /// Removes the folders of runs that have ended without a worker, as when a task that waited was
    /// cancelled.
    async fn tidy(&self) {
        if let Err(error) = self.remove_old_folders().await {
            warn!(%error, "folders of old runs were not removed");
        }
    }

    async fn remove_old_folders(&self) -> std::io::Result<()> {
        let dir = self.config.workspaces_dir.clone();
        let there = tokio::task::spawn_blocking(move || present(&dir)).await??;
        if there.is_empty() {
            return Ok(());
        }
        let open = self.means.app.open_runs().await;
        let open = open.map_err(std::io::Error::other)?;
        let dir = self.config.workspaces_dir.clone();
        tokio::task::spawn_blocking(move || remove_all_but(&dir, there, &open)).await?
    }

    async fn show(&self, is_busy: bool) {
        let presence = if is_busy {
            Presence::Busy
        } else {
            Presence::Idle
        };
        self.show_as(&self.agent, presence).await;
    }

    async fn show_as(&self, agent: &AgentName, presence: Presence) {
        let actor = Actor::Agent(agent.clone());
        let app = &self.means.app;
        let shown = app.heartbeat_agent(&actor, agent.clone(), Some(presence));
        if let Err(failure) = shown.await {
            warn!(error = %failure, "{agent} could not say that it is there");
        }
    }

    /// Shows a specialist that works on nothing any more as idle, as long as it is one.
    async fn rests(&self, agent: &AgentName) {
        let specialist = self.means.app.specialist(agent);
        let is_enabled = specialist.is_ok_and(|found| found.is_some_and(|found| found.is_enabled));
        if is_enabled && !self.working.values().any(|other| other == agent) {
            self.show_as(agent, Presence::Idle).await;
        }
    }

    /// Notes that a run has ended, however it did.
    async fn report(&mut self, ended: Result<(tokio::task::Id, ()), tokio::task::JoinError>) {
        let id = match &ended {
            Ok((id, ())) => *id,
            Err(failure) => {
                // Its lease runs out, and the sweep takes the task back.
                error!(error = %failure, "a run panicked");
                failure.id()
            }
        };
        if let Some(agent) = self.working.remove(&id) {
            self.rests(&agent).await;
        }
    }

    fn work(&self) -> Work {
        // With none that calls tools, a task without a plan stays pending.
        let current = self.config.models.current();
        if current.is_some_and(|profile| profile.has_tools) {
            Work::Any
        } else {
            Work::Planned
        }
    }

    /// Looks for a server on this machine where a task waits for a model and there is none; not where
    /// nothing waits, and not again right after.
    async fn look_for_model(&self) {
        let models = &self.config.models;
        // Asked first: tasks are listed no more often than servers are looked for.
        if models.current().is_some() || !models.is_look_due().await {
            return;
        }
        let pending = TaskFilter {
            statuses: vec![TaskStatus::Pending],
            ..TaskFilter::default()
        };
        let app = &self.means.app;
        let Ok(page) = app.list_tasks(pending, None, None, LOOKED_AT).await else {
            return;
        };
        let waits = |view: &TaskView| !view.task.has_plan() && view.waiting_for.is_some();
        if page.items.iter().any(waits) {
            models.look_if_due().await;
        }
    }

    async fn finish(mut self, mut runs: JoinSet<()>, hand_back: &CancellationToken) {
        let finished = async {
            while let Some(ended) = runs.join_next_with_id().await {
                self.report(ended).await;
            }
        };
        if tokio::time::timeout(FINISH, finished).await.is_err() {
            hand_back.cancel();
            while let Some(ended) = runs.join_next_with_id().await {
                self.report(ended).await;
            }
        }
    }

    fn actor(&self) -> Actor {
        Actor::Agent(self.agent.clone())
    }
}

/// Returns when there may be new work. Many wake-ups at once mean one look.
async fn wake(events: &mut EventStream) {
    if let Ok(Some(_)) = events.next().await {
        return;
    }
    // The store is closed or cannot be read; the sleep beside this brings the next look.
    std::future::pending::<()>().await;
}

#[cfg(test)]
mod tests;
