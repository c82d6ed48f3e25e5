//! `hearth task add`: gives work.

use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, bail};
use clap::Args;
use hearth_domain::plan::Plan;
use hearth_runtime::tools::Registry;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use crate::cli::task::draft::Draft;
use crate::cli::task::{accept, budget, show, watch};
use crate::cli::words::{day_or_moment, due, priorities, task_ref};
use crate::cli::{Invocation, project, tool};
use crate::client::upload::{Upload, base_name};
use crate::client::wire::{Artifact, Doubt, FromLine, Task, Understood};
use crate::client::{Client, json_object};
use crate::output::text::one_line;

/// The type of an artifact that comes with a task.
const INPUT: &str = "input";

/// Gives work.
#[derive(Debug, Args)]
pub struct Add {
    /// What is to be done, in a line such as: Build landing page @web #design !high due friday
    #[arg(value_name = "LINE", required = true)]
    text: Vec<String>,
    /// Take the line as the title as it stands, whatever is in it
    #[arg(long)]
    literal: bool,
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
    /// When it should be done, such as friday, tomorrow 15:00 or 2026-11-23
    #[arg(long, value_name = "WHEN")]
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
    /// A file with a plan: a JSON list of steps, each with a tool and its arguments
    #[arg(long, value_name = "F", conflicts_with = "python_file")]
    plan_file: Option<PathBuf>,
    /// A file with a JSON object that its worker should know
    #[arg(long, value_name = "F")]
    context_file: Option<PathBuf>,
    /// What must hold before it counts as done, as a JSON object such as {"kind": "artifact"}; may
    /// be repeated
    #[arg(long, value_name = "JSON", value_parser = json_object)]
    accept: Vec<Value>,
    /// A file with such a check, or with a list of them
    #[arg(long, value_name = "F")]
    accept_file: Option<PathBuf>,
    /// What it may use up, such as usd=2,turns=30; the rest is as the settings say
    #[arg(long, value_name = "WHAT=AMOUNT", value_delimiter = ',', value_parser = budget::limit)]
    budget: Vec<budget::Limit>,
    /// Wait until it is done, and show what came of it
    #[arg(long)]
    wait: bool,
}

pub(super) async fn run(invocation: &Invocation, add: Add) -> anyhow::Result<()> {
    let wait = add.wait;
    let files = add.files.clone();
    let after = add.after.clone();
    // What is wrong here is found before anything is made over there.
    for file in &files {
        base_name(file)?;
        std::fs::File::open(file).with_context(|| format!("cannot read {}", file.display()))?;
    }
    let client = invocation.client()?;
    let line = understand(&client, &add).await?;
    let after: Vec<String> = after
        .into_iter()
        .chain(line.after.iter().map(ToString::to_string))
        .collect();
    let tools = match &add.plan_file {
        Some(_) => tool::registry_of(&client).await?,
        None => Registry::builtin(),
    };
    let mut draft = draft(add, line, &invocation.zone(), &tools)?;
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
        let zone = invocation.zone();
        return invocation
            .output
            .answer(&answer.text, || made(&task, &zone));
    }
    invocation.output.line(&made(&task, &invocation.zone()))?;
    let answer = watch::until_done(&client, &task.id).await?;
    let task: Task = answer.read()?;
    invocation
        .output
        .answer(&answer.text, || show::result(&task))
}

/// Has the node read the line.
async fn understand(client: &Client, add: &Add) -> anyhow::Result<Understood> {
    let text = add.text.join(" ");
    if add.literal {
        return Ok(Understood {
            title: text.trim().to_owned(),
            ..Understood::default()
        });
    }
    let body = json!({ "text": text, "preview": true });
    let answer = client.post(&["tasks", "quick-add"], &body).await?;
    let read: FromLine = answer.read()?;
    // The flag says which project is meant.
    let is_open = |doubt: &&Doubt| doubt.field != "project" || add.project.is_none();
    match read.understood.doubts.iter().find(is_open) {
        Some(doubt) => bail!(
            "{} {}; nothing was made (--literal takes the line as it stands)",
            doubt.field,
            doubt.problem
        ),
        None => Ok(read.understood),
    }
}

