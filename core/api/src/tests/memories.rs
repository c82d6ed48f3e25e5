//! Memories over HTTP.

use http::StatusCode;
use serde_json::json;

use super::support::TestApi;

const PATH: &str = "/api/v1/memories";

#[tokio::test]
async fn a_memory_is_made_shown_found_and_forgotten() {
    let api = TestApi::start().await;
    let tea = json!({"text": "Ada likes green tea", "about": "Ada, drinks"});

    let made = api.post(PATH, tea).await.expect(StatusCode::CREATED);

    assert_eq!(
        (&made["number"], &made["text"]),
        (&json!(1), &json!("Ada likes green tea"))
    );
    let day = made["created_at"]
        .as_str()
        .unwrap()
        .split('T')
        .next()
        .unwrap();
    assert_eq!(made["provenance"], format!("by owner on {day}"));
    for field in [
        "project_id",
        "task_id",
        "task_number",
        "run_id",
        "forgotten_at",
    ] {
        assert!(made[field].is_null(), "{field}");
    }
    assert_eq!(
        (&made["untrusted"], &made["private"]),
        (&json!(false), &json!(false))
    );
    api.post(PATH, json!({"text": "The build runs on Fridays"}))
        .await;
    let one = format!("{PATH}/1");
    assert_eq!(api.get(&one).await, made);
    assert_eq!(
        api.get(&format!("{PATH}?q=drinks%22+OR")).await["items"],
        json!([made])
    );
    let newest = api.get(&format!("{PATH}?limit=1")).await;
    assert_eq!(newest["items"][0]["number"], 2);
    let next = newest["next_cursor"].as_str().unwrap();
    let rest = api.get(&format!("{PATH}?limit=1&cursor={next}")).await;
    assert_eq!(rest["items"], json!([made]));

    let forget = async || api.call("DELETE", &one).send().await;
    forget().await.expect(StatusCode::NO_CONTENT);

    assert_eq!(forget().await.problem()["code"], "already_forgotten");
    assert_eq!(api.get(&format!("{PATH}?q=tea")).await["items"], json!([]));
    let gone = api.get(&one).await;
    assert_eq!((&gone["text"], &gone["about"]), (&json!(""), &json!("")));
    assert!(gone["forgotten_at"].is_string());
    assert_eq!(api.get(PATH).await["items"].as_array().unwrap().len(), 1);
    let all = api.get(&format!("{PATH}?all=true")).await;
    assert_eq!(all["items"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn what_is_wrong_is_named() {
    let api = TestApi::start().await;
    for (body, field) in [
        (json!({"text": ""}), "text"),
        (json!({"text": "x".repeat(4001)}), "text"),
        (json!({"text": "x", "about": "two\nlines"}), "about"),
        (json!({"text": "x", "project_id": "7"}), "project_id"),
        (
            json!({"text": "x", "project_id": "00000000-0000-7000-8000-000000000009"}),
            "project_id",
        ),
    ] {
        let refused = api.post(PATH, body).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(refused.problem()["field"], field);
    }
    for (path, status) in [
        ("?project_id=x", 422),
        ("?all=maybe", 422),
        ("?cursor=x", 422),
        ("/9", 404),
        ("/nine", 422),
    ] {
        let refused = api.call("GET", &format!("{PATH}{path}")).send().await;
        assert_eq!(refused.status.as_u16(), status, "{path}");
    }
}
