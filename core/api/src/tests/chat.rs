//! Talking to the chief of staff over HTTP.

use http::StatusCode;
use serde_json::{Value, json};

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
