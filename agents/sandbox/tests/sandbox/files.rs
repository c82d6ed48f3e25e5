//! What is seen of files, and what can be written.

use crate::ground::{Ground, text};

#[tokio::test]
async fn the_file_tree_is_what_was_named_and_no_more() {
    let ground = Ground::new().await;
    let outcome = ground
        .python(
            "import os\n\
             for folder in '/', '/dev', '/etc', '/run', '/workspace': print(*sorted(os.listdir(folder)))\n",
        )
        .await;

    let stdout = text(&outcome.stdout);
    let lines: Vec<&str> = stdout.lines().collect();
    let root: Vec<&str> = lines[0]
        .split(' ')
        .filter(|name| !name.starts_with("lib") && !name.ends_with("bin"))
        .collect();
    assert_eq!(
        root,
        ["dev", "etc", "proc", "run", "tmp", "usr", "workspace"],
        "{}",
        text(&outcome.stderr)
    );
    assert_eq!(
        lines[1],
        "core fd full null ptmx pts random shm stderr stdin stdout tty urandom zero"
    );
    assert!(
        lines[2]
            .split(' ')
            .all(|name| ["alternatives", "ld.so.cache"].contains(&name)),
        "{stdout}"
    );
    assert_eq!(lines[3], "hearth-stage");
    assert_eq!(lines.len(), 4, "{stdout}");
}

#[tokio::test]
async fn only_the_workspace_and_folders_in_memory_are_writable() {
    let ground = Ground::new().await;
    let outcome = ground
        .python(
            "import os\n\
             for folder in '/', '/usr', '/usr/bin', '/usr/lib/python3', '/etc', '/dev', '/dev/pts', '/run', '/proc/self', '/tmp', '/dev/shm', '/workspace':\n\
             \ttry: os.open(folder + '/new', os.O_CREAT | os.O_WRONLY); print(folder)\n\
             \texcept OSError: pass\n\
             for file in '/proc/self/oom_score_adj', '/proc/sys/kernel/core_pattern', '/proc/self/uid_map', '/proc/self/setgroups', '/proc/sysrq-trigger', '/proc/self/mem':\n\
             \ttry: os.open(file, os.O_WRONLY); print(file)\n\
             \texcept OSError: pass\n",
        )
        .await;

    assert_eq!(text(&outcome.stdout), "/tmp\n/dev/shm\n/workspace");
}
