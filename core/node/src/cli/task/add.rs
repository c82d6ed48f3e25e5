//! `hearth task add`: gives work.

use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, bail};
use clap::Args;
use serde_json::{Value, json};

use crate::cli::task::draft::Draft;
use crate::cli::task::{show, watch};
use crate::cli::words::{due, priorities, task_ref};
use crate::cli::{Invocation, project};
use crate::client::upload::{Upload, base_name};
use crate::client::wire::{Artifact, Task};
use crate::client::{Client, json_object};
use crate::output::text::one_line;

/// The type of an artifact that comes with a task.
const INPUT: &str = "input";

/// Gives work.
#[derive(Debug, Args)]
pub struct Add {
    /// What is to be done, in a line
    text: String,
    /// The project it is part of; made where there is none of the name
    #[arg(long, value_name = "NAME")]
    project: Option<String>,
    /// How urgent it is
    #[arg(long, value_parser = priorities())]
    priority: Option<String>,
    /// What is to be done, at length
    #[arg(long)]
    description: Option<String>,
    /// A word to find it by; may be repeated
    #[arg(long = "label", value_name = "L")]
    labels: Vec<String>,
    /// When it should be done: a day such as 2026-11-23, or a moment in RFC 3339
    #[arg(long, value_name = "WHEN", value_parser = due)]
    due: Option<String>,
    /// A task that must be completed first; may be repeated
    #[arg(long, value_name = "N", value_parser = task_ref)]
    after: Vec<String>,
    /// The agent it is kept for; `owner` is you
    #[arg(long = "for", value_name = "AGENT")]
    assigned_to: Option<String>,
    /// A file to work with; may be repeated
    #[arg(long = "file", value_name = "F")]
    files: Vec<PathBuf>,
    /// Python code to run for it
    #[arg(long, value_name = "F")]
    python_file: Option<PathBuf>,
    /// A file with a JSON object that its worker should know
    #[arg(long, value_name = "F")]
    context_file: Option<PathBuf>,
    /// Wait until it is done, and show what came of it
    #[arg(long)]
    wait: bool,
}

pub(super) async fn run(invocation: &Invocation, add: Add) -> anyhow::Result<()> {
    let wait = add.wait;
    let files = add.files.clone();
    let after = add.after.clone();
    // What is wrong here is found before anything is made over there.
    let mut draft = draft(add)?;
    for file in &files {
        base_name(file)?;
        std::fs::File::open(file).with_context(|| format!("cannot read {}", file.display()))?;
    }
    let client = invocation.client()?;
    for task in &after {
        let task: Task = client.get(&["tasks", task], &[]).await?.read()?;
        draft.depends_on.push(task.id);
    }
    let project_id = match &draft.project {
        Some(name) => Some(project::find_or_make(&client, name).await?),
        None => None,
    };
    for file in &files {
        draft.artifacts.push(upload(&client, file).await?);
    }

    let answer = client
        .post(&["tasks"], &draft.body(project_id.as_deref()))
        .await?;
    let task: Task = answer.read()?;
    if !wait {
        return invocation.output.answer(&answer.text, || made(&task));
    }
    invocation.output.line(&made(&task))?;
    let answer = watch::until_done(&client, &task.id).await?;
    let task: Task = answer.read()?;
    invocation
        .output
        .answer(&answer.text, || show::result(&task))
}

/// Puts together what the line and the flags say; flags go first.
fn draft(add: Add) -> anyhow::Result<Draft> {
    let line = Draft::from_line(&add.text);
    if line.title.trim().is_empty() {
        bail!("title must not be empty; say in a line what is to be done");
    }
    let mut labels = line.labels;
    labels.extend(add.labels);
    let mut draft = Draft {
        title: line.title,
        project: add.project.or(line.project),
        priority: add.priority.or(line.priority),
        labels,
        due_at: add.due.or(line.due_at),
        assigned_to: add.assigned_to.or(line.assigned_to),
        description: add.description,
        ..Draft::default()
    };
    if let Some(path) = &add.context_file {
        let object = json_object(&read(path)?);
        if let Value::Object(context) =
            object.map_err(|problem| anyhow!("{} {problem}", path.display()))?
        {
            draft.context = context;
        }
    }
    if let Some(path) = &add.python_file {
        let code = read(path)?;
        let plan = json!([{ "tool": "python", "args": { "code": code } }]);
        if draft.context.insert("plan".into(), plan).is_some() {
            bail!("the context file has a plan already; leave out --python-file or that plan");
        }
    }
    Ok(draft)
}

fn read(path: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

async fn upload(client: &Client, file: &Path) -> anyhow::Result<String> {
    let upload = Upload {
        path: file,
        kind: INPUT,
        name: None,
        task_id: None,
        held_by: None,
    };
    let answer = client.upload(&upload).await;
    let artifact: Artifact = answer
        .with_context(|| format!("cannot hand in {}", file.display()))?
        .read()?;
    Ok(artifact.id)
}

fn made(task: &Task) -> String {
    let line = show::line(task);
    match &task.waiting_for {
        Some(reason) => format!("{line}\nwaits for {}", one_line(reason)),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::{Cli, Command};

    fn add(args: &[&str]) -> Add {
        let args = ["hearth", "task", "add"].iter().chain(args);
        match Cli::try_parse_from(args).unwrap().command {
            Command::Task(super::super::Command::Add(add)) => *add,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn python_code_becomes_a_plan() {
        let folder = tempfile::tempdir().unwrap();
        let code = folder.path().join("count.py");
        std::fs::write(&code, "print(1)\n").unwrap();
        let path = code.to_str().unwrap();

        let draft = draft(add(&[
            "Count",
            "--python-file",
            path,
            "--due",
            "2026-11-23",
        ]))
        .unwrap();

        assert_eq!(
            draft.body(None),
            json!({
                "title": "Count",
                "due_at": "2026-11-23T23:59:59.000Z",
                "context": { "plan": [{ "tool": "python", "args": { "code": "print(1)\n" } }] },
            })
        );
    }

    #[test]
    fn a_task_that_is_not_taken_up_says_what_it_waits_for() {
        let mut task = Task {
            number: 12,
            title: "Count".into(),
            ..Task::default()
        };
        assert_eq!(made(&task), "#12 Count");

        task.waiting_for = Some("a language model".into());

        assert_eq!(made(&task), "#12 Count\nwaits for a language model");
    }

    #[test]
    fn two_plans_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let [code, context] = ["a.py", "a.json"].map(|name| folder.path().join(name));
        std::fs::write(&code, "").unwrap();
        std::fs::write(&context, r#"{"plan": []}"#).unwrap();
        let [code, context] = [&code, &context].map(|path| path.to_str().unwrap());

        let add = add(&["x", "--python-file", code, "--context-file", context]);

        assert!(
            draft(add)
                .unwrap_err()
                .to_string()
                .contains("has a plan already")
        );
    }
}
