//! Granted folders: what can be done in them, and that nothing else comes with them.

use std::fs;
use std::future;
use std::io::ErrorKind;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::net::{UnixDatagram, UnixListener};
use std::path::{Path, PathBuf};

use hearth_sandbox::{Access, End, Folder, Job, Limit, SandboxError};

use crate::ground::{Ground, small, text};

/// Makes a folder that everybody may use, with a file in it, below a folder that is closed to others.
fn make(ground: &Ground, name: &str, mode: u32) -> PathBuf {
    let folder = ground.folder.path().join(name);
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("file"), "from the host").unwrap();
    fs::set_permissions(&folder, fs::Permissions::from_mode(mode)).unwrap();
    folder
}

fn grant(mut job: Job, host: &Path, name: &str, access: Access) -> Job {
    job.folders.push(Folder {
        host: host.to_owned(),
        name: name.into(),
        access,
    });
    job
}

#[tokio::test]
async fn a_folder_for_reading_is_read_and_nothing_else() {
    let ground = Ground::new().await;
    let folder = make(&ground, "notes", 0o755);
    symlink(ground.secret(), folder.join("away")).unwrap();
    symlink("..", folder.join("up")).unwrap();
    fs::set_permissions(folder.join("file"), fs::Permissions::from_mode(0o666)).unwrap();
    let job = ground.python_job(
        "import os, shutil\n\
         print(os.listdir('/folders'), open('/folders/notes/file').read())\n\
         acts = [lambda: open('/folders/notes/file', 'a').write('x'), lambda: open('/folders/notes/new', 'w'),\n\
         \tlambda: os.remove('/folders/notes/file'), lambda: os.rename('/folders/notes', '/folders/other'),\n\
         \tlambda: os.chmod('/folders/notes/file', 0o600), lambda: os.mkdir('/folders/more'),\n\
         \tlambda: os.link('/folders/notes/file', '/workspace/link'), lambda: os.utime('/folders/notes/file'),\n\
         \tlambda: open('/folders/notes/away').read(), lambda: open('/folders/notes/up/secret').read()]\n\
         for at, act in enumerate(acts):\n\
         \ttry: act(); print('DONE', at)\n\
         \texcept OSError: pass\n",
    );

    let outcome = ground.run(grant(job, &folder, "notes", Access::Read)).await;

    assert_eq!(
        text(&outcome.stdout),
        "['notes'] from the host",
        "{}",
        text(&outcome.stderr)
    );
    assert_eq!(
        fs::read_to_string(folder.join("file")).unwrap(),
        "from the host"
    );
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 3);
}

#[tokio::test]
async fn a_folder_for_writing_is_written_to_and_keeps_its_owners() {
    let ground = Ground::new().await;
    let folder = make(&ground, "notes", 0o777);
    let read = make(&ground, "read", 0o755);
    fs::create_dir_all(folder.join(".git/hooks")).unwrap();
    fs::set_permissions(folder.join(".git/hooks"), fs::Permissions::from_mode(0o777)).unwrap();
    let owner = fs::metadata(folder.join("file")).unwrap().uid();
    let job = ground.python_job(
        "import os\n\
         os.mkdir('/folders/notes/in')\n\
         open('/folders/notes/in/new', 'w').write('from inside')\n\
         acts = [lambda: open('/folders/notes/.git/hooks/pre-commit', 'w'), lambda: os.rename('/folders/notes/.git', '/folders/notes/x'),\n\
         \tlambda: os.mkfifo('/folders/notes/pipe'), lambda: os.mknod('/folders/notes/socket', 0o140777),\n\
         \tlambda: os.chmod('/folders/notes/in/new', 0o4755), lambda: open('/folders/read/new', 'w')]\n\
         for at, act in enumerate(acts):\n\
         \ttry: act(); print('DONE', at)\n\
         \texcept OSError: pass\n\
         print('done')\n",
    );
    let job = grant(job, &folder, "notes", Access::Write);

    let outcome = ground.run(grant(job, &read, "read", Access::Read)).await;

    assert_eq!(text(&outcome.stdout), "done", "{}", text(&outcome.stderr));
    assert_eq!(
        fs::read_to_string(folder.join("in/new")).unwrap(),
        "from inside"
    );
    assert_eq!(fs::metadata(folder.join("file")).unwrap().uid(), owner);
    assert_eq!(fs::read_dir(folder.join(".git/hooks")).unwrap().count(), 0);
}

