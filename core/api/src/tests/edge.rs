//! What surrounds every request.

use axum::routing::get;
use http::StatusCode;
use serde_json::json;

use super::support::{TestApi, pretty};
use crate::edge::EdgeLayer;
use crate::guard::Guard;
use crate::metrics::Meters;

#[tokio::test]
async fn a_request_under_a_foreign_name_is_refused_before_anything_else() {
    let api = TestApi::start().await;
    for path in [
        "/healthz",
        "/api/v1/tasks",
        "/nowhere",
        "/api/v1/events/stream",
    ] {
        let answer = api
            .call("GET", path)
            .set("host", "evil.example")
            .send()
            .await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path}");
        assert_eq!(answer.problem()["code"], "host_not_allowed", "{path}");
        let answer = api
            .call("GET", path)
            .header("origin", "https://evil.example")
            .send()
            .await;
        assert_eq!(answer.problem()["code"], "origin_not_allowed", "{path}");
        let answer = api
            .call("GET", path)
            .header("host", "localhost")
            .send()
            .await;
        assert_eq!(answer.problem()["code"], "host_missing", "{path}");
    }
    let whole = api.call("GET", "http://evil.example/healthz").send().await;
    assert_eq!(whole.problem()["code"], "host_not_allowed");
    let page = api
        .call("GET", "/api/v1/me")
        .header("origin", "http://localhost:4747");
    page.send().await.expect(StatusCode::OK);
    let page = api.call("GET", "/api/v1/me").set("host", "hearth.example");
    page.send().await.expect(StatusCode::OK);
}

#[tokio::test]
async fn only_health_is_open_without_a_key() {
    let api = TestApi::start().await;
    for path in ["/healthz", "/readyz"] {
        let answer = api.call("GET", path).key(None).send().await;
        assert_eq!(answer.expect(StatusCode::OK), json!({"status": "ok"}));
    }
    for path in [
        "/metrics",
        "/api/v1/openapi.json",
        "/api/v1/me",
        "/api/v1/tasks?limit=0",
        "/api/v1/tasks/x",
    ] {
        let answer = api.call("GET", path).key(None).send().await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{path}");
        assert_eq!(answer.problem()["code"], "unauthenticated");
        assert_eq!(answer.header("www-authenticate"), "Bearer");
    }
}

#[tokio::test]
async fn a_key_is_taken_either_way_but_not_two_of_them() {
    let api = TestApi::start().await;
    let me = |headers: &[(&str, String)]| {
        let mut call = api.call("GET", "/api/v1/me").key(None);
        for (name, value) in headers {
            call = call.header(name, value);
        }
        call.send()
    };
    let bearer = |key: &str| ("authorization", format!("bearer {key}"));
    let plain = |key: &str| ("x-api-key", key.to_owned());

    for headers in [
        vec![bearer(&api.admin)],
        vec![plain(&api.admin)],
        vec![bearer(&api.admin), plain(&api.admin)],
    ] {
        me(&headers).await.expect(StatusCode::OK);
    }
    for headers in [
        vec![bearer(&api.admin), plain(&api.viewer)],
        vec![bearer(&api.admin), bearer(&api.viewer)],
        vec![bearer("wrong")],
        vec![bearer("")],
        vec![plain("")],
        vec![("authorization", format!("Basic {}", api.admin))],
        vec![("authorization", api.admin.clone())],
        vec![("x-api-key", "\u{e9}".into())],
    ] {
        let answer = me(&headers).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{headers:?}");
        answer.problem();
    }
}

