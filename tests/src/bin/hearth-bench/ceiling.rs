//! The same work without HTTP, in this process.

use std::sync::Arc;
use std::time::Duration;

use hearth_app::tasks::TaskRef;
use hearth_app::{App, Config};
use hearth_domain::Actor;
use hearth_domain::field::Title;
use hearth_domain::task::NewTask;
use hearth_node::system::{SystemClock, UuidSource};
use hearth_store::Store;

use crate::measure::{cpu_time, rate};

const CLIENTS: usize = 16;
const CREATES: usize = 40_000;
const GETS: usize = 200_000;

/// What the operations reach by themselves, per second of processor time.
pub(crate) struct Ceiling {
    /// Tasks created.
    pub(crate) create: f64,
    /// Tasks read.
    pub(crate) get: f64,
}

/// Measures it.
pub(crate) fn measure() -> anyhow::Result<Ceiling> {
    let folder = tempfile::tempdir()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let ids = Arc::new(UuidSource);
    let store = Store::open(
        &hearth_store::Config {
            path: folder.path().join("hearth.db"),
        },
        ids.clone(),
    )?;
    let config = Config {
        artifacts_dir: folder.path().join("artifacts"),
        artifact_max_bytes: 1 << 20,
        offline_after: Duration::from_mins(1),
        remind_before: std::time::Duration::ZERO,
        budgets: hearth_app::money::DefaultLimits::default(),
        day: hearth_domain::day_times::DayTimes::default(),
    };
    let app = App::new(store.clone(), Arc::new(SystemClock::default()), ids, config)?;
    let own = std::process::id();

    let before = cpu_time(own)?;
    runtime.block_on(in_parallel(CREATES, &app, |app, number| async move {
        let title = Title::parse("title", &format!("Task number {number}"))?;
        app.create_task(&Actor::Owner, NewTask::titled(title), None)
            .await?;
        Ok(())
    }))?;
    let create = rate(CREATES, cpu_time(own)?.saturating_sub(before));

    let before = cpu_time(own)?;
    runtime.block_on(in_parallel(GETS, &app, |app, number| async move {
        let number = i64::try_from(number % CREATES + 1)?;
        app.get_task(TaskRef::Number(number))?;
        Ok(())
    }))?;
    let get = rate(GETS, cpu_time(own)?.saturating_sub(before));
    store.close();
    Ok(Ceiling { create, get })
}

async fn in_parallel<F>(count: usize, app: &App, work: fn(App, usize) -> F) -> anyhow::Result<()>
where
    F: Future<Output = anyhow::Result<()>> + Send + 'static,
{
    let mut clients = tokio::task::JoinSet::new();
    for client in 0..CLIENTS {
        let app = app.clone();
        clients.spawn(async move {
            for number in (client..count).step_by(CLIENTS) {
                work(app.clone(), number).await?;
            }
            anyhow::Ok(())
        });
    }
    while let Some(ended) = clients.join_next().await {
        ended??;
    }
    Ok(())
}
