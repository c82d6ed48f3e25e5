//! What can be done on a data folder while no node runs on it.
//!
//! Each function takes the folder's lock, so that no node starts meanwhile, and answers with the
//! object that the API would have given. Backups and exports are the exception: they only read,
//! and a node may be running.

mod backup;
mod dump;
mod migrate;

use std::path::PathBuf;

use anyhow::{Context, anyhow, ensure};
use hearth_app::App;
use hearth_domain::actor::Role;
use hearth_domain::field::{AgentName, Name};
use hearth_domain::key::{Grant, Key};
use hearth_domain::{Actor, KeyId, Timestamp};
use serde_json::{Value, json};

use crate::compose;
use crate::data_dir::{DataDir, Holder, Lock};
use crate::settings::Settings;

pub use backup::{back_up, restore_from, verify};
pub use dump::{export_to, export_to_file, import_from};
pub use migrate::migrate;

/// The fields that a new key is made from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewKey {
    /// What it is called.
    pub name: String,
    /// What it allows: admin, agent or viewer.
    pub role: String,
    /// The agent it is bound to, where the role is agent.
    pub agent: Option<String>,
}

/// Makes a key: `{"id", "name", "role", "agent", "created_at", "key"}`.
///
/// # Errors
/// A field that does not fit; a folder that is in use or cannot be opened.
pub async fn create_key(settings: &Settings, new: NewKey) -> anyhow::Result<Value> {
    let name = Name::parse("name", &new.name)?;
    let role: Role = new.role.parse()?;
    let agent = new
        .agent
        .map(|agent| AgentName::parse("agent", &agent))
        .transpose()?;
    let grant = Grant::new(role, agent)?;
    let folder = Folder::open(settings)?;
    let (key, secret) = folder.app.create_key(&Actor::Owner, name, grant).await?;
    let mut shown = show(&key);
    shown["key"] = secret.reveal().into();
    Ok(shown)
}

/// Lists the keys: `{"items": [...], "next_cursor": null}`.
///
/// # Errors
/// The folder is in use or cannot be opened.
pub async fn list_keys(settings: &Settings) -> anyhow::Result<Value> {
    let folder = Folder::open(settings)?;
    let keys = folder.app.list_keys(&Actor::Owner).await?;
    Ok(json!({ "items": keys.iter().map(show).collect::<Vec<_>>(), "next_cursor": null }))
}

/// Ends a key's validity.
///
/// # Errors
/// There is no such key; the folder is in use or cannot be opened.
pub async fn revoke_key(settings: &Settings, id: &str) -> anyhow::Result<()> {
    let id: KeyId = id.parse()?;
    let folder = Folder::open(settings)?;
    folder.app.revoke_key(&Actor::Owner, id).await?;
    Ok(())
}

/// Takes the data folder, so that no node starts on it; makes it where it is missing.
///
/// # Errors
/// It cannot be made; a node runs on it, and must be stopped first.
fn hold(settings: &Settings) -> anyhow::Result<(DataDir, Lock)> {
    let data = DataDir::at(&settings.data_dir);
    data.create()?;
    let lock = Lock::acquire(&data).map_err(|error| match Holder::find(&data) {
        Ok(Some(holder)) => anyhow!(
            "{error:#}; stop it first, with Ctrl-C where it runs or `kill {}`",
            holder.pid
        ),
        _ => error,
    })?;
    Ok((data, lock))
}

/// Returns the database of a data folder, from which something is to be taken.
///
/// # Errors
/// There is none, or that cannot be told.
fn database_of(data: &DataDir, what_for: &str) -> anyhow::Result<PathBuf> {
    let database = data.database();
    let is_there = database.try_exists();
    let is_there = is_there.with_context(|| format!("cannot look at {}", database.display()))?;
    ensure!(
        is_there,
        "there is nothing to {what_for}: {} holds no database",
        data.root().display()
    );
    Ok(database)
}

/// A data folder, held for as long as something is done on it.
struct Folder {
    store: hearth_store::Store,
    app: App,
    _lock: Lock,
}

impl Folder {
    fn open(settings: &Settings) -> anyhow::Result<Self> {
        let (_, lock) = hold(settings)?;
        let (store, app) = compose::open_app(settings)?;
        Ok(Self {
            store,
            app,
            _lock: lock,
        })
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        self.store.close();
    }
}

fn show(key: &Key) -> Value {
    let time = |time: Option<Timestamp>| time.map(|time| time.to_string());
    json!({
        "id": key.id,
        "name": key.name,
        "role": key.grant.role(),
        "agent": key.grant.agent(),
        "created_at": key.created_at,
        "last_used_at": time(key.last_used_at),
        "revoked_at": time(key.revoked_at),
    })
}
