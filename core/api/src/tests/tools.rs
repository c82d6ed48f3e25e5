//! Tools that agents made, over HTTP.

use http::StatusCode;
use serde_json::{Value, json};

use super::at_work::make_tool;
use super::support::TestApi;

/// An interface with three versions of a tool.
async fn with_tool() -> TestApi {
    let api = TestApi::start().await;
    api.claimed_task("work").await;
    for number in 1..=3 {
        make_tool(&api, 1, &format!("def run(): return {number}")).await;
    }
    api
}

async fn post(api: &TestApi, act: &str, body: Value) -> super::support::Answer {
    api.post(&format!("/api/v1/tools/count_words/{act}"), body)
        .await
}

fn statuses(standing: &Value) -> Vec<&str> {
    let versions = standing["versions"].as_array().unwrap();
    versions
        .iter()
        .map(|version| version["status"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn a_tool_is_listed_in_its_current_version_and_shown_with_all_of_them() {
    let api = with_tool().await;

    let list = api.get("/api/v1/tools").await;
    assert_eq!(list["items"].as_array().unwrap().len(), 1);
    let item = &list["items"][0];
    assert_eq!(item["name"], "count_words");
    assert_eq!(item["version"], 3);
    assert_eq!(item["status"], "enabled");
    assert_eq!(item["created_by"], "seed");
    assert_eq!(item["grants"]["host"]["http_get"], json!([]));
    assert_eq!(item.get("code"), None, "a list is short");

    let tool = api.get("/api/v1/tools/count_words").await;
    assert_eq!(tool["current_version"], 3);
    let first = &tool["versions"][0];
    assert_eq!(first["code"], "def run(): return 1");
    assert_eq!(
        first["examples"],
        json!([{"args": {}, "result": 1, "needs_grants": false}])
    );
    assert_eq!(first["parameters"], json!({"type": "object"}));
    assert_eq!(first["sha256"].as_str().unwrap().len(), 64);
}

#[tokio::test]
async fn the_owner_disables_enables_and_goes_back() {
    let api = with_tool().await;

    let off = post(&api, "disable", json!({"reason": "slow"})).await;
    let off = off.expect(StatusCode::OK);
    assert_eq!(statuses(&off), ["disabled"; 3]);
    assert_eq!(off["versions"][2]["status_reason"], "slow");
    assert_eq!(off["versions"][2]["status_by"], "owner");

    let on = post(&api, "enable", json!({"version": 3})).await;
    assert_eq!(
        statuses(&on.expect(StatusCode::OK)),
        ["disabled", "disabled", "enabled"]
    );
    let back = post(&api, "rollback", json!({"version": 1})).await;
    let back = back.expect(StatusCode::OK);
    assert_eq!(statuses(&back), ["enabled", "rolled_back", "rolled_back"]);
    assert_eq!(back["versions"][2]["rolled_back_to"], 1);
    assert_eq!(back["current_version"], 1);

    let tested = api
        .call("POST", "/api/v1/tools/count_words/test")
        .send()
        .await;
    assert_eq!(
        tested.expect(StatusCode::OK),
        json!({
            "name": "count_words", "version": 1, "passed": true,
            "examples": [{"outcome": "passed", "story": null}],
        })
    );
}

#[tokio::test]
async fn what_cannot_be_is_refused_by_name() {
    let api = with_tool().await;
    for (act, body, field) in [
        ("enable", json!({"version": 9}), "version"),
        ("enable", json!({"version": 0}), "version"),
        ("enable", json!({"version": -1}), "version"),
        ("disable", json!({"why": "slow"}), "why"),
        ("rollback", json!({"version": "1"}), "version"),
        ("test", json!({"version": 9}), "version"),
    ] {
        let refused = post(&api, act, body.clone()).await;
        assert_eq!(
            refused.status,
            StatusCode::UNPROCESSABLE_ENTITY,
            "{act} {body}"
        );
        assert_eq!(refused.problem()["field"], field, "{act} {body}");
    }
    for (act, body) in [("enable", json!({})), ("rollback", json!({"version": 3}))] {
        let refused = post(&api, act, body).await;
        assert_eq!(refused.problem()["code"], "wrong_state");
    }
    let unknown = api.call("GET", "/api/v1/tools/nothing").send().await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
    let no_word = api.call("GET", "/api/v1/tools/a%20b").send().await;
    assert_eq!(no_word.problem()["field"], "name");
}
