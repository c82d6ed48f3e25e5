//! A run follows its task, whoever changes that.

use hearth_domain::approval::ApprovalStatus;
use hearth_domain::task::Check;

use super::*;
use crate::holding::Done;

/// A run with one call under way, one that was made, and one that the owner is asked about.
async fn busy(bench: &Bench) -> (Hold, RunId, Approval) {
    let (hold, view) = bench.up().await;
    let id = view.run.id;
    bench.go(&hold, id, quiet(1)).await;
    let made = bench.go(&hold, id, quiet(2)).await;
    bench
        .record(&hold, &made, Entry::Acted(json!({"n": 1})))
        .await
        .unwrap();
    let approval = bench
        .wait(&hold, id, speaks(3, "https://example.org/"))
        .await;
    (hold, id, approval)
}

async fn complete(bench: &Bench, hold: &Hold) -> Result<crate::tasks::TaskView, AppError> {
    let id = by_id(&bench.task);
    bench
        .app()
        .complete_task(&seed(), id, hold.clone(), Done::default(), None)
        .await
}

/// What a run is that ended, and that nothing of it is left open.
async fn ended(bench: &Bench, id: RunId) -> (RunStatus, Option<String>) {
    let view = bench.view(id).await;
    assert!(view.run.ended_at.is_some());
    assert!(view.steps.iter().all(Step::has_ended), "{:?}", view.steps);
    assert!(view.approvals.iter().all(|approval| !approval.is_open()));
    (view.run.status, view.run.reason)
}

#[tokio::test]
async fn it_is_completed_with_its_task_by_its_worker() {
    let bench = Bench::new().await;
    let (hold, id, approval) = busy(&bench).await;

    complete(&bench, &hold).await.unwrap();

    assert_eq!(ended(&bench, id).await, (RunStatus::Completed, None));
    assert_eq!(
        bench.live(id).await,
        [(1, 1, "interrupted"), (2, 1, "failed"), (3, 1, "failed")]
    );
    let approval = bench.approval(&approval);
    assert_eq!(approval.status, ApprovalStatus::Withdrawn);
    assert_eq!(approval.note.as_deref(), Some("its run has ended"));
}

#[tokio::test]
async fn it_is_cancelled_when_the_owner_completes_the_task() {
    let bench = Bench::new().await;
    let (hold, id, approval) = busy(&bench).await;
    bench.rest(&hold, id, Rest::Waits).await.unwrap();

    bench
        .app()
        .complete_as_owner(&Actor::Owner, by_id(&bench.task), None, None)
        .await
        .unwrap();

    let reason = Some("its task was completed by owner".to_owned());
    assert_eq!(ended(&bench, id).await, (RunStatus::Cancelled, reason));
    let answer = Answer::Deny { note: None };
    let late = ApprovalRef::Id(approval.id);
    let late = bench
        .app()
        .answer_approval(&Actor::Owner, late, answer)
        .await;
    assert_eq!(code(late), "already_answered");
}

#[tokio::test]
async fn a_completion_by_the_owner_that_does_not_pass_leaves_the_run_waiting() {
    let mut new = titled("work");
    new.acceptance = vec![Check::Artifact {
        of_type: None,
        min_bytes: None,
    }];
    let bench = Bench::with(new).await;
    let (hold, id, approval) = busy(&bench).await;
    bench.rest(&hold, id, Rest::Waits).await.unwrap();

    let id_of_task = by_id(&bench.task);
    let refused = bench
        .app()
        .complete_as_owner(&Actor::Owner, id_of_task, None, None)
        .await;

    assert_eq!(code(refused), "acceptance_failed");
    assert_eq!(bench.run(id).await.status, RunStatus::Waiting);
    assert_eq!(bench.status(), TaskStatus::Blocked);
    bench.approve(&approval).await;
    assert_eq!(bench.status(), TaskStatus::Pending);
}

#[tokio::test]
async fn it_is_cancelled_with_its_task_at_work_or_waiting() {
    for is_waiting in [false, true] {
        let bench = Bench::new().await;
        let (hold, id, _) = busy(&bench).await;
        if is_waiting {
            bench.rest(&hold, id, Rest::Waits).await.unwrap();
        }

        let reason = Some("not wanted".to_owned());
        let app = bench.app();
        app.cancel_task(&Actor::Owner, by_id(&bench.task), reason.clone(), None)
            .await
            .unwrap();

        assert_eq!(ended(&bench, id).await, (RunStatus::Cancelled, reason));
        assert_eq!(bench.live(id).await[0], (1, 1, "interrupted"));
    }
}

