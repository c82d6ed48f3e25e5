//! Two hundred readers of the event stream, some slow, some coming and going: each sees every
//! event once, in order.

use std::time::Duration;

use anyhow::{Context, ensure};
use hearth_tests::node::{Options, TestNode};
use hearth_tests::raw_http::RawClient;
use hearth_tests::subscriber::Subscriber;
use tokio::task::JoinSet;

const READERS: i64 = 200;
/// More than the node keeps for a slow reader in memory.
const TASKS: i64 = 2_000;
const DEADLINE: Duration = Duration::from_mins(2);

#[derive(Clone, Copy)]
enum Habit {
    /// Reads as events come.
    Eager,
    /// Begins to read when everything has happened.
    Late,
    /// Leaves after every few hundred events and comes back with the last number it saw.
    Restless,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_reader_sees_every_event_once_and_in_order() -> anyhow::Result<()> {
    let node = TestNode::start(&Options::default())?;
    let key = node.owner_key()?;
    let mut readers = JoinSet::new();
    let (done, all_done) = tokio::sync::watch::channel(false);
    for reader in 0..READERS {
        let habit = match reader % 10 {
            0 => Habit::Late,
            1 | 2 => Habit::Restless,
            _ => Habit::Eager,
        };
        let (address, key, all_done) = (node.address().to_owned(), key.clone(), all_done.clone());
        readers.spawn(async move {
            read(&address, &key, habit, reader, all_done)
                .await
                .with_context(|| format!("reader {reader}"))
        });
    }
    let (address, key) = (node.address().to_owned(), key.clone());
    tokio::task::spawn_blocking(move || {
        let mut http = RawClient::connect(&address, &key)?;
        for number in 0..TASKS {
            let (status, _) = http.send(
                "POST",
                "/api/v1/tasks",
                &format!(r#"{{"title":"Task {number}"}}"#),
            )?;
            ensure!(status == 201, "create answered {status}");
        }
        Ok(())
    })
    .await??;
    done.send(true)?;

    tokio::time::timeout(DEADLINE, async {
        while let Some(ended) = readers.join_next().await {
            ended??;
        }
        anyhow::Ok(())
    })
    .await
    .context("not every reader had every event in time")?
}

async fn read(
    address: &str,
    key: &str,
    habit: Habit,
    reader: i64,
    mut all_done: tokio::sync::watch::Receiver<bool>,
) -> anyhow::Result<()> {
    let mut seen = 0;
    let mut created = 0;
    let mut stream = Subscriber::connect(address, key, "after=0").await?;
    if matches!(habit, Habit::Late) {
        all_done.wait_for(|done| *done).await?;
    }
    while created < TASKS {
        let event = stream.next().await?;
        let seq = event["seq"].as_i64().context("an event without a number")?;
        ensure!(seq == seen + 1, "event {seq} came after {seen}");
        seen = seq;
        if event["type"] == "task.created" {
            let title = event["payload"]["title"].as_str().unwrap_or_default();
            ensure!(
                title == format!("Task {created}"),
                "{title} came in the place of {created}"
            );
            created += 1;
        }
        if matches!(habit, Habit::Restless) && seq % (200 + reader) == 0 {
            stream = Subscriber::connect(address, key, &format!("after={seen}")).await?;
        }
    }
    Ok(())
}