#[tokio::test]
async fn what_is_no_path_and_what_is_no_method_are_problems() {
    let api = TestApi::start().await;
    for path in [
        "/",
        "/nowhere",
        "/api/v1/nowhere",
        "/api/v1/tasks/",
        "/api/v2/tasks",
        "/api",
    ] {
        let answer = api.call("GET", path).send().await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        assert_eq!(answer.problem()["code"], "no_such_path", "{path}");
    }
    for (method, path, allow) in [
        ("PUT", "/api/v1/tasks", "POST,GET,HEAD"),
        ("DELETE", "/api/v1/tasks/1", "GET,HEAD,PATCH"),
        ("GET", "/api/v1/tasks/claim", "POST"),
        ("TRACE", "/healthz", "GET,HEAD"),
        ("QUERY", "/api/v1/me", "GET,HEAD"),
    ] {
        let answer = api.call(method, path).send().await;
        assert_eq!(
            answer.status,
            StatusCode::METHOD_NOT_ALLOWED,
            "{method} {path}"
        );
        assert_eq!(answer.problem()["code"], "method_not_allowed");
        let allowed = answer.header("allow");
        let sorted = |list: &str| {
            let mut methods: Vec<String> = list.split(',').map(str::to_owned).collect();
            methods.sort();
            methods
        };
        assert_eq!(sorted(allowed), sorted(allow), "{method} {path}");
    }
}

#[tokio::test]
async fn a_request_identifier_is_taken_where_it_has_the_form_of_one() {
    let api = TestApi::start().await;
    let long = "x".repeat(65);
    let given = api
        .call("GET", "/healthz")
        .set("x-request-id", "a.B_9-")
        .send()
        .await;
    assert_eq!(given.header("x-request-id"), "a.B_9-");
    for bad in ["", "two words", "<script>", &long] {
        let answer = api
            .call("GET", "/healthz")
            .set("x-request-id", bad)
            .send()
            .await;
        let made = answer.header("x-request-id");
        assert_ne!(made, bad);
        assert!(!made.is_empty());
    }
}

#[tokio::test]
async fn every_answer_is_guarded_against_misuse_by_a_browser() {
    let api = TestApi::start().await;
    for path in ["/api/v1/me", "/nowhere", "/metrics"] {
        let answer = api.call("GET", path).send().await;
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("referrer-policy"), "no-referrer");
        assert_eq!(answer.header("cache-control"), "no-store");
    }
}

async fn fail() -> &'static str {
    panic!("secret path /home/me")
}

#[tokio::test]
async fn a_panic_is_a_problem_that_tells_nothing() {
    let mut api = TestApi::start().await;
    let meters = Meters::new(std::iter::empty());
    api.router = axum::Router::new()
        .route("/fail", get(fail))
        .layer(EdgeLayer::new(Guard::new(&[]), meters));

    let answer = api.call("GET", "/fail").send().await;

    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
    insta::assert_snapshot!(pretty(&answer.problem()), @r#"
    {
      "code": "internal",
      "detail": "the node failed at this; its log has the story under the request_id",
      "request_id": "test",
      "status": 500,
      "title": "The node failed",
      "type": "urn:hearth:internal"
    }
    "#);
}

#[tokio::test]
async fn measures_are_served_as_prometheus_text() {
    let api = TestApi::start().await;
    api.claimed_task("Measured").await;
    api.call("GET", "/api/v1/tasks/nope").send().await;

    let answer = api
        .call("GET", "/metrics")
        .key(Some(&api.viewer))
        .send()
        .await;

    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(
        answer.header("content-type"),
        "text/plain; version=0.0.4; charset=utf-8"
    );
    let text = answer.text();
    for line in [
        "# HELP hearth_tasks_created_total ",
        "# TYPE hearth_http_request_duration_seconds histogram",
        "hearth_http_request_duration_seconds_bucket{route=\"/api/v1/tasks\",method=\"POST\",le=\"0.01\"}",
        "hearth_http_requests_total{route=\"/api/v1/tasks/{id}/claim\",method=\"POST\",status=\"2xx\"}",
        "hearth_http_errors_total{route=\"/api/v1/tasks/{id}\",method=\"GET\",status=\"4xx\"}",
        "hearth_store_writes_waiting ",
        "hearth_events_last_seq ",
        "hearth_runs{status=\"running\"} ",
        "hearth_runs{status=\"waiting\"} ",
        "hearth_runs{status=\"failed\"} ",
        "hearth_approvals_pending ",
        "hearth_agents_online ",
        "hearth_agents_working ",
        "hearth_agent_utilisation ",
        "hearth_store_commit_batch_size_bucket",
    ] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
}
