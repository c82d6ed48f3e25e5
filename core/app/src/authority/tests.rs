//! Who may do what, over every operation that changes something.

use hearth_domain::KeyId;
use hearth_domain::agent::Registration;
use hearth_domain::event::ReleaseCause;
use hearth_domain::key::Grant;
use hearth_domain::project::ProjectPatch;
use hearth_domain::task::{Progress, TaskPatch};
use hearth_domain::{JsonObject, ProjectId};
use uuid::Uuid;

use super::*;
use crate::holding::{Claim, Done, Hold, Work};
use crate::tasks::UpdateTask;
use crate::test_support::{TestApp, agent, as_agent, by_id, code, report, titled};

fn retitle(fence: Option<u64>) -> UpdateTask {
    UpdateTask {
        patch: TaskPatch {
            title: Some("changed".parse().unwrap()),
            ..TaskPatch::default()
        },
        fence,
        ..UpdateTask::default()
    }
}

/// What becomes of every operation that changes something, asked by `actor` in the name of `name`,
/// on a task that seed holds.
async fn attempts(test: &TestApp, actor: &Actor, name: &str) -> Vec<(&'static str, &'static str)> {
    fn outcome<T>(result: Result<T, AppError>) -> &'static str {
        match result {
            Ok(_) => "ok",
            Err(error) => code(Err::<(), _>(error)),
        }
    }
    let app = &test.app;
    let task = test.task("theirs").await;
    test.claim(&task, "seed").await;
    let open = test.task("open").await;
    let hold = || Hold {
        agent: agent(name),
        fence: 1,
    };
    let registration = Registration {
        name: agent(name),
        kind: "worker".parse().unwrap(),
        capabilities: vec![],
        metadata: JsonObject::new(),
    };
    let progress = Progress {
        message: "half".into(),
        percent: None,
    };
    let blob = test.blob(b"bytes").await.unwrap();
    let project = hearth_domain::project::NewProject {
        name: format!("{name} {}", actor.name()).parse().unwrap(),
        description: String::new(),
        status: hearth_domain::project::ProjectStatus::Active,
        metadata: JsonObject::new(),
    };
    let (nobody, nothing) = (KeyId(Uuid::nil()), ProjectId(Uuid::nil()));
    let given_back = ReleaseCause::GivenBack;
    vec![
        (
            "create_task",
            outcome(app.create_task(actor, titled("t"), None).await),
        ),
        (
            "register_agent",
            outcome(app.register_agent(actor, registration).await),
        ),
        (
            "heartbeat_agent",
            outcome(app.heartbeat_agent(actor, agent(name), None).await),
        ),
        ("begin_artifact", outcome(app.begin_artifact(actor).await)),
        (
            "create_artifact",
            outcome(app.create_artifact(actor, report(None), blob).await),
        ),
        (
            "add_artifact",
            outcome(
                app.create_artifact(actor, report(Some(by_id(&task))), blob)
                    .await,
            ),
        ),
        (
            "claim",
            outcome(
                app.claim_task(actor, by_id(&open), Claim::new(agent(name)), None)
                    .await,
            ),
        ),
        (
            "claim_next",
            outcome(
                app.claim_next_task(actor, Claim::new(agent(name)), Work::Any)
                    .await,
            ),
        ),
        (
            "update",
            outcome(
                app.update_task(actor, by_id(&task), retitle(Some(1)), None)
                    .await,
            ),
        ),
        (
            "heartbeat",
            outcome(
                app.heartbeat_task(actor, by_id(&task), hold(), Some(progress))
                    .await,
            ),
        ),
        (
            "release",
            outcome(
                app.release_task(actor, by_id(&task), hold(), given_back, None, None)
                    .await,
            ),
        ),
        (
            "block",
            outcome(
                app.block_task(actor, by_id(&task), hold(), "why", vec![], None)
                    .await,
            ),
        ),
        (
            "complete",
            outcome(
                app.complete_task(actor, by_id(&task), hold(), Done::default(), None)
                    .await,
            ),
        ),
        (
            "answer",
            outcome(app.answer_task(actor, by_id(&task), None, None).await),
        ),
        (
            "cancel",
            outcome(app.cancel_task(actor, by_id(&task), None, None).await),
        ),
        (
            "reopen",
            outcome(app.reopen_task(actor, by_id(&task), None, None).await),
        ),
        (
            "create_project",
            outcome(app.create_project(actor, project).await),
        ),
        (
            "update_project",
            outcome(
                app.update_project(actor, nothing, ProjectPatch::default(), None)
                    .await,
            ),
        ),
        (
            "delete_project",
            outcome(app.delete_project(actor, nothing, None).await),
        ),
        (
            "create_key",
            outcome(
                app.create_key(actor, "k".parse().unwrap(), Grant::Admin)
                    .await,
            ),
        ),
        ("list_keys", outcome(app.list_keys(actor).await)),
        ("revoke_key", outcome(app.revoke_key(actor, nobody).await)),
    ]
}

