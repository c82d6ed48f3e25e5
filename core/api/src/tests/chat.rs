//! Talking to the chief of staff over HTTP.

use axum::body::Body;
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;

use super::support::TestApi;

#[tokio::test]
async fn a_conversation_goes_on_where_it_was_and_is_stored() {
    let api = TestApi::start().await;

    let first = api.post("/chat", json!({"message": " hello "})).await;
    let first = first.expect(StatusCode::OK);
    let id = first["conversation_id"].as_str().unwrap();
    let again = json!({"message": "and now", "conversation_id": id});
    let second = api.post("/api/v1/chat", again).await.expect(StatusCode::OK);

    assert_eq!(first["response"], "You said hello. Before: null.");
    assert_eq!(second["response"], "You said and now. Before: \"hello\".");
    assert_eq!(second["conversation_id"], id);
    assert_eq!(
        second["actions"],
        json!([{"event": "task.created", "entity_id": uuid::Uuid::nil(), "number": 1, "name": "and now"}])
    );
    let path = format!("/api/v1/conversations/{id}/messages");
    let stored = api.get(&path).await;
    let said: Vec<(&str, &str)> = stored["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|message| {
            let text = |field: &str| message[field].as_str().unwrap();
            (text("author"), text("text"))
        })
        .collect();
    assert_eq!(
        said,
        [
            ("person", " hello "),
            ("chief_of_staff", "You said hello. Before: null."),
            ("person", "and now"),
            ("chief_of_staff", "You said and now. Before: \"hello\"."),
        ]
    );
    let all = api.get("/api/v1/conversations").await;
    assert_eq!(all["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn an_answer_can_come_as_events() {
    let api = TestApi::start().await;

    let answer = api
        .call("POST", "/chat")
        .header("accept", "text/event-stream")
        .json(json!({"message": "hello"}))
        .send()
        .await;

    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.header("content-type"), "text/event-stream");
    let text = answer.text();
    let deltas: String = text
        .split("\n\n")
        .filter_map(|event| event.strip_prefix("event: delta\ndata: "))
        .map(|data| {
            let data: Value = serde_json::from_str(data).unwrap();
            data["text"].as_str().unwrap().to_owned()
        })
        .collect();
    let done = text.split("event: done\ndata: ").nth(1).unwrap();
    let done: Value = serde_json::from_str(done.trim()).unwrap();
    assert_eq!(done["response"], deltas);
    assert_eq!(deltas, "You said hello. Before: null.");
}

/// Reads the next events of an answer, up to the end of a piece of the body.
async fn next(body: &mut Body) -> Option<String> {
    let frame = body.frame().await?.unwrap();
    Some(String::from_utf8(frame.into_data().unwrap().to_vec()).unwrap())
}

/// Asks for an answer as events; returns it as soon as it begins.
async fn begin(api: &TestApi, message: &str) -> Response<Body> {
    let request = Request::post("/chat")
        .header("host", "localhost:4747")
        .header("authorization", format!("Bearer {}", api.admin))
        .header("accept", "text/event-stream")
        .header("content-type", "application/json");
    let body = json!({ "message": message }).to_string();
    let response = api
        .router
        .clone()
        .oneshot(request.body(Body::from(body)).unwrap());
    response.await.unwrap()
}

#[tokio::test]
async fn an_answer_is_heard_while_it_is_made() {
    let api = TestApi::start().await;

    let mut body = begin(&api, "slowly").await.into_body();
    assert_eq!(
        next(&mut body).await.unwrap(),
        "event: delta\ndata: {\"text\":\"One.\"}\n\n"
    );
    api.echo.go_on.notify_one();
    assert_eq!(
        next(&mut body).await.unwrap(),
        "event: delta\ndata: {\"text\":\" Two.\"}\n\n"
    );
    api.echo.go_on.notify_one();
    // What is no part of it after all is taken back.
    assert_eq!(
        next(&mut body).await.unwrap(),
        "event: reset\ndata: {}\n\nevent: delta\ndata: {\"text\":\"Three.\"}\n\n"
    );
    api.echo.go_on.notify_one();
    let last = next(&mut body).await.unwrap();

    let (delta, done) = last.split_once("event: done\ndata: ").unwrap();
    assert_eq!(delta, "event: delta\ndata: {\"text\":\" Four.\"}\n\n");
    let done: Value = serde_json::from_str(done.trim()).unwrap();
    assert_eq!(done["response"], "Three. Four.");
    assert_eq!(next(&mut body).await, None);
}

