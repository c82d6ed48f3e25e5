//! Brings the database of a data folder to the schema of this program.

use anyhow::{Context, bail};
use hearth_store::migrate::{BroughtUp, bring_up};

use crate::offline::hold;
use crate::settings::Settings;

/// Migrates the database. No node may be running on it.
///
/// # Errors
/// There is no database; it cannot be migrated, and is as it was.
pub fn migrate(settings: &Settings) -> anyhow::Result<BroughtUp> {
    if !settings.data_dir.is_dir() {
        bail!(
            "there is no data folder {}; `hearth up` makes one",
            settings.data_dir.display()
        );
    }
    let (data, _lock) = hold(settings)?;
    bring_up(&data.database())?.with_context(|| {
        format!(
            "{} holds no database; `hearth up` makes one",
            data.root().display()
        )
    })
}
