//! Checks in the real sandbox, over artifacts that are really stored.

use std::time::Instant;

use hearth_app::artifacts::StoreArtifact;
use hearth_app::holding::{Claim, Done, Hold};
use hearth_app::tasks::{TaskRef, TaskView};
use hearth_app::{Facilities, Unaccepted};
use hearth_domain::artifact::MediaType;
use hearth_domain::policy::Labels;
use hearth_domain::task::{NewTask, Task, TaskStatus};
use hearth_domain::{Actor, ArtifactId};
use hearth_sandbox::Stage;
use serde_json::json;
use tempfile::TempDir;

use super::*;
use crate::test_support::{actor, operations, seed, skip, stage_program, until};

/// Operations on a store of their own, with checks in the real sandbox.
struct Ground {
    app: App,
    shutdown: CancellationToken,
    dir: TempDir,
}

impl Ground {
    /// Returns the ground; none where there is no sandbox, which is said.
    async fn new(test: &str) -> Option<Self> {
        Self::with(test, Limits::default()).await
    }

    async fn with(test: &str, limits: Limits) -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let app = operations(dir.path());
        let stage = Stage {
            program: stage_program(),
            args: vec![],
        };
        let sandbox = SandboxFacility::new(hearth_sandbox::Config::new(stage), app.clone());
        if let Err(missing) = sandbox.get().await {
            skip(test, &missing.to_string());
            return None;
        }
        let shutdown = CancellationToken::new();
        let config = Config {
            dir: dir.path().join("checks"),
            limits: LiveLimits::new(limits),
        };
        let checks = SandboxChecks::new(sandbox, config, shutdown.clone()).unwrap();
        app.set_check_runner(Arc::new(checks));
        Some(Self { app, shutdown, dir })
    }

    /// Makes a task with checks that seed holds.
    async fn held(&self, acceptance: Vec<Check>) -> (Task, Hold) {
        let new = NewTask {
            acceptance,
            ..NewTask::titled("to be checked".parse().unwrap())
        };
        let made = self.app.create_task(&Actor::Owner, new, None).await;
        let id = TaskRef::Id(made.unwrap().view.task.id);
        let view = self
            .app
            .claim_task(&actor(), id, Claim::new(seed()), None)
            .await
            .unwrap();
        let hold = Hold {
            agent: seed(),
            fence: view.task.fence,
        };
        (view.task, hold)
    }

    async fn complete(&self, task: &Task, hold: &Hold, done: Done) -> Result<TaskView, AppError> {
        let id = TaskRef::Id(task.id);
        self.app
            .complete_task(&actor(), id, hold.clone(), done, None)
            .await
    }

    /// Holds what is done against one check, and returns what was found.
    async fn found(&self, check: Check, done: Done) -> Result<String, String> {
        let (task, hold) = self.held(vec![check]).await;
        match self.complete(&task, &hold, done).await {
            Ok(_) => Ok(self.evidence(&task).await),
            Err(AppError::InvalidInput {
                unaccepted: Some(unaccepted),
                ..
            }) => {
                let Unaccepted { unmet, .. } = *unaccepted;
                Err(unmet.into_iter().map(|evidence| evidence.found).collect())
            }
            Err(error) => panic!("{error:?}"),
        }
    }

    async fn python(&self, code: &str) -> Result<String, String> {
        let check = Check::Python { code: code.into() };
        self.found(check, Done::default()).await
    }

    async fn evidence(&self, task: &Task) -> String {
        use hearth_domain::event::EventKind;
        let filter = hearth_domain::event_filter::EventFilter {
            entity_ids: vec![task.id.0],
            ..Default::default()
        };
        let newest = hearth_app::events::Direction::Descending;
        let page = self.app.list_events(filter, newest, None, 1).await.unwrap();
        let EventKind::TaskCompleted { evidence, .. } = page.items[0].kind().unwrap() else {
            panic!("{:?}", page.items[0])
        };
        evidence[0].found.clone()
    }

    async fn artifact(&self, name: &str, content: &str, by: &Actor) -> ArtifactId {
        let mut writer = self.app.begin_artifact(by).await.unwrap();
        writer.write(content.as_bytes()).await.unwrap();
        let blob = writer.finish().await.unwrap();
        let row = StoreArtifact {
            task: None,
            agent: None,
            fence: None,
            kind: "output".parse().unwrap(),
            name: Some(name.parse().unwrap()),
            media_type: MediaType::plain_text(),
            metadata: JsonObject::new(),
            labels: Labels::default(),
            within: None,
        };
        let made = self.app.create_artifact(by, row, blob).await;
        made.unwrap().id
    }

    /// Returns what is left in the folder of checks.
    fn left(&self) -> usize {
        fs::read_dir(self.dir.path().join("checks"))
            .unwrap()
            .count()
    }

    /// Begins to complete a task whose check never ends; returns once that runs.
    async fn hang(&self) -> (Task, tokio::task::JoinHandle<Result<TaskView, AppError>>) {
        let code = "open('begun', 'w').close()\nwhile True: pass".into();
        let (task, hold) = self.held(vec![Check::Python { code }]).await;
        let (app, id) = (self.app.clone(), TaskRef::Id(task.id));
        let completing = tokio::spawn(async move {
            app.complete_task(&actor(), id, hold, Done::default(), None)
                .await
        });
        let has_begun = || {
            let folders = fs::read_dir(self.dir.path().join("checks")).unwrap();
            folders
                .flatten()
                .any(|folder| folder.path().join("begun").exists())
        };
        until(has_begun).await;
        (task, completing)
    }
}

