//! Two hundred WebSocket readers, a hundred events a second.

use std::time::{Duration, Instant};

use anyhow::ensure;
use hearth_tests::node::TestNode;
use hearth_tests::raw_http::RawClient;
use hearth_tests::subscriber::Subscriber;
use tokio::sync::watch;

use crate::measure::{Row, cpu_time, percentile_ms};

const READERS: usize = 200;
const EVENTS: usize = 1000;
const PAUSE: Duration = Duration::from_millis(10);

/// Measures from the moment before a task's creation is sent until each reader has its event; that
/// includes storing it.
pub(crate) fn measure(node: &TestNode) -> anyhow::Result<Vec<Row>> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let key = node.owner_key()?;
    let address = node.address().to_owned();
    let (sent, answered) = (
        watch::Sender::new(Vec::<Instant>::new()),
        watch::Sender::new(Vec::<Instant>::new()),
    );
    let readers = runtime.block_on(async {
        let mut readers = Vec::new();
        for _ in 0..READERS {
            readers.push(Subscriber::connect(&address, &key, "after=0&type=task.created").await?);
        }
        anyhow::Ok(readers)
    })?;
    let before = cpu_time(node.pid())?;
    let start = Instant::now();
    let tasks: Vec<_> = readers
        .into_iter()
        .map(|mut reader| {
            runtime.spawn(async move {
                let mut arrivals = Vec::with_capacity(EVENTS);
                for place in 0..EVENTS {
                    let event = reader.next_text().await?;
                    arrivals.push(Instant::now());
                    // Looked for rather than parsed: two hundred readers share the machine with
                    // the node.
                    let title = format!("\"title\":\"Event {place}\"");
                    ensure!(event.contains(&title), "event {place} came as {event}");
                }
                anyhow::Ok(arrivals)
            })
        })
        .collect();
    let mut client = RawClient::connect(node.address(), &key)?;
    for place in 0..EVENTS {
        let due = start + PAUSE * u32::try_from(place)?;
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        sent.send_modify(|times| times.push(Instant::now()));
        let (status, _) = client.send(
            "POST",
            "/api/v1/tasks",
            &format!(r#"{{"title":"Event {place}"}}"#),
        )?;
        ensure!(status == 201, "create answered {status}");
        answered.send_modify(|times| times.push(Instant::now()));
    }
    let sent = sent.borrow().clone();
    let mut delays = Vec::new();
    for task in tasks {
        let arrivals = runtime.block_on(task)??;
        delays.extend(
            arrivals
                .iter()
                .zip(&sent)
                .map(|(arrival, sent)| arrival.duration_since(*sent)),
        );
    }
    ensure!(delays.len() == READERS * EVENTS, "events were lost");
    let cpu = cpu_time(node.pid())?.saturating_sub(before);
    let (p50, p99) = (
        percentile_ms(&mut delays, 0.5),
        percentile_ms(&mut delays, 0.99),
    );
    let own: Vec<Duration> = answered
        .borrow()
        .iter()
        .zip(&sent)
        .map(|(end, start)| end.duration_since(*start))
        .collect();
    let create_p50 = percentile_ms(&mut own.clone(), 0.5);
    Ok(vec![Row {
        what: "event to 200 readers at 100 a second, p50 / p99".into(),
        must: "1 / 4 ms, none lost".into(),
        measured: format!("{p50:.2} / {p99:.2} ms, none lost"),
        is_met: p50 <= 1.0 && p99 <= 4.0,
        note: format!(
            "from the request on, which is answered after {create_p50:.2} ms; node used {:.0}% of a core",
            cpu.as_secs_f64() / start.elapsed().as_secs_f64() * 100.0
        ),
    }])
}