#[tokio::test]
async fn a_viewer_may_change_nothing() {
    let test = TestApp::new();

    for (operation, outcome) in attempts(&test, &Actor::Viewer, "seed").await {
        assert_eq!(outcome, "denied", "{operation}");
    }
}

#[tokio::test]
async fn an_agent_may_not_act_as_another() {
    let test = TestApp::new();

    for (operation, outcome) in attempts(&test, &as_agent("scout"), "seed").await {
        let expected = match operation {
            "create_task" | "begin_artifact" | "create_artifact" => "ok",
            _ => "denied",
        };
        assert_eq!(outcome, expected, "{operation}");
    }
}

#[tokio::test]
async fn an_agent_changes_only_what_it_holds() {
    let test = TestApp::new();

    for (operation, outcome) in attempts(&test, &as_agent("scout"), "scout").await {
        let expected = match operation {
            "create_task" | "register_agent" | "heartbeat_agent" | "begin_artifact"
            | "create_artifact" | "claim" | "claim_next" => "ok",
            "heartbeat" | "release" | "block" | "complete" => "not_holder",
            _ => "denied",
        };
        assert_eq!(outcome, expected, "{operation}");
    }
}

#[tokio::test]
async fn the_owner_may_do_everything_that_the_state_allows() {
    let test = TestApp::new();

    for (operation, outcome) in attempts(&test, &Actor::Owner, "seed").await {
        let expected = match operation {
            // It was given back, and nobody holds it any more.
            "block" | "complete" | "answer" => "wrong_state",
            "update_project" | "delete_project" | "revoke_key" => "not_found",
            _ => "ok",
        };
        assert_eq!(outcome, expected, "{operation}");
    }
}

#[tokio::test]
async fn an_agent_changes_what_it_holds_under_the_present_fence_only() {
    let test = TestApp::new();
    let task = test.task("task").await;
    let hold = test.claim(&task, "seed").await;
    test.app
        .release_task(
            &as_agent("seed"),
            by_id(&task),
            hold,
            ReleaseCause::GivenBack,
            None,
            None,
        )
        .await
        .unwrap();
    test.claim(&task, "seed").await;
    let seed = as_agent("seed");
    let update = |fence| {
        test.app
            .update_task(&seed, by_id(&task), retitle(fence), None)
    };

    let mut stale = report(Some(by_id(&task)));
    stale.fence = Some(1);
    let blob = test.blob(b"bytes").await.unwrap();
    let stored = test.app.create_artifact(&seed, stale, blob).await;

    assert_eq!(code(update(Some(1)).await), "fence_mismatch");
    assert_eq!(code(update(None).await), "invalid_input");
    assert_eq!(code(stored), "fence_mismatch");
    assert!(update(Some(2)).await.is_ok());
    assert_eq!(test.get(&task).title.as_str(), "changed");
}

#[tokio::test]
async fn an_agent_makes_tasks_in_its_own_name_only() {
    let test = TestApp::new();
    let mut forged = titled("forged");
    forged.created_by = Some(agent("owner"));

    let refused = test.app.create_task(&as_agent("seed"), forged, None).await;
    let own = test
        .app
        .create_task(&as_agent("seed"), titled("own"), None)
        .await;

    assert_eq!(code(refused), "denied");
    assert_eq!(own.unwrap().view.task.created_by, "seed");
}
