//! Tasks from a line over HTTP.

use http::StatusCode;
use serde_json::{Value, json};

use super::support::TestApi;

const PATH: &str = "/api/v1/tasks/quick-add";
const LINE: &str = "Build landing page @web !high due friday #design ~30m";

#[tokio::test]
async fn a_line_becomes_a_task_and_the_project_it_names() {
    let api = TestApi::start().await;

    let made = api
        .post(PATH, json!({"text": LINE, "description": "d"}))
        .await;

    let body = made.expect(StatusCode::CREATED);
    assert_eq!(
        made.header("location"),
        format!("/api/v1/tasks/{}", body["task"]["id"].as_str().unwrap())
    );
    let task = &body["task"];
    assert_eq!(task["title"], "Build landing page");
    assert_eq!(task["priority"], "high");
    assert_eq!(task["labels"], json!(["design"]));
    assert_eq!(task["due_at"], "2026-11-27T23:59:59.000Z");
    assert_eq!(task["estimate_minutes"], 30);
    assert_eq!(task["description"], "d");
    assert_eq!(task["project_id"], body["made_project"]["id"]);
    assert_eq!(body["made_project"]["name"], "web");
    let again = api.post(PATH, json!({"text": "Second @WEB"})).await;
    let again = again.expect(StatusCode::CREATED);
    assert_eq!(again["made_project"], Value::Null);
    assert_eq!(again["task"]["project_id"], task["project_id"]);
}

#[tokio::test]
async fn a_preview_changes_nothing() {
    let api = TestApi::start().await;
    let before = api.get("/api/v1/events?order=desc&limit=1").await;

    let shown = api.post(PATH, json!({"text": LINE, "preview": true})).await;

    let shown = shown.expect(StatusCode::OK);
    assert_eq!(shown["task"], Value::Null);
    let understood = &shown["understood"];
    assert_eq!(understood["is_project_new"], true);
    assert_eq!(understood["due_at"], "2026-11-27T23:59:59.000Z");
    assert!(
        understood["summary"]
            .as_str()
            .unwrap()
            .contains("Fri 27 Nov 2026")
    );
    assert_eq!(understood["doubts"], json!([]));
    assert_eq!(api.get("/api/v1/events?order=desc&limit=1").await, before);
}

#[tokio::test]
async fn a_canonical_line_is_understood_the_same() {
    let api = TestApi::start().await;
    let preview = async |text: &str| {
        let answer = api.post(PATH, json!({"text": text, "preview": true})).await;
        answer.expect(StatusCode::OK)["understood"].clone()
    };

    let first = preview(LINE).await;

    assert_eq!(preview(first["canonical"].as_str().unwrap()).await, first);
}

#[tokio::test]
async fn nothing_is_made_where_something_is_in_doubt() {
    let api = TestApi::start().await;
    api.post("/api/v1/projects", json!({"name": "website"}))
        .await
        .expect(StatusCode::CREATED);
    for (text, field, says) in [
        ("Paint @websiet", "project", "website"),
        ("Paint after #99", "after", "no such task"),
        ("Paint !hgih", "priority", "high"),
        ("Paint every blursday", "recurrence", "every"),
        ("   ", "title", "empty"),
    ] {
        let answer = api.post(PATH, json!({ "text": text })).await;
        assert_eq!(
            answer.status,
            StatusCode::UNPROCESSABLE_ENTITY,
            "{text}: {}",
            answer.text()
        );
        let problem = answer.problem();
        assert_eq!(
            (problem["code"].as_str(), problem["field"].as_str()),
            (Some("unclear"), Some(field)),
            "{problem}"
        );
        assert!(
            problem["detail"].as_str().unwrap().contains(says),
            "{problem}"
        );
    }
    assert_eq!(api.get("/api/v1/tasks").await["items"], json!([]));
    let sure = json!({"text": "Paint @websiet", "create_project": true});
    let made = api.post(PATH, sure).await.expect(StatusCode::CREATED);
    assert_eq!(made["made_project"]["name"], "websiet");
}

#[tokio::test]
async fn a_repeated_request_makes_one_task() {
    let api = TestApi::start().await;
    let send = async || {
        api.call("POST", PATH)
            .header("idempotency-key", "k1")
            .json(json!({"text": LINE}))
            .send()
            .await
    };

    let first = send().await.expect(StatusCode::CREATED);
    let second = send().await;

    assert_eq!(second.header("idempotent-replayed"), "true");
    assert_eq!(
        second.expect(StatusCode::OK)["task"]["id"],
        first["task"]["id"]
    );
}

#[tokio::test]
async fn a_recurring_task_is_for_its_next_occasion() {
    let api = TestApi::start().await;

    let made = api
        .post(PATH, json!({"text": "Water the plants every monday 9:00"}))
        .await;

    // The clock stands at 9:00 on a Monday.
    let task = &made.expect(StatusCode::CREATED)["task"];
    assert_eq!(task["recurrence"], "every monday 09:00");
    assert_eq!(task["due_at"], "2026-11-30T09:00:00.000Z");
    assert_eq!(task["not_before"], task["due_at"]);
    assert_eq!(task["series_id"], task["id"]);
}
