//! Runs as their owner sees them, with the real program: plans from the command line, approvals in the
//! middle, refusals, retries, restarts; and many runs at once that see nothing of each other.

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use hearth_tests::node::{Api, Options, TestNode};
use serde_json::{Value, json};

/// How long a busy machine may take.
const LIMIT: Duration = Duration::from_mins(1);

async fn add(api: &Api, title: &str, plan: Value) -> anyhow::Result<String> {
    let task = json!({"title": title, "max_attempts": 10, "context": {"plan": plan}});
    Ok(api.post("/tasks", task).await?["number"].to_string())
}

async fn until(api: &Api, task: &str, status: &str) -> anyhow::Result<Value> {
    api.wait_for(&format!("/tasks/{task}"), LIMIT, |task| {
        task["status"] == status
    })
    .await
}

fn outside(line: &str) -> Value {
    json!({"tool": "run_command", "args": {"argv": ["sh", "-c", line], "outside": true}})
}

fn python(code: &str) -> Value {
    json!({"tool": "python", "args": {"code": code}})
}

#[tokio::test]
async fn a_plan_asks_in_the_middle_and_goes_on_after_a_restart() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let data = folder.path().join("data");
    fs::create_dir(&data)?;
    let acts = folder.path().join("acts");
    let plan = folder.path().join("plan.json");
    let steps = json!([
        {"id": "count", "tool": "python", "args": {"code": "import json; print(json.dumps({'words': 3}))"}},
        {"id": "act", "tool": "run_command", "args": {"argv": ["sh", "-c", format!("echo acted >> '{}'", acts.display())], "outside": true}},
        {"id": "tell", "tool": "python", "args": {"code": "import sys; print(sys.stdin.read())", "stdin": {"$result": "count"}}},
    ]);
    fs::write(&plan, steps.to_string())?;
    let plan = plan.to_str().context("a path")?;
    let mut node = TestNode::start_in(&data, &Options::with_agents())?;
    node.done(&["task", "add", "Count and act", "--plan-file", plan])?;
    until(&node.api()?, "1", "blocked").await?;

    node.kill()?;
    let mut node = TestNode::start_in(&data, &Options::with_agents())?;
    let waiting = node.done(&["approvals"])?;
    ensure!(waiting.contains("outside the sandbox"), "{waiting}");
    let shown = node.done(&["approvals", "show", "1"])?;
    ensure!(shown.contains("echo acted"), "{shown}");
    ensure!(!acts.exists());
    let maybe = node.refused(&["task", "answer", "1", "maybe"])?;
    ensure!(maybe.contains("approval 1"), "{maybe}");
    node.done(&["approvals", "approve", "1", "--note", "go on"])?;
    node.done(&["run", "follow", "1"])?;

    let task = until(&node.api()?, "1", "completed").await?;
    ensure!(task["result"]["words"] == 3, "{task}");
    ensure!(fs::read_to_string(&acts)? == "acted\n");
    let again = node.refused(&["approvals", "approve", "1"])?;
    ensure!(again.contains("used already"), "{again}");
    let run = node.done(&["run", "show", "1"])?;
    ensure!(run.contains("act") && run.contains("approval 1"), "{run}");
    ensure!(fs::read_dir(data.join("workspaces"))?.next().is_none());
    ensure!(node.stop()? == Some(0), "{}", node.log());
    Ok(())
}

#[tokio::test]
async fn a_no_is_told_and_the_run_is_tried_again_from_there() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let acts = folder.path().join("acts");
    let node = TestNode::start(&Options::with_agents())?;
    let api = node.api()?;
    let act = outside(&format!("echo acted >> '{}'", acts.display()));
    add(
        &api,
        "Act",
        json!([python("open('once', 'x')"), act, python("open('once')")]),
    )
    .await?;
    until(&api, "1", "blocked").await?;

    node.done(&["approvals", "deny", "1", "--note", "not today"])?;
    let task = api
        .wait_for("/tasks/1", LIMIT, |task| {
            task["blocked_reason"]
                .as_str()
                .is_some_and(|reason| reason.contains("not today"))
        })
        .await?;
    let reason = task["blocked_reason"].as_str().unwrap_or_default();
    ensure!(
        reason.contains("hearth run retry 1 --from step-2"),
        "{reason}"
    );

    node.done(&["run", "retry", "1", "--from", "step-2"])?;
    until(&api, "1", "blocked").await?;
    node.done(&["task", "answer", "1", "yes"])?;
    // Step 1 makes a file that must not be there: it is not done again.
    until(&api, "1", "completed").await?;
    ensure!(fs::read_to_string(&acts)? == "acted\n");
    Ok(())
}

