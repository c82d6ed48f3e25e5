//! What the owner allows without being asked.

use clap::Args;
use serde_json::{Value, json};

use crate::cli::{Invocation, project};
use crate::client::json_object;
use crate::client::wire::{Page, Permission};
use crate::output::table::table;
use crate::output::text::{moment, one_line};

/// Lists standing permissions.
#[derive(Debug, Args)]
pub struct List {
    /// Those that were taken back, too
    #[arg(long)]
    all: bool,
}

/// Allows calls without being asked for each.
#[derive(Debug, Args)]
pub struct Allow {
    /// The tool
    tool: String,
    /// What the arguments must be like: for each "any", {"is": VALUE}, {"starts_with": TEXT} or
    /// {"items": [...]}
    #[arg(long, value_name = "JSON", value_parser = json_object)]
    shape: Value,
    /// For the tasks of this project, by its name or UUID; for those of none unless told
    #[arg(long, value_name = "P")]
    project: Option<String>,
}

/// Takes a permission back.
#[derive(Debug, Args)]
pub struct Revoke {
    /// Its number, as `hearth approvals permissions` shows it
    #[arg(value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    number: u32,
}

pub(super) async fn list(invocation: &Invocation, list: &List) -> anyhow::Result<()> {
    let query = [("all", list.all.to_string())];
    let answer = invocation.client()?.get(&["permissions"], &query).await?;
    let page: Page<Permission> = answer.read()?;
    invocation.output.answer(&answer.text, || {
        if page.items.is_empty() {
            return "nothing is allowed without asking".into();
        }
        rows(&page.items)
    })
}

pub(super) async fn allow(invocation: &Invocation, allow: Allow) -> anyhow::Result<()> {
    let client = invocation.client()?;
    let mut body = json!({ "tool": allow.tool, "shape": allow.shape });
    if let Some(name) = &allow.project {
        body["project_id"] = json!(project::find(&client, name).await?);
    }
    let answer = client.post(&["permissions"], &body).await?;
    let permission: Permission = answer.read()?;
    invocation.output.answer(&answer.text, || {
        format!("permission {}: {}", permission.number, line(&permission))
    })
}

pub(super) async fn revoke(invocation: &Invocation, revoke: &Revoke) -> anyhow::Result<()> {
    let number = revoke.number.to_string();
    let path = ["permissions", number.as_str()];
    let answer = invocation.client()?.delete(&path).await?;
    invocation
        .output
        .answer(&answer.text, || format!("revoked permission {number}"))
}

/// Returns the tool and the shape of its arguments.
pub(super) fn line(permission: &Permission) -> String {
    let tool = one_line(&permission.tool);
    format!("{tool} {}", one_line(&permission.shape.to_string()))
}

fn rows(permissions: &[Permission]) -> String {
    let time = |text: &Option<String>| text.as_deref().map(moment);
    let rows: Vec<[String; 6]> = permissions
        .iter()
        .map(|permission| {
            let used = match time(&permission.last_used_at) {
                Some(at) => format!("{} times, last {at}", permission.uses),
                None => "never".into(),
            };
            let state = match time(&permission.revoked_at) {
                Some(at) => format!("revoked {at}"),
                None => "valid".into(),
            };
            [
                permission.number.to_string(),
                permission.tool.clone(),
                permission.shape.to_string(),
                permission.project_id.clone().unwrap_or_default(),
                used,
                state,
            ]
        })
        .collect();
    table(["no", "tool", "shape", "project", "used", "state"], &rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permissions_stand_in_columns() {
        let permission: Permission = serde_json::from_value(json!({
            "number": 7, "tool": "http_get", "shape": {"url": "any"}, "uses": 2,
            "last_used_at": "2026-11-23T09:00:00.000Z", "revoked_at": null,
        }))
        .unwrap();

        assert_eq!(
            rows(&[permission]),
            "NO  TOOL      SHAPE          PROJECT  USED                                STATE\n\
             7   http_get  {\"url\":\"any\"}           2 times, last 2026-11-23T09:00:00Z  valid"
        );
    }
}
