//! Watches how much a workspace grows, a little at a time.

use std::collections::HashSet;
use std::fs::{self, ReadDir};
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::unistd::Pid;

use crate::outcome::Limit;
use crate::watch;

/// How long one look may spend walking through the workspace.
const WALK_FOR: Duration = Duration::from_millis(4);

/// The workspace of a run, against what was in it before.
#[derive(Debug)]
pub(crate) struct Growth {
    workspace: PathBuf,
    device: u64,
    /// What was in it before, and what the run may add.
    allowed: Usage,
    walk: Option<Walk>,
}

impl Growth {
    /// Looks at what is in a workspace before a run, for no longer than `patience`.
    pub(crate) fn from_here(
        workspace: &Path,
        bytes: u64,
        files: u64,
        patience: Duration,
    ) -> io::Result<Self> {
        let device = workspace.metadata()?.dev();
        let mut walk = Walk::new(workspace);
        if !walk.go_on(patience) {
            return Err(ErrorKind::TimedOut.into());
        }
        let before = walk.usage;
        let allowed = Usage {
            bytes: before.bytes.saturating_add(bytes),
            files: before.files.saturating_add(files),
            hidden: before.hidden,
        };
        Ok(Self {
            workspace: workspace.to_owned(),
            device,
            allowed,
            walk: None,
        })
    }

    /// Looks on; returns the limit that the run of this monitor process is seen to have passed.
    pub(crate) fn passed(&mut self, monitor: Pid) -> Option<Limit> {
        let mut walk = self
            .walk
            .take()
            .unwrap_or_else(|| Walk::new(&self.workspace));
        let is_whole = walk.go_on(WALK_FOR);
        // Even a part of it may be too much already.
        let mut usage = walk.usage;
        if is_whole {
            usage.bytes += unnamed_bytes(&watch::tree_of(monitor), self.device);
        } else {
            self.walk = Some(walk);
        }
        if usage.bytes > self.allowed.bytes {
            return Some(Limit::WorkspaceBytes);
        }
        // A folder that was closed to the node's eyes counts as full.
        let is_too_many = usage.files > self.allowed.files || usage.hidden > self.allowed.hidden;
        is_too_many.then_some(Limit::WorkspaceFiles)
    }
}

/// What a workspace holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Usage {
    /// Bytes on disk, not lengths: a sparse file is small.
    bytes: u64,
    /// Files, folders and links.
    files: u64,
    /// Folders that could not be looked into, for a missing right or a path too long.
    hidden: u64,
}

/// A walk through a workspace, which can be interrupted.
///
/// The program may be rearranging the folders meanwhile. A link in place of a folder then leads the
/// walk astray, which makes the count wrong and does nothing else.
#[derive(Debug)]
struct Walk {
    pending: Vec<PathBuf>,
    current: Option<ReadDir>,
    linked: HashSet<u64>,
    usage: Usage,
}

impl Walk {
    fn new(root: &Path) -> Self {
        Self {
            pending: vec![root.to_owned()],
            current: None,
            linked: HashSet::new(),
            usage: Usage::default(),
        }
    }

    /// Walks on for about this long; returns whether that was the end.
    fn go_on(&mut self, for_at_most: Duration) -> bool {
        let start = Instant::now();
        while start.elapsed() < for_at_most {
            // The clock is looked at once in a while, not for every file.
            for _ in 0..64 {
                if self.one_step().is_none() {
                    return true;
                }
            }
        }
        false
    }

    fn one_step(&mut self) -> Option<()> {
        match self.current.as_mut().map(Iterator::next) {
            Some(Some(Ok(entry))) => {
                if let Ok(metadata) = entry.metadata() {
                    self.usage.files += 1;
                    if metadata.nlink() < 2
                        || metadata.is_dir()
                        || self.linked.insert(metadata.ino())
                    {
                        self.usage.bytes += metadata.blocks() * 512;
                    }
                    if metadata.is_dir() {
                        self.pending.push(entry.path());
                    }
                }
            }
            Some(Some(Err(_)) | None) => self.current = None,
            None => match fs::read_dir(self.pending.pop()?) {
                Ok(entries) => self.current = Some(entries),
                Err(error)
                    if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {}
                Err(_) => self.usage.hidden += 1,
            },
        }
        Some(())
    }
}

/// Returns the bytes in files of this device that are open but have no name any more.
fn unnamed_bytes(processes: &[Pid], device: u64) -> u64 {
    let mut seen = HashSet::new();
    processes
        .iter()
        .filter_map(|process| fs::read_dir(format!("/proc/{process}/fd")).ok())
        .flatten()
        .filter_map(|entry| fs::metadata(entry.ok()?.path()).ok())
        .filter(|file| file.nlink() == 0 && file.dev() == device && seen.insert(file.ino()))
        .map(|file| file.blocks() * 512)
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_folders_and_links_are_counted_and_hard_links_weigh_once() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        fs::create_dir(root.join("in")).unwrap();
        fs::write(root.join("in/a"), vec![1; 100_000]).unwrap();
        let count = || {
            let mut walk = Walk::new(root);
            while walk.one_step().is_some() {}
            walk.usage
        };
        let one = count();

        fs::hard_link(root.join("in/a"), root.join("b")).unwrap();
        std::os::unix::fs::symlink("/", root.join("c")).unwrap();
        let all = count();

        assert_eq!((one.files, one.hidden), (2, 0));
        assert!(one.bytes >= 100_000);
        assert_eq!(all.files, 4);
        assert!(all.bytes < 200_000, "{all:?}");
    }

    #[test]
    fn an_open_file_without_a_name_is_found() {
        let file = tempfile::tempfile_in("/tmp").unwrap();
        let device = file.metadata().unwrap().dev();
        std::io::Write::write_all(&mut &file, &vec![1; 100_000]).unwrap();

        assert!(unnamed_bytes(&[Pid::this()], device) >= 100_000);
    }
}
