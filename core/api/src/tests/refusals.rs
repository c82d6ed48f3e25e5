//! Bad bodies: the field is named, nothing is changed, nothing is told.

use axum::body::Body;
use http::StatusCode;
use serde_json::{Value, json};

use super::support::TestApi;

#[tokio::test]
async fn a_bad_field_is_named() {
    let api = TestApi::start().await;
    api.claimed_task("Here").await;
    let events = api.get("/api/v1/status").await["last_seq"].clone();
    let missing = "01980000-0000-7000-8000-00000000ffff";
    let create = "POST tasks";
    let patch = "PATCH tasks/1";
    let long = "x".repeat(501);
    let cases: Vec<(&str, Value, &str)> = vec![
        (create, json!({}), "title"),
        (create, json!({"title": ""}), "title"),
        (create, json!({"title": " \t"}), "title"),
        (create, json!({"title": "a\nb"}), "title"),
        (create, json!({"title": long}), "title"),
        (create, json!({"title": 5}), "title"),
        (create, json!({"title": null}), "title"),
        (create, json!({"titel": "x"}), "titel"),
        (create, json!({"title": "x", "nested": {"a": 1}}), "nested"),
        (create, json!([]), "body"),
        (create, json!("x"), "body"),
        (create, json!(null), "body"),
        (
            create,
            json!({"title": "x", "description": "\u{0}"}),
            "description",
        ),
        (
            create,
            json!({"title": "x", "description": "x".repeat(100_001)}),
            "description",
        ),
        (
            create,
            json!({"title": "x", "priority": "urgent"}),
            "priority",
        ),
        (create, json!({"title": "x", "priority": 3}), "priority"),
        (
            create,
            json!({"title": "x", "project_id": "web"}),
            "project_id",
        ),
        (
            create,
            json!({"title": "x", "project_id": missing}),
            "project_id",
        ),
        (
            create,
            json!({"title": "x", "parent_id": missing}),
            "parent_id",
        ),
        (
            create,
            json!({"title": "x", "assigned_to": "a b"}),
            "assigned_to",
        ),
        (
            create,
            json!({"title": "x", "assigned_to": "system"}),
            "assigned_to",
        ),
        (create, json!({"title": "x", "context": []}), "context"),
        (
            create,
            json!({"title": "x", "context": {"t": "x".repeat(262_144)}}),
            "context",
        ),
        (
            create,
            json!({"title": "x", "depends_on": ["x"]}),
            "depends_on[0]",
        ),
        (
            create,
            json!({"title": "x", "depends_on": [missing]}),
            "depends_on",
        ),
        (
            create,
            json!({"title": "x", "depends_on": [missing, 3]}),
            "depends_on[1]",
        ),
        (
            create,
            json!({"title": "x", "labels": ["a", "b", "c", "two words"]}),
            "labels[3]",
        ),
        (
            create,
            json!({"title": "x", "labels": ["a", ""]}),
            "labels[1]",
        ),
        (create, json!({"title": "x", "labels": "a"}), "labels"),
        (
            create,
            json!({"title": "x", "labels": vec!["a"; 51]}),
            "labels",
        ),
        (create, json!({"title": "x", "due_at": "friday"}), "due_at"),
        (
            create,
            json!({"title": "x", "due_at": "2026-02-30T00:00:00Z"}),
            "due_at",
        ),
        (
            create,
            json!({"title": "x", "due_at": "1969-12-31T00:00:00Z"}),
            "due_at",
        ),
        (create, json!({"title": "x", "due_at": 5}), "due_at"),
        (
            create,
            json!({"title": "x", "not_before": "2026-11-23"}),
            "not_before",
        ),
        (
            create,
            json!({"title": "x", "max_attempts": 0}),
            "max_attempts",
        ),
        (
            create,
            json!({"title": "x", "max_attempts": 21}),
            "max_attempts",
        ),
        (
            create,
            json!({"title": "x", "max_attempts": -1}),
            "max_attempts",
        ),
        (
            create,
            json!({"title": "x", "max_attempts": 1.5}),
            "max_attempts",
        ),
        (
            create,
            json!({"title": "x", "acceptance": [{"kind": "magic"}]}),
            "acceptance[0].kind",
        ),
        (
            create,
            json!({"title": "x", "acceptance": [{"kind": "artifact", "type": "a b"}]}),
            "acceptance[0].type",
        ),
        (
            create,
            json!({"title": "x", "acceptance": [{"kind": "artifact", "min_bytes": -1}]}),
            "acceptance[0].min_bytes",
        ),
        (
            create,
            json!({"title": "x", "acceptance": [{"kind": "artifact", "max": 1}]}),
            "acceptance[0].max",
        ),
        (
            create,
            json!({"title": "x", "acceptance": [{"kind": "python"}]}),
            "acceptance[0].code",
        ),
        (
            create,
            json!({"title": "x", "acceptance": [{"kind": "python", "code": "1", "argv": []}]}),
            "acceptance[0].argv",
        ),
        (
            create,
            json!({"title": "x", "acceptance": [{"kind": "artifact"}, {"kind": "command", "argv": [""]}]}),
            "acceptance[1].argv",
        ),
        (
            create,
            json!({"title": "x", "acceptance": [{"kind": "result_schema", "schema": {"type": "text"}}]}),
            "acceptance[0].schema",
        ),
        (
            create,
            json!({"title": "x", "acceptance": [{"kind": "result_schema", "schema": {"$ref": "https://example.com/s.json"}}]}),
            "acceptance[0].schema",
        ),
        (
            create,
            json!({"title": "x", "acceptance": [{"kind": "result_schema", "schema": {"$ref": "#"}}]}),
            "acceptance[0].schema",
        ),
        (
            create,
            json!({"title": "x", "acceptance": [{}]}),
            "acceptance[0].kind",
        ),
        (
            create,
            json!({"title": "x", "budget": {"usd": -1}}),
            "budget.usd",
        ),
        (
            create,
            json!({"title": "x", "budget": {"usd": 1e300}}),
            "budget.usd",
        ),
        (
            create,
            json!({"title": "x", "budget": {"tokens": -1}}),
            "budget.tokens",
        ),
        (
            create,
            json!({"title": "x", "budget": {"tokens": u64::MAX}}),
            "budget.tokens",
        ),
        (
            create,
            json!({"title": "x", "budget": {"turns": 2_000_000_000}}),
            "budget.turns",
        ),
        (
            create,
            json!({"title": "x", "budget": {"wall_seconds": -1}}),
            "budget.wall_seconds",
        ),
        (
            create,
            json!({"title": "x", "budget": {"eur": 1}}),
            "budget.eur",
        ),
        (
            create,
            json!({"title": "x", "created_by": "a/b"}),
            "created_by",
        ),
        (
            create,
            json!({"title": "x", "artifacts": ["x"]}),
            "artifacts[0]",
        ),
        (
            create,
            json!({"title": "x", "artifacts": [missing]}),
            "artifacts",
        ),
        (patch, json!({}), "body"),
        (patch, json!({"title": null}), "title"),
        (patch, json!({"status": "completed"}), "status"),
        (patch, json!({"labels": null}), "labels"),
        (patch, json!({"priority": null}), "priority"),
        (patch, json!({"fence": -1}), "fence"),
        ("POST tasks/claim", json!({}), "agent"),
        ("POST tasks/claim", json!({"agent": "../etc"}), "agent"),
        (
            "POST tasks/claim",
            json!({"agent": "seed", "lease_seconds": 4}),
            "lease_seconds",
        ),
        (
            "POST tasks/claim",
            json!({"agent": "seed", "lease_seconds": 3601}),
            "lease_seconds",
        ),
        (
            "POST tasks/claim",
            json!({"agent": "seed", "lease_seconds": u64::MAX}),
            "lease_seconds",
        ),
        (
            "POST tasks/1/claim",
            json!({"agent": "seed", "has_plan": true}),
            "has_plan",
        ),
        ("POST tasks/1/complete", json!({"agent": "seed"}), "fence"),
        (
            "POST tasks/1/complete",
            json!({"agent": "seed", "fence": "1"}),
            "fence",
        ),
        (
            "POST tasks/1/complete",
            json!({"agent": "seed", "fence": 1, "result": "done"}),
            "result",
        ),
        (
            "POST tasks/1/block",
            json!({"agent": "seed", "fence": 1}),
            "reason",
        ),
        (
            "POST tasks/1/block",
            json!({"agent": "seed", "fence": 1, "reason": " "}),
            "reason",
        ),
        (
            "POST tasks/1/block",
            json!({"agent": "seed", "fence": 1, "reason": "r", "options": [""]}),
            "options",
        ),
        (
            "POST tasks/1/heartbeat",
            json!({"agent": "seed", "fence": 1, "percent": 5}),
            "message",
        ),
        (
            "POST tasks/1/heartbeat",
            json!({"agent": "seed", "fence": 1, "message": "m", "percent": 101}),
            "percent",
        ),
        (
            "POST tasks/1/heartbeat",
            json!({"agent": "seed", "fence": 1, "message": "m", "percent": 300}),
            "percent",
        ),
        ("POST tasks/1/answer", json!({"answer": " "}), "answer"),
        ("POST tasks/1/cancel", json!({"why": "x"}), "why"),
        ("POST projects", json!({"name": "a\u{7}b"}), "name"),
        (
            "POST projects",
            json!({"name": "p", "status": "open"}),
            "status",
        ),
        (
            "POST agents/register",
            json!({"name": "owner", "type": "x"}),
            "name",
        ),
        (
            "POST agents/register",
            json!({"name": "a", "type": "x y"}),
            "type",
        ),
        (
            "POST agents/register",
            json!({"name": "a", "type": "x", "capabilities": [""]}),
            "capabilities",
        ),
        (
            "POST agents/seed/heartbeat",
            json!({"status": "offline"}),
            "status",
        ),
        ("POST keys", json!({"name": "k", "role": "root"}), "role"),
        ("POST keys", json!({"name": "k", "role": "agent"}), "agent"),
        (
            "POST keys",
            json!({"name": "k", "role": "viewer", "agent": "a"}),
            "agent",
        ),
        ("POST artifacts", json!({"content": "x"}), "type"),
        ("POST artifacts", json!({"type": "report"}), "content"),
        (
            "POST artifacts",
            json!({"type": "report", "content": "x", "content_base64": "eA=="}),
            "content",
        ),
        (
            "POST artifacts",
            json!({"type": "report", "content_base64": "?"}),
            "content_base64",
        ),
        (
            "POST artifacts",
            json!({"type": "report", "content": "x", "media_type": "text"}),
            "media_type",
        ),
        (
            "POST artifacts",
            json!({"type": "report", "content": "x", "media_type": "a/b\r\nx: y"}),
            "media_type",
        ),
        (
            "POST artifacts",
            json!({"type": "report", "content": "x", "name": "a/.."}),
            "name",
        ),
        (
            "POST artifacts",
            json!({"type": "report", "content": "x", "task_id": "x"}),
            "task_id",
        ),
        (
            "POST artifacts",
            json!({"type": "report", "content": "x", "task_id": -1}),
            "task_id",
        ),
    ];
    for (what, body, field) in cases {
        let (method, path) = what.split_once(' ').unwrap();
        let call = api.call(method, &format!("/api/v1/{path}"));
        let shown: String = body.to_string().chars().take(80).collect();

        let answer = call.json(body).send().await;

        assert_eq!(
            answer.status,
            StatusCode::UNPROCESSABLE_ENTITY,
            "{what} {shown} {}",
            answer.text()
        );
        let problem = answer.problem();
        assert_eq!(problem["field"], field, "{what} {shown} {problem}");
    }
    assert_eq!(
        api.get("/api/v1/status").await["last_seq"],
        events,
        "something was changed"
    );
}

