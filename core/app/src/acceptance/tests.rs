//! Completions under examination, with programs that do what their code says.

use std::sync::atomic::{AtomicUsize, Ordering};

use hearth_domain::Actor;
use hearth_domain::task::{NewTask, TaskState, TaskStatus};
use serde_json::json;
use tokio::sync::Notify;

use super::*;
use crate::error::Unaccepted;
use crate::events::Direction;
use crate::holding::{Claim, Done};
use crate::tasks::{TaskView, UpdateTask};
use crate::test_support::{TestApp, agent, as_agent, by_id, code, report, titled};

/// Runs no programs: their code is what becomes of them.
#[derive(Default)]
struct Scripted {
    running: AtomicUsize,
    most_running: AtomicUsize,
    started: AtomicUsize,
    stopped: AtomicUsize,
    go: Notify,
}

impl CheckRunner for Scripted {
    fn run<'a>(
        &'a self,
        _: &'a App,
        check: &'a Check,
        work: &'a Work,
        stop: &'a CancellationToken,
    ) -> RunFuture<'a> {
        Box::pin(async move {
            let Check::Python { code } = check else {
                panic!("{check:?}")
            };
            self.started.fetch_add(1, Ordering::SeqCst);
            let running = self.running.fetch_add(1, Ordering::SeqCst) + 1;
            self.most_running.fetch_max(running, Ordering::SeqCst);
            let found = match code.as_str() {
                "pass" => Ok("it exited with 0".into()),
                "count" => Ok(format!("it saw {} artifacts", work.artifacts.len())),
                "wait" => {
                    tokio::select! {
                        () = self.go.notified() => (),
                        () = stop.cancelled() => {
                            self.stopped.fetch_add(1, Ordering::SeqCst);
                        }
                    }
                    Ok("it was waited for".into())
                }
                "no sandbox" => {
                    self.running.fetch_sub(1, Ordering::SeqCst);
                    return Err(AppError::Unavailable {
                        cause: UnavailableCause::NoSandbox,
                        detail: "no sandbox".into(),
                    });
                }
                other => Err(format!("it exited with {other}")),
            };
            self.running.fetch_sub(1, Ordering::SeqCst);
            Ok(finding(check, found))
        })
    }
}

struct Examination {
    test: TestApp,
    runner: Arc<Scripted>,
}

impl Examination {
    fn new() -> Self {
        let (test, runner) = (TestApp::new(), Arc::new(Scripted::default()));
        test.app
            .set_check_runner(Arc::clone(&runner) as Arc<dyn CheckRunner>);
        Self { test, runner }
    }

    /// Makes a task with checks, and has seed hold it.
    async fn held(&self, checks: Vec<Check>) -> (Task, Hold) {
        let task = self.test.create(with_checks(checks)).await;
        let hold = self.test.claim(&task, "seed").await;
        (task, hold)
    }

    async fn complete(&self, task: &Task, hold: &Hold, done: Done) -> Result<TaskView, AppError> {
        complete(self.test.app.clone(), task, hold, done).await
    }

    /// Begins to complete a task, and returns once `running` programs run.
    async fn begin(
        &self,
        task: &Task,
        hold: &Hold,
        running: usize,
    ) -> tokio::task::JoinHandle<Result<TaskView, AppError>> {
        let (app, task, hold) = (self.test.app.clone(), task.clone(), hold.clone());
        let completing =
            tokio::spawn(async move { complete(app, &task, &hold, Done::default()).await });
        until(|| self.runner.running.load(Ordering::SeqCst) == running).await;
        completing
    }

    async fn artifact(&self, bytes: &[u8]) -> ArtifactId {
        let blob = self.test.blob(bytes).await.unwrap();
        let seed = as_agent("seed");
        let made = self.test.app.create_artifact(&seed, report(None), blob);
        made.await.unwrap().id
    }

    async fn payloads(&self, type_name: &str) -> Vec<serde_json::Value> {
        let page = self
            .test
            .app
            .list_events(EventFilter::default(), Direction::Ascending, None, 1000)
            .await
            .unwrap();
        let of_type = page.items.into_iter().filter(|e| e.type_name == type_name);
        of_type
            .map(|event| serde_json::from_str(event.payload.get()).unwrap())
            .collect()
    }
}

async fn complete(app: App, task: &Task, hold: &Hold, done: Done) -> Result<TaskView, AppError> {
    let actor = Actor::Agent(hold.agent.clone());
    app.complete_task(&actor, by_id(task), hold.clone(), done, None)
        .await
}

