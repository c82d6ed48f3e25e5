//! Puts a backup in the place of what a data folder holds. What was there stays.
//!
//! Everything is unpacked and checked in a folder of its own first. Then the contents get their
//! places, beside those that are there, and then the database, by one rename: at every moment the
//! old or the new one is whole under its name.

use std::fs::{self, DirBuilder};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use hearth_domain::Timestamp;
use rusqlite::ErrorCode;

use crate::backup::{Contents, Manifest, unpack};
use crate::care_error::CareError;
use crate::contents::{parse_hash, place};
use crate::error::OpenError;
use crate::inspect::read_version;
use crate::store::open_existing;
use crate::swap::{
    beside, file, fold_log, has_log, keep, log, put_in_place, remove_if_there, set_log_aside,
    sync_folder_of,
};

/// Where a backup is unpacked to. Nobody else uses the folder meanwhile.
#[derive(Debug, Clone, Copy)]
pub struct Destination<'a> {
    /// The database, which need not be there, and may be damaged.
    pub database: &'a Path,
    /// The folder of artifacts' contents.
    pub artifacts: &'a Path,
    /// A folder on the same disk for what is not checked yet; what is in it is removed.
    pub staging: &'a Path,
}

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// What the backup says of itself.
    pub manifest: Manifest,
    /// The database that was there before.
    pub kept: Option<PathBuf>,
}

/// Restores the backup at `path`.
///
/// # Errors
/// See [`CareError`]; the database that was there is still in its place then.
pub fn restore(
    path: &Path,
    destination: &Destination<'_>,
    at: Timestamp,
) -> Result<Restored, CareError> {
    let staging = Staging::create(destination.staging)?;
    let database = staging.path.join("hearth.db");
    let contents = staging.path.join("contents");
    make_folder(&contents)?;
    let manifest = unpack(path, &database, Contents::KeepIn(&contents))?;
    move_contents(&contents, destination.artifacts)?;
    let kept = swap(&database, destination.database, at)?;
    Ok(Restored { manifest, kept })
}

/// A folder that is gone when it is done with, however that came.
#[derive(Debug)]
pub(crate) struct Staging {
    pub(crate) path: PathBuf,
}

impl Staging {
    /// Makes an empty one, in the place of what a killed program left.
    pub(crate) fn create(path: &Path) -> Result<Self, OpenError> {
        remove_folder(path).map_err(file("remove", path))?;
        make_folder(path)?;
        Ok(Self { path: path.into() })
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        // The next one of this name begins by removing it, and `hearth doctor` tells of it.
        let _ = remove_folder(&self.path);
    }
}

fn remove_folder(path: &Path) -> std::io::Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Makes a folder that is only its owner's to look into.
pub(crate) fn make_folder(path: &Path) -> Result<(), OpenError> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt;
        builder.mode(0o700);
    }
    builder.create(path).map_err(file("make the folder", path))
}

/// Gives each content in `from` its place below `to`; one that is there already is written over
/// with the same bytes, or with whole ones where it was damaged.
pub(crate) fn move_contents(from: &Path, to: &Path) -> Result<(), OpenError> {
    make_folder(to)?;
    for entry in fs::read_dir(from).map_err(file("list", from))? {
        let entry = entry.map_err(file("list", from))?;
        let Some(hash) = entry.file_name().to_str().and_then(parse_hash) else {
            continue;
        };
        let target = place(to, hash);
        if let Some(folder) = target.parent() {
            make_folder(folder)?;
        }
        fs::rename(entry.path(), &target).map_err(file("put a content in its place", &target))?;
        sync_folder_of(&target)?;
    }
    // The names of folders that are new.
    sync_folder_of(&to.join("any"))
}

/// Puts `new` in the place of the database, and returns under which name that is kept.
fn swap(new: &Path, path: &Path, at: Timestamp) -> Result<Option<PathBuf>, CareError> {
    if !path.try_exists().map_err(file("look for", path))? {
        set_log_aside(path)?;
        put_in_place(new, path, None)?;
        return Ok(None);
    }
    let kept = kept_name(path, at);
    let kept_log = log(&kept, "-wal");
    // Kept before SQLite looks at them: it throws the log of a database away that it thinks empty.
    keep(path, &kept)?;
    if has_log(path) {
        keep(&log(path, "-wal"), &kept_log)?;
    }
    sync_folder_of(path)?;
    let swapped = clear_log(path).and_then(|()| {
        if !has_log(&kept) {
            remove_if_there(&kept_log)?;
        }
        Ok(put_in_place(new, path, None)?)
    });
    match swapped {
        Ok(()) => Ok(Some(kept)),
        // The old database has its name still. What is kept is superfluous, unless it is all that
        // there is of a log that was taken away.
        Err(error) if !error.is_uncertain() && (has_log(path) || !has_log(&kept)) => {
            remove_if_there(&kept)?;
            remove_if_there(&kept_log)?;
            Err(error)
        }
        Err(error) => Err(error),
    }
}

/// Sees to it that the new database does not find the log of the old one, which it would take for
/// its own. The log is folded into the old database; one too damaged for that loses it, and both
/// are kept together under the other name.
fn clear_log(path: &Path) -> Result<(), CareError> {
    let fold = || -> rusqlite::Result<bool> {
        let conn = open_existing(path)?;
        fold_log(&conn, path)
    };
    match read_version(path) {
        Err(error @ OpenError::File { .. }) => return Err(error.into()),
        // None of ours, or too damaged to say: SQLite is kept away from it.
        Err(_) => (),
        Ok(_) => match fold() {
            Ok(true) => (),
            Ok(false) => return Err(CareError::InUse(path.into())),
            Err(error) if is_damage(&error) => (),
            Err(source) => {
                return Err(CareError::Database {
                    act: "fold the old database's log into it, to keep it whole",
                    source,
                });
            }
        },
    }
    for suffix in ["-wal", "-shm"] {
        remove_if_there(&log(path, suffix))?;
    }
    Ok(())
}

fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
    )
}

/// A name that tells what the file is and when it was set aside, and that nothing has.
fn kept_name(path: &Path, at: Timestamp) -> PathBuf {
    let second = at.to_string();
    let second = second.split('.').next().unwrap_or_default();
    let name = format!("before-restore-{}Z", second.replace(':', "-"));
    std::iter::once(name.clone())
        .chain((2..1000).map(|number| format!("{name}-{number}")))
        .map(|name| beside(path, &name))
        .find(|name| name.symlink_metadata().is_err())
        .unwrap_or_else(|| beside(path, &name))
}

#[cfg(test)]
mod tests;
