//! Every PRAGMA that is set, each with its reason.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use crate::error::OpenError;

/// The first SQLite without the fault that can corrupt a WAL database used by two connections.
pub(crate) const SQLITE_NEEDED: &str = "3.51.3";
const SQLITE_NEEDED_NUMBER: i32 = 3_051_003;

/// How many prepared statements a connection keeps: more than there are in this crate.
const STATEMENTS_KEPT: usize = 256;

/// Refuses a SQLite that is too old, whatever the lock file said.
pub(crate) fn check_sqlite_version() -> Result<(), OpenError> {
    check_version_number(rusqlite::version_number(), rusqlite::version())
}

fn check_version_number(number: i32, found: &'static str) -> Result<(), OpenError> {
    if number < SQLITE_NEEDED_NUMBER {
        return Err(OpenError::SqliteTooOld {
            found,
            needed: SQLITE_NEEDED,
        });
    }
    Ok(())
}

/// For the connection that writes.
pub(crate) fn for_writer(conn: &Connection) -> rusqlite::Result<()> {
    // Readers go on while one writes.
    conn.pragma_update(None, "journal_mode", "WAL")?;
    // An answered write survives a power cut.
    conn.pragma_update(None, "synchronous", "FULL")?;
    conn.pragma_update(None, "foreign_keys", "ON")?;
    // Checkpoints are another connection's work, off the path of a write.
    conn.pragma_update(None, "wal_autocheckpoint", 0)?;
    // A RESTART checkpoint holds the writer up for as long as it copies pages.
    conn.busy_timeout(Duration::from_secs(10))?;
    // 12 MiB: the inner pages of every index of 100,000 tasks, with the leaves in use.
    conn.pragma_update(None, "cache_size", -12_288)?;
    conn.pragma_update(None, "temp_store", "MEMORY")?;
    conn.pragma_update(None, "trusted_schema", "OFF")?;
    conn.set_prepared_statement_cache_capacity(STATEMENTS_KEPT);
    Ok(())
}

/// For a connection that reads; it was opened read-only.
pub(crate) fn for_reader(conn: &Connection) -> rusqlite::Result<()> {
    conn.busy_timeout(Duration::from_secs(5))?;
    // 5 MiB for each: the inner pages of the indexes and the rows last looked at. What is not there
    // comes from the system's cache, which costs a call.
    conn.pragma_update(None, "cache_size", -5120)?;
    conn.pragma_update(None, "temp_store", "MEMORY")?;
    conn.pragma_update(None, "query_only", "ON")?;
    conn.pragma_update(None, "trusted_schema", "OFF")?;
    conn.set_prepared_statement_cache_capacity(STATEMENTS_KEPT);
    Ok(())
}

/// Opens a database of which a copy is to be made.
pub(crate) fn open_for_copying(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(path, flags)?;
    // A node that starts or stops holds everybody up while it goes through the log.
    conn.busy_timeout(Duration::from_secs(10))?;
    Ok(conn)
}

/// For the connection that does nothing but checkpoints.
pub(crate) fn for_checkpointer(conn: &Connection) -> rusqlite::Result<()> {
    // While it waits for readers, the writer waits for it. Everyday reads are over by then, and a
    // backup that takes longer leaves the rest to the next checkpoint.
    conn.busy_timeout(Duration::from_millis(250))?;
    conn.pragma_update(None, "synchronous", "FULL")?;
    // It reads no pages through its cache.
    conn.pragma_update(None, "cache_size", -64)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sqlite_older_than_needed_is_refused() {
        assert!(matches!(
            check_version_number(3_051_002, "3.51.2"),
            Err(OpenError::SqliteTooOld {
                found: "3.51.2",
                ..
            })
        ));
        assert!(check_version_number(3_051_003, "3.51.3").is_ok());
        assert!(check_sqlite_version().is_ok());
    }
}
