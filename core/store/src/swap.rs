//! Puts one database file in the place of another, so that at every moment a whole one has the
//! name and the old one stays reachable.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use crate::error::OpenError;

/// Gives the database `new`, one plain file that is whole on disk, the name `path`. The old one,
/// where there is one, keeps a second name: `kept`.
pub(crate) fn put_in_place(new: &Path, path: &Path, kept: Option<&Path>) -> Result<(), OpenError> {
    if let Some(kept) = kept {
        keep(path, kept)?;
    }
    fs::rename(new, path).map_err(file("put the new database in the place of", path))?;
    flush_folder_of(path).map_err(|source| OpenError::Unflushed {
        path: path.into(),
        source,
    })
}

/// Gives a file a second name, in the place of what had it; a copy where the file system knows no
/// second names.
pub(crate) fn keep(path: &Path, kept: &Path) -> Result<(), OpenError> {
    remove_if_there(kept)?;
    fs::hard_link(path, kept)
        .or_else(|_| fs::copy(path, kept).map(drop))
        .map_err(file("keep", kept))
}

/// Moves everything that the log holds into the database's own file. Returns whether it could: not
/// while another program has the database open.
pub(crate) fn fold_log(conn: &Connection, path: &Path) -> rusqlite::Result<bool> {
    conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    Ok(!has_log(path))
}

/// Keeps the log of a database that is gone from being read into the new one.
pub(crate) fn set_log_aside(path: &Path) -> Result<(), OpenError> {
    let stale = log(path, "-wal");
    match fs::rename(&stale, beside(path, "orphaned-wal")) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            return Err(file("set aside", &stale)(error));
        }
        Ok(()) | Err(_) => (),
    }
    remove_if_there(&log(path, "-shm"))
}

/// Whether there are changes outside the database's own file. Where that cannot be told, there may
/// be.
pub(crate) fn has_log(path: &Path) -> bool {
    match log(path, "-wal").metadata() {
        Ok(wal) => wal.len() > 0,
        Err(error) => error.kind() != ErrorKind::NotFound,
    }
}

/// Makes the names in a file's folder outlive a loss of power.
pub(crate) fn sync_folder_of(path: &Path) -> Result<(), OpenError> {
    flush_folder_of(path).map_err(file("flush the folder of", path))
}

fn flush_folder_of(path: &Path) -> std::io::Result<()> {
    // The folder of a bare name is the present one.
    let folder = match path.parent() {
        None => return Ok(()),
        Some(folder) if folder.as_os_str().is_empty() => Path::new("."),
        Some(folder) => folder,
    };
    File::open(folder)?.sync_all()
}

/// Removes a database with all that SQLite keeps beside it.
pub(crate) fn remove_database(path: &Path) -> Result<(), OpenError> {
    ["", "-journal", "-wal", "-shm"]
        .into_iter()
        .try_for_each(|suffix| remove_if_there(&log(path, suffix)))
}

pub(crate) fn remove_if_there(path: &Path) -> Result<(), OpenError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(file("remove", path)(error)),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// The name of a file beside another: `hearth.db` and `new` give `hearth.db.new`.
pub(crate) fn beside(path: &Path, suffix: &str) -> PathBuf {
    log(path, &format!(".{suffix}"))
}

/// One of the files that SQLite keeps with a database.
pub(crate) fn log(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

pub(crate) fn file(act: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> OpenError {
    let path = path.to_owned();
    move |source| OpenError::File { act, path, source }
}
