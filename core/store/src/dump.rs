//! Export and import: every row as a line of JSON, and every content in pieces, both ways without
//! loss.
//!
//! The first line says what the file is, the last how many lines there should be and the hash of
//! all of them, so that a file that was cut or changed is not taken for a whole one. What is in a
//! row is told by the lists in `tables`; nothing else here knows a column.

mod export;
mod import;
mod line;
mod tables;
mod value;

use hearth_domain::Timestamp;
use serde::{Deserialize, Serialize};

pub use export::{Exported, export, export_to_file};
pub use import::{Imported, import};

/// The form of exports that this program writes and reads.
pub const FORMAT: u32 = 1;
/// Marks a file as ours.
const KIND: &str = "hearth-export";
/// How many bytes of a content stand in one line.
const PART: usize = 512 * 1024;

/// The first line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    kind: String,
    format: u32,
    schema: i64,
    version: String,
    created_at: Timestamp,
}

/// A piece of a content.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ContentLine {
    kind: String,
    sha256: String,
    /// From 1 on.
    part: u64,
    of: u64,
    base64: String,
}

/// The last line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct End {
    kind: String,
    /// The lines between the first and this one.
    rows: u64,
    /// The hash of all lines before this one.
    sha256: String,
}

#[cfg(test)]
mod tests;
