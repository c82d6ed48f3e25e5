//! Agents that work for each other, with the real program: work that is handed on, specialists, and
//! agents that are paused.

use std::time::Duration;

use anyhow::ensure;
use hearth_tests::node::{Api, Options, TestNode};
use serde_json::{Value, json};

/// How long a busy machine may take.
const LIMIT: Duration = Duration::from_mins(1);

/// The node's own agents work on one task at a time.
fn one_at_a_time() -> Options {
    Options {
        agents: true,
        env: vec![("HEARTH_AGENTS_PARALLEL".into(), "1".into())],
        ..Options::default()
    }
}

fn keep(text: &Value) -> Value {
    json!({"tool": "store_artifact", "args": {"type": "note", "content": text}})
}

async fn add(api: &Api, title: &str, plan: Value) -> anyhow::Result<()> {
    let task = json!({"title": title, "max_attempts": 1, "context": {"plan": plan}});
    api.post("/tasks", task).await.map(drop)
}

async fn until(api: &Api, task: u32, status: &str) -> anyhow::Result<Value> {
    let path = format!("/tasks/{task}");
    api.wait_for(&path, LIMIT, |task| task["status"] == status)
        .await
}

/// The first run waits, its task being nobody's.
async fn until_it_rests(api: &Api) -> anyhow::Result<Value> {
    let waits = |runs: &Value| runs["items"][0]["status"] == "waiting";
    let runs = api.wait_for("/runs?task=1", LIMIT, waits).await?;
    Ok(runs["items"][0].clone())
}

#[tokio::test]
async fn a_plan_hands_work_to_an_agent_outside_and_gets_it_back_after_a_restart()
-> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let mut node = TestNode::start_in(folder.path(), &one_at_a_time())?;
    let api = node.api()?;
    let scout = json!({"name": "scout", "type": "worker"});
    api.post("/agents/register", scout).await?;
    let look = json!({
        "id": "look", "tool": "delegate",
        "args": {"agent": "scout", "title": "Look at the sea", "context": {"from": "the pier"}},
    });
    let found = json!({"$result": "look", "at": "/result/found"});
    add(&api, "Report", json!([look, keep(&found)])).await?;

    let run = until_it_rests(&api).await?;

    ensure!(run["reason"] == "task #2", "{run}");
    let parent = api.get("/tasks/1").await?;
    ensure!(parent["status"] == "pending", "{parent}");
    // The only worker is free for something else.
    add(&api, "Something else", json!([keep(&json!("x"))])).await?;
    until(&api, 3, "completed").await?;
    let shown = node.done(&["run", "show", "1"])?;
    ensure!(shown.contains("waits for another agent"), "{shown}");

    node.kill()?;
    let mut node = TestNode::start_in(folder.path(), &one_at_a_time())?;
    let api = node.api()?;
    let part = api.post("/tasks/claim", json!({"agent": "scout"})).await?;
    ensure!(
        part["number"] == 2 && part["context"]["from"] == "the pier",
        "{part}"
    );
    ensure!(part["parent_id"] == parent["id"], "{part}");
    let handed_in = json!({
        "agent": "scout", "fence": part["fence"], "result": {"found": "a whale"},
    });
    api.post("/tasks/2/complete", handed_in).await?;

    let task = until(&api, 1, "completed").await?;
    ensure!(task["result"]["result"]["found"] == "a whale", "{task}");
    ensure!(
        task["attempt"] == 2,
        "neither the wait nor the restart failed: {task}"
    );
    let artifacts = api.all("/tasks/1/artifacts").await?;
    ensure!(
        artifacts[0]["size_bytes"] == "a whale".len(),
        "{artifacts:?}"
    );
    ensure!(node.stop()? == Some(0), "{}", node.log());
    Ok(())
}

#[tokio::test]
async fn cancelling_a_task_stops_the_agent_that_its_work_was_handed_to() -> anyhow::Result<()> {
    let node = TestNode::start(&one_at_a_time())?;
    let api = node.api()?;
    let scout = json!({"name": "scout", "type": "worker"});
    api.post("/agents/register", scout).await?;
    let look = json!({"tool": "delegate", "args": {"agent": "scout", "title": "Look"}});
    add(&api, "Report", json!([look])).await?;
    until_it_rests(&api).await?;
    let part = api.post("/tasks/claim", json!({"agent": "scout"})).await?;

    node.done(&["task", "cancel", "1"])?;

    let part_now = api.get("/tasks/2").await?;
    ensure!(part_now["status"] == "cancelled", "{part_now}");
    let beat = json!({"agent": "scout", "fence": part["fence"]});
    let late = api.post("/tasks/2/heartbeat", beat).await;
    ensure!(late.is_err(), "it goes on with it: {late:?}");
    let runs = api.all("/runs?status=waiting").await?;
    ensure!(runs.is_empty(), "{runs:?}");
    Ok(())
}

