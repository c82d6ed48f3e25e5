//! Tools that agents make, with the real program: made by a plan, used by a later one after a restart,
//! shown, tested, disabled, brought back.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, ensure};
use hearth_tests::node::{Options, TestNode};
use serde_json::{Value, json};

/// How long a busy machine may take.
const LIMIT: Duration = Duration::from_mins(1);

/// Hands a plan in by a file, as a person does, and waits for what becomes of its task.
async fn execute(
    node: &TestNode,
    file: &Path,
    plan: Value,
    number: u32,
    status: &str,
) -> anyhow::Result<Value> {
    fs::write(file, plan.to_string())?;
    let path = file.to_str().context("a path")?;
    node.done(&["task", "add", "Work", "--plan-file", path])?;
    let path = format!("/tasks/{number}");
    node.api()?
        .wait_for(&path, LIMIT, |task| task["status"] == status)
        .await
}

/// A plan that makes `count_words`, whose code counts in this way.
fn making(count: &str) -> Value {
    json!([{"tool": "create_tool", "args": {
        "name": "count_words",
        "description": "Counts the words of a text.",
        "parameters": {
            "type": "object",
            "properties": {"text": {"type": "string", "description": "The text"}},
            "required": ["text"],
        },
        "code": format!("def run(text):\n    return {{'words': {count}}}\n"),
        "examples": [{"args": {"text": "a b"}, "result": {"words": 2}}],
    }}])
}

fn using(text: &str) -> Value {
    json!([{"tool": "count_words", "args": {"text": text}}])
}

#[tokio::test]
async fn a_tool_is_made_used_after_a_restart_and_steered_by_its_owner() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let data = folder.path().join("data");
    let plan = folder.path().join("plan.json");
    fs::create_dir(&data)?;
    let mut node = TestNode::start_in(&data, &Options::with_agents())?;
    fs::write(&plan, using("x").to_string())?;
    let path = plan.to_str().context("a path")?;
    let unknown = node.refused(&["task", "add", "Work", "--plan-file", path])?;
    ensure!(
        unknown.contains("there is no tool count_words"),
        "{unknown}"
    );

    let made = execute(&node, &plan, making("len(text.split())"), 1, "completed").await?;
    ensure!(made["result"]["tool"] == "count_words.v1", "{made}");
    node.kill()?;
    let mut node = TestNode::start_in(&data, &Options::with_agents())?;
    let used = execute(&node, &plan, using("to be or not"), 2, "completed").await?;
    ensure!(used["result"]["words"] == 4, "{used}");

    let list = node.done(&["tool", "list"])?;
    ensure!(
        list.contains("create_tool") && list.contains("count_words"),
        "{list}"
    );
    let shown = node.done(&["tool", "show", "count_words"])?;
    for words in [
        "len(text.split())",
        "compute, and nothing else",
        "0 of 1 use",
        "The text",
    ] {
        ensure!(shown.contains(words), "{words}: {shown}");
    }
    let tested = node.done(&["tool", "test", "count_words"])?;
    ensure!(tested.contains("example 1: passed"), "{tested}");

    execute(&node, &plan, making("2"), 3, "completed").await?;
    let wrong = execute(&node, &plan, using("one"), 4, "completed").await?;
    ensure!(wrong["result"]["words"] == 2, "{wrong}");
    let back = node.done(&["tool", "rollback", "count_words"])?;
    ensure!(back.contains("count_words means version 1"), "{back}");
    let right = execute(&node, &plan, using("one"), 5, "completed").await?;
    ensure!(right["result"]["words"] == 1, "{right}");

    node.done(&["tool", "disable", "count_words", "--reason", "enough"])?;
    let blocked = execute(&node, &plan, using("one"), 6, "blocked").await?;
    let reason = blocked["blocked_reason"].as_str().unwrap_or_default();
    ensure!(reason.contains("was disabled by the owner"), "{reason}");
    let shown = node.done(&["tool", "show", "count_words.v1"])?;
    ensure!(shown.contains("disabled by owner: enough"), "{shown}");
    node.done(&["tool", "enable", "count_words"])?;
    let twice = node.refused(&["tool", "enable", "count_words"])?;
    ensure!(twice.contains("enabled already"), "{twice}");
    ensure!(node.stop()? == Some(0), "{}", node.log());

    let offline = node.done(&["tool", "list"])?;
    ensure!(offline.contains("create_tool"), "{offline}");
    Ok(())
}