/// Puts together what the line and the flags say; flags go first.
fn draft(add: Add, line: Understood, zone: &TimeZone, tools: &Registry) -> anyhow::Result<Draft> {
    let line = Draft::from_line(line);
    if line.title.trim().is_empty() {
        bail!("title must not be empty; say in a line what is to be done");
    }
    let due_at = add.due.map(|text| due(&text, zone)).transpose()?;
    let mut labels = line.labels;
    labels.extend(add.labels);
    let mut draft = Draft {
        title: line.title,
        project: add.project.or(line.project),
        priority: add.priority.or(line.priority),
        labels,
        due_at: due_at.or(line.due_at),
        assigned_to: add.assigned_to.or(line.assigned_to),
        description: add.description,
        recurrence: line.recurrence,
        estimate_minutes: line.estimate_minutes,
        ..Draft::default()
    };
    draft.acceptance = accept::read(&add.accept, add.accept_file.as_deref())?;
    draft.budget = budget::of(&add.budget);
    if let Some(path) = &add.context_file {
        let object = json_object(&read(path)?);
        if let Value::Object(context) =
            object.map_err(|problem| anyhow!("{} {problem}", path.display()))?
        {
            draft.context = context;
        }
    }
    let plan = match (&add.python_file, &add.plan_file) {
        (Some(path), _) => {
            let code = read(path)?;
            Some(json!([{ "tool": "python", "args": { "code": code } }]))
        }
        (None, Some(path)) => Some(plan(path, tools)?),
        (None, None) => None,
    };
    if let Some(plan) = plan
        && draft.context.insert("plan".into(), plan).is_some()
    {
        bail!("the context file has a plan already; leave out one of the two");
    }
    Ok(draft)
}

/// Reads a plan, and says what is wrong with it before anything is made.
fn plan(path: &Path, tools: &Registry) -> anyhow::Result<Value> {
    let shown = path.display();
    let value: Value =
        serde_json::from_str(&read(path)?).with_context(|| format!("{shown} is no JSON"))?;
    let plan = Plan::parse(&value).map_err(|error| anyhow!("{shown}: {error}"))?;
    tools
        .check_calls(&plan)
        .map_err(|problem| anyhow!("{shown}: {problem}"))?;
    Ok(value)
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

/// Says what was made, with what the line said of it; dates as dates.
fn made(task: &Task, zone: &TimeZone) -> String {
    let mut text = show::line(task);
    let said = [
        task.due_at
            .as_deref()
            .map(|due| format!("due {}", day_or_moment(due, zone))),
        (task.priority != "medium").then(|| format!("{} priority", task.priority)),
        task.recurrence.clone(),
        (!task.labels.is_empty()).then(|| format!("labelled {}", task.labels.join(", "))),
        task.assigned_to.as_ref().map(|name| format!("for {name}")),
    ];
    let said: Vec<String> = said
        .into_iter()
        .flatten()
        .map(|part| one_line(&part))
        .collect();
    if !said.is_empty() {
        text.push_str(&format!(" ({})", said.join(", ")));
    }
    if let Some(reason) = &task.waiting_for {
        text.push_str(&format!("\nwaits for {}", one_line(reason)));
    }
    text
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::{Cli, Command};

    fn line(title: &str) -> Understood {
        Understood {
            title: title.into(),
            ..Understood::default()
        }
    }

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

        let add = add(&["Count", "--python-file", path, "--due", "2026-11-23"]);
        let draft = draft(add, line("Count"), &TimeZone::UTC, &Registry::builtin()).unwrap();

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
            priority: "medium".into(),
            ..Task::default()
        };
        let made = |task: &Task| super::made(task, &TimeZone::UTC);
        assert_eq!(made(&task), "#12 Count");

        task.waiting_for = Some("a language model".into());
        task.due_at = Some("2026-11-27T23:59:59.000Z".into());

        assert_eq!(
            made(&task),
            "#12 Count (due Fri 27 Nov 2026)\nwaits for a language model"
        );
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
            draft(add, line("x"), &TimeZone::UTC, &Registry::builtin())
                .unwrap_err()
                .to_string()
                .contains("has a plan already")
        );
    }
}
