//! `hearth keys`: who may call the node. Works with no node running, too.

mod remember;

use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::cli::Invocation;
use crate::cli::words::{id, roles};
use crate::client::wire::{KeyRecord, Page};
use crate::offline::{self, NewKey};
use crate::output::Output;
use crate::output::table::table;
use crate::output::text::{moment, one_line};

/// What can be done with keys.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make a key, and print it: it is shown this once
    Create(Create),
    /// List keys, without the keys themselves
    List,
    /// End a key's validity
    Revoke(Revoke),
    /// Keep the key for the node at --url in the system's keyring; it is read from standard input
    Remember,
    /// Remove the key for the node at --url from the system's keyring
    Forget,
}

/// Makes a key.
#[derive(Debug, Args)]
pub struct Create {
    /// What it is called
    #[arg(long, value_name = "N")]
    name: String,
    /// What it allows: all, the rights of one agent, or reading
    #[arg(long, value_name = "R", value_parser = roles())]
    role: String,
    /// The agent it is bound to
    #[arg(long, value_name = "A", required_if_eq("role", "agent"))]
    agent: Option<String>,
}

/// Ends a key's validity.
#[derive(Debug, Args)]
pub struct Revoke {
    /// Its UUID, as `hearth keys list` shows it
    #[arg(value_name = "ID", value_parser = id)]
    key: uuid::Uuid,
}

pub(super) async fn run(invocation: &Invocation, command: Command) -> anyhow::Result<()> {
    match command {
        Command::Create(create) => make(invocation, create).await,
        Command::List => list(invocation).await,
        Command::Revoke(revoke) => end(invocation, &revoke.key.to_string()).await,
        Command::Remember => remember::remember(invocation).await,
        Command::Forget => remember::forget(invocation),
    }
}

async fn make(invocation: &Invocation, create: Create) -> anyhow::Result<()> {
    if create.agent.is_some() && create.role != "agent" {
        bail!("--agent goes with --role agent only");
    }
    let text = if let Some(client) = invocation.find_client()? {
        let mut body = json!({ "name": create.name, "role": create.role });
        if let Some(agent) = create.agent {
            body["agent"] = json!(agent);
        }
        client.post(&["keys"], &body).await?.text
    } else {
        let new = NewKey {
            name: create.name,
            role: create.role,
            agent: create.agent,
        };
        let made = offline::create_key(&invocation.loaded.settings, new).await?;
        made.to_string()
    };
    let object: Value = serde_json::from_str(&text)?;
    let key = object.get("key").and_then(Value::as_str);
    let key = key.context("the node answered without a key")?;
    invocation.output.answer(&text, || key.to_owned())
}

async fn list(invocation: &Invocation) -> anyhow::Result<()> {
    let text = match invocation.find_client()? {
        Some(client) => client.get(&["keys"], &[]).await?.text,
        None => offline::list_keys(&invocation.loaded.settings)
            .await?
            .to_string(),
    };
    let page: Page<KeyRecord> = serde_json::from_str(&text)
        .context("the node answered in a way that this program does not understand")?;
    invocation.output.answer(&text, || rows(&page.items))?;
    if invocation.output == Output::Human {
        page.note_rest("hearth keys list");
    }
    Ok(())
}

async fn end(invocation: &Invocation, id: &str) -> anyhow::Result<()> {
    let text = if let Some(client) = invocation.find_client()? {
        client.delete(&["keys", id]).await?.text
    } else {
        offline::revoke_key(&invocation.loaded.settings, id).await?;
        String::new()
    };
    invocation
        .output
        .answer(&text, || format!("revoked key {id}"))
}

fn rows(keys: &[KeyRecord]) -> String {
    let time = |text: &Option<String>| text.as_deref().map(moment);
    let rows: Vec<[String; 6]> = keys
        .iter()
        .map(|key| {
            let state = match time(&key.revoked_at) {
                Some(at) => format!("revoked {at}"),
                None => "valid".into(),
            };
            [
                key.id.clone(),
                key.name.clone(),
                key.role.clone(),
                key.agent.as_deref().map(one_line).unwrap_or_default(),
                time(&key.last_used_at).unwrap_or_else(|| "never".into()),
                state,
            ]
        })
        .collect();
    table(["id", "name", "role", "agent", "last used", "state"], &rows)
}
