//! `hearth export` and `hearth import`: everything as JSON Lines. Both work with no node running,
//! and the first with one, too.

use std::fs::File;
use std::io::{self, BufReader, BufWriter};
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;
use serde_json::json;

use crate::cli::Invocation;
use crate::offline;
use crate::output::note;
use crate::output::text::count;

/// How much is read and written at once.
const BLOCK: usize = 256 * 1024;

/// Writes everything as JSON Lines.
#[derive(Debug, Args)]
pub struct Export {
    /// The file to make; - for standard output
    #[arg(value_name = "FILE", default_value = "-")]
    file: PathBuf,
}

/// Takes in what an export wrote.
#[derive(Debug, Args)]
pub struct Import {
    /// The file that an export made; - for standard input
    #[arg(value_name = "FILE", default_value = "-")]
    file: PathBuf,
}

pub(super) fn export(invocation: &Invocation, export: &Export) -> anyhow::Result<()> {
    let settings = &invocation.loaded.settings;
    if is_standard(&export.file) {
        let out = BufWriter::with_capacity(BLOCK, io::stdout().lock());
        let exported = offline::export_to(settings, out)?;
        note(&format!(
            "exported {} and {}",
            count(exported.rows, "row"),
            count(exported.contents, "content")
        ));
        return Ok(());
    }
    let exported = offline::export_to_file(settings, &export.file)?;
    let object = json!({
        "file": export.file.display().to_string(),
        "rows": exported.rows,
        "contents": exported.contents,
    });
    invocation.output.object(&object, || {
        format!(
            "exported {} and {} to {}",
            count(exported.rows, "row"),
            count(exported.contents, "content"),
            export.file.display()
        )
    })
}

pub(super) fn import(invocation: &Invocation, import: &Import) -> anyhow::Result<()> {
    let settings = &invocation.loaded.settings;
    let imported = if is_standard(&import.file) {
        offline::import_from(
            settings,
            BufReader::with_capacity(BLOCK, io::stdin().lock()),
        )?
    } else {
        let file = File::open(&import.file)
            .with_context(|| format!("cannot read {}", import.file.display()))?;
        offline::import_from(settings, BufReader::with_capacity(BLOCK, file))?
    };
    let object = json!({
        "added": imported.added,
        "known": imported.known,
        "contents": imported.contents,
    });
    invocation.output.object(&object, || {
        format!(
            "imported {} and {}; {} were there already",
            count(imported.added, "row"),
            count(imported.contents, "content"),
            imported.known
        )
    })
}

fn is_standard(file: &Path) -> bool {
    file.as_os_str() == "-"
}