fn with_checks(acceptance: Vec<Check>) -> NewTask {
    NewTask {
        acceptance,
        ..titled("to be examined")
    }
}

fn python(code: &str) -> Check {
    Check::Python { code: code.into() }
}

fn words() -> Check {
    Check::ResultSchema {
        schema: json!({"required": ["words"], "properties": {"words": {"type": "integer"}}}),
    }
}

fn any_report() -> Check {
    Check::Artifact {
        of_type: Some("report".parse().unwrap()),
        min_bytes: None,
    }
}

fn three_words() -> Done {
    Done {
        result: json!({"words": 3}).as_object().cloned(),
        artifacts: vec![],
    }
}

fn unaccepted(outcome: Result<TaskView, AppError>) -> Unaccepted {
    match outcome {
        Err(AppError::InvalidInput {
            code: "acceptance_failed",
            unaccepted: Some(unaccepted),
            ..
        }) => *unaccepted,
        other => panic!("{other:?}"),
    }
}

/// Waits for what other tasks bring about.
async fn until(is_so: impl Fn() -> bool) {
    let waited = async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), waited)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_completion_that_passes_carries_the_evidence() {
    let examination = Examination::new();
    let checks = vec![any_report(), words(), python("count"), python("count")];
    let (task, hold) = examination.held(checks).await;
    let done = Done {
        artifacts: vec![examination.artifact(b"three words").await],
        ..three_words()
    };

    let view = examination.complete(&task, &hold, done).await.unwrap();

    assert_eq!(view.task.status(), TaskStatus::Completed);
    assert_eq!(
        examination.runner.started.load(Ordering::SeqCst),
        1,
        "the same check twice is run once"
    );
    let completed = &examination.payloads("task.completed").await[0];
    let found: Vec<&str> = completed["evidence"]
        .as_array()
        .unwrap()
        .iter()
        .map(|evidence| evidence["found"].as_str().unwrap())
        .collect();
    assert!(found[0].starts_with("artifact "), "{found:?}");
    assert_eq!(
        found[1..],
        [
            "its result has it",
            "it saw 1 artifacts",
            "it saw 1 artifacts"
        ]
    );
}

#[tokio::test]
async fn a_worker_sees_everything_that_is_missing_and_may_try_again() {
    let examination = Examination::new();
    let checks = vec![python("7"), any_report(), words(), python("pass")];
    let (task, hold) = examination.held(checks).await;
    let file = examination.artifact(b"a file").await;
    let lies = Done {
        result: json!({"words": "many"}).as_object().cloned(),
        artifacts: vec![],
    };

    let refused = unaccepted(examination.complete(&task, &hold, lies).await);

    let found: Vec<&str> = refused.unmet.iter().map(|e| e.found.as_str()).collect();
    assert_eq!(
        found,
        [
            "it exited with 7",
            "its worker stored none",
            "at /words, \"many\" is not of type \"integer\"",
        ]
    );
    assert_eq!((refused.failures, refused.is_blocked), (1, false));
    let present = examination.test.get(&task);
    assert_eq!(present.status(), TaskStatus::InProgress);
    assert_eq!(present.failed_checks.len(), 1);
    let failed = &examination.payloads("task.acceptance_failed").await[0];
    assert_eq!(failed["unmet"].as_array().unwrap().len(), 3);
    assert_eq!(failed["failures"], 1);
    let done = Done {
        artifacts: vec![file],
        ..three_words()
    };
    let refused = unaccepted(examination.complete(&task, &hold, done).await);
    assert_eq!((refused.unmet.len(), refused.failures), (1, 2));
    let file = examination.test.app.get_artifact(file).unwrap();
    assert_eq!(file.task_id, None, "what was handed in can be again");
}

