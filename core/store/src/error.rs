//! Opening and querying fail differently.

use std::path::PathBuf;

use thiserror::Error;
use uuid::Uuid;

/// Why a store did not open. Nothing was changed, but where a variant says otherwise.
#[derive(Debug, Error)]
pub enum OpenError {
    /// The SQLite inside this program can corrupt a database that two connections use.
    #[error("this program was built with SQLite {found}; it needs {needed} or newer")]
    SqliteTooOld {
        /// What is inside.
        found: &'static str,
        /// What it takes.
        needed: &'static str,
    },
    /// A later version of the program made this database.
    #[error(
        "{} has schema {found}, and this program knows schemas up to {known}: use the version of Hearth that made it, or a newer one",
        path.display()
    )]
    NewerSchema {
        /// The database.
        path: PathBuf,
        /// Its schema.
        found: i64,
        /// The newest this program knows.
        known: i64,
    },
    /// The file is no database of ours, or is damaged.
    #[error(
        "{} cannot be read as a Hearth database ({problem}); it was left as it is: move it away to start anew, or put a backup in its place",
        path.display()
    )]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// A migration did not lead to a sound database; the old one is in place, untouched.
    #[error("migrating {} to schema {to} failed, the old database is untouched: {problem}", path.display())]
    Migration {
        /// The database.
        path: PathBuf,
        /// The schema that was aimed at.
        to: i64,
        /// What went wrong.
        problem: String,
    },
    /// A file could not be made, copied or renamed.
    #[error("cannot {act} {}", path.display())]
    File {
        /// What was tried.
        act: &'static str,
        /// On which file.
        path: PathBuf,
        /// Why it failed.
        source: std::io::Error,
    },
    /// A database took the place of another, and a loss of power may bring the other back.
    #[error(
        "the new database is in the place of {}, and the disk does not confirm it",
        path.display()
    )]
    Unflushed {
        /// The database.
        path: PathBuf,
        /// What the disk said.
        source: std::io::Error,
    },
    /// SQLite refused.
    #[error("cannot {act}")]
    Sqlite {
        /// What was tried.
        act: &'static str,
        /// Why it failed.
        source: rusqlite::Error,
    },
    /// The pool of readers could not be made.
    #[error("cannot open connections for reading")]
    Pool(#[from] r2d2::Error),
}

/// Why a read or a write failed.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The row changed since it was read.
    #[error("{entity} {id} changed meanwhile")]
    Stale {
        /// What sort of thing.
        entity: &'static str,
        /// Which one.
        id: Uuid,
    },
    /// Another row has this unique value already.
    #[error("{entity} {field} is taken")]
    Taken {
        /// What sort of thing.
        entity: &'static str,
        /// Which of its fields.
        field: &'static str,
    },
    /// As many writes wait as may.
    #[error("the writer is busy")]
    Busy,
    /// The disk is full. Nothing of the write remained.
    #[error("no room left on the disk")]
    NoRoom,
    /// The store is closed.
    #[error("the store is closed")]
    Closed,
    /// A closure panicked; its changes were rolled back.
    #[error("the write panicked and was rolled back")]
    Panicked,
    /// Stored text does not read back.
    #[error("{column} of {entity} does not read back: {problem}")]
    Corrupt {
        /// What sort of thing.
        entity: &'static str,
        /// Which column.
        column: &'static str,
        /// What is wrong.
        problem: String,
    },
    /// The transaction that this write shared could not be committed.
    #[error("the commit failed: {0}")]
    Commit(String),
    /// Anything else SQLite says.
    #[error("the database refused")]
    Sqlite(#[source] rusqlite::Error),
    /// No connection for reading came free in time.
    #[error("no connection for reading came free")]
    Pool(#[from] r2d2::Error),
}

impl StoreError {
    /// Whether trying again later may help.
    pub fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::Stale { .. } | Self::Busy | Self::NoRoom | Self::Pool(_)
        )
    }

    #[expect(
        clippy::needless_pass_by_value,
        reason = "errors are handed on as they come, without a name of their own"
    )]
    pub(crate) fn corrupt(
        entity: &'static str,
        column: &'static str,
        problem: impl ToString,
    ) -> Self {
        Self::Corrupt {
            entity,
            column,
            problem: problem.to_string(),
        }
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode;
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::NoRoom,
            // A write that the file system cut short; the room may come back.
            Some(ErrorCode::SystemIoFailure) if is_no_room(&error) => Self::NoRoom,
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy,
            _ => Self::Sqlite(error),
        }
    }
}

/// Whether an I/O error is a write that did not fit: SQLite reports a short write so when the
/// system does not say ENOSPC in time.
fn is_no_room(error: &rusqlite::Error) -> bool {
    matches!(error, rusqlite::Error::SqliteFailure(code, _)
        if code.extended_code == rusqlite::ffi::SQLITE_IOERR_WRITE)
}

/// Whether a row was refused because another has its unique value.
pub(crate) fn is_unique_violation(error: &StoreError) -> bool {
    matches!(error, StoreError::Sqlite(rusqlite::Error::SqliteFailure(code, _))
        if code.extended_code == rusqlite::ffi::SQLITE_CONSTRAINT_UNIQUE)
}
