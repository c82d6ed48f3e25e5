//! What works: output, exit codes, files, input, cancelling.

use std::fs;
use std::future;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use hearth_sandbox::{
    Config, End, Job, Program, Sandbox, SandboxError, Stage, Stands, Wall, Walls, Workspace,
    open_beneath,
};

use crate::ground::{Ground, config, processes_with, text, until};

#[tokio::test]
async fn python_runs_and_its_files_stay() {
    let ground = Ground::new().await;
    fs::create_dir(ground.workspace().join("in")).unwrap();
    fs::write(ground.workspace().join("in/name"), "world").unwrap();

    let outcome = ground
        .python(
            "import os, sys\n\
             os.makedirs('out')\n\
             open('out/greeting', 'w').write('hello ' + open('in/name').read())\n\
             open('in/name', 'a').write('!')\n\
             print('told', os.getcwd())\n\
             print('noted', file=sys.stderr)\n",
        )
        .await;

    assert_eq!(outcome.end, End::Exited(0), "{}", text(&outcome.stderr));
    assert_eq!(text(&outcome.stdout), "told /workspace");
    assert_eq!(text(&outcome.stderr), "noted");
    let mut greeting = String::new();
    let mut file = open_beneath(&ground.workspace(), Path::new("out/greeting")).unwrap();
    file.read_to_string(&mut greeting).unwrap();
    assert_eq!(greeting, "hello world");
    assert_eq!(
        fs::read_to_string(ground.workspace().join("in/name")).unwrap(),
        "world!"
    );
}

#[tokio::test]
async fn a_command_reads_its_input_and_says_how_it_ended() {
    let ground = Ground::new().await;
    let mut job = ground.job(Program::Command {
        argv: vec!["cat".into()],
    });
    job.stdin = Some(b"some\0bytes".to_vec());

    assert_eq!(ground.run(job).await.stdout, b"some\0bytes");

    let shell = async |line: &str| ground.command(&["sh", "-c", line]).await.end;
    assert_eq!(shell("exit 3").await, End::Exited(3));
    assert_eq!(shell("kill -9 $$").await, End::Signalled(9));
    assert_eq!(shell("kill -TERM $$").await, End::Signalled(15));
    assert_eq!(
        ground.command(&["no-such-command"]).await.end,
        End::Exited(127)
    );
    assert_eq!(ground.command(&["/etc"]).await.end, End::Exited(126));
}

#[tokio::test]
async fn input_that_is_not_read_holds_nothing_up() {
    let ground = Ground::new().await;
    let mut job = ground.job(Program::Command {
        argv: vec!["true".into()],
    });
    job.stdin = Some(vec![b'x'; 4 << 20]);

    assert_eq!(ground.run(job).await.end, End::Exited(0));
}

#[tokio::test]
async fn a_long_script_and_a_long_input_arrive_whole() {
    let ground = Ground::new().await;
    let code = format!(
        "import sys\n# {}\nprint(len(sys.stdin.read()))\n",
        "x".repeat(1 << 20)
    );
    let mut job = ground.python_job(&code);
    job.stdin = Some(vec![b'x'; 3 << 20]);

    assert_eq!(text(&ground.run(job).await.stdout), (3 << 20).to_string());
}

#[tokio::test]
async fn python_is_isolated_but_whole() {
    let ground = Ground::new().await;
    fs::write(ground.workspace().join("json.py"), "print('taken over')").unwrap();

    let outcome = ground
        .python(
            "import json, sys, os, asyncio, subprocess, sqlite3, threading, tempfile\n\
             async def main(): print('async')\n\
             asyncio.run(main())\n\
             print(subprocess.run(['echo', 'child'], capture_output=True, text=True).stdout.strip())\n\
             print(sum(len(os.listdir(p)) for p in sys.path if p.endswith('-packages')))\n\
             import multiprocessing as m\n\
             with m.get_context('fork').Pool(2) as pool: print(pool.map(abs, [-1, -2]))\n\
             exit(7)\n",
        )
        .await;

    assert_eq!(
        text(&outcome.stdout),
        "async\nchild\n0\n[1, 2]",
        "{}",
        text(&outcome.stderr)
    );
    assert_eq!(outcome.end, End::Exited(7));
}

#[tokio::test]
async fn a_scratch_workspace_is_writable_and_gone_afterwards() {
    let ground = Ground::new().await;
    let code = "open('a', 'x').write('b'); print(open('a').read())";
    let job = || Job::new(Program::Python { code: code.into() }, Workspace::Scratch);

    for _ in 0..2 {
        let outcome = ground.run(job()).await;
        assert_eq!(text(&outcome.stdout), "b", "{}", text(&outcome.stderr));
    }
}

