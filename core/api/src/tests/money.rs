//! Budgets and spending over HTTP.

use hearth_app::runs::journal::{Entry, Intent};
use http::StatusCode;
use serde_json::{Value, json};

use super::at_work::AtWork;
use super::support::{TestApi, pretty};

/// Task 1, on which seed spent a quarter of a dollar for one turn.
async fn spent() -> TestApi {
    let api = TestApi::start().await;
    let body = json!({"title": "dig", "budget": {"usd": 1, "turns": 4}});
    api.post("/api/v1/tasks", body)
        .await
        .expect(StatusCode::CREATED);
    api.post("/api/v1/tasks/1/claim", json!({"agent": "seed"}))
        .await
        .expect(StatusCode::OK);
    let work = AtWork::at(&api, 1, 1).await;
    let Intent::Go(step) = work.asks_a_model(1, 900_000).await else {
        panic!("it fits")
    };
    let outcome = json!({"provider": "groq", "model": "big one"});
    let usage = AtWork::usage(250_000);
    work.record(step, Entry::Answered(outcome, usage)).await;
    api
}

fn of<'a>(budgets: &'a Value, scope: &str, key: &str) -> &'a Value {
    let items = budgets["items"].as_array().unwrap();
    items
        .iter()
        .find(|item| item["scope"] == scope && item["key"] == key)
        .unwrap_or_else(|| panic!("{scope} {key}: {budgets}"))
}

