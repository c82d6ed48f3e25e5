//! Creating, reading, claiming and completing over HTTP.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::ensure;
use hearth_tests::node::TestNode;
use hearth_tests::raw_http::RawClient;
use serde_json::Value;

use crate::ceiling::Ceiling;
use crate::measure::{Row, cpu_time, percentile_ms, rate};

const CLIENTS: usize = 16;
const CREATES: usize = 40_000;
const GETS: usize = 120_000;
const RACED: usize = 3_000;
const LIVES: usize = 8_000;

/// Measures every row, on a fresh node.
pub(crate) fn measure(
    node: &TestNode,
    ceiling: &Ceiling,
    fdatasync_ms: f64,
) -> anyhow::Result<Vec<Row>> {
    let mut rows = Vec::new();
    let key = node.owner_key()?;
    let body = |number: usize| format!(r#"{{"title":"Task number {number}"}}"#);

    let mut client = RawClient::connect(node.address(), &key)?;
    let mut times = Vec::new();
    for number in 0..2000 {
        let start = Instant::now();
        let (status, _) = client.send("POST", "/api/v1/tasks", &body(number))?;
        times.push(start.elapsed());
        ensure!(status == 201, "create answered {status}");
    }
    let p50 = percentile_ms(&mut times, 0.5);
    rows.push(Row {
        what: "create, one client, p50".into(),
        must: format!("fdatasync {fdatasync_ms:.2} + 0.15 ms"),
        measured: format!("{p50:.2} ms"),
        is_met: p50 <= fdatasync_ms + 0.15,
        note: format!("p99 {:.2} ms", percentile_ms(&mut times, 0.99)),
    });

    let (cpu, wall) = timed(node, &key, CREATES, |client, number| {
        let (status, _) = client.send("POST", "/api/v1/tasks", &body(number))?;
        ensure!(status == 201, "create answered {status}");
        Ok(())
    })?;
    let create = rate(CREATES, cpu);
    rows.push(rate_row(
        "create a task, 16 clients",
        create,
        12_000.0,
        Some(ceiling.create),
        CREATES,
        wall,
    ));

    let (cpu, wall) = timed(node, &key, GETS, |client, number| {
        let (status, _) = client.send(
            "GET",
            &format!("/api/v1/tasks/{}", number % CREATES + 1),
            "",
        )?;
        ensure!(status == 200, "get answered {status}");
        Ok(())
    })?;
    rows.push(rate_row(
        "get a task, 16 clients",
        rate(GETS, cpu),
        35_000.0,
        Some(ceiling.get),
        GETS,
        wall,
    ));

    rows.push(race(node, &key)?);
    rows.push(lives(node, &key)?);
    Ok(rows)
}

/// Sixteen agents try to claim every one of the same tasks.
fn race(node: &TestNode, key: &str) -> anyhow::Result<Row> {
    let tasks = create(node, key, RACED)?;
    let claimed: Arc<Vec<AtomicUsize>> =
        Arc::new(tasks.iter().map(|_| AtomicUsize::new(0)).collect());
    let before = cpu_time(node.pid())?;
    let start = Instant::now();
    let wins: Vec<usize> = in_threads(node, key, |agent, client| {
        let mut wins = 0;
        for (place, number) in tasks.iter().enumerate() {
            let body = format!(r#"{{"agent":"agent-{agent}"}}"#);
            let (status, _) =
                client.send("POST", &format!("/api/v1/tasks/{number}/claim"), &body)?;
            match status {
                200 => {
                    claimed[place].fetch_add(1, Ordering::Relaxed);
                    wins += 1;
                }
                409 => (),
                other => anyhow::bail!("claim answered {other}"),
            }
        }
        Ok(wins)
    })?;
    let attempts = RACED * CLIENTS;
    let cpu = cpu_time(node.pid())?.saturating_sub(before);
    let all_once = claimed
        .iter()
        .all(|count| count.load(Ordering::Relaxed) == 1);
    ensure!(all_once, "a task was claimed twice or not at all");
    ensure!(
        wins.iter().sum::<usize>() == RACED,
        "the wins do not add up"
    );
    let mut row = rate_row(
        "claim race, attempts of 16 agents",
        rate(attempts, cpu),
        10_000.0,
        None,
        attempts,
        start.elapsed(),
    );
    row.note = format!("{}; each of {RACED} claimed once", row.note);
    Ok(row)
}

/// Whole lives of tasks: create, claim, complete.
fn lives(node: &TestNode, key: &str) -> anyhow::Result<Row> {
    let (cpu, wall) = timed(node, key, LIVES, |client, number| {
        let agent = format!("agent-{}", number % CLIENTS);
        let (status, body) = client.send(
            "POST",
            "/api/v1/tasks",
            &format!(r#"{{"title":"Life {number}"}}"#),
        )?;
        ensure!(status == 201, "create answered {status}");
        let id = field(body, "id")?;
        let path = format!("/api/v1/tasks/{}", id.as_str().unwrap_or_default());
        let (status, body) = client.send(
            "POST",
            &format!("{path}/claim"),
            &format!(r#"{{"agent":"{agent}"}}"#),
        )?;
        ensure!(status == 200, "claim answered {status}");
        let fence = field(body, "fence")?;
        let done =
            format!(r#"{{"agent":"{agent}","fence":{fence},"result":{{"number":{number}}}}}"#);
        let (status, _) = client.send("POST", &format!("{path}/complete"), &done)?;
        ensure!(status == 200, "complete answered {status}");
        Ok(())
    })?;
    let requests = LIVES * 3;
    Ok(rate_row(
        "create, claim, complete: requests, 16 clients",
        rate(requests, cpu),
        10_000.0,
        None,
        requests,
        wall,
    ))
}

fn create(node: &TestNode, key: &str, count: usize) -> anyhow::Result<Vec<i64>> {
    let mut client = RawClient::connect(node.address(), key)?;
    (0..count)
        .map(|number| {
            let (status, body) = client.send(
                "POST",
                "/api/v1/tasks",
                &format!(r#"{{"title":"Raced {number}"}}"#),
            )?;
            ensure!(status == 201, "create answered {status}");
            Ok(field(body, "number")?.as_i64().unwrap_or_default())
        })
        .collect()
}

fn field(body: &[u8], name: &str) -> anyhow::Result<Value> {
    let mut body: Value = serde_json::from_slice(body)?;
    Ok(body[name].take())
}

/// Does something `count` times over sixteen connections; returns the node's processor time and
/// the time by the clock.
fn timed(
    node: &TestNode,
    key: &str,
    count: usize,
    work: impl Fn(&mut RawClient, usize) -> anyhow::Result<()> + Sync,
) -> anyhow::Result<(Duration, Duration)> {
    let (before, start) = (cpu_time(node.pid())?, Instant::now());
    in_threads(node, key, |place, client| {
        (place..count)
            .step_by(CLIENTS)
            .try_for_each(|number| work(client, number))
    })?;
    Ok((
        cpu_time(node.pid())?.saturating_sub(before),
        start.elapsed(),
    ))
}

fn in_threads<T: Send>(
    node: &TestNode,
    key: &str,
    work: impl Fn(usize, &mut RawClient) -> anyhow::Result<T> + Sync,
) -> anyhow::Result<Vec<T>> {
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..CLIENTS)
            .map(|place| {
                let work = &work;
                scope.spawn(move || work(place, &mut RawClient::connect(node.address(), key)?))
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| {
                thread
                    .join()
                    .unwrap_or_else(|_| anyhow::bail!("a client panicked"))
            })
            .collect()
    })
}

fn rate_row(
    what: &str,
    measured: f64,
    must: f64,
    ceiling: Option<f64>,
    count: usize,
    wall: Duration,
) -> Row {
    let part = ceiling.map_or_else(String::new, |ceiling| {
        format!("{:.0}% of the ceiling, ", measured / ceiling * 100.0)
    });
    Row {
        what: what.into(),
        must: format!("{must:.0} per CPU-second"),
        measured: format!("{measured:.0} per CPU-second"),
        is_met: measured >= must,
        note: format!("{part}{:.0} per second by the clock", rate(count, wall)),
    }
}
