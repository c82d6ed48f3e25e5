//! What the tests of this crate share: the operations over a real store in a temporary folder, with
//! a clock that tests turn and identifiers in sequence.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use hearth_domain::artifact::MediaType;
use hearth_domain::event_filter::EventFilter;
use hearth_domain::field::AgentName;
use hearth_domain::policy::Labels;
use hearth_domain::project::{NewProject, Project, ProjectStatus};
use hearth_domain::task::{NewTask, Task};
use hearth_domain::{Actor, Clock, IdSource, JsonObject, Timestamp};
use hearth_store::Store;
use tempfile::TempDir;
use uuid::Uuid;

use crate::artifacts::StoreArtifact;
use crate::blobs::StoredBlob;
use crate::events::Direction;
use crate::holding::{Claim, Hold};
use crate::tasks::TaskRef;
use crate::{App, AppError, Config};

/// The largest artifact in tests.
pub(crate) const ARTIFACT_MAX: u64 = 1000;
pub(crate) const OFFLINE_AFTER: Duration = Duration::from_mins(1);

/// A clock that stands still until it is turned.
pub(crate) struct FakeClock(AtomicI64);

impl FakeClock {
    pub(crate) fn advance(&self, by: Duration) {
        let millis = i64::try_from(by.as_millis()).unwrap();
        self.0.fetch_add(millis, Ordering::SeqCst);
    }

    pub(crate) fn advance_secs(&self, seconds: u64) {
        self.advance(Duration::from_secs(seconds));
    }
}

impl Default for FakeClock {
    fn default() -> Self {
        Self(AtomicI64::new(1_000_000))
    }
}

impl Clock for FakeClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }

    fn zone(&self) -> jiff::tz::TimeZone {
        jiff::tz::TimeZone::UTC
    }
}

/// Counts up from 1.
#[derive(Default)]
pub(crate) struct SequentialIds(AtomicU64);

impl IdSource for SequentialIds {
    fn next_uuid(&self) -> Uuid {
        Uuid::from_u128(u128::from(self.0.fetch_add(1, Ordering::Relaxed) + 1))
    }
}

pub(crate) struct TestApp {
    pub(crate) app: App,
    pub(crate) clock: Arc<FakeClock>,
    pub(crate) dir: TempDir,
}

impl TestApp {
    pub(crate) fn new() -> Self {
        let clock = Arc::new(FakeClock::default());
        let dir = tempfile::tempdir().unwrap();
        let app = open(dir.path(), Arc::clone(&clock) as Arc<dyn Clock>);
        Self { app, clock, dir }
    }

    pub(crate) async fn create(&self, new: NewTask) -> Task {
        let created = self.app.create_task(&Actor::Owner, new, None).await;
        created.unwrap().view.task
    }

    pub(crate) async fn task(&self, title: &str) -> Task {
        self.create(titled(title)).await
    }

    pub(crate) async fn project(&self, name: &str) -> Project {
        let new = NewProject {
            name: name.parse().unwrap(),
            description: String::new(),
            status: ProjectStatus::Active,
            metadata: JsonObject::new(),
        };
        self.app.create_project(&Actor::Owner, new).await.unwrap()
    }

    pub(crate) async fn claim(&self, task: &Task, name: &str) -> Hold {
        let claim = Claim::new(agent(name));
        let view = self
            .app
            .claim_task(&as_agent(name), by_id(task), claim, None)
            .await
            .unwrap();
        Hold {
            agent: agent(name),
            fence: view.task.fence,
        }
    }

    pub(crate) fn get(&self, task: &Task) -> Task {
        self.app.get_task(by_id(task)).unwrap().task
    }

    pub(crate) async fn blob(&self, bytes: &[u8]) -> Result<StoredBlob, AppError> {
        let mut writer = self.app.begin_artifact(&Actor::Owner).await?;
        writer.write(bytes).await?;
        writer.finish().await
    }

    /// The types of every event so far.
    pub(crate) async fn event_types(&self) -> Vec<String> {
        let any = EventFilter::default();
        let page = self
            .app
            .list_events(any, Direction::Ascending, None, 10_000)
            .await
            .unwrap();
        page.items
            .into_iter()
            .map(|event| event.type_name)
            .collect()
    }
}

pub(crate) fn open(dir: &Path, clock: Arc<dyn Clock>) -> App {
    open_with(dir, clock, SequentialIds::default())
}

/// As [`open`], in a later life, whose identifiers go on after those of the lives before.
pub(crate) fn reopen(dir: &Path, clock: Arc<dyn Clock>) -> App {
    open_with(dir, clock, SequentialIds(AtomicU64::new(1_000_000)))
}

fn open_with(dir: &Path, clock: Arc<dyn Clock>, ids: SequentialIds) -> App {
    let ids: Arc<dyn IdSource> = Arc::new(ids);
    let config = hearth_store::Config {
        path: dir.join("hearth.db"),
    };
    let store = Store::open(&config, Arc::clone(&ids)).unwrap();
    let config = Config {
        artifacts_dir: dir.join("artifacts"),
        artifact_max_bytes: ARTIFACT_MAX,
        offline_after: OFFLINE_AFTER,
        remind_before: Duration::from_hours(1),
        budgets: crate::money::DefaultLimits::default(),
        day: hearth_domain::day_times::DayTimes::default(),
    };
    App::new(store, clock, ids, config).unwrap()
}

pub(crate) fn agent(name: &str) -> AgentName {
    name.parse().unwrap()
}

pub(crate) fn as_agent(name: &str) -> Actor {
    Actor::Agent(agent(name))
}

pub(crate) fn by_id(task: &Task) -> TaskRef {
    TaskRef::Id(task.id)
}

pub(crate) fn titled(title: &str) -> NewTask {
    NewTask::titled(title.parse().unwrap())
}

pub(crate) fn report(task: Option<TaskRef>) -> StoreArtifact {
    StoreArtifact {
        task,
        agent: None,
        fence: None,
        kind: "report".parse().unwrap(),
        name: None,
        media_type: MediaType::plain_text(),
        metadata: JsonObject::new(),
        labels: Labels::default(),
        within: None,
    }
}

/// Returns the stable word of an error that has one, and else its category.
pub(crate) fn code<T: std::fmt::Debug>(outcome: Result<T, AppError>) -> &'static str {
    match outcome.unwrap_err() {
        AppError::NotFound { .. } => "not_found",
        AppError::InvalidInput { code, .. }
        | AppError::InvalidTransition { code, .. }
        | AppError::Conflict { code, .. } => code,
        AppError::Denied(_) => "denied",
        AppError::Unavailable { .. } => "unavailable",
        AppError::Store(source) => panic!("the store failed: {source:?}"),
    }
}
