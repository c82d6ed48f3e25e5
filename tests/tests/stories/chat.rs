//! Talking to the chief of staff of the real program: what is said becomes work, and is done.

use std::io::Write;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, ensure};
use hearth_tests::node::{Api, Options, TestNode, command};
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_mins(1);
const COUNT: &str = "import json, os
text = open('notes.txt').read()
open('out/report.txt', 'w').write(str(len(text.split())))
print(json.dumps({'words': len(text.split())}))
";

/// Says something on the command line; returns the answer.
fn say(node: &TestNode, message: &str) -> anyhow::Result<String> {
    let output = node.hearth(&["chat", message])?;
    let said = String::from_utf8(output.stdout)?;
    ensure!(
        output.status.success(),
        "{message}: {said}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(said)
}

#[track_caller]
fn has(said: &str, wanted: &[&str]) -> anyhow::Result<()> {
    for piece in wanted {
        ensure!(said.contains(piece), "{said:?} without {piece:?}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_sentences_become_a_project_whose_tasks_are_done_answered_and_taken_back()
-> anyhow::Result<()> {
    let node = TestNode::start(&Options {
        agents: true,
        ..Options::default()
    })?;
    let api = node.api()?;

    // The five sentences.
    has(&say(&node, "create project garden")?, &["project garden"])?;
    has(
        &say(&node, "add count the words for seed @garden !high")?,
        &[
            "#1 Count the words",
            "in garden",
            "high priority",
            "for seed",
        ],
    )?;
    has(
        &say(
            &node,
            "remind me to order seeds in project garden tomorrow at 9am",
        )?,
        &["#2 Order seeds", "09:00"],
    )?;
    has(
        &say(&node, "add paint the fence @garden every saturday 10:00")?,
        &["#3 Paint the fence", "every saturday 10:00"],
    )?;
    has(&say(&node, "how is garden going?")?, &["0 of 3 done"])?;

    // One is done by the seed, with evidence.
    done_by_the_seed(&api).await?;
    has(
        &say(&node, "what got done today?")?,
        &["#1 Count the words"],
    )?;

    // One is blocked by whoever works on it, told of once, and answered.
    let claimed = api
        .post("/tasks/2/claim", json!({"agent": "helper"}))
        .await?;
    let block = json!({
        "agent": "helper", "fence": claimed["fence"], "reason": "Which shop?", "options": ["near", "far"],
    });
    api.post("/tasks/2/block", block).await?;
    let told = say(&node, "what's blocked?")?;
    has(
        &told,
        &[
            "* #2 Order seeds waits for you: Which shop? (near, far)",
            "#2 Order seeds is blocked",
        ],
    )?;
    ensure!(
        !say(&node, "what's blocked?")?.contains("* #2"),
        "told twice"
    );
    has(&say(&node, "answer 2 near")?, &["answered #2", "near"])?;
    let answered = api.get("/tasks/2").await?;
    ensure!(answered["status"] == "pending", "{answered}");
    ensure!(
        answered["context"]["answers"][0]["answer"] == "near",
        "{answered}"
    );

    // One is cancelled, and the order undone.
    has(&say(&node, "cancel the fence")?, &["cancelled #3"])?;
    ensure!(api.get("/tasks/3").await?["status"] == "cancelled");
    has(
        &say(&node, "undo")?,
        &["#3 Paint the fence", "pending again"],
    )?;
    ensure!(api.get("/tasks/3").await?["status"] == "pending");

    conversation_is_stored(&api).await
}

async fn done_by_the_seed(api: &Api) -> anyhow::Result<()> {
    let plan = json!([
        {"tool": "write_file", "args": {"path": "notes.txt", "content": "one two three"}},
        {"tool": "python", "args": {"code": COUNT}},
    ]);
    let update = json!({
        "context": {"plan": plan}, "acceptance": [{"kind": "artifact", "type": "output", "min_bytes": 1}],
    });
    api.send("PATCH", "/tasks/1", Some(&update)).await?.ok()?;
    let done = api
        .wait_for("/tasks/1", LIMIT, |task| task["status"] == "completed")
        .await?;
    ensure!(done["result"] == json!({"words": 3}), "{done}");
    let events = api.all("/events?type=task.completed").await?;
    let evidence = events
        .iter()
        .find(|event| event["payload"]["number"] == 1)
        .context("no event")?["payload"]["evidence"]
        .clone();
    ensure!(evidence[0]["check"]["kind"] == "artifact", "{evidence}");
    Ok(())
}

async fn conversation_is_stored(api: &Api) -> anyhow::Result<()> {
    let conversations = api.all("/conversations").await?;
    ensure!(conversations.len() == 1, "{conversations:?}");
    let id = conversations[0]["id"].as_str().unwrap_or_default();
    let messages = api.all(&format!("/conversations/{id}/messages")).await?;
    ensure!(messages.len() == 22, "{}", messages.len());
    ensure!(messages[0]["text"] == "create project garden");
    Ok(())
}

#[tokio::test]
async fn a_question_and_an_order_are_remembered_through_a_kill() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let mut node = TestNode::start_in(folder.path(), &Options::default())?;
    say(&node, "add landing page")?;
    say(&node, "add landing strip")?;
    has(&say(&node, "complete the landing")?, &["Which one"])?;
    node.kill()?;

    let mut node = TestNode::start_in(folder.path(), &Options::default())?;
    has(
        &say(&node, "the second one")?,
        &["#2 Landing strip is done"],
    )?;
    node.kill()?;

    let node = TestNode::start_in(folder.path(), &Options::default())?;
    has(&say(&node, "undo")?, &["#2", "pending again"])?;
    Ok(())
}

#[tokio::test]
async fn lines_of_standard_input_are_a_conversation() -> anyhow::Result<()> {
    let node = TestNode::start(&Options::default())?;
    let mut child = command(node.data_dir())?
        .args(["chat", "--json"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut stdin = child.stdin.take().context("no stdin")?;
    stdin.write_all(b"add buy milk due 2030-01-05\n\nmake it high\nwhat's due by 2030-02-01\n")?;
    drop(stdin);

    let output = child.wait_with_output()?;

    let answers: Vec<Value> = String::from_utf8(output.stdout)?
        .lines()
        .map(serde_json::from_str)
        .collect::<Result<_, _>>()?;
    ensure!(output.status.success() && answers.len() == 3, "{answers:?}");
    ensure!(
        answers[0]["actions"][0]["event"] == "task.created",
        "{}",
        answers[0]
    );
    ensure!(answers[1]["conversation_id"] == answers[0]["conversation_id"]);
    has(
        answers[2]["response"].as_str().unwrap_or_default(),
        &["#1 Buy milk, due Sat 5 Jan 2030"],
    )
}

#[tokio::test]
async fn a_line_on_the_command_line_is_read_as_everywhere() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    std::fs::write(
        folder.path().join("hearth.toml"),
        "time_zone = \"America/New_York\"\n",
    )?;
    let node = TestNode::start_in(folder.path(), &Options::default())?;
    let add = |line: &str| node.hearth(&["task", "add", line]);

    let made =
        String::from_utf8(add("Build landing page @web !high due 2030-01-05 #design")?.stdout)?;
    has(
        &made,
        &[
            "#1 Build landing page (due Sat 5 Jan 2030",
            "high priority",
            "labelled design",
        ],
    )?;
    let task = node.api()?.get("/tasks/1").await?;
    ensure!(task["due_at"] == "2030-01-06T04:59:59.000Z", "{task}");
    for (line, says) in [
        ("Paint @wbe", "did you mean web"),
        ("Paint every blursday", "every thursday"),
        ("Paint due 2020-01-01", "past"),
    ] {
        let refused = add(line)?;
        let why = String::from_utf8(refused.stderr)?;
        ensure!(
            refused.status.code() == Some(1) && why.lines().count() == 1,
            "{why}"
        );
        has(&why, &[says])?;
    }
    let literal = node.hearth(&["task", "add", "--literal", "Paint @wbe every blursday"])?;
    has(
        &String::from_utf8(literal.stdout)?,
        &["#2 Paint @wbe every blursday"],
    )?;
    ensure!(node.api()?.all("/tasks").await?.len() == 2);
    Ok(())
}
