//! Approvals, standing permissions and folders over HTTP.

use std::time::Duration;

use http::StatusCode;
use serde_json::{Value, json};

use super::at_work::{AtWork, waiting};
use super::support::{TestApi, pretty};

const FIRST: &str = "/api/v1/approvals/1";

fn numbers(page: &Value) -> Vec<i64> {
    let items = page["items"].as_array().unwrap();
    items
        .iter()
        .map(|item| item["number"].as_i64().unwrap())
        .collect()
}

#[tokio::test]
async fn an_approval_says_what_exactly_is_asked() {
    let api = waiting().await;

    let approval = api.get(FIRST).await;

    let id = approval["id"].as_str().unwrap();
    assert_eq!(api.get(&format!("/api/v1/approvals/{id}")).await, approval);
    insta::assert_snapshot!(pretty(&approval), @r#"
    {
      "action_sha256": "b2d7e714300492bdedc90ade3c1b4e99ed44b57f3ffb2039fd76237b7e4c3944",
      "args": {
        "url": "https://example.org/"
      },
      "created_at": "2026-11-23T09:00:00.000Z",
      "decided_at": null,
      "decided_by": null,
      "expires_at": "2026-11-30T09:00:00.000Z",
      "id": "01980000-0000-7000-8000-00000000000e",
      "is_once": false,
      "note": null,
      "number": 1,
      "place": 2,
      "run_id": "01980000-0000-7000-8000-00000000000a",
      "status": "pending",
      "task_id": "01980000-0000-7000-8000-000000000007",
      "task_number": 1,
      "tool": "http_get",
      "what": "fetch https://example.org/",
      "why": "it speaks to example.org"
    }
    "#);
}

#[tokio::test]
async fn a_yes_wakes_the_task_and_is_given_once() {
    let api = waiting().await;
    let yes = json!({"decision": "approve", "note": "go on"});

    let answered = api.post(FIRST, yes.clone()).await.expect(StatusCode::OK);

    assert_eq!(answered["approval"]["status"], "approved");
    assert_eq!(answered["approval"]["decided_by"], "owner");
    assert_eq!(answered["approval"]["note"], "go on");
    assert_eq!(answered["permission"], Value::Null);
    assert_eq!(api.get("/api/v1/tasks/1").await["status"], "pending");
    for body in [yes, json!({"decision": "deny"})] {
        let twice = api.post(FIRST, body).await;
        assert_eq!(twice.status, StatusCode::CONFLICT);
        assert_eq!(twice.problem()["code"], "already_answered");
    }
}

#[tokio::test]
async fn an_answer_after_its_time_is_refused() {
    let api = waiting().await;
    api.advance(Duration::from_hours(7 * 24 + 1));

    let late = api.post(FIRST, json!({"decision": "approve"})).await;

    assert_eq!(late.status, StatusCode::CONFLICT);
    assert_eq!(late.problem()["code"], "ran_out");
    assert_eq!(api.get(FIRST).await["decided_at"], Value::Null);
}

#[tokio::test]
async fn a_yes_may_be_remembered_in_a_shape_that_fits() {
    let api = waiting().await;
    let remember = |shape: Value| json!({"decision": "approve", "remember": {"shape": shape}});
    let start = |url: &str| json!({"url": {"starts_with": url}});
    for (body, field) in [
        (json!({}), "decision"),
        (json!({"decision": "maybe"}), "decision"),
        (json!({"decision": "deny", "note": 5}), "note"),
        (json!({"decision": "approve", "remember": true}), "remember"),
        (json!({"decision": "deny", "remember": {}}), "remember"),
        (
            json!({"decision": "approve", "remember": {"all": 1}}),
            "remember.all",
        ),
        (remember(json!({"url": "x"})), "remember.shape.url"),
        (remember(start("")), "remember.shape.url"),
        (remember(json!({})), "remember.shape"),
        (remember(start("https://other.example/")), "remember.shape"),
    ] {
        let refused = api.post(FIRST, body.clone()).await;
        let told = format!("{body} {}", refused.text());
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{told}");
        assert_eq!(refused.problem()["field"], field, "{told}");
    }

    let shape = start("https://example.org/");
    let answered = api.post(FIRST, remember(shape.clone())).await;

    let answered = answered.expect(StatusCode::OK);
    assert_eq!(answered["permission"]["shape"], shape);
    assert_eq!(answered["permission"]["tool"], "http_get");
    let all = api.get("/api/v1/permissions").await;
    assert_eq!(all["items"][0], answered["permission"]);
}

#[tokio::test]
async fn approvals_are_listed_by_status_in_pages_without_gap_or_repeat() {
    let api = TestApi::start().await;
    for number in 1..=3 {
        api.claimed_task("t").await;
        AtWork::at(&api, number, 1).await.asks().await;
    }
    let no = api.post("/api/v1/approvals/2", json!({"decision": "deny"}));
    no.await.expect(StatusCode::OK);

    let first = api.get("/api/v1/approvals?status=pending&limit=1").await;
    let cursor = first["next_cursor"].as_str().unwrap();
    let path = format!("/api/v1/approvals?status=pending&limit=1&cursor={cursor}");
    let second = api.get(&path).await;

    assert_eq!((numbers(&first), numbers(&second)), (vec![3], vec![1]));
    assert_eq!(second["next_cursor"], Value::Null);
    assert_eq!(
        numbers(&api.get("/api/v1/approvals").await),
        [3, 2, 1],
        "without a status, all of them"
    );
    let wrong = format!("/api/v1/runs?cursor={cursor}");
    let wrong = api.call("GET", &wrong).send().await;
    assert_eq!(wrong.problem()["field"], "cursor");
}

#[tokio::test]
async fn a_permission_is_given_listed_and_taken_back_once() {
    let api = TestApi::start().await;
    let give = async |body: Value| api.post("/api/v1/permissions", body).await;
    let missing = "01980000-0000-7000-8000-00000000ffff";
    let shape = json!({"url": "any"});
    for (body, field) in [
        (json!({"shape": shape}), "tool"),
        (json!({"tool": "a b", "shape": shape}), "tool"),
        (json!({"tool": "http_get"}), "shape"),
        (json!({"tool": "http_get", "shape": []}), "shape"),
        (
            json!({"tool": "http_get", "shape": {"url": 5}}),
            "shape.url",
        ),
        (
            json!({"tool": "http_get", "shape": shape, "project_id": "x"}),
            "project_id",
        ),
        (
            json!({"tool": "http_get", "shape": shape, "project_id": missing}),
            "project_id",
        ),
    ] {
        let refused = give(body.clone()).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{body}");
        assert_eq!(refused.problem()["field"], field, "{body}");
    }

    let given = give(json!({"tool": "http_get", "shape": shape})).await;

    insta::assert_snapshot!(pretty(&given.expect(StatusCode::CREATED)), @r#"
    {
      "created_at": "2026-11-23T09:00:00.000Z",
      "created_by": "owner",
      "id": "01980000-0000-7000-8000-000000000007",
      "last_used_at": null,
      "number": 1,
      "project_id": null,
      "revoked_at": null,
      "shape": {
        "url": "any"
      },
      "tool": "http_get",
      "uses": 0
    }
    "#);
    let revoke = async |number: &str| {
        let path = format!("/api/v1/permissions/{number}");
        api.call("DELETE", &path).send().await
    };
    assert_eq!(revoke("1").await.status, StatusCode::NO_CONTENT);
    assert_eq!(revoke("1").await.problem()["code"], "already_revoked");
    assert_eq!(revoke("2").await.status, StatusCode::NOT_FOUND);
    assert_eq!(revoke("x").await.problem()["field"], "number");
    assert_eq!(numbers(&api.get("/api/v1/permissions").await), [0_i64; 0]);
    let all = api.get("/api/v1/permissions?all=true").await;
    assert_eq!(numbers(&all), [1]);
    assert!(all["items"][0]["revoked_at"].is_string());
}

#[tokio::test]
async fn a_folder_is_opened_listed_and_closed() {
    let api = TestApi::start().await;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().canonicalize().unwrap();
    let path = path.to_str().unwrap();
    let open = async |body: Value| api.post("/api/v1/folders", body).await;
    for (body, field) in [
        (json!({"path": path}), "name"),
        (json!({"name": "a b", "path": path}), "name"),
        (json!({"name": "notes", "path": "notes"}), "path"),
        (json!({"name": "notes", "path": "/etc"}), "path"),
        (json!({"name": "notes", "path": "/nowhere\u{0}"}), "path"),
        (
            json!({"name": "notes", "path": path, "access": "all"}),
            "access",
        ),
        (
            json!({"name": "notes", "path": path, "project_id": "x"}),
            "project_id",
        ),
    ] {
        let refused = open(body.clone()).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{body}");
        assert_eq!(refused.problem()["field"], field, "{body}");
    }

    let opened = open(json!({"name": "notes", "path": path})).await;

    let opened = opened.expect(StatusCode::CREATED);
    assert_eq!(opened["path"], path);
    assert_eq!(opened["access"], "read");
    let twice = open(json!({"name": "notes", "path": path, "access": "write"})).await;
    assert_eq!(twice.problem()["code"], "name_taken");
    let all = api.get("/api/v1/folders").await;
    assert_eq!(all["items"], json!([opened]));
    let close = async || api.call("DELETE", "/api/v1/folders/notes").send().await;
    assert_eq!(close().await.status, StatusCode::NO_CONTENT);
    assert_eq!(close().await.status, StatusCode::NOT_FOUND);
    assert_eq!(api.get("/api/v1/folders").await["items"], json!([]));
    let all = api.get("/api/v1/folders?all=true").await;
    assert!(all["items"][0]["revoked_at"].is_string());
}
