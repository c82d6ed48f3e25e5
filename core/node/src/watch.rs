//! Wakes whoever waits when something in a folder changes.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use notify::event::{AccessKind, AccessMode};
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

/// A folder that is watched until this is dropped.
///
/// A wake-up only means "look again". Many changes before a look are one wake-up, so that nothing
/// queues up.
#[derive(Debug)]
pub(crate) struct Watch {
    _watcher: RecommendedWatcher,
}

impl Watch {
    /// Begins to watch.
    ///
    /// # Errors
    /// The folder is not there, or the system watches no more.
    pub(crate) fn on(folder: &Path, sought: Sought, wake: Arc<Notify>) -> notify::Result<Self> {
        let mut watcher =
            notify::recommended_watcher(move |event: notify::Result<Event>| match event {
                Ok(event) if is_of_reading(event.kind) || !is_sought(&event.paths, &sought) => (),
                // That the watching has a problem is a reason to look as well.
                Ok(_) | Err(_) => wake.notify_one(),
            })?;
        watcher.watch(folder, RecursiveMode::NonRecursive)?;
        Ok(Self { _watcher: watcher })
    }
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
