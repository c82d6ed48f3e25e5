//! Lists: pages, filters, orders, and what is refused of them.

use http::StatusCode;
use serde_json::{Value, json};

use super::support::TestApi;

fn titles(page: &Value) -> Vec<&str> {
    let items = page["items"].as_array().unwrap();
    items
        .iter()
        .map(|item| item["title"].as_str().unwrap())
        .collect()
}

async fn with_tasks() -> TestApi {
    let api = TestApi::start().await;
    for (title, priority, due) in [
        ("a", "low", json!("2026-12-03T00:00:00Z")),
        ("b", "critical", json!(null)),
        ("c", "high", json!("2026-12-01T00:00:00Z")),
        ("d", "critical", json!("2026-12-02T00:00:00Z")),
        ("e", "medium", json!(null)),
    ] {
        api.advance(std::time::Duration::from_secs(1));
        let body = json!({"title": title, "priority": priority, "due_at": due, "labels": [title]});
        api.post("/api/v1/tasks", body)
            .await
            .expect(StatusCode::CREATED);
    }
    api
}

#[tokio::test]
async fn pages_follow_each_other_in_every_order_without_gap_or_repeat() {
    let api = with_tasks().await;
    for (order, expected) in [
        ("created_at", "abcde"),
        ("-created_at", "edcba"),
        ("updated_at", "abcde"),
        ("-updated_at", "edcba"),
        ("priority", "bdcea"),
        ("due_at", "cdabe"),
    ] {
        let mut seen = String::new();
        let mut cursor = String::new();
        loop {
            let page = api
                .get(&format!("/api/v1/tasks?order={order}&limit=2{cursor}"))
                .await;
            seen.extend(titles(&page));
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        assert_eq!(seen, expected, "{order}");
    }
}

#[tokio::test]
async fn repeated_and_comma_separated_values_mean_any_of_them() {
    let api = with_tasks().await;
    for (query, expected) in [
        ("priority=critical,low", "dba"),
        ("priority=critical&priority=low", "dba"),
        ("priority=critical,low&priority=high", "dcba"),
        ("label=a%2Cb", "ba"),
        ("status=pending&label=c", "c"),
        ("status=completed", ""),
        ("q=b", "b"),
        ("created_by=owner&assigned_to=seed", ""),
        ("updated_since=2026-11-23T09:00:04Z", "de"),
        ("updated_since=2026-11-23T09:00:04%2B00:00", "de"),
    ] {
        let page = api.get(&format!("/api/v1/tasks?{query}")).await;
        assert_eq!(titles(&page).concat(), expected, "{query}");
    }
}

#[tokio::test]
async fn what_a_list_does_not_take_is_refused_by_name() {
    let api = with_tasks().await;
    let page = api.get("/api/v1/tasks?order=priority&limit=1").await;
    let cursor = page["next_cursor"].as_str().unwrap();
    let other_order = format!("tasks?order=due_at&cursor={cursor}");
    let other_list = format!("projects?cursor={cursor}");
    let many = format!("tasks?status={}", ["pending"; 51].join(","));
    for (path, field) in [
        ("tasks?limit=0", "limit"),
        ("tasks?limit=-1", "limit"),
        ("tasks?limit=501", "limit"),
        ("tasks?limit=1&limit=2", "limit"),
        ("tasks?limit=x", "limit"),
        ("tasks?status=done", "status"),
        ("tasks?status=", "status"),
        ("tasks?priority=urgent", "priority"),
        ("tasks?project_id=7", "project_id"),
        ("tasks?assigned_to=../x", "assigned_to"),
        ("tasks?label=a+b", "label"),
        ("tasks?updated_since=yesterday", "updated_since"),
        ("tasks?order=title", "order"),
        ("tasks?q=", "q"),
        ("tasks?q=%ff", "q"),
        ("tasks?titel=x", "titel"),
        ("tasks?cursor=x", "cursor"),
        ("tasks?cursor=", "cursor"),
        ("tasks?cursor=MSB0YXNrcw", "cursor"),
        (&other_order, "cursor"),
        (&other_list, "cursor"),
        (&many, "status"),
        ("projects?name=", "name"),
        ("projects?status=open", "status"),
        ("agents?status=asleep", "status"),
        ("events?after=-1", "after"),
        ("events?after=x", "after"),
        ("events?after=1&order=desc", "after"),
        ("events?order=up", "order"),
        ("events?type=task*", "type"),
        ("events?type=TASK.CREATED", "type"),
        ("events?entity_id=1", "entity_id"),
        ("events?entity_type=dog", "entity_type"),
        ("events?channel=tasks", "channel"),
        ("keys/x", "id"),
        ("tasks/x", "id"),
        ("tasks/%ff", "id"),
        ("tasks/1/artifacts?limit=0", "limit"),
        ("projects/1", "id"),
        ("agents/-x", "name"),
    ] {
        let method = if path == "keys/x" { "DELETE" } else { "GET" };
        let answer = api.call(method, &format!("/api/v1/{path}")).send().await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{path}");
        assert_eq!(answer.problem()["field"], field, "{path}");
    }
}

#[tokio::test]
async fn events_are_listed_both_ways_and_by_channel() {
    let api = with_tasks().await;
    let seqs = |page: &Value| -> Vec<i64> {
        let items = page["items"].as_array().unwrap();
        items
            .iter()
            .map(|item| item["seq"].as_i64().unwrap())
            .collect()
    };

    // Three keys were made before the five tasks.
    let page = api
        .get("/api/v1/events?channel=tasks:pending&limit=3")
        .await;
    assert_eq!(seqs(&page), [4, 5, 6]);
    let next = page["next_cursor"].as_str().unwrap();
    let page = api
        .get(&format!(
            "/api/v1/events?channel=tasks:pending&limit=3&cursor={next}"
        ))
        .await;
    assert_eq!(seqs(&page), [7, 8]);
    assert_eq!(page["next_cursor"], json!(null));
    let page = api.get("/api/v1/events?order=desc&limit=2").await;
    assert_eq!(seqs(&page), [8, 7]);
    let page = api.get("/api/v1/events?after=6&type=task.*").await;
    assert_eq!(seqs(&page), [7, 8]);
}

#[tokio::test]
async fn projects_and_agents_have_pages_too() {
    let api = TestApi::start().await;
    for name in ["one", "two", "three"] {
        let project = json!({"name": name});
        api.post("/api/v1/projects", project)
            .await
            .expect(StatusCode::CREATED);
        let agent = json!({"name": name, "type": "tester"});
        api.post("/api/v1/agents/register", agent)
            .await
            .expect(StatusCode::OK);
    }
    for (list, expected) in [
        ("projects", ["one", "two", "three"]),
        ("agents", ["one", "three", "two"]),
    ] {
        let mut seen = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = api.get(&format!("/api/v1/{list}?limit=1{cursor}")).await;
            seen.push(page["items"][0]["name"].as_str().unwrap().to_owned());
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        assert_eq!(seen, expected, "{list}");
    }
    let found = api.get("/api/v1/projects?name=two").await;
    assert_eq!(found["items"].as_array().unwrap().len(), 1);
}