#[tokio::test]
async fn it_waits_while_its_task_was_given_back_and_what_was_under_way_is_noted() {
    let bench = Bench::new().await;
    let (hold, id, approval) = busy(&bench).await;

    bench.release(&hold).await;

    let run = bench.run(id).await;
    assert_eq!(run.status, RunStatus::Waiting);
    assert!(run.reason.unwrap().contains("given back"));
    let live = [(1, 1, "interrupted"), (2, 1, "acted"), (3, 1, "waiting")];
    assert_eq!(bench.live(id).await, live, "what was made is not lost");
    assert_eq!(bench.approval(&approval).status, ApprovalStatus::Pending);
    assert_eq!(bench.up().await.1.steps, bench.view(id).await.steps);
}

#[tokio::test]
async fn it_fails_when_its_worker_blocks_the_task() {
    let bench = Bench::new().await;
    let (hold, id, _) = busy(&bench).await;

    let app = bench.app();
    app.block_task(
        &seed(),
        by_id(&bench.task),
        hold,
        "no sandbox",
        vec![],
        None,
    )
    .await
    .unwrap();

    let run = bench.run(id).await;
    assert_eq!(run.status, RunStatus::Failed);
    assert_eq!(run.reason.as_deref(), Some("no sandbox"));
    assert_eq!(bench.live(id).await[0], (1, 1, "interrupted"));
}

#[tokio::test]
async fn it_fails_when_the_attempts_are_used_up() {
    let mut new = titled("work");
    new.max_attempts = 1;
    let bench = Bench::with(new).await;
    let (_, id, _) = busy(&bench).await;

    bench.kill().await;

    assert_eq!(bench.status(), TaskStatus::Blocked);
    let run = bench.run(id).await;
    assert_eq!(run.status, RunStatus::Failed);
    assert!(run.reason.unwrap().contains("all 1 attempts ended"));
    assert_eq!(bench.live(id).await[0], (1, 1, "interrupted"));
    bench.answer("again").await.unwrap();
    assert_eq!(bench.up().await.1.run.id, id, "it goes on with the answer");
}

#[tokio::test]
async fn it_fails_when_the_checks_of_its_task_failed_too_often() {
    let mut new = titled("work");
    new.acceptance = vec![Check::Artifact {
        of_type: None,
        min_bytes: None,
    }];
    let bench = Bench::with(new).await;
    let (hold, view) = bench.up().await;
    let id = view.run.id;
    for _ in 0..3 {
        assert_eq!(bench.run(id).await.status, RunStatus::Running);
        let refused = complete(&bench, &hold).await;
        assert_eq!(code(refused), "acceptance_failed");
    }

    assert_eq!(bench.status(), TaskStatus::Blocked);
    let run = bench.run(id).await;
    assert_eq!(run.status, RunStatus::Failed);
    assert!(run.reason.unwrap().contains("3 completions did not pass"));
}

#[tokio::test]
async fn a_changed_plan_ends_the_old_run_and_begins_another() {
    let bench = Bench::new().await;
    let (hold, old, approval) = busy(&bench).await;
    bench.release(&hold).await;

    let hold = bench.test.claim(&bench.task, "seed").await;
    let other = json!([{"tool": "list_files"}]);
    let new = bench.begin(&hold, other.clone()).await.unwrap();

    assert_ne!(new.run.id, old);
    assert_eq!((new.run.plan, new.run.number), (other, 2));
    assert_eq!((new.steps, new.approvals), (vec![], vec![]));
    let reason = Some("the plan of its task was changed".to_owned());
    assert_eq!(ended(&bench, old).await, (RunStatus::Cancelled, reason));
    assert_eq!(bench.approval(&approval).status, ApprovalStatus::Withdrawn);
    let late = bench.intend(&hold, old, quiet(1)).await;
    assert_eq!(code(late), "wrong_state");
}

#[tokio::test]
async fn a_reopened_task_gets_a_run_of_its_own() {
    let bench = Bench::new().await;
    let (hold, view) = bench.up().await;
    complete(&bench, &hold).await.unwrap();
    let app = bench.app();
    app.reopen_task(&Actor::Owner, by_id(&bench.task), None, None)
        .await
        .unwrap();

    let (_, again) = bench.up().await;

    assert_ne!(again.run.id, view.run.id);
    assert_eq!(again.steps, []);
}

#[tokio::test]
async fn a_run_that_rests_has_nothing_under_way() {
    let bench = Bench::new().await;
    let (hold, id, _) = busy(&bench).await;

    let rested = bench.rest(&hold, id, Rest::Failed("it broke".into())).await;

    assert!(rested.unwrap());
    assert_eq!(bench.live(id).await[0], (1, 1, "interrupted"));
    assert_eq!(bench.status(), TaskStatus::Blocked);
    assert_eq!(bench.run(id).await.reason.as_deref(), Some("it broke"));
}
