//! Answers to approvals, and to tasks that wait for them.

use hearth_domain::approval::ANSWER_WITHIN;
use hearth_domain::event::EventKind;
use hearth_domain::event_filter::EventFilter;
use hearth_domain::task::NewTask;
use serde_json::{Value, json};

use super::*;
use crate::events::Direction;
use crate::runs::journal::Rest;
use crate::runs::tests::{Bench, speaks};
use crate::test_support::{TestApp, as_agent, by_id, code, titled};

const URL: &str = "https://example.org/";

/// A run that asked about its first `count` steps and rests.
async fn asked(bench: &Bench, count: u32) -> (RunId, Vec<Approval>) {
    let (hold, view) = bench.up().await;
    let mut asked = Vec::new();
    for place in 1..=count {
        let url = format!("{URL}{place}");
        asked.push(bench.wait(&hold, view.run.id, speaks(place, &url)).await);
    }
    let rested = bench.rest(&hold, view.run.id, Rest::Waits).await;
    assert!(rested.unwrap());
    (view.run.id, asked)
}

async fn remember(
    bench: &Bench,
    approval: &Approval,
    shape: Option<Value>,
) -> Result<Answered, AppError> {
    let shape = shape.map(|shape| serde_json::from_value(shape).unwrap());
    let answer = Answer::Approve {
        note: Some("always".into()),
        remember: Some(Remember { shape }),
    };
    let id = ApprovalRef::Id(approval.id);
    bench.app().answer_approval(&Actor::Owner, id, answer).await
}

#[tokio::test]
async fn a_yes_is_given_once_and_by_the_owner() {
    let bench = Bench::new().await;
    let (_, asked) = asked(&bench, 1).await;
    let app = bench.app();
    let answer = || Answer::Deny { note: None };
    for actor in [as_agent("seed"), Actor::Viewer] {
        let id = ApprovalRef::Number(1);
        let refused = app.answer_approval(&actor, id, answer()).await;
        assert_eq!(code(refused), "denied");
    }
    bench.approve(&asked[0]).await;

    let again = app.answer_approval(&Actor::Owner, ApprovalRef::Number(1), answer());

    assert_eq!(code(again.await), "already_answered");
    assert_eq!(bench.approval(&asked[0]).status, ApprovalStatus::Approved);
    let unknown = app.answer_approval(&Actor::Owner, ApprovalRef::Number(9), answer());
    assert_eq!(code(unknown.await), "not_found");
}

#[tokio::test]
async fn an_answer_that_comes_too_late_is_refused_though_nobody_looked_yet() {
    let bench = Bench::new().await;
    let (_, asked) = asked(&bench, 1).await;
    bench.test.clock.advance(ANSWER_WITHIN);

    let id = ApprovalRef::Id(asked[0].id);
    let answer = Answer::Deny { note: None };
    let late = bench.app().answer_approval(&Actor::Owner, id, answer).await;

    assert_eq!(code(late), "ran_out");
    assert_eq!(bench.status(), TaskStatus::Blocked);
}

#[tokio::test]
async fn what_is_said_with_an_answer_has_an_end() {
    let bench = Bench::new().await;
    let (_, asked) = asked(&bench, 1).await;
    let note = Some("x".repeat(10_001));
    let id = ApprovalRef::Id(asked[0].id);

    let refused = bench
        .app()
        .answer_approval(&Actor::Owner, id, Answer::Deny { note });

    assert_eq!(code(refused.await), "invalid_input");
    assert_eq!(bench.approval(&asked[0]).status, ApprovalStatus::Pending);
}

#[tokio::test]
async fn a_plain_yes_or_no_to_the_task_answers_the_one_approval_it_waits_for() {
    for (words, status) in [
        ("approve", ApprovalStatus::Approved),
        ("Yes!", ApprovalStatus::Approved),
        ("deny", ApprovalStatus::Denied),
        (" no. ", ApprovalStatus::Denied),
    ] {
        let bench = Bench::new().await;
        let (_, asked) = asked(&bench, 1).await;

        let task = bench.answer(words).await.unwrap();

        assert_eq!(task.status(), TaskStatus::Pending, "{words}");
        assert_eq!(bench.approval(&asked[0]).status, status, "{words}");
        assert_eq!(
            task.context.get("answers"),
            None,
            "it is no answer in words"
        );
    }
}

