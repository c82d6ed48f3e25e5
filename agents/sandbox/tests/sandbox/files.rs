//! Reaching for the host's files.

use std::fs::{self, File};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt, symlink};
use std::path::Path;

use hearth_sandbox::{End, open_beneath};
use nix::fcntl::{FcntlArg, FdFlag, fcntl};

use crate::ground::{Ground, SECRET, text};

#[tokio::test]
async fn nothing_of_the_host_is_readable_along_any_path() {
    let ground = Ground::new().await;
    symlink(ground.secret(), ground.workspace().join("link")).unwrap();
    symlink(ground.folder.path(), ground.workspace().join("folder")).unwrap();
    let paths = [
        ground.secret().display().to_string(),
        format!("/proc/self/root{}", ground.secret().display()),
        format!("/proc/1/root{}", ground.secret().display()),
        format!("/proc/1/cwd{}", ground.secret().display()),
        "../secret".into(),
        "/workspace/../secret".into(),
        "link".into(),
        "folder/secret".into(),
        "/etc/passwd".into(),
        "/etc/shadow".into(),
        "/etc/hostname".into(),
        "/proc/1/environ".into(),
        "/proc/1/mem".into(),
        "/proc/1/maps".into(),
        "/proc/kcore".into(),
        "/proc/kmsg".into(),
        "/sys/kernel".into(),
        "/run/hearth-stage".into(),
        "/root".into(),
        "/home".into(),
        "/var".into(),
        "/dev/vda".into(),
        "/dev/kmsg".into(),
        "/dev/mem".into(),
    ];
    let code = format!(
        "import os\nfor path in {paths:?}:\n\
         \ttry: os.close(os.open(path, os.O_RDONLY)); print('opened', path)\n\
         \texcept OSError: pass\n"
    );

    let outcome = ground.python(&code).await;

    assert_eq!(text(&outcome.stdout), "");
    assert_eq!(outcome.end, End::Exited(0), "{}", text(&outcome.stderr));
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

#[tokio::test]
async fn an_inherited_descriptor_is_closed() {
    let ground = Ground::new().await;
    let leaked = File::open(ground.secret()).unwrap();
    let folder = File::open(ground.folder.path()).unwrap();
    for file in [&leaked, &folder] {
        fcntl(file, FcntlArg::F_SETFD(FdFlag::empty())).unwrap();
    }
    assert!(leaked.as_raw_fd() < 1000 && folder.as_raw_fd() < 1000);

    let outcome = ground
        .python(
            "import os\n\
             for fd in range(3, 1000):\n\
             \ttry: print('read', os.pread(fd, 100, 0))\n\
             \texcept OSError: pass\n\
             \ttry: print('listed', os.listdir(fd))\n\
             \texcept OSError: pass\n\
             for name in os.listdir('/proc/self/fd'):\n\
             \ttry: print(os.readlink('/proc/self/fd/' + name).split(':')[0])\n\
             \texcept OSError: pass\n",
        )
        .await;

    assert_eq!(
        text(&outcome.stdout),
        "pipe\npipe\npipe",
        "{}",
        text(&outcome.stderr)
    );
}

#[tokio::test]
async fn links_that_a_program_makes_do_not_lead_the_node_astray() {
    let ground = Ground::new().await;
    let secret = ground.secret().display().to_string();
    let code = format!(
        "import os\n\
         os.mkdir('out')\n\
         os.symlink({secret:?}, 'out/soft')\n\
         os.symlink('..', 'out/up')\n\
         for source in {secret:?}, '../secret', 'out/soft':\n\
         \ttry: os.link(source, 'out/hard'); open('out/hard', 'w').write('changed')\n\
         \texcept OSError: pass\n\
         \ttry: open(source, 'w').write('changed')\n\
         \texcept OSError: pass\n"
    );

    let outcome = ground.python(&code).await;

    assert_eq!(outcome.end, End::Exited(0), "{}", text(&outcome.stderr));
    assert_eq!(fs::read_to_string(ground.secret()).unwrap(), SECRET);
    assert_eq!(ground.secret().metadata().unwrap().nlink(), 1);
    for name in ["out/soft", "out/up/secret", "out/../../secret"] {
        assert!(
            open_beneath(&ground.workspace(), Path::new(name)).is_err(),
            "{name}"
        );
    }
}

#[tokio::test]
async fn pipes_sockets_and_devices_cannot_be_left_in_the_workspace() {
    let ground = Ground::new().await;
    let outcome = ground
        .python(
            "import os, socket, stat\n\
             def attempt(call, *args):\n\
             \ttry: call(*args)\n\
             \texcept OSError: pass\n\
             attempt(os.mkfifo, 'fifo')\n\
             attempt(os.mknod, 'null', 0o666 | stat.S_IFCHR, os.makedev(1, 3))\n\
             attempt(os.mknod, 'disk', 0o666 | stat.S_IFBLK, os.makedev(254, 0))\n\
             attempt(socket.socket(socket.AF_UNIX).bind, 'socket')\n\
             os.mkfifo('/tmp/fifo')\n\
             attempt(os.rename, '/tmp/fifo', 'moved')\n\
             attempt(os.link, '/tmp/fifo', 'linked')\n\
             print('done')\n",
        )
        .await;

    assert_eq!(text(&outcome.stdout), "done", "{}", text(&outcome.stderr));
    let left: Vec<_> = fs::read_dir(ground.workspace())
        .unwrap()
        .map(|entry| entry.unwrap().file_type().unwrap())
        .filter(|kind| {
            kind.is_fifo() || kind.is_socket() || kind.is_char_device() || kind.is_block_device()
        })
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

#[tokio::test]
async fn a_file_that_runs_as_its_owner_cannot_be_made() {
    let ground = Ground::new().await;
    let outcome = ground
        .python(
            "import os\n\
             def attempt(call, *args):\n\
             \ttry: call(*args)\n\
             \texcept OSError: pass\n\
             os.umask(0)\n\
             for i, mode in enumerate((0o4755, 0o2755, 0o6777)):\n\
             \topen(f'a{i}', 'w')\n\
             \tattempt(os.chmod, f'a{i}', mode)\n\
             \tattempt(os.fchmod, os.open(f'a{i}', os.O_RDONLY), mode)\n\
             \tattempt(os.open, f'b{i}', os.O_CREAT | os.O_WRONLY, mode)\n\
             \tattempt(os.mknod, f'c{i}', mode | 0o100000)\n\
             print('done')\n",
        )
        .await;

    assert_eq!(text(&outcome.stdout), "done", "{}", text(&outcome.stderr));
    for entry in fs::read_dir(ground.workspace()).unwrap() {
        let mode = entry.unwrap().metadata().unwrap().mode();
        assert_eq!(mode & 0o6000, 0, "{mode:o}");
    }
}
