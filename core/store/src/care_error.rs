//! Why taking care of the data failed: of the whole of it, not of one row.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::error::{OpenError, StoreError};

/// Why a backup, a restore, an export or an import came to nothing.
#[derive(Debug, Error)]
pub enum CareError {
    /// A file of this name is there already.
    #[error("{} is there already", .0.display())]
    Exists(PathBuf),
    /// A file has its name, the disk does not confirm it, and it cannot be removed either.
    #[error("{} is whole and stays, but a loss of power may take its name away", .0.display())]
    Stays(PathBuf, #[source] Box<OpenError>),
    /// Another program writes a backup under this name.
    #[error("another backup to {} is being written", .0.display())]
    BeingWritten(PathBuf),
    /// A file could not be read or written.
    #[error("cannot {act} {}", path.display())]
    File {
        /// What was tried.
        act: &'static str,
        /// On which file.
        path: PathBuf,
        /// Why it failed.
        source: std::io::Error,
    },
    /// SQLite refused.
    #[error("cannot {act}")]
    Database {
        /// What was tried.
        act: &'static str,
        /// Why it failed.
        source: rusqlite::Error,
    },
    /// SQLite refused to say that it is done: the changes may be there after all.
    #[error("cannot {act}")]
    Uncertain {
        /// What was tried.
        act: &'static str,
        /// Why it failed.
        source: rusqlite::Error,
    },
    /// The database is none, or is of a later version of the program.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The database cannot be read.
    #[error("cannot read the database")]
    Store(#[from] StoreError),
    /// The database has a fault, which a backup would only keep.
    #[error("the database is not sound: {0}")]
    Unsound(String),
    /// The bytes of an artifact are not what they were when it was stored.
    #[error("the content {} of an artifact {problem}", path.display())]
    Content {
        /// Its file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// The file is no backup, or not a whole one.
    #[error("{} is not a whole backup of Hearth: {problem}", path.display())]
    NotWhole {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// A later version of the program made the backup.
    #[error(
        "{} was made by Hearth {version} and has {what}, which this program does not know: use that version, or a newer one",
        path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// The version that made it.
        version: String,
        /// What is not known here.
        what: String,
    },
    /// The database has an older schema, and must be migrated first.
    #[error("{} has schema {found}, and this program works with schema {needed}", path.display())]
    Older {
        /// The database.
        path: PathBuf,
        /// Its schema.
        found: i64,
        /// The one of this program.
        needed: i64,
    },
    /// A line of an export cannot be taken in.
    #[error("line {line}: {problem}")]
    Line {
        /// Counted from 1.
        line: u64,
        /// What is wrong with it.
        problem: String,
    },
    /// An export lacks something.
    #[error("the export is not whole: {0}")]
    Incomplete(String),
    /// What is exported could not be handed over.
    #[error("cannot write the export")]
    Output(#[source] std::io::Error),
    /// What is to be imported could not be read.
    #[error("cannot read the export")]
    Input(#[source] std::io::Error),
    /// A row holds what cannot be written into an export.
    #[error("{column} of a row of {table} does not read back: {problem}")]
    Value {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
        /// What is wrong.
        problem: &'static str,
    },
    /// Another program has the database open.
    #[error("another program has {} open", .0.display())]
    InUse(PathBuf),
}

impl CareError {
    /// Whether a disk was full.
    pub fn is_no_room(&self) -> bool {
        match self {
            Self::Output(source)
            | Self::File { source, .. }
            | Self::Open(OpenError::File { source, .. } | OpenError::Unflushed { source, .. }) => {
                matches!(
                    source.kind(),
                    ErrorKind::StorageFull | ErrorKind::QuotaExceeded
                )
            }
            Self::Database { source, .. }
            | Self::Uncertain { source, .. }
            | Self::Store(StoreError::Sqlite(source)) => is_disk_full(source),
            Self::Store(StoreError::NoRoom) => true,
            _ => false,
        }
    }

    /// Whether what was asked for may be done all the same: the disk failed at the very end.
    pub fn is_uncertain(&self) -> bool {
        matches!(
            self,
            Self::Uncertain { .. } | Self::Stays(..) | Self::Open(OpenError::Unflushed { .. })
        )
    }

    pub(crate) fn not_whole(path: &Path, problem: impl Into<String>) -> Self {
        Self::NotWhole {
            path: path.into(),
            problem: problem.into(),
        }
    }
}

fn is_disk_full(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(rusqlite::ErrorCode::DiskFull)
}

pub(crate) fn file(act: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> CareError {
    let path = path.to_owned();
    move |source| CareError::File { act, path, source }
}
