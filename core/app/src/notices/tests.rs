//! What is told, what is taken back, and when nothing is said.

use std::time::Duration;

use hearth_domain::day_times::{DayTimes, QuietHours};
use hearth_domain::task::NewTask;
use hearth_domain::{Priority, Timestamp};
use jiff::civil::time;
use serde_json::json;

use super::*;
use crate::Config;
use crate::holding::{Done, Hold};
use crate::test_support::{TestApp, agent, as_agent, by_id, code, titled};

fn word(text: &str) -> Word {
    text.parse().unwrap()
}

async fn take(test: &TestApp, presence: Presence) -> Taken {
    let channel = word("telegram");
    let taken = test.app.take_notices(&Actor::Owner, channel, presence);
    taken.await.unwrap()
}

async fn taken_kinds(test: &TestApp) -> Vec<NoticeKind> {
    let taken = take(test, Presence::There).await.notices;
    taken.iter().map(|notice| notice.kind).collect()
}

async fn all(test: &TestApp) -> Vec<Notice> {
    let page = test.app.list_notices(&Actor::Owner, None, 100).await;
    page.unwrap().items
}

/// A task of seed's that is blocked with a question.
async fn blocked(test: &TestApp, new: NewTask) -> Task {
    let task = test.create(new).await;
    let hold = test.claim(&task, "seed").await;
    block(test, &task, hold).await;
    task
}

async fn block(test: &TestApp, task: &Task, hold: Hold) {
    let seed = as_agent("seed");
    let blocked = test
        .app
        .block_task(&seed, by_id(task), hold, "Which colour?", Vec::new(), None);
    blocked.await.unwrap();
}

async fn answer(test: &TestApp, task: &Task) {
    let words = Some("red".to_owned());
    let answered = test
        .app
        .answer_task(&Actor::Owner, by_id(task), words, None);
    answered.await.unwrap();
}

async fn complete(test: &TestApp, task: &Task, hold: Hold, result: serde_json::Value) {
    let done = Done {
        result: result.as_object().cloned(),
        ..Done::default()
    };
    let actor = Actor::Agent(hold.agent.clone());
    let completed = test
        .app
        .complete_task(&actor, by_id(task), hold, done, None);
    completed.await.unwrap();
}

/// Has the clock show a time of day, and these hours be quiet.
fn quiet_at(test: &TestApp, hour: u64) {
    let config = Config {
        day: DayTimes {
            morning: None,
            quiet: QuietHours::new(time(22, 0, 0, 0), time(7, 0, 0, 0)),
        },
        ..(*test.app.config()).clone()
    };
    test.app.configure(config);
    let now = test.app.now().as_millis();
    let midnight = Timestamp::from_millis(now - now % 86_400_000 + 86_400_000);
    let wanted = midnight.after(Duration::from_hours(hour));
    test.clock.advance(wanted.since(test.app.now()));
}

#[tokio::test]
async fn a_question_that_was_answered_is_not_told() {
    let test = TestApp::new();
    let task = blocked(&test, titled("Paint the fence")).await;

    answer(&test, &task).await;

    assert_eq!(taken_kinds(&test).await, []);
    let notice = &all(&test).await[0];
    assert!(matches!(notice.delivery, Delivery::Withdrawn { .. }));
    let events = test.event_types().await;
    assert_eq!(events.last().map(String::as_str), Some("notice.withdrawn"));

    // The next question is another.
    let hold = test.claim(&task, "seed").await;
    block(&test, &task, hold).await;
    assert_eq!(taken_kinds(&test).await, [NoticeKind::Blocked]);
}

#[tokio::test]
async fn who_is_telling_it_when_it_is_answered_learns_of_it() {
    let test = TestApp::new();
    let task = blocked(&test, titled("Paint the fence")).await;
    let taken = take(&test, Presence::There).await.notices;
    answer(&test, &task).await;

    let told = test
        .app
        .deliver_notice(&Actor::Owner, taken[0].id, word("telegram"))
        .await;

    assert_eq!(code(told), "withdrawn");
    test.clock.advance(Duration::from_mins(2));
    assert_eq!(taken_kinds(&test).await, []);
}

#[tokio::test]
async fn what_was_told_stays_told() {
    let test = TestApp::new();
    let task = blocked(&test, titled("Paint the fence")).await;
    let taken = take(&test, Presence::There).await.notices;
    let told = test
        .app
        .deliver_notice(&Actor::Owner, taken[0].id, word("telegram"));
    told.await.unwrap();

    answer(&test, &task).await;

    let notice = &all(&test).await[0];
    assert!(matches!(notice.delivery, Delivery::Delivered { .. }));
}

