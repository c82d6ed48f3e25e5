//! `hearth model`: the language models of the node.

mod choose;
mod show;

use std::time::Duration;

use clap::Subcommand;
use serde_json::json;

use crate::cli::Invocation;
use crate::client::wire::{ModelList, ModelTest};
use crate::output::note;

pub(super) use choose::choose;

/// An answer takes as long as a model may take, and the tries before it.
const TEST_LIMIT: Duration = Duration::from_mins(35);

/// What can be done with language models.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show the models in the order in which they are tried, what they cost, and which answers
    Show,
    /// Ask the model one small thing, which costs a fraction of a cent where the model costs anything
    Test,
    /// Use a model, from here on (works without a node running)
    Use(choose::Use),
}

pub(super) async fn run(invocation: &Invocation, command: Command) -> anyhow::Result<()> {
    match command {
        Command::Show => show(invocation).await,
        Command::Test => test(invocation).await,
        Command::Use(_) => anyhow::bail!("this command asks no node"),
    }
}

async fn show(invocation: &Invocation) -> anyhow::Result<()> {
    let answer = invocation.client()?.get(&["model"], &[]).await?;
    let list: ModelList = answer.read()?;
    invocation
        .output
        .answer(&answer.text, || show::lines(&list))
}

async fn test(invocation: &Invocation) -> anyhow::Result<()> {
    let client = invocation.client()?;
    note("asking the model one small thing; with one that costs money, that costs some");
    let answer = client
        .post_within(TEST_LIMIT, &["model", "test"], &json!({}))
        .await?;
    let test: ModelTest = answer.read()?;
    invocation
        .output
        .answer(&answer.text, || show::tested(&test))
}
