//! `hearth backup` and `hearth restore`. Both work with no node running, and the first with one,
//! too.

use std::path::{Path, PathBuf};

use clap::Args;
use hearth_store::backup::{Manifest, Written};
use hearth_store::migrate::schema_version;
use serde_json::json;

use crate::cli::Invocation;
use crate::offline;
use crate::output::text::{count, moment, size};

/// Writes everything to one file, and reads it back.
#[derive(Debug, Args)]
pub struct Backup {
    /// The file to make; with --verify, the backup to look at
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Make nothing, but read a backup and say whether it is whole
    #[arg(long)]
    verify: bool,
}

/// Puts a backup in the place of what is there.
#[derive(Debug, Args)]
pub struct Restore {
    /// The backup
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

pub(super) fn run(invocation: &Invocation, backup: &Backup) -> anyhow::Result<()> {
    let (settings, file) = (&invocation.loaded.settings, backup.file.as_path());
    let (written, word) = if backup.verify {
        (offline::verify(settings, file)?, "is a whole backup of")
    } else {
        (offline::back_up(settings, file)?, "is made and whole:")
    };
    let object = object(file, &written);
    invocation.output.object(&object, || {
        let manifest = &written.manifest;
        let when = if backup.verify {
            format!(", from {}", moment(&manifest.created_at.to_string()))
        } else {
            String::new()
        };
        let (file, bytes) = (file.display(), size(written.bytes));
        format!("{file} {word} {}, {bytes}{when}", holdings(manifest))
    })
}

pub(super) fn restore(invocation: &Invocation, restore: &Restore) -> anyhow::Result<()> {
    let restored = offline::restore_from(&invocation.loaded.settings, &restore.file)?;
    let manifest = &restored.manifest;
    let kept = restored
        .kept
        .as_ref()
        .map(|path| path.display().to_string());
    let object = json!({
        "file": restore.file.display().to_string(),
        "data_dir": invocation.data_dir().root().display().to_string(),
        "backup": manifest,
        "kept": kept,
    });
    invocation.output.object(&object, || {
        let before = match &kept {
            Some(kept) => format!("the database that was there is kept as {kept}"),
            None => "there was no database before".into(),
        };
        let newest = schema_version();
        let after = if manifest.schema < newest {
            let schema = manifest.schema;
            format!("; it has schema {schema}, and the next start brings it to {newest}")
        } else {
            String::new()
        };
        format!(
            "restored {} from {}, as of {}; {before}{after}",
            holdings(manifest),
            restore.file.display(),
            moment(&manifest.created_at.to_string()),
        )
    })
}

fn object(file: &Path, written: &Written) -> serde_json::Value {
    json!({
        "file": file.display().to_string(),
        "bytes": written.bytes,
        "backup": written.manifest,
    })
}

fn holdings(manifest: &Manifest) -> String {
    let counts = &manifest.counts;
    format!(
        "{}, {}, {}",
        count(counts.tasks, "task"),
        count(counts.artifacts, "artifact"),
        count(counts.events, "event"),
    )
}
