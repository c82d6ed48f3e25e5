//! What may be done is written down before it is done, and an approval is used with it.

use hearth_domain::approval::{ANSWER_WITHIN, ApprovalStatus, USE_WITHIN};
use hearth_domain::policy::Verdict;

use super::bounds::{open_folder, reading};
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
