//! The arguments of bubblewrap: which part of the host is seen inside, and how.

use std::ffi::OsString;
use std::path::Path;

use super::folders::seen_at;
use super::outer::Sources;
use crate::message::{Outer, STAGE, WORKSPACE};

/// Every namespace, no way to more of them, no terminal, no environment, and the end when the node
/// ends. The user inside is an ordinary one whatever it is outside.
///
/// Bubblewrap stays as process 1: it takes in orphans, the program keeps the usual meaning of
/// signals, and the process whose end is everyone's end is not the program's to keep alive.
const WALLS: &[&str] = &[
    "--unshare-user",
    "--unshare-all",
    "--disable-userns",
    "--new-session",
    "--die-with-parent",
    "--uid",
    "1000",
    "--gid",
    "1000",
    "--hostname",
    "sandbox",
    "--clearenv",
    "--setenv",
    "PATH",
    "/usr/local/bin:/usr/bin:/bin",
    "--setenv",
    "HOME",
    "/tmp",
    "--setenv",
    "TMPDIR",
    "/tmp",
    "--setenv",
    "LANG",
    "C.UTF-8",
    "--chdir",
    WORKSPACE,
];

/// Links from `/` into `/usr` on systems that have merged them, folders on the others.
const MERGED: &[&str] = &["bin", "sbin", "lib", "lib32", "lib64", "libx32"];

/// All of `/etc` that is seen: where the loader finds libraries, and where names such as `awk` lead.
const FROM_ETC: &[&str] = &["/etc/ld.so.cache", "/etc/alternatives"];

/// Whom servers are vouched for by, on Debian and on Fedora; the rest of it is below `/usr`.
const CERTIFICATES: &[&str] = &["/etc/ssl/certs", "/etc/pki/ca-trust/extracted"];

/// Returns the arguments, without those that name the command.
pub(super) fn for_bwrap(outer: &Outer, sources: &Sources) -> Vec<OsString> {
    let mut list = Arguments(WALLS.iter().map(OsString::from).collect());
    list.add(["--ro-bind", "/usr", "/usr"]);
    for name in MERGED {
        let path = Path::new("/").join(name);
        match path.read_link() {
            Ok(target) => list.add([OsString::from("--symlink"), target.into(), path.into()]),
            Err(_) if path.is_dir() => {
                list.add([
                    OsString::from("--ro-bind"),
                    path.clone().into(),
                    path.into(),
                ]);
            }
            Err(_) => {}
        }
    }
    for path in FROM_ETC {
        list.add(["--ro-bind-try", path, path]);
    }
    if outer.network {
        for path in CERTIFICATES {
            list.add(["--ro-bind-try", path, path]);
        }
    }
    for path in &outer.hidden {
        list.add([OsString::from("--tmpfs"), path.into()]);
        list.add([OsString::from("--remount-ro"), path.into()]);
    }
    // The sizes matter: a folder in memory may otherwise take half of the machine's.
    let size = outer.tmp_bytes.to_string();
    list.add(["--proc", "/proc", "--dev", "/dev"]);
    list.add([
        "--size",
        &size,
        "--tmpfs",
        "/dev/shm",
        "--remount-ro",
        "/dev",
    ]);
    list.add(["--perms", "1777", "--size", &size, "--tmpfs", "/tmp"]);
    match &sources.workspace {
        Some(folder) => {
            list.add([OsString::from("--bind"), folder.into(), WORKSPACE.into()]);
        }
        None => list.add(["--size", &size, "--tmpfs", WORKSPACE]),
    }
    for (folder, source) in outer.folders.iter().zip(&sources.folders) {
        let seen = seen_at(folder);
        let bind = if folder.writable {
            "--bind"
        } else {
            "--ro-bind"
        };
        list.add([OsString::from(bind), source.into(), seen.clone().into()]);
        if folder.writable {
            let (from, to) = (source.join(".git"), seen.join(".git"));
            list.add([OsString::from("--ro-bind-try"), from.into(), to.into()]);
        }
    }
    list.add([
        OsString::from("--ro-bind"),
        sources.stage.clone().into(),
        STAGE.into(),
    ]);
    // Last, because every folder above had to be made in it.
    list.add(["--remount-ro", "/"]);
    list.0
}

struct Arguments(Vec<OsString>);

impl Arguments {
    fn add<T: Into<OsString>, const N: usize>(&mut self, more: [T; N]) {
        self.0.extend(more.into_iter().map(Into::into));
    }
}
