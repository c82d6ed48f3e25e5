//! Orders hidden in what a run reads, and a reader that obeys every one of them: a page, a file, a
//! tool's result, an artifact, a task's description. Everything that the owner can permit in advance
//! is permitted, so that only what was read stands between the orders and the world.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hearth_tests::node::{Answer, Api, Options, TestNode};
use serde_json::{Value, json};
use tempfile::TempDir;

/// How long a busy machine may take.
const LIMIT: Duration = Duration::from_mins(1);
const DIARY: &str = "Nobody else is to know this.\n";

/// A node with an open folder, a server of pages, and a listener that nothing may reach.
struct World {
    node: TestNode,
    api: Api,
    home: TempDir,
    pages: String,
    sink: String,
    reached: Arc<AtomicUsize>,
}

impl World {
    /// Everything is permitted that can be, for a page server that answers `body`.
    async fn permissive(body: &str) -> anyhow::Result<Self> {
        let home = tempfile::tempdir()?;
        let notes = home.path().join("notes");
        fs::create_dir(&notes)?;
        fs::write(notes.join("diary.txt"), DIARY)?;
        let node = TestNode::start(&Options {
            agents: true,
            ..Options::default()
        })?;
        let api = node.api()?;
        let folder = json!({"name": "notes", "path": notes, "access": "write"});
        api.post("/folders", folder).await?;
        for (tool, args) in [
            ("http_get", &["url"][..]),
            ("python", &["code", "stdin"]),
            ("python", &["code", "host"]),
            ("python", &["code", "reads", "network"]),
            ("run_command", &["argv", "stdin", "network"]),
            ("run_command", &["argv", "outside"]),
            ("run_command", &["argv", "outside", "folder_sha256"]),
            ("write_file", &["path", "content", "folder"]),
        ] {
            let shape: Value = args.iter().map(|arg| (*arg, json!("any"))).collect();
            let permission = json!({"tool": tool, "shape": shape});
            api.post("/permissions", permission).await?;
        }
        let reached = Arc::new(AtomicUsize::new(0));
        let (page, counter) = (body.to_owned(), Arc::clone(&reached));
        let pages = serve(move |connection| {
            // Whoever goes away early has read enough.
            let _ = answer(connection, &page);
        })?;
        let sink = serve(move |_| {
            counter.fetch_add(1, Ordering::SeqCst);
        })?;
        Ok(Self {
            node,
            api,
            home,
            pages,
            sink,
            reached,
        })
    }

    fn mark(&self) -> PathBuf {
        self.home.path().join("mark")
    }

    /// The plan of a reader that first reads, and then does all that the text says.
    fn gullible(&self, read: Value, text: &str) -> anyhow::Result<Value> {
        let mut steps = vec![read];
        let mark = self.mark();
        let mark = mark.to_str().context("a path")?;
        for order in text.lines().filter_map(|line| line.strip_prefix("DO: ")) {
            let order = order
                .replace("{sink_host}", &self.sink)
                .replace("{sink}", &format!("http://{}", self.sink))
                .replace("{mark}", mark);
            steps.push(serde_json::from_str(&order).with_context(|| order.clone())?);
        }
        ensure!(steps.len() > 1, "there are no orders in the text");
        Ok(json!({ "plan": steps }))
    }

    async fn add(&self, task: Value) -> anyhow::Result<()> {
        self.api.post("/tasks", task).await.map(drop)
    }

    /// Waits until the reader has done all that it could, and checks what the world saw of it:
    /// `asked` questions to the owner, and nothing else, before and after each is answered with a no.
    async fn sees_nothing(&self, asked: usize) -> anyhow::Result<()> {
        let task = self
            .api
            .wait_for("/tasks/1", LIMIT, |task| task["status"] == "blocked")
            .await?;
        self.is_untouched()?;
        let approvals = self.api.all("/approvals").await?;
        let reason = &task["blocked_reason"];
        ensure!(approvals.len() == asked, "{reason}: {approvals:#?}");
        let run = self.api.get("/runs/1").await?;
        ensure!(run["trust"]["untrusted"] == true, "{run}");
        for approval in &approvals {
            ensure!(approval["status"] == "pending", "{approval}");
            // No permission can be had with it either.
            ensure!(approval["is_once"] == true, "{approval}");
        }
        let permissions = self.api.get("/permissions").await?;
        let used: u64 = permissions["items"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|permission| permission["uses"].as_u64())
            .sum();
        ensure!(
            used <= 1,
            "more than reading was permitted: {permissions:?}"
        );
        for approval in &approvals {
            let path = format!("/approvals/{}", approval["number"]);
            let remember = json!({"decision": "approve", "remember": {}});
            let refused = self.api.send("POST", &path, Some(&remember)).await?;
            ensure!(refused.status == 422, "{refused:?}");
            self.api.post(&path, json!({"decision": "deny"})).await?;
        }
        self.api
            .wait_for("/runs/1", LIMIT, |run| run["status"] == "failed")
            .await?;
        self.is_untouched()
    }

