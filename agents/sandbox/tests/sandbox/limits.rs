//! Using up the machine: every way ends the run, and soon.

use std::time::Duration;

use hearth_sandbox::{End, Limit, Limits};

use crate::ground::{Ground, small, text};

/// Runs code that never ends by itself, and expects what ends it.
async fn check(code: &str, expected: End) {
    let ground = Ground::new().await;
    let outcome = ground.python_within(code, small()).await;
    assert_eq!(outcome.end, expected, "{}", text(&outcome.stderr));
}

fn a_second() -> Limits {
    Limits {
        time: Duration::from_secs(1),
        ..small()
    }
}

#[tokio::test]
async fn a_memory_bomb_of_one_process_is_ended() {
    check(
        "a = []\nwhile True: a.append(bytearray(1 << 20))",
        End::OverLimit(Limit::Memory),
    )
    .await;
}

#[tokio::test]
async fn a_process_cannot_reserve_more_than_its_address_space() {
    let ground = Ground::new().await;
    let outcome = ground.python("bytearray(8 << 30)").await;

    assert_eq!(outcome.end, End::Exited(1));
    assert!(text(&outcome.stderr).contains("MemoryError"));
}

#[tokio::test]
async fn memory_that_processes_share_counts_once() {
    let ground = Ground::new().await;
    let outcome = ground
        .python_within(
            "import os, time\n\
             a = bytearray(b'x' * (40 << 20))\n\
             children = [os.fork() or (time.sleep(1), os._exit(0)) for _ in range(8)]\n\
             for child in children: os.waitpid(child, 0)\n",
            small(),
        )
        .await;

    assert_eq!(outcome.end, End::Exited(0), "{}", text(&outcome.stderr));
}

#[tokio::test]
async fn a_loop_is_ended_when_its_processor_time_is_spent() {
    let ground = Ground::new().await;
    let limits = Limits {
        cpu: Duration::from_secs(1),
        time: Duration::from_secs(50),
        ..small()
    };

    let outcome = ground.python_within("while True: pass", limits).await;

    assert_eq!(outcome.end, End::Signalled(libc::SIGXCPU));
}

#[tokio::test]
async fn sleeping_past_the_deadline_is_ended() {
    let ground = Ground::new().await;
    let outcome = ground
        .python_within("print('before')\nimport time\ntime.sleep(60)", a_second())
        .await;

    assert_eq!(outcome.end, End::TimedOut);
    assert_eq!(text(&outcome.stdout), "before");
}

#[tokio::test]
async fn a_flood_of_output_is_cut() {
    let ground = Ground::new().await;
    let outcome = ground
        .python_within(
            "import os\nos.fork()\nos.fork()\nwhile True:\n\tos.write(1, b'o' * 65536)\n\tos.write(2, b'e' * 65536)",
            a_second(),
        )
        .await;

    assert_eq!(outcome.end, End::TimedOut);
    assert_eq!(outcome.stdout, vec![b'o'; 10_000]);
    assert_eq!(outcome.stderr, vec![b'e'; 10_000]);
    assert!(outcome.stdout_truncated && outcome.stderr_truncated);
}

#[tokio::test]
async fn one_file_has_a_bounded_size() {
    let ground = Ground::new().await;
    let outcome = ground
        .python_within("open('big', 'wb').write(bytes(8 << 20))", small())
        .await;

    assert!(!outcome.is_success());
    assert_eq!(
        ground.workspace().join("big").metadata().unwrap().len(),
        4 << 20
    );
}

#[tokio::test]
async fn filling_the_disk_is_ended() {
    check(
        "import time\nfor i in range(32): open(str(i), 'wb').write(b'x' * (1 << 20))\ntime.sleep(60)",
        End::OverLimit(Limit::WorkspaceBytes),
    )
    .await;
}

#[tokio::test]
async fn many_files_are_ended_in_the_workspace_and_in_memory() {
    for folder in [".", "/tmp", "/dev/shm"] {
        let code = format!(
            "import time\nfor i in range(5000):\n\ttry: open(f'{folder}/{{i}}', 'x')\n\texcept OSError: break\ntime.sleep(60)"
        );
        check(&code, End::OverLimit(Limit::WorkspaceFiles)).await;
    }
}

#[tokio::test]
async fn what_was_in_the_workspace_before_does_not_count() {
    let ground = Ground::new().await;
    for i in 0..600 {
        std::fs::write(ground.workspace().join(format!("old{i}")), vec![1; 40_000]).unwrap();
    }

    let outcome = ground
        .python_within(
            "import time\nopen('one', 'w').write('1')\ntime.sleep(0.5)",
            small(),
        )
        .await;

    assert_eq!(outcome.end, End::Exited(0), "{}", text(&outcome.stderr));
}
