//! Wakes whoever waits when something in a folder changes.

use std::ffi::OsString;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use nix::errno::Errno;
use notify::event::{AccessKind, AccessMode, ModifyKind, RenameMode};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::Notify;

/// What is watched for.
#[derive(Debug, Clone)]
pub(crate) enum Sought {
    /// Anything in the folder.
    Anything,
    /// An entry of this name.
    Entry(OsString),
}

/// Why a folder is not watched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unwatched {
    /// What the system says, without a path.
    pub(crate) reason: String,
    /// The command that mends it; empty where none is known.
    pub(crate) remedy: &'static str,
}

/// A folder that is watched until this is dropped.
///
/// A wake-up only means "look again". Many changes before a look are one wake-up, so that nothing
/// queues up.
#[derive(Debug)]
pub(crate) struct Watch {
    folder: PathBuf,
    /// Device and inode of what is watched.
    identity: (u64, u64),
    /// Set by the system's thread when what is watched is gone, whatever took its place: a folder
    /// that is made anew may have the very same inode.
    is_lost: Arc<AtomicBool>,
    _watcher: RecommendedWatcher,
}

impl Watch {
    /// Begins to watch.
    ///
    /// # Errors
    /// The folder is not there, or the system watches no more.
    pub(crate) fn on(folder: &Path, sought: Sought, wake: Arc<Notify>) -> Result<Self, Unwatched> {
        // Before it is watched: should another take its place in between, this one is not in place.
        let identity = identity(folder).map_err(notify::Error::io)?;
        let is_lost = Arc::new(AtomicBool::new(false));
        let (watched, lost) = (folder.to_owned(), Arc::clone(&is_lost));
        let mut watcher = notify::recommended_watcher(move |event| {
            let (is_gone, is_news) = heard(&event, &watched, &sought);
            if is_gone {
                lost.store(true, Ordering::Relaxed);
            }
            if is_gone || is_news {
                wake.notify_one();
            }
        })?;
        watcher.watch(folder, RecursiveMode::NonRecursive)?;
        Ok(Self {
            folder: folder.to_owned(),
            identity,
            is_lost,
            _watcher: watcher,
        })
    }

    /// Whether what is watched is still what lies at the path. If not, a fresh watch is needed.
    pub(crate) fn is_in_place(&self) -> bool {
        let is_same = || identity(&self.folder).is_ok_and(|found| found == self.identity);
        !self.is_lost.load(Ordering::Relaxed) && is_same()
    }
}

fn identity(folder: &Path) -> std::io::Result<(u64, u64)> {
    let metadata = std::fs::metadata(folder)?;
    Ok((metadata.dev(), metadata.ino()))
}

/// Returns whether what is watched is gone, and whether something changed that is sought.
fn heard(event: &notify::Result<Event>, watched: &Path, sought: &Sought) -> (bool, bool) {
    let Ok(event) = event else {
        // A watch that has a problem is set up anew.
        return (true, true);
    };
    let may_be_gone = matches!(
        event.kind,
        EventKind::Remove(_) | EventKind::Modify(ModifyKind::Name(RenameMode::From))
    );
    let is_gone = may_be_gone && event.paths.iter().any(|path| path == watched);
    (
        is_gone,
        !is_of_reading(event.kind) && is_sought(&event.paths, sought),
    )
}

/// Whether nothing was changed. Whoever looks at the folder would otherwise wake itself.
fn is_of_reading(kind: EventKind) -> bool {
    match kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => false,
        EventKind::Access(_) => true,
        _ => false,
    }
}

fn is_sought(paths: &[PathBuf], sought: &Sought) -> bool {
    match sought {
        Sought::Anything => true,
        // An event without a path says that some were lost.
        Sought::Entry(name) => {
            paths.is_empty() || paths.iter().any(|path| path.file_name() == Some(name))
        }
    }
}

impl From<notify::Error> for Unwatched {
    fn from(error: notify::Error) -> Self {
        let (reason, remedy) = match error.kind {
            notify::ErrorKind::MaxFilesWatch => (
                "programs of this machine watch as much as they may".into(),
                "sudo sysctl fs.inotify.max_user_watches=524288",
            ),
            // What the system says where a person's programs have as many watchers as they may.
            notify::ErrorKind::Io(error) if error.raw_os_error() == Some(Errno::EMFILE as i32) => (
                error.to_string(),
                "sudo sysctl fs.inotify.max_user_instances=1024",
            ),
            notify::ErrorKind::Io(error) => (error.to_string(), ""),
            other => (notify::Error::new(other).to_string(), ""),
        };
        Self { reason, remedy }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::time::Duration;

    use super::*;

    async fn rings(wake: &Notify) {
        let limit = Duration::from_secs(20);
        tokio::time::timeout(limit, wake.notified()).await.unwrap();
    }

    async fn until_gone(watch: &Watch, wake: &Notify) {
        while watch.is_in_place() {
            rings(wake).await;
        }
    }

    #[tokio::test]
    async fn a_folder_that_was_removed_and_made_again_is_not_in_place() {
        let around = tempfile::tempdir().unwrap();
        let folder = around.path().join("inbox");
        fs::create_dir(&folder).unwrap();
        let wake = Arc::new(Notify::new());
        let mut watch = Watch::on(&folder, Sought::Anything, Arc::clone(&wake)).unwrap();
        assert!(watch.is_in_place());

        for round in 0..20 {
            // On most file systems it gets the inode that has just become free.
            fs::remove_dir_all(&folder).unwrap();
            fs::create_dir(&folder).unwrap();
            until_gone(&watch, &wake).await;

            watch = Watch::on(&folder, Sought::Anything, Arc::clone(&wake)).unwrap();
            assert!(watch.is_in_place());
            fs::write(folder.join(format!("{round}")), "x").unwrap();
            rings(&wake).await;
        }
    }

    #[tokio::test]
    async fn a_folder_that_was_moved_away_is_not_in_place() {
        let around = tempfile::tempdir().unwrap();
        let (folder, aside) = (around.path().join("inbox"), around.path().join("aside"));
        fs::create_dir(&folder).unwrap();
        let wake = Arc::new(Notify::new());
        let watch = Watch::on(&folder, Sought::Anything, Arc::clone(&wake)).unwrap();

        fs::rename(&folder, aside).unwrap();
        fs::create_dir(&folder).unwrap();

        rings(&wake).await;
        assert!(!watch.is_in_place());
    }

    #[test]
    fn the_system_s_refusal_comes_with_what_mends_it() {
        let check = |error: notify::Error, remedy: &str| {
            let unwatched = Unwatched::from(error);
            assert!(unwatched.remedy.contains(remedy), "{unwatched:?}");
            assert!(!unwatched.reason.is_empty());
        };
        check(
            notify::Error::new(notify::ErrorKind::MaxFilesWatch),
            "max_user_watches",
        );
        let many = std::io::Error::from_raw_os_error(Errno::EMFILE as i32);
        check(notify::Error::io(many), "max_user_instances");
        let nowhere = Path::new("/nowhere/at/all");
        let refused = Watch::on(nowhere, Sought::Anything, Arc::default()).unwrap_err();
        assert_eq!(refused.remedy, "");
    }
}
