//! What a backup says of itself, so that it can be held against what is in it.

use hearth_domain::Timestamp;
use hearth_domain::event::Seq;
use serde::{Deserialize, Serialize};

use crate::inspect::Counts;

/// The form of backups that this program writes and reads.
pub const FORMAT: u32 = 1;
/// Marks the file as ours.
pub(super) const KIND: &str = "hearth-backup";

/// The first entry of a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// What sort of file this is.
    pub kind: String,
    /// The form of the backup.
    pub format: u32,
    /// The version of the program that wrote it.
    pub version: String,
    /// When.
    pub created_at: Timestamp,
    /// The schema of the database.
    pub schema: i64,
    /// The last event in it.
    pub last_seq: Seq,
    /// How many things are in it.
    pub counts: Counts,
    /// How many contents; several artifacts may have the same.
    pub contents: u64,
    /// How many bytes they have together.
    pub content_bytes: u64,
    /// The database's file.
    pub database: DatabaseFile,
}

/// The database's file in a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatabaseFile {
    /// Its size.
    pub size_bytes: u64,
    /// Its hash.
    pub sha256: String,
}

/// Enough of a manifest to say why the rest cannot be read.
#[derive(Debug, Deserialize)]
pub(super) struct Heading {
    pub(super) kind: String,
    pub(super) format: u32,
    #[serde(default)]
    pub(super) version: String,
}
