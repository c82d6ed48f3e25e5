//! `hearth artifact`: what was handed in and what came of it.

mod get;

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::cli::Invocation;
use crate::cli::words::{id, task_ref};
use crate::client::upload::Upload;
use crate::client::wire::{Artifact, Page, Task};
use crate::output::Output;
use crate::output::table::{fields, table};
use crate::output::text::{moment, one_line, size};

/// What can be done with artifacts.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Store a file
    Add(Add),
    /// List a task's artifacts
    List(List),
    /// Show what is known of an artifact
    Show(Named),
    /// Fetch an artifact's bytes
    Get(get::Get),
}

/// Stores a file.
#[derive(Debug, Args)]
pub struct Add {
    /// The file
    file: PathBuf,
    /// The task it belongs to
    #[arg(long, value_name = "N", value_parser = task_ref)]
    task: Option<String>,
    /// What sort it is, in a word such as report
    #[arg(long = "type", value_name = "T", default_value = "file")]
    kind: String,
    /// What it is called, if not as the file is
    #[arg(long)]
    name: Option<String>,
    /// The agent that holds the task
    #[arg(long, requires_all = ["task", "fence"])]
    agent: Option<String>,
    /// The fence it holds it with
    #[arg(long, value_name = "F", requires = "agent")]
    fence: Option<u64>,
}

/// Lists a task's artifacts.
#[derive(Debug, Args)]
pub struct List {
    /// The task
    #[arg(long, value_name = "N", value_parser = task_ref)]
    task: String,
}

/// One artifact.
#[derive(Debug, Args)]
pub struct Named {
    /// Its UUID
    #[arg(value_name = "ID", value_parser = id)]
    artifact: uuid::Uuid,
}

pub(super) async fn run(invocation: &Invocation, command: Command) -> anyhow::Result<()> {
    let client = invocation.client()?;
    let output = invocation.output;
    match command {
        Command::Add(add) => {
            let task_id = match &add.task {
                Some(task) => Some(client.get(&["tasks", task], &[]).await?.read::<Task>()?.id),
                None => None,
            };
            let upload = Upload {
                path: &add.file,
                kind: &add.kind,
                name: add.name.as_deref(),
                task_id: task_id.as_deref(),
                held_by: add.agent.as_deref().zip(add.fence),
            };
            let answer = client.upload(&upload).await?;
            let artifact: Artifact = answer.read()?;
            // The identifier alone, so that it can be handed to `hearth task complete`.
            output.answer(&answer.text, || one_line(&artifact.id))
        }
        Command::List(list) => {
            let answer = client.get(&["tasks", &list.task, "artifacts"], &[]).await?;
            let page: Page<Artifact> = answer.read()?;
            output.answer(&answer.text, || rows(&page.items))?;
            if output == Output::Human {
                page.note_rest("hearth artifact list");
            }
            Ok(())
        }
        Command::Show(named) => {
            let id = named.artifact.to_string();
            let answer = client.get(&["artifacts", &id], &[]).await?;
            let artifact: Artifact = answer.read()?;
            output.answer(&answer.text, || show(&artifact))
        }
        Command::Get(get) => get::run(&client, get).await,
    }
}

fn rows(artifacts: &[Artifact]) -> String {
    let rows: Vec<[String; 5]> = artifacts
        .iter()
        .map(|artifact| {
            [
                artifact.id.clone(),
                artifact.kind.clone(),
                artifact.name.clone().unwrap_or_default(),
                size(artifact.size_bytes),
                artifact.media_type.clone(),
            ]
        })
        .collect();
    table(["id", "type", "name", "size", "media type"], &rows)
}

fn show(artifact: &Artifact) -> String {
    let line = |text: &Option<String>| text.as_deref().map(one_line).unwrap_or_default();
    let pairs = [
        ("name", line(&artifact.name)),
        ("type", one_line(&artifact.kind)),
        ("media type", one_line(&artifact.media_type)),
        ("size", size(artifact.size_bytes)),
        ("task", line(&artifact.task_id)),
        ("trust", artifact.trust.words()),
        ("made", moment(&artifact.created_at)),
        ("by", line(&artifact.created_by)),
        ("sha256", one_line(&artifact.sha256)),
        ("stored at", one_line(&artifact.storage_url)),
        ("id", one_line(&artifact.id)),
    ];
    fields(&pairs)
}