fn short() -> Limits {
    Limits {
        time: Duration::from_secs(2),
        ..Limits::default()
    }
}

#[tokio::test]
async fn a_check_sees_the_artifacts_under_their_names_and_the_result() {
    let test = "a_check_sees_the_artifacts_under_their_names_and_the_result";
    let Some(ground) = Ground::new(test).await else {
        return;
    };
    let code = "import json, os
seen = sorted(os.path.join(d, f) for d, _, fs in os.walk('.') for f in fs)
assert seen == ['./out/report.md', './result.json'], seen
assert open('out/report.md').read() == 'two'
assert json.load(open('result.json')) == {'words': 1}
print('checked', end='\\0')";
    let artifacts = vec![
        ground.artifact("out/report.md", "one", &actor()).await,
        ground.artifact("/out/./report.md", "two", &actor()).await,
    ];
    let done = Done {
        result: json!({"words": 1}).as_object().cloned(),
        artifacts,
    };

    let found = ground
        .found(Check::Python { code: code.into() }, done)
        .await;

    let found = found.unwrap();
    assert!(found.starts_with("it exited with 0 in "), "{found}");
    assert!(found.ends_with(" ms\nchecked\u{fffd}"), "{found}");
    assert_eq!(ground.left(), 0);
}

#[tokio::test]
async fn a_command_that_fails_is_told_with_the_end_of_what_it_said() {
    let test = "a_command_that_fails_is_told_with_the_end_of_what_it_said";
    let Some(ground) = Ground::new(test).await else {
        return;
    };
    let command = |argv: &[&str]| Check::Command {
        argv: argv.iter().map(ToString::to_string).collect(),
    };
    let said = "cat result.json; seq 1000; echo 'it is not so' >&2; exit 3";

    let failed = ground
        .found(command(&["sh", "-c", said]), Done::default())
        .await
        .unwrap_err();
    let missing = ground
        .found(command(&["no-such-program"]), Done::default())
        .await;
    let passed = ground.found(command(&["true"]), Done::default()).await;

    assert!(failed.starts_with("it exited with 3 in "), "{failed}");
    assert!(failed.ends_with("999\n1000\nit is not so"), "{failed}");
    assert!(failed.contains("\n…"), "{failed}");
    assert!(failed.chars().count() < TAIL_CHARS + 100);
    assert!(missing.unwrap_err().starts_with("it exited with 127 in "));
    assert!(passed.unwrap().starts_with("it exited with 0 in "));
}

#[tokio::test]
async fn what_hangs_floods_forks_or_calls_out_is_a_failed_check_within_its_limits() {
    let test = "what_hangs_floods_forks_or_calls_out_is_a_failed_check_within_its_limits";
    let Some(ground) = Ground::with(test, short()).await else {
        return;
    };
    let cases = [
        ("import time; time.sleep(60)", "it took longer than 2 s"),
        (
            "while True: print('x' * 10000)",
            "it took longer than 2 s, and printed more than is kept\n…xxx",
        ),
        ("import os\nwhile True: os.fork()", "it "),
        (
            "import socket; socket.create_connection(('127.0.0.1', 4747), 1)",
            "it exited with 1 in ",
        ),
        ("x = 'x'\nwhile True: x += x", "it "),
        ("open('/etc/hearth', 'w')", "it exited with 1 in "),
    ];
    for (code, expected) in cases {
        let started = Instant::now();

        let found = ground.python(code).await.unwrap_err();

        assert!(found.starts_with(expected), "{code}: {found}");
        assert!(found.chars().count() < TAIL_CHARS + 100, "{found}");
        assert!(started.elapsed() < Duration::from_secs(30), "{code}");
        assert_eq!(ground.left(), 0, "{code}");
    }
}

