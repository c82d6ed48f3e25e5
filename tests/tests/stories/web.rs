//! What a run reads on the web and remembers is there for later ones, after a restart, and goes when
//! its owner says so.

use std::time::Duration;

use anyhow::{Context, ensure};
use hearth_tests::node::{Api, Options, TestNode};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// How long a busy machine may take.
const LIMIT: Duration = Duration::from_mins(1);

/// Gives the same page under every path but that for robots; returns its address.
async fn site(tasks: &mut JoinSet<()>) -> anyhow::Result<String> {
    let page = format!(
        "<title>Otters</title><article><h1>Otters</h1><p>{}</p></article>",
        "Otters sleep on their backs in the water. ".repeat(20)
    );
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/otters", listener.local_addr()?);
    tasks.spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut asked = [0; 2048];
            let length = stream.read(&mut asked).await.unwrap_or(0);
            let is_page = asked
                .get(..length)
                .is_some_and(|asked| asked.starts_with(b"GET /otters "));
            let (status, body) = if is_page {
                ("200 OK", page.as_str())
            } else {
                ("404 Not Found", "")
            };
            let answer = format!(
                "HTTP/1.1 {status}\r\ncontent-type: text/html\r\ncontent-length: {}\r\n\
                 connection: close\r\n\r\n{body}",
                body.len()
            );
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    Ok(url)
}

async fn add(api: &Api, plan: Value) -> anyhow::Result<String> {
    let task = json!({"title": "Watch the river", "context": {"plan": plan}});
    Ok(api.post("/tasks", task).await?["number"].to_string())
}

async fn until(api: &Api, task: &str, status: &str) -> anyhow::Result<Value> {
    api.wait_for(&format!("/tasks/{task}"), LIMIT, |task| {
        task["status"] == status
    })
    .await
}

#[tokio::test]
async fn what_was_read_and_remembered_is_found_after_a_restart() -> anyhow::Result<()> {
    let mut serving = JoinSet::new();
    let url = site(&mut serving).await?;
    let folder = tempfile::tempdir()?;
    let node = TestNode::start_in(folder.path(), &Options::with_agents())?;
    let remembered = json!({"text": "Otters hold hands", "about": "animals"});
    let plan = json!([
        {"id": "read", "tool": "web_scrape", "args": {"url": url}},
        {"tool": "remember", "args": remembered},
    ]);
    add(&node.api()?, plan).await?;
    until(&node.api()?, "1", "blocked").await?;
    let asked = node.done(&["approvals"])?;
    ensure!(asked.contains("read http://127.0.0.1"), "{asked}");
    node.done(&["approvals", "approve", "1"])?;
    until(&node.api()?, "1", "completed").await?;
    let mut node = node;
    ensure!(node.stop()? == Some(0), "{}", node.log());
    // Nobody answers there any more: what is found is found here.
    serving.abort_all();

    let mut node = TestNode::start_in(folder.path(), &Options::with_agents())?;
    let plan = json!([
        {"id": "search", "tool": "web_search", "args": {"query": "sleeping otters"}},
        {"id": "recall", "tool": "recall", "args": {"query": "otters hands"}},
        {"tool": "store_artifact", "args": {"type": "note", "content": "done"}},
    ]);
    let task = add(&node.api()?, plan).await?;
    until(&node.api()?, &task, "completed").await?;

    let steps = node.api()?.get("/runs/2/steps").await?;
    let outcome = |name: &str| -> anyhow::Result<Value> {
        let mut steps = steps["items"].as_array().into_iter().flatten();
        let step = steps.find(|step| step["name"] == name);
        Ok(step.context("no such step")?["result"].clone())
    };
    let found = outcome("search")?.to_string();
    ensure!(
        found.contains(&url) && found.contains("\"local\""),
        "{found}"
    );
    ensure!(found.contains("page read for task #1 on "), "{found}");
    let recalled = outcome("recall")?.to_string();
    ensure!(recalled.contains("Otters hold hands"), "{recalled}");
    ensure!(recalled.contains("from task #1 by seed on "), "{recalled}");
    let listed = node.done(&["memory", "list"])?;
    ensure!(
        listed.contains("animals") && listed.contains("task #1 by seed"),
        "{listed}"
    );
    let shown = node.done(&["memory", "show", "1"])?;
    ensure!(shown.contains("text of strangers"), "{shown}");

    node.done(&["memory", "forget", "1"])?;
    node.done(&["memory", "add", "The river is high", "--about", "weather"])?;

    ensure!(node.done(&["memory", "list", "otters"])?.is_empty());
    let river = node.done(&["memory", "list", "river"])?;
    ensure!(river.contains("by owner on "), "{river}");
    ensure!(node.stop()? == Some(0), "{}", node.log());
    Ok(())
}
