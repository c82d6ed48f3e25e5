//! `hearth task update`: changes a task's fields.

use std::path::PathBuf;

use anyhow::bail;
use clap::Args;
use clap::builder::PossibleValuesParser;
use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};

use crate::cli::task::{accept, budget, show};
use crate::cli::words::{due, from_when, priorities, task_ref};
use crate::cli::{Invocation, project};
use crate::client::json_object;
use crate::client::wire::Task;

/// What can be emptied: the word, the field, and whether an empty list stands for nothing.
const CLEARABLE: [(&str, &str, Empty); 10] = [
    ("acceptance", "acceptance", Empty::List),
    ("after", "depends_on", Empty::List),
    ("budget", "budget", Empty::Null),
    ("due", "due_at", Empty::Null),
    ("estimate", "estimate_minutes", Empty::Null),
    ("every", "recurrence", Empty::Null),
    ("for", "assigned_to", Empty::Null),
    ("labels", "labels", Empty::List),
    ("not-before", "not_before", Empty::Null),
    ("project", "project_id", Empty::Null),
];

/// How a field is emptied.
#[derive(Clone, Copy)]
enum Empty {
    Null,
    List,
}

/// Changes a task's fields.
#[derive(Debug, Args)]
pub struct Update {
    /// The task's number or UUID
    #[arg(value_name = "N", value_parser = task_ref)]
    task: String,
    #[command(flatten)]
    changes: Changes,
}

/// The fields to change; at least one.
#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
struct Changes {
    /// What is to be done, in a line
    #[arg(long)]
    title: Option<String>,
    /// What is to be done, at length
    #[arg(long)]
    description: Option<String>,
    /// How urgent it is
    #[arg(long, value_parser = priorities())]
    priority: Option<String>,
    /// All its labels; may be repeated
    #[arg(long = "label", value_name = "L")]
    labels: Vec<String>,
    /// The project it is part of
    #[arg(long, value_name = "NAME")]
    project: Option<String>,
    /// The agent it is kept for; `owner` is you
    #[arg(long = "for", value_name = "AGENT")]
    assigned_to: Option<String>,
    /// When it should be done, such as friday, tomorrow 15:00 or 2026-11-23
    #[arg(long, value_name = "WHEN")]
    due: Option<String>,
    /// Before when it must not be started, such as monday or 2026-11-23 09:00

    #[arg(long, value_name = "WHEN")]
    not_before: Option<String>,
    /// All the tasks that must be completed first; may be repeated
    #[arg(long, value_name = "N", value_parser = task_ref)]
    after: Vec<String>,
    /// The rhythm in which it comes again after this, such as "every monday 9:00"
    #[arg(long, value_name = "RULE")]
    every: Option<String>,
    /// How long it is thought to take, in minutes
    #[arg(long, value_name = "MINUTES")]
    estimate: Option<u32>,
    /// How many attempts may fail before it blocks
    #[arg(long, value_name = "COUNT")]
    max_attempts: Option<u32>,
    /// All that must hold before it counts as done, each as a JSON object such as
    /// {"kind": "artifact"}; may be repeated
    #[arg(long, value_name = "JSON", value_parser = json_object)]
    accept: Vec<Value>,
    /// A file with such a check, or with a list of them
    #[arg(long, value_name = "F")]
    accept_file: Option<PathBuf>,
    /// What it may use up, such as usd=2,turns=30, in place of all that was said before
    #[arg(long, value_name = "WHAT=AMOUNT", value_delimiter = ',', value_parser = budget::limit)]
    budget: Vec<budget::Limit>,
    /// A field to empty; may be repeated
    #[arg(long, value_name = "FIELD", value_delimiter = ',',
        value_parser = PossibleValuesParser::new(CLEARABLE.map(|(word, ..)| word)))]
    clear: Vec<String>,
}

pub(super) async fn run(invocation: &Invocation, update: Update) -> anyhow::Result<()> {
    let mut body = fields(&update.changes, &invocation.zone())?;
    let client = invocation.client()?;
    if let Some(name) = &update.changes.project {
        let id = project::find(&client, name).await?;
        body.insert("project_id".into(), json!(id));
    }
    if !update.changes.after.is_empty() {
        let mut ids = Vec::new();
        for task in &update.changes.after {
            let task: Task = client.get(&["tasks", task], &[]).await?.read()?;
            ids.push(task.id);
        }
        body.insert("depends_on".into(), json!(ids));
    }
    let answer = client.patch(&["tasks", &update.task], &body).await?;
    let task: Task = answer.read()?;
    invocation
        .output
        .answer(&answer.text, || show::status_line(&task))
}

