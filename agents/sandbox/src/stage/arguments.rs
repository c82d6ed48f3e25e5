//! The arguments of bubblewrap: which part of the host is seen inside, and how.

use std::ffi::OsString;
use std::path::Path;

use super::folders::seen_at;
use super::outer::Sources;
use crate::message::{Outer, STAGE, WORKSPACE};
use crate::{Wall, Walls};

/// What bubblewrap is told whatever the job. A wall that is named stands or falls with what follows
/// it: a number of options, some of which mean nothing without the wall.
///
/// Every namespace, no way to more of them, no terminal, no environment, and the end when the node
/// ends. The user inside is an ordinary one whatever it is outside.
///
/// Bubblewrap stays as process 1: it takes in orphans, the program keeps the usual meaning of
/// signals, and the process whose end is everyone's end is not the program's to keep alive.
const WALLS: &[(Wall, &[&str])] = &[
    (
        Wall::UserNamespace,
        &["--unshare-user", "--uid", "1000", "--gid", "1000"],
    ),
    (Wall::PidNamespace, &["--unshare-pid"]),
    (Wall::NetNamespace, &["--unshare-net"]),
    (Wall::IpcNamespace, &["--unshare-ipc"]),
    (
        Wall::UtsNamespace,
        &["--unshare-uts", "--hostname", "sandbox"],
    ),
    (Wall::CgroupNamespace, &["--unshare-cgroup-try"]),
    (Wall::NoNestedNamespaces, &["--disable-userns"]),
    (Wall::NewSession, &["--new-session"]),
    (Wall::NodeLife, &["--die-with-parent"]),
    (Wall::ClearedEnvironment, &["--clearenv"]),
];

/// All of the environment, and where the program starts.
const SURROUNDINGS: &[&str] = &[
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
    let mut list = Arguments(walls(&outer.walls).map(OsString::from).collect());
    if !outer.walls.has(Wall::MountView) {
        list.add_host_folders();
    }
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
    list.add_own_folders(outer);
    match &sources.workspace {
        Some(folder) => list.add([OsString::from("--bind"), folder.into(), WORKSPACE.into()]),
        None => list.add_in_memory(WORKSPACE, outer),
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
    if outer.walls.has(Wall::ReadOnlyRoot) {
        // Last, because every folder above had to be made in it.
        list.add(["--remount-ro", "/"]);
    }
    list.0
}

fn walls(standing: &Walls) -> impl Iterator<Item = &'static str> + '_ {
    WALLS
        .iter()
        // Namespaces within namespaces can only be refused where there is one.
        .filter(|(wall, _)| *wall != Wall::NoNestedNamespaces || standing.has(Wall::UserNamespace))
        .filter(|(wall, _)| standing.has(*wall))
        .flat_map(|(_, options)| options.iter().copied())
        .chain(SURROUNDINGS.iter().copied())
}

struct Arguments(Vec<OsString>);

impl Arguments {
    fn add<T: Into<OsString>, const N: usize>(&mut self, more: [T; N]) {
        self.0.extend(more.into_iter().map(Into::into));
    }

    fn add_own_folders(&mut self, outer: &Outer) {
        if outer.walls.has(Wall::PidNamespace) {
            self.add(["--proc", "/proc"]);
        } else {
            // The kernel makes a new one only for a process namespace of one's own.
            self.add(["--ro-bind", "/proc", "/proc"]);
        }
        self.add(["--dev", "/dev"]);
        self.add_in_memory("/dev/shm", outer);
        if outer.walls.has(Wall::ReadOnlyRoot) {
            self.add(["--remount-ro", "/dev"]);
        }
        self.add(["--perms", "1777"]);
        self.add_in_memory("/tmp", outer);
    }

    /// Makes a folder in memory. Without a size it could take half of the machine's.
    fn add_in_memory(&mut self, path: &str, outer: &Outer) {
        if outer.walls.has(Wall::SizedFolders) {
            self.add(["--size", &outer.tmp_bytes.to_string()]);
        }
        self.add(["--tmpfs", path]);
    }

    /// Shows what the host has beside what is made here.
    fn add_host_folders(&mut self) {
        for name in ["etc", "home", "opt", "root", "srv", "sys", "var"] {
            let path = Path::new("/").join(name);
            self.add([
                OsString::from("--bind-try"),
                path.clone().into(),
                path.into(),
            ]);
        }
    }
}
