//! Takes an export in: all of it, or nothing.
//!
//! Everything happens in one transaction, and contents wait in a folder of their own until all
//! lines are read. A row that is there with the same values is passed over, so that an import that
//! is done twice changes nothing the second time.

mod contents;

use std::collections::{BTreeMap, BTreeSet};
use std::io::BufRead;

use hearth_domain::field::{OWNER, SYSTEM};
use rusqlite::types::Value;
use rusqlite::{Connection, TransactionBehavior, params_from_iter};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::care_error::{CareError, file};
use crate::dump::line::LineReader;
use crate::dump::tables::{self, SEQUENCES, TEXT_INDEXES, Table};
use crate::dump::{ContentLine, End, FORMAT, Header, KIND, value};
use crate::error::OpenError;
use crate::inspect::read_version;
use crate::migrate::{self, MIGRATIONS};
use crate::pragmas;
use crate::restore::{Destination, Staging, move_contents};
use crate::store::open_existing;
use crate::swap::remove_database;
use contents::StagedContents;

/// What was imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Imported {
    /// Rows that were not there.
    pub added: u64,
    /// Rows that were there with the same values.
    pub known: u64,
    /// Contents of artifacts.
    pub contents: u64,
}

/// Imports what `input` holds. Nobody else may use the data folder meanwhile; the database is made
/// where there is none.
///
/// # Errors
/// See [`CareError`]; nothing was changed then.
pub fn import(input: impl BufRead, destination: &Destination<'_>) -> Result<Imported, CareError> {
    let database = destination.database;
    let known = migrate::schema_version();
    let is_new = !database.try_exists().map_err(file("look for", database))?;
    if is_new {
        migrate::prepare(database, MIGRATIONS)?;
    } else {
        let found = read_version(database)?;
        if found > known {
            return Err(OpenError::NewerSchema {
                path: database.into(),
                found,
                known,
            }
            .into());
        }
        if found < known {
            return Err(CareError::Older {
                path: database.into(),
                found,
                needed: known,
            });
        }
    }
    let imported = import_into(input, destination);
    if imported.is_err() && is_new {
        remove_database(database)?;
    }
    imported
}

fn import_into(input: impl BufRead, destination: &Destination<'_>) -> Result<Imported, CareError> {
    let failed = |source| CareError::Database {
        act: "open the database for the import",
        source,
    };
    let staging = Staging::create(destination.staging)?;
    let mut conn = open_existing(destination.database).map_err(failed)?;
    pragmas::for_writer(&conn).map_err(failed)?;
    let tx = conn
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(failed)?;
    // A task may be part of one that stands further down.
    tx.pragma_update(None, "defer_foreign_keys", "ON")
        .map_err(failed)?;
    let mut import = Import {
        conn: &tx,
        lines: LineReader::new(input),
        contents: StagedContents::new(&staging.path),
        imported: Imported::default(),
        has_new: BTreeSet::new(),
    };
    import.run()?;
    import.renew_text_indexes()?;
    import.check_references()?;
    import
        .contents
        .check_all_there(&tx, destination.artifacts)?;
    let imported = Imported {
        contents: import.contents.count(),
        ..import.imported
    };
    move_contents(&staging.path, destination.artifacts)?;
    // What is in the log by then counts when the database is opened again, whatever SQLite says now.
    tx.commit().map_err(|source| CareError::Uncertain {
        act: "commit the import",
        source,
    })?;
    conn.close().map_err(|(_, source)| CareError::Uncertain {
        act: "close the database after the import",
        source,
    })?;
    Ok(imported)
}

/// Enough of the first line to say why the rest cannot be read.
#[derive(Deserialize)]
struct Heading {
    kind: String,
    format: u32,
}

/// What is known while an export is read.
struct Import<'a, R> {
    conn: &'a Connection,
    lines: LineReader<R>,
    contents: StagedContents<'a>,
    imported: Imported,
    /// The tables that have rows which were not there.
    has_new: BTreeSet<&'static str>,
}

/// The fields of a line, each as it stands.
type Fields<'a> = BTreeMap<&'a str, &'a RawValue>;

