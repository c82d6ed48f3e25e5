//! Reaching for other processes, and outliving the run.

use std::fs;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use hearth_sandbox::End;
use hearth_sandbox::config::DEFAULT_RUN_AS;

use crate::ground::{Ground, SECRET, text, until};

/// A process of the same user on the host, ended with the test.
struct Neighbour(Child);

impl Neighbour {
    fn new() -> Self {
        #[expect(clippy::disallowed_methods, reason = "a process to be attacked")]
        let mut command = Command::new("/usr/bin/sleep");
        command
            .arg("600")
            .env_clear()
            .env("NEIGHBOUR", SECRET)
            .stdout(Stdio::null());
        if nix::unistd::geteuid().is_root() {
            command.uid(DEFAULT_RUN_AS).gid(DEFAULT_RUN_AS);
        }
        Self(command.spawn().unwrap())
    }
}

impl Drop for Neighbour {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn signals_reach_nobody_outside() {
    let ground = Ground::new().await;
    let mut neighbour = Neighbour::new();
    let code = format!(
        "import os, signal\n\
         signal.signal(signal.SIGTERM, signal.SIG_IGN)\n\
         for target in -1, 0, 1, os.getppid(), {}, {}, -{}:\n\
         \tfor number in signal.SIGTERM, signal.SIGKILL:\n\
         \t\ttry:\n\
         \t\t\tif target or number != signal.SIGKILL: os.kill(target, number)\n\
         \t\texcept OSError: pass\n\
         print('alive')\n",
        neighbour.0.id(),
        std::process::id(),
        std::process::id(),
    );

    let outcome = ground.python(&code).await;

    assert_eq!(text(&outcome.stdout), "alive", "{}", text(&outcome.stderr));
    assert_eq!(neighbour.0.try_wait().unwrap(), None);
}

#[tokio::test]
async fn no_process_of_the_host_is_seen() {
    let ground = Ground::new().await;
    let neighbour = Neighbour::new();
    let code = format!(
        "import glob\n\
         seen = 0\n\
         for path in glob.glob('/proc/[0-9]*/*') + glob.glob('/proc/{}/*'):\n\
         \ttry: data = open(path, 'rb').read(1 << 20)\n\
         \texcept OSError: continue\n\
         \tseen += 1\n\
         \tif {:?}.encode() in data and not path.endswith('/mem'): print(path)\n\
         print(seen > 10, len(glob.glob('/proc/[0-9]*')))\n",
        neighbour.0.id(),
        // Split, so that the program does not find its own text.
        SECRET,
    );
    let code = code.replace(SECRET, &SECRET.replace("secret", "\" \"secret"));

    let outcome = ground.python(&code).await;

    assert_eq!(text(&outcome.stdout), "True 2", "{}", text(&outcome.stderr));
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

/// The daemon keeps the pipes open in one case, and closes them in the other.
#[tokio::test]
async fn a_daemon_does_not_outlive_its_run_or_hold_it_up() {
    for close in ["", "os.closerange(0, 3)"] {
        let ground = Ground::new().await;
        let code = format!(
            "import os, signal, time\n\
             if os.fork() == 0:\n\
             \tos.setsid()\n\
             \tif os.fork() == 0:\n\
             \t\tsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n\
             \t\tsignal.signal(signal.SIGHUP, signal.SIG_IGN)\n\
             \t\t{close}\n\
             \t\topen('daemon', 'w')\n\
             \t\ttime.sleep(600)\n\
             \tos._exit(0)\n\
             while not os.path.exists('daemon'): time.sleep(0.01)\n\
             print('gone')\n"
        );
        let mut job = ground.python_job(&code);
        job.limits.time = Duration::from_mins(5);

        let outcome = ground.run(job).await;

        assert_eq!(outcome.end, End::Exited(0));
        assert_eq!(text(&outcome.stdout), "gone");
        assert!(
            outcome.wall < Duration::from_secs(100),
            "{:?}",
            outcome.wall
        );
    }
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
