//! Seed, the chief of staff and the sweep, as a node has them, over hours.

use std::time::Duration;

use hearth_app::tasks::TaskRef;
use hearth_domain::Timestamp;
use hearth_domain::clock::Clock;
use hearth_domain::task::{NewTask, TaskStatus};
use tokio::time::Instant;

use super::*;
use crate::chief_of_staff::ChiefOfStaff;
use crate::executor::tests::Floor;
use crate::model::Preset;
use crate::model::tests::once;
use crate::model::tests::server::{Server, says};
use crate::test_support::operations_at;

/// Noon of a day, and as much later as the runtime's own time is.
struct Following(Instant);

impl Clock for Following {
    fn now(&self) -> Timestamp {
        const NOON: i64 = 1_764_072_000_000;
        let elapsed = i64::try_from(self.0.elapsed().as_millis()).unwrap();
        Timestamp::from_millis(NOON + elapsed)
    }

    fn zone(&self) -> jiff::tz::TimeZone {
        jiff::tz::TimeZone::UTC
    }
}

async fn add(app: &App, title: &str, change: impl FnOnce(&mut NewTask)) -> TaskId {
    let mut new = NewTask::titled(title.parse().unwrap());
    change(&mut new);
    let made = app.create_task(&Actor::Owner, new, None).await.unwrap();
    made.view.task.id
}

#[tokio::test(start_paused = true)]
async fn an_idle_node_asks_no_model_in_an_hour_and_for_a_task_at_once() {
    let server = Server::with([says("There are seven bees.")]).await;
    let models = once(&server, Preset::Compatible);
    let dir = tempfile::tempdir().unwrap();
    let app = operations_at(dir.path(), 0, Arc::new(Following(Instant::now())));
    let floor = Floor::of(app.clone(), dir);
    let config = Config {
        workspaces_dir: floor.means.workspaces.clone(),
        limits: LiveLimits::new(hearth_sandbox::Limits::default()),
        parallel: 2,
        environment: floor.means.environment.clone(),
        models: models.clone(),
    };
    let stop = CancellationToken::new();
    let chief = ChiefOfStaff::new(models, stop.clone());
    app.set_chief_of_staff(Arc::new(chief));
    let (sandbox, web) = (floor.means.sandbox.clone(), floor.means.web.clone());
    let seed = Seed::new(app.clone(), sandbox, web, config).run(stop.clone());
    let mut parts = JoinSet::new();
    parts.spawn(async { seed.await.unwrap() });
    parts.spawn(ChiefOfStaff::run(app.clone(), stop.clone()));
    parts.spawn(hearth_app::sweep::run(app.clone(), stop.clone()));
    // The owner's own, due within the hour; and one that is for tomorrow.
    let soon = app.now().after(Duration::from_mins(30));
    let tomorrow = app.now().after(Duration::from_hours(24));
    add(&app, "Call Ada", |new| {
        new.assigned_to = Some(AgentName::from_stored("owner".into()));
        new.due_at = Some(soon);
    })
    .await;
    add(&app, "Count the ants", |new| {
        new.not_before = Some(tomorrow);
    })
    .await;
    let began = app.now();

    while app.now().since(began) < Duration::from_hours(1) {
        tokio::time::sleep(Duration::from_secs(15)).await;
        // The store works in threads of its own, which know nothing of the runtime's time.
        for _ in 0..5 {
            std::thread::sleep(Duration::from_millis(1));
            tokio::task::yield_now().await;
        }
    }

    assert!(server.asked().is_empty(), "{:?}", server.asked());
    let told = app
        .list_notices(&Actor::Owner, None, 10)
        .await
        .unwrap()
        .items;
    assert!(
        !told.is_empty(),
        "the hour was lived: the owner was reminded"
    );

    // What is to be waited for now takes its own time.
    tokio::time::resume();
    let task = add(&app, "Count the bees", |_| ()).await;
    let is_done = async {
        while app.get_task(TaskRef::Id(task)).unwrap().task.status() != TaskStatus::Completed {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), is_done)
        .await
        .unwrap();
    assert_eq!(server.asked().len(), 1);
    stop.cancel();
    while let Some(ended) = parts.join_next().await {
        ended.unwrap();
    }
}
