//! Looks at a database without changing it: what it is, what it holds, whether it is sound.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::Path;
use std::time::Duration;

use hearth_domain::Timestamp;
use hearth_domain::artifact::ContentHash;
use hearth_domain::event::Seq;
use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension};
use serde::{Deserialize, Serialize};

use crate::error::{OpenError, StoreError};
use crate::migrate::{self, APPLICATION_ID};
use crate::pragmas;
use crate::swap::{file, has_log};

/// How many things a database holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counts {
    /// Projects.
    pub projects: u64,
    /// Tasks.
    pub tasks: u64,
    /// Artifacts.
    pub artifacts: u64,
    /// Events.
    pub events: u64,
}

/// One moment of a database, whoever goes on writing to it.
#[derive(Debug)]
pub struct Snapshot {
    conn: Connection,
    schema: i64,
}

impl Snapshot {
    /// Opens the database at `path`, of this program's schema or an older one, for reading.
    ///
    /// # Errors
    /// It is missing, is no Hearth database, cannot be read, or has a newer schema.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        pragmas::check_sqlite_version()?;
        let schema = read_version(path)?;
        let known = migrate::schema_version();
        if schema > known {
            return Err(OpenError::NewerSchema {
                path: path.into(),
                found: schema,
                known,
            });
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let open = || -> rusqlite::Result<Connection> {
            let conn = Connection::open_with_flags(path, flags)?;
            pragmas::for_reader(&conn)?;
            conn.execute_batch("BEGIN")?;
            // The moment is that of the first read.
            conn.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
            Ok(conn)
        };
        let conn = open().map_err(|problem| unreadable(path, problem.to_string()))?;
        Ok(Self { conn, schema })
    }

    /// Returns the number of its schema.
    pub fn schema(&self) -> i64 {
        self.schema
    }

    /// Reads it all and returns what is wrong with it, if anything is.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn find_fault(&self) -> Result<Option<String>, StoreError> {
        Ok(find_fault(&self.conn)?)
    }

    /// Counts what it holds.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn counts(&self) -> Result<Counts, StoreError> {
        let count = |table: &str| {
            let sql = format!("SELECT count(*) FROM {table}");
            self.conn.query_row(&sql, [], |row| row.get(0))
        };
        Ok(Counts {
            projects: count("projects")?,
            tasks: count("tasks")?,
            artifacts: count("artifacts")?,
            events: count("events")?,
        })
    }

    /// Returns the position and the time of the last event; 0 where there is none.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn last_event(&self) -> Result<(Seq, Option<Timestamp>), StoreError> {
        let sql = "SELECT seq, timestamp FROM events ORDER BY seq DESC LIMIT 1";
        let last: Option<(Seq, i64)> = self
            .conn
            .query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        Ok(last.map_or((0, None), |(seq, at)| {
            (seq, Some(Timestamp::from_millis(at)))
        }))
    }

    /// Names each content that an artifact has, once, with its size.
    ///
    /// # Errors
    /// It cannot be read; whatever `each` returns.
    pub fn each_content<E: From<StoreError>>(
        &self,
        mut each: impl FnMut(ContentHash, u64) -> Result<(), E>,
    ) -> Result<(), E> {
        let sql = "SELECT DISTINCT sha256, size_bytes FROM artifacts ORDER BY sha256";
        let mut statement = self.conn.prepare(sql).map_err(StoreError::from)?;
        let mut rows = statement.query([]).map_err(StoreError::from)?;
        while let Some(row) = rows.next().map_err(StoreError::from)? {
            let hash = row.get(0).map_err(StoreError::from)?;
            let size = row.get(1).map_err(StoreError::from)?;
            each(ContentHash(hash), size)?;
        }
        Ok(())
    }

    pub(crate) fn conn(&self) -> &Connection {
        &self.conn
    }
}

/// Returns the version of the SQLite inside this program.
pub fn sqlite_version() -> &'static str {
    rusqlite::version()
}

/// Reads the whole database and returns what is wrong with it, if anything is.
pub(crate) fn find_fault(conn: &Connection) -> rusqlite::Result<Option<String>> {
    let verdict: String = conn.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
    if verdict != "ok" {
        return match failed_read(&verdict) {
            Some(failure) => Err(failure),
            None => Ok(Some(verdict)),
        };
    }
    let broken: Option<String> = conn
        .prepare("PRAGMA foreign_key_check")?
        .query([])?
        .next()?
        .map(|row| row.get(0))
        .transpose()?;
    Ok(broken.map(|table| format!("a row of {table} refers to one that is not there")))
}

/// Tells a page that the disk did not give from one that is damaged: a check names the error.
fn failed_read(verdict: &str) -> Option<rusqlite::Error> {
    let (_, code) = verdict.rsplit_once("error code=")?;
    let digits = code.split(|c: char| !c.is_ascii_digit()).next()?;
    let error = rusqlite::ffi::Error::new(digits.parse().ok()?);
    let error = rusqlite::Error::SqliteFailure(error, Some("disk I/O error".into()));
    is_of_disk(&error).then_some(error)
}

/// Whether the disk failed, rather than what is on it being damaged.
pub(crate) fn is_of_disk(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::SystemIoFailure)
}

/// Reads the schema's number from the file's header; refuses what is not a Hearth database.
///
/// Read as bytes, because SQLite leaves files beside a database that it opens. A migration writes
/// the header before the database gets its name, and nothing changes these fields afterwards.
pub(crate) fn read_version(path: &Path) -> Result<i64, OpenError> {
    let mut header = [0; 72];
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut header));
    match read {
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => (),
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
pub(crate) fn check_readable(path: &Path) -> Result<(), OpenError> {
    let read = || -> rusqlite::Result<()> {
        let conn = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        conn.busy_timeout(Duration::from_secs(5))?;
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