#[tokio::test]
async fn a_budget_is_shown_with_what_is_spent_and_left_of_it() {
    let api = spent().await;

    let budgets = api.get("/api/v1/budgets").await;

    assert_eq!(budgets["next_cursor"], Value::Null);
    let task = budgets["items"].as_array().unwrap().last().unwrap();
    insta::assert_snapshot!(pretty(task), @r#"
    {
      "key": "01980000-0000-7000-8000-000000000007",
      "left": {
        "children": 10,
        "tokens": null,
        "tool_calls": 200,
        "turns": 3,
        "usd": 0.75,
        "wall_seconds": 7200
      },
      "limits": {
        "children": 10,
        "tokens": null,
        "tool_calls": 200,
        "turns": 4,
        "usd": 1.0,
        "wall_seconds": 7200
      },
      "name": "task #1",
      "reserved": {
        "children": 0,
        "tokens": 0,
        "tool_calls": 0,
        "turns": 0,
        "usd": 0.0,
        "wall_seconds": 0
      },
      "scope": "task",
      "set": {
        "children": null,
        "tokens": null,
        "tool_calls": null,
        "turns": null,
        "usd": null,
        "wall_seconds": null
      },
      "spent": {
        "children": 0,
        "tokens": 15,
        "tool_calls": 0,
        "turns": 1,
        "usd": 0.25,
        "wall_seconds": 0
      }
    }
    "#);
    let today = of(&budgets, "day", "2026-11-23");
    assert_eq!(
        (&today["limits"]["usd"], &today["left"]["usd"]),
        (&json!(5.0), &json!(4.75))
    );
    assert_eq!(
        of(&budgets, "everything", "all")["limits"]["usd"],
        Value::Null
    );
}

#[tokio::test]
async fn a_limit_is_set_kept_and_cleared() {
    let api = spent().await;
    let put = async |path: &str, body: Value| {
        let path = format!("/api/v1/budgets/{path}");
        let answer = api.call("PUT", &path).json(body).send().await;
        answer.expect(StatusCode::OK)
    };

    let set = put("day/each", json!({"usd": 7.5, "tokens": 1000})).await;
    assert_eq!(set["set"]["usd"], 7.5);
    let kept = put("day/each", json!({"usd": null, "children": 3})).await;
    assert_eq!(
        (
            &kept["limits"]["usd"],
            &kept["limits"]["tokens"],
            &kept["set"]["children"]
        ),
        (&json!(5.0), &json!(1000), &json!(3)),
        "the settings' five dollars count again"
    );
    let task = put("task/1", json!({"wall_seconds": 90})).await;
    assert_eq!(
        (&task["scope"], &task["name"]),
        (&json!("task"), &json!("task #1"))
    );
    assert_eq!(task["limits"]["wall_seconds"], 90);
    put("agent/nobody-yet", json!({"turns": 0})).await;
    let budgets = api.get("/api/v1/budgets").await;
    assert_eq!(of(&budgets, "agent", "nobody-yet")["left"]["turns"], 0);
}

#[tokio::test]
async fn what_is_no_budget_is_refused_by_its_field() {
    let api = spent().await;
    for (path, body, status, field) in [
        ("year/each", json!({"usd": 1}), 422, "scope"),
        ("day/monday", json!({"usd": 1}), 422, "key"),
        ("everything/day", json!({"usd": 1}), 422, "key"),
        ("task/x", json!({"usd": 1}), 422, "key"),
        ("day/each", json!({"usd": -1}), 422, "usd"),
        ("day/each", json!({"usd": 1e9}), 422, "usd"),
        (
            "day/each",
            json!({"tokens": 10_000_000_000_000_u64}),
            422,
            "tokens",
        ),
        ("day/each", json!({"turns": 2_000_000_000}), 422, "turns"),
        ("day/each", json!({}), 422, "body"),
        ("day/each", json!({"eur": 1}), 422, "eur"),
        ("task/99", json!({"usd": 1}), 404, ""),
    ] {
        let path = format!("/api/v1/budgets/{path}");
        let answer = api.call("PUT", &path).json(body).send().await;

        assert_eq!(answer.status.as_u16(), status, "{path} {}", answer.text());
        if !field.is_empty() {
            assert_eq!(answer.problem()["field"], field, "{path}");
        }
    }
    for query in ["by=week", "since=yesterday", "cursor=eA", "limit=0"] {
        let path = format!("/api/v1/spending?{query}");
        let answer = api.call("GET", &path).send().await;
        let field = query.split_once('=').unwrap().0;
        assert_eq!(answer.problem()["field"], field);
    }
}

#[tokio::test]
async fn spending_is_listed_page_by_page() {
    let api = spent().await;
    api.post("/api/v1/tasks", json!({"title": "plant"}))
        .await
        .expect(StatusCode::CREATED);
    api.post("/api/v1/tasks/2/claim", json!({"agent": "seed"}))
        .await
        .expect(StatusCode::OK);
    let work = AtWork::at(&api, 2, 1).await;
    work.asks_a_model(1, 10).await;

    let first = api.get("/api/v1/spending?limit=1").await;
    assert_eq!(
        first["items"],
        json!([{
            "key": "groq/big one", "name": "groq/big one", "calls": 1, "usd": 0.25,
            "input_tokens": 10, "output_tokens": 5,
        }])
    );
    let cursor = first["next_cursor"].as_str().unwrap();
    let second = api
        .get(&format!("/api/v1/spending?limit=1&cursor={cursor}"))
        .await;
    assert_eq!(second["items"][0]["name"], "no answer");
    assert_eq!(second["next_cursor"], Value::Null);
    let by_task = api.get("/api/v1/spending?by=task").await;
    assert_eq!(by_task["items"][0]["name"], "#1 dig");
    let later = "/api/v1/spending?since=2027-01-01T00:00:00Z";
    assert_eq!(api.get(later).await["items"], json!([]));
}

#[tokio::test]
async fn the_state_of_the_node_tells_what_is_spent_today() {
    let api = spent().await;

    let status = api.get("/api/v1/status").await;

    assert_eq!(
        status["spent_today"],
        json!({"usd": 0.25, "reserved_usd": 0.0, "limit_usd": 5.0, "tokens": 15})
    );
    let metrics = api.call("GET", "/metrics").send().await;
    for measure in [
        "hearth_model_cost_usd_total ",
        "hearth_model_tokens_total{direction=\"input\"}",
        "hearth_model_calls_total{status=\"settled\"}",
    ] {
        assert!(metrics.text().contains(measure), "{measure}");
    }
}
