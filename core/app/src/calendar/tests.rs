use hearth_domain::Actor;
use hearth_domain::notice::Notice;
use hearth_domain::task::{TaskPatch, TaskStatus};

use super::*;
use crate::quick_add::QuickAdd;
use crate::tasks::{TaskFilter, TaskRef, UpdateTask};
use crate::test_support::TestApp;

const HOUR: u64 = 3600;
const DAY: u64 = 24 * HOUR;

/// The clock of [`TestApp`] stands at 00:16:40 on Thursday 1 January 1970, in UTC.
async fn add(test: &TestApp, line: &str) -> Task {
    let add = QuickAdd {
        text: line.into(),
        ..QuickAdd::default()
    };
    let added = test.app.quick_add(&Actor::Owner, add, None).await.unwrap();
    added.created.view.task
}

async fn all(test: &TestApp) -> Vec<Task> {
    let filter = TaskFilter::default();
    let order = Some(crate::tasks::Order::Created);
    let page = test.app.list_tasks(filter, order, None, 500).await.unwrap();
    page.items.into_iter().map(|view| view.task).collect()
}

async fn notices(test: &TestApp) -> Vec<Notice> {
    let page = test
        .app
        .list_notices(&Actor::Owner, None, 500)
        .await
        .unwrap();
    page.items
}

async fn complete(test: &TestApp, task: &Task) {
    let done = test
        .app
        .complete_as_owner(&Actor::Owner, TaskRef::Id(task.id), None, None)
        .await;
    done.unwrap();
}

#[tokio::test]
async fn the_next_task_is_made_when_the_last_is_done() {
    let test = TestApp::new();
    let first = add(&test, "Water the plants every day 9:00 #garden !high").await;
    assert_eq!(test.app.keep_calendar().await.unwrap(), Kept::default());

    complete(&test, &first).await;
    let kept = test.app.keep_calendar().await.unwrap();

    assert_eq!(kept.made, 1);
    let tasks = all(&test).await;
    let [_, second] = tasks.as_slice() else {
        panic!("{tasks:?}")
    };
    assert_eq!(second.title, first.title);
    assert_eq!(
        (second.priority, &second.labels),
        (first.priority, &first.labels)
    );
    assert_eq!(
        second.due_at,
        first.due_at.map(|due| due.after(Duration::from_secs(DAY)))
    );
    assert_eq!(second.not_before, second.due_at);
    assert_eq!(
        second.recurrence.as_ref().unwrap().series,
        first.recurrence.as_ref().unwrap().series
    );
    assert_eq!(test.app.keep_calendar().await.unwrap().made, 0);
}

#[tokio::test]
async fn the_next_task_is_made_when_the_last_is_due_and_never_two_for_one_occasion() {
    let test = TestApp::new();
    let first = add(&test, "Water the plants every day 9:00").await;
    test.clock.advance_secs(9 * HOUR);

    for _ in 0..3 {
        test.app.keep_calendar().await.unwrap();
    }
    assert_eq!(all(&test).await.len(), 2);
    // The overdue one being done changes nothing: its successor is there.
    complete(&test, &first).await;
    test.app.keep_calendar().await.unwrap();

    let tasks = all(&test).await;
    assert_eq!(tasks.len(), 2);
    let mut occasions: Vec<Timestamp> = tasks
        .iter()
        .map(|task| task.recurrence.as_ref().unwrap().occasion)
        .collect();
    occasions.dedup();
    assert_eq!(occasions.len(), 2);
}

#[tokio::test]
async fn a_node_that_was_off_catches_up_with_one_task_and_says_so() {
    let test = TestApp::new();
    let first = add(&test, "Water the plants every day 9:00").await;
    // Nine occasions go by unseen, the first task's among them.
    test.clock.advance_secs(8 * DAY + 12 * HOUR);

    let kept = test.app.keep_calendar().await.unwrap();

    assert_eq!(kept.made, 1);
    let tasks = all(&test).await;
    let [_, next] = tasks.as_slice() else {
        panic!("{tasks:?}")
    };
    assert_eq!(
        next.due_at,
        first
            .due_at
            .map(|due| due.after(Duration::from_secs(9 * DAY)))
    );
    let told: Vec<Notice> = notices(&test)
        .await
        .into_iter()
        .filter(|notice| notice.kind == NoticeKind::CaughtUp)
        .collect();
    let [told] = told.as_slice() else {
        panic!("{told:?}")
    };
    assert_eq!(
        told.text,
        "8 occasions of \"Water the plants\" passed while I was off. #1 stands for them; the next is #2 \
         on Sat 10 Jan 1970, 09:00."
    );
    test.app.keep_calendar().await.unwrap();
    assert_eq!(all(&test).await.len(), 2);
}