#[tokio::test]
async fn what_is_remembered_is_not_asked_again_and_for_nothing_else() -> anyhow::Result<()> {
    let server = TcpListener::bind("127.0.0.1:0")?;
    let host = server.local_addr()?.to_string();
    std::thread::spawn(move || {
        for connection in server.incoming().map_while(Result::ok) {
            let _ = answer(connection);
        }
    });
    let node = TestNode::start(&Options::with_agents())?;
    let api = node.api()?;
    let get = |path: &str| json!([{"tool": "http_get", "args": {"url": format!("http://{host}/{path}")}}]);

    add(&api, "First", get("page")).await?;
    until(&api, "1", "blocked").await?;
    node.done(&["approvals", "approve", "1", "--remember"])?;
    let task = until(&api, "1", "completed").await?;
    ensure!(task["result"]["body"] == "hello /page", "{task}");

    add(&api, "Second", get("page")).await?;
    until(&api, "2", "completed").await?;
    add(&api, "Third", get("other")).await?;
    until(&api, "3", "blocked").await?;

    node.done(&["approvals", "revoke", "1"])?;
    add(&api, "Fourth", get("page")).await?;
    until(&api, "4", "blocked").await?;
    let asked: Value = serde_json::from_str(&node.done(&["--json", "approvals"])?)?;
    ensure!(
        asked["items"].as_array().map_or(0, Vec::len) == 2,
        "{asked}"
    );
    Ok(())
}

/// Answers one request with the path that it asks for.
fn answer(mut connection: std::net::TcpStream) -> std::io::Result<()> {
    connection.set_read_timeout(Some(LIMIT))?;
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && connection.read(&mut byte)? == 1 {
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head);
    let path = head.split(' ').nth(1).unwrap_or_default();
    let body = format!("hello {path}");
    write!(
        connection,
        "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
}

#[tokio::test]
async fn cancelling_ends_what_runs_within_a_second_and_takes_back_what_was_asked()
-> anyhow::Result<()> {
    let node = TestNode::start(&Options::with_agents())?;
    let api = node.api()?;
    add(&api, "Waits", json!([outside("true")])).await?;
    until(&api, "1", "blocked").await?;
    node.done(&["run", "cancel", "1"])?;
    let approval = api.get("/approvals/1").await?;
    ensure!(approval["status"] == "withdrawn", "{approval}");
    ensure!(api.get("/runs/1").await?["status"] == "cancelled");

    add(
        &api,
        "Sleeps",
        json!([{"tool": "run_command", "args": {"argv": ["sleep", "4711"]}}]),
    )
    .await?;
    let started = |steps: &Value| steps["items"][0]["status"] == "intended";
    api.wait_for("/runs", LIMIT, |runs| {
        runs["items"].as_array().map_or(0, Vec::len) == 2
    })
    .await?;
    api.wait_for("/runs/2/steps", LIMIT, started).await?;
    let sleeps = || processes().iter().any(|args| args == "sleep 4711");
    wait(&sleeps)?;

    let begun = Instant::now();
    node.done(&["run", "cancel", "2"])?;
    wait(&|| !sleeps())?;
    let took = begun.elapsed();

    // The command itself takes some of this.
    ensure!(took < Duration::from_secs(3), "it took {took:?}");
    let steps = api.get("/runs/2/steps").await?;
    ensure!(steps["items"][0]["status"] == "interrupted", "{steps}");
    Ok(())
}

/// The command lines of all processes that can be seen.
fn processes() -> Vec<String> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries
        .filter_map(|entry| fs::read(entry.path().join("cmdline")).ok())
        .map(|args| {
            String::from_utf8_lossy(&args)
                .replace('\0', " ")
                .trim_end()
                .to_owned()
        })
        .collect()
}

