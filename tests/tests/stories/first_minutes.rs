//! A new user's first minutes: work given in one line is done, with evidence.

use std::time::Duration;

use anyhow::{Context, ensure};
use hearth_tests::node::{Options, TestNode};
use hearth_tests::subscriber::Subscriber;
use serde_json::{Value, json};

const COUNT: &str = "import json, os
text = open('notes.md').read()
os.makedirs('out', exist_ok=True)
open('out/words.txt', 'w').write('\\n'.join(sorted(set(text.split()))))
print('counting')
print(json.dumps({'words': len(text.split())}))
";
const LIMIT: Duration = Duration::from_mins(1);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn work_given_in_one_line_is_done_with_evidence_and_every_step_is_an_event()
-> anyhow::Result<()> {
    let node = TestNode::start(&Options::with_agents())?;
    let api = node.api()?;
    let mut events =
        Subscriber::connect(node.address(), api.key(), "after=0&entity_type=task").await?;
    let folder = tempfile::tempdir()?;
    let (notes, count) = (
        folder.path().join("notes.md"),
        folder.path().join("count.py"),
    );
    std::fs::write(&notes, "one two three two")?;
    std::fs::write(&count, COUNT)?;

    let output = node.hearth(&[
        "task",
        "add",
        "Count the words",
        "--project",
        "notes",
        "--priority",
        "high",
        "--file",
        notes.to_str().context("path")?,
        "--python-file",
        count.to_str().context("path")?,
    ])?;

    let (said, aside) = (
        String::from_utf8(output.stdout)?,
        String::from_utf8(output.stderr)?,
    );
    ensure!(
        output.status.success() && said.contains("#1 Count the words"),
        "{said}{aside}"
    );
    ensure!(
        aside.contains("notes"),
        "the new project was not mentioned: {aside}"
    );
    let task = api
        .wait_for("/tasks/1", LIMIT, |task| task["status"] == "completed")
        .await?;
    ensure!(task["result"] == json!({"words": 4}), "{}", task["result"]);
    ensure!(
        task["assigned_to"] == "seed" && task["priority"] == "high",
        "{task}"
    );
    let artifacts = api.all("/tasks/1/artifacts").await?;
    let made = artifacts
        .iter()
        .find(|artifact| artifact["type"] == "output")
        .context("no output")?;
    let content = api
        .get(&format!(
            "/artifacts/{}/content",
            made["id"].as_str().unwrap_or_default()
        ))
        .await?;
    ensure!(content == "one\nthree\ntwo", "{content}");

    let mut types = Vec::new();
    while types.last().map(String::as_str) != Some("task.completed") {
        let event = tokio::time::timeout(LIMIT, events.next()).await??;
        types.push(event["type"].as_str().unwrap_or_default().to_owned());
    }
    ensure!(
        types
            == [
                "task.created",
                "task.claimed",
                "task.progress",
                "task.completed"
            ],
        "{types:?}"
    );
    Ok(())
}

#[tokio::test]
async fn a_task_without_a_plan_waits_and_says_for_what() -> anyhow::Result<()> {
    let node = TestNode::start(&Options::with_agents())?;

    let output = node.hearth(&["task", "add", "Think about the garden"])?;

    let said = String::from_utf8(output.stdout)?;
    ensure!(output.status.success() && said.contains("model"), "{said}");
    let task = node.api()?.get("/tasks/1").await?;
    ensure!(task["status"] == "pending", "{task}");
    ensure!(
        task["waiting_for"]
            .as_str()
            .is_some_and(|text| text.contains("model")),
        "{task}"
    );
    Ok(())
}

#[tokio::test]
async fn code_that_fails_blocks_its_task_with_what_it_said() -> anyhow::Result<()> {
    let task = outcome(
        json!([{"tool": "python", "args": {"code": "raise ValueError('no such garden')"}}]),
    )
    .await?;

    ensure!(task["status"] == "blocked", "{task}");
    let reason = task["blocked_reason"].as_str().unwrap_or_default();
    ensure!(
        reason.contains("step 1 of 1") && reason.contains("no such garden"),
        "{reason}"
    );
    Ok(())
}

#[tokio::test]
async fn every_tool_does_its_part_in_one_workspace() -> anyhow::Result<()> {
    let task = outcome(json!([
        {"tool": "write_file", "args": {"path": "data/list.txt", "content": "b\na\n"}},
        {"tool": "command", "args": {"argv": ["sort", "-o", "data/list.txt", "data/list.txt"]}},
        {"tool": "store_artifact", "args": {"type": "report", "path": "data/list.txt", "name": "list.txt"}},
        {"tool": "python", "args": {"code": "import os, socket\nprint(sorted(os.environ))"}},
        {"tool": "read_file", "args": {"path": "data/list.txt"}},
    ]))
    .await?;

    ensure!(task["status"] == "completed", "{task}");
    ensure!(
        task["result"] == json!({"content": "a\nb\n"}),
        "{}",
        task["result"]
    );
    Ok(())
}