#[tokio::test]
async fn an_answer_that_breaks_off_says_so() {
    let api = TestApi::start().await;

    let mut body = begin(&api, "break off").await.into_body();
    assert!(next(&mut body).await.unwrap().contains("\"One.\""));
    api.echo.go_on.notify_one();
    let last = next(&mut body).await.unwrap();

    let data = last.strip_prefix("event: error\ndata: ").unwrap();
    let error: Value = serde_json::from_str(data.trim()).unwrap();
    assert_eq!(error["code"], "busy");
    assert_eq!(error["status"], 503);
    assert_eq!(next(&mut body).await, None);
}

#[tokio::test]
async fn an_answer_is_stored_though_its_reader_went_away() {
    let api = TestApi::start().await;
    let mut body = begin(&api, "slowly").await.into_body();
    next(&mut body).await.unwrap();

    drop(body);
    for _ in 0..3 {
        api.echo.go_on.notify_one();
        api.echo.went_on.notified().await;
    }

    let all = api.get("/api/v1/conversations").await;
    let id = all["items"][0]["id"].as_str().unwrap();
    let body = json!({"message": "and", "conversation_id": id});
    api.post("/chat", body).await.expect(StatusCode::OK);
    let stored = api
        .get(&format!("/api/v1/conversations/{id}/messages"))
        .await;
    assert_eq!(stored["items"][1]["text"], "Three. Four.");
}

#[tokio::test]
async fn the_same_request_sent_again_gets_the_same_answer() {
    let api = TestApi::start().await;
    let send = async |accept: &str, message: &str| {
        api.call("POST", "/chat")
            .header("idempotency-key", "k-1")
            .header("accept", accept)
            .json(json!({ "message": message }))
            .send()
            .await
    };

    let first = send("application/json", "hello").await;
    let again = send("application/json", "hello").await;
    let streamed = send("text/event-stream", "hello").await;
    let other = send("application/json", "bye").await;

    assert_eq!(again.expect(StatusCode::OK), first.expect(StatusCode::OK));
    assert_eq!(first.header("idempotent-replayed"), "");
    assert_eq!(again.header("idempotent-replayed"), "true");
    assert_eq!(streamed.header("idempotent-replayed"), "true");
    assert!(streamed.text().contains("event: done"));
    assert_eq!(other.status, StatusCode::CONFLICT);
    assert_eq!(other.problem()["code"], "idempotency_key_reused");
    let all = api.get("/api/v1/conversations").await;
    assert_eq!(all["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn what_is_no_message_or_no_conversation_is_refused() {
    let api = TestApi::start().await;
    let unknown = "01980000-0000-7000-8000-00000000ffff";
    for (body, status, field) in [
        (json!({"message": "  "}), 422, "message"),
        (json!({"message": "x".repeat(100_001)}), 422, "message"),
        (json!({}), 422, "message"),
        (
            json!({"message": "x", "conversation_id": "y"}),
            422,
            "conversation_id",
        ),
        (json!({"message": "x", "mesage": "y"}), 422, "mesage"),
    ] {
        let answer = api.post("/chat", body).await;
        assert_eq!(answer.status.as_u16(), status, "{}", answer.text());
        assert_eq!(answer.problem()["field"], field);
    }
    let elsewhere = json!({"message": "x", "conversation_id": unknown});
    let answer = api.post("/chat", elsewhere).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(answer.problem()["field"], "conversation_id");
}
