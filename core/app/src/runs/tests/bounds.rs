//! What a call is held against: the calls before it, what they took in, and how much there may be.

use hearth_domain::folder::{Access, NewGrantedFolder};
use hearth_domain::policy::ALIKE_NOTED;

use super::*;

const URL: &str = "https://example.org/";

pub(super) fn reading(place: u32, folder: &str) -> Meant {
    let reach = Reach {
        reads: vec![folder.parse().unwrap()],
        ..Reach::default()
    };
    Meant {
        reach,
        brings: Labels {
            private: true,
            untrusted: false,
        },
        ..quiet(place)
    }
}

pub(super) async fn open_folder(bench: &Bench, name: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let new = NewGrantedFolder {
        name: name.parse().unwrap(),
        path: folder.path().to_str().unwrap().into(),
        access: Access::Read,
        project_id: None,
    };
    let granted = bench.app().grant_folder(&Actor::Owner, new).await;
    granted.unwrap();
    folder
}

#[tokio::test]
async fn the_same_call_from_many_places_is_asked_about_and_its_retries_are_not_counted() {
    let bench = Bench::new().await;
    let (hold, view) = bench.up().await;
    let id = view.run.id;
    let same = |place| Meant { place, ..quiet(1) };
    // Two places that run at once, and are tried again by turns.
    for _ in 0..4 {
        for place in [1, 2] {
            let step = bench.go(&hold, id, same(place)).await;
            let failed = Entry::Failed("again".into());
            bench.record(&hold, &step, failed).await.unwrap();
            bench.test.clock.advance_secs(1);
        }
    }
    let third = bench.go(&hold, id, same(3)).await;
    assert!(third.decision.reason.contains("3 times in a row"));
    assert_eq!(ALIKE_NOTED, 3);

    let asked = bench.wait(&hold, id, same(4)).await;

    assert!(asked.is_once && asked.why.contains("4 times in a row"));
    bench.go(&hold, id, quiet(5)).await;
    bench.test.clock.advance_secs(1);
    assert_eq!(
        bench.go(&hold, id, same(6)).await.place,
        6,
        "another came between"
    );
}

#[tokio::test]
async fn what_was_taken_in_by_any_call_that_was_made_counts_for_the_next() {
    let exfiltrates = async |reads_web: Entry| {
        let bench = Bench::new().await;
        let (hold, view) = bench.up().await;
        let id = view.run.id;
        let _folder = open_folder(&bench, "notes").await;
        let web = Meant {
            brings: Labels {
                untrusted: true,
                private: false,
            },
            ..quiet(1)
        };
        let step = bench.go(&hold, id, web).await;
        bench.record(&hold, &step, reads_web).await.unwrap();
        let asked = bench.wait(&hold, id, speaks(2, URL)).await;
        assert!(!asked.is_once, "nothing private was read");
        bench.done(&hold, id, reading(3, "notes")).await;
        bench.wait(&hold, id, speaks(4, URL)).await.is_once
    };

    assert!(exfiltrates(Entry::Done(StepEnd::default())).await);
    // It may have left what it fetched in the folder.
    assert!(exfiltrates(Entry::Failed("exited with 1".into())).await);
    assert!(exfiltrates(Entry::Interrupted).await);
}

#[tokio::test]
async fn a_call_that_was_refused_took_nothing_in() {
    let bench = Bench::new().await;
    let (hold, view) = bench.up().await;
    let id = view.run.id;
    let refused = bench.intend(&hold, id, reading(1, "notes")).await.unwrap();
    assert!(matches!(refused, Intent::Refused(_)));
    let web = bench.wait(&hold, id, speaks(2, URL)).await;
    bench.approve(&web).await;
    bench.done(&hold, id, speaks(2, URL)).await;

    assert!(
        !bench
            .wait(&hold, id, speaks(3, "https://example.org/3"))
            .await
            .is_once
    );
}

#[tokio::test]
async fn a_run_makes_so_many_calls_and_an_answered_task_begins_to_count_anew() {
    let bench = Bench::new().await;
    let (hold, view) = bench.up().await;
    let id = view.run.id;
    let bounds = Bounds {
        calls_max: 2,
        ..BOUNDS
    };
    let intend = async |hold: &Hold, place| {
        let hold = hold.clone();
        bench
            .app()
            .intend_step(&seed(), hold, id, quiet(place), bounds)
            .await
            .unwrap()
    };
    intend(&hold, 1).await;
    intend(&hold, 2).await;
    let third = intend(&hold, 3).await;
    assert!(matches!(third, Intent::Refused(_)), "{third:?}");
    bench.release(&hold).await;

    let (hold, _) = bench.up().await;

    let third = intend(&hold, 3).await;
    assert!(matches!(third, Intent::Go(_)), "{third:?}");
}

#[tokio::test]
async fn what_is_too_large_for_the_journal_is_refused_by_name() {
    let bench = Bench::new().await;
    let (hold, view) = bench.up().await;
    let id = view.run.id;
    let large = Value::from("x".repeat(300_000));
    let meant = Meant {
        action: action("read_file", json!({"path": large})),
        ..quiet(1)
    };
    let refused = bench
        .intend(&hold, id, meant)
        .await
        .unwrap_err()
        .to_string();
    assert!(refused.starts_with("args must be at most"), "{refused}");
    let step = bench.go(&hold, id, quiet(1)).await;

    let refused = bench.record(&hold, &step, Entry::Acted(large)).await;

    let refused = refused.unwrap_err().to_string();
    assert!(refused.starts_with("outcome must be at most"), "{refused}");
    assert_eq!(bench.live(id).await, [(1, 1, "intended")]);
}