#[tokio::test]
async fn a_body_that_is_no_json_is_explained() {
    let api = TestApi::start().await;
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let deep_inside = format!(r#"{{"title":"x","context":{{"a":{deep}}}}}"#);
    let cases: [(&[u8], &str); 10] = [
        (b"", "is missing"),
        (b"{", "ends too early"),
        (b"{\"title\":\"x\"", "ends too early"),
        (b"{'title':1}", "is not JSON"),
        (b"{\"title\":\"x\"}}", "is not JSON"),
        (b"{\"title\":\"\xff\"}", "is not JSON"),
        (b"\xef\xbb\xbf{}", "is not JSON"),
        (b"{\"title\":\"\\ud800\"}", "is not JSON"),
        (deep.as_bytes(), "must be an object, not a list"),
        (deep_inside.as_bytes(), "too deeply nested"),
    ];
    for (bytes, expected) in cases {
        let answer = api
            .call("POST", "/api/v1/tasks")
            .header("content-type", "application/json")
            .bytes(bytes.to_vec())
            .send()
            .await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
        let problem = answer.problem();
        assert_eq!(problem["field"], "body", "{problem}");
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains(expected), "{detail}");
    }
}

#[tokio::test]
async fn a_refusal_says_what_would_be_right() {
    let api = TestApi::start().await;
    let detail = async |body: &str| {
        let call = api.call("POST", "/api/v1/tasks");
        let answer = call.bytes(body.to_owned()).send().await;
        answer.problem()["detail"].as_str().unwrap().to_owned()
    };

    insta::assert_snapshot!(detail(r#"{"titel":"x"}"#).await, @"titel is not a field of this; did you mean title? The fields are title, description, project_id, parent_id, priority, assigned_to, context, depends_on, labels, due_at, not_before, max_attempts, acceptance, budget, estimate_minutes, recurrence, created_by, artifacts, trust");
    insta::assert_snapshot!(detail(r#"{"title":"x","zzz":1}"#).await, @"zzz is not a field of this; the fields are title, description, project_id, parent_id, priority, assigned_to, context, depends_on, labels, due_at, not_before, max_attempts, acceptance, budget, estimate_minutes, recurrence, created_by, artifacts, trust");
    insta::assert_snapshot!(detail(r#"{"title":7}"#).await, @"title must be a string, not integer 7");
    insta::assert_snapshot!(detail(r#"{"title":"x","title":"y"}"#).await, @"title is given twice");
    insta::assert_snapshot!(detail(r#"{"title":"x","max_attempts":-1}"#).await, @"max_attempts must be a whole number, 0 or more, not integer -1");
    insta::assert_snapshot!(detail(r#"{"title":"x","labels":["a",{}]}"#).await, @"labels[1] must be a string, not an object");
    insta::assert_snapshot!(detail(r#"{"title":"x","budget":[]}"#).await, @"budget must be an object, not a list");
    insta::assert_snapshot!(detail(r#"{"title":"x","context":7}"#).await, @"context must be an object, not integer 7");
    insta::assert_snapshot!(detail(r#"{"title":"x","due_at":"soon"}"#).await, @"due_at is not a date and time; write it as 2026-11-23T09:00:00Z");
    insta::assert_snapshot!(detail(r#"{"title":"x","acceptance":[{"kind":"x"}]}"#).await, @"acceptance[0].kind must be one of artifact, result_schema, python, command, not x");
    insta::assert_snapshot!(detail(r#"{"title":"x","a`, expected `b":1}"#).await, @"a`, expected `b is not a field of this; the fields are title, description, project_id, parent_id, priority, assigned_to, context, depends_on, labels, due_at, not_before, max_attempts, acceptance, budget, estimate_minutes, recurrence, created_by, artifacts, trust");
    insta::assert_snapshot!(detail(r#"{"title": x}"#).await, @"body is not JSON: expected value at line 1 column 11");
}

#[tokio::test]
async fn a_body_of_another_kind_is_refused() {
    let api = TestApi::start().await;
    for kind in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/jsonx",
        "\u{e9}",
    ] {
        for path in ["/api/v1/tasks", "/api/v1/artifacts"] {
            let answer = api
                .call("POST", path)
                .header("content-type", kind)
                .bytes(r#"{"title":"x"}"#)
                .send()
                .await;
            assert_eq!(answer.status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{kind}");
            assert_eq!(answer.problem()["code"], "unsupported_media_type");
        }
    }
    let answer = api
        .call("POST", "/api/v1/tasks")
        .header("content-type", "Application/JSON; charset=utf-8")
        .bytes(r#"{"title":"x"}"#)
        .send()
        .await;
    answer.expect(StatusCode::CREATED);
}

#[tokio::test]
async fn the_largest_body_can_be_changed_while_the_interface_is_served() {
    let api = TestApi::start().await;
    let body = json!({"title": "x", "description": "x".repeat(2000)});

    api.config.max_body_bytes.set(1024);
    let refused = api.post("/api/v1/tasks", body.clone()).await;
    api.config.max_body_bytes.set(4096);
    let taken = api.post("/api/v1/tasks", body).await;

    assert_eq!(refused.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(taken.status, StatusCode::CREATED);
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_whether_it_says_its_length_or_not() {
    let api = TestApi::start().await;
    let large = "x".repeat(1024 * 1024 + 1);

    let announced = api
        .call("POST", "/api/v1/tasks")
        .header("content-length", large.len().to_string())
        .bytes(large.clone())
        .send()
        .await;
    assert_eq!(announced.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(announced.problem()["code"], "too_large");

    let pieces = large.into_bytes();
    let pieces: Vec<_> = pieces
        .chunks(64 * 1024)
        .map(|piece| Ok::<_, std::io::Error>(piece.to_vec()))
        .collect();
    let chunked = Body::from_stream(futures_util::stream::iter(pieces));
    let chunked = api.call("POST", "/api/v1/tasks").body(chunked).send().await;
    assert_eq!(chunked.status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn a_body_that_breaks_off_is_refused() {
    let api = TestApi::start().await;
    let pieces = [
        Ok("{\"title\":".to_owned()),
        Err(std::io::Error::other("gone")),
    ];
    let broken = Body::from_stream(futures_util::stream::iter(pieces));

    let answer = api.call("POST", "/api/v1/tasks").body(broken).send().await;

    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert_eq!(answer.problem()["code"], "body_cut_short");
}

#[tokio::test]
async fn a_wrong_state_is_a_conflict_and_a_wrong_name_is_not_found() {
    let api = TestApi::start().await;
    let task = api.claimed_task("Held").await;
    let hold = |agent: &str, fence: i64| json!({"agent": agent, "fence": fence});
    assert_eq!(task["fence"], 1);
    api.post("/api/v1/projects", json!({"name": "web"}))
        .await
        .expect(StatusCode::CREATED);
    for (path, body, status, code) in [
        (
            "tasks/1/claim",
            json!({"agent": "other"}),
            409,
            "wrong_state",
        ),
        ("tasks/1/complete", hold("other", 1), 409, "not_holder"),
        ("tasks/1/complete", hold("seed", 7), 409, "fence_mismatch"),
        ("tasks/1/answer", json!({}), 409, "wrong_state"),
        ("tasks/1/reopen", json!({}), 409, "wrong_state"),
        ("tasks/2/claim", json!({"agent": "seed"}), 404, "not_found"),
        (
            "tasks/99999999999999999/cancel",
            json!({}),
            404,
            "not_found",
        ),
        ("agents/nobody/heartbeat", json!({}), 404, "not_found"),
        ("projects", json!({"name": "web"}), 409, "name_taken"),
    ] {
        let answer = api.post(&format!("/api/v1/{path}"), body).await;
        assert_eq!(answer.status.as_u16(), status, "{path} {}", answer.text());
        assert_eq!(answer.problem()["code"], code, "{path}");
    }
}
