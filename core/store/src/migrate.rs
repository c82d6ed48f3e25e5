//! Brings a database to the schema this program knows, so that no failure can lose the old one.
//!
//! The old database is copied, the copy is migrated and checked, and only then takes the old one's
//! place; the old file stays beside it until the next good start.

use std::fs::File;
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use rusqlite::backup::Backup;
use tracing::info;

use crate::error::OpenError;
use crate::inspect::{check_readable, find_fault, read_version};
use crate::swap::{
    beside, file, fold_log, put_in_place, remove_database, remove_if_there, set_log_aside,
};

/// Every migration, in order: its number is its place, from 1 on.
pub(crate) const MIGRATIONS: &[&str] = &[
    include_str!("../../../migrations/sqlite/0001_core.sql"),
    include_str!("../../../migrations/sqlite/0002_companion.sql"),
    include_str!("../../../migrations/sqlite/0003_runs.sql"),
    include_str!("../../../migrations/sqlite/0004_waiting.sql"),
    include_str!("../../../migrations/sqlite/0005_money.sql"),
    include_str!("../../../migrations/sqlite/0006_tools.sql"),
    include_str!("../../../migrations/sqlite/0007_agents.sql"),
    include_str!("../../../migrations/sqlite/0008_memory.sql"),
    include_str!("../../../migrations/sqlite/0009_trust.sql"),
    include_str!("../../../migrations/sqlite/0010_chat.sql"),
    include_str!("../../../migrations/sqlite/0011_telegram.sql"),
    include_str!("../../../migrations/sqlite/0012_telegram_chats.sql"),
];

/// Marks a file as ours in its header: the letters "HRTH".
pub(crate) const APPLICATION_ID: i64 = 0x4852_5448;

/// Returns the schema that this program knows.
pub fn schema_version() -> i64 {
    newest(MIGRATIONS)
}

fn newest(migrations: &[&str]) -> i64 {
    i64::try_from(migrations.len()).unwrap_or(i64::MAX)
}

/// What became of a database that was to be brought up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BroughtUp {
    /// The schema it had.
    pub from: i64,
    /// The schema it has.
    pub to: i64,
    /// The old database, where there was something to do.
    pub kept: Option<PathBuf>,
}

/// Brings the database at `path` to the schema that this program knows; `None` where there is none.
/// Nobody else may use it meanwhile.
///
/// # Errors
/// See [`OpenError`]; whatever the error, the file is as it was.
pub fn bring_up(path: &Path) -> Result<Option<BroughtUp>, OpenError> {
    crate::pragmas::check_sqlite_version()?;
    if !path.try_exists().map_err(file("look for", path))? {
        return Ok(None);
    }
    let from = read_version(path)?;
    let prepared = prepare(path, MIGRATIONS)?;
    let kept = (prepared == Prepared::Migrated).then(|| kept(path, from));
    Ok(Some(BroughtUp {
        from,
        to: schema_version(),
        kept,
    }))
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
    // Leaves nothing of the old database outside its file.
    let is_folded = fold_log(&old, path).map_err(failed)?;
    drop(old);
    if !is_folded {
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
    if let Some(fault) = find_fault(&conn).map_err(failed)? {
        return Err(migration_failed(path, known, fault));
    }
    conn.close().map_err(|(_, problem)| failed(problem))?;
    File::open(build)
        .and_then(|file| file.sync_all())
        .map_err(file("flush", build))?;
    let old = (from > 0).then(|| kept(path, from));
    put_in_place(build, path, old.as_deref())
}

fn kept(path: &Path, version: i64) -> PathBuf {
    beside(path, &format!("schema-{version}"))
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
