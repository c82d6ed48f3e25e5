//! What is found without a network, and what is left out.

use hearth_domain::memory::NewMemory;
use hearth_domain::policy::Labels;

use super::*;
use crate::memories::tests::{brings, new};
use crate::runs::tests::{Bench, seed};
use crate::test_support::code;

const PRIVATE: Labels = Labels {
    untrusted: false,
    private: true,
};

impl Bench {
    async fn reads(&self, hold: &Hold, url: &str) -> Result<(), AppError> {
        let page = JustRead {
            url: url.into(),
            title: "Otters".into(),
            text: "Otters sleep in the water, holding hands.".into(),
        };
        self.app()
            .keep_page(&seed(), hold.clone(), self.task.id, page)
            .await
    }

    async fn finds(&self, hold: &Hold, query: &str) -> Vec<Found> {
        self.app()
            .search_here(&seed(), hold.clone(), self.task.id, query, 10)
            .await
            .unwrap()
    }
}

#[tokio::test]
async fn memories_pages_and_tasks_are_found_with_where_they_came_from() {
    let bench = Bench::new().await;
    let (hold, _) = bench.up().await;
    let other = bench.test.task("Feed the otters").await;
    bench
        .reads(&hold, "https://example.org/otters")
        .await
        .unwrap();
    bench
        .remembers(&hold, "The otters are fed at nine")
        .await
        .unwrap();

    let found = bench.finds(&hold, "otters").await;

    let day = "1970-01-01";
    let shown: Vec<(&str, String)> = found
        .iter()
        .map(|found| (found.place.as_str(), found.provenance.clone()))
        .collect();
    assert_eq!(
        shown,
        [
            ("memory 1", format!("memory from task #1 by seed on {day}")),
            (
                "https://example.org/otters",
                format!("page read for task #1 on {day}")
            ),
            ("task #2", format!("task of owner on {day}, pending")),
        ]
    );
    assert!(found[1].snippet.contains("holding hands"));
    assert_eq!(other.number, 2);
    assert_eq!(bench.finds(&hold, "\"").await, []);
}

#[tokio::test]
async fn what_a_run_with_private_data_left_behind_is_for_such_runs() {
    let bench = Bench::new().await;
    let (hold, view) = bench.up().await;
    let secret = NewMemory {
        labels: PRIVATE,
        ..new("the otters secret")
    };
    let owner = Actor::Owner;
    bench.app().remember(&owner, secret).await.unwrap();
    assert_eq!(bench.finds(&hold, "otters").await, []);

    bench.done(&hold, view.run.id, brings(1, PRIVATE)).await;
    let url = "https://example.org/?q=secret";
    bench.reads(&hold, url).await.unwrap();

    let found = bench.finds(&hold, "otters").await;
    let places: Vec<&str> = found.iter().map(|found| found.place.as_str()).collect();
    assert_eq!(places, ["memory 1", url]);
    let other = Bench::on(bench.test, crate::test_support::titled("more")).await;
    let (hold, _) = other.up().await;
    assert_eq!(other.finds(&hold, "otters").await, []);
}

#[tokio::test]
async fn only_the_holder_keeps_pages() {
    let bench = Bench::new().await;
    let (hold, _) = bench.up().await;
    bench.release(&hold).await;

    let late = bench.reads(&hold, "https://example.org/").await;

    assert_eq!(code(late), "wrong_state");
}

#[test]
fn lists_are_taken_in_turn() {
    let found = |place: &str| Found {
        title: String::new(),
        place: place.into(),
        snippet: String::new(),
        provenance: String::new(),
    };
    let lists = || {
        [
            vec![found("a1"), found("a2")],
            vec![],
            vec![found("c1"), found("c2"), found("c3")],
        ]
    };
    let places = |count| -> Vec<String> {
        let all = in_turn(lists(), count);
        all.into_iter().map(|found| found.place).collect()
    };

    assert_eq!(places(10), ["a1", "c1", "a2", "c2", "c3"]);
    assert_eq!(places(3), ["a1", "c1", "a2"]);
    assert_eq!(places(0), [""; 0]);
}