/// Returns the fields that need no look at the node.
fn fields(changes: &Changes, zone: &TimeZone) -> anyhow::Result<Map<String, Value>> {
    let due_at = changes
        .due
        .as_ref()
        .map(|text| due(text, zone))
        .transpose()?;
    let not_before = changes
        .not_before
        .as_ref()
        .map(|text| from_when(text, zone))
        .transpose()?;
    let mut body = Map::new();
    for word in &changes.clear {
        let Some((_, field, empty)) = CLEARABLE.iter().find(|(known, ..)| known == word) else {
            bail!("{word} cannot be emptied");
        };
        let is_set = match *field {
            "acceptance" => !changes.accept.is_empty() || changes.accept_file.is_some(),
            "depends_on" => !changes.after.is_empty(),
            "budget" => !changes.budget.is_empty(),
            "due_at" => changes.due.is_some(),
            "estimate_minutes" => changes.estimate.is_some(),
            "recurrence" => changes.every.is_some(),
            "assigned_to" => changes.assigned_to.is_some(),
            "labels" => !changes.labels.is_empty(),
            "not_before" => changes.not_before.is_some(),
            "project_id" => changes.project.is_some(),
            _ => false,
        };
        if is_set {
            bail!("{word} cannot be both given and emptied");
        }
        let value = match empty {
            Empty::Null => Value::Null,
            Empty::List => json!([]),
        };
        body.insert((*field).into(), value);
    }
    let acceptance = accept::read(&changes.accept, changes.accept_file.as_deref())?;
    if !acceptance.is_empty() {
        body.insert("acceptance".into(), json!(acceptance));
    }
    let texts = [
        ("title", &changes.title),
        ("description", &changes.description),
        ("priority", &changes.priority),
        ("assigned_to", &changes.assigned_to),
        ("recurrence", &changes.every),
        ("due_at", &due_at),
        ("not_before", &not_before),
    ];
    for (field, text) in texts {
        if let Some(text) = text {
            body.insert(field.into(), json!(text));
        }
    }
    if let Some(budget) = budget::of(&changes.budget) {
        body.insert("budget".into(), budget);
    }
    if !changes.labels.is_empty() {
        body.insert("labels".into(), json!(changes.labels));
    }
    if let Some(minutes) = changes.estimate {
        body.insert("estimate_minutes".into(), json!(minutes));
    }
    if let Some(count) = changes.max_attempts {
        body.insert("max_attempts".into(), json!(count));
    }
    Ok(body)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::{Cli, Command};

    fn update(args: &[&str]) -> Result<Map<String, Value>, String> {
        let args = ["hearth", "task", "update", "12"].iter().chain(args);
        let cli = Cli::try_parse_from(args).map_err(|error| error.kind().to_string())?;
        match cli.command {
            Command::Task(super::super::Command::Update(update)) => {
                fields(&update.changes, &TimeZone::UTC).map_err(|error| error.to_string())
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn only_what_is_named_changes() {
        let body = update(&[
            "--title",
            "x",
            "--label",
            "a",
            "--label",
            "b",
            "--clear",
            "due,for",
            "--budget",
            "turns=3,minutes=2",
        ]);

        assert_eq!(
            Value::Object(body.unwrap()),
            json!({ "title": "x", "labels": ["a", "b"], "due_at": null, "assigned_to": null,
                "budget": { "turns": 3, "wall_seconds": 120 } })
        );
    }

    #[test]
    fn a_change_of_nothing_or_of_both_ways_is_refused() {
        assert!(update(&[]).is_err());
        assert_eq!(
            update(&["--budget", "turns=3", "--clear", "budget"]).unwrap_err(),
            "budget cannot be both given and emptied"
        );
        assert_eq!(
            update(&["--due", "2026-11-23", "--clear", "due"]).unwrap_err(),
            "due cannot be both given and emptied"
        );
    }
}
