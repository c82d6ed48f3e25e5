//! Claims, leases, completion.

use std::sync::Arc;

use hearth_domain::event::ReleaseCause;
use hearth_domain::task::{BlockCause, Check, Task, TaskState, TaskStatus};
use serde_json::json;

use super::*;
use crate::sweep::Swept;
use crate::test_support::{TestApp, agent, as_agent, by_id, code, open, report, titled};

async fn finish(test: &TestApp, task: &Task, hold: Hold, done: Done) -> Result<TaskView, AppError> {
    let actor = Actor::Agent(hold.agent.clone());
    test.app
        .complete_task(&actor, by_id(task), hold, done, None)
        .await
}

fn wants_report() -> hearth_domain::task::NewTask {
    let mut new = titled("write a report");
    new.acceptance = vec![Check::Artifact {
        of_type: Some("report".parse().unwrap()),
        min_bytes: Some(3),
    }];
    new
}

#[tokio::test]
async fn a_task_is_claimed_once_and_completed_with_its_result() {
    let test = TestApp::new();
    let task = test.task("task").await;
    let hold = test.claim(&task, "seed").await;
    let claim = Claim::new(agent("scout"));

    let second = test
        .app
        .claim_task(&as_agent("scout"), by_id(&task), claim, None)
        .await;
    test.clock.advance_secs(3);
    let done = Done {
        result: json!({"words": 3}).as_object().cloned(),
        artifacts: vec![],
    };
    let view = finish(&test, &task, hold, done).await.unwrap();

    assert_eq!(code(second), "wrong_state");
    assert_eq!(view.task.status(), TaskStatus::Completed);
    assert_eq!(view.task, test.get(&task));
    assert_eq!(
        test.event_types().await,
        [
            "task.created",
            "task.claimed",
            "task.completed",
            "notice.created"
        ]
    );
}

