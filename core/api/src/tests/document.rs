//! The OpenAPI document against what the node does.

use std::collections::BTreeSet;
use std::time::Duration;

use http::StatusCode;
use serde_json::{Value, json};

use hearth_app::made_tools::Use;
use hearth_app::runs::journal::{Entry, Intent, Rest};
use hearth_domain::Actor;

use super::at_work::{AtWork, make_tool};
use super::support::TestApi;

/// Every method and path in the document.
pub(super) fn routes() -> BTreeSet<String> {
    let document = serde_json::to_value(crate::openapi()).unwrap();
    let paths = document["paths"].as_object().unwrap();
    let routes = paths.iter().flat_map(|(path, item)| {
        let methods = item.as_object().unwrap().keys();
        methods.map(move |method| format!("{} {path}", method.to_uppercase()))
    });
    routes.collect()
}

#[tokio::test]
async fn the_document_that_is_served_is_the_one_that_is_generated() {
    let api = TestApi::start().await;
    let mut generated = serde_json::to_value(crate::openapi()).unwrap();
    generated["info"]["version"] = json!("0.0.0-test");

    assert_eq!(api.get("/api/v1/openapi.json").await, generated);
    assert_eq!(generated["openapi"], "3.1.0");
}

#[test]
fn every_reference_leads_somewhere() {
    let document = serde_json::to_value(crate::openapi()).unwrap();
    let known: BTreeSet<String> = document["components"]["schemas"]
        .as_object()
        .unwrap()
        .keys()
        .map(|name| format!("#/components/schemas/{name}"))
        .collect();
    let mut references = BTreeSet::new();
    collect(&document, &mut references);

    let lost: Vec<_> = references.difference(&known).collect();
    assert!(lost.is_empty(), "{lost:?}");
}

#[test]
fn bodies_take_no_field_that_is_not_described() {
    let document = serde_json::to_value(crate::openapi()).unwrap();
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        let is_body = [
            "Create",
            "Update",
            "Claim",
            "Complete",
            "Block",
            "Release",
            "Answer",
            "Register",
            "Heartbeat",
            "Pause",
            "Reason",
            "Budget",
            "Check",
            "Retry",
            "Remember",
            "Choose",
            "Disable",
        ]
        .iter()
        .any(|lead| name.starts_with(lead));
        if is_body && schema["type"] == "object" && !name.starts_with("Created") {
            assert_eq!(schema["additionalProperties"], false, "{name}");
        }
    }
}

/// The payload of every event has the described fields.
#[tokio::test]
async fn the_payloads_of_events_are_as_described() {
    let api = TestApi::start().await;
    bring_about_events(&api).await;
    bring_about_events_of_runs(&api).await;
    let document = serde_json::to_value(crate::openapi()).unwrap();
    let schemas = &document["components"]["schemas"];
    let mut seen = BTreeSet::new();

    let events = api.get("/api/v1/events?limit=500").await;
    for event in events["items"].as_array().unwrap() {
        let kind = event["type"].as_str().unwrap();
        let schema = &schemas["EventPayloads"]["properties"][kind];
        let (described, required) = fields(schemas, schema);
        let found: BTreeSet<String> = event["payload"]
            .as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect();

        assert!(
            found.is_subset(&described),
            "{kind}: {found:?} {described:?}"
        );
        assert!(required.is_subset(&found), "{kind}: {found:?} {required:?}");
        seen.insert(kind.to_owned());
    }
    let every = hearth_domain::event::EventKind::TYPES.map(str::to_owned);
    let mut expected = BTreeSet::from(every);
    // Only the node's own sweep lets approvals run out, and only a bridge gives notices back; the payloads are
    // those of their fellows.
    expected.remove("approval.expired");
    expected.remove("notice.returned");
    assert_eq!(seen, expected);
    let described = schemas["EventPayloads"]["properties"].as_object().unwrap();
    assert_eq!(
        described.len(),
        hearth_domain::event::EventKind::TYPES.len()
    );
}