fn wait(is_so: &dyn Fn() -> bool) -> anyhow::Result<()> {
    let deadline = Instant::now() + LIMIT;
    while !is_so() {
        ensure!(Instant::now() < deadline, "it does not come");
        std::thread::park_timeout(Duration::from_millis(5));
    }
    Ok(())
}

#[tokio::test]
async fn a_plan_that_cannot_be_done_is_told_and_nothing_is_lost() -> anyhow::Result<()> {
    let node = TestNode::start(&Options::with_agents())?;
    let api = node.api()?;
    let fill = "f = open('big', 'wb')\nwhile True: f.write(b'x' * 1000000)";
    let plans = [
        (
            json!([{"id": "a", "tool": "python", "after": ["b"]}, {"id": "b", "tool": "python", "after": ["a"]}]),
            "wait for each other",
        ),
        (
            json!([{"tool": "python", "args": {"code": "1"}, "after": ["nobody"]}]),
            "names \"nobody\"",
        ),
        (Value::from(vec![python("1"); 1000]), "has 1000 steps"),
        (
            json!([python("1"), {"tool": "python", "args": {"code": 1}}]),
            "context.plan[1]",
        ),
        (
            json!([{"tool": "pyton", "args": {}}]),
            "the nearest is python",
        ),
        (
            json!([{"tool": "run_command", "args": {"argv": ["no-such-command"]}}]),
            "127",
        ),
        (
            json!([python(
                "import os; os.write(1, bytes(range(256)) * 10); raise SystemExit(3)"
            )]),
            "exited with 3",
        ),
        (
            json!([{"tool": "run_command", "args": {"argv": ["yes"]}, "limit_seconds": 1}]),
            "longer than 1 s",
        ),
        (json!([python(fill)]), "File too large"),
        (
            json!([python("import time; time.sleep(60)")]),
            "longer than",
        ),
        (
            json!([{"tool": "read_file", "args": {"path": "x", "folder": "notes"}}]),
            "hearth folder grant PATH --name notes",
        ),
        (
            json!([python("1"), {"tool": "python", "args": {"code": "1", "stdin": {"$result": "step-1", "at": "/x"}}}]),
            "which has none",
        ),
    ];
    let mut numbers = Vec::new();
    for (place, (plan, _)) in plans.iter().enumerate() {
        let mut plan = plan.clone();
        if let Some(step) = plan
            .get_mut(0)
            .filter(|step| step["args"]["code"] == "import time; time.sleep(60)")
        {
            step["limit_seconds"] = json!(0.5);
        }
        numbers.push(add(&api, &format!("Plan {place}"), plan).await?);
    }
    for (number, (_, said)) in numbers.iter().zip(&plans) {
        let task = until(&api, number, "blocked").await?;
        let reason = task["blocked_reason"].as_str().unwrap_or_default();
        ensure!(reason.contains(said), "{said:?} is not in: {reason}");
    }
    // The node takes the next one as if nothing had been.
    let good = add(&api, "Good", json!([python("print(1)")])).await?;
    until(&api, &good, "completed").await?;
    Ok(())
}

/// Writes a secret of its own, looks everywhere it can for others', and tells what it found.
const LOOK_AROUND: &str = r"
import json, os, sys, time
own = sys.stdin.read()
open('secret-' + own, 'w').write('secret-' + own)
time.sleep(0.3)
found = set()
for root in ['/workspace', '/tmp', '/proc', '/folders', '/run', '/home', '/root', '/var', '/dev/shm', os.getcwd()]:
    for folder, folders, files in os.walk(root):
        found.update(name for name in files if name.startswith('secret-'))
        if root == '/proc' and folder.count('/') > 2: folders.clear()
