//! Brings a database to the schema this program knows, so that no failure can lose the old one.
//!
//! The old database is copied, the copy is migrated and checked, and only then takes the old one's
//! place; the old file stays beside it until the next good start.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use rusqlite::backup::Backup;
use rusqlite::{Connection, OpenFlags};
use tracing::info;

use crate::error::OpenError;

/// Every migration, in order: its number is its place, from 1 on.
const MIGRATIONS: &[&str] = &[include_str!("../../../migrations/sqlite/0001_core.sql")];

/// Marks a file as ours in its header: the letters "HRTH".
const APPLICATION_ID: i64 = 0x4852_5448;

/// Returns the schema that this program knows.
pub fn schema_version() -> i64 {
    i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX)
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
pub(crate) fn prepare(path: &Path) -> Result<Prepared, OpenError> {
    let is_present = path.try_exists().map_err(file("look for", path))?;
    let build = beside(path, "new");
    remove_database(&build)?;
    if !is_present {
        let conn = Connection::open(&build).map_err(|source| OpenError::Sqlite {
            act: "make the database",
            source,
        })?;
        migrate_and_swap(conn, &build, path, 0)?;
        return Ok(Prepared::Made);
    }
    let found = read_version(path)?;
    if found > schema_version() {
        return Err(OpenError::NewerSchema {
            path: path.into(),
            found,
            known: schema_version(),
        });
    }
    if found == schema_version() {
        return Ok(Prepared::Present);
    }
    info!(
        from = found,
        to = schema_version(),
        "migrating a copy of the database"
    );
    let failed = |problem: rusqlite::Error| migration_failed(path, problem);
    let old = crate::store::open_existing(path).map_err(failed)?;
    let mut copy = Connection::open(&build).map_err(failed)?;
    Backup::new(&old, &mut copy)
        .and_then(|backup| backup.run_to_completion(1000, std::time::Duration::ZERO, None))
        .map_err(failed)?;
    // Leaves nothing of the old database outside its file, and no one else is using it.
    old.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
        .map_err(failed)?;
    drop(old);
    migrate_and_swap(copy, &build, path, found)?;
    Ok(Prepared::Migrated)
}

/// Removes what an earlier start's migration kept, now that the new database has opened again.
pub(crate) fn forget_old(path: &Path) -> Result<(), OpenError> {
    (1..schema_version()).try_for_each(|version| remove_if_there(&kept(path, version)))
}

fn migrate_and_swap(
    mut conn: Connection,
    build: &Path,
    path: &Path,
    from: i64,
) -> Result<(), OpenError> {
    let failed = |problem: rusqlite::Error| migration_failed(path, problem);
    // One plain file, whole on disk: it is about to be renamed.
    conn.pragma_update(None, "journal_mode", "DELETE")
        .map_err(failed)?;
    conn.pragma_update(None, "synchronous", "FULL")
        .map_err(failed)?;
    conn.pragma_update(None, "application_id", APPLICATION_ID)
        .map_err(failed)?;
    let done = usize::try_from(from).unwrap_or(usize::MAX);
    for (version, sql) in (1_i64..).zip(MIGRATIONS).skip(done) {
        let tx = conn.transaction().map_err(failed)?;
        tx.execute_batch(sql).map_err(failed)?;
        tx.pragma_update(None, "user_version", version)
            .map_err(failed)?;
        tx.commit().map_err(failed)?;
    }
    check(&conn, path)?;
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

fn check(conn: &Connection, path: &Path) -> Result<(), OpenError> {
    let failed = |problem: rusqlite::Error| migration_failed(path, problem);
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
    Err(OpenError::Migration {
        path: path.into(),
        to: schema_version(),
        problem,
    })
}

/// Reads the schema's number without changing the file; refuses what is not a Hearth database.
fn read_version(path: &Path) -> Result<i64, OpenError> {
    let unreadable = |problem: String| OpenError::Unreadable {
        path: path.into(),
        problem,
    };
    let read = || -> rusqlite::Result<(i64, i64)> {
        let conn = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        conn.busy_timeout(std::time::Duration::from_secs(5))?;
        let application = conn.query_row("PRAGMA application_id", [], |row| row.get(0))?;
        let version = conn.query_row("PRAGMA user_version", [], |row| row.get(0))?;
        // Reading a table finds a header that is whole and a body that is not.
        conn.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
        Ok((application, version))
    };
    let (application, version) = read().map_err(|problem| unreadable(problem.to_string()))?;
    if application != APPLICATION_ID || version < 1 {
        return Err(unreadable(
            "it is a database of another program, or empty".into(),
        ));
    }
    Ok(version)
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

/// Removes what an interrupted build left.
fn remove_database(path: &Path) -> Result<(), OpenError> {
    for suffix in ["", "-journal", "-wal", "-shm"] {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        remove_if_there(&PathBuf::from(name))?;
    }
    Ok(())
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

fn migration_failed(path: &Path, problem: rusqlite::Error) -> OpenError {
    OpenError::Migration {
        path: path.into(),
        to: schema_version(),
        problem: problem.to_string(),
    }
}

#[cfg(test)]
mod tests;