#[tokio::test]
async fn a_check_changes_nothing_that_the_next_one_sees() {
    let test = "a_check_changes_nothing_that_the_next_one_sees";
    let Some(ground) = Ground::new(test).await else {
        return;
    };
    let spoil = "import os\nopen('notes.md', 'w').write('spoilt')\nopen('result.json', 'w')";
    let look =
        "assert open('notes.md').read() == 'as it was'\nopen('result.json').read() == 'null'";
    let checks = [spoil, look].map(|code| Check::Python { code: code.into() });
    let (task, hold) = ground.held(checks.into()).await;
    let notes = ground.artifact("notes.md", "as it was", &actor()).await;
    let done = Done {
        result: None,
        artifacts: vec![notes],
    };

    let view = ground.complete(&task, &hold, done).await.unwrap();

    assert_eq!(view.task.status(), TaskStatus::Completed);
    let (_, mut bytes) = ground.app.open_artifact(notes).await.unwrap();
    let mut kept = String::new();
    tokio::io::AsyncReadExt::read_to_string(&mut bytes, &mut kept)
        .await
        .unwrap();
    assert_eq!(kept, "as it was", "what is stored stays as it is");
}

#[tokio::test]
async fn a_cancelled_task_stops_its_check_within_a_second() {
    let test = "a_cancelled_task_stops_its_check_within_a_second";
    let Some(ground) = Ground::new(test).await else {
        return;
    };
    let (task, completing) = ground.hang().await;
    let cancelled = Instant::now();

    ground
        .app
        .cancel_task(&Actor::Owner, TaskRef::Id(task.id), None, None)
        .await
        .unwrap();
    let refused = completing.await.unwrap();

    assert!(cancelled.elapsed() < Duration::from_secs(5));
    eprintln!("stopped after {:?}", cancelled.elapsed());
    assert!(matches!(refused, Err(AppError::InvalidTransition { .. })));
    assert_eq!(ground.left(), 0);
}

#[tokio::test]
async fn a_caller_that_goes_away_and_a_node_that_stops_leave_nothing_running() {
    let test = "a_caller_that_goes_away_and_a_node_that_stops_leave_nothing_running";
    let Some(ground) = Ground::new(test).await else {
        return;
    };
    let (first, completing) = ground.hang().await;
    completing.abort();
    until(|| ground.left() == 0).await;

    let (second, completing) = ground.hang().await;
    ground.shutdown.cancel();
    let refused = completing.await.unwrap();

    assert!(
        matches!(
            refused,
            Err(AppError::Unavailable {
                cause: UnavailableCause::Stopping,
                ..
            })
        ),
        "{refused:?}"
    );
    assert_eq!(ground.left(), 0);
    for task in [first, second] {
        let task = ground.app.get_task(TaskRef::Id(task.id)).unwrap().task;
        assert_eq!(task.status(), TaskStatus::InProgress);
        assert!(task.failed_checks.is_empty());
    }
}

#[tokio::test]
async fn without_a_sandbox_the_answer_says_what_is_missing_and_what_mends_it() {
    let dir = tempfile::tempdir().unwrap();
    let app = operations(dir.path());
    let mut nowhere = hearth_sandbox::Config::new(Stage {
        program: "/nowhere".into(),
        args: vec![],
    });
    nowhere.bwrap = "/nowhere/bwrap".into();
    let config = Config {
        dir: dir.path().join("checks"),
        limits: LiveLimits::default(),
    };
    let sandbox = SandboxFacility::new(nowhere, app.clone());
    let checks = SandboxChecks::new(sandbox, config, CancellationToken::new()).unwrap();
    app.set_check_runner(Arc::new(checks));
    let ground = Ground {
        app,
        shutdown: CancellationToken::new(),
        dir,
    };
    let (task, hold) = ground
        .held(vec![Check::Command {
            argv: vec!["true".into()],
        }])
        .await;

    let refused = ground.complete(&task, &hold, Done::default()).await;

    let told = refused.unwrap_err();
    assert!(
        matches!(
            &told,
            AppError::Unavailable {
                cause: UnavailableCause::NoSandbox,
                ..
            }
        ),
        "{told:?}"
    );
    let told = told.to_string();
    assert!(told.contains("/nowhere/bwrap is missing"), "{told}");
    assert!(told.contains("apt-get install bubblewrap"), "{told}");
    let facilities: &Facilities = &ground.app.facilities();
    assert!(!facilities.sandbox.is_available);
}

#[test]
fn the_end_of_an_output_is_cut_between_characters() {
    assert_eq!(tail(" a\0b \n".as_bytes(), 10), "a\u{fffd}b");
    assert_eq!(tail("äöü".as_bytes(), 2), "…öü");
    assert_eq!(tail(&[b'x'; 100], 3), "…xxx");
    assert_eq!(tail(b"", 3), "");
}