print(json.dumps({'own': own, 'found': sorted(found)}))
";

#[tokio::test]
async fn twenty_runs_at_once_on_each_of_two_nodes_see_nothing_of_each_other() -> anyhow::Result<()>
{
    const RUNS: usize = 20;
    let options = Options {
        env: vec![("HEARTH_AGENTS_PARALLEL".into(), RUNS.to_string())],
        ..Options::with_agents()
    };
    let nodes = [TestNode::start(&options)?, TestNode::start(&options)?];
    for (place, node) in nodes.iter().enumerate() {
        let api = node.api()?;
        for run in 0..RUNS {
            let step = json!({"tool": "python", "args": {"code": LOOK_AROUND, "stdin": format!("{place}-{run}")}});
            add(&api, "Look around", json!([step])).await?;
        }
    }
    let mut seen = BTreeSet::new();
    for node in &nodes {
        let api = node.api()?;
        for number in 1..=RUNS {
            let task = until(&api, &number.to_string(), "completed").await?;
            let own = task["result"]["own"]
                .as_str()
                .unwrap_or_default()
                .to_owned();
            let expected = json!([format!("secret-{own}")]);
            ensure!(task["result"]["found"] == expected, "{}", task["result"]);
            seen.insert(own);
        }
        ensure!(left_in(&node.data_dir().join("workspaces"))?);
    }
    ensure!(seen.len() == 2 * RUNS);
    Ok(())
}

/// Whether the folder becomes empty.
fn left_in(folder: &Path) -> anyhow::Result<bool> {
    let is_empty = || fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_none());
    wait(&is_empty)?;
    Ok(true)
}

#[tokio::test]
async fn granted_folders_are_read_and_written_as_far_as_they_are_open() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let notes = folder.path().join("notes");
    fs::create_dir(&notes)?;
    fs::write(notes.join("plan.md"), "plant beans")?;
    // Whoever runs the sandbox must be able to read it, and to write to it.
    for path in [folder.path(), &notes] {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(path, fs::Permissions::from_mode(0o777))?;
    }
    let node = TestNode::start(&Options::with_agents())?;
    let api = node.api()?;
    let path = notes.to_str().context("a path")?;
    node.done(&["folder", "grant", path, "--name", "notes"])?;
    let read =
        json!({"id": "read", "tool": "read_file", "args": {"path": "plan.md", "folder": "notes"}});
    let write = json!({"tool": "write_file", "args": {"path": "new.md", "folder": "notes", "content": {"$result": "read", "at": "/content"}}});

    let task = add(&api, "Copy", json!([read, write])).await?;
    let blocked = until(&api, &task, "blocked").await?;
    let reason = blocked["blocked_reason"].as_str().unwrap_or_default();
    ensure!(reason.contains("open for reading only"), "{reason}");

    node.done(&["folder", "revoke", "notes"])?;
    node.done(&["folder", "grant", path, "--name", "notes", "--write"])?;
    node.done(&["run", "retry", "1"])?;
    until(&api, &task, "completed").await?;
    ensure!(fs::read_to_string(notes.join("new.md"))? == "plant beans");

    // Private text has been read: nothing of a stranger's has, so speaking to a host asks as usual.
    let program = json!({"tool": "python", "args": {"reads": ["notes"], "code": "print(open('/folders/notes/plan.md').read())"}});
    let task = add(&api, "Read by a program", json!([program])).await?;
    let task = until(&api, &task, "completed").await?;
    ensure!(task["result"]["output"] == "plant beans", "{task}");
    Ok(())
}

