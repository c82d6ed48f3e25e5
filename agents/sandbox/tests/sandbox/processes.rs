//! What is seen of processes, from inside and from outside.

use std::fs;
use std::time::Duration;

use hearth_sandbox::End;

use crate::ground::{Ground, text, until};

#[tokio::test]
async fn only_bubblewrap_and_the_program_are_seen() {
    let ground = Ground::new().await;
    let outcome = ground.command(&["sh", "-c", "echo /proc/[0-9]*"]).await;

    assert_eq!(text(&outcome.stdout), "/proc/1 /proc/2");
}

#[tokio::test]
async fn environment_and_arguments_carry_nothing_in() {
    let ground = Ground::new().await;
    let outcome = ground
        .python(
            "import os, glob\n\
             print(sorted(os.environ))\n\
             print(open('/proc/self/environ').read().count('='))\n\
             print([open(p, 'rb').read().decode().split('\\0') for p in ['/proc/1/cmdline', '/proc/self/cmdline']])\n",
        )
        .await;

    let stdout = text(&outcome.stdout);
    let lines: Vec<&str> = stdout.lines().collect();
    assert_eq!(lines[0], "['HOME', 'LANG', 'PATH', 'PWD', 'TMPDIR']");
    assert_eq!(lines[1], "5");
    assert!(
        !stdout.contains(ground.folder.path().to_str().unwrap()),
        "{stdout}"
    );
    assert!(!stdout.contains("target"), "{stdout}");
}

#[tokio::test]
async fn code_input_and_paths_are_not_in_the_host_s_list_of_processes() {
    let ground = Ground::new().await;
    let started = ground.workspace().join("started");
    let token = "a-token-3141592653";
    let mut job = ground.python_job(&format!(
        "import time\ntoken = '{token}'\nopen('started', 'w')\ntime.sleep(60)"
    ));
    job.stdin = Some(token.into());

    let look = async {
        until("the start of the program", || started.exists()).await;
        let folder = ground.folder.path().to_str().unwrap();
        for entry in fs::read_dir("/proc").unwrap() {
            let command = fs::read(entry.unwrap().path().join("cmdline")).unwrap_or_default();
            let command = String::from_utf8_lossy(&command).into_owned();
            assert!(
                !command.contains(token) && !command.contains(folder),
                "{command}"
            );
        }
    };
    let outcome = ground.sandbox.run(job, look).await.unwrap();

    assert_eq!(outcome.end, End::Cancelled);
}

#[tokio::test]
async fn a_program_that_stops_everything_in_sight_is_still_ended() {
    let ground = Ground::new().await;
    let mut job = ground.python_job(
        "import ctypes, os, signal\n\
         libc = ctypes.CDLL(None)\n\
         libc.prctl(1, 0)\n\
         libc.prctl(4, 0)\n\
         if os.fork() == 0: os.kill(os.getppid(), signal.SIGSTOP)\n\
         os.kill(os.getpid(), signal.SIGSTOP)\n",
    );
    job.limits.time = Duration::from_secs(1);

    assert_eq!(ground.run(job).await.end, End::TimedOut);
}