#[tokio::test]
async fn no_other_word_and_no_silence_answers_an_approval() {
    let bench = Bench::new().await;
    let (_, asked) = asked(&bench, 1).await;
    for words in ["maybe", "yes please", "approve 1", "ok"] {
        let refused = bench.answer(words).await;
        assert_eq!(code(refused), "waits_for_approval", "{words}");
    }
    let id = by_id(&bench.task);
    let silent = bench.app().answer_task(&Actor::Owner, id, None, None).await;
    assert_eq!(code(silent), "waits_for_approval");
    assert_eq!(bench.status(), TaskStatus::Blocked);
    assert_eq!(bench.approval(&asked[0]).status, ApprovalStatus::Pending);
}

#[tokio::test]
async fn a_task_that_waits_for_two_approvals_takes_no_word_for_both() {
    let bench = Bench::new().await;
    let (_, asked) = asked(&bench, 2).await;
    for words in ["approve", "no", "maybe"] {
        let refused = bench.answer(words).await.unwrap_err().to_string();
        assert!(refused.contains("waits for approval 1 and 2"), "{refused}");
    }
    bench.approve(&asked[0]).await;
    assert_eq!(bench.status(), TaskStatus::Blocked);

    bench.answer("no").await.unwrap();

    assert_eq!(bench.status(), TaskStatus::Pending);
    assert_eq!(bench.approval(&asked[1]).status, ApprovalStatus::Denied);
}

#[tokio::test]
async fn an_answer_for_another_version_of_the_task_approves_nothing() {
    let bench = Bench::new().await;
    let (_, asked) = asked(&bench, 1).await;
    let version = bench.test.get(&bench.task).version;
    let answer = |expected| {
        let (id, yes) = (by_id(&bench.task), Some("yes".to_owned()));
        bench
            .app()
            .answer_task(&Actor::Owner, id, yes, Some(expected))
    };

    assert_eq!(code(answer(version - 1).await), "stale_version");
    assert_eq!(bench.approval(&asked[0]).status, ApprovalStatus::Pending);
    answer(version).await.unwrap();
    assert_eq!(bench.approval(&asked[0]).status, ApprovalStatus::Approved);
}

#[tokio::test]
async fn a_failed_run_is_answered_whatever_else_it_asked() {
    let bench = Bench::new().await;
    let (hold, view) = bench.up().await;
    let id = view.run.id;
    let approval = bench.wait(&hold, id, speaks(1, URL)).await;
    bench
        .rest(&hold, id, Rest::Failed("no sandbox".into()))
        .await
        .unwrap();

    let task = bench.answer("the sandbox works now").await.unwrap();

    assert_eq!(task.status(), TaskStatus::Pending);
    // The failure comes first; what else was asked is asked anew when the run is there again.
    assert_eq!(bench.approval(&approval).status, ApprovalStatus::Withdrawn);
    let (hold, view) = bench.up().await;
    let again = bench.wait(&hold, view.run.id, speaks(1, URL)).await;
    assert_ne!(again.id, approval.id);
}

#[tokio::test]
async fn what_is_remembered_fits_this_call_of_this_project_and_no_other() {
    let test = TestApp::new();
    let project = test.project("web").await;
    let new = NewTask {
        project_id: Some(project.id),
        ..titled("first")
    };
    let bench = Bench::on(test, new).await;
    let (id, asked) = asked(&bench, 1).await;

    let permission = remember(&bench, &asked[0], None).await.unwrap().permission;

    let permission = permission.unwrap();
    assert_eq!(permission.project_id, Some(project.id));
    assert!(permission.shape.fits(&asked[0].action));
    let (hold, _) = bench.up().await;
    bench.go(&hold, id, speaks(1, &format!("{URL}1"))).await;
    let step = bench.go(&hold, id, speaks(2, &format!("{URL}1"))).await;
    assert_eq!(step.decision.permission, Some(permission.number));
    let uses = bench.app().list_permissions(false).await.unwrap()[0].uses;
    assert_eq!(uses, 1, "the first was by its approval");
    bench.wait(&hold, id, speaks(3, &format!("{URL}3"))).await;

    let none = Bench::on(bench.test, titled("of no project")).await;
    let (hold, view) = none.up().await;
    none.wait(&hold, view.run.id, speaks(1, &format!("{URL}1")))
        .await;
}