#[tokio::test]
async fn the_third_failure_is_the_owners_with_all_evidence() {
    let examination = Examination::new();
    let (task, hold) = examination.held(vec![python("7"), words()]).await;
    for failures in 1..=2 {
        let refused = unaccepted(examination.complete(&task, &hold, three_words()).await);
        assert_eq!((refused.failures, refused.is_blocked), (failures, false));
    }

    let last = examination.complete(&task, &hold, Done::default()).await;

    let told = last.as_ref().unwrap_err().to_string();
    assert!(
        told.starts_with(
            "acceptance is not met, for the third time of 3; the task is blocked for its owner: \
             task #1 is not done: "
        ),
        "{told}"
    );
    let refused = unaccepted(last);
    assert_eq!((refused.failures, refused.is_blocked), (3, true));
    let TaskState::Blocked { block } = examination.test.get(&task).state else {
        panic!("{:?}", examination.test.get(&task).state)
    };
    assert_eq!(block.reason.matches("it exited with 7").count(), 3);
    assert_eq!(
        block
            .reason
            .matches("its worker handed in no result")
            .count(),
        1
    );
    let types = examination.test.event_types().await;
    assert_eq!(
        types[types.len() - 3..],
        ["task.acceptance_failed", "task.blocked", "notice.created"]
    );
    let notices = examination
        .test
        .app
        .list_notices(&Actor::Owner, None, 10)
        .await
        .unwrap();
    assert!(notices.items[0].text.contains("#1 to be examined waits"));
    let late = examination.complete(&task, &hold, three_words()).await;
    assert_eq!(code(late), "wrong_state");
    let answered = examination
        .test
        .app
        .answer_task(&Actor::Owner, by_id(&task), None, None)
        .await
        .unwrap();
    assert!(answered.task.failed_checks.is_empty());
}

#[tokio::test]
async fn without_a_sandbox_nothing_is_held_against_the_worker() {
    let without = TestApp::new();
    let task = without.create(with_checks(vec![python("pass")])).await;
    let hold = without.claim(&task, "seed").await;
    let examination = Examination::new();
    let checks = vec![words(), python("no sandbox")];
    let (broken_task, broken_hold) = examination.held(checks).await;

    let refused = [
        complete(without.app.clone(), &task, &hold, Done::default()).await,
        // A check that does not hold, beside one that cannot be run.
        examination
            .complete(&broken_task, &broken_hold, Done::default())
            .await,
    ];

    for refused in refused {
        assert!(
            matches!(
                refused,
                Err(AppError::Unavailable {
                    cause: UnavailableCause::NoSandbox,
                    ..
                })
            ),
            "{refused:?}"
        );
    }
    for (test, task) in [(&without, &task), (&examination.test, &broken_task)] {
        assert_eq!(test.event_types().await, ["task.created", "task.claimed"]);
        assert!(test.get(task).failed_checks.is_empty());
    }
}

