//! `hearth project`: bodies of work.

use anyhow::bail;
use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};

use crate::cli::Invocation;
use crate::cli::words::project_statuses;
use crate::client::Client;
use crate::client::wire::{Page, Project};
use crate::output::Output;
use crate::output::note;
use crate::output::table::{fields, table};
use crate::output::text::{moment, one_line, paragraphs, shortened};

/// So that a row fits 100 columns beside the usual name.
const DESCRIPTION_WIDTH: usize = 50;

/// What can be done with projects. A project is named by its name or its UUID.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make a project
    Add(Add),
    /// List projects
    List(List),
    /// Show one project
    Show(Named),
    /// Change a project's fields
    Update(Update),
    /// Delete a project, and its tasks with it
    Delete(Delete),
}

/// Makes a project.
#[derive(Debug, Args)]
pub struct Add {
    /// What it is called
    name: String,
    /// What it is about
    #[arg(long)]
    description: Option<String>,
}

/// Lists projects.
#[derive(Debug, Args)]
pub struct List {
    /// With this status; may be repeated
    #[arg(long, value_parser = project_statuses(), value_delimiter = ',')]
    status: Vec<String>,
    /// At most so many, 1 to 500
    #[arg(long, value_name = "COUNT")]
    limit: Option<u32>,
    /// Go on where another list ended
    #[arg(long)]
    cursor: Option<String>,
}

/// One project.
#[derive(Debug, Args)]
pub struct Named {
    /// Its name or UUID
    #[arg(value_name = "PROJECT")]
    project: String,
}

/// Changes a project's fields.
#[derive(Debug, Args)]
pub struct Update {
    #[command(flatten)]
    named: Named,
    #[command(flatten)]
    changes: Changes,
}

/// The fields to change; at least one.
#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
struct Changes {
    /// What it is called
    #[arg(long)]
    name: Option<String>,
    /// What it is about
    #[arg(long)]
    description: Option<String>,
    /// Whether it is being worked on
    #[arg(long, value_parser = project_statuses())]
    status: Option<String>,
}

/// Deletes a project.
#[derive(Debug, Args)]
pub struct Delete {
    #[command(flatten)]
    named: Named,
    /// Delete it although its tasks go with it
    #[arg(long)]
    with_tasks: bool,
}

pub(super) async fn run(invocation: &Invocation, command: Command) -> anyhow::Result<()> {
    let client = invocation.client()?;
    let output = invocation.output;
    match command {
        Command::Add(add) => {
            let mut body = json!({ "name": add.name });
            if let Some(description) = add.description {
                body["description"] = json!(description);
            }
            let answer = client.post(&["projects"], &body).await?;
            let project: Project = answer.read()?;
            output.answer(&answer.text, || line(&project))
        }
        Command::List(list) => {
            let mut query: Vec<_> = list
                .status
                .into_iter()
                .map(|word| ("status", word))
                .collect();
            query.extend(list.limit.map(|limit| ("limit", limit.to_string())));
            query.extend(list.cursor.map(|cursor| ("cursor", cursor)));
            let answer = client.get(&["projects"], &query).await?;
            let page: Page<Project> = answer.read()?;
            output.answer(&answer.text, || rows(&page.items))?;
            if output == Output::Human {
                page.note_rest("hearth project list");
            }
            Ok(())
        }
        Command::Show(named) => {
            let id = find(&client, &named.project).await?;
            let answer = client.get(&["projects", &id], &[]).await?;
            let project: Project = answer.read()?;
            output.answer(&answer.text, || show(&project))
        }
        Command::Update(update) => {
            let id = find(&client, &update.named.project).await?;
            let answer = client
                .patch(&["projects", &id], &update.changes.body())
                .await?;
            let project: Project = answer.read()?;
            output.answer(&answer.text, || line(&project))
        }
        Command::Delete(delete) => delete_project(&client, output, &delete).await,
    }
}

/// Returns the identifier of the project that is called `name`, or has it as its identifier.
///
/// # Errors
/// There is none.
pub(super) async fn find(client: &Client, name: &str) -> anyhow::Result<String> {
    match look_up(client, name).await? {
        Some(id) => Ok(id),
        None => bail!("there is no project {name:?}; `hearth project list` lists them"),
    }
}

/// Returns the identifier of the project that is called `name`; makes it, and says so, where there
/// is none.
pub(super) async fn find_or_make(client: &Client, name: &str) -> anyhow::Result<String> {
    if let Some(id) = look_up(client, name).await? {
        return Ok(id);
    }
    let answer = client.post(&["projects"], &json!({ "name": name })).await?;
    let project: Project = answer.read()?;
    note(&format!("made project {:?}", project.name));
    Ok(project.id)
}

async fn look_up(client: &Client, name: &str) -> anyhow::Result<Option<String>> {
    let name = name.trim();
    if uuid::Uuid::try_parse(name).is_ok() {
        return Ok(Some(name.to_owned()));
    }
    let query = [("name", name.to_owned())];
    let page: Page<Project> = client.get(&["projects"], &query).await?.read()?;
    let mut found = page.items.into_iter();
    Ok(found
        .find(|project| project.name == name)
        .map(|project| project.id))
}

async fn delete_project(client: &Client, output: Output, delete: &Delete) -> anyhow::Result<()> {
    let name = &delete.named.project;
    let id = find(client, name).await?;
    if !delete.with_tasks {
        let query = [("project_id", id.clone()), ("limit", "1".into())];
        let tasks: Page<Value> = client.get(&["tasks"], &query).await?.read()?;
        if !tasks.items.is_empty() {
            bail!(
                "project {name:?} has tasks, which would go with it; say --with-tasks if they may"
            );
        }
    }
    let answer = client.delete(&["projects", &id]).await?;
    output.answer(&answer.text, || format!("deleted project {name:?}"))
}

impl Changes {
    fn body(&self) -> Map<String, Value> {
        let texts = [
            ("name", &self.name),
            ("description", &self.description),
            ("status", &self.status),
        ];
        texts
            .into_iter()
            .filter_map(|(field, text)| Some((field.to_owned(), json!(text.as_ref()?))))
            .collect()
    }
}

fn line(project: &Project) -> String {
    format!("{}: {}", one_line(&project.name), project.status)
}

fn show(project: &Project) -> String {
    let pairs = [
        ("name", one_line(&project.name)),
        ("status", one_line(&project.status)),
        ("made", moment(&project.created_at)),
        ("changed", moment(&project.updated_at)),
        ("id", one_line(&project.id)),
        ("description", paragraphs(&project.description)),
    ];
    fields(&pairs)
}

fn rows(projects: &[Project]) -> String {
    let rows: Vec<[String; 3]> = projects
        .iter()
        .map(|project| {
            [
                project.name.clone(),
                project.status.clone(),
                shortened(&project.description, DESCRIPTION_WIDTH),
            ]
        })
        .collect();
    table(["name", "status", "description"], &rows)
}