async fn bring_about_events(api: &TestApi) {
    let ok = async |path: &str, body: Value| {
        let answer = api.post(&format!("/api/v1/{path}"), body).await;
        assert!(answer.status.is_success(), "{path} {}", answer.text());
        answer.expect(answer.status)
    };
    let project = ok("projects", json!({"name": "p"})).await;
    let path = format!("/api/v1/projects/{}", project["id"].as_str().unwrap());
    let update = api.call("PATCH", &path).json(json!({"status": "paused"}));
    update.send().await.expect(StatusCode::OK);
    let delete = api.call("DELETE", &path);
    delete.send().await.expect(StatusCode::NO_CONTENT);
    let artifact = ok("artifacts", json!({"type": "x", "content": "y"})).await;
    ok(
        "tasks",
        json!({"title": "t", "acceptance": [{"kind": "artifact"}]}),
    )
    .await;
    let update = api
        .call("PATCH", "/api/v1/tasks/1")
        .json(json!({"title": "u"}));
    update.send().await.expect(StatusCode::OK);
    let hold = |fence: u32| json!({"agent": "seed", "fence": fence, "reason": "r"});
    ok("tasks/1/claim", json!({"agent": "seed"})).await;
    ok(
        "tasks/1/heartbeat",
        json!({"agent": "seed", "fence": 1, "message": "m"}),
    )
    .await;
    ok("tasks/1/release", hold(1)).await;
    ok("tasks/1/claim", json!({"agent": "seed"})).await;
    ok("tasks/1/block", hold(2)).await;
    ok("tasks/1/answer", json!({})).await;
    ok("tasks/1/cancel", json!({})).await;
    ok("tasks/1/reopen", json!({})).await;
    ok("tasks/1/claim", json!({"agent": "seed"})).await;
    let early = json!({"agent": "seed", "fence": 3});
    let early = api.post("/api/v1/tasks/1/complete", early).await;
    assert_eq!(early.problem()["code"], "acceptance_failed");
    let mine = json!({"type": "x", "content": "z", "agent": "seed"});
    let mine = ok("artifacts", mine).await;
    let done = json!({"agent": "seed", "fence": 3, "artifacts": [mine["id"]]});
    ok("tasks/1/complete", done).await;
    assert_ne!(artifact["id"], mine["id"]);
    ok("chat", json!({"message": "hello"})).await;
    let taken = ok("notices/take", json!({"channel": "chat"})).await;
    let notice = taken["items"][0]["id"].as_str().unwrap();
    ok(
        &format!("notices/{notice}/deliver"),
        json!({"channel": "chat"}),
    )
    .await;
    ok("agents/register", json!({"name": "seed", "type": "x"})).await;
    let key = ok(
        "keys",
        json!({"name": "k", "role": "agent", "agent": "seed"}),
    )
    .await;
    let key = format!("/api/v1/keys/{}", key["id"].as_str().unwrap());
    api.call("DELETE", &key)
        .send()
        .await
        .expect(StatusCode::NO_CONTENT);
}