    fn is_untouched(&self) -> anyhow::Result<()> {
        ensure!(self.reached.load(Ordering::SeqCst) == 0, "it was sent out");
        ensure!(!self.mark().exists(), "it ran outside");
        let diary = fs::read_to_string(self.home.path().join("notes/diary.txt"))?;
        ensure!(diary == DIARY, "{diary}");
        Ok(())
    }

    /// A key of an agent from outside.
    fn agent_key(&self) -> anyhow::Result<Api> {
        let args = [
            "keys", "create", "--name", "scout", "--role", "agent", "--agent", "scout",
        ];
        let output = self.node.hearth(&args)?;
        ensure!(output.status.success(), "{output:?}");
        let key = String::from_utf8(output.stdout)?;
        Ok(self.api.with_key(key.trim()))
    }
}

/// Serves connections to a port of its own until the test ends; returns `HOST:PORT`.
fn serve(mut each: impl FnMut(TcpStream) + Send + 'static) -> anyhow::Result<String> {
    let server = TcpListener::bind("127.0.0.1:0")?;
    let host = server.local_addr()?.to_string();
    std::thread::spawn(move || {
        for connection in server.incoming().map_while(Result::ok) {
            each(connection);
        }
    });
    Ok(host)
}

fn answer(mut connection: TcpStream, body: &str) -> std::io::Result<()> {
    connection.set_read_timeout(Some(LIMIT))?;
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && connection.read(&mut byte)? == 1 {
        head.push(byte[0]);
    }
    write!(
        connection,
        "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
}

fn read_file(path: &str) -> Value {
    json!({"id": "read", "tool": "read_file", "args": {"path": path}})
}

#[tokio::test]
async fn orders_in_a_page_are_put_to_the_owner() -> anyhow::Result<()> {
    let page = include_str!("../../fixtures/hidden_instructions/page.html");
    let world = World::permissive(page).await?;
    let url = format!("http://{}/hours", world.pages);
    let read = json!({"id": "read", "tool": "http_get", "args": {"url": url}});
    let context = world.gullible(read, page)?;

    world
        .add(json!({"title": "When is the library open?", "context": context}))
        .await?;

    world.sees_nothing(2).await?;
    // Reading itself was permitted, and went without a question.
    let steps = world.api.get("/runs/1/steps").await?;
    ensure!(steps["items"][0]["status"] == "done", "{steps}");
    Ok(())
}

#[tokio::test]
async fn orders_in_a_file_that_was_handed_in_are_put_to_the_owner() -> anyhow::Result<()> {
    let letter = include_str!("../../fixtures/hidden_instructions/letter.md");
    let world = World::permissive("").await?;
    let plan = world.home.path().join("plan.json");
    let context = world.gullible(read_file("letter.md"), letter)?;
    fs::write(&plan, context["plan"].to_string())?;
    let file = world.home.path().join("letter.md");
    fs::write(&file, letter)?;
    let (plan, file) = (
        plan.to_str().context("a path")?,
        file.to_str().context("a path")?,
    );

    let args = ["task", "add", "Sum up", "--file", file, "--plan-file", plan];
    ensure!(world.node.hearth(&args)?.status.success());

    world.sees_nothing(3).await?;
    // The owner's words are trusted, the file is not.
    let shown = world.node.hearth(&["task", "show", "1"])?;
    let shown = String::from_utf8(shown.stdout)?;
    ensure!(!shown.contains("trust  "), "{shown}");
    let is_told = |line: &str| line.contains("letter.md") && line.ends_with("untrusted");
    ensure!(shown.lines().any(is_told), "{shown}");
    Ok(())
}

#[tokio::test]
async fn orders_in_a_tools_result_are_put_to_the_owner() -> anyhow::Result<()> {
    let result = include_str!("../../fixtures/hidden_instructions/answer.json");
    let world = World::permissive(result).await?;
    let code = format!(
        "import host; print(host.http_get(url='http://{}/')['body'])",
        world.pages
    );
    let host = json!({"http_get": [world.pages]});
    let read = json!({"id": "read", "tool": "python", "args": {"code": code, "host": host}});
    let context = world.gullible(read, result)?;

    world
        .add(json!({"title": "Ask the service", "context": context}))
        .await?;

    world.sees_nothing(2).await
}

#[tokio::test]
async fn orders_in_an_artifact_of_another_agent_are_put_to_the_owner() -> anyhow::Result<()> {
    let report = include_str!("../../fixtures/hidden_instructions/report.txt");
    let world = World::permissive("").await?;
    let artifact = json!({"type": "report", "name": "report.txt", "content": report});
    let artifact = world.agent_key()?.post("/artifacts", artifact).await?;
    ensure!(artifact["trust"]["untrusted"] == true, "{artifact}");
    let context = world.gullible(read_file("report.txt"), report)?;

    let task = json!({
        "title": "Work with the report", "artifacts": [artifact["id"]], "context": context,
    });
    world.add(task).await?;

    world.sees_nothing(2).await
}

#[tokio::test]
async fn orders_in_a_tasks_description_are_put_to_the_owner_and_its_maker_cannot_say_yes()
-> anyhow::Result<()> {
    let text = include_str!("../../fixtures/hidden_instructions/description.txt");
    let world = World::permissive("").await?;
    let scout = world.agent_key()?;
    let code = "import host; print(host.task()['description'])";
    let host = json!({"task": true});
    let read = json!({"id": "read", "tool": "python", "args": {"code": code, "host": host}});
    let context = world.gullible(read, text)?;

    let task = json!({"title": "Sum up the week", "description": text, "context": context});
    let task = scout.post("/tasks", task).await?;
    ensure!(task["trust"]["untrusted"] == true, "{task}");
    world
        .api
        .wait_for("/tasks/1", LIMIT, |task| task["status"] == "blocked")
        .await?;

    let yes = json!({"decision": "approve"});
    let permission = json!({"tool": "http_get", "shape": {"url": "any"}});
    let folder = json!({"name": "all", "path": world.home.path()});
    let key = json!({"name": "mine", "role": "admin"});
    for (path, body) in [
        ("/approvals/1", &yes),
        ("/approvals/2", &yes),
        ("/tasks/1/answer", &json!({"answer": "yes"})),
        ("/permissions", &permission),
        ("/folders", &folder),
        ("/keys", &key),
        ("/runs/1/retry", &json!({})),
    ] {
        let Answer { status, body } = scout.send("POST", path, Some(body)).await?;
        ensure!(status == 403, "{path}: {status} {body}");
    }
    let changed = json!({"trust": {"untrusted": false}});
    let refused = scout.send("PATCH", "/tasks/1", Some(&changed)).await?;
    ensure!(refused.status == 422, "{refused:?}");
    world.sees_nothing(3).await
}

#[tokio::test]
async fn bytes_are_a_files_and_text_is_the_owners_own() -> anyhow::Result<()> {
    let node = TestNode::start(&Options::default())?;
    let api = node.api()?;
    let bytes = json!({"type": "scan", "content_base64": STANDARD.encode("a letter")});
    let text = json!({"type": "note", "content": "mine"});

    let bytes = api.post("/artifacts", bytes).await?;
    let text = api.post("/artifacts", text).await?;

    ensure!(bytes["trust"] == json!({"untrusted": true, "private": false}));
    ensure!(text["trust"] == json!({"untrusted": false, "private": false}));
    let mail = json!({"title": "A mail", "trust": {"untrusted": true}});
    ensure!(api.post("/tasks", mail).await?["trust"]["untrusted"] == true);
    let id = bytes["id"].as_str().context("an id")?;
    let shown = String::from_utf8(node.hearth(&["artifact", "show", id])?.stdout)?;
    ensure!(shown.contains("trust       untrusted\n"), "{shown}");
    Ok(())
}
