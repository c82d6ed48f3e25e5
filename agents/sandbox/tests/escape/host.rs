//! A host to be attacked: everything here may be read and written by everybody, so that only the
//! sandbox is in the way.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use nix::unistd::Pid;
use tempfile::TempDir;

use crate::effect::{Effect, Seen};
use crate::listeners::Listeners;
use crate::processes;
use crate::surroundings::{SECRET, Surroundings};

/// How much of a run's output is kept.
pub(crate) const OUTPUT: usize = 10_000;

/// The folders that everything of the host is in, and the files with what they hold.
const FOLDERS: &[&str] = &[
    "data",
    "data/tools",
    "home",
    "repository",
    "repository/.git",
    "repository/.git/hooks",
    "tmp",
];
const FILES: &[&str] = &[
    "canary",
    "data/owner.key",
    "data/tools/index.json",
    "home/.bashrc",
    "home/.profile",
    "repository/.git/hooks/post-commit",
];

/// Where an attack is carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Inside,
    Outside,
}

pub(crate) struct Host<'a> {
    surroundings: &'a Surroundings,
    pub folder: TempDir,
    pub workspace: PathBuf,
    shm: TempDir,
    before: BTreeMap<PathBuf, String>,
    neighbour: Child,
    listeners: Listeners,
}

impl<'a> Host<'a> {
    pub(crate) fn new(surroundings: &'a Surroundings) -> Self {
        // Not below /tmp, of which the sandbox has its own.
        let folder = tempfile::Builder::new()
            .prefix("hearth-escape-")
            .tempdir_in("/var/tmp")
            .unwrap();
        let shm = tempfile::Builder::new()
            .prefix("hearth-escape-")
            .tempdir_in("/dev/shm")
            .unwrap();
        let workspace = tempfile::Builder::new()
            .prefix("workspace-")
            .tempdir_in(folder.path())
            .unwrap()
            .keep();
        let root = folder.path();
        for name in FOLDERS {
            fs::create_dir(root.join(name)).unwrap();
            open_to_all(&root.join(name), 0o777);
        }
        for name in FILES {
            fs::write(root.join(name), SECRET).unwrap();
            open_to_all(&root.join(name), 0o666);
        }
        open_to_all(root, 0o777);
        open_to_all(shm.path(), 0o777);
        open_to_all(&workspace, 0o777);
        chown(&workspace, surroundings.run_as, surroundings.run_as).unwrap();
        let listeners = Listeners::new(&root.join("socket"), &name_of(root));
        open_to_all(&root.join("socket"), 0o777);
        let mut host = Self {
            surroundings,
            neighbour: neighbour(&workspace, surroundings.run_as),
            before: BTreeMap::new(),
            listeners,
            workspace,
            shm,
            folder,
        };
        host.before = host.tree();
        host
    }

    /// Returns an attack's code with what it needs to know: where it is (`here`), where the host's
    /// files are (`host`), folders in memory, a process, and who listens; and `done`; `hold`, which is
    /// `done` after the watches had time to look; and `attempt`.
    pub(crate) fn python(&self, code: &str, place: Place) -> String {
        let names = self.names(place).map(|(name, value)| {
            let is_number = value.parse::<u32>().is_ok();
            let value = if is_number {
                value
            } else {
                format!("{value:?}")
            };
            format!("{name} = {value}\n")
        });
        let numbers = [
            ("SYS_clone", libc::SYS_clone),
            ("SYS_bpf", libc::SYS_bpf),
            ("SYS_keyctl", libc::SYS_keyctl),
            ("SYS_io_uring_setup", libc::SYS_io_uring_setup),
        ]
        .map(|(name, number)| format!("{name} = {number}\n"));
        // Nobody watches outside.
        let hold = if place == Place::Inside { 0.5 } else { 0.0 };
        format!(
            "import ctypes, os, signal, socket, sys, time\n\
             libc = ctypes.CDLL(None)\n\
             {}{}\
             def done(): open(here + '/done', 'w').close()\n\
             def hold(): time.sleep({hold}); done()\n\
             def attempt(call, *args):\n\
             \ttry: call(*args)\n\
             \texcept OSError: pass\n\
             {code}",
            names.concat(),
            numbers.concat()
        )
    }

    /// As [`Self::python`], for a shell.
    pub(crate) fn shell(&self, code: &str, place: Place) -> String {
        let names = self.names(place);
        let names = names.map(|(name, value)| format!("{name}={value}\n"));
        format!("{}{code}", names.concat())
    }

