//! What a journalled run costs: its steps, what a step takes beyond its work, and what it keeps in
//! memory while it waits for its owner.

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use hearth_tests::node::{Api, Options, TestNode};
use serde_json::{Value, json};

use crate::measure::{cpu_time, memory_mib, percentile_ms, rate};

/// How many steps a plan may have.
const STEPS: usize = 50;
const PLANS: usize = 20;
const WAITING: usize = 2000;
const LIMIT: Duration = Duration::from_mins(5);

/// Measures and prints; the design names no limits for these.
pub(crate) fn measure() -> anyhow::Result<()> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(async {
            journal().await?;
            overhead().await?;
            waiting().await
        })
}

fn start() -> anyhow::Result<TestNode> {
    TestNode::start(&Options {
        agents: true,
        ..Options::default()
    })
}

/// Steps that do next to nothing: what is left is the journal.
async fn journal() -> anyhow::Result<()> {
    let node = start()?;
    let api = node.api()?;
    let mut plan = vec![json!({"tool": "write_file", "args": {"path": "a", "content": "a"}})];
    plan.resize(STEPS, json!({"tool": "read_file", "args": {"path": "a"}}));
    // Alike on purpose, but not one after the other: that would be put to the owner.
    for (place, step) in plan.iter_mut().enumerate().skip(1) {
        if place % 2 == 0 {
            step["args"]["path"] = json!("./a");
        }
    }
    let (cpu, begun) = (cpu_time(node.pid())?, Instant::now());
    for _ in 0..PLANS {
        add(&api, &Value::from(plan.clone())).await?;
    }
    ended(&api, PLANS, "completed").await?;
    let (wall, cpu) = (begun.elapsed(), cpu_time(node.pid())?.saturating_sub(cpu));
    println!(
        "journalled steps: {:.0} per second, {:.0} per CPU-second ({} steps of three writes, two runs at once)",
        rate(PLANS * STEPS, wall),
        rate(PLANS * STEPS, cpu),
        PLANS * STEPS
    );
    Ok(())
}

/// Commands that do nothing, one after the other: from when a step is written down to when its result
/// is, without what the sandbox says that the command took.
async fn overhead() -> anyhow::Result<()> {
    let node = start()?;
    let api = node.api()?;
    let steps = |number: usize| json!({"tool": "run_command", "args": {"argv": ["echo", number.to_string()]}});
    let plan: Vec<Value> = (0..STEPS).map(steps).collect();
    add(&api, &plan.into()).await?;
    ended(&api, 1, "completed").await?;
    let events = api.all("/events?type=step.*").await?;
    let mut whole = Vec::new();
    let mut begun = None;
    for event in &events {
        let at = event["timestamp"]
            .as_str()
            .and_then(|at| at.parse::<jiff::Timestamp>().ok());
        let at = at.context("no time")?;
        match event["type"].as_str() {
            Some("step.started") => begun = Some(at),
            Some("step.completed") => {
                let took = at.duration_since(begun.context("no start")?);
                let note = event["payload"]["note"].as_str().unwrap_or_default();
                let work = note
                    .trim_start_matches("finished in ")
                    .trim_end_matches(" ms");
                let work = Duration::from_millis(work.parse()?);
                whole.push(Duration::try_from(took)?.saturating_sub(work));
            }
            _ => (),
        }
    }
    ensure!(whole.len() == STEPS);
    println!(
        "a step beyond its work: p50 {:.1} ms, p99 {:.1} ms (event times are to the millisecond)",
        percentile_ms(&mut whole, 0.5),
        percentile_ms(&mut whole, 0.99)
    );
    Ok(())
}

/// Runs that wait for their owner: they are rows and nothing else.
async fn waiting() -> anyhow::Result<()> {
    let node = start()?;
    let api = node.api()?;
    let plan = json!([{"tool": "ask_owner", "args": {"question": "Go on?"}}]);
    // What is loaded once is loaded by the first.
    for _ in 0..50 {
        add(&api, &plan).await?;
    }
    ended(&api, 50, "blocked").await?;
    let before = (memory_mib(node.pid())?.1, threads(node.pid())?);
    for _ in 0..WAITING {
        add(&api, &plan).await?;
    }
    ended(&api, 50 + WAITING, "blocked").await?;
    let after = (memory_mib(node.pid())?.1, threads(node.pid())?);
    #[expect(clippy::cast_precision_loss, reason = "a count far below 2^52")]
    let each = (after.0 - before.0) * 1024.0 / WAITING as f64;
    println!(
        "a run that waits: {each:.2} KiB, caches of the database included ({WAITING} of them: {:.1} to {:.1} MiB, threads {} to {})",
        before.0, after.0, before.1, after.1
    );
    Ok(())
}

async fn add(api: &Api, plan: &Value) -> anyhow::Result<()> {
    api.post(
        "/tasks",
        json!({"title": "Measured", "context": {"plan": plan}}),
    )
    .await
    .map(drop)
}

/// Waits until so many tasks are in a state.
async fn ended(api: &Api, count: usize, status: &str) -> anyhow::Result<()> {
    api.wait_for("/status", LIMIT, |state| {
        state["tasks"][status].as_u64() == u64::try_from(count).ok()
    })
    .await
    .map(drop)
}

fn threads(pid: u32) -> anyhow::Result<usize> {
    Ok(std::fs::read_dir(format!("/proc/{pid}/task"))?.count())
}