#[tokio::test]
async fn a_series_ends_where_its_last_task_says_so() {
    let test = TestApp::new();
    let first = add(&test, "Water the plants every day").await;
    let update = UpdateTask {
        patch: TaskPatch {
            recurrence: Some(None),
            ..TaskPatch::default()
        },
        ..UpdateTask::default()
    };
    let id = TaskRef::Id(first.id);
    test.app
        .update_task(&Actor::Owner, id, update, None)
        .await
        .unwrap();
    complete(&test, &first).await;
    test.clock.advance_secs(5 * DAY);

    assert_eq!(test.app.keep_calendar().await.unwrap().made, 0);
    assert_eq!(all(&test).await.len(), 1);
}

#[tokio::test]
async fn a_task_with_a_plan_waits_for_its_day_to_begin() {
    let test = TestApp::new();
    let task = add(&test, "Report every friday").await;

    assert_eq!(task.due_at.unwrap().to_string(), "1970-01-02T23:59:59.000Z");
    assert_eq!(
        task.not_before.unwrap().to_string(),
        "1970-01-02T00:00:00.000Z"
    );
}

#[tokio::test]
async fn a_due_date_is_told_of_once_before_and_once_after() {
    let test = TestApp::new();
    add(&test, "Call Ada due today 12:00").await;
    add(&test, "No date").await;
    assert_eq!(test.app.keep_calendar().await.unwrap().reminded, 0);

    test.clock.advance_secs(11 * HOUR);
    for _ in 0..3 {
        test.app.keep_calendar().await.unwrap();
    }
    let before: Vec<String> = notices(&test)
        .await
        .into_iter()
        .map(|notice| notice.text)
        .collect();
    test.clock.advance_secs(HOUR);
    for _ in 0..3 {
        test.app.keep_calendar().await.unwrap();
    }

    assert_eq!(before, ["#1 Call Ada is due Thu 1 Jan 1970, 12:00."]);
    let after: Vec<String> = notices(&test)
        .await
        .into_iter()
        .map(|notice| notice.text)
        .collect();
    assert_eq!(
        after,
        [
            "#1 Call Ada was due Thu 1 Jan 1970, 12:00.",
            "#1 Call Ada is due Thu 1 Jan 1970, 12:00.",
        ]
    );
}

#[tokio::test]
async fn another_due_date_is_told_of_anew_and_what_is_done_is_not() {
    let test = TestApp::new();
    let task = add(&test, "Call Ada due today 12:00").await;
    let done = add(&test, "Done in time due today 12:00").await;
    complete(&test, &done).await;
    test.clock.advance_secs(13 * HOUR);
    test.app.keep_calendar().await.unwrap();
    let update = UpdateTask {
        patch: TaskPatch {
            due_at: Some(task.due_at.map(|due| due.after(Duration::from_secs(DAY)))),
            ..TaskPatch::default()
        },
        ..UpdateTask::default()
    };
    let id = TaskRef::Id(task.id);
    test.app
        .update_task(&Actor::Owner, id, update, None)
        .await
        .unwrap();
    test.clock.advance_secs(DAY);
    test.app.keep_calendar().await.unwrap();

    let told: Vec<NoticeKind> = notices(&test)
        .await
        .iter()
        .map(|notice| notice.kind)
        .collect();
    assert_eq!(told, [NoticeKind::Overdue, NoticeKind::Overdue]);
    assert_eq!(test.get(&done).status(), TaskStatus::Completed);
}

#[tokio::test]
async fn the_sweep_wakes_when_the_calendar_asks() {
    let test = TestApp::new();
    assert_eq!(test.app.next_by_calendar().await.unwrap(), None);
    let task = add(&test, "Call Ada due today 12:00").await;
    let due = task.due_at.unwrap();

    assert_eq!(
        test.app.next_by_calendar().await.unwrap(),
        Some(earlier(due, Duration::from_secs(HOUR)))
    );
    test.clock.advance_secs(11 * HOUR);
    test.app.keep_calendar().await.unwrap();
    assert_eq!(test.app.next_by_calendar().await.unwrap(), Some(due));
    test.clock.advance_secs(2 * HOUR);
    test.app.keep_calendar().await.unwrap();
    assert_eq!(test.app.next_by_calendar().await.unwrap(), None);
}
