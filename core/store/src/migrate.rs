//! Brings a database to the schema this program knows, so that no failure can lose the old one.
//!
//! The old database is copied, the copy is migrated and checked, and only then takes the old one's
//! place; the old file stays beside it until the next good start.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use rusqlite::backup::Backup;
use rusqlite::{Connection, OpenFlags};
use tracing::info;

use crate::error::OpenError;

/// Every migration, in order: its number is its place, from 1 on.
pub(crate) const MIGRATIONS: &[&str] = &[
    include_str!("../../../migrations/sqlite/0001_core.sql"),
    include_str!("../../../migrations/sqlite/0002_companion.sql"),
];

/// Marks a file as ours in its header: the letters "HRTH".
const APPLICATION_ID: i64 = 0x4852_5448;

/// Returns the schema that this program knows.
pub fn schema_version() -> i64 {
    newest(MIGRATIONS)
}

fn newest(migrations: &[&str]) -> i64 {
    i64::try_from(migrations.len()).unwrap_or(i64::MAX)
}

/// What a start found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Prepared {
    /// A database of the present schema.
    Present,
    /// None; a new one was made.
    Made,
    /// An older one; it was migrated, and is kept beside the new one.
    Migrated,
}

/// Makes sure that `path` is a database of the present schema.
pub(crate) fn prepare(path: &Path, migrations: &[&str]) -> Result<Prepared, OpenError> {
    let known = newest(migrations);
    let is_present = path.try_exists().map_err(file("look for", path))?;
    let build = beside(path, "new");
    remove_database(&build)?;
    if !is_present {
        set_log_aside(path)?;
        let conn = Connection::open(&build).map_err(|source| OpenError::Sqlite {
            act: "make the database",
            source,
        })?;
        migrate_and_swap(conn, &build, path, 0, migrations)?;
        return Ok(Prepared::Made);
    }
    let found = read_version(path)?;
    if found > known {
        return Err(OpenError::NewerSchema {
            path: path.into(),
            found,
            known,
        });
    }
    check_readable(path)?;
    if found == known {
        return Ok(Prepared::Present);
    }
    info!(from = found, to = known, "migrating a copy of the database");
    let failed = |problem: rusqlite::Error| migration_failed(path, known, problem.to_string());
    let old = crate::store::open_existing(path).map_err(failed)?;
    let mut copy = Connection::open(&build).map_err(failed)?;
    Backup::new(&old, &mut copy)
        .and_then(|backup| backup.run_to_completion(1000, std::time::Duration::ZERO, None))
        .map_err(failed)?;
    // Leaves nothing of the old database outside its file, and no one else is using it.
    old.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
        .map_err(failed)?;
    drop(old);
    if has_log(path) {
        return Err(migration_failed(
            path,
            known,
            "another program has the database open",
        ));
    }
    migrate_and_swap(copy, &build, path, found, migrations)?;
    Ok(Prepared::Migrated)
}

/// Removes what an earlier start's migration kept, now that the new database has opened again.
pub(crate) fn forget_old(path: &Path, migrations: &[&str]) -> Result<(), OpenError> {
    (1..newest(migrations)).try_for_each(|version| remove_if_there(&kept(path, version)))
}

fn migrate_and_swap(
    mut conn: Connection,
    build: &Path,
    path: &Path,
    from: i64,
    migrations: &[&str],
) -> Result<(), OpenError> {
    let known = newest(migrations);
    let failed = |problem: rusqlite::Error| migration_failed(path, known, problem.to_string());
    // One plain file, whole on disk: it is about to be renamed.
    conn.pragma_update(None, "journal_mode", "DELETE")
        .map_err(failed)?;
    conn.pragma_update(None, "synchronous", "FULL")
        .map_err(failed)?;
    // A migration may rebuild a table; dropping the old one must not take what refers to it along.
    // The check afterwards finds what refers to nothing.
    conn.pragma_update(None, "foreign_keys", "OFF")
        .map_err(failed)?;
    conn.pragma_update(None, "application_id", APPLICATION_ID)
        .map_err(failed)?;
    let done = usize::try_from(from).unwrap_or(usize::MAX);
    for (version, sql) in (1_i64..).zip(migrations).skip(done) {
        let tx = conn.transaction().map_err(failed)?;
        tx.execute_batch(sql).map_err(failed)?;
        tx.pragma_update(None, "user_version", version)
            .map_err(failed)?;
        tx.commit().map_err(failed)?;
    }
    check(&conn, path, known)?;
    conn.close().map_err(|(_, problem)| failed(problem))?;
    File::open(build)
        .and_then(|file| file.sync_all())
        .map_err(file("flush", build))?;
    if from > 0 {
        // A second name for the old file first: at every moment a whole database has the name
        // `path`, and the old one stays reachable.
        let old = kept(path, from);
        remove_if_there(&old)?;
        fs::hard_link(path, &old)
            .or_else(|_| fs::copy(path, &old).map(drop))
            .map_err(file("keep", &old))?;
    }
    fs::rename(build, path).map_err(file("put the new database in the place of", path))?;
    if let Some(folder) = path.parent() {
        File::open(folder)
            .and_then(|folder| folder.sync_all())
            .map_err(file("flush", folder))?;
    }
    Ok(())
}

