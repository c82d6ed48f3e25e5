//! An idea told to the chief of staff becomes a project whose tasks agents do, with a model that
//! follows a script: a tool is made and used, a specialist is made and does a part, and the node is
//! killed on the way.

use std::time::Duration;

use anyhow::{Context, ensure};
use hearth_tests::aimock::AiMock;
use hearth_tests::node::{Api, Options, TestNode};
use serde_json::{Value, json};

/// How long a busy machine may take.
const LIMIT: Duration = Duration::from_mins(2);

/// The model's turn `number` (from 0 on) where the last words it was told hold `told`.
fn calls(told: &str, number: usize, calls: &[(&str, Value)]) -> Value {
    let calls: Vec<Value> = calls
        .iter()
        .map(|(name, args)| json!({"name": name, "arguments": args.to_string()}))
        .collect();
    json!({"match": {"userMessage": told, "turnIndex": number}, "response": {"toolCalls": calls}})
}

fn says(told: &str, number: usize, text: &str) -> Value {
    json!({"match": {"userMessage": told, "turnIndex": number}, "response": {"content": text}})
}

fn script() -> Value {
    let tool = json!({
        "name": "count_jars", "description": "Counts the jars on a shelf.",
        "parameters": {
            "type": "object", "properties": {"shelf": {"type": "string"}}, "required": ["shelf"],
        },
        "code": "def run(shelf):\n    return {'jars': len(shelf.split())}\n",
        "examples": [{"args": {"shelf": "one two"}, "result": {"jars": 2}}],
    });
    let scribe = json!({
        "name": "scribe", "instructions": "You write labels, short and plain.",
        "tools": ["write_file", "store_artifact"],
    });
    let shelf = json!({"shelf": "acacia lime heather"});
    let jars = json!({"project": "Honey shop", "title": "Count the jars", "priority": "high"});
    let labels = json!({
        "project": "Honey shop", "title": "Write the labels", "after": ["Count the jars"],
    });
    json!([
        calls(
            "honey",
            0,
            &[
                ("create_project", json!({"name": "Honey shop"})),
                ("create_task", jars),
                ("create_task", labels),
            ]
        ),
        says(
            "honey",
            1,
            "I've made the project Honey shop. First count the jars, with #1, then write the labels, with #2."
        ),
        calls("Count the jars", 0, &[("create_tool", tool)]),
        calls("Count the jars", 1, &[("count_jars", shelf.clone())]),
        calls(
            "Count the jars",
            2,
            &[(
                "complete_task",
                json!({"summary": "Three.", "result": {"jars": 3}})
            )]
        ),
        calls(
            "Write the labels",
            0,
            &[
                ("create_agent", scribe),
                (
                    "delegate",
                    json!({"agent": "scribe", "title": "Write the label for lime"})
                ),
            ]
        ),
        calls(
            "Write the labels",
            1,
            &[("complete_task", json!({"summary": "The label is written."}))]
        ),
        calls(
            "Write the label for lime",
            0,
            &[(
                "write_file",
                json!({"path": "out/label.txt", "content": "Lime honey"})
            )]
        ),
        calls(
            "Write the label for lime",
            1,
            &[("complete_task", json!({"summary": "Written."}))]
        ),
        calls("Look at the other shelf", 0, &[("count_jars", shelf)]),
        calls(
            "Look at the other shelf",
            1,
            &[("complete_task", json!({"summary": "Three again."}))]
        ),
    ])
}

async fn until_done(api: &Api, number: u32) -> anyhow::Result<Value> {
    let path = format!("/tasks/{number}");
    let has_ended = |task: &Value| task["status"] == "completed" || task["status"] == "blocked";
    let task = api.wait_for(&path, LIMIT, has_ended).await?;
    ensure!(task["status"] == "completed", "{task:#}");
    Ok(task)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_idea_becomes_a_project_that_agents_do_through_a_crash() -> anyhow::Result<()> {
    const NAME: &str = "idea::an_idea_becomes_a_project_that_agents_do_through_a_crash";
    let Some(model) = AiMock::start(NAME, &script())? else {
        return Ok(());
    };
    let folder = tempfile::tempdir()?;
    let options = Options {
        agents: true,
        env: model.env(),
        ..Options::default()
    };
    let mut node = TestNode::start_in(folder.path(), &options)?;

    let output = node.hearth(&["chat", "I dream of selling my honey, please plan that"])?;
    let said = String::from_utf8(output.stdout)?;
    ensure!(
        output.status.success() && said.contains("Honey shop"),
        "{said}"
    );
    let first = until_done(&node.api()?, 1).await?;
    ensure!(first["result"]["jars"] == 3, "{first:#}");
    ensure!(first["created_by"] == "cos-agent", "{first:#}");
    node.kill()?;
    node = TestNode::start_in(folder.path(), &options)?;
    let api = node.api()?;
    let labels = until_done(&api, 2).await?;
    let label = until_done(&api, 3).await?;
    api.post("/tasks", json!({"title": "Look at the other shelf"}))
        .await?;
    let again = until_done(&api, 4).await?;

    ensure!(labels["project_id"] == first["project_id"] && !first["project_id"].is_null());
    ensure!(label["assigned_to"] == "scribe" && label["parent_id"] == labels["id"]);
    ensure!(again["result"]["summary"] == "Three again.", "{again:#}");
    let kept = api.all("/tasks/3/artifacts").await?;
    ensure!(
        kept.iter()
            .any(|artifact| artifact["name"] == "out/label.txt"),
        "{kept:?}"
    );
    let tool = api.get("/tools/count_jars").await?;
    let uses = tool["versions"][0]["uses"]
        .as_u64()
        .or(tool["uses"].as_u64());
    ensure!(uses.context("no uses")? == 2, "{tool:#}");
    // What nobody asked for again was not asked for again: each turn of each script once.
    let asked = model.asked().await?;
    ensure!(asked.len() <= 12, "{} requests", asked.len());
    let spent = api.get("/status").await?["spent_today"].clone();
    ensure!(
        spent["reserved_usd"] == 0.0 && spent["tokens"] != 0,
        "{spent}"
    );
    Ok(())
}