#[tokio::test]
async fn a_folder_inside_one_that_may_be_written_to_is_not_opened_beside_it() -> anyhow::Result<()>
{
    let folder = tempfile::tempdir()?;
    let archive = folder.path().join("notes/archive");
    fs::create_dir_all(&archive)?;
    let node = TestNode::start(&Options::default())?;
    let text = |path: &Path| path.to_str().map(str::to_owned).context("a path");
    let (notes, archive) = (text(&folder.path().join("notes"))?, text(&archive)?);

    node.done(&["folder", "grant", &notes, "--write"])?;
    let said = node.refused(&["folder", "grant", &archive])?;
    ensure!(said.contains("hearth folder revoke notes"), "{said}");

    node.done(&["folder", "revoke", "notes"])?;
    node.done(&["folder", "grant", &archive])?;
    // Where neither may be written to, one inside the other does no harm.
    node.done(&["folder", "grant", &notes])?;
    Ok(())
}

#[tokio::test]
async fn a_step_that_failed_is_not_made_again_by_a_restart() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let log = folder.path().join("log");
    fs::create_dir(&log)?;
    for path in [folder.path(), &log] {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(path, fs::Permissions::from_mode(0o777))?;
    }
    let data = folder.path().join("data");
    fs::create_dir(&data)?;
    let mut node = TestNode::start_in(&data, &Options::with_agents())?;
    let path = log.to_str().context("a path")?;
    node.done(&["folder", "grant", path, "--name", "log", "--write"])?;
    let boom = json!({"id": "boom", "tool": "python", "args": {"writes": ["log"],
        "code": "open('/folders/log/made', 'a').write('x'); raise SystemExit(1)"}});
    let slow = json!({"id": "slow", "tool": "python", "after": [], "args": {"code": "import time; time.sleep(50)"}});
    add(&node.api()?, "Fails", json!([boom, slow])).await?;
    let has_failed = |steps: &Value| {
        let steps = steps["items"].as_array().into_iter().flatten();
        let states: Vec<&str> = steps.filter_map(|step| step["status"].as_str()).collect();
        states == ["failed", "intended"]
    };
    node.api()?
        .wait_for("/runs", LIMIT, |runs| !runs["items"][0].is_null())
        .await?;
    node.api()?
        .wait_for("/runs/1/steps", LIMIT, has_failed)
        .await?;

    node.kill()?;
    let node = TestNode::start_in(&data, &Options::with_agents())?;

    let task = until(&node.api()?, "1", "blocked").await?;
    let reason = task["blocked_reason"].as_str().unwrap_or_default();
    ensure!(reason.contains("--from boom"), "{reason}");
    ensure!(fs::read_to_string(log.join("made"))? == "x");
    Ok(())
}

#[tokio::test]
async fn a_yes_is_for_the_script_that_was_there_and_not_for_what_became_of_it() -> anyhow::Result<()>
{
    let folder = tempfile::tempdir()?;
    let acts = folder.path().join("acts");
    let script = |word: &str| {
        let content = format!("echo {word} >> '{}'", acts.display());
        json!({"tool": "write_file", "args": {"path": "go.sh", "content": content}})
    };
    let with = |mut step: Value, id: &str, after: &str| {
        step["id"] = json!(id);
        step["after"] = json!([after]);
        step
    };
    let act = json!({"tool": "run_command", "args": {"argv": ["sh", "go.sh"], "outside": true}});
    let ask = json!({"tool": "ask_owner", "args": {"question": "Which?"}});
    let mut first = script("harmless");
    first["id"] = json!("first");
    let plan = json!([
        first,
        with(act, "act", "first"),
        with(ask, "ask", "first"),
        with(script("harm"), "second", "ask"),
    ]);
    let node = TestNode::start(&Options::with_agents())?;
    let api = node.api()?;
    add(&api, "Act", plan).await?;
    until(&api, "1", "blocked").await?;

    node.done(&["approvals", "approve", "1"])?;
    node.done(&["task", "answer", "1", "this"])?;
    api.wait_for("/approvals?status=pending", LIMIT, |asked| {
        asked["items"][0]["number"] == 2
    })
    .await?;

    ensure!(!acts.exists(), "it acted on a yes for something else");
    until(&api, "1", "blocked").await?;
    node.done(&["approvals", "approve", "2"])?;
    until(&api, "1", "completed").await?;
    ensure!(fs::read_to_string(&acts)? == "harm\n");
    Ok(())
}
