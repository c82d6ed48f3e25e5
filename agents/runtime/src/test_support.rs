//! What the tests of this crate share: the operations over a store of their own, and the way to the
//! real sandbox.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use hearth_app::App;
use hearth_domain::field::AgentName;
use hearth_domain::{Actor, Clock, IdSource, Timestamp};
use hearth_store::Store;
use uuid::Uuid;

pub(crate) struct StillClock;

impl Clock for StillClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(1_000_000)
    }

    fn zone(&self) -> jiff::tz::TimeZone {
        jiff::tz::TimeZone::UTC
    }
}

#[derive(Default)]
pub(crate) struct SequentialIds(AtomicU64);

impl IdSource for SequentialIds {
    fn next_uuid(&self) -> Uuid {
        Uuid::from_u128(u128::from(self.0.fetch_add(1, Ordering::Relaxed) + 1))
    }
}

/// Returns the operations on a store of their own.
pub(crate) fn operations(dir: &Path) -> App {
    let ids: Arc<dyn IdSource> = Arc::new(SequentialIds::default());
    let path = dir.join("hearth.db");
    let store = Store::open(&hearth_store::Config { path }, Arc::clone(&ids)).unwrap();
    let config = hearth_app::Config {
        artifacts_dir: dir.join("artifacts"),
        artifact_max_bytes: 10_000_000,
        offline_after: Duration::from_mins(1),
        remind_before: Duration::from_hours(1),
    };
    App::new(store, Arc::new(StillClock), ids, config).unwrap()
}

pub(crate) fn seed() -> AgentName {
    "seed".parse().unwrap()
}

pub(crate) fn actor() -> Actor {
    Actor::Agent(seed())
}

/// Returns the stage's program, which is built beside the test programs.
pub(crate) fn stage_program() -> PathBuf {
    let own = std::env::current_exe().unwrap();
    own.ancestors()
        .map(|folder| folder.join("hearth-sandbox-stage"))
        .find(|path| path.is_file())
        .expect("build it: cargo build --workspace")
}

#[expect(
    clippy::disallowed_methods,
    reason = "the file to count skipped tests in is told by ./test"
)]
pub(crate) fn skip(test: &str, reason: &str) {
    eprintln!("SKIPPED {test}: {reason}");
    if let Some(path) = std::env::var_os("HEARTH_SKIP_LOG") {
        let log = fs::OpenOptions::new().create(true).append(true).open(path);
        writeln!(log.unwrap(), "{test}: {reason}").unwrap();
    }
}

pub(crate) async fn until(is_so: impl Fn() -> bool) {
    let waited = async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), waited)
        .await
        .unwrap();
}