/// Of runs, of what the owner is asked, and of an agent that falls silent.
async fn bring_about_events_of_runs(api: &TestApi) {
    let ok = async |path: &str, body: Value| {
        let answer = api.post(&format!("/api/v1/{path}"), body).await;
        assert!(answer.status.is_success(), "{path} {}", answer.text());
    };
    let claim = async |task: i64, fence: u64| {
        ok(&format!("tasks/{task}/claim"), json!({"agent": "seed"})).await;
        AtWork::at(api, task, fence).await
    };
    for _ in 2..=4 {
        api.task("t").await;
    }
    // Approved and used, failed, tried again, denied, completed.
    claim(2, 1).await.asks().await;
    ok("approvals/1", json!({"decision": "approve"})).await;
    let work = claim(2, 2).await;
    let Intent::Go(step) = work.means(2, &["example.org"]).await else {
        panic!("the owner said yes")
    };
    let step = work.record(step, Entry::Acted(json!(404))).await;
    work.record(step, Entry::Failed("not there".into())).await;
    work.rests(Rest::Failed("page: not there".into())).await;
    ok("runs/1/retry", json!({})).await;
    let work = claim(2, 3).await;
    work.means(2, &["example.org"]).await;
    work.rests(Rest::Waits).await;
    ok("approvals/2", json!({"decision": "deny"})).await;
    claim(2, 4).await;
    ok("tasks/2/complete", json!({"agent": "seed", "fence": 4})).await;
    // Made, set aside, enabled, disabled, gone back from.
    ok("tasks/3/claim", json!({"agent": "seed"})).await;
    make_tool(api, 3, "def run(): return 1").await;
    let tool = make_tool(api, 3, "def run(): return 2").await;
    for _ in 0..3 {
        let failed = Use::Failed("KeyError".into());
        let counted = api.app.count_made_tool_use(&Actor::Owner, tool.id, failed);
        counted.await.unwrap();
    }
    ok("tools/count_words/enable", json!({})).await;
    ok("tools/count_words/disable", json!({"reason": "slow"})).await;
    ok("tools/count_words/rollback", json!({})).await;
    // Cancelled while it waits.
    AtWork::at(api, 3, 1).await.asks().await;
    ok("tasks/3/cancel", json!({})).await;
    // Interrupted.
    let fourth = claim(4, 1).await;
    fourth.means(1, &[]).await;
    fourth.makes("scribe").await;
    for change in ["disable", "enable"] {
        ok(&format!("specialists/scribe/{change}"), Value::Null).await;
    }
    let gone = api
        .call("DELETE", "/api/v1/specialists/scribe")
        .send()
        .await;
    gone.expect(StatusCode::NO_CONTENT);
    for change in ["pause", "resume"] {
        ok(&format!("agents/seed/{change}"), Value::Null).await;
    }
    ok("tasks/4/release", json!({"agent": "seed", "fence": 1})).await;
    api.advance(Duration::from_hours(1));
    api.app.sweep().await.unwrap();
    ok("agents/seed/heartbeat", json!({})).await;

    // A budget that is nearly reached, reached, raised and lowered.
    ok("tasks", json!({"title": "t", "budget": {"tool_calls": 1}})).await;
    let work = claim(5, 1).await;
    work.means(1, &[]).await;
    work.means(2, &[]).await;
    for calls in [9, 8] {
        let budget = json!({"tool_calls": calls});
        let put = api.call("PUT", "/api/v1/budgets/task/5").json(budget);
        put.send().await.expect(StatusCode::OK);
    }

    let allow = json!({"tool": "http_get", "shape": {"url": "any"}});
    ok("permissions", allow).await;
    let folder = tempfile::tempdir().unwrap();
    ok("folders", json!({"name": "notes", "path": folder.path()})).await;
    ok("memories", json!({"text": "tea"})).await;
    let chat = format!("/api/v1/telegram/chats/{}", api.telegram_chat().await);
    for path in [
        chat.as_str(),
        "/api/v1/permissions/1",
        "/api/v1/folders/notes",
        "/api/v1/memories/1",
    ] {
        let gone = api.call("DELETE", path).send().await;
        gone.expect(StatusCode::NO_CONTENT);
    }
}

/// Returns the fields that a schema describes, and those of them that must be there.
fn fields(schemas: &Value, schema: &Value) -> (BTreeSet<String>, BTreeSet<String>) {
    if let Some(name) = schema["$ref"].as_str() {
        let name = name.rsplit('/').next().unwrap();
        return fields(schemas, &schemas[name]);
    }
    let mut described = BTreeSet::new();
    let mut required = BTreeSet::new();
    for part in schema["allOf"].as_array().into_iter().flatten() {
        let (more, needed) = fields(schemas, part);
        described.extend(more);
        required.extend(needed);
    }
    described.extend(
        schema["properties"]
            .as_object()
            .into_iter()
            .flatten()
            .map(|(name, _)| name.clone()),
    );
    let needed = schema["required"].as_array().into_iter().flatten();
    required.extend(needed.map(|name| name.as_str().unwrap().to_owned()));
    (described, required)
}

fn collect(value: &Value, references: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) => {
            if let Some(reference) = object.get("$ref").and_then(Value::as_str) {
                references.insert(reference.to_owned());
            }
            object.values().for_each(|value| collect(value, references));
        }
        Value::Array(list) => list.iter().for_each(|value| collect(value, references)),
        _ => (),
    }
}
