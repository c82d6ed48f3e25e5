//! Seed: claims tasks that carry a plan, and executes them.

use std::path::PathBuf;
use std::time::Duration;

use hearth_app::holding::Claim;
use hearth_app::tasks::{SEED, TaskView};
use hearth_app::{App, AppError, EventStream};
use hearth_domain::agent::{Presence, Registration};
use hearth_domain::event_filter::{Channel, EventFilter, TypePattern};
use hearth_domain::field::{AgentName, Word};
use hearth_domain::{Actor, JsonObject};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::facility::SandboxFacility;
use crate::live_limits::LiveLimits;
use crate::run::Run;
use crate::workspace;

/// How many tasks are worked on at once: the sandboxed programs do the work, and a small machine
/// has two cores.
const PARALLEL: usize = 2;
/// How often Seed says that it is there.
const SIGN_OF_LIFE: Duration = Duration::from_secs(15);
/// How long after a failure Seed looks again.
const RETRY: Duration = Duration::from_secs(1);
/// The longest wait for work: a wake-up that was lost costs no more.
const LONGEST_WAIT: Duration = Duration::from_mins(1);
/// How long running work may finish when the node stops, before it is handed back.
const FINISH: Duration = Duration::from_secs(2);

/// How Seed is set up.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where runs' folders are made.
    pub workspaces_dir: PathBuf,
    /// What each call may use.
    pub limits: LiveLimits,
}

/// The built-in agent that executes plans.
pub struct Seed {
    app: App,
    sandbox: SandboxFacility,
    config: Config,
    name: AgentName,
}

impl Seed {
    /// Puts Seed together.
    pub fn new(app: App, sandbox: SandboxFacility, config: Config) -> Self {
        Self {
            app,
            sandbox,
            config,
            name: AgentName::from_stored(SEED.into()),
        }
    }

    /// Works until `shutdown`, then lets what runs finish for a moment and hands back the rest.
    ///
    /// # Errors
    /// The folder for runs cannot be made.
    pub async fn run(self, shutdown: CancellationToken) -> std::io::Result<()> {
        workspace::remove_all(&self.config.workspaces_dir)?;
        let mut types = Channel::Pending.patterns();
        // A pending task may be given a plan, or an earlier start.
        types.push(TypePattern::Exact("task.updated".into()));
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
        let mut runs = JoinSet::new();
        let mut signs = interval(SIGN_OF_LIFE);
        signs.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            // The subscription is older than this look, so that no task is missed in between.
            let wait = self.fill(&mut runs, &hand_back).await;
            tokio::select! {
                biased;
                () = shutdown.cancelled() => break,
                Some(ended) = runs.join_next() => {
                    report(ended);
                    if runs.is_empty() {
                        self.show(false).await;
                    }
                }
                _ = signs.tick() => self.show(!runs.is_empty()).await,
                () = wake(&mut events), if runs.len() < PARALLEL => (),
                () = tokio::time::sleep(wait) => (),
            }
        }
        self.finish(runs, &hand_back).await;
        Ok(())
    }

    /// Registers, takes back what an earlier life of the node left, and listens for work.
    async fn begin(&self, filter: &EventFilter) -> Result<EventStream, AppError> {
        let registration = Registration {
            name: self.name.clone(),
            kind: Word::from_stored("orchestrator".into()),
            capabilities: vec!["general-execution".into()],
            metadata: JsonObject::new(),
        };
        self.app.register_agent(&self.actor(), registration).await?;
        let events = self.app.subscribe(None, filter.clone())?;
        let reclaimed = self.app.reclaim_after_restart(self.name.clone()).await?;
        if reclaimed > 0 {
            info!(
                tasks = reclaimed,
                "took back tasks that were cut off when the node was killed"
            );
        }
        Ok(events)
    }

    /// Starts runs until there are enough or no task is left; returns how long to wait at most.
    async fn fill(&self, runs: &mut JoinSet<()>, hand_back: &CancellationToken) -> Duration {
        while runs.len() < PARALLEL {
            let claim = Claim::new(self.name.clone());
            match self.app.claim_next_task(&self.actor(), claim, true).await {
                Ok(Some(view)) => self.start(runs, view, hand_back),
                Ok(None) => break,
                Err(failure) => {
                    warn!(error = %failure, "seed could not claim a task and tries again");
                    return RETRY;
                }
            }
        }
        match self.app.next_start() {
            Ok(Some(moment)) => moment.since(self.app.now()).min(LONGEST_WAIT),
            Ok(None) | Err(_) => LONGEST_WAIT,
        }
    }

    fn start(&self, runs: &mut JoinSet<()>, view: TaskView, hand_back: &CancellationToken) {
        let number = view.task.number;
        info!(task.number = number, "seed begins task #{number}");
        let run = Run {
            app: self.app.clone(),
            agent: self.name.clone(),
            sandbox: self.sandbox.clone(),
            limits: self.config.limits.get(),
            hand_back: hand_back.clone(),
        };
        let folder = self
            .config
            .workspaces_dir
            .join(format!("{}-{}", view.task.id, view.task.fence));
        runs.spawn(async move { run.work(view, &folder).await });
    }

    async fn show(&self, is_busy: bool) {
        let presence = if is_busy {
            Presence::Busy
        } else {
            Presence::Idle
        };
        if let Err(failure) = self
            .app
            .heartbeat_agent(&self.actor(), self.name.clone(), Some(presence))
            .await
        {
            warn!(error = %failure, "seed could not say that it is there");
        }
    }

    async fn finish(&self, mut runs: JoinSet<()>, hand_back: &CancellationToken) {
        let finished = async {
            while let Some(ended) = runs.join_next().await {
                report(ended);
            }
        };
        if tokio::time::timeout(FINISH, finished).await.is_err() {
            hand_back.cancel();
            while let Some(ended) = runs.join_next().await {
                report(ended);
            }
        }
    }

    fn actor(&self) -> Actor {
        Actor::Agent(self.name.clone())
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

fn report(ended: Result<(), tokio::task::JoinError>) {
    if let Err(failure) = ended {
        // Its lease runs out, and the sweep takes the task back.
        error!(error = %failure, "a run panicked");
    }
}