fn check(conn: &Connection, path: &Path, to: i64) -> Result<(), OpenError> {
    let failed = |problem: rusqlite::Error| migration_failed(path, to, problem.to_string());
    let verdict: String = conn
        .query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))
        .map_err(failed)?;
    let broken: Option<String> = conn
        .prepare("PRAGMA foreign_key_check")
        .and_then(|mut statement| {
            let mut rows = statement.query([])?;
            rows.next()?.map(|row| row.get(0)).transpose()
        })
        .map_err(failed)?;
    let problem = match (verdict.as_str(), broken) {
        ("ok", None) => return Ok(()),
        ("ok", Some(table)) => format!("a row of {table} refers to one that is not there"),
        (verdict, _) => verdict.to_owned(),
    };
    Err(migration_failed(path, to, problem))
}

/// Reads the schema's number from the file's header; refuses what is not a Hearth database.
///
/// Read as bytes, because SQLite leaves files beside a database that it opens. A migration writes
/// the header before the database gets its name, and nothing changes these fields afterwards.
fn read_version(path: &Path) -> Result<i64, OpenError> {
    let mut header = [0; 72];
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut header));
    match read {
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => (),
        other => other.map_err(file("read", path))?,
    }
    let number = |at: usize, length: usize| {
        let bytes = header.iter().skip(at).take(length);
        bytes.fold(0, |number, byte| (number << 8) | i64::from(*byte))
    };
    let (version, application) = (number(60, 4), number(68, 4));
    if !header.starts_with(b"SQLite format 3\0") {
        return Err(unreadable(path, "it is no database"));
    }
    if application != APPLICATION_ID || version < 1 {
        return Err(unreadable(path, "it is a database of another program"));
    }
    // SQLite takes no notice of a last page that is cut short. The size 65536 is written as 1.
    let page_bytes = match number(16, 2) {
        1 => 65_536,
        bytes => bytes,
    };
    let needed = u64::try_from(page_bytes * number(28, 4)).unwrap_or(u64::MAX);
    let has = path.metadata().map_err(file("look at", path))?.len();
    if has < needed && !has_log(path) {
        return Err(unreadable(path, format!("it has {has} bytes of {needed}")));
    }
    Ok(version)
}

/// Looks into the database without changing it: finds a header that is whole before a body that
/// is not.
fn check_readable(path: &Path) -> Result<(), OpenError> {
    let read = || -> rusqlite::Result<()> {
        let conn = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        conn.busy_timeout(std::time::Duration::from_secs(5))?;
        conn.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))
    };
    read().map_err(|problem| unreadable(path, problem.to_string()))
}

fn unreadable(path: &Path, problem: impl Into<String>) -> OpenError {
    OpenError::Unreadable {
        path: path.into(),
        problem: problem.into(),
    }
}

/// Keeps the write-ahead log of a database that is gone from being read into the new one.
fn set_log_aside(path: &Path) -> Result<(), OpenError> {
    let stale = log(path, "-wal");
    match fs::rename(&stale, beside(path, "orphaned-wal")) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(file("set aside", &stale)(error));
        }
        Ok(()) | Err(_) => (),
    }
    remove_if_there(&log(path, "-shm"))
}

fn kept(path: &Path, version: i64) -> PathBuf {
    beside(path, &format!("schema-{version}"))
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(suffix);
    name.into()
}

/// One of the files that SQLite keeps with a database.
fn log(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Whether there are changes outside the database's own file.
fn has_log(path: &Path) -> bool {
    log(path, "-wal").metadata().is_ok_and(|wal| wal.len() > 0)
}

/// Removes what an interrupted build left.
fn remove_database(path: &Path) -> Result<(), OpenError> {
    ["", "-journal", "-wal", "-shm"]
        .into_iter()
        .try_for_each(|suffix| remove_if_there(&log(path, suffix)))
}

fn remove_if_there(path: &Path) -> Result<(), OpenError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(file("remove", path)(error))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

fn file(act: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> OpenError {
    let path = path.to_owned();
    move |source| OpenError::File { act, path, source }
}

fn migration_failed(path: &Path, to: i64, problem: impl Into<String>) -> OpenError {
    OpenError::Migration {
        path: path.into(),
        to,
        problem: problem.into(),
    }
}

#[cfg(test)]
mod tests;