#[tokio::test]
async fn cancelling_ends_every_process_and_keeps_what_was_said() {
    let ground = Ground::new().await;
    let started = ground.workspace().join("started");
    let job = ground.python_job(
        "import subprocess, time\nprint('said')\nsubprocess.Popen(['sleep', '60'])\n\
         open('started', 'w')\ntime.sleep(60)",
    );

    let cancel = until("the start of the program", || started.exists());
    let outcome = ground.sandbox.run(job, cancel).await.unwrap();

    assert_eq!(outcome.end, End::Cancelled);
    assert_eq!(text(&outcome.stdout), "said");
    assert_eq!(ground.processes(), Vec::<String>::new());
}

#[tokio::test]
async fn cancelling_at_once_leaves_nothing_at_whatever_moment() {
    let ground = Ground::new().await;
    for millis in [0, 1, 2, 4, 6, 8, 10, 12, 15, 20, 25, 30, 40] {
        let job = ground.python_job("import time; time.sleep(60)");
        let cancel = tokio::time::sleep(Duration::from_millis(millis));

        let outcome = ground.sandbox.run(job, cancel).await.unwrap();

        assert_eq!(outcome.end, End::Cancelled, "after {millis} ms");
        assert_eq!(
            ground.processes(),
            Vec::<String>::new(),
            "after {millis} ms"
        );
    }
}

#[tokio::test]
async fn dropping_the_run_ends_it() {
    let ground = Ground::new().await;
    let started = ground.workspace().join("started");
    let job = ground.python_job("import time\nopen('started', 'w')\ntime.sleep(60)");

    tokio::select! {
        outcome = ground.sandbox.run(job, future::pending()) => panic!("{outcome:?}"),
        () = until("the start of the program", || started.exists()) => {}
    }

    until("the end of the program", || ground.processes().is_empty()).await;
}

/// The test program is started again and killed in the midst of a run, as a node would be.
#[tokio::test]
async fn the_node_s_own_death_ends_its_runs() {
    let folder = tempfile::Builder::new()
        .prefix("hearth-crash-")
        .tempdir()
        .unwrap();
    #[expect(clippy::disallowed_methods, reason = "a node that can be killed")]
    let mut node = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "limits::sleeping_past_the_deadline_is_ended"])
        .env("TMPDIR", folder.path())
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    until("a run of the other node", || {
        !processes_with(folder.path()).is_empty()
    })
    .await;

    node.kill().unwrap();
    node.wait().unwrap();

    until("the end of the orphans", || {
        processes_with(folder.path()).is_empty()
    })
    .await;
}

#[tokio::test]
async fn a_job_that_makes_no_sense_is_refused() {
    let ground = Ground::new().await;
    let run = async |job| {
        ground
            .sandbox
            .run(job, future::pending())
            .await
            .unwrap_err()
    };
    let true_in = |folder: PathBuf| {
        Job::new(
            Program::Command {
                argv: vec!["true".into()],
            },
            Workspace::Folder(folder),
        )
    };

    let empty = run(ground.job(Program::Command { argv: vec![] })).await;
    let missing = run(true_in(ground.workspace().join("missing"))).await;
    let file = run(true_in(ground.secret())).await;

    assert!(matches!(empty, SandboxError::Invalid { .. }));
    assert!(matches!(missing, SandboxError::Workspace { .. }));
    assert!(matches!(file, SandboxError::Workspace { .. }));
    assert!(!missing.is_transient());
}

#[tokio::test]
async fn a_probe_names_what_is_missing_and_the_remedy() {
    let mut without_bwrap = config();
    without_bwrap.bwrap = "/usr/bin/no-bwrap".into();
    let mut without_python = config();
    without_python.python = "/usr/bin/no-python".into();
    let mut without_stage = config();
    without_stage.stage = Stage {
        program: "/usr/bin/true".into(),
        args: vec![],
    };

    let error = Sandbox::probe(without_bwrap).await.unwrap_err();
    assert!(error.reason.contains("/usr/bin/no-bwrap"), "{error}");
    assert!(
        error.remedy.contains("apt-get install bubblewrap"),
        "{error}"
    );

    let error = Sandbox::probe(without_python).await.unwrap_err();
    assert!(error.remedy.contains("apt-get install python3"), "{error}");

    // A stage that ends well without having raised the walls is no sandbox either.
    assert!(Sandbox::probe(without_stage).await.is_err());
}

#[tokio::test]
async fn nothing_is_had_without_every_wall() {
    for wall in Wall::ALL {
        let config = Config {
            walls: Walls::all().without(*wall),
            ..config()
        };

        let error = Sandbox::probe(config).await.unwrap_err();

        assert!(error.reason.contains("left off"), "{error}");
    }
}

#[tokio::test]
async fn every_wall_is_seen_or_known_to_stand() {
    let survey = Sandbox::survey(&config()).await.unwrap();

    assert_eq!(survey.missing(), None, "{survey:?}");
    let seen = survey
        .walls
        .iter()
        .filter(|(_, stands)| *stands == Stands::Seen);
    assert!(seen.count() >= 22, "{survey:?}");
}
