//! `hearth folder`: folders of this machine that agents may use, by names of their own.

use std::path::{Component, Path, PathBuf};

use anyhow::{Context, anyhow};
use clap::{Args, Subcommand};
use hearth_domain::field::LABEL_MAX;
use serde_json::json;

use crate::cli::{Invocation, project};
use crate::client::wire::{Folder, Page};
use crate::output::table::table;
use crate::output::text::{moment, one_line};

/// What can be done with folders.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Open a folder to agents, for reading unless told
    Grant(Grant),
    /// List the folders that are open
    List(List),
    /// Close a folder
    Revoke(Revoke),
}

/// Opens a folder.
#[derive(Debug, Args)]
pub struct Grant {
    /// Where it is
    path: PathBuf,
    /// What agents call it; the folder's own name unless told
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Agents may write there, too
    #[arg(long)]
    write: bool,
    /// For the tasks of this project, by its name or UUID; for all tasks unless told
    #[arg(long, value_name = "P")]
    project: Option<String>,
}

/// Lists folders.
#[derive(Debug, Args)]
pub struct List {
    /// Those that were closed, too
    #[arg(long)]
    all: bool,
}

/// Closes a folder.
#[derive(Debug, Args)]
pub struct Revoke {
    /// What agents call it
    name: String,
}

pub(super) async fn run(invocation: &Invocation, command: Command) -> anyhow::Result<()> {
    match command {
        Command::Grant(grant) => self::grant(invocation, grant).await,
        Command::List(list) => self::list(invocation, &list).await,
        Command::Revoke(revoke) => self::revoke(invocation, &revoke.name).await,
    }
}

async fn grant(invocation: &Invocation, grant: Grant) -> anyhow::Result<()> {
    let home = directories::BaseDirs::new().map(|dirs| dirs.home_dir().to_owned());
    let path = whole(&grant.path, home.as_deref())?;
    let name = match grant.name {
        Some(name) => name,
        None => name_of(&path).with_context(|| {
            format!(
                "{} makes no name; give one with --name",
                one_line(&path.to_string_lossy())
            )
        })?,
    };
    let path = path.to_str().context("the path must be UTF-8 text")?;
    let client = invocation.client()?;
    let access = if grant.write { "write" } else { "read" };
    let mut body = json!({ "name": name, "path": path, "access": access });
    if let Some(name) = &grant.project {
        body["project_id"] = json!(project::find(&client, name).await?);
    }
    let answer = client.post(&["folders"], &body).await?;
    let folder: Folder = answer.read()?;
    invocation.output.answer(&answer.text, || line(&folder))
}

async fn list(invocation: &Invocation, list: &List) -> anyhow::Result<()> {
    let query = [("all", list.all.to_string())];
    let answer = invocation.client()?.get(&["folders"], &query).await?;
    let page: Page<Folder> = answer.read()?;
    invocation.output.answer(&answer.text, || {
        if page.items.is_empty() {
            return "no folder is open to agents; to open one: hearth folder grant PATH".into();
        }
        rows(&page.items)
    })
}

async fn revoke(invocation: &Invocation, name: &str) -> anyhow::Result<()> {
    let answer = invocation.client()?.delete(&["folders", name]).await?;
    invocation
        .output
        .answer(&answer.text, || format!("closed folder {}", one_line(name)))
}

/// Returns where a path leads from the folder that the command was given in, and from the person's
/// own folder where it begins with ~ and the shell left that as it is.
fn whole(path: &Path, home: Option<&Path>) -> anyhow::Result<PathBuf> {
    if let Ok(below) = path.strip_prefix("~") {
        let home = home.ok_or_else(|| anyhow!("there is no home folder; write the path out"))?;
        return Ok(home.join(below));
    }
    std::path::absolute(path).with_context(|| format!("{} is no path", path.display()))
}

/// Makes a word of a path's last part.
fn name_of(path: &Path) -> Option<String> {
    let path = match path.components().next_back() {
        Some(Component::Normal(_)) => path.to_owned(),
        // `.` and `..` say nothing by themselves.
        _ => path.canonicalize().ok()?,
    };
    let last = path.file_name()?.to_str()?.to_lowercase();
    let is_fit = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let word: String = last
        .chars()
        .map(|c| if is_fit(c) { c } else { '-' })
        .take(LABEL_MAX)
        .collect();
    let word = word.trim_matches(['-', '.']).to_owned();
    (!word.is_empty()).then_some(word)
}

fn line(folder: &Folder) -> String {
    format!(
        "folder {} is open for {}: {}",
        one_line(&folder.name),
        access(folder),
        one_line(&folder.path)
    )
}

fn access(folder: &Folder) -> &str {
    match folder.access.as_str() {
        "read" => "reading",
        "write" => "reading and writing",
        other => other,
    }
}

fn rows(folders: &[Folder]) -> String {
    let rows: Vec<[String; 5]> = folders
        .iter()
        .map(|folder| {
            let state = match folder.revoked_at.as_deref().map(moment) {
                Some(at) => format!("closed {at}"),
                None => "open".into(),
            };
            [
                folder.name.clone(),
                folder.access.clone(),
                folder.project_id.clone().unwrap_or_default(),
                state,
                folder.path.clone(),
            ]
        })
        .collect();
    table(["name", "access", "project", "state", "path"], &rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_named_after_its_last_part() {
        let name = |path: &str| name_of(Path::new(path));

        assert_eq!(name("/home/ada/My Notes").as_deref(), Some("my-notes"));
        assert_eq!(name("/home/ada/notes/").as_deref(), Some("notes"));
        assert_eq!(name("/home/ada/.config").as_deref(), Some("config"));
        assert_eq!(name("/srv/日記"), None);
    }

    #[test]
    fn a_path_is_taken_from_here_or_from_home() {
        let home = Path::new("/home/ada");

        assert_eq!(
            whole(Path::new("~/notes"), Some(home)).unwrap(),
            home.join("notes")
        );
        assert_eq!(whole(Path::new("~"), Some(home)).unwrap(), home);
        assert_eq!(
            whole(Path::new("/srv/x"), None).unwrap(),
            Path::new("/srv/x")
        );
        assert!(whole(Path::new("notes"), None).unwrap().is_absolute());
        assert!(whole(Path::new("~/notes"), None).is_err());
    }
}