    fn names(&self, place: Place) -> [(&'static str, String); 10] {
        let path = |path: &Path| path.display().to_string();
        let (here, tmp, shm) = match place {
            Place::Inside => ("/workspace".into(), "/tmp".into(), "/dev/shm".into()),
            Place::Outside => (
                path(&self.workspace),
                path(&self.folder.path().join("tmp")),
                path(self.shm.path()),
            ),
        };
        let [tcp4, tcp6, udp4, udp6] = self.listeners.ports();
        [
            ("here", here),
            ("tmp", tmp),
            ("shm", shm),
            ("host", path(self.folder.path())),
            ("neighbour", self.neighbour.id().to_string()),
            ("tcp4", tcp4.to_string()),
            ("tcp6", tcp6.to_string()),
            ("udp4", udp4.to_string()),
            ("udp6", udp6.to_string()),
            ("abstract", name_of(self.folder.path())),
        ]
    }

    /// Returns what an attack has done that said this.
    pub(crate) fn effects(&mut self, said: &[u8]) -> Vec<Seen> {
        let said_text = String::from_utf8_lossy(said);
        let secrets = [SECRET.to_owned(), name_of(&self.workspace)];
        let learned = secrets
            .iter()
            .chain(&self.surroundings.telltales)
            .find(|secret| said_text.contains(secret.as_str()));
        let left = processes::below(self.folder.path());
        [
            learned.map(|secret| (Effect::Learned, secret.clone())),
            self.changed().map(|path| (Effect::Changed, path)),
            self.litter().map(|path| (Effect::Litter, path)),
            self.listeners
                .heard()
                .map(|who| (Effect::Heard, who.into())),
            self.hurt().map(|how| (Effect::Hurt, how)),
            (!left.is_empty()).then(|| (Effect::Left, format!("{left:?}"))),
            (said.len() > 2 * OUTPUT).then(|| (Effect::Flood, said.len().to_string())),
            self.workspace
                .join("done")
                .exists()
                .then(|| (Effect::Done, String::new())),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    fn changed(&self) -> Option<String> {
        let after = self.tree();
        if after == self.before {
            return None;
        }
        let differs = |path: &&PathBuf| after.get(*path) != self.before.get(*path);
        let path = after.keys().chain(self.before.keys()).find(differs);
        path.map(|path| path.display().to_string())
    }

    /// Returns every path outside the workspace, with all there is to know of it.
    fn tree(&self) -> BTreeMap<PathBuf, String> {
        let mut tree = BTreeMap::new();
        let mut pending = vec![self.folder.path().to_owned()];
        while let Some(folder) = pending.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path == self.workspace || path == self.folder.path().join("tmp") {
                    continue;
                }
                let found = fs::symlink_metadata(&path).unwrap();
                if found.is_dir() {
                    pending.push(path.clone());
                }
                let content = found.is_file().then(|| fs::read(&path).unwrap());
                let links = if found.is_dir() { 0 } else { found.nlink() };
                let what = format!("{:o} {} {links} {content:?}", found.mode(), found.uid());
                tree.insert(path, what);
            }
        }
        tree
    }

    fn litter(&self) -> Option<String> {
        let is_litter = |entry: &fs::DirEntry| {
            let found = entry.metadata().unwrap();
            let kind = found.file_type();
            let is_special = kind.is_fifo()
                || kind.is_socket()
                || kind.is_char_device()
                || kind.is_block_device();
            let is_core =
                found.is_file() && entry.file_name().to_string_lossy().starts_with("core");
            is_special || is_core || found.is_file() && found.mode() & 0o6000 != 0
        };
        fs::read_dir(&self.workspace)
            .unwrap()
            .filter_map(Result::ok)
            .find(is_litter)
            .map(|entry| {
                format!(
                    "{} {:o}",
                    entry.path().display(),
                    entry.metadata().unwrap().mode()
                )
            })
    }

    fn hurt(&mut self) -> Option<String> {
        if let Some(status) = self.neighbour.try_wait().unwrap() {
            return Some(status.to_string());
        }
        let state = processes::state(Pid::from_raw(self.neighbour.id().cast_signed()));
        matches!(state, Some('T' | 't')).then(|| "it stands still".to_owned())
    }
}

impl Drop for Host<'_> {
    fn drop(&mut self) {
        processes::clear(self.folder.path());
        let _ = self.neighbour.kill();
        let _ = self.neighbour.wait();
        // Or a plain user could not clear it away.
        let _ = fs::set_permissions(self.workspace.join("in"), fs::Permissions::from_mode(0o700));
    }
}

fn open_to_all(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap().to_str().unwrap().to_owned()
}

/// Starts a process of the same user on the host, with a secret in its environment and another in
/// its arguments.
fn neighbour(workspace: &Path, run_as: Option<u32>) -> Child {
    #[expect(clippy::disallowed_methods, reason = "a process to be attacked")]
    let mut command = Command::new("/usr/bin/sleep");
    command
        .arg0(format!("sleep-{}", name_of(workspace)))
        .arg("600")
        .current_dir("/")
        .env_clear()
        .env("NEIGHBOUR", SECRET)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    if let Some(id) = run_as {
        command.uid(id).gid(id);
    }
    command.spawn().unwrap()
}
