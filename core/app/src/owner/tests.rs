use hearth_domain::field::Word;
use hearth_domain::task::{Check, LEASE_MAX, NewTask, TaskStatus};

use super::*;
use crate::test_support::{TestApp, agent, as_agent, by_id, code, titled};

fn needs_a_report(mut new: NewTask) -> NewTask {
    new.acceptance = vec![Check::Artifact {
        of_type: Some(Word::from_stored("report".into())),
        min_bytes: None,
    }];
    new
}

async fn complete(test: &TestApp, task: &Task) -> Result<Taken, AppError> {
    let result = Some(JsonObject::from_iter([("note".into(), "sent".into())]));
    test.app
        .complete_as_owner(&Actor::Owner, by_id(task), result, None)
        .await
}

#[tokio::test]
async fn a_pending_task_is_done_by_one_word() {
    let test = TestApp::new();
    let task = test.task("letter").await;

    let taken = complete(&test, &task).await.unwrap();

    assert_eq!(taken.before, task);
    assert_eq!(taken.view.task.status(), TaskStatus::Completed);
    assert_eq!(taken.view.task.worker, Some(owner()));
    assert_eq!(
        test.event_types().await.join(" "),
        "task.created task.claimed task.completed"
    );
}

#[tokio::test]
async fn what_keeps_agents_away_does_not_keep_the_owner_away() {
    let test = TestApp::new();
    let mut new = titled("later, for seed");
    new.assigned_to = Some(agent("seed"));
    new.not_before = Some(test.app.now().after(Duration::from_hours(5)));
    let kept = test.create(new).await;
    let asked = test.task("asked").await;
    let hold = test.claim(&asked, "seed").await;
    test.app
        .block_task(
            &as_agent("seed"),
            by_id(&asked),
            hold,
            "which one?",
            vec!["a".into()],
            None,
        )
        .await
        .unwrap();

    complete(&test, &kept).await.unwrap();
    complete(&test, &asked).await.unwrap();

    assert_eq!(test.get(&kept).status(), TaskStatus::Completed);
    assert_eq!(test.get(&asked).status(), TaskStatus::Completed);
}

#[tokio::test]
async fn what_is_not_done_by_its_checks_is_as_it_was() {
    let test = TestApp::new();
    let mut new = needs_a_report(titled("report for seed"));
    new.assigned_to = Some(agent("seed"));
    new.not_before = Some(test.app.now().after(Duration::from_hours(5)));
    let kept = test.create(new).await;
    let asked = test.create(needs_a_report(titled("asked"))).await;
    test.app
        .block_as_owner(
            &Actor::Owner,
            by_id(&asked),
            "which?",
            vec!["a".into()],
            None,
        )
        .await
        .unwrap();
    let blocked = test.get(&asked).state;

    assert_eq!(code(complete(&test, &kept).await), "acceptance_failed");
    assert_eq!(code(complete(&test, &asked).await), "acceptance_failed");

    let after = test.get(&kept);
    assert_eq!(
        (after.status(), &after.reserved_for, after.not_before),
        (TaskStatus::Pending, &kept.reserved_for, kept.not_before)
    );
    assert_eq!(test.get(&asked).state, blocked);
}

#[tokio::test]
async fn a_task_of_another_or_one_that_waits_for_others_is_left_alone() {
    let test = TestApp::new();
    let first = test.task("first").await;
    let mut new = titled("second");
    new.depends_on = vec![first.id];
    let second = test.create(new).await;
    test.claim(&first, "seed").await;

    assert_eq!(code(complete(&test, &first).await), "not_holder");
    assert_eq!(code(complete(&test, &second).await), "dependencies_open");
    let block = test
        .app
        .block_as_owner(&Actor::Owner, by_id(&second), " ", vec![], None)
        .await;
    assert_eq!(code(block), "invalid_input");
    assert_eq!(test.get(&second), second);
}

#[tokio::test]
async fn an_ended_task_is_not_taken() {
    let test = TestApp::new();
    let mut new = titled("for seed");
    new.assigned_to = Some(agent("seed"));
    let task = test.create(new).await;
    test.app
        .cancel_task(&Actor::Owner, by_id(&task), None, None)
        .await
        .unwrap();

    assert_eq!(code(complete(&test, &task).await), "wrong_state");
}

#[tokio::test]
async fn a_task_blocked_by_the_owner_stays_kept_and_makes_no_notice() {
    let test = TestApp::new();
    let mut new = titled("for seed");
    new.assigned_to = Some(agent("seed"));
    let task = test.create(new).await;

    let taken = test
        .app
        .block_as_owner(
            &Actor::Owner,
            by_id(&task),
            "waits for the bank",
            vec![],
            None,
        )
        .await
        .unwrap();

    let blocked = taken.view.task;
    assert_eq!(blocked.status(), TaskStatus::Blocked);
    assert_eq!(blocked.reserved_for, Some(agent("seed")));
    let notices = test.app.list_notices(&Actor::Owner, None, 5).await.unwrap();
    assert!(notices.items.is_empty());
}

#[tokio::test]
async fn the_owner_holds_on_to_what_the_owner_holds() {
    let test = TestApp::new();
    let task = test.task("mine").await;
    let take = || {
        test.app
            .take_task(&Actor::Owner, by_id(&task), LEASE_MAX, None)
    };

    let first = take().await.unwrap();
    let second = take().await.unwrap();

    assert_eq!(first.view.task.status(), TaskStatus::InProgress);
    assert_eq!(first.view.task, second.view.task);
    complete(&test, &task).await.unwrap();
}

#[tokio::test]
async fn only_the_owner_acts_as_the_owner() {
    let test = TestApp::new();
    let task = test.task("mine").await;
    for actor in [as_agent("seed"), Actor::Viewer] {
        let take = test
            .app
            .take_task(&actor, by_id(&task), LEASE_MAX, None)
            .await;
        assert_eq!(code(take), "denied");
        let block = test
            .app
            .block_as_owner(&actor, by_id(&task), "no", vec![], None)
            .await;
        assert_eq!(code(block), "denied");
    }
    assert_eq!(test.get(&task), task);
}
