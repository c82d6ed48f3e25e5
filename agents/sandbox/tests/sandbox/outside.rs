//! What was approved runs on the host, with limits and with none of the node's secrets.

use std::fs;
use std::future::pending;
use std::path::Path;
use std::time::Duration;

use hearth_sandbox::outside::{self, Action, Approved, Environment};
use hearth_sandbox::{End, Outcome, SandboxError, Stage};

use crate::ground::{config, text, until};

fn action(script: &str, folder: &Path) -> Action {
    Action {
        argv: ["sh", "-c", script].map(str::to_owned).to_vec(),
        folder: folder.to_owned(),
        stdin: None,
        environment: Environment {
            path: "/usr/bin:/bin".into(),
            home: "/nowhere".into(),
            lang: "C".into(),
            user: "ada".into(),
        },
        time: Duration::from_mins(1),
        idempotency_key: None,
        output_bytes: 1000,
    }
}

fn stage() -> Stage {
    config().stage
}

async fn run(action: Action) -> Outcome {
    let approved = Approved::after_consuming_the_approval(action);
    outside::run(&stage(), approved, pending()).await.unwrap()
}

/// Returns whether a process lives, by the number that it wrote into a file.
fn lives(file: &Path) -> bool {
    let id = fs::read_to_string(file).unwrap_or_default();
    let stat = fs::read_to_string(format!("/proc/{}/stat", id.trim())).unwrap_or_default();
    !id.trim().is_empty() && !stat.is_empty() && !stat.contains(") Z ")
}

#[tokio::test]
async fn a_command_runs_where_it_should_with_its_input_and_few_variables() {
    let folder = tempfile::tempdir().unwrap();
    let mut action = action(
        "pwd; cat; env -u PWD -u OLDPWD -u SHLVL -u _ | sort; echo no >&2; exit 3",
        folder.path(),
    );
    action.stdin = Some(b"some input\n".to_vec());

    let outcome = run(action).await;

    let place = folder.path().canonicalize().unwrap();
    assert_eq!(
        text(&outcome.stdout),
        format!(
            "{}\nsome input\nHOME=/nowhere\nLANG=C\nPATH=/usr/bin:/bin\nTERM=dumb\nUSER=ada",
            place.display()
        )
    );
    assert_eq!(
        (outcome.end, text(&outcome.stderr).as_str()),
        (End::Exited(3), "no")
    );
}

#[tokio::test]
async fn a_flood_of_output_is_cut_and_a_large_input_is_not_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let mut action = action("yes | head -c 1000000", folder.path());
    action.stdin = Some(vec![0; 1 << 20]);

    let outcome = run(action).await;

    assert_eq!((outcome.end, outcome.stdout.len()), (End::Exited(0), 1000));
    assert!(outcome.stdout_truncated && !outcome.stderr_truncated);
}

#[tokio::test]
async fn past_the_deadline_the_whole_group_is_ended() {
    let folder = tempfile::tempdir().unwrap();
    let child = folder.path().join("child");
    let mut action = action(
        "trap '' TERM; sleep 600 & echo $! > child; wait; sleep 600",
        folder.path(),
    );
    action.time = Duration::from_millis(500);

    let outcome = run(action).await;

    assert_eq!(outcome.end, End::TimedOut);
    assert!(child.exists());
    until("the end of the child", || !lives(&child)).await;
}

#[tokio::test]
async fn what_a_command_leaves_behind_is_ended_with_it_and_not_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let child = folder.path().join("child");

    let outcome = run(action(
        "sleep 600 & echo $! > child; echo done",
        folder.path(),
    ))
    .await;

    assert_eq!(
        (outcome.end, text(&outcome.stdout).as_str()),
        (End::Exited(0), "done")
    );
    assert!(outcome.wall < Duration::from_secs(30), "{:?}", outcome.wall);
    until("the end of the child", || !lives(&child)).await;
}

#[tokio::test]
async fn stopping_and_dropping_end_it() {
    let folder = tempfile::tempdir().unwrap();
    let child = folder.path().join("child");
    let script = "echo $$ > child; sleep 600 & wait";
    let approved = || Approved::after_consuming_the_approval(action(script, folder.path()));

    let stop = until("the start", || lives(&child));
    let outcome = outside::run(&stage(), approved(), stop).await.unwrap();

    assert_eq!(outcome.end, End::Cancelled);
    assert!(!lives(&child));
    fs::remove_file(&child).unwrap();

    let stage = stage();
    tokio::select! {
        outcome = outside::run(&stage, approved(), pending()) => panic!("{outcome:?}"),
        () = until("the start", || lives(&child)) => {}
    }

    until("the end", || !lives(&child)).await;
}

#[tokio::test]
async fn what_makes_no_sense_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut empty = action("true", folder.path());
    empty.argv = vec![];
    let nowhere = action("true", &folder.path().join("none"));
    let mut unknown = action("true", folder.path());
    unknown.argv = vec!["no-such-program".into()];

    for (action, fits) in [
        (
            empty,
            (|error| matches!(error, SandboxError::Invalid { .. })) as fn(&SandboxError) -> bool,
        ),
        (nowhere, |error| {
            matches!(error, SandboxError::Workspace { .. })
        }),
        (unknown, |error| {
            matches!(error, SandboxError::Process { .. })
        }),
    ] {
        let approved = Approved::after_consuming_the_approval(action);
        let error = outside::run(&stage(), approved, pending())
            .await
            .unwrap_err();
        assert!(fits(&error), "{error:?}");
    }
}
