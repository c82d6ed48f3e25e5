//! Backups and restores: which folder, under which lock, and what is said when it fails.

use std::path::Path;

use anyhow::anyhow;
use hearth_domain::Clock;
use hearth_store::CareError;
use hearth_store::backup::{self, Source, Written};
use hearth_store::restore::{Destination, Restored, restore};

use crate::data_dir::DataDir;
use crate::offline::{database_of, hold};
use crate::settings::Settings;
use crate::system::SystemClock;

/// Backs the data folder up to `file`. A node may be running on it.
///
/// # Errors
/// Says what failed, what helps, and that nothing was harmed.
pub fn back_up(settings: &Settings, file: &Path) -> anyhow::Result<Written> {
    let data = DataDir::at(&settings.data_dir);
    let database = database_of(&data, "back up")?;
    let source = Source {
        database: &database,
        artifacts: &data.artifacts(),
        version: env!("CARGO_PKG_VERSION"),
        at: SystemClock::default().now(),
    };
    backup::write(&source, file).map_err(|error| match error {
        CareError::Exists(_) => told(error, "name another file, or move that one away"),
        error if error.is_uncertain() => told(error, "look at it with `hearth backup --verify`"),
        error => {
            let remedy = write_remedy(&error);
            let error = told(error, remedy);
            anyhow!(
                "the backup failed: {error:#}; nothing is left of it, and the data is untouched"
            )
        }
    })
}

/// Reads a backup and holds all of it against what it says of itself.
///
/// # Errors
/// Says what is wrong with it.
pub fn verify(settings: &Settings, file: &Path) -> anyhow::Result<Written> {
    let data = DataDir::at(&settings.data_dir);
    // Where only its owner can look: the database is unpacked for a moment.
    let scratch = if data.root().is_dir() {
        data.verify_scratch()
    } else {
        file.with_extension("verify.partial-db")
    };
    backup::verify(file, &scratch).map_err(|error| {
        let remedy = read_remedy(&error);
        told(error, remedy)
    })
}

/// Puts a backup in the place of what the data folder holds. No node may be running on it.
///
/// # Errors
/// Says what failed, what helps, and which database is in its place.
pub fn restore_from(settings: &Settings, file: &Path) -> anyhow::Result<Restored> {
    let (data, _lock) = hold(settings)?;
    let destination = Destination {
        database: &data.database(),
        artifacts: &data.artifacts(),
        staging: &data.restore_staging(),
    };
    restore(file, &destination, SystemClock::default().now()).map_err(|error| {
        if error.is_uncertain() {
            return told(
                error,
                "the one of before is kept beside it; `hearth doctor --deep` looks at both disk and data",
            );
        }
        let remedy = read_remedy(&error);
        let error = told(error, remedy);
        anyhow!("nothing was restored: {error:#}; the data folder is as it was")
    })
}

/// Puts what helps behind what went wrong.
fn told(error: CareError, remedy: &str) -> anyhow::Error {
    let error = anyhow!(error);
    if remedy.is_empty() {
        error
    } else {
        anyhow!("{error:#}; {remedy}")
    }
}

fn write_remedy(error: &CareError) -> &'static str {
    if error.is_no_room() {
        return "make room on that disk, or name a file on another one";
    }
    match error {
        CareError::Content { .. } => {
            "`hearth doctor --deep` names every artifact that this concerns, and an earlier backup may have its bytes"
        }
        CareError::Unsound(_) => "put an earlier backup in its place: hearth restore FILE",
        CareError::NotWhole { .. } => {
            "the disk does not keep what is written to it: name a file on another one"
        }
        CareError::File { .. } => "name a file in a folder that can be written to",
        CareError::BeingWritten(_) => "wait for it, or name another file",
        _ => "`hearth doctor` looks for the cause",
    }
}

fn read_remedy(error: &CareError) -> &'static str {
    if error.is_no_room() {
        return "make room on the disk of the data folder";
    }
    match error {
        CareError::NotWhole { .. } => "use another backup",
        CareError::InUse(_) => "close it there first",
        CareError::Database { .. } => {
            "move hearth.db and hearth.db-wal together to another folder, and restore again"
        }
        _ => "",
    }
}
