//! The life of a task over HTTP, and the bodies it shows on the way.

use hearth_app::Facility;
use http::StatusCode;
use serde_json::json;

use super::support::{TestApi, pretty};

#[tokio::test]
async fn a_task_goes_from_its_making_to_its_completion() {
    let api = TestApi::start().await;
    let body = json!({
        "title": " Count the words ",
        "priority": "high",
        "labels": ["#text", "count"],
        "context": {"plan": [{"tool": "python", "args": {}}]},
        "due_at": "2026-11-27T18:00:00+01:00",
        "acceptance": [{"kind": "artifact", "type": "report"}],
        "budget": {"usd": 0.5},
    });

    let created = api.post("/api/v1/tasks", body).await;

    let task = created.expect(StatusCode::CREATED);
    let path = format!("/api/v1/tasks/{}", task["id"].as_str().unwrap());
    assert_eq!(created.header("location"), path);
    assert_eq!(created.header("etag"), "\"1\"");
    insta::assert_snapshot!(pretty(&task), @r#"
    {
      "acceptance": [
        {
          "kind": "artifact",
          "type": "report"
        }
      ],
      "assigned_to": null,
      "attempt": 0,
      "blocked_options": [],
      "blocked_reason": null,
      "budget": {
        "children": null,
        "tokens": null,
        "tool_calls": null,
        "turns": null,
        "usd": 0.5,
        "wall_seconds": null
      },
      "cancelled_at": null,
      "cancelled_reason": null,
      "completed_at": null,
      "context": {
        "plan": [
          {
            "args": {},
            "tool": "python"
          }
        ]
      },
      "created_at": "2026-11-23T09:00:00.000Z",
      "created_by": "owner",
      "depends_on": [],
      "description": "",
      "due_at": "2026-11-27T17:00:00.000Z",
      "estimate_minutes": null,
      "failed_checks": [],
      "fence": 0,
      "id": "01980000-0000-7000-8000-000000000007",
      "labels": [
        "count",
        "text"
      ],
      "lease_expires_at": null,
      "max_attempts": 3,
      "not_before": null,
      "number": 1,
      "parent_id": null,
      "priority": "high",
      "project_id": null,
      "recurrence": null,
      "result": null,
      "series_id": null,
      "started_at": null,
      "status": "pending",
      "title": "Count the words",
      "trust": {
        "private": false,
        "untrusted": false
      },
      "updated_at": "2026-11-23T09:00:00.000Z",
      "updated_by": "owner",
      "version": 1,
      "waiting_for": "the built-in agents, which are not running"
    }
    "#);

    let claim = json!({"agent": "seed", "lease_seconds": 30});
    let held = api.post("/api/v1/tasks/claim", claim).await;
    let held = held.expect(StatusCode::OK);
    assert_eq!(held["status"], "in_progress");
    assert_eq!(held["assigned_to"], "seed");
    assert_eq!(held["lease_expires_at"], "2026-11-23T09:00:30.000Z");
    let fence = held["fence"].clone();

    let beat = json!({"agent": "seed", "fence": fence, "message": "counting", "percent": 50});
    let beat = api.post(&format!("{path}/heartbeat"), beat).await;
    beat.expect(StatusCode::OK);

    let done = json!({"agent": "seed", "fence": fence, "result": {"words": 3}});
    let early = api.post(&format!("{path}/complete"), done.clone()).await;
    assert_eq!(early.status, StatusCode::UNPROCESSABLE_ENTITY);
    insta::assert_snapshot!(pretty(&early.problem()), @r#"
    {
      "blocked": false,
      "code": "acceptance_failed",
      "detail": "acceptance is not met, for the first time of 3: task #1 is not done: it must have an artifact of type report, but its worker stored none",
      "evidence": [
        {
          "check": {
            "kind": "artifact",
            "type": "report"
          },
          "found": "its worker stored none"
        }
      ],
      "failures": 1,
      "field": "acceptance",
      "request_id": "test",
      "status": 422,
      "title": "A field was given what it does not take",
      "type": "urn:hearth:acceptance_failed"
    }
    "#);

    let report =
        json!({"type": "report", "content": "3", "task_id": 1, "agent": "seed", "fence": fence});
    let report = api.post("/api/v1/artifacts", report).await;
    let report = report.expect(StatusCode::CREATED);
    insta::assert_snapshot!(pretty(&report), @r#"
    {
      "created_at": "2026-11-23T09:00:00.000Z",
      "created_by": "seed",
      "id": "01980000-0000-7000-8000-00000000000d",
      "media_type": "text/plain; charset=utf-8",
      "metadata": {},
      "name": null,
      "sha256": "4e07408562bedb8b60ce05c1decfe3ad16b72230967de01f640b7e4729b49fce",
      "size_bytes": 1,
      "storage_url": "cas:sha256:4e07408562bedb8b60ce05c1decfe3ad16b72230967de01f640b7e4729b49fce",
      "task_id": "01980000-0000-7000-8000-000000000007",
      "trust": {
        "private": false,
        "untrusted": true
      },
      "type": "report"
    }
    "#);
    let done = api.post(&format!("{path}/complete"), done).await;
    let done = done.expect(StatusCode::OK);
    assert_eq!(done["status"], "completed");
    assert_eq!(done["result"], json!({"words": 3}));
    assert_eq!(done["completed_at"], "2026-11-23T09:00:00.000Z");
    let of_task = api.get(&format!("{path}/artifacts")).await;
    assert_eq!(of_task["items"][0]["id"], report["id"]);
    let last = api.get("/api/v1/events?type=task.completed").await;
    insta::assert_snapshot!(pretty(&last["items"][0]), @r#"
    {
      "agent_name": "seed",
      "entity_id": "01980000-0000-7000-8000-000000000007",
      "entity_type": "task",
      "id": "01980000-0000-7000-8000-00000000000f",
      "payload": {
        "agent": "seed",
        "artifacts": [
          "01980000-0000-7000-8000-00000000000d"
        ],
        "assigned_to": "seed",
        "attempt": 1,
        "duration_ms": 0,
        "evidence": [
          {
            "check": {
              "kind": "artifact",
              "type": "report"
            },
            "found": "artifact 01980000-0000-7000-8000-00000000000d of type report with 1 bytes"
          }
        ],
        "fence": 1,
        "number": 1,
        "project_id": null,
        "result": {
          "words": 3
        },
        "status": "completed",
        "task_id": "01980000-0000-7000-8000-000000000007",
        "title": "Count the words",
        "version": 5
      },
      "seq": 9,
      "timestamp": "2026-11-23T09:00:00.000Z",
      "type": "task.completed"
    }
    "#);
}

#[tokio::test]
async fn a_blocked_task_is_answered_cancelled_and_reopened() {
    let api = TestApi::start().await;
    let task = api.claimed_task("Choose a colour").await;
    let block = json!({
        "agent": "seed", "fence": task["fence"], "reason": "Which one?", "options": ["red", "blue"],
    });

    let blocked = api.post("/api/v1/tasks/1/block", block).await;
    let blocked = blocked.expect(StatusCode::OK);
    assert_eq!(blocked["blocked_reason"], "Which one?");
    assert_eq!(blocked["blocked_options"], json!(["red", "blue"]));

    let answered = api
        .post("/api/v1/tasks/1/answer", json!({"answer": "red"}))
        .await;
    assert_eq!(answered.expect(StatusCode::OK)["status"], "pending");

    let cancelled = api.call("POST", "/api/v1/tasks/1/cancel").send().await;
    let cancelled = cancelled.expect(StatusCode::OK);
    assert_eq!(cancelled["status"], "cancelled");
    assert_eq!(cancelled["cancelled_at"], "2026-11-23T09:00:00.000Z");

    let reopened = api
        .post("/api/v1/tasks/1/reopen", json!({"reason": "after all"}))
        .await;
    assert_eq!(reopened.expect(StatusCode::OK)["status"], "pending");
}

#[tokio::test]
async fn a_task_that_is_given_back_is_pending_again() {
    let api = TestApi::start().await;
    let task = api.claimed_task("Try").await;
    let hold = json!({"agent": "seed", "fence": task["fence"], "reason": "no tools"});

    let released = api.post("/api/v1/tasks/1/release", hold).await;

    assert_eq!(released.expect(StatusCode::OK)["status"], "pending");
}

#[tokio::test]
async fn a_claim_of_nothing_is_no_content() {
    let api = TestApi::start().await;

    let none = api
        .post("/api/v1/tasks/claim", json!({"agent": "seed"}))
        .await;

    assert_eq!(none.status, StatusCode::NO_CONTENT);
    assert!(none.bytes.is_empty());
}

#[tokio::test]
async fn a_claim_can_ask_for_a_plan() {
    let api = TestApi::start().await;
    api.task("Think").await;

    let none = api
        .post(
            "/api/v1/tasks/claim",
            json!({"agent": "seed", "has_plan": true}),
        )
        .await;

    assert_eq!(none.status, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn null_empties_a_field_and_leaving_it_out_keeps_it() {
    let api = TestApi::start().await;
    let body = json!({"title": "Call", "due_at": "2026-12-01T00:00:00Z", "description": "her", "budget": {"tokens": 5, "turns": 9}});
    api.post("/api/v1/tasks", body)
        .await
        .expect(StatusCode::CREATED);
    let patch = |body| api.call("PATCH", "/api/v1/tasks/1").json(body).send();

    let kept = patch(json!({"labels": ["a"]})).await.expect(StatusCode::OK);
    assert_eq!(kept["due_at"], "2026-12-01T00:00:00.000Z");
    assert_eq!(
        kept["budget"],
        json!({"usd": null, "tokens": 5, "turns": 9, "tool_calls": null, "wall_seconds": null,
            "children": null})
    );

    let emptied = json!({"due_at": null, "description": null, "budget": null});
    let emptied = patch(emptied).await.expect(StatusCode::OK);
    assert_eq!(emptied["due_at"], json!(null));
    assert_eq!(emptied["description"], "");
    assert_eq!(emptied["budget"], json!(null));
    assert_eq!(emptied["labels"], json!(["a"]));
}

#[tokio::test]
async fn a_project_is_made_changed_and_deleted() {
    let api = TestApi::start().await;
    let made = json!({"name": "web", "metadata": {"repo": "site"}});
    let made = api.post("/api/v1/projects", made).await;
    let project = made.expect(StatusCode::CREATED);
    insta::assert_snapshot!(pretty(&project), @r#"
    {
      "created_at": "2026-11-23T09:00:00.000Z",
      "description": "",
      "id": "01980000-0000-7000-8000-000000000007",
      "metadata": {
        "repo": "site"
      },
      "name": "web",
      "status": "active",
      "updated_at": "2026-11-23T09:00:00.000Z",
      "version": 1
    }
    "#);
    let path = made.header("location").to_owned();

    let changed = json!({"status": "paused", "metadata": {"repo": null}});
    let changed = api.call("PATCH", &path).json(changed).send().await;
    assert_eq!(changed.header("etag"), "\"2\"");
    let changed = changed.expect(StatusCode::OK);
    assert_eq!(changed["status"], "paused");
    assert_eq!(changed["metadata"], json!({}));
    assert_eq!(api.get(&path).await, changed);

    let gone = api.call("DELETE", &path).send().await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT);
    let missing = api.call("GET", &path).send().await;
    assert_eq!(missing.problem()["code"], "not_found");
}

#[tokio::test]
async fn an_agent_registers_and_is_heard_from() {
    let api = TestApi::start().await;
    let body = json!({"name": "seed", "type": "generalist", "capabilities": ["python"]});

    let agent = api.post("/api/v1/agents/register", body).await;
    insta::assert_snapshot!(pretty(&agent.expect(StatusCode::OK)), @r#"
    {
      "capabilities": [
        "python"
      ],
      "created_at": "2026-11-23T09:00:00.000Z",
      "id": "01980000-0000-7000-8000-000000000007",
      "last_seen_at": "2026-11-23T09:00:00.000Z",
      "metadata": {},
      "name": "seed",
      "paused_at": null,
      "status": "active",
      "type": "generalist"
    }
    "#);

    api.advance(std::time::Duration::from_secs(5));
    let beat = api
        .post("/api/v1/agents/seed/heartbeat", json!({"status": "busy"}))
        .await;
    let beat = beat.expect(StatusCode::OK);
    assert_eq!(beat["status"], "busy");
    assert_eq!(beat["last_seen_at"], "2026-11-23T09:00:05.000Z");
    let silent = api
        .call("POST", "/api/v1/agents/seed/heartbeat")
        .send()
        .await;
    assert_eq!(silent.expect(StatusCode::OK)["status"], "busy");
    assert_eq!(api.get("/api/v1/agents/seed").await["status"], "busy");
}

#[tokio::test]
async fn an_agent_is_paused_hands_back_what_it_holds_and_goes_on() {
    let api = TestApi::start().await;
    let body = json!({"name": "seed", "type": "generalist"});
    api.post("/api/v1/agents/register", body).await;
    api.claimed_task("One").await;

    let paused = api
        .post("/api/v1/agents/seed/pause", json!({"now": true}))
        .await;

    let paused = paused.expect(StatusCode::OK);
    assert_eq!(paused["handed_back"], json!([1]));
    assert_eq!(paused["agent"]["paused_at"], "2026-11-23T09:00:00.000Z");
    assert_eq!(api.get("/api/v1/tasks/1").await["status"], "pending");
    assert_eq!(
        api.get("/api/v1/status").await["agents_paused"],
        json!(["seed"])
    );
    let claim = api
        .post("/api/v1/tasks/claim", json!({"agent": "seed"}))
        .await;
    assert_eq!(claim.status, StatusCode::CONFLICT);
    assert_eq!(claim.problem()["code"], "agent_paused");
    let resumed = api.call("POST", "/api/v1/agents/seed/resume").send().await;
    assert_eq!(resumed.expect(StatusCode::OK)["paused_at"], json!(null));
    let claim = api
        .post("/api/v1/tasks/claim", json!({"agent": "seed"}))
        .await;
    claim.expect(StatusCode::OK);
}

#[tokio::test]
async fn a_specialist_is_shown_with_what_it_may() {
    let api = TestApi::start().await;
    api.claimed_task("One").await;
    super::at_work::AtWork::at(&api, 1, 1)
        .await
        .makes("scribe")
        .await;

    insta::assert_snapshot!(pretty(&api.get("/api/v1/specialists/scribe").await), @r#"
    {
      "asks_before": [],
      "created_at": "2026-11-23T09:00:00.000Z",
      "created_by": "seed",
      "depth": 1,
      "id": "01980000-0000-7000-8000-00000000000c",
      "instructions": "Writes.",
      "is_enabled": true,
      "limits": {
        "tokens": null,
        "tool_calls": null,
        "turns": null,
        "usd": null,
        "wall_seconds": null
      },
      "name": "scribe",
      "parent": null,
      "task_id": "01980000-0000-7000-8000-000000000007",
      "tools": [
        "python"
      ],
      "updated_at": "2026-11-23T09:00:00.000Z",
      "version": 1
    }
    "#);

    let all = api.get("/api/v1/specialists").await;
    assert_eq!(all["items"][0]["name"], "scribe");
    assert_eq!(all["next_cursor"], json!(null));
    let agent = api.get("/api/v1/agents/scribe").await;
    assert_eq!(
        (&agent["type"], &agent["status"]),
        (&json!("specialist"), &json!("idle"))
    );
    let off = api
        .call("POST", "/api/v1/specialists/scribe/disable")
        .send()
        .await;
    assert_eq!(off.expect(StatusCode::OK)["is_enabled"], false);
    let missing = api.call("GET", "/api/v1/specialists/seed").send().await;
    assert_eq!(missing.problem()["code"], "not_found");
}

#[tokio::test]
async fn a_key_is_shown_once_and_revoked_at_once() {
    let api = TestApi::start().await;
    let body = json!({"name": "phone", "role": "agent", "agent": "phone"});

    let made = api
        .post("/api/v1/keys", body)
        .await
        .expect(StatusCode::CREATED);
    let key = made["key"].as_str().unwrap();
    let me = api.call("GET", "/api/v1/me").key(Some(key)).send().await;
    insta::assert_snapshot!(pretty(&me.expect(StatusCode::OK)), @r#"
    {
      "actor": "phone",
      "agent": "phone",
      "key_id": "01980000-0000-7000-8000-000000000007",
      "key_name": "phone",
      "role": "agent"
    }
    "#);
    let list = api.call("GET", "/api/v1/keys").send().await;
    assert!(!list.text().contains(key));
    insta::assert_snapshot!(pretty(&list.expect(StatusCode::OK)["items"][3]), @r#"
    {
      "agent": "phone",
      "created_at": "2026-11-23T09:00:00.000Z",
      "id": "01980000-0000-7000-8000-000000000007",
      "last_used_at": "2026-11-23T09:00:00.000Z",
      "name": "phone",
      "revoked_at": null,
      "role": "agent"
    }
    "#);

    let id = made["id"].as_str().unwrap();
    let gone = api
        .call("DELETE", &format!("/api/v1/keys/{id}"))
        .send()
        .await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT);
    let me = api.call("GET", "/api/v1/me").key(Some(key)).send().await;
    assert_eq!(me.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn only_an_admin_is_told_where_on_the_machine_something_is_wrong() {
    let api = TestApi::start().await;
    api.app.change_facilities(|facilities| {
        let slow = Facility::hampered("the inbox is slow", "ls /home/ada/inbox");
        facilities.inbox = slow.with_detail("/home/ada/inbox: busy");
        let bad = Facility::missing("the settings file is wrong", "vi /home/ada/hearth.toml");
        facilities.settings = bad.with_detail("/home/ada/hearth.toml, line 4");
    });
    let told = async |key: &str| {
        let call = api.call("GET", "/api/v1/status").key(Some(key));
        call.send().await.expect(StatusCode::OK)["facilities"].to_string()
    };

    let whole = told(&api.admin).await;
    for part in [
        "the inbox is slow: /home/ada/inbox: busy",
        "ls /home/ada/inbox",
        "the settings file is wrong: /home/ada/hearth.toml, line 4",
    ] {
        assert!(whole.contains(part), "{whole}");
    }
    for key in [&api.seed, &api.viewer] {
        let said = told(key).await;
        assert!(said.contains("the inbox is slow"), "{said}");
        assert!(said.contains("the settings file is wrong"), "{said}");
        assert!(!said.contains('/'), "{said}");
    }
}

#[tokio::test]
async fn the_state_of_the_node_is_shown() {
    let api = TestApi::start().await;
    api.task("One").await;

    let mut status = api.get("/api/v1/status").await;
    let newest = json!(hearth_store::migrate::schema_version());
    assert_eq!(status["schema_version"], newest);
    status["schema_version"] = json!("the newest");
    insta::assert_snapshot!(pretty(&status), @r#"
    {
      "agents_online": 0,
      "agents_paused": [],
      "agents_working": 0,
      "approvals_pending": 0,
      "facilities": {
        "agents": {
          "is_available": false,
          "reason": "the built-in agents, which are not running",
          "remedy": ""
        },
        "inbox": {
          "is_available": false,
          "reason": "the inbox folder was not looked at",
          "remedy": ""
        },
        "model": {
          "is_available": false,
          "reason": "no language model was looked for",
          "remedy": ""
        },
        "sandbox": {
          "is_available": false,
          "reason": "the sandbox was not looked for",
          "remedy": ""
        },
        "settings": {
          "is_available": true,
          "reason": "",
          "remedy": ""
        },
        "telegram": null,
        "voice": {
          "is_available": false,
          "reason": "the voice was not looked for",
          "remedy": ""
        }
      },
      "last_seq": 4,
      "restart_for": [],
      "runs": {
        "failed": 0,
        "running": 0,
        "waiting": 0
      },
      "schema_version": "the newest",
      "spent_today": {
        "limit_usd": 5.0,
        "reserved_usd": 0.0,
        "tokens": 0,
        "usd": 0.0
      },
      "tasks": {
        "blocked": 0,
        "cancelled": 0,
        "completed": 0,
        "in_progress": 0,
        "pending": 1
      },
      "version": "0.0.0-test",
      "writes_waiting": 0
    }
    "#);
}

#[tokio::test]
async fn settings_that_wait_for_a_restart_are_shown_with_both_values() {
    let api = TestApi::start().await;
    api.app.change_facilities(|facilities| {
        facilities.restart_for = vec![hearth_app::WaitingSetting {
            setting: "http.max_connections".into(),
            running: json!(1024),
            at_restart: json!(50),
        }];
    });

    let status = api.get("/api/v1/status").await;

    let waiting = json!([{"setting": "http.max_connections", "running": 1024, "at_restart": 50}]);
    assert_eq!(status["restart_for"], waiting);
}

#[tokio::test]
async fn what_a_completion_lacks_is_told_each_time_and_shown_with_the_task() {
    let api = TestApi::start().await;
    let acceptance = json!([
        {"kind": "result_schema", "schema": {"required": ["words"]}},
        {"kind": "artifact", "type": "report", "min_bytes": 10},
    ]);
    let body = json!({"title": "Count", "acceptance": acceptance});
    let task = api.post("/api/v1/tasks", body).await;
    assert_eq!(
        task.expect(StatusCode::CREATED)["acceptance"],
        acceptance,
        "a check is shown as it was given"
    );
    api.post("/api/v1/tasks/1/claim", json!({"agent": "seed"}))
        .await
        .expect(StatusCode::OK);
    let done = json!({"agent": "seed", "fence": 1, "result": {"letters": 3}});

    for failures in 1..=3 {
        let refused = api.post("/api/v1/tasks/1/complete", done.clone()).await;
        let problem = refused.problem();
        assert_eq!(problem["failures"], failures);
        assert_eq!(problem["blocked"], failures == 3);
        assert_eq!(problem["evidence"].as_array().unwrap().len(), 2);
        assert_eq!(
            problem["evidence"][0],
            json!({"check": acceptance[0], "found": "\"words\" is a required property"})
        );
    }

    let task = api.get("/api/v1/tasks/1").await;
    assert_eq!(task["status"], "blocked");
    assert_eq!(task["failed_checks"].as_array().unwrap().len(), 3);
    insta::assert_snapshot!(task["blocked_reason"].as_str().unwrap(), @r#"
    3 completions did not pass the acceptance checks
    attempt 1 by seed at 2026-11-23T09:00:00.000Z:
    - its result must have the shape asked for, but "words" is a required property
    - it must have an artifact of type report of at least 10 bytes, but its worker stored none
    attempt 1 by seed at 2026-11-23T09:00:00.000Z:
    - its result must have the shape asked for, but "words" is a required property
    - it must have an artifact of type report of at least 10 bytes, but its worker stored none
    attempt 1 by seed at 2026-11-23T09:00:00.000Z:
    - its result must have the shape asked for, but "words" is a required property
    - it must have an artifact of type report of at least 10 bytes, but its worker stored none
    "#);
}

#[tokio::test]
async fn a_check_that_needs_a_sandbox_is_not_failed_where_there_is_none() {
    let api = TestApi::start().await;
    let body = json!({
        "title": "Test it",
        "acceptance": [{"kind": "command", "argv": ["make", "test"]}],
    });
    api.post("/api/v1/tasks", body)
        .await
        .expect(StatusCode::CREATED);
    api.post("/api/v1/tasks/1/claim", json!({"agent": "seed"}))
        .await
        .expect(StatusCode::OK);

    let done = json!({"agent": "seed", "fence": 1});
    let refused = api.post("/api/v1/tasks/1/complete", done).await;

    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(refused.header("retry-after"), "60");
    assert_eq!(refused.problem()["code"], "no_sandbox");
    let task = api.get("/api/v1/tasks/1").await;
    assert_eq!(task["status"], "in_progress");
    assert_eq!(task["failed_checks"], json!([]));
}
