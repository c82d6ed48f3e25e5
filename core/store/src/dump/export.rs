//! Writes an export.

use std::fs::File;
use std::io::{BufWriter, ErrorKind, Read, Write};
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hearth_domain::artifact::ContentHash;
use sha2::{Digest, Sha256};

use crate::backup::{Draft, Source, refuse_existing};
use crate::care_error::{CareError, file};
use crate::contents::place;
use crate::dump::line::LineWriter;
use crate::dump::tables::{SEQUENCES, TABLES, Table, field_of};
use crate::dump::{ContentLine, End, FORMAT, Header, KIND, PART, value};
use crate::inspect::Snapshot;
use crate::migrate;

/// What was exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exported {
    /// Rows of all tables.
    pub rows: u64,
    /// Contents of artifacts.
    pub contents: u64,
}

/// Writes everything, as it is at one moment. A node may be using the database.
///
/// # Errors
/// See [`CareError`]. What was written until then lacks its last line, and no import takes it.
pub fn export(source: &Source<'_>, out: impl Write) -> Result<Exported, CareError> {
    let snapshot = Snapshot::open(source.database)?;
    let needed = migrate::schema_version();
    if snapshot.schema() < needed {
        return Err(CareError::Older {
            path: source.database.into(),
            found: snapshot.schema(),
            needed,
        });
    }
    let mut lines = LineWriter::new(out);
    lines.write_json(&Header {
        kind: KIND.into(),
        format: FORMAT,
        schema: snapshot.schema(),
        version: source.version.into(),
        created_at: source.at,
    })?;
    for table in TABLES.iter().chain([&SEQUENCES]) {
        write_rows(&snapshot, table, &mut lines)?;
    }
    let rows = lines.summary().0 - 1;
    let mut contents = 0;
    snapshot.each_content(|hash, size| {
        contents += 1;
        write_content(source.artifacts, hash, size, &mut lines)
    })?;
    let (count, hash) = lines.summary();
    lines.write_json(&End {
        kind: "end".into(),
        rows: count - 1,
        sha256: hash.to_string(),
    })?;
    lines.flush()?;
    Ok(Exported { rows, contents })
}

/// As [`export`], to a file that must not exist and gets its name when it is whole and on disk.
///
/// # Errors
/// See [`CareError`]. Nothing remains of the file.
pub fn export_to_file(source: &Source<'_>, target: &Path) -> Result<Exported, CareError> {
    refuse_existing(target)?;
    let draft = Draft::create(target)?;
    let exported = export(source, BufWriter::with_capacity(PART, draft.file()))?;
    draft.flush()?;
    refuse_existing(target)?;
    draft.rename(target)?;
    Ok(exported)
}

fn write_rows(
    snapshot: &Snapshot,
    table: &Table,
    lines: &mut LineWriter<impl Write>,
) -> Result<(), CareError> {
    let failed = |source| CareError::Database {
        act: "read the rows",
        source,
    };
    let columns: Vec<&str> = table.columns.iter().map(|(name, _)| *name).collect();
    let sql = format!(
        "SELECT {} FROM {} ORDER BY {}",
        columns.join(", "),
        table.name,
        table.key.join(", ")
    );
    let mut statement = snapshot.conn().prepare(&sql).map_err(failed)?;
    let mut rows = statement.query([]).map_err(failed)?;
    let mut line = Vec::new();
    while let Some(row) = rows.next().map_err(failed)? {
        line.clear();
        line.extend_from_slice(format!("{{\"kind\":\"{}\"", table.kind).as_bytes());
        for (index, (column, encoding)) in table.columns.iter().enumerate() {
            let field = field_of(table, column);
            line.extend_from_slice(format!(",\"{field}\":").as_bytes());
            let value = row.get_ref(index).map_err(failed)?;
            value::write(&mut line, *encoding, value).map_err(|problem| CareError::Value {
                table: table.name,
                column,
                problem,
            })?;
        }
        line.push(b'}');
        lines.write(&line)?;
    }
    Ok(())
}

fn write_content(
    dir: &Path,
    hash: ContentHash,
    size: u64,
    lines: &mut LineWriter<impl Write>,
) -> Result<(), CareError> {
    let path = place(dir, hash);
    let wrong = |problem: String| CareError::Content {
        path: path.clone(),
        problem,
    };
    let mut opened = match File::open(&path) {
        Ok(opened) => opened,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Err(wrong("is missing".into()));
        }
        Err(error) => return Err(file("read", &path)(error)),
    };
    let of = size.div_ceil(PART as u64).max(1);
    let mut hasher = Sha256::new();
    let mut bytes = Vec::with_capacity(PART);
    let mut total = 0;
    for part in 1..=of {
        bytes.clear();
        (&mut opened)
            .take(PART as u64)
            .read_to_end(&mut bytes)
            .map_err(file("read", &path))?;
        total += bytes.len() as u64;
        hasher.update(&bytes);
        lines.write_json(&ContentLine {
            kind: "content".into(),
            sha256: hash.to_string(),
            part,
            of,
            base64: STANDARD.encode(&bytes),
        })?;
    }
    if total != size || ContentHash(hasher.finalize().into()) != hash {
        return Err(wrong(
            "is damaged: it does not have the hash that is its name".into(),
        ));
    }
    Ok(())
}
