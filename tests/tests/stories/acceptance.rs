//! Done means done: the node runs a task's checks, and a completion that does not pass is none.

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use hearth_tests::node::{Answer, Api, Options, TestNode};
use hearth_tests::skip;
use serde_json::{Value, json};

use crate::first_minutes::wait_for_programs;

const LIMIT: Duration = Duration::from_mins(1);
/// Waits for a file that comes with the completion, and passes once it is there.
const WAITS: &str = "import os, time
while not os.path.exists('go'): time.sleep(0.1)";

#[tokio::test]
async fn a_worker_that_lies_never_completes_and_its_owner_hears_all_of_it() -> anyhow::Result<()> {
    let Some((node, api)) = node("a_worker_that_lies").await? else {
        return Ok(());
    };
    let code = "import json
words = len(open('report.md').read().split())
claimed = json.load(open('result.json'))['words']
print('the report has', words, 'words')
assert claimed == words, f'{claimed} were claimed'";
    let checks = json!([
        {"kind": "artifact", "type": "report", "min_bytes": 5},
        {"kind": "result_schema", "schema": {
            "type": "object", "required": ["words"], "properties": {"words": {"type": "integer"}},
        }},
        {"kind": "python", "code": code},
        {"kind": "command", "argv": ["grep", "-q", "garden", "report.md"]},
    ]);
    let fence = held(&api, 1, checks).await?;

    let nothing = complete(&api, 1, fence, json!({})).await?;
    let wrong = artifact(&api, "report.md", "four words about nothing").await?;
    let lies = json!({"result": {"words": 9}, "artifacts": [wrong]});
    let wrong_file = complete(&api, 1, fence, lies.clone()).await?;
    let again = complete(&api, 1, fence, lies).await?;
    let late = complete(&api, 1, fence, json!({})).await?;

    for (answer, failures, unmet) in [(&nothing, 1, 4), (&wrong_file, 2, 2), (&again, 3, 2)] {
        ensure!(
            answer.status == 422 && answer.body["code"] == "acceptance_failed",
            "{answer:?}"
        );
        ensure!(answer.body["failures"] == failures, "{}", answer.body);
        let evidence = answer.body["evidence"].as_array().context("no evidence")?;
        ensure!(evidence.len() == unmet, "{evidence:#?}");
    }
    let found = wrong_file.body["evidence"][0]["found"]
        .as_str()
        .unwrap_or_default();
    ensure!(
        found.contains("the report has 4 words") && found.contains("9 were claimed"),
        "{found}"
    );
    ensure!(late.status == 409, "{late:?}");
    let task = api.get("/tasks/1").await?;
    ensure!(task["status"] == "blocked", "{task}");
    let reason = task["blocked_reason"].as_str().unwrap_or_default();
    ensure!(
        reason.contains("its worker stored none") && reason.matches("9 were claimed").count() >= 2,
        "{reason}"
    );
    let notices = api.get("/notices").await?;
    ensure!(
        notices["items"][0]["text"]
            .as_str()
            .is_some_and(|text| text.starts_with("#1 Checked waits for you: 3 completions")),
        "{notices}"
    );
    let failed = api.all("/events?type=task.acceptance_failed").await?;
    ensure!(failed.len() == 3, "{failed:?}");
    ensure!(api.all("/events?type=task.completed").await?.is_empty());

    // The owner's word gives it another chance, and the truth passes.
    api.post("/tasks/1/answer", json!({"answer": "count again"}))
        .await?;
    let fence = claim(&api, 1, 60).await?;
    let right = artifact(&api, "report.md", "four words: the garden").await?;
    let truth = json!({"result": {"words": 4}, "artifacts": [right]});
    complete(&api, 1, fence, truth).await?.ok()?;
    let shown = said(&node, &["task", "show", "1"])?;
    ensure!(
        shown.contains("evidence") && shown.contains("the report has 4 words"),
        "{shown}"
    );
    Ok(())
}