#[tokio::test]
async fn a_reminder_of_what_is_done_or_cancelled_is_not_told() {
    let test = TestApp::new();
    let due = |title: &str| NewTask {
        due_at: Some(test.app.now().after(Duration::from_mins(30))),
        created_by: Some(agent("scout")),
        ..titled(title)
    };
    let done = test.create(due("Done in time")).await;
    let cancelled = test.create(due("Not wanted")).await;
    test.create(due("Still to do")).await;
    test.app.keep_calendar().await.unwrap();

    let hold = test.claim(&done, "seed").await;
    complete(&test, &done, hold, json!({})).await;
    let order = test
        .app
        .cancel_task(&Actor::Owner, by_id(&cancelled), None, None);
    order.await.unwrap();

    let told = take(&test, Presence::There).await.notices;
    assert_eq!(told.len(), 1);
    assert!(told[0].text.contains("Still to do"), "{}", told[0].text);
}

#[tokio::test]
async fn what_the_person_asked_for_is_told_when_an_agent_has_done_it() {
    let test = TestApp::new();
    let by_chief = NewTask {
        created_by: Some(agent(CHIEF_OF_STAFF)),
        ..titled("Asked for in chat")
    };
    let by_agent = NewTask {
        created_by: Some(agent("scout")),
        ..titled("An agent's own")
    };
    for (new, worker, result) in [
        (
            titled("Count the words"),
            "seed",
            json!({"words": 12, "list": [1]}),
        ),
        (by_chief, "seed", json!({"answer": "It is\n 42.\u{1b}"})),
        (titled("Nothing came of it"), "scout", json!({})),
        (by_agent, "seed", json!({"x": 1})),
    ] {
        let task = test.create(new).await;
        let hold = test.claim(&task, worker).await;
        complete(&test, &task, hold, result).await;
    }

    let told = take(&test, Presence::There).await.notices;
    let texts: Vec<&str> = told.iter().map(|notice| notice.text.as_str()).collect();
    assert_eq!(
        texts,
        [
            "#1 Count the words is done: words 12. See: hearth task show 1",
            "#2 Asked for in chat is done: It is 42. See: hearth task show 2",
            "#3 Nothing came of it is done. See: hearth task show 3",
        ]
    );
}

#[tokio::test]
async fn a_long_result_is_told_in_short_and_a_reopened_task_not_at_all() {
    let test = TestApp::new();
    let task = test.task("Write a book").await;
    let hold = test.claim(&task, "seed").await;
    complete(&test, &task, hold, json!({"text": "word ".repeat(100)})).await;
    let told = &all(&test).await[0].text;
    assert!(told.len() < 250 && told.contains("word…. See:"), "{told}");

    let again = test
        .app
        .reopen_task(&Actor::Owner, by_id(&task), None, None);
    again.await.unwrap();

    assert_eq!(taken_kinds(&test).await, []);
}

#[tokio::test]
async fn a_thousand_finished_tasks_do_not_fill_the_outbox() {
    let test = TestApp::new();
    for _ in 0..FINISHED_MAX + 5 {
        let task = test.task("one of many").await;
        let hold = test.claim(&task, "seed").await;
        complete(&test, &task, hold, json!({})).await;
    }

    assert_eq!(all(&test).await.len(), FINISHED_MAX);
    let first = take(&test, Presence::There).await.notices[0].id;
    let told = test
        .app
        .deliver_notice(&Actor::Owner, first, word("telegram"));
    told.await.unwrap();
    let task = test.task("the next").await;
    let hold = test.claim(&task, "seed").await;
    complete(&test, &task, hold, json!({})).await;
    assert_eq!(all(&test).await.len(), FINISHED_MAX + 1);
}

#[tokio::test]
async fn in_the_quiet_hours_only_what_cannot_wait_is_told() {
    let test = TestApp::new();
    blocked(&test, titled("Paint the fence")).await;
    let critical = NewTask {
        priority: Priority::Critical,
        ..titled("The cellar is full of water")
    };
    blocked(&test, critical).await;
    quiet_at(&test, 23);

    let night = take(&test, Presence::Unknown).await;
    let said: Vec<&str> = night.notices.iter().map(|n| n.text.as_str()).collect();
    assert!(said.len() == 1 && said[0].contains("cellar"), "{said:?}");
    let ends = test.app.now().after(Duration::from_hours(8));
    assert_eq!(night.quiet_until, Some(ends));

    // Whoever is there asks to be told.
    let there = take(&test, Presence::There).await;
    assert_eq!((there.notices.len(), there.quiet_until), (1, None));

    quiet_at(&test, 7);
    let morning = take(&test, Presence::Unknown).await;
    assert_eq!((morning.notices.len(), morning.quiet_until), (2, None));
}
