//! What may be done is written down before it is done, and an approval is used with it.

use hearth_domain::approval::{ANSWER_WITHIN, ApprovalStatus, USE_WITHIN};
use hearth_domain::folder::{Access, NewGrantedFolder};
use hearth_domain::policy::{ALIKE_NOTED, Verdict};

use super::*;

const URL: &str = "https://example.org/";

fn outside(place: u32) -> Meant {
    let reach = Reach {
        is_outside: true,
        ..Reach::default()
    };
    Meant {
        reach,
        ..speaks(place, URL)
    }
}

fn reading(place: u32, folder: &str) -> Meant {
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

async fn open_folder(bench: &Bench, name: &str) -> tempfile::TempDir {
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
async fn a_call_that_stays_inside_is_made_and_has_one_outcome() {
    let bench = Bench::new().await;
    let (hold, view) = bench.up().await;
    let id = view.run.id;
    let step = bench.go(&hold, id, quiet(1)).await;
    assert_eq!(step.state, StepState::Intended);
    assert_eq!(step.decision.verdict, Verdict::Allow);
    let twice = bench.intend(&hold, id, quiet(1)).await;
    assert_eq!(code(twice), "wrong_state", "it is under way");

    let acted = bench
        .record(&hold, &step, Entry::Acted(json!({"n": 1})))
        .await;
    let end = Entry::Done(StepEnd::default());
    let done = bench.record(&hold, &acted.unwrap(), end).await.unwrap();

    assert!(done.acted_at.is_some() && done.ended_at.is_some());
    let again = bench.intend(&hold, id, quiet(1)).await;
    assert_eq!(code(again), "wrong_state", "it is done");
    for entry in [
        Entry::Failed("late".into()),
        Entry::Interrupted,
        Entry::Acted(json!({})),
    ] {
        let second = bench.record(&hold, &step, entry).await;
        assert_eq!(code(second), "stale_version");
    }
    assert_eq!(bench.view(id).await.steps, [done]);
}

#[tokio::test]
async fn a_call_that_failed_is_tried_as_another_attempt() {
    let bench = Bench::new().await;
    let (hold, view) = bench.up().await;
    let id = view.run.id;
    let step = bench.go(&hold, id, quiet(1)).await;
    let error = "x".repeat(20_000) + "\0";
    let failed = bench.record(&hold, &step, Entry::Failed(error)).await;

    let again = bench.go(&hold, id, quiet(1)).await;

    assert_eq!(again.attempt, 2);
    let StepState::Failed { error } = failed.unwrap().state else {
        panic!("it did not fail");
    };
    assert_eq!(error.len(), 10_000, "a story has an end");
    assert_eq!(bench.live(id).await, [(1, 1, "failed"), (1, 2, "intended")]);
}

#[tokio::test]
async fn a_folder_that_is_not_open_is_refused_with_what_opens_it() {
    let bench = Bench::new().await;
    let (hold, view) = bench.up().await;
    let id = view.run.id;

    let refused = bench.intend(&hold, id, reading(1, "notes")).await.unwrap();

    let Intent::Refused(step) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(step.decision.verdict, Verdict::Deny);
    assert!(
        step.decision
            .reason
            .contains("hearth folder grant PATH --name notes")
    );
    assert_eq!(bench.live(id).await, [(1, 1, "failed")]);

    let _folder = open_folder(&bench, "notes").await;
    assert_eq!(bench.go(&hold, id, reading(1, "notes")).await.attempt, 2);
}

#[tokio::test]
async fn a_call_that_leaves_waits_for_its_approval_which_is_used_with_it() {
    let bench = Bench::new().await;
    let (hold, view) = bench.up().await;
    let id = view.run.id;
    let approval = bench.wait(&hold, id, speaks(1, URL)).await;
    assert_eq!((approval.number, approval.place), (1, 1));
    assert_eq!(approval.status, ApprovalStatus::Pending);
    assert!(approval.why.contains("example.org") && !approval.is_once);
    let again = bench.wait(&hold, id, speaks(1, URL)).await;
    assert_eq!(again.id, approval.id, "what waits is not asked twice");
    bench.go(&hold, id, quiet(2)).await;
    bench.approve(&approval).await;

    let step = bench.go(&hold, id, speaks(1, URL)).await;

    assert_eq!((step.attempt, step.decision.approval), (1, Some(1)));
    assert_eq!(step.decision.verdict, Verdict::Allow);
    assert_eq!(bench.approval(&approval).status, ApprovalStatus::Used);
}

#[tokio::test]
async fn a_yes_that_was_used_before_the_node_died_does_not_count_again() {
    let bench = Bench::new().await;
    let (hold, view) = bench.up().await;
    let id = view.run.id;
    let approval = bench.wait(&hold, id, speaks(1, URL)).await;
    bench.approve(&approval).await;
    bench.go(&hold, id, speaks(1, URL)).await;
    bench.kill().await;

    let (hold, view) = bench.up().await;

    assert_eq!(view.steps[0].state, StepState::Interrupted);
    assert_eq!(bench.approval(&approval).status, ApprovalStatus::Used);
    let second = bench.wait(&hold, id, speaks(1, URL)).await;
    assert_eq!(second.number, 2, "the owner is asked anew");
    assert_eq!(
        bench.live(id).await,
        [(1, 1, "interrupted"), (1, 2, "waiting")]
    );
}

#[tokio::test]
async fn a_yes_survives_the_node_and_a_no_fails_the_step_with_its_words() {
    let bench = Bench::new().await;
    let (hold, view) = bench.up().await;
    let id = view.run.id;
    let yes = bench.wait(&hold, id, speaks(1, URL)).await;
    let no = bench.wait(&hold, id, outside(2)).await;
    assert!(no.is_once);
    assert!(bench.rest(&hold, id, Rest::Waits).await.unwrap());
    let task = bench.test.get(&bench.task);
    assert_eq!(task.status(), TaskStatus::Blocked);
    bench.approve(&yes).await;
    assert_eq!(bench.status(), TaskStatus::Blocked, "one is not answered");
    bench.deny(&no, "not on this machine").await;
    assert_eq!(bench.status(), TaskStatus::Pending);
    bench.kill().await;

    let (hold, _) = bench.up().await;

    bench.go(&hold, id, speaks(1, URL)).await;
    let Intent::Refused(step) = bench.intend(&hold, id, outside(2)).await.unwrap() else {
        panic!("it was not refused");
    };
    let words = "denied by the owner, approval 2: not on this machine";
    let error = words.to_owned();
    assert_eq!(step.state, StepState::Failed { error });
    assert_eq!(step.decision.verdict, Verdict::Deny);
    assert_eq!(step.decision.reason, words, "the story is told from here");
}

#[tokio::test]
async fn a_yes_is_not_for_another_call() {
    let bench = Bench::new().await;
    let (hold, view) = bench.up().await;
    let id = view.run.id;
    let first = bench.wait(&hold, id, speaks(1, URL)).await;
    bench.approve(&first).await;

    let second = bench
        .wait(&hold, id, speaks(1, "https://example.org/x"))
        .await;

    assert_eq!((second.number, second.status), (2, ApprovalStatus::Pending));
    assert_eq!(bench.approval(&first).status, ApprovalStatus::Approved);
    assert_eq!(bench.live(id).await, [(1, 2, "waiting")]);
}

#[tokio::test]
async fn a_question_that_nobody_answers_runs_out_and_the_task_says_so() {
    let bench = Bench::new().await;
    let (hold, view) = bench.up().await;
    let id = view.run.id;
    let approval = bench.wait(&hold, id, speaks(1, URL)).await;
    bench.rest(&hold, id, Rest::Waits).await.unwrap();
    bench
        .test
        .clock
        .advance(ANSWER_WITHIN.saturating_sub(Duration::from_secs(1)));
    assert_eq!(bench.app().expire_approvals().await.unwrap(), 0);
    assert_eq!(bench.status(), TaskStatus::Blocked);
    bench.test.clock.advance_secs(1);

    assert_eq!(bench.app().expire_approvals().await.unwrap(), 1);

    assert_eq!(bench.status(), TaskStatus::Pending);
    let (hold, _) = bench.up().await;
    let refused = bench.intend(&hold, id, speaks(1, URL)).await.unwrap();
    let Intent::Refused(step) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(step.decision.reason, "nobody answered approval 1 in time");
    assert_eq!(bench.approval(&approval).status, ApprovalStatus::Expired);
}

#[tokio::test]
async fn a_yes_that_is_not_used_in_time_is_asked_anew() {
    let bench = Bench::new().await;
    let (hold, view) = bench.up().await;
    let id = view.run.id;
    let approval = bench.wait(&hold, id, speaks(1, URL)).await;
    bench.rest(&hold, id, Rest::Waits).await.unwrap();
    bench.approve(&approval).await;
    assert_eq!(bench.status(), TaskStatus::Pending);
    bench.test.clock.advance(USE_WITHIN);
    assert_eq!(bench.app().expire_approvals().await.unwrap(), 1);

    let (hold, _) = bench.up().await;

    assert_eq!(bench.approval(&approval).status, ApprovalStatus::Expired);
    assert_eq!(bench.wait(&hold, id, speaks(1, URL)).await.number, 2);
    assert_eq!(bench.live(id).await, [(1, 2, "waiting")]);
}

#[tokio::test]
async fn a_run_does_not_rest_once_everything_is_answered() {
    let bench = Bench::new().await;
    let (hold, view) = bench.up().await;
    let id = view.run.id;
    let approval = bench.wait(&hold, id, speaks(1, URL)).await;
    bench.approve(&approval).await;
    assert_eq!(
        bench.status(),
        TaskStatus::InProgress,
        "it is still at work"
    );

    assert!(!bench.rest(&hold, id, Rest::Waits).await.unwrap());

    assert_eq!(bench.status(), TaskStatus::InProgress);
    bench.go(&hold, id, speaks(1, URL)).await;
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
