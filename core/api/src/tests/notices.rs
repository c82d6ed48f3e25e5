//! Notices over HTTP.

use hearth_domain::day_times::{DayTimes, QuietHours};
use http::StatusCode;
use jiff::civil::time;
use serde_json::{Value, json};

use super::support::TestApi;

async fn blocked() -> TestApi {
    let api = TestApi::start().await;
    api.claimed_task("Paint the fence").await;
    let block = json!({
        "agent": "seed", "fence": 1, "reason": "Which colour?", "options": ["red", "blue"],
    });
    api.post("/api/v1/tasks/1/block", block)
        .await
        .expect(StatusCode::OK);
    api
}

async fn take(api: &TestApi, channel: &str) -> Vec<Value> {
    let taken = api
        .post("/api/v1/notices/take", json!({ "channel": channel }))
        .await
        .expect(StatusCode::OK);
    taken["items"].as_array().unwrap().clone()
}

#[tokio::test]
async fn a_blocked_task_is_told_of_once() {
    let api = blocked().await;

    let taken = take(&api, "chat").await;
    let path = format!(
        "/api/v1/notices/{}/deliver",
        taken[0]["id"].as_str().unwrap()
    );

    assert_eq!(
        taken[0]["text"],
        "#1 Paint the fence waits for you: Which colour? (red, blue)"
    );
    assert_eq!(taken[0]["kind"], "blocked");
    assert!(take(&api, "telegram").await.is_empty());
    let wrong = api.post(&path, json!({"channel": "telegram"})).await;
    assert_eq!(wrong.problem()["code"], "already_delivered");
    let told = api.post(&path, json!({"channel": "chat"})).await;
    assert!(told.expect(StatusCode::OK)["delivered_at"].is_string());
    api.advance(std::time::Duration::from_mins(5));
    assert!(take(&api, "chat").await.is_empty());
    let all = api.get("/api/v1/notices").await;
    assert_eq!(all["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn what_was_taken_and_not_reported_waits_again() {
    let api = blocked().await;
    assert_eq!(take(&api, "telegram").await.len(), 1);
    assert_eq!(take(&api, "chat").await.len(), 0);

    api.advance(std::time::Duration::from_secs(61));

    assert_eq!(take(&api, "chat").await.len(), 1);
}

#[tokio::test]
async fn what_the_owner_blocked_needs_no_telling() {
    let api = TestApi::start().await;
    api.task("Mine").await;
    api.post("/api/v1/tasks/1/claim", json!({"agent": "owner"}))
        .await
        .expect(StatusCode::OK);
    let block = json!({"agent": "owner", "fence": 1, "reason": "rain"});

    api.post("/api/v1/tasks/1/block", block)
        .await
        .expect(StatusCode::OK);

    assert!(take(&api, "chat").await.is_empty());
}

#[tokio::test]
async fn in_the_quiet_hours_a_channel_is_told_when_to_come_again() {
    let api = blocked().await;
    let day = DayTimes {
        morning: None,
        quiet: QuietHours::new(time(8, 30, 0, 0), time(10, 0, 0, 0)),
    };
    let config = hearth_app::Config {
        day,
        ..(*api.app.config()).clone()
    };
    api.app.configure(config);

    let quiet = api
        .post("/api/v1/notices/take", json!({"channel": "telegram"}))
        .await
        .expect(StatusCode::OK);
    let there = json!({"channel": "chat", "person_is_there": true});
    let there = api.post("/api/v1/notices/take", there).await;

    assert_eq!(
        quiet,
        json!({"items": [], "quiet_until": "2026-11-23T10:00:00.000Z"})
    );
    let there = there.expect(StatusCode::OK);
    assert_eq!(there["items"][0]["kind"], "blocked");
    assert_eq!(there["quiet_until"], Value::Null);
}

#[tokio::test]
async fn a_question_that_was_answered_is_shown_as_taken_back() {
    let api = blocked().await;
    api.post("/api/v1/tasks/1/answer", json!({"answer": "red"}))
        .await
        .expect(StatusCode::OK);

    let all = api.get("/api/v1/notices").await;

    assert_eq!(all["items"][0]["withdrawn_at"], "2026-11-23T09:00:00.000Z");
    assert_eq!(all["items"][0]["delivered_at"], Value::Null);
    let id = all["items"][0]["id"].as_str().unwrap();
    let path = format!("/api/v1/notices/{id}/deliver");
    let told = api.post(&path, json!({"channel": "chat"})).await;
    assert_eq!(told.problem()["code"], "withdrawn");
    let events = api.get("/api/v1/events?type=notice.withdrawn").await;
    assert_eq!(events["items"][0]["payload"]["kind"], "blocked");
}
