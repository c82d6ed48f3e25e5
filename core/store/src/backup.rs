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
use std::path::Path;
use std::time::Duration;

use hearth_domain::Timestamp;
use hearth_domain::artifact::ContentHash;
use rusqlite::Connection;
use rusqlite::backup::Backup;

use crate::care_error::{CareError, file};
use crate::contents::hash;
use crate::error::StoreError;
use crate::inspect::{Snapshot, read_version};
use crate::pragmas;
use crate::swap::beside;

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

/// Writes a backup to `target`, which must not exist, and reads it back before it gets that name.
/// On any failure nothing remains of it.
///
/// # Errors
/// See [`CareError`]; the database and the contents are only read.
pub fn write(source: &Source<'_>, target: &Path) -> Result<Written, CareError> {
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
        return Err(CareError::not_whole(
            draft.path(),
            "it does not read back as it was written",
        ));
    }
    drop(scratch);
    let bytes = draft.bytes()?;
    refuse_existing(target)?;
    draft.rename(target)?;
    Ok(Written { manifest, bytes })
}

/// Reads a backup and returns what it says of itself, once all of it was found to be true.
/// `scratch` names a file that the database is unpacked to meanwhile.
///
/// # Errors
/// See [`CareError`].
pub fn verify(path: &Path, scratch: &Path) -> Result<Written, CareError> {
    let scratch = Scratch::create(scratch)?;
    let manifest = unpack(path, scratch.path(), Contents::Check)?;
    let bytes = path.metadata().map_err(file("look at", path))?.len();
    Ok(Written { manifest, bytes })
}

pub(crate) fn refuse_existing(target: &Path) -> Result<(), CareError> {
    match target.symlink_metadata() {
        Ok(_) => Err(CareError::Exists(target.into())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(file("look for", target)(error)),
    }
}

/// Copies the database as it is at one moment, while a node may go on writing to it, into one
/// plain file.
fn copy_database(database: &Path, copy: &Path) -> Result<(), CareError> {
    let failed = |source| CareError::Database {
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

fn describe(source: &Source<'_>, copy: &Path) -> Result<Manifest, CareError> {
    let snapshot = Snapshot::open(copy)?;
    if let Some(fault) = snapshot.find_fault()? {
        return Err(CareError::Unsound(fault));
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

#[cfg(test)]
pub(crate) mod tests;
