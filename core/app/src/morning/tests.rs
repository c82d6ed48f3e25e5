//! The day's summary: what it says, once, and when it says nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use hearth_domain::day_times::DayTimes;
use hearth_domain::notice::Notice;
use hearth_domain::task::NewTask;
use hearth_domain::{Actor, Clock};
use jiff::civil::time;

use super::*;
use crate::Config;
use crate::holding::{Claim, Done, Hold};
use crate::tasks::TaskRef;
use crate::test_support::{agent, as_agent, open, titled};

/// A clock that is set, in Berlin.
struct Wall(AtomicI64);

impl Clock for Wall {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }

    fn zone(&self) -> TimeZone {
        TimeZone::get("Europe/Berlin").unwrap()
    }
}

struct House {
    app: App,
    clock: Arc<Wall>,
    dir: tempfile::TempDir,
}

impl House {
    fn at(moment: &str) -> Self {
        let clock = Arc::new(Wall(AtomicI64::new(at(moment).as_millis())));
        let dir = tempfile::tempdir().unwrap();
        let app = open(dir.path(), Arc::clone(&clock) as Arc<dyn Clock>);
        let house = Self { app, clock, dir };
        house.rises(Some(time(8, 0, 0, 0)));
        house
    }

    fn rises(&self, morning: Option<jiff::civil::Time>) {
        let config = Config {
            day: DayTimes {
                morning,
                quiet: None,
            },
            ..(*self.app.config()).clone()
        };
        self.app.configure(config);
    }

    fn turn(&self, moment: &str) {
        self.clock.0.store(at(moment).as_millis(), Ordering::SeqCst);
    }

    async fn add(&self, new: NewTask) -> TaskRef {
        let created = self.app.create_task(&Actor::Owner, new, None).await;
        TaskRef::Number(created.unwrap().view.task.number)
    }

    async fn claim(&self, task: TaskRef) -> Hold {
        let claim = Claim::new(agent("seed"));
        let seed = as_agent("seed");
        let claimed = self.app.claim_task(&seed, task, claim, None);
        Hold {
            agent: agent("seed"),
            fence: claimed.await.unwrap().task.fence,
        }
    }

    /// The summaries so far, the last first.
    async fn said(&self) -> Vec<String> {
        let page = self.app.list_notices(&Actor::Owner, None, 100).await;
        let is_morning = |notice: &Notice| notice.kind == NoticeKind::Morning;
        let notices = page.unwrap().items;
        let mornings = notices.into_iter().filter(is_morning);
        mornings.map(|notice| notice.text).collect()
    }
}

fn at(text: &str) -> Timestamp {
    let moment: jiff::Timestamp = text.parse().unwrap();
    Timestamp::from_millis(moment.as_millisecond())
}

fn due(title: &str, moment: &str) -> NewTask {
    NewTask {
        due_at: Some(at(moment)),
        ..titled(title)
    }
}

#[tokio::test]
async fn it_says_what_the_day_brings_and_what_the_night_brought() {
    let house = House::at("2026-11-23T20:00:00+01:00");
    house
        .add(due("Call Ada", "2026-11-24T10:30:00+01:00"))
        .await;
    house
        .add(due("Pay the rent", "2026-11-24T23:59:59+01:00"))
        .await;
    house.add(due("Letter", "2026-11-22T12:00:00+01:00")).await;
    house.add(due("Not yet", "2026-11-25T00:00:00+01:00")).await;
    let fence = house.add(titled("Paint the fence")).await;
    let hold = house.claim(fence).await;
    let app = &house.app;
    let seed = as_agent("seed");
    let blocked = app.block_task(&seed, fence, hold, "Which colour?", Vec::new(), None);
    blocked.await.unwrap();
    let words = house.add(titled("Count the words")).await;
    let hold = house.claim(words).await;
    let done = app.complete_task(&seed, words, hold, Done::default(), None);
    done.await.unwrap();
    let research = house.add(titled("Research")).await;
    house.claim(research).await;
    house.turn("2026-11-24T08:00:00+01:00");

    assert!(app.tell_morning().await.unwrap());

    assert_eq!(
        house.said().await,
        [
            "Good morning. Due today: #1 Call Ada at 10:30, #2 Pay the rent. Late: #3 Letter. \
          Waiting for you: #5 Paint the fence. Done since yesterday: #6 Count the words. \
          At work: seed on #7 Research."
        ]
    );
}