#[tokio::test]
async fn the_sandbox_has_no_network_no_secrets_and_no_way_out() -> anyhow::Result<()> {
    let code = "
import json, os, socket
tried = {}
for name, act in {
    'network': lambda: socket.create_connection(('127.0.0.1', 4747), 1),
    'owner key': lambda: [open(os.path.join(d, 'owner.key')).read() for d, _, files in os.walk('/') if 'owner.key' in files][0],
    'home': lambda: os.listdir('/root'),
    'environment': lambda: {'HEARTH_DATA_DIR': os.environ['HEARTH_DATA_DIR']},
}.items():
    try:
        tried[name] = repr(act())
    except Exception as error:
        tried[name] = None
print(json.dumps(tried))
";
    let task = outcome(json!([{"tool": "python", "args": {"code": code}}])).await?;

    ensure!(task["status"] == "completed", "{task}");
    let result = task["result"].as_object().cloned().unwrap_or_default();
    ensure!(
        result.len() == 4 && result.values().all(Value::is_null),
        "{result:?}"
    );
    Ok(())
}

#[tokio::test]
async fn a_cancelled_task_stops_what_runs() -> anyhow::Result<()> {
    let node = TestNode::start(&Options::with_agents())?;
    let api = node.api()?;
    let code = "import time\nprint('begun', flush=True)\ntime.sleep(50)";
    let plan = json!({"title": "Sleep", "context": {"plan": [{"tool": "python", "args": {"code": code}}]}});
    api.post("/tasks", plan).await?;
    api.wait_for("/tasks/1", LIMIT, |task| task["status"] == "in_progress")
        .await?;
    wait_for_programs(&node, true)?;

    api.post("/tasks/1/cancel", json!({"reason": "no longer needed"}))
        .await?;

    wait_for_programs(&node, false)?;
    ensure!(api.get("/tasks/1").await?["status"] == "cancelled");
    Ok(())
}

#[tokio::test]
async fn a_task_cut_off_by_a_kill_is_done_after_the_restart() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let mut node = TestNode::start_in(folder.path(), &Options::with_agents())?;
    let api = node.api()?;
    let code = "import time\ntime.sleep(3)\nprint('{\"done\": true}')";
    let plan =
        json!({"title": "Slow", "context": {"plan": [{"tool": "python", "args": {"code": code}}]}});
    api.post("/tasks", plan).await?;
    api.wait_for("/tasks/1", LIMIT, |task| task["status"] == "in_progress")
        .await?;
    node.kill()?;

    let node = TestNode::start_in(folder.path(), &Options::with_agents())?;

    let task = node
        .api()?
        .wait_for("/tasks/1", LIMIT, |task| task["status"] == "completed")
        .await?;
    ensure!(
        task["result"] == json!({"done": true}) && task["attempt"] == 2,
        "{task}"
    );
    Ok(())
}

/// Has a plan executed, and returns the task when its fate is decided.
async fn outcome(plan: Value) -> anyhow::Result<Value> {
    let node = TestNode::start(&Options::with_agents())?;
    let api = node.api()?;
    api.post(
        "/tasks",
        json!({"title": "A plan", "context": {"plan": plan}}),
    )
    .await?;
    api.wait_for("/tasks/1", LIMIT, |task| {
        task["status"] == "completed" || task["status"] == "blocked"
    })
    .await
}

/// Waits until the node has sandboxed programs under it, or none.
pub(crate) fn wait_for_programs(node: &TestNode, expected: bool) -> anyhow::Result<()> {
    let deadline = std::time::Instant::now() + Duration::from_secs(30);
    loop {
        let has_programs = children(node.pid())? > 0;
        if has_programs == expected {
            return Ok(());
        }
        ensure!(
            std::time::Instant::now() < deadline,
            "programs under the node: {has_programs}"
        );
        std::thread::park_timeout(Duration::from_millis(20));
    }
}

/// Counts the processes that `parent` started and that are still there, but for the sandbox's
/// lifeguard, which is there as long as the node.
fn children(parent: u32) -> anyhow::Result<usize> {
    let mut found = 0;
    for entry in std::fs::read_dir("/proc")?.flatten() {
        let stat = std::fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
        // After the name, which may hold anything: the state, then the parent.
        let parent_of = stat
            .rsplit_once(')')
            .and_then(|(_, rest)| rest.split_whitespace().nth(1));
        let args = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let is_lifeguard = args.ends_with(b"lifeguard\0");
        found += usize::from(parent_of == Some(&parent.to_string()) && !is_lifeguard);
    }
    Ok(found)
}