#[tokio::test]
async fn who_does_not_hold_the_task_has_no_program_run() {
    let examination = Examination::new();
    let (task, hold) = examination.held(vec![python("pass")]).await;
    let other = Hold {
        agent: agent("scout"),
        ..hold.clone()
    };
    let stale = Hold {
        fence: 0,
        ..hold.clone()
    };

    let others = examination.complete(&task, &other, Done::default()).await;
    let stale = examination.complete(&task, &stale, Done::default()).await;

    assert_eq!(code(others), "not_holder");
    assert_eq!(code(stale), "fence_mismatch");
    assert_eq!(examination.runner.started.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_task_cancelled_meanwhile_stops_its_check() {
    let examination = Examination::new();
    let (task, hold) = examination.held(vec![python("wait"), python("pass")]).await;
    let completing = examination.begin(&task, &hold, 1).await;

    examination
        .test
        .app
        .cancel_task(&Actor::Owner, by_id(&task), None, None)
        .await
        .unwrap();

    let refused = completing.await.unwrap();
    // Whichever finds it first, the event or the renewal of the lease.
    let refusal = refused.unwrap_err().to_string();
    assert!(refusal.ends_with(" task #1: it is cancelled"), "{refusal}");
    assert_eq!(examination.runner.stopped.load(Ordering::SeqCst), 1);
    assert_eq!(
        examination.runner.started.load(Ordering::SeqCst),
        1,
        "what has not begun does not begin"
    );
    assert!(examination.test.get(&task).failed_checks.is_empty());
}

#[tokio::test]
async fn a_task_handed_on_meanwhile_is_not_completed_by_its_old_worker() {
    let examination = Examination::new();
    let (task, hold) = examination.held(vec![python("wait")]).await;
    let completing = examination.begin(&task, &hold, 1).await;
    examination.test.clock.advance_secs(61);

    assert_eq!(examination.test.app.sweep().await.unwrap().reclaimed, 1);

    assert_eq!(code(completing.await.unwrap()), "wrong_state");
    assert_eq!(examination.runner.stopped.load(Ordering::SeqCst), 1);
    assert_eq!(examination.test.get(&task).status(), TaskStatus::Pending);
}

#[tokio::test]
async fn an_artifact_that_comes_meanwhile_means_another_look() {
    let examination = Examination::new();
    let (task, hold) = examination.held(vec![python("wait")]).await;
    let completing = examination.begin(&task, &hold, 1).await;
    let blob = examination.test.blob(b"late").await.unwrap();
    let late = report(Some(by_id(&task)));
    examination
        .test
        .app
        .create_artifact(&Actor::Owner, late, blob)
        .await
        .unwrap();

    examination.runner.go.notify_one();

    assert_eq!(code(completing.await.unwrap()), "changed_meanwhile");
    let present = examination.test.get(&task);
    assert_eq!(present.status(), TaskStatus::InProgress);
    assert!(present.failed_checks.is_empty());
    let again = examination.begin(&task, &hold, 1).await;
    examination.runner.go.notify_one();
    assert!(again.await.unwrap().is_ok());
}

#[tokio::test]
async fn a_check_that_takes_longer_than_the_lease_keeps_it() {
    let examination = Examination::new();
    let test = &examination.test;
    let task = test.create(with_checks(vec![python("wait")])).await;
    let claim = Claim {
        agent: agent("seed"),
        lease: hearth_domain::task::LEASE_MIN,
    };
    let view = test
        .app
        .claim_task(&as_agent("seed"), by_id(&task), claim, None)
        .await
        .unwrap();
    let hold = Hold {
        agent: agent("seed"),
        fence: view.task.fence,
    };
    let completing = examination.begin(&task, &hold, 1).await;

    for _ in 0..3 {
        test.clock.advance_secs(4);
        let expected = test.app.now().after(hearth_domain::task::LEASE_MIN);
        until(|| {
            test.get(&task)
                .lease()
                .is_some_and(|lease| lease.expires_at == expected)
        })
        .await;
        assert_eq!(test.app.sweep().await.unwrap().reclaimed, 0);
    }
    examination.runner.go.notify_one();

    assert!(completing.await.unwrap().is_ok());
}

#[tokio::test]
async fn two_checks_run_at_once_and_the_others_wait_their_turn() {
    let examination = Examination::new();
    let mut completing = Vec::new();
    for running in [1, 2, 2, 2] {
        let (task, hold) = examination.held(vec![python("wait")]).await;
        completing.push(examination.begin(&task, &hold, running).await);
    }

    for completing in completing {
        examination.runner.go.notify_one();
        assert!(completing.await.unwrap().is_ok());
    }

    assert_eq!(examination.runner.most_running.load(Ordering::SeqCst), 2);
    assert_eq!(examination.runner.started.load(Ordering::SeqCst), 4);
}

#[tokio::test]
async fn more_completions_than_the_node_takes_in_are_told_that_it_is_busy() {
    let examination = Examination::new();
    let (task, hold) = examination.held(vec![python("wait")]).await;
    let permits = u32::try_from(EXAMINED_MAX).unwrap();
    let all = examination
        .test
        .app
        .examiner()
        .examined
        .acquire_many(permits);
    let all = all.await.unwrap();

    let refused = examination.complete(&task, &hold, Done::default()).await;

    assert_eq!(code(refused), "unavailable");
    drop(all);
    let completing = examination.begin(&task, &hold, 1).await;
    completing.abort();
    assert!(completing.await.unwrap_err().is_cancelled());
    assert_eq!(
        examination.test.app.examiner().examined.available_permits(),
        EXAMINED_MAX,
        "a caller that goes away frees its place"
    );
}

#[tokio::test]
async fn a_check_that_could_never_run_is_refused_and_named() {
    let test = TestApp::new();
    let task = test.task("task").await;
    let schema = |schema| Check::ResultSchema { schema };
    let cases = [
        (schema(json!({"type": "text"})), "acceptance[1].schema"),
        (
            schema(json!({"$ref": "https://a.b"})),
            "acceptance[1].schema",
        ),
        (python(" "), "acceptance[1].code"),
        (python(&"x".repeat(64 * 1024 + 1)), "acceptance[1].code"),
        (Check::Command { argv: vec![] }, "acceptance[1].argv"),
        (
            Check::Command {
                argv: vec!["a\0b".into()],
            },
            "acceptance[1].argv",
        ),
    ];
    for (check, expected) in cases {
        let checks = vec![python("pass"), check];
        let mut update = UpdateTask::default();
        update.patch.acceptance = Some(checks.clone());

        let created = test
            .app
            .create_task(&Actor::Owner, with_checks(checks), None)
            .await
            .map(drop);
        let updated = test
            .app
            .update_task(&Actor::Owner, by_id(&task), update, None)
            .await
            .map(drop);

        for refused in [created, updated] {
            assert!(
                matches!(&refused, Err(AppError::InvalidInput { field, .. }) if field == expected),
                "{refused:?}"
            );
        }
    }
}
