//! Requests that count once, and changes that are meant for one version.

use http::StatusCode;
use serde_json::json;

use super::support::TestApi;

#[tokio::test]
async fn a_repeated_request_makes_one_task() {
    let api = TestApi::start().await;
    let ask = |title: &str| {
        api.call("POST", "/api/v1/tasks")
            .header("idempotency-key", "k-1")
            .json(json!({ "title": title }))
            .send()
    };

    let first = ask("Once").await;
    let made = first.expect(StatusCode::CREATED);
    assert_eq!(first.header("idempotent-replayed"), "");
    let second = ask("Once").await;
    assert_eq!(second.expect(StatusCode::OK), made);
    assert_eq!(second.header("idempotent-replayed"), "true");
    let other = ask("Twice").await;
    assert_eq!(other.status, StatusCode::CONFLICT);
    assert_eq!(other.problem()["code"], "idempotency_key_reused");
    let tasks = api.get("/api/v1/tasks").await;
    assert_eq!(tasks["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_bad_idempotency_key_is_refused() {
    let api = TestApi::start().await;
    let long = "k".repeat(201);
    for key in ["", "two words", "\u{e9}", &long] {
        let answer = api
            .call("POST", "/api/v1/tasks")
            .header("idempotency-key", key)
            .json(json!({"title": "x"}))
            .send()
            .await;
        assert_eq!(answer.problem()["field"], "Idempotency-Key", "{key:?}");
    }
}

#[tokio::test]
async fn a_change_of_another_version_is_refused() {
    let api = TestApi::start().await;
    let task = api.claimed_task("Careful").await;
    let project = json!({"name": "p"});
    let project = api.post("/api/v1/projects", project).await;
    let project = project.header("location").to_owned();
    let hold = json!({"agent": "seed", "fence": task["fence"], "reason": "r"});
    let done = json!({"agent": "seed", "fence": task["fence"]});
    for (method, path, body) in [
        ("PATCH", "/api/v1/tasks/1", json!({"title": "x"})),
        ("POST", "/api/v1/tasks/1/claim", json!({"agent": "seed"})),
        ("POST", "/api/v1/tasks/1/complete", done),
        ("POST", "/api/v1/tasks/1/block", hold.clone()),
        ("POST", "/api/v1/tasks/1/release", hold),
        ("POST", "/api/v1/tasks/1/answer", json!({})),
        ("POST", "/api/v1/tasks/1/cancel", json!({})),
        ("POST", "/api/v1/tasks/1/reopen", json!({})),
        ("PATCH", &project, json!({"status": "paused"})),
        ("DELETE", &project, json!({})),
    ] {
        let call = api.call(method, path).header("if-match", "\"9\"");
        let answer = call.json(body).send().await;
        assert_eq!(answer.status, StatusCode::CONFLICT, "{method} {path}");
        assert_eq!(answer.problem()["code"], "stale_version", "{method} {path}");
    }
    assert_eq!(api.get("/api/v1/tasks/1").await, task);
}

#[tokio::test]
async fn a_change_of_the_present_version_is_done() {
    let api = TestApi::start().await;
    api.task("Careful").await;
    for (version, expected) in [("\"1\"", "\"2\""), ("W/\"2\"", "\"3\""), ("*", "\"4\"")] {
        let answer = api
            .call("PATCH", "/api/v1/tasks/1")
            .header("if-match", version)
            .json(json!({"description": version}))
            .send()
            .await;
        answer.expect(StatusCode::OK);
        assert_eq!(answer.header("etag"), expected);
    }
}

#[tokio::test]
async fn a_malformed_version_is_refused() {
    let api = TestApi::start().await;
    api.task("Careful").await;
    for version in [
        "1",
        "\"x\"",
        "\"1\", \"2\"",
        "",
        "\"\"",
        "\"-1\"",
        "\"99999999999999999999\"",
    ] {
        let answer = api
            .call("PATCH", "/api/v1/tasks/1")
            .header("if-match", version)
            .json(json!({"description": "d"}))
            .send()
            .await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{version}");
        assert_eq!(answer.problem()["field"], "If-Match", "{version}");
    }
}