impl<R: BufRead> Import<'_, R> {
    fn run(&mut self) -> Result<(), CareError> {
        if !self.lines.advance()? {
            return Err(self.lines.refuse("the file is empty"));
        }
        self.check_header()?;
        loop {
            if !self.lines.advance()? {
                let problem = "the export is cut short here: its last line is missing";
                return Err(self.lines.refuse(problem));
            }
            // Owned, because the reader is asked for more while it is in use.
            let text = self.lines.text()?.to_owned();
            let fields: Fields<'_> = serde_json::from_str(&text)
                .map_err(|_| self.lines.refuse("it is no JSON object"))?;
            let kind: &str = fields
                .get("kind")
                .and_then(|kind| serde_json::from_str(kind.get()).ok())
                .ok_or_else(|| self.lines.refuse("it has no kind"))?;
            if kind == "end" {
                return self.check_end(&text);
            }
            match (kind, tables::find(kind)) {
                ("content", _) => {
                    let part: ContentLine = serde_json::from_str(&text)
                        .map_err(|error| self.lines.refuse(format!("content: {error}")))?;
                    let taken = self.contents.take(&part);
                    taken.map_err(|problem| problem.on(self.lines.number()))?;
                }
                ("sequence", _) => self.raise_sequence(&fields)?,
                (_, Some(table)) => self.take_row(table, &fields)?,
                (_, None) => {
                    let problem = format!("this program knows no kind {kind:?}");
                    return Err(self.lines.refuse(problem));
                }
            }
        }
    }

    fn check_header(&self) -> Result<(), CareError> {
        let foreign = |_| self.lines.refuse("this is no export of Hearth");
        let text = self.lines.text()?;
        let heading: Heading = serde_json::from_str(text).map_err(foreign)?;
        if heading.kind != KIND {
            return Err(self.lines.refuse("this is no export of Hearth"));
        }
        let newer = |what: String| {
            self.lines.refuse(format!(
                "the export has {what}, which this program does not know: use the version of Hearth that made it, or a newer one"
            ))
        };
        if heading.format > FORMAT {
            return Err(newer(format!("format {}", heading.format)));
        }
        let header: Header = serde_json::from_str(text).map_err(foreign)?;
        if header.schema > migrate::schema_version() {
            return Err(newer(format!("schema {}", header.schema)));
        }
        Ok(())
    }

    fn check_end(&mut self, text: &str) -> Result<(), CareError> {
        let end: End =
            serde_json::from_str(text).map_err(|error| self.lines.refuse(error.to_string()))?;
        // The first line and this one are no rows.
        let rows = self.lines.number() - 2;
        if end.rows != rows {
            let problem = format!(
                "the export is not whole: it has {rows} rows of {}",
                end.rows
            );
            return Err(self.lines.refuse(problem));
        }
        if end.sha256 != self.lines.hash_before().to_string() {
            return Err(self
                .lines
                .refuse("the export was changed after it was written: its hash is another"));
        }
        if self.lines.advance()? {
            return Err(self.lines.refuse("it stands after the end of the export"));
        }
        Ok(())
    }

    fn take_row(&mut self, table: &'static Table, fields: &Fields<'_>) -> Result<(), CareError> {
        let mut columns = Vec::with_capacity(fields.len());
        let mut values = Vec::with_capacity(fields.len());
        for (field, json) in fields.iter().filter(|(field, _)| **field != "kind") {
            let Some((column, encoding)) = table.column(field) else {
                let problem = format!("{} has no field {field:?}", table.kind);
                return Err(self.lines.refuse(problem));
            };
            let value = value::read(encoding, json)
                .map_err(|problem| self.lines.refuse(format!("{column} {problem}")))?;
            columns.push((column, encoding));
            values.push(value);
        }
        let names: Vec<&str> = columns.iter().map(|(name, _)| *name).collect();
        let extra = untrusted_unless_said(table, &names, &values);
        let all: Vec<&str> = names.iter().copied().chain(extra).collect();
        let sql = format!(
            "INSERT INTO {} ({}) VALUES ({}) ON CONFLICT DO NOTHING",
            table.name,
            all.join(", "),
            vec!["?"; all.len()].join(", ")
        );
        let refused = |error: rusqlite::Error| self.database_refused(table, error);
        let given = values.iter().chain(extra.map(|_| &Value::Integer(1)));
        let changed = self
            .conn
            .prepare_cached(&sql)
            .and_then(|mut statement| statement.execute(params_from_iter(given)))
            .map_err(refused)?;
        if changed == 1 {
            self.imported.added += 1;
            self.has_new.insert(table.name);
            return Ok(());
        }
        for unique in table.unique {
            if let Some(field) = self
                .find_difference(table, unique, &names, &columns, &values)
                .map_err(refused)?
            {
                let problem = format!(
                    "the {} with this {} is there already, with another {field}: an export goes into an empty data folder, or into the one it came from",
                    table.kind,
                    unique.join(" and ")
                );
                return Err(self.lines.refuse(problem));
            }
        }
        self.imported.known += 1;
        Ok(())
    }

    /// Returns the first field in which the row that is there differs from the one that was read.
    fn find_difference(
        &self,
        table: &Table,
        unique: &[&str],
        names: &[&str],
        columns: &[(&'static str, value::Encoding)],
        values: &[Value],
    ) -> rusqlite::Result<Option<&'static str>> {
        let conditions: Vec<String> = unique.iter().map(|name| format!("{name} = ?")).collect();
        let sql = format!(
            "SELECT {} FROM {} WHERE {}",
            names.join(", "),
            table.name,
            conditions.join(" AND ")
        );
        let key = unique.iter().map(|name| {
            let column = names.iter().position(|other| other == name);
            column.and_then(|column| values.get(column))
        });
        let mut statement = self.conn.prepare_cached(&sql)?;
        let mut rows = statement.query(params_from_iter(key))?;
        let Some(row) = rows.next()? else {
            return Ok(None);
        };
        for (index, ((name, encoding), value)) in columns.iter().zip(values).enumerate() {
            if !value::is_same(*encoding, row.get_ref(index)?, value) {
                return Ok(Some(name));
            }
        }
        Ok(None)
    }

    fn raise_sequence(&mut self, fields: &Fields<'_>) -> Result<(), CareError> {
        let read = |field: &str| {
            let (_, encoding) = SEQUENCES.column(field)?;
            value::read(encoding, fields.get(field)?).ok()
        };
        let (Some(Value::Text(name)), Some(Value::Integer(seq)), 3) =
            (read("name"), read("seq"), fields.len())
        else {
            return Err(self.lines.refuse("a sequence has a name and a seq"));
        };
        if !tables::TABLES.iter().any(|table| table.name == name) {
            let problem = format!("this program knows no sequence {name:?}");
            return Err(self.lines.refuse(problem));
        }
        let raise = || -> rusqlite::Result<()> {
            let sql = "UPDATE sqlite_sequence SET seq = max(seq, ?2) WHERE name = ?1";
            if self.conn.execute(sql, (&name, seq))? == 0 {
                let sql = "INSERT INTO sqlite_sequence (name, seq) VALUES (?1, ?2)";
                self.conn.execute(sql, (&name, seq))?;
            }
            Ok(())
        };
        raise().map_err(|error| self.database_refused(&SEQUENCES, error))?;
        self.imported.known += 1;
        Ok(())
    }

    /// Tells a row that breaks a rule of its table from a database that fails.
    fn database_refused(&self, table: &Table, error: rusqlite::Error) -> CareError {
        use rusqlite::ErrorCode;
        match error.sqlite_error_code() {
            Some(ErrorCode::ConstraintViolation | ErrorCode::TypeMismatch) => {
                let problem = format!("the {} breaks a rule of its table: {error}", table.kind);
                self.lines.refuse(problem)
            }
            _ => CareError::Database {
                act: "store the rows of the import",
                source: error,
            },
        }
    }

    fn renew_text_indexes(&self) -> Result<(), CareError> {
        let of_new = |index: &&tables::TextIndex| self.has_new.contains(index.of);
        for index in TEXT_INDEXES.iter().filter(of_new) {
            let name = index.name;
            let sql = format!("INSERT INTO {name} ({name}) VALUES ('rebuild')");
            self.conn
                .execute_batch(&sql)
                .map_err(|source| CareError::Database {
                    act: "index the texts of the import",
                    source,
                })?;
        }
        Ok(())
    }

    fn check_references(&self) -> Result<(), CareError> {
        let find = || -> rusqlite::Result<Option<(String, String)>> {
            let mut statement = self.conn.prepare("PRAGMA foreign_key_check")?;
            let mut rows = statement.query([])?;
            let row = rows.next()?;
            row.map(|row| Ok((row.get(0)?, row.get(2)?))).transpose()
        };
        let broken = find().map_err(|source| CareError::Database {
            act: "check what the import refers to",
            source,
        })?;
        match broken {
            None => Ok(()),
            Some((table, parent)) => Err(self.lines.refuse(format!(
                "the export is not whole: a row of {table} refers to one of {parent} that is not there"
            ))),
        }
    }
}

/// In whose name tasks of the owner's own words were made before that was noted with them: the owner,
/// the node, the chief of staff.
const OWN_AUTHORS: [&str; 3] = [OWNER, SYSTEM, "cos-agent"];

/// An export that is older than the labels says nothing of whose words a row is made of: none are
/// trusted then but the owner's own.
fn untrusted_unless_said(table: &Table, names: &[&str], values: &[Value]) -> Option<&'static str> {
    const COLUMN: &str = "untrusted";
    table.column(COLUMN)?;
    let place = |wanted: &str| names.iter().position(|name| *name == wanted);
    if place(COLUMN).is_some() {
        return None;
    }
    let author = place("created_by").and_then(|place| values.get(place));
    let is_trusted = table.name == "tasks"
        && matches!(author, Some(Value::Text(name)) if OWN_AUTHORS.contains(&name.as_str()));
    (!is_trusted).then_some(COLUMN)
}