#[tokio::test]
async fn a_shape_is_what_the_owner_says_if_it_fits_what_is_approved() {
    let bench = Bench::new().await;
    let (id, asked) = asked(&bench, 1).await;
    for (shape, told) in [
        (
            json!({"url": {"starts_with": "https://other.org/"}}),
            "remember.shape does not fit",
        ),
        (
            json!({"url": "any", "save_as": "any"}),
            "remember.shape does not fit",
        ),
        (json!({}), "shape must name 1 to 50 arguments"),
        (
            json!({"url": {"starts_with": ""}}),
            "shape.url must not start with nothing",
        ),
    ] {
        let refused = remember(&bench, &asked[0], Some(shape)).await.unwrap_err();
        assert!(refused.to_string().starts_with(told), "{refused}");
        assert_eq!(bench.approval(&asked[0]).status, ApprovalStatus::Pending);
    }
    assert_eq!(bench.app().list_permissions(true).await.unwrap(), []);

    let shape = json!({"url": {"starts_with": URL}});
    remember(&bench, &asked[0], Some(shape)).await.unwrap();

    let (hold, _) = bench.up().await;
    bench
        .go(&hold, id, speaks(2, &format!("{URL}anything")))
        .await;
}

#[tokio::test]
async fn what_is_asked_each_time_cannot_be_remembered() {
    let bench = Bench::new().await;
    let (hold, view) = bench.up().await;
    let mut outside = speaks(1, URL);
    outside.reach.is_outside = true;
    let approval = bench.wait(&hold, view.run.id, outside).await;

    let refused = remember(&bench, &approval, None)
        .await
        .unwrap_err()
        .to_string();

    assert!(refused.starts_with("remember cannot be had for approval 1: it runs outside"));
    assert_eq!(bench.approval(&approval).status, ApprovalStatus::Pending);
    bench.approve(&approval).await;
}

#[tokio::test]
async fn approvals_are_listed_by_state_newest_first() {
    let bench = Bench::new().await;
    let (_, asked) = asked(&bench, 3).await;
    bench.deny(&asked[1], "no").await;
    let app = bench.app();
    let list = async |status, cursor, limit| {
        let page = app.list_approvals(status, cursor, limit).await.unwrap();
        let numbers: Vec<i64> = page.items.iter().map(|one| one.number).collect();
        (numbers, page.next)
    };

    assert_eq!(list(None, None, 2).await, (vec![3, 2], Some(2)));
    assert_eq!(list(None, Some(2), 2).await, (vec![1], None));
    assert_eq!(
        list(Some(ApprovalStatus::Pending), None, 9).await,
        (vec![3, 1], None)
    );
    assert_eq!(app.count_runs().await.unwrap().approvals_pending, 2);
    assert_eq!(code(app.get_approval(ApprovalRef::Number(4))), "not_found");
}

#[tokio::test]
async fn the_owner_is_told_what_is_asked_and_by_events_what_became_of_it() {
    let bench = Bench::new().await;
    let (_, asked) = asked(&bench, 1).await;
    let notices = bench
        .app()
        .list_notices(&Actor::Owner, None, 9)
        .await
        .unwrap();
    let told = &notices.items[0].text;
    assert!(
        told.contains("May I fetch https://example.org/1? I ask because it speaks to example.org"),
        "{told}"
    );
    assert!(told.ends_with("(approve, deny)"), "{told}");
    bench.deny(&asked[0], "no").await;

    let filter = EventFilter {
        entity_ids: vec![asked[0].id.0],
        ..EventFilter::default()
    };
    let events = bench
        .app()
        .list_events(filter, Direction::Ascending, None, 9);
    let events = events.await.unwrap().items;
    let types: Vec<&str> = events.iter().map(|event| &*event.type_name).collect();
    assert_eq!(types, ["approval.requested", "approval.denied"]);
    let EventKind::ApprovalDenied(facts) = events[1].kind().unwrap() else {
        panic!("{events:?}");
    };
    assert_eq!(facts.action_sha256, asked[0].action.hash().to_string());
}

#[tokio::test]
async fn an_approval_and_a_permission_are_not_an_agents_to_give() {
    let bench = Bench::new().await;
    asked(&bench, 1).await;
    let app = bench.app();
    for actor in [as_agent("seed"), Actor::Viewer] {
        let id = by_id(&bench.task);
        let yes = Some("yes".to_owned());
        let new = NewPermission {
            tool: "http_get".parse().unwrap(),
            shape: serde_json::from_value(json!({"url": "any"})).unwrap(),
            project_id: None,
        };
        let outcomes = [
            code(app.answer_task(&actor, id, yes, None).await),
            code(app.grant_permission(&actor, new).await),
            code(app.revoke_permission(&actor, 1).await),
        ];
        assert_eq!(outcomes, ["denied"; 3], "{actor:?}");
    }
    assert_eq!(bench.status(), TaskStatus::Blocked);
}