#[tokio::test]
async fn hostile_checks_are_failed_checks_and_the_node_lives_on() -> anyhow::Result<()> {
    let Some((_node, api)) = node("hostile_checks").await? else {
        return Ok(());
    };
    let cases = [
        ("import time; time.sleep(600)", "it took longer than 2 s"),
        ("while True: print('flood' * 1000)", "floodflood"),
        ("import os\nwhile True: os.fork()", "it "),
        (
            "import urllib.request; urllib.request.urlopen('http://127.0.0.1:4747/')",
            "it exited with 1 in ",
        ),
        ("import os; os.kill(os.getppid(), 9); os.kill(-1, 9)", "it "),
    ];
    for (number, (code, expected)) in (1..).zip(cases) {
        let fence = held(&api, number, json!([{"kind": "python", "code": code}])).await?;

        let answer = complete(&api, number, fence, json!({})).await?;

        ensure!(answer.status == 422, "{code}: {answer:?}");
        let found = answer.body["evidence"][0]["found"]
            .as_str()
            .unwrap_or_default();
        let has_told = found.contains(expected) || found.starts_with("signal ");
        ensure!(has_told && found.len() < 10_000, "{code}: {found}");
        api.post(&format!("/tasks/{number}/cancel"), json!({}))
            .await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_task_cancelled_during_a_check_stops_it() -> anyhow::Result<()> {
    let Some((node, api)) = node("a_task_cancelled_during_a_check").await? else {
        return Ok(());
    };
    let fence = held(&api, 1, json!([{"kind": "python", "code": WAITS}])).await?;
    let completing = begin(&api, 1, fence, json!({}));
    wait_for_programs(&node, true)?;
    let cancelled = Instant::now();

    api.post("/tasks/1/cancel", json!({"reason": "no longer needed"}))
        .await?;

    let answer = completing.await??;
    eprintln!("stopped after {:?}", cancelled.elapsed());
    ensure!(
        answer.status == 409 && answer.body["code"] == "wrong_state",
        "{answer:?}"
    );
    wait_for_programs(&node, false)?;
    let task = api.get("/tasks/1").await?;
    ensure!(
        task["status"] == "cancelled" && task["failed_checks"] == json!([]),
        "{task}"
    );
    Ok(())
}

#[tokio::test]
async fn a_check_that_takes_longer_than_the_lease_keeps_it() -> anyhow::Result<()> {
    let Some((_node, api)) = node_with("a_check_that_takes_longer", "30").await? else {
        return Ok(());
    };
    let code = "import time; time.sleep(8)";
    add(&api, json!([{"kind": "python", "code": code}])).await?;
    let fence = claim(&api, 1, 5).await?;

    let task = complete(&api, 1, fence, json!({})).await?.ok()?;

    ensure!(
        task["status"] == "completed" && task["attempt"] == 1,
        "{task}"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_changes_during_a_check_is_not_passed_by_it() -> anyhow::Result<()> {
    let Some((node, api)) = node_with("what_changes_during_a_check", "30").await? else {
        return Ok(());
    };
    let code = "import os, time
time.sleep(2 if not os.path.exists('late.txt') else 0)";
    let fence = held(&api, 1, json!([{"kind": "python", "code": code}])).await?;
    let completing = begin(&api, 1, fence, json!({}));
    wait_for_programs(&node, true)?;

    let weaker = json!({ "acceptance": [] });
    let edited = api.send("PATCH", "/tasks/1", Some(&weaker)).await?;
    let late = json!({"type": "note", "content": "x", "name": "late.txt", "task_id": 1});
    api.post("/artifacts", late).await?;

    ensure!(edited.status == 409, "{edited:?}");
    let answer = completing.await??;
    ensure!(
        answer.status == 409 && answer.body["code"] == "changed_meanwhile",
        "{answer:?}"
    );
    complete(&api, 1, fence, json!({})).await?.ok()?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_killed_during_a_check_has_not_completed_the_task() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let mut node = TestNode::start_in(folder.path(), &options("30"))?;
    let api = node.api()?;
    if !has_sandbox(&api, "a_node_killed_during_a_check").await? {
        return Ok(());
    }
    let fence = held(&api, 1, json!([{"kind": "python", "code": WAITS}])).await?;
    let completing = begin(&api, 1, fence, json!({"result": {"done": true}}));
    wait_for_programs(&node, true)?;
    node.kill()?;
    ensure!(completing.await?.is_err(), "nobody answered");

    let node = TestNode::start_in(folder.path(), &options("30"))?;

    let api = node.api()?;
    let task = api.get("/tasks/1").await?;
    ensure!(
        task["status"] == "in_progress" && task["failed_checks"] == json!([]),
        "{task}"
    );
    ensure!(
        std::fs::read_dir(folder.path().join("checks"))?
            .next()
            .is_none(),
        "what the check had is gone"
    );
    let go = artifact(&api, "go", "").await?;
    let task = complete(&api, 1, fence, json!({"artifacts": [go]})).await?;
    ensure!(task.ok()?["status"] == "completed");
    Ok(())
}

#[tokio::test]
async fn a_plan_that_does_not_pass_is_the_owners_at_once_and_one_that_does_is_done()
-> anyhow::Result<()> {
    let node = TestNode::start(&Options {
        agents: true,
        ..options("30")
    })?;
    let api = node.api()?;
    if !has_sandbox(&api, "a_plan_that_does_not_pass").await? {
        return Ok(());
    }
    let code = "import os
os.makedirs('out/deep')
open('out/deep/report.md', 'w').write('garden')
open('left-lying.txt', 'w').write('not handed in')
print('{\"words\": 1}')";
    let plan = json!({"plan": [{"tool": "python", "args": {"code": code}}]});
    let task = async |checks: Value| {
        let body = json!({"title": "Planned", "context": plan, "acceptance": checks});
        let number = api.post("/tasks", body).await?["number"].clone();
        api.wait_for(&format!("/tasks/{number}"), LIMIT, |task| {
            task["status"] == "completed" || task["status"] == "blocked"
        })
        .await
    };

    let passes = task(json!([
        {"kind": "command", "argv": ["grep", "-q", "garden", "out/deep/report.md"]},
        {"kind": "result_schema", "schema": {"properties": {"words": {"const": 1}}}},
    ]))
    .await?;
    let fails = task(json!([
        {"kind": "command", "argv": ["cat", "left-lying.txt"]},
    ]))
    .await?;

    ensure!(
        passes["status"] == "completed" && passes["result"] == json!({"words": 1}),
        "{passes}"
    );
    ensure!(
        fails["status"] == "blocked" && fails["attempt"] == 1,
        "{fails}"
    );
    ensure!(
        fails["blocked_reason"]
            .as_str()
            .is_some_and(|reason| reason.contains("left-lying.txt: No such file or directory")),
        "{fails}"
    );
    Ok(())
}

#[tokio::test]
async fn a_node_that_stops_during_a_check_hands_its_plan_back() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let with_agents = Options {
        agents: true,
        ..options("30")
    };
    let mut node = TestNode::start_in(folder.path(), &with_agents)?;
    let api = node.api()?;
    if !has_sandbox(&api, "a_node_that_stops_during_a_check").await? {
        return Ok(());
    }
    let plan =
        json!({"plan": [{"tool": "store_artifact", "args": {"type": "note", "content": "x"}}]});
    let checks = json!([{"kind": "python", "code": WAITS}]);
    api.post(
        "/tasks",
        json!({"title": "Planned", "context": plan, "acceptance": checks}),
    )
    .await?;
    wait_for_programs(&node, true)?;

    let code = node.stop()?;

    ensure!(code == Some(0), "{code:?}\n{}", node.log());
    let node = TestNode::start_in(folder.path(), &Options::default())?;
    let task = node.api()?.get("/tasks/1").await?;
    ensure!(
        task["status"] == "pending" && task["failed_checks"] == json!([]),
        "{task}"
    );
    Ok(())
}

#[tokio::test]
async fn checks_are_given_and_shown_on_the_command_line() -> anyhow::Result<()> {
    let Some((node, _api)) = node("checks_are_given_and_shown").await? else {
        return Ok(());
    };
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("checks.json");
    std::fs::write(
        &file,
        json!([{"kind": "python", "code": "import sys; sys.exit('not yet')"}]).to_string(),
    )?;
    let file = file.to_str().context("path")?;
    let check = r#"{"kind": "artifact", "type": "report"}"#;
    said(
        &node,
        &[
            "task",
            "add",
            "Write it",
            "--accept",
            check,
            "--accept-file",
            file,
        ],
    )?;
    said(&node, &["task", "claim", "1", "--agent", "robot"])?;

    let refused = node.hearth(&["task", "complete", "1", "--agent", "robot"])?;

    let told = String::from_utf8(refused.stderr)?;
    let lines: Vec<&str> = told.lines().collect();
    ensure!(refused.status.code() == Some(1), "{told}");
    ensure!(
        lines.first()
            == Some(&"hearth: the task is not done: 2 checks do not hold (failure 1 of 3)"),
        "{told}"
    );
    ensure!(
        lines.get(1) == Some(&"- an artifact of type report: its worker stored none")
            && told.contains("- python import sys; sys.exit('not yet'): it exited with 1 in ")
            && lines.last() == Some(&"    not yet"),
        "{told}"
    );
    let shown = said(&node, &["task", "show", "1"])?;
    ensure!(
        shown.contains("done when") && shown.contains("not passed") && shown.contains("not yet"),
        "{shown}"
    );
    said(&node, &["task", "release", "1", "--agent", "robot"])?;
    said(&node, &["task", "update", "1", "--clear", "acceptance"])?;
    said(&node, &["task", "claim", "1", "--agent", "robot"])?;
    said(&node, &["task", "complete", "1", "--agent", "robot"])?;
    Ok(())
}

#[tokio::test]
async fn a_check_that_could_never_run_is_refused_when_it_is_given() -> anyhow::Result<()> {
    let node = TestNode::start(&Options::default())?;
    let api = node.api()?;
    for (check, field) in [
        (
            json!({"kind": "result_schema", "schema": {"type": "text"}}),
            "acceptance[1].schema",
        ),
        (
            json!({"kind": "result_schema", "schema": {"$ref": "http://127.0.0.1:4747/healthz"}}),
            "acceptance[1].schema",
        ),
        (json!({"kind": "magic"}), "acceptance[1].kind"),
        (json!({"kind": "command", "argv": []}), "acceptance[1].argv"),
    ] {
        let body = json!({"title": "x", "acceptance": [{"kind": "artifact"}, check]});

        let answer = api.send("POST", "/tasks", Some(&body)).await?;

        ensure!(
            answer.status == 422 && answer.body["field"] == field,
            "{check} {answer:?}"
        );
    }
    let check = r#"{"kind": "result_schema", "schema": {"type": "text"}}"#;
    let refused = node.hearth(&["task", "add", "x", "--accept", check])?;
    let told = String::from_utf8(refused.stderr)?;
    ensure!(
        refused.status.code() == Some(1) && told.contains("acceptance[0].schema is no JSON Schema"),
        "{told}"
    );
    Ok(())
}

/// Starts a node whose programs get two seconds; none where there is no sandbox, which is said.
async fn node(story: &str) -> anyhow::Result<Option<(TestNode, Api)>> {
    node_with(story, "2").await
}

async fn node_with(story: &str, seconds: &str) -> anyhow::Result<Option<(TestNode, Api)>> {
    let node = TestNode::start(&options(seconds))?;
    let api = node.api()?;
    let has_sandbox = has_sandbox(&api, story).await?;
    Ok(has_sandbox.then_some((node, api)))
}

fn options(seconds: &str) -> Options {
    Options {
        env: vec![("HEARTH_SANDBOX_TIME_SECONDS".into(), seconds.into())],
        ..Options::default()
    }
}

async fn has_sandbox(api: &Api, story: &str) -> anyhow::Result<bool> {
    let status = api
        .wait_for("/status", LIMIT, |status| {
            let sandbox = &status["facilities"]["sandbox"];
            sandbox["is_available"] == true || sandbox["reason"] != "the sandbox was not looked for"
        })
        .await?;
    let sandbox = &status["facilities"]["sandbox"];
    if sandbox["is_available"] != true {
        skip::skip(story, &format!("no sandbox: {}", sandbox["reason"]));
        return Ok(false);
    }
    Ok(true)
}

async fn add(api: &Api, checks: Value) -> anyhow::Result<Value> {
    api.post("/tasks", json!({"title": "Checked", "acceptance": checks}))
        .await
}

async fn claim(api: &Api, number: u32, lease_seconds: u32) -> anyhow::Result<u64> {
    let body = json!({"agent": "robot", "lease_seconds": lease_seconds});
    let task = api.post(&format!("/tasks/{number}/claim"), body).await?;
    task["fence"].as_u64().context("no fence")
}

/// Makes the task `number` with checks, has robot hold it, and returns the fence.
async fn held(api: &Api, number: u32, checks: Value) -> anyhow::Result<u64> {
    let task = add(api, checks).await?;
    ensure!(task["number"] == number, "{task}");
    claim(api, number, 60).await
}

async fn complete(api: &Api, number: u32, fence: u64, mut done: Value) -> anyhow::Result<Answer> {
    done["agent"] = "robot".into();
    done["fence"] = fence.into();
    let path = format!("/tasks/{number}/complete");
    api.send("POST", &path, Some(&done)).await
}

fn begin(
    api: &Api,
    number: u32,
    fence: u64,
    done: Value,
) -> tokio::task::JoinHandle<anyhow::Result<Answer>> {
    let api = api.clone();
    tokio::spawn(async move { complete(&api, number, fence, done).await })
}

/// Stores an artifact of robot's that waits for a task.
async fn artifact(api: &Api, name: &str, content: &str) -> anyhow::Result<Value> {
    let body = json!({"type": "report", "name": name, "content": content, "agent": "robot"});
    Ok(api.post("/artifacts", body).await?["id"].clone())
}

fn said(node: &TestNode, args: &[&str]) -> anyhow::Result<String> {
    let output = node.hearth(args)?;
    let said = String::from_utf8(output.stdout)?;
    ensure!(
        output.status.success(),
        "{args:?}: {said}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(said)
}
