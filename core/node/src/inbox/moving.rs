//! How files that became tasks leave the inbox, and their keys the database.
//!
//! A file moves, the move is on disk, the key is forgotten: cut off anywhere, a file that lies in the
//! inbox has its key still. The names of many files are written to disk together.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::io::ErrorKind;

use hearth_domain::Actor;

use super::Inbox;
use super::folder::Stamp;
use super::report::Trouble;
use super::taking::Failure;
use crate::output::text::quoted;

/// The most files that are kept in mind because they could not be moved. Beyond it they are read
/// again, and their keys say that they are tasks.
const STUCK_MAX: usize = 10_000;

/// Files that became tasks.
#[derive(Debug, Default)]
pub(super) struct Moves {
    /// Those that could not be moved, as they were when they became tasks, with their keys. Giving
    /// one other rights, so that it can be moved, makes no other file of it.
    stuck: HashMap<OsString, (Stamp, String)>,
    /// Keys of those that were moved, until the moves are on disk; a page of files at most.
    moved: Vec<String>,
}

impl Moves {
    /// Whether there is no file that lies in the inbox and is a task.
    pub(super) fn has_none(&self) -> bool {
        self.stuck.is_empty() && self.moved.is_empty()
    }

    /// Returns the state and the key of a file that became a task and could not be moved, if this is
    /// the one.
    pub(super) fn take_stuck(&mut self, name: &OsStr, found: &Stamp) -> Option<(Stamp, String)> {
        let (stamp, key) = self.stuck.remove(name)?;
        found.is_same_content(&stamp).then_some((stamp, key))
    }
}

impl Inbox {
    /// Moves a file that became a task, unless it changed meanwhile: then it is another one.
    pub(super) async fn put_away(
        &mut self,
        name: &OsStr,
        stamp: Stamp,
        key: String,
    ) -> Result<(), Failure> {
        let own = name.to_owned();
        let moved = self.blocking(move |folder| match folder.stamp(&own) {
            Ok(present) if present.is_same_content(&stamp) => folder.put_away(&own).map(|()| true),
            Ok(_) => Ok(false),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(true),
            Err(error) => Err(error),
        });
        let moved = moved.await;
        match moved.map_err(|error| Failure::Later(self.folder.unreadable(&error)))? {
            // The file as it was is gone for good.
            Ok(is_moved) => {
                self.moves.moved.push(key);
                if is_moved {
                    Ok(())
                } else {
                    Err(Failure::Changed)
                }
            }
            Err(error) => {
                if self.moves.stuck.len() < STUCK_MAX {
                    self.moves.stuck.insert(name.to_owned(), (stamp, key));
                }
                Err(Failure::Later(self.unmovable(&error)))
            }
        }
    }

    /// Makes the moves last, and forgets the keys of what was moved.
    pub(super) async fn settle_moves(&mut self) -> Result<(), Trouble> {
        if self.moves.moved.is_empty() {
            return Ok(());
        }
        let flushed = self.blocking(|folder| Ok(folder.flush()?)).await;
        flushed
            .and_then(|flushed| flushed)
            .map_err(|error| self.unmovable(&error))?;
        let keys = self.moves.moved.clone();
        let forgotten = self.app.forget_files(&Actor::Owner, keys).await;
        forgotten.map_err(|error| self.trouble(&error))?;
        self.moves.moved.clear();
        Ok(())
    }

    fn unmovable(&self, error: &impl ToString) -> Trouble {
        let done = self.folder.done();
        Trouble {
            reason: "files that became tasks cannot be moved to inbox/done".into(),
            detail: error.to_string(),
            remedy: format!("chmod 700 {}", quoted(done.display())),
        }
    }
}
