//! Runs and their steps over HTTP.

use hearth_app::runs::journal::{Entry, Rest};
use http::StatusCode;
use serde_json::{Value, json};

use super::at_work::{AtWork, done, waiting};
use super::support::{TestApi, pretty};

fn numbers(page: &Value) -> Vec<i64> {
    let items = page["items"].as_array().unwrap();
    items
        .iter()
        .map(|item| item["number"].as_i64().unwrap())
        .collect()
}

#[tokio::test]
async fn a_run_and_its_steps_are_shown_as_they_stand() {
    let api = waiting().await;

    let run = api.get("/api/v1/runs/1").await;
    let id = run["id"].as_str().unwrap();

    assert_eq!(api.get(&format!("/api/v1/runs/{id}")).await, run);
    insta::assert_snapshot!(pretty(&run), @r#"
    {
      "agent": "seed",
      "ended_at": null,
      "fence": 1,
      "id": "01980000-0000-7000-8000-00000000000a",
      "number": 1,
      "plan": [
        {
          "args": {
            "code": "1"
          },
          "id": "count",
          "tool": "python"
        },
        {
          "args": {
            "url": "https://example.org/"
          },
          "id": "page",
          "tool": "http_get"
        }
      ],
      "reason": "approval 1",
      "started_at": "2026-11-23T09:00:00.000Z",
      "status": "waiting",
      "task_id": "01980000-0000-7000-8000-000000000007",
      "task_number": 1,
      "trust": {
        "private": false,
        "untrusted": false
      },
      "updated_at": "2026-11-23T09:00:00.000Z",
      "version": 2
    }
    "#);
    let steps = api.get(&format!("/api/v1/runs/{id}/steps")).await;
    assert_eq!(steps["next_cursor"], Value::Null);
    insta::assert_snapshot!(pretty(&steps["items"]), @r#"
    [
      {
        "acted_at": null,
        "args": {
          "code": "1"
        },
        "artifacts": [],
        "attempt": 1,
        "created_at": "2026-11-23T09:00:00.000Z",
        "decision": {
          "approval": null,
          "permission": null,
          "reason": "nothing beyond the run's own folder and what the owner opened",
          "verdict": "allow"
        },
        "discarded_at": null,
        "ended_at": "2026-11-23T09:00:00.000Z",
        "error": null,
        "name": "count",
        "note": "3 lines",
        "place": 1,
        "repeat": "safe",
        "result": {
          "lines": 3
        },
        "status": "done",
        "tool": "python",
        "waiting_for": null
      },
      {
        "acted_at": null,
        "args": {
          "url": "https://example.org/"
        },
        "artifacts": [],
        "attempt": 1,
        "created_at": "2026-11-23T09:00:00.000Z",
        "decision": {
          "approval": null,
          "permission": null,
          "reason": "it speaks to example.org",
          "verdict": "ask"
        },
        "discarded_at": null,
        "ended_at": null,
        "error": null,
        "name": "page",
        "note": null,
        "place": 2,
        "repeat": "safe",
        "result": null,
        "status": "waiting",
        "tool": "http_get",
        "waiting_for": {
          "approval": 1,
          "kind": "approval",
          "task_id": null
        }
      }
    ]
    "#);
}

#[tokio::test]
async fn runs_are_listed_by_status_and_task_in_pages_without_gap_or_repeat() {
    let api = TestApi::start().await;
    for number in 1..=4 {
        api.claimed_task("t").await;
        let work = AtWork::at(&api, number, 1).await;
        if number % 2 == 0 {
            work.asks().await;
        }
    }

    let mut seen = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = api.get(&format!("/api/v1/runs?limit=3{cursor}")).await;
        seen.extend(numbers(&page));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(seen, [4, 3, 2, 1]);
    let by = async |query: &str| numbers(&api.get(&format!("/api/v1/runs?{query}")).await);
    assert_eq!(by("status=waiting").await, [4, 2]);
    assert_eq!(by("status=running&task=3").await, [3]);
    assert_eq!(by("status=failed").await, [0_i64; 0]);
    let task = api.get("/api/v1/tasks/2").await;
    let task = task["id"].as_str().unwrap();
    assert_eq!(by(&format!("task={task}")).await, [2]);
}

#[tokio::test]
async fn what_a_list_of_runs_does_not_take_is_refused_by_name() {
    let api = waiting().await;
    for (path, field) in [
        ("runs?status=paused", "status"),
        ("runs?status=running,waiting", "status"),
        ("runs?task=x", "task"),
        ("runs?task=7", "task"),
        ("runs?limit=0", "limit"),
        ("runs?cursor=x", "cursor"),
        ("runs?run=1", "run"),
        ("runs/x", "id"),
        ("runs/x/steps", "id"),
        ("approvals?status=open", "status"),
        ("approvals?cursor=x", "cursor"),
        ("approvals/x", "id"),
        ("permissions?all=yes", "all"),
        ("folders?all=", "all"),
    ] {
        let answer = api.call("GET", &format!("/api/v1/{path}")).send().await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{path}");
        assert_eq!(answer.problem()["field"], field, "{path}");
    }
    for path in ["runs/9", "runs/9/steps", "approvals/9"] {
        let answer = api.call("GET", &format!("/api/v1/{path}")).send().await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn a_failed_run_is_tried_again_from_the_step_that_is_named() {
    let api = TestApi::start().await;
    api.claimed_task("Fetch the page").await;
    let work = AtWork::at(&api, 1, 1).await;
    work.does(1, done()).await;
    work.does(2, Entry::Failed("the host is away".into())).await;
    work.rests(Rest::Failed("step page failed: the host is away".into()))
        .await;
    let retry = async |body: Value| api.post("/api/v1/runs/1/retry", body).await;

    for (body, field) in [
        (json!({"from": "index"}), "from"),
        (json!({"from": 3}), "from"),
        (json!({"from": -1}), "from"),
        (json!({"from": ["page"]}), "from"),
        (json!({"step": "page"}), "step"),
    ] {
        let refused = retry(body).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(refused.problem()["field"], field);
    }
    let again = retry(json!({"from": 2})).await.expect(StatusCode::OK);

    assert_eq!(again["status"], "waiting");
    assert_eq!(again["reason"], "to be tried again from step 2, page");
    let steps = api.get("/api/v1/runs/1/steps").await;
    assert_eq!(steps["items"][0]["discarded_at"], Value::Null);
    assert_eq!(steps["items"][1]["error"], "the host is away");
    assert!(steps["items"][1]["discarded_at"].is_string());
    assert_eq!(api.get("/api/v1/tasks/1").await["status"], "pending");
    let empty = api.call("POST", "/api/v1/runs/9/retry").send().await;
    assert_eq!(empty.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_run_at_work_or_ended_is_not_tried_again() {
    let api = TestApi::start().await;
    api.claimed_task("Fetch the page").await;
    AtWork::at(&api, 1, 1).await;
    let retry = async || api.post("/api/v1/runs/1/retry", json!({})).await;

    assert_eq!(retry().await.problem()["code"], "wrong_state");
    let cancel = api.post("/api/v1/tasks/1/cancel", json!({})).await;
    cancel.expect(StatusCode::OK);
    let refused = retry().await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    let detail = refused.problem()["detail"].clone();
    assert!(detail.as_str().unwrap().contains("hearth task reopen 1"));
}

#[tokio::test]
async fn the_state_of_the_node_tells_how_many_runs_and_approvals_wait() {
    let api = waiting().await;

    let status = api.get("/api/v1/status").await;

    assert_eq!(
        status["runs"],
        json!({"running": 0, "waiting": 1, "failed": 0})
    );
    assert_eq!(status["approvals_pending"], 1);
}
