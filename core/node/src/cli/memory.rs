//! `hearth memory`: what agents and you want known later.

use clap::{Args, Subcommand};
use serde_json::json;

use crate::cli::{Invocation, project};
use crate::client::wire::{MemoryRecord, Page};
use crate::output::Output;
use crate::output::table::{fields, table};
use crate::output::text::{moment, one_line, paragraphs, shortened};

/// So that a row fits 100 columns.
const TEXT_WIDTH: usize = 52;

/// What can be done with memories.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List what is remembered, newest first, or what holds certain words
    List(List),
    /// Show one memory with where it came from
    Show(Named),
    /// Forget a memory: its words are gone for good
    Forget(Named),
    /// Have something remembered
    Add(Add),
}

/// Lists memories.
#[derive(Debug, Args)]
pub struct List {
    /// Those that hold these words, the best match first
    #[arg(value_name = "WORDS")]
    words: Vec<String>,
    /// For the tasks of this project, by its name or UUID
    #[arg(long, value_name = "P")]
    project: Option<String>,
    /// Those that were forgotten, too
    #[arg(long)]
    all: bool,
    /// At most so many, 1 to 500
    #[arg(long, value_name = "COUNT")]
    limit: Option<u32>,
    /// Go on where another list ended
    #[arg(long)]
    cursor: Option<String>,
}

/// One memory.
#[derive(Debug, Args)]
pub struct Named {
    /// Its number, as `hearth memory list` shows it
    #[arg(value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    number: u32,
}

/// Remembers something.
#[derive(Debug, Args)]
pub struct Add {
    /// What is to be known
    text: String,
    /// What it is about, in a few words that it is found by as well
    #[arg(long, value_name = "WORDS")]
    about: Option<String>,
    /// For the tasks of this project, by its name or UUID; for all tasks unless told
    #[arg(long, value_name = "P")]
    project: Option<String>,
}

pub(super) async fn run(invocation: &Invocation, command: Command) -> anyhow::Result<()> {
    match command {
        Command::List(list) => self::list(invocation, list).await,
        Command::Show(named) => show(invocation, &named).await,
        Command::Forget(named) => forget(invocation, &named).await,
        Command::Add(add) => self::add(invocation, add).await,
    }
}

async fn list(invocation: &Invocation, list: List) -> anyhow::Result<()> {
    let client = invocation.client()?;
    let project = match &list.project {
        Some(name) => Some(project::find(&client, name).await?),
        None => None,
    };
    let words = (!list.words.is_empty()).then(|| list.words.join(" "));
    let given = [
        ("q", words),
        ("project_id", project),
        ("all", list.all.then(|| "true".into())),
        ("limit", list.limit.map(|limit| limit.to_string())),
        ("cursor", list.cursor),
    ];
    let query: Vec<_> = given
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
        .collect();
    let answer = client.get(&["memories"], &query).await?;
    let page: Page<MemoryRecord> = answer.read()?;
    invocation
        .output
        .answer(&answer.text, || rows(&page.items))?;
    if invocation.output == Output::Human {
        page.note_rest("hearth memory list");
    }
    Ok(())
}

async fn show(invocation: &Invocation, named: &Named) -> anyhow::Result<()> {
    let number = named.number.to_string();
    let path = ["memories", number.as_str()];
    let answer = invocation.client()?.get(&path, &[]).await?;
    let memory: MemoryRecord = answer.read()?;
    invocation.output.answer(&answer.text, || shown(&memory))
}

async fn forget(invocation: &Invocation, named: &Named) -> anyhow::Result<()> {
    let number = named.number.to_string();
    let path = ["memories", number.as_str()];
    let answer = invocation.client()?.delete(&path).await?;
    invocation
        .output
        .answer(&answer.text, || format!("forgot memory {number}"))
}

async fn add(invocation: &Invocation, add: Add) -> anyhow::Result<()> {
    let client = invocation.client()?;
    let mut body = json!({ "text": add.text });
    if let Some(about) = &add.about {
        body["about"] = json!(about);
    }
    if let Some(name) = &add.project {
        body["project_id"] = json!(project::find(&client, name).await?);
    }
    let answer = client.post(&["memories"], &body).await?;
    let memory: MemoryRecord = answer.read()?;
    invocation.output.answer(&answer.text, || {
        let text = shortened(&memory.text, TEXT_WIDTH);
        format!("memory {}: {text}", memory.number)
    })
}

fn rows(memories: &[MemoryRecord]) -> String {
    let rows: Vec<[String; 4]> = memories
        .iter()
        .map(|memory| {
            let text = match &memory.forgotten_at {
                Some(at) => format!("(forgotten {})", moment(at)),
                None => shortened(&memory.text, TEXT_WIDTH),
            };
            [
                memory.number.to_string(),
                shortened(&memory.about, TEXT_WIDTH / 3),
                text,
                memory.provenance.clone(),
            ]
        })
        .collect();
    table(["n", "about", "text", "from"], &rows)
}

fn shown(memory: &MemoryRecord) -> String {
    let labels = [
        (memory.untrusted, "text of strangers"),
        (memory.private, "private data"),
    ];
    let read: Vec<&str> = labels
        .into_iter()
        .filter_map(|(is_so, words)| is_so.then_some(words))
        .collect();
    let forgotten = memory.forgotten_at.as_deref().map(moment);
    let facts = fields(&[
        ("memory", memory.number.to_string()),
        ("about", one_line(&memory.about)),
        ("from", one_line(&memory.provenance)),
        ("project", memory.project_id.clone().unwrap_or_default()),
        ("its run had read", read.join(", ")),
        ("forgotten", forgotten.unwrap_or_default()),
    ]);
    format!("{facts}\n\n{}", paragraphs(&memory.text))
        .trim_end()
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_memory_says_what_its_run_had_read() {
        let memory = MemoryRecord {
            number: 3,
            text: "Ada likes\ntea\u{1b}[31m".into(),
            provenance: "from task #12 by seed on 2026-11-03".into(),
            untrusted: true,
            ..MemoryRecord::default()
        };

        let shown = shown(&memory);

        assert!(shown.contains("from task #12 by seed"), "{shown}");
        assert!(shown.contains("text of strangers"), "{shown}");
        assert!(shown.ends_with("Ada likes\ntea[31m"), "{shown}");
        assert!(rows(&[memory]).contains("Ada likes tea"));
    }
}