#[tokio::test]
async fn it_says_it_once_a_day_also_after_a_restart() {
    let house = House::at("2026-11-24T07:59:59+01:00");
    house
        .add(due("Call Ada", "2026-11-24T10:30:00+01:00"))
        .await;
    assert!(!house.app.tell_morning().await.unwrap());
    house.turn("2026-11-24T09:00:00+01:00");
    assert!(house.app.tell_morning().await.unwrap());
    assert!(!house.app.tell_morning().await.unwrap());

    let House { app, clock, dir } = house;
    drop(app);
    let app = open(dir.path(), Arc::clone(&clock) as Arc<dyn Clock>);
    let house = House { app, clock, dir };
    // Another time of day does not make another day of it.
    house.rises(Some(time(9, 0, 0, 0)));
    assert!(!house.app.tell_morning().await.unwrap());
    house.turn("2026-11-25T09:00:00+01:00");
    assert!(house.app.tell_morning().await.unwrap());

    let said = house.said().await;
    assert_eq!(said.len(), 2);
    assert_eq!(said[0], "Good morning. Late: #1 Call Ada.");
}

#[tokio::test]
async fn it_says_nothing_where_there_is_nothing_to_say_or_nobody_wants_it() {
    let house = House::at("2026-11-24T08:00:00+01:00");
    house.add(titled("Some day")).await;
    assert!(!house.app.tell_morning().await.unwrap());

    // What comes up in the forenoon is no summary of the morning.
    house.turn("2026-11-24T09:30:00+01:00");
    house
        .add(due("Call Ada", "2026-11-24T10:30:00+01:00"))
        .await;
    assert!(!house.app.tell_morning().await.unwrap());

    house.rises(None);
    house.turn("2026-11-25T08:00:00+01:00");
    assert!(!house.app.tell_morning().await.unwrap());
    assert_eq!(house.app.next_by_morning(), None);
    assert_eq!(house.said().await, [""; 0]);
}

#[tokio::test]
async fn a_machine_that_slept_over_it_tells_it_before_noon_and_not_after() {
    let house = House::at("2026-11-23T20:00:00+01:00");
    house
        .add(due("Call Ada", "2026-11-24T23:00:00+01:00"))
        .await;
    house
        .add(due("Call Bob", "2026-11-25T23:00:00+01:00"))
        .await;

    house.turn("2026-11-24T11:59:59+01:00");
    assert!(house.app.tell_morning().await.unwrap());
    house.turn("2026-11-25T12:00:00+01:00");
    assert!(!house.app.tell_morning().await.unwrap());
}

#[tokio::test]
async fn the_sweep_wakes_for_it() {
    let house = House::at("2026-11-23T20:00:00+01:00");

    let next = house.app.next_by_calendar().await.unwrap();

    assert_eq!(next, Some(at("2026-11-24T08:00:00+01:00")));
}

#[tokio::test]
async fn of_many_tasks_the_first_few_are_named() {
    let house = House::at("2026-11-24T07:00:00+01:00");
    for hour in 10..17 {
        let title = format!("Call number {hour}, {}", "and so on ".repeat(9));
        house
            .add(due(&title, &format!("2026-11-24T{hour}:00:00+01:00")))
            .await;
    }
    house.turn("2026-11-24T08:00:00+01:00");

    house.app.tell_morning().await.unwrap();

    let said = house.said().await;
    assert!(said[0].contains("#4 Call number 13, and so on"), "{said:?}");
    assert!(said[0].ends_with("at 13:00, and 3 more."), "{said:?}");
    assert!(said[0].contains('…'));
}
