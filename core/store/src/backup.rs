//! Backups: the database as it was at one moment and every content that its artifacts have, in one
//! tar file that common tools open.
//!
//! `manifest.json` comes first, then `hearth.db`, one plain file, then `artifacts/ab/abcdef...`,
//! each content once. Keys of people, locks and settings are not in it. A file gets its name only
//! after it was read back and found whole.

mod archive;
mod draft;
mod manifest;
mod unpack;

use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use hearth_domain::Timestamp;
use hearth_domain::artifact::ContentHash;
use rusqlite::Connection;
use rusqlite::backup::Backup;
use thiserror::Error;

use crate::contents::hash;
use crate::error::{OpenError, StoreError};
use crate::inspect::{Snapshot, read_version};
use crate::pragmas;
use crate::swap::{beside, sync_folder_of};

pub(crate) use draft::{Draft, Scratch};
pub use manifest::{DatabaseFile, FORMAT, Manifest};
pub(crate) use unpack::{Contents, unpack};

/// What a backup is made from.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    /// The database, which a node may be using.
    pub database: &'a Path,
    /// The folder of artifacts' contents.
    pub artifacts: &'a Path,
    /// The version of this program.
    pub version: &'a str,
    /// The present moment.
    pub at: Timestamp,
}

/// A backup that is whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// What it says of itself.
    pub manifest: Manifest,
    /// The size of the file.
    pub bytes: u64,
}

/// Why there is no backup, or why one cannot be used.
#[derive(Debug, Error)]
pub enum BackupError {
    /// A file of this name is there already.
    #[error("{} is there already", .0.display())]
    Exists(PathBuf),
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
    /// Another program has the database open.
    #[error("another program has {} open", .0.display())]
    InUse(PathBuf),
}

impl BackupError {
    /// Whether a disk was full.
    pub fn is_no_room(&self) -> bool {
        match self {
            Self::File { source, .. } | Self::Open(OpenError::File { source, .. }) => matches!(
                source.kind(),
                ErrorKind::StorageFull | ErrorKind::QuotaExceeded
            ),
            Self::Database { source, .. } => is_disk_full(source),
            Self::Store(StoreError::NoRoom) => true,
            Self::Store(StoreError::Sqlite(source)) => is_disk_full(source),
            _ => false,
        }
    }

    fn not_whole(path: &Path, problem: impl Into<String>) -> Self {
        Self::NotWhole {
            path: path.into(),
            problem: problem.into(),
        }
    }
}

fn is_disk_full(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(rusqlite::ErrorCode::DiskFull)
}

/// Writes a backup to `target`, which must not exist, and reads it back before it gets that name.
/// On any failure nothing remains of it.
///
/// # Errors
/// See [`BackupError`]; the database and the contents are only read.
pub fn write(source: &Source<'_>, target: &Path) -> Result<Written, BackupError> {
    refuse_existing(target)?;
    let draft = Draft::create(target)?;
    let scratch = Scratch::create(&beside(target, "partial-db"))?;
    copy_database(source.database, scratch.path())?;
    let manifest = describe(source, scratch.path())?;
    let snapshot = Snapshot::open(scratch.path())?;
    archive::write(source, &manifest, &snapshot, scratch.path(), &draft)?;
    drop(snapshot);
    draft.flush()?;
    scratch.clear()?;
    let read_back = unpack(draft.path(), scratch.path(), Contents::Check)?;
    if read_back != manifest {
        return Err(BackupError::not_whole(
            draft.path(),
            "it does not read back as it was written",
        ));
    }
    drop(scratch);
    let bytes = draft.bytes()?;
    refuse_existing(target)?;
    draft.rename(target)?;
    sync_folder_of(target)?;
    Ok(Written { manifest, bytes })
}

/// Reads a backup and returns what it says of itself, once all of it was found to be true.
/// `scratch` names a file that the database is unpacked to meanwhile.
///
/// # Errors
/// See [`BackupError`].
pub fn verify(path: &Path, scratch: &Path) -> Result<Written, BackupError> {
    let scratch = Scratch::create(scratch)?;
    let manifest = unpack(path, scratch.path(), Contents::Check)?;
    let bytes = path.metadata().map_err(file("look at", path))?.len();
    Ok(Written { manifest, bytes })
}

fn refuse_existing(target: &Path) -> Result<(), BackupError> {
    match target.symlink_metadata() {
        Ok(_) => Err(BackupError::Exists(target.into())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(file("look for", target)(error)),
    }
}

/// Copies the database as it is at one moment, while a node may go on writing to it, into one
/// plain file.
fn copy_database(database: &Path, copy: &Path) -> Result<(), BackupError> {
    let failed = |source| BackupError::Database {
        act: "copy the database",
        source,
    };
    pragmas::check_sqlite_version()?;
    read_version(database)?;
    let from = pragmas::open_for_copying(database).map_err(failed)?;
    let mut to = Connection::open(copy).map_err(failed)?;
    // The copy is flushed as a part of the archive, or thrown away.
    to.pragma_update(None, "synchronous", "OFF")
        .map_err(failed)?;
    // All pages in one step: between two steps, a change by a node would begin the copy anew.
    Backup::new(&from, &mut to)
        .and_then(|backup| backup.run_to_completion(i32::MAX, Duration::from_millis(10), None))
        .map_err(failed)?;
    to.pragma_update(None, "journal_mode", "DELETE")
        .map_err(failed)?;
    to.close().map_err(|(_, source)| failed(source))
}

fn describe(source: &Source<'_>, copy: &Path) -> Result<Manifest, BackupError> {
    let snapshot = Snapshot::open(copy)?;
    if let Some(fault) = snapshot.find_fault()? {
        return Err(BackupError::Unsound(fault));
    }
    let mut contents = 0;
    let mut content_bytes = 0;
    snapshot.each_content(|_, size| {
        contents += 1;
        content_bytes += size;
        Ok::<_, StoreError>(())
    })?;
    let (sha256, size_bytes) = File::open(copy)
        .and_then(hash)
        .map_err(file("read", copy))?;
    Ok(Manifest {
        kind: manifest::KIND.into(),
        format: FORMAT,
        version: source.version.into(),
        created_at: source.at,
        schema: snapshot.schema(),
        last_seq: snapshot.last_event()?.0,
        counts: snapshot.counts()?,
        contents,
        content_bytes,
        database: DatabaseFile {
            size_bytes,
            sha256: sha256.to_string(),
        },
    })
}

/// Where a content lies in a backup.
fn entry_name(hash: ContentHash) -> String {
    let name = hash.to_string();
    let (head, _) = name.split_at(2);
    format!("artifacts/{head}/{name}")
}

fn file(act: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> BackupError {
    let path = path.to_owned();
    move |source| BackupError::File { act, path, source }
}

#[cfg(test)]
pub(crate) mod tests;