#[tokio::test]
async fn a_plan_makes_a_specialist_that_seed_has_work_and_its_owner_rules() -> anyhow::Result<()> {
    let node = TestNode::start(&one_at_a_time())?;
    let api = node.api()?;
    let make = json!({
        "id": "make", "tool": "create_agent",
        "args": {
            "name": "keeper", "instructions": "Keeps what it is given.",
            "tools": ["store_artifact"], "limits": {"turns": 5, "usd": 0.5},
        },
    });
    let part = json!({
        "id": "part", "tool": "delegate", "after": ["make"],
        "args": {
            "agent": "keeper", "title": "Keep it",
            "context": {"plan": [keep(&json!("kept"))]},
            "acceptance": [{"kind": "artifact", "type": "note"}],
        },
    });
    add(&api, "Have it kept", json!([make, part])).await?;

    let task = until(&api, 1, "completed").await?;

    ensure!(task["result"]["artifacts"][0]["type"] == "note", "{task}");
    let by = api.get("/tasks/2").await?;
    ensure!(by["assigned_to"] == "keeper", "{by}");
    let shown = node.done(&["agent", "show", "keeper"])?;
    for said in [
        "store_artifact",
        "5 turns, 0.5 USD",
        "Keeps what it is given.",
        "made by",
    ] {
        ensure!(shown.contains(said), "{said} is missing: {shown}");
    }
    let listed = node.done(&["agent", "list"])?;
    ensure!(listed.contains("keeper     specialist"), "{listed}");

    node.done(&["agent", "disable", "keeper"])?;
    let kept =
        json!({"title": "More", "assigned_to": "keeper", "context": {"plan": [keep(&json!("y"))]}});
    api.post("/tasks", kept).await?;
    let waits = node.done(&["task", "show", "3"])?;
    ensure!(waits.contains("hearth agent enable keeper"), "{waits}");
    let output = node.hearth(&["agent", "remove", "keeper"])?;
    let refused = String::from_utf8(output.stderr)?;
    ensure!(refused.contains("keeper has open tasks: #3"), "{refused}");
    node.done(&["agent", "enable", "keeper"])?;
    until(&api, 3, "completed").await?;
    node.done(&["agent", "remove", "keeper"])?;
    ensure!(!node.done(&["agent", "list"])?.contains("keeper"));
    Ok(())
}

#[tokio::test]
async fn a_paused_seed_leaves_tasks_where_they_are_until_it_is_resumed() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let mut node = TestNode::start_in(folder.path(), &one_at_a_time())?;
    let paused = node.done(&["agent", "pause", "seed"])?;
    ensure!(paused.contains("hearth agent resume seed"), "{paused}");

    // The pause outlives the node.
    ensure!(node.stop()? == Some(0), "{}", node.log());
    let mut node = TestNode::start_in(folder.path(), &one_at_a_time())?;
    let api = node.api()?;
    add(&api, "Wait", json!([keep(&json!("x"))])).await?;
    let waits = node.done(&["task", "show", "1"])?;
    ensure!(waits.contains("hearth agent resume seed"), "{waits}");
    ensure!(node.done(&["agent", "list"])?.contains("paused"));
    ensure!(node.done(&["status"])?.contains("seed"));

    node.done(&["agent", "resume", "seed"])?;

    until(&api, 1, "completed").await?;
    ensure!(node.stop()? == Some(0), "{}", node.log());
    Ok(())
}

#[tokio::test]
async fn a_pause_at_once_stops_what_runs_and_costs_no_attempt() -> anyhow::Result<()> {
    let node = TestNode::start(&one_at_a_time())?;
    let api = node.api()?;
    // A plan that waits between two tries is at work for as long.
    let slow = json!({
        "tool": "read_file", "args": {"path": "nothing"},
        "retry": {"times": 1, "wait_seconds": 60},
    });
    add(&api, "Slow", json!([slow])).await?;
    until(&api, 1, "in_progress").await?;

    let paused = node.done(&["agent", "pause", "seed", "--now"])?;

    ensure!(paused.contains("handed back: #1"), "{paused}");
    let task = api.get("/tasks/1").await?;
    ensure!(task["status"] == "pending", "{task}");
    node.done(&["task", "cancel", "1"])?;
    add(&api, "Next", json!([keep(&json!("x"))])).await?;
    node.done(&["agent", "resume", "seed"])?;
    until(&api, 2, "completed").await?;
    Ok(())
}
