//! Keeps the key for a node elsewhere in the system's keyring, where commands look for it.

use anyhow::{Context, bail};
use reqwest::Url;
use serde_json::json;

use crate::cli::Invocation;
use crate::client::locate::account;
use crate::client::wire::Me;
use crate::client::{Client, Key, Target, Unreachable};
use crate::output::note;
use crate::secrets::{input, keyring};

/// What there is to do where the keyring is of no use.
const INSTEAD: &str = "put the key in HEARTH_KEY, or name its file with --key-file";

pub(super) async fn remember(invocation: &Invocation) -> anyhow::Result<()> {
    let url = named(invocation)?;
    let account = account(&url);
    let secret = input::read("the key")?;
    let me = try_key(&url, Key::new(secret.reveal())?)
        .await
        .with_context(|| format!("the key for {account} was not kept"))?;
    keyring::set(&account, &secret)
        .with_context(|| format!("the key for {account} was not kept; {INSTEAD}"))?;
    let object = json!({
        "url": account,
        "is_checked": me.is_some(),
        "role": me.as_ref().map(|me| &me.role),
        "agent": me.as_ref().and_then(|me| me.agent.as_ref()),
    });
    invocation.output.object(&object, || {
        let whose = me.as_ref().map(|me| format!(" ({})", me.role));
        let whose = whose.unwrap_or_default();
        format!("the keyring holds the key for {account}{whose}")
    })?;
    if me.is_none() {
        note(&format!(
            "no node answers at {account}, so the key was not tried"
        ));
    }
    Ok(())
}

pub(super) fn forget(invocation: &Invocation) -> anyhow::Result<()> {
    let account = account(&named(invocation)?);
    if !keyring::remove(&account)
        .with_context(|| format!("the key for {account} was not removed"))?
    {
        bail!("the keyring holds no key for {account}");
    }
    let object = json!({ "url": account });
    invocation.output.object(&object, || {
        format!("the keyring holds no key for {account} any more")
    })
}

fn named(invocation: &Invocation) -> anyhow::Result<Url> {
    invocation.named_url()?.context(
        "name the node with --url, such as http://192.0.2.7:4747; one on this machine needs no key kept",
    )
}

/// Shows the key to the node; returns whose it is, or nothing where no node answers.
async fn try_key(url: &Url, key: Key) -> anyhow::Result<Option<Me>> {
    let url = url.clone();
    let client = Client::new(Target { url, key })?;
    match client.get(&["me"], &[]).await {
        Ok(answer) => answer.read().map(Some),
        Err(error) if error.is::<Unreachable>() => Ok(None),
        Err(error) => Err(error),
    }
}
