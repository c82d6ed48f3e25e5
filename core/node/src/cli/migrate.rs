//! `hearth migrate`: brings the database to the schema of this program. Works with no node running,
//! and only then.

use serde_json::json;

use crate::cli::Invocation;
use crate::offline;

pub(super) fn run(invocation: &Invocation) -> anyhow::Result<()> {
    let brought = offline::migrate(&invocation.loaded.settings)?;
    let kept = brought.kept.map(|path| path.display().to_string());
    let object = json!({ "from": brought.from, "to": brought.to, "kept": kept });
    invocation.output.object(&object, || match kept {
        Some(kept) => format!(
            "migrated from schema {} to schema {}; the old database is kept as {kept} until the next start",
            brought.from, brought.to
        ),
        None => format!("already at schema {}", brought.to),
    })
}
