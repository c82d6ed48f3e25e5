//! What the tests of this crate share: a store in a temporary folder, identifiers in sequence,
//! things to put into it, numbers that only look random.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::task::{Context, Poll, Waker};

use hearth_domain::event::{Event, Seq};
use hearth_domain::event_filter::EventFilter;
use hearth_domain::field::AgentName;
use hearth_domain::project::{NewProject, Project, ProjectStatus};
use hearth_domain::task::{NewTask, Task};
use hearth_domain::{Actor, IdSource, JsonObject, ProjectId, TaskId, Timestamp};
use tempfile::TempDir;
use tokio::sync::oneshot;
use uuid::Uuid;

use crate::events::{self, Direction};
use crate::{Config, Store, StoreError, WriteTx, projects, tasks};

/// Counts up from 1.
#[derive(Default)]
pub(crate) struct SequentialIds(AtomicU64);

impl IdSource for SequentialIds {
    fn next_uuid(&self) -> Uuid {
        let next = self.0.fetch_add(1, Ordering::Relaxed) + 1;
        // Event identifiers, apart from those that tests choose themselves.
        Uuid::from_u128(0xE << 64 | u128::from(next))
    }
}

pub(crate) fn ids() -> Arc<dyn IdSource> {
    Arc::new(SequentialIds::default())
}

pub(crate) struct TestStore {
    pub(crate) store: Store,
    pub(crate) dir: TempDir,
}

impl TestStore {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = open(&dir);
        Self { store, dir }
    }

    /// Another connection to the same database, as another program would open it.
    pub(crate) fn outside(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.dir.path().join("hearth.db")).unwrap()
    }
}

pub(crate) fn config(dir: &TempDir) -> Config {
    Config {
        path: dir.path().join("hearth.db"),
    }
}

pub(crate) fn open(dir: &TempDir) -> Store {
    Store::open(&config(dir), ids()).unwrap()
}

pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(seconds * 1000)
}

pub(crate) fn agent(name: &str) -> AgentName {
    name.parse().unwrap()
}

pub(crate) fn task_id(number: i64) -> TaskId {
    TaskId(Uuid::from_u128(u128::from(number.unsigned_abs())))
}

pub(crate) fn titled(title: &str) -> NewTask {
    NewTask::titled(title.parse().unwrap())
}

/// Makes a task under the next number; its identifier follows from the number.
pub(crate) fn insert(
    tx: &mut WriteTx<'_>,
    new: NewTask,
    now: Timestamp,
) -> Result<Task, StoreError> {
    let number = tasks::next_number(tx)?;
    let change = Task::create(task_id(number), number, new, &Actor::Owner, now);
    tasks::insert(tx, change)
}

pub(crate) async fn add(store: &Store, title: &str) -> Result<Task, StoreError> {
    let new = titled(title);
    store.write(move |tx| insert(tx, new, at(1))).await
}

pub(crate) async fn add_project(store: &Store, id: u128, name: &str) -> Project {
    let new = NewProject {
        name: name.parse().unwrap(),
        description: String::new(),
        status: ProjectStatus::Active,
        metadata: JsonObject::new(),
    };
    let change = Project::create(ProjectId(Uuid::from_u128(id)), new, at(1));
    store
        .write(move |tx| projects::insert(tx, change, &Actor::Owner))
        .await
        .unwrap()
}

pub(crate) async fn all_events(store: &Store) -> Vec<Event> {
    store
        .read(|tx| {
            let any = EventFilter::default();
            events::list(tx, &any, Direction::Ascending, None, 1_000_000)
        })
        .await
        .unwrap()
        .items
}

pub(crate) fn seqs<'a>(events: impl IntoIterator<Item = &'a Event>) -> Vec<Seq> {
    events.into_iter().map(|event| event.seq).collect()
}

/// Polls `future` once; a write is in the queue then.
pub(crate) fn poll_once<F: Future + ?Sized>(future: &mut Pin<Box<F>>) -> Poll<F::Output> {
    future
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()))
}

/// Puts `write` into the writer's queue.
pub(crate) fn queued<F: Future>(write: F) -> Pin<Box<F>> {
    let mut write = Box::pin(write);
    assert!(poll_once(&mut write).is_pending(), "it was not queued");
    write
}

/// Keeps the writer busy until it is dropped.
pub(crate) struct Held {
    _release: SyncSender<()>,
}

pub(crate) async fn hold_writer(store: &Store) -> Held {
    let (started, is_started) = oneshot::channel();
    let (release, wait) = sync_channel::<()>(1);
    let store = store.clone();
    tokio::spawn(async move {
        store
            .write(move |_| {
                let _ = started.send(());
                let _ = wait.recv();
                Ok::<_, StoreError>(())
            })
            .await
    });
    is_started.await.unwrap();
    Held { _release: release }
}

/// Numbers that only look random (splitmix64): the same ones in every run.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        usize::try_from(mixed % bound as u64).unwrap()
    }

    pub(crate) fn one_in(&mut self, bound: usize) -> bool {
        self.below(bound) == 0
    }

    pub(crate) fn pick<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[self.below(list.len())]
    }
}
