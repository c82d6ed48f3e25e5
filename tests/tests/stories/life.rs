//! The life of a task from the command line, and what the node refuses.

use anyhow::{Context, ensure};
use hearth_tests::node::{Options, TestNode};
use serde_json::Value;

#[test]
fn a_task_is_led_through_its_life_from_the_command_line() -> anyhow::Result<()> {
    let node = TestNode::start(&Options::default())?;

    done(
        &node,
        &[
            "task",
            "add",
            "Paint the fence",
            "--priority",
            "low",
            "--label",
            "garden",
        ],
    )?;
    done(&node, &["task", "claim", "1", "--agent", "robot"])?;
    done(
        &node,
        &[
            "task",
            "block",
            "1",
            "--agent",
            "robot",
            "--reason",
            "Which colour?",
        ],
    )?;
    ensure!(done(&node, &["task", "show", "1"])?.contains("Which colour?"));
    done(&node, &["task", "answer", "1", "green"])?;
    done(&node, &["task", "claim", "--agent", "robot"])?;
    done(
        &node,
        &[
            "task",
            "complete",
            "1",
            "--agent",
            "robot",
            "--result",
            r#"{"colour": "green"}"#,
        ],
    )?;

    let task: Value = serde_json::from_str(&done(&node, &["--json", "task", "show", "1"])?)?;
    ensure!(
        task["status"] == "completed" && task["result"]["colour"] == "green",
        "{task}"
    );
    ensure!(task["context"]["answers"][0]["answer"] == "green", "{task}");
    done(&node, &["task", "reopen", "1"])?;
    done(&node, &["task", "cancel", "1", "--reason", "rain"])?;
    let events = done(&node, &["--json", "events"])?;
    for kind in [
        "created",
        "claimed",
        "blocked",
        "answered",
        "completed",
        "reopened",
        "cancelled",
    ] {
        ensure!(
            events.contains(&format!("task.{kind}")),
            "no task.{kind} in {events}"
        );
    }
    Ok(())
}

#[test]
fn a_refusal_is_one_line_and_exit_code_one_and_wrong_usage_two() -> anyhow::Result<()> {
    let node = TestNode::start(&Options::default())?;

    let refused = node.hearth(&["task", "complete", "99", "--agent", "robot", "--fence", "1"])?;
    let misused = node.hearth(&["task", "frobnicate"])?;

    let said = String::from_utf8(refused.stderr)?;
    ensure!(
        refused.status.code() == Some(1) && said.lines().count() == 1,
        "{said}"
    );
    ensure!(said.contains("99"), "{said}");
    ensure!(misused.status.code() == Some(2));
    Ok(())
}

fn done(node: &TestNode, args: &[&str]) -> anyhow::Result<String> {
    let output = node.hearth(args).with_context(|| format!("{args:?}"))?;
    let said = String::from_utf8(output.stdout)?;
    ensure!(
        output.status.success(),
        "{args:?}: {said}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(said)
}