#[tokio::test]
async fn a_folder_that_is_filled_ends_the_run() {
    let ground = Ground::new().await;
    let folder = make(&ground, "notes", 0o777);
    for (code, limit) in [
        (
            "for i in range(100): open(f'/folders/notes/{i}', 'wb').write(b'x' * (1 << 20))",
            Limit::WorkspaceBytes,
        ),
        (
            "for i in range(10000): open(f'/folders/notes/f{i}', 'w')",
            Limit::WorkspaceFiles,
        ),
    ] {
        let mut job = ground.python_job(&format!("import time\n{code}\ntime.sleep(60)"));
        job.limits = small();

        let outcome = ground
            .run(grant(job, &folder, "notes", Access::Write))
            .await;

        assert_eq!(outcome.end, End::OverLimit(limit), "{code}");
    }
}

/// A node that is root runs programs as another user, and gives nobody's files away.
#[tokio::test]
async fn a_folder_closed_to_the_sandbox_s_user_is_refused_by_name() {
    if !nix::unistd::geteuid().is_root() {
        eprintln!("SKIPPED: a plain user's node has that user's rights");
        return;
    }
    let ground = Ground::new().await;
    for (mode, access, verb) in [
        (0o750, Access::Read, "read"),
        (0o755, Access::Write, "write to"),
    ] {
        let folder = make(&ground, &format!("notes-{mode:o}"), mode);
        let job = grant(ground.python_job("print('ran')"), &folder, "notes", access);

        let error = ground
            .sandbox
            .run(job, future::pending())
            .await
            .unwrap_err();

        let said = error.to_string();
        assert!(matches!(error, SandboxError::SetUp { .. }), "{said}");
        let expected = format!(
            "folder notes ({}): the sandbox's user 60747 may not {verb} it",
            folder.display()
        );
        assert!(
            said.contains(&expected) && said.contains("setfacl"),
            "{said}"
        );
        assert_eq!(fs::metadata(&folder).unwrap().uid(), 0);
    }
}

#[tokio::test]
async fn what_must_not_be_granted_is_refused_before_anything_runs() {
    let ground = Ground::new().await;
    for host in ["/", "/etc", "/proc/1"] {
        let job = grant(
            ground.python_job("print('ran')"),
            Path::new(host),
            "notes",
            Access::Read,
        );

        let error = ground
            .sandbox
            .run(job, future::pending())
            .await
            .unwrap_err();

        assert!(
            matches!(error, SandboxError::Folder { .. }),
            "{host}: {error}"
        );
    }
}

/// Something of the host may listen in a folder, and that it is mounted for reading stops nobody.
#[tokio::test]
async fn a_socket_in_a_folder_is_not_reached() {
    let ground = Ground::new().await;
    let folder = make(&ground, "notes", 0o777);
    let stream = UnixListener::bind(folder.join("stream")).unwrap();
    let datagram = UnixDatagram::bind(folder.join("datagram")).unwrap();
    for name in ["stream", "datagram"] {
        fs::set_permissions(folder.join(name), fs::Permissions::from_mode(0o777)).unwrap();
    }
    let code = "import socket\n\
                def attempt(act):\n\
                \ttry: act(); print('DONE')\n\
                \texcept OSError: pass\n\
                def connect(kind, name):\n\
                \ts = socket.socket(socket.AF_UNIX, kind)\n\
                \ts.connect(f'/folders/notes/{name}')\n\
                \ts.send(b'x')\n\
                attempt(lambda: connect(socket.SOCK_STREAM, 'stream'))\n\
                attempt(lambda: connect(socket.SOCK_DGRAM, 'datagram'))\n\
                for kind in 2, 3, 2 | socket.SOCK_CLOEXEC:\n\
                \tattempt(lambda: socket.socketpair(socket.AF_UNIX, kind)[0].sendto(b'x', '/folders/notes/datagram'))\n\
                a, b = socket.socketpair()\n\
                a.send(b'pairs work')\n\
                print(b.recv(99).decode())\n";
    for access in [Access::Read, Access::Write] {
        let job = grant(ground.python_job(code), &folder, "notes", access);

        let outcome = ground.run(job).await;

        assert_eq!(
            text(&outcome.stdout),
            "pairs work",
            "{}",
            text(&outcome.stderr)
        );
    }
    stream.set_nonblocking(true).unwrap();
    assert_eq!(stream.accept().unwrap_err().kind(), ErrorKind::WouldBlock);
    datagram.set_nonblocking(true).unwrap();
    assert_eq!(
        datagram.recv(&mut [0; 8]).unwrap_err().kind(),
        ErrorKind::WouldBlock
    );
}