#[tokio::test]
async fn the_best_pending_task_goes_to_each_agent_once() {
    let test = TestApp::new();
    for number in 0..20 {
        test.task(&format!("task {number}")).await;
    }
    let mut claims = tokio::task::JoinSet::new();
    for number in 0..30 {
        let app = test.app.clone();
        claims.spawn(async move {
            let name = format!("agent-{number}");
            let claim = Claim::new(agent(&name));
            app.claim_next_task(&as_agent(&name), claim, Work::Any)
                .await
                .unwrap()
        });
    }

    let mut numbers: Vec<i64> = claims
        .join_all()
        .await
        .into_iter()
        .flatten()
        .map(|view| view.task.number)
        .collect();

    numbers.sort_unstable();
    assert_eq!(numbers, (1..=20).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_claim_that_must_wait_says_for_what() {
    let test = TestApp::new();
    let needed = test.task("needed").await;
    let mut waits = titled("waits");
    waits.depends_on = vec![needed.id];
    let waits = test.create(waits).await;
    let mut early = titled("early");
    early.not_before = Some(test.app.now().after(Duration::from_secs(5)));
    let early = test.create(early).await;
    let mut kept = titled("kept");
    kept.assigned_to = Some(agent("owner"));
    let kept = test.create(kept).await;
    let claim = async |task: &Task, lease| {
        let claim = Claim {
            agent: agent("seed"),
            lease,
        };
        test.app
            .claim_task(&as_agent("seed"), by_id(task), claim, None)
            .await
    };

    assert_eq!(
        code(claim(&waits, LEASE_DEFAULT).await),
        "dependencies_open"
    );
    assert_eq!(code(claim(&early, LEASE_DEFAULT).await), "too_early");
    assert_eq!(code(claim(&kept, LEASE_DEFAULT).await), "reserved");
    for lease in [Duration::from_secs(4), Duration::from_secs(3601)] {
        assert_eq!(code(claim(&needed, lease).await), "invalid_input");
    }
    assert_eq!(test.app.next_start().unwrap(), early.not_before);
    test.clock.advance_secs(5);
    assert!(claim(&early, LEASE_DEFAULT).await.is_ok());
    let hold = test.claim(&needed, "seed").await;
    finish(&test, &needed, hold, Done::default()).await.unwrap();
    assert!(claim(&waits, LEASE_DEFAULT).await.is_ok());
}

#[tokio::test]
async fn a_lease_that_ran_out_gives_the_task_back_and_its_old_worker_can_change_nothing() {
    let test = TestApp::new();
    let task = test.task("task").await;
    let old = test.claim(&task, "seed").await;
    test.clock.advance_secs(59);
    assert_eq!(test.app.sweep().await.unwrap(), Swept::default());
    test.clock.advance_secs(1);

    let swept = test.app.sweep().await.unwrap();

    assert_eq!(swept.reclaimed, 1);
    assert_eq!(test.get(&task).status(), TaskStatus::Pending);
    let late = finish(&test, &task, old.clone(), Done::default()).await;
    assert_eq!(code(late), "wrong_state");
    let new = test.claim(&task, "seed").await;
    assert_eq!(new.fence, old.fence + 1);
    let late = finish(&test, &task, old.clone(), Done::default()).await;
    assert_eq!(code(late), "fence_mismatch");
    let beat = test
        .app
        .heartbeat_task(&as_agent("seed"), by_id(&task), old, None)
        .await;
    assert_eq!(code(beat), "fence_mismatch");
    assert!(finish(&test, &task, new, Done::default()).await.is_ok());
}

#[tokio::test]
async fn a_heartbeat_keeps_the_task_and_tells_how_far_it_is() {
    let test = TestApp::new();
    let task = test.task("task").await;
    let hold = test.claim(&task, "seed").await;
    for round in 0..5_u8 {
        test.clock.advance_secs(50);
        let progress = (round == 4).then(|| Progress {
            message: "nearly".into(),
            percent: Some(90),
        });
        test.app
            .heartbeat_task(&as_agent("seed"), by_id(&task), hold.clone(), progress)
            .await
            .unwrap();
        assert_eq!(test.app.sweep().await.unwrap().reclaimed, 0);
    }

    let kept = test.get(&task);
    let lease = kept.lease().unwrap();
    assert_eq!(lease.expires_at, test.app.now().after(LEASE_DEFAULT));
    assert_eq!(kept.version, 3, "only the progress is a change");
    assert_eq!(
        test.event_types().await,
        ["task.created", "task.claimed", "task.progress"]
    );
    let too_far = Progress {
        message: "beyond".into(),
        percent: Some(101),
    };
    let beat = test
        .app
        .heartbeat_task(&as_agent("seed"), by_id(&task), hold, Some(too_far))
        .await;
    assert_eq!(code(beat), "invalid_input");
}

#[tokio::test]
async fn the_last_attempt_blocks_and_an_answer_starts_anew() {
    let test = TestApp::new();
    let mut new = titled("hard");
    new.max_attempts = 2;
    let task = test.create(new).await;
    for _ in 0..2 {
        test.claim(&task, "seed").await;
        test.clock.advance_secs(60);
        assert_eq!(test.app.sweep().await.unwrap().reclaimed, 1);
    }

    let TaskState::Blocked { block } = test.get(&task).state else {
        panic!("{:?}", test.get(&task))
    };
    assert_eq!(block.cause, BlockCause::AttemptsUsed);
    assert_eq!(block.reason.lines().count(), 3);
    let view = test
        .app
        .answer_task(&Actor::Owner, by_id(&task), Some("try harder".into()), None)
        .await
        .unwrap();
    assert_eq!(view.task.status(), TaskStatus::Pending);
    assert_eq!(view.task.context["answers"][0]["answer"], "try harder");
    test.claim(&task, "seed").await;
    test.clock.advance_secs(60);
    test.app.sweep().await.unwrap();
    assert_eq!(test.get(&task).status(), TaskStatus::Pending);
}

#[tokio::test]
async fn what_the_owner_handed_in_is_no_evidence() {
    let test = TestApp::new();
    let task = test.create(wants_report()).await;
    let blob = test.blob(b"input").await.unwrap();
    test.app
        .create_artifact(&Actor::Owner, report(Some(by_id(&task))), blob)
        .await
        .unwrap();
    let hold = test.claim(&task, "seed").await;

    let refused = finish(&test, &task, hold.clone(), Done::default()).await;

    let Err(AppError::InvalidInput { code, problem, .. }) = refused else {
        panic!("{refused:?}")
    };
    assert_eq!(code, "acceptance_failed");
    assert!(problem.contains("its worker stored none"), "{problem}");
    assert_eq!(test.get(&task).status(), TaskStatus::InProgress);
    let mut own = report(Some(by_id(&task)));
    own.fence = Some(hold.fence);
    test.app
        .create_artifact(&as_agent("seed"), own, blob)
        .await
        .unwrap();
    assert!(finish(&test, &task, hold, Done::default()).await.is_ok());
}

#[tokio::test]
async fn a_completion_brings_its_artifacts_along_or_leaves_them() {
    let test = TestApp::new();
    let task = test.create(wants_report()).await;
    let hold = test.claim(&task, "seed").await;
    let store = async |bytes: &[u8], actor: &Actor| {
        let blob = test.blob(bytes).await.unwrap();
        let artifact = test.app.create_artifact(actor, report(None), blob).await;
        artifact.unwrap().id
    };
    let small = store(b"x", &as_agent("seed")).await;
    let good = store(b"the report", &as_agent("seed")).await;
    let others = store(b"the report", &as_agent("scout")).await;
    let done = |artifacts| Done {
        result: None,
        artifacts,
    };

    let too_small = finish(&test, &task, hold.clone(), done(vec![small])).await;
    let not_own = finish(&test, &task, hold.clone(), done(vec![good, others])).await;

    assert_eq!(code(too_small), "acceptance_failed");
    assert_eq!(code(not_own), "denied");
    for id in [small, good, others] {
        assert_eq!(test.app.get_artifact(id).unwrap().task_id, None);
    }
    // Named twice by a careless worker.
    let view = finish(&test, &task, hold, done(vec![small, good, good])).await;
    assert_eq!(view.unwrap().task.status(), TaskStatus::Completed);
    let page = test
        .app
        .list_artifacts(by_id(&task), None, 10)
        .await
        .unwrap();
    let ids: Vec<_> = page.items.iter().map(|artifact| artifact.id).collect();
    assert_eq!(ids, [small, good]);
}

#[tokio::test]
async fn a_question_needs_words_and_its_options_are_lines() {
    let test = TestApp::new();
    let task = test.task("task").await;
    let hold = test.claim(&task, "seed").await;
    let block = |reason: &'static str, options: Vec<String>| {
        let actor = as_agent("seed");
        let (app, task, hold) = (test.app.clone(), by_id(&task), hold.clone());
        async move {
            app.block_task(&actor, task, hold, reason, options, None)
                .await
        }
    };

    assert_eq!(code(block(" \n", vec![]).await), "invalid_input");
    assert_eq!(
        code(block("which?", vec!["a\nb".into()]).await),
        "invalid_input"
    );
    assert_eq!(
        code(block("which?", vec!["a".into(); 51]).await),
        "invalid_input"
    );
    let view = block("which?", vec![" a ".into(), "b".into()])
        .await
        .unwrap();
    let TaskState::Blocked { block } = view.task.state else {
        panic!("{:?}", view.task)
    };
    assert_eq!(block.options, ["a", "b"]);
}

#[tokio::test]
async fn an_expected_version_protects_a_claim_and_a_completion() {
    let test = TestApp::new();
    let task = test.task("task").await;
    let claim = |expected| {
        let claim = Claim::new(agent("seed"));
        let app = test.app.clone();
        let task = by_id(&task);
        async move {
            app.claim_task(&as_agent("seed"), task, claim, expected)
                .await
        }
    };

    assert_eq!(code(claim(Some(7)).await), "stale_version");
    let fence = claim(Some(1)).await.unwrap().task.fence;
    let hold = Hold {
        agent: agent("seed"),
        fence,
    };
    let late = test
        .app
        .complete_task(
            &as_agent("seed"),
            by_id(&task),
            hold,
            Done::default(),
            Some(1),
        )
        .await;
    assert_eq!(code(late), "stale_version");
}

#[tokio::test]
async fn after_a_crash_the_nodes_own_agent_loses_what_it_held_and_others_keep_theirs() {
    let test = TestApp::new();
    let (own, other) = (test.task("own").await, test.task("other").await);
    test.claim(&own, "seed").await;
    let theirs = test.claim(&other, "outsider").await;
    let TestApp { app, clock, dir } = test;
    drop(app);
    let app = open(
        dir.path(),
        Arc::clone(&clock) as Arc<dyn hearth_domain::Clock>,
    );
    let test = TestApp { app, clock, dir };

    let count = test.app.reclaim_after_restart(agent("seed")).await;

    assert_eq!(count.unwrap(), 1);
    let own = test.get(&own);
    assert_eq!(own.status(), TaskStatus::Pending);
    assert_eq!(own.failed_attempts[0].cause, ReleaseCause::NodeRestarted);
    assert!(finish(&test, &other, theirs, Done::default()).await.is_ok());
    assert_eq!(
        test.app.reclaim_after_restart(agent("seed")).await.unwrap(),
        0
    );
}

#[tokio::test]
async fn a_task_handed_back_by_a_stopping_node_costs_no_attempt() {
    let test = TestApp::new();
    let mut new = titled("once");
    new.max_attempts = 1;
    let task = test.create(new).await;
    let hold = test.claim(&task, "seed").await;

    let view = test
        .app
        .release_task(
            &as_agent("seed"),
            by_id(&task),
            hold,
            ReleaseCause::NodeStopped,
            None,
            None,
        )
        .await
        .unwrap();

    assert_eq!(view.task.status(), TaskStatus::Pending);
    assert!(view.task.failed_attempts.is_empty());
}

#[tokio::test]
async fn work_on_a_task_is_a_sign_of_life() {
    let test = TestApp::new();
    let registration = hearth_domain::agent::Registration {
        name: agent("seed"),
        kind: "worker".parse().unwrap(),
        capabilities: vec![],
        metadata: JsonObject::new(),
    };
    test.app
        .register_agent(&as_agent("seed"), registration)
        .await
        .unwrap();
    let mut new = titled("task");
    new.max_attempts = 9;
    let task = test.create(new).await;
    let claim = Claim {
        agent: agent("seed"),
        lease: LEASE_MAX,
    };
    let view = test
        .app
        .claim_task(&as_agent("seed"), by_id(&task), claim, None)
        .await
        .unwrap();
    test.clock.advance_secs(60);
    assert_eq!(test.app.sweep().await.unwrap().offline, 1);
    let hold = Hold {
        agent: agent("seed"),
        fence: view.task.fence,
    };

    test.app
        .heartbeat_task(&as_agent("seed"), by_id(&task), hold, None)
        .await
        .unwrap();

    let seed = test.app.get_agent(&agent("seed")).unwrap();
    assert_eq!(seed.status.as_str(), "busy");
    let types = test.event_types().await;
    assert_eq!(
        types.iter().filter(|name| *name == "agent.online").count(),
        1
    );
}
