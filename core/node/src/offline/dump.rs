//! Exports and imports: which folder, under which lock, and what is said when it fails.

use std::io::{BufRead, ErrorKind, Write};
use std::path::Path;

use anyhow::anyhow;
use hearth_domain::Clock;
use hearth_store::CareError;
use hearth_store::backup::Source;
use hearth_store::dump::{self, Exported, Imported};
use hearth_store::restore::Destination;

use crate::data_dir::DataDir;
use crate::offline::{database_of, hold};
use crate::output::stdout_error;
use crate::settings::Settings;
use crate::system::SystemClock;

/// Exports the data folder to a file that must not exist. A node may be running on it.
///
/// # Errors
/// Says what failed and what helps; nothing is left of the file.
pub fn export_to_file(settings: &Settings, file: &Path) -> anyhow::Result<Exported> {
    export(settings, |source| dump::export_to_file(source, file))
}

/// Exports the data folder to a writer. A node may be running on it.
///
/// # Errors
/// Says what failed and what helps; what was written lacks its last line.
pub fn export_to(settings: &Settings, out: impl Write) -> anyhow::Result<Exported> {
    export(settings, |source| dump::export(source, out))
}

fn export(
    settings: &Settings,
    work: impl FnOnce(&Source<'_>) -> Result<Exported, CareError>,
) -> anyhow::Result<Exported> {
    let data = DataDir::at(&settings.data_dir);
    let database = database_of(&data, "export")?;
    let source = Source {
        database: &database,
        artifacts: &data.artifacts(),
        version: env!("CARGO_PKG_VERSION"),
        at: SystemClock::default().now(),
    };
    work(&source).map_err(|error| match error {
        CareError::Output(error) if error.kind() == ErrorKind::BrokenPipe => stdout_error(error),
        error => told("the export failed", error),
    })
}

/// Imports what a reader holds. No node may be running on the data folder.
///
/// # Errors
/// Says what failed and what helps, and whether the data folder is as it was.
pub fn import_from(settings: &Settings, input: impl BufRead) -> anyhow::Result<Imported> {
    let (data, _lock) = hold(settings)?;
    let destination = Destination {
        database: &data.database(),
        artifacts: &data.artifacts(),
        staging: &data.import_staging(),
    };
    dump::import(input, &destination).map_err(|error| told("nothing was imported", error))
}

fn told(what: &str, error: CareError) -> anyhow::Error {
    if matches!(error, CareError::Stays(..)) {
        return anyhow!(error);
    }
    if error.is_uncertain() {
        return anyhow!(
            "{:#}; it may be done all the same: import it again, what is there is passed over",
            anyhow!(error)
        );
    }
    let remedy = match &error {
        error if error.is_no_room() => "; make room on that disk",
        CareError::Older { .. } => "; stop the node, if one runs, and run `hearth migrate`",
        CareError::Exists(_) => "; name another file, or move that one away",
        CareError::Content { .. } | CareError::Value { .. } => {
            "; `hearth doctor --deep` names everything that is damaged"
        }
        _ => "",
    };
    anyhow!(
        "{what}: {:#}{remedy}; the data is untouched",
        anyhow!(error)
    )
}
