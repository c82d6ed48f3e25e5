//! What a test looks for in a database, and how one is made large. Whatever schema it has.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, ensure};
use rusqlite::types::Value;
use rusqlite::{Connection, OpenFlags};

/// The rows of a table, each with its values in the order of `columns`.
#[derive(Debug, Clone, PartialEq)]
pub struct Rows {
    /// The columns.
    pub columns: Vec<String>,
    /// The values.
    pub values: Vec<Vec<Value>>,
}

/// Opens a database that is there, as it was left.
///
/// # Errors
/// It is not there.
pub fn open(path: &Path) -> anyhow::Result<Connection> {
    Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)
        .with_context(|| path.display().to_string())
}

/// Returns the schema of a database, which must be sound.
///
/// # Errors
/// Says what is wrong with it.
pub fn check_sound(path: &Path) -> anyhow::Result<i64> {
    let conn = open(path)?;
    let verdict: String = conn.query_row("PRAGMA integrity_check", [], |row| row.get(0))?;
    ensure!(verdict == "ok", "{}: {verdict}", path.display());
    let is_broken = conn.prepare("PRAGMA foreign_key_check")?.exists([])?;
    ensure!(!is_broken, "a row refers to one that is not there");
    let last: (i64, i64) = conn.query_row(
        "SELECT count(*), coalesce(max(seq), 0) FROM events",
        [],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    ensure!(last.0 == last.1, "the sequence has holes");
    Ok(conn.query_row("PRAGMA user_version", [], |row| row.get(0))?)
}

/// Returns how many tasks a database has.
///
/// # Errors
/// It cannot be read.
pub fn count_tasks(path: &Path) -> anyhow::Result<i64> {
    Ok(open(path)?.query_row("SELECT count(*) FROM tasks", [], |row| row.get(0))?)
}

/// Returns every row of every table but those of text indexes. `columns` names the columns to read
/// of a table; all of them where it has none.
///
/// # Errors
/// It cannot be read.
pub fn all_rows(
    path: &Path,
    columns: &BTreeMap<String, Vec<String>>,
) -> anyhow::Result<BTreeMap<String, Rows>> {
    let conn = open(path)?;
    let names = texts(
        &conn,
        "SELECT name FROM pragma_table_list
         WHERE schema = 'main' AND type = 'table' AND name NOT IN ('sqlite_schema', 'sqlite_stat1', 'sqlite_stat4')",
    )?;
    let mut tables = BTreeMap::new();
    for name in names {
        let columns = match columns.get(&name) {
            Some(columns) => columns.clone(),
            None => columns_of(&conn, &name)?,
        };
        let list = columns.join(", ");
        // Rows without a key of their own come in the order of all their values.
        let order: Vec<String> = (1..=columns.len()).map(|place| place.to_string()).collect();
        let sql = format!("SELECT {list} FROM {name} ORDER BY {}", order.join(", "));
        let mut statement = conn.prepare(&sql)?;
        let values = statement.query_map([], |row| {
            (0..columns.len()).map(|index| row.get(index)).collect()
        })?;
        let values = values.collect::<Result<_, _>>()?;
        tables.insert(name, Rows { columns, values });
    }
    Ok(tables)
}

/// Returns the columns of a table.
fn columns_of(conn: &Connection, table: &str) -> anyhow::Result<Vec<String>> {
    texts(
        conn,
        &format!("SELECT name FROM pragma_table_info('{table}')"),
    )
}

/// Adds each task and each event `times` again, under other identifiers, and the tasks' texts to
/// their index.
///
/// # Errors
/// The database refuses.
pub fn grow(path: &Path, times: u32) -> anyhow::Result<()> {
    let mut conn = open(path)?;
    let tx = conn.transaction()?;
    for (table, key) in [("tasks", "number"), ("events", "seq")] {
        let columns = columns_of(&tx, table)?;
        let values: Vec<String> = columns
            .iter()
            .map(|column| match column.as_str() {
                "id" => "randomblob(16)".into(),
                "recurrence" | "series_id" | "occasion_at" => "NULL".into(),
                column if column == key => format!("{column} + copy * top"),
                column => format!("{table}.{column}"),
            })
            .collect();
        tx.execute_batch(&format!(
            "WITH RECURSIVE copies (copy) AS (VALUES (1) UNION ALL SELECT copy + 1 FROM copies WHERE copy < {times}),
                 tops (top) AS (SELECT max({key}) FROM {table})
             INSERT INTO {table} ({}) SELECT {} FROM {table}, copies, tops ORDER BY copy, {key}",
            columns.join(", "),
            values.join(", ")
        ))?;
    }
    tx.execute_batch("INSERT INTO task_text (task_text) VALUES ('rebuild')")?;
    tx.commit()?;
    Ok(())
}

fn texts(conn: &Connection, sql: &str) -> anyhow::Result<Vec<String>> {
    let mut statement = conn.prepare(sql)?;
    let rows = statement.query_map([], |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}
