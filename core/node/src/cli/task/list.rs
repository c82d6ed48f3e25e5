//! `hearth task list`.

use clap::Args;
use clap::builder::PossibleValuesParser;
use jiff::tz::TimeZone;

use crate::cli::words::{day_or_moment, from_when, priorities, task_ref, task_statuses};
use crate::cli::{Invocation, project};
use crate::client::wire::{Page, Task};
use crate::output::Output;
use crate::output::table::table;
use crate::output::text::shortened;

/// So that a row with the longest status, priority and agent usual fits 100 columns.
const TITLE_WIDTH: usize = 60;

/// The orders the node knows.
const ORDERS: [&str; 6] = [
    "created_at",
    "-created_at",
    "updated_at",
    "-updated_at",
    "priority",
    "due_at",
];

/// Lists tasks. Several filters all hold; several values of one mean any of them.
#[derive(Debug, Args)]
pub struct List {
    /// With this status; may be repeated
    #[arg(long, value_parser = task_statuses(), value_delimiter = ',')]
    status: Vec<String>,
    /// With this priority; may be repeated
    #[arg(long, value_parser = priorities(), value_delimiter = ',')]
    priority: Vec<String>,
    /// Of this project; may be repeated
    #[arg(long, value_name = "NAME")]
    project: Vec<String>,
    /// With or kept for this agent; may be repeated
    #[arg(long = "for", value_name = "AGENT")]
    assigned_to: Vec<String>,
    /// Made by this one; may be repeated
    #[arg(long = "by", value_name = "NAME")]
    created_by: Vec<String>,
    /// With this label; may be repeated
    #[arg(long, value_name = "L")]
    label: Vec<String>,
    /// Part of this task
    #[arg(long, value_name = "N", value_parser = task_ref)]
    parent: Option<String>,
    /// With these words in it
    #[arg(long, value_name = "WORDS")]
    search: Option<String>,
    /// Changed since then: a day, or a moment in RFC 3339
    #[arg(long, value_name = "WHEN")]
    since: Option<String>,
    /// How they are sorted; a minus turns it around
    #[arg(long, value_parser = PossibleValuesParser::new(ORDERS), allow_hyphen_values = true)]
    order: Option<String>,
    /// At most so many, 1 to 500
    #[arg(long, value_name = "COUNT")]
    limit: Option<u32>,
    /// Go on where another list ended
    #[arg(long)]
    cursor: Option<String>,
}

pub(super) async fn run(invocation: &Invocation, list: List) -> anyhow::Result<()> {
    let client = invocation.client()?;
    let mut query: Vec<(&str, String)> = Vec::new();
    for name in &list.project {
        query.push(("project_id", project::find(&client, name).await?));
    }
    if let Some(parent) = &list.parent {
        let parent: Task = client.get(&["tasks", parent], &[]).await?.read()?;
        query.push(("parent_id", parent.id));
    }
    let many = [
        ("status", list.status),
        ("priority", list.priority),
        ("assigned_to", list.assigned_to),
        ("created_by", list.created_by),
        ("label", list.label),
    ];
    for (name, values) in many {
        query.extend(values.into_iter().map(|value| (name, value)));
    }
    let zone = invocation.zone();
    let since = list.since.map(|text| from_when(&text, &zone)).transpose()?;
    let limit = list.limit.map(|limit| limit.to_string());
    let one = [
        ("q", list.search),
        ("updated_since", since),
        ("order", list.order),
        ("limit", limit),
        ("cursor", list.cursor),
    ];
    query.extend(
        one.into_iter()
            .filter_map(|(name, value)| Some((name, value?))),
    );

    let answer = client.get(&["tasks"], &query).await?;
    let page: Page<Task> = answer.read()?;
    invocation
        .output
        .answer(&answer.text, || rows(&page.items, &zone))?;
    if invocation.output == Output::Human {
        page.note_rest("hearth task list");
    }
    Ok(())
}

fn rows(tasks: &[Task], zone: &TimeZone) -> String {
    let rows: Vec<[String; 6]> = tasks
        .iter()
        .map(|task| {
            [
                format!("#{}", task.number),
                task.status.replace('_', " "),
                task.priority.clone(),
                task.assigned_to.clone().unwrap_or_default(),
                task.due_at
                    .as_deref()
                    .map(|due| day_or_moment(due, zone))
                    .unwrap_or_default(),
                shortened(&task.title, TITLE_WIDTH),
            ]
        })
        .collect();
    table(["", "status", "priority", "with", "due", "title"], &rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tasks_stand_in_columns() {
        let task = |number, status: &str, title: &str| Task {
            number,
            status: status.into(),
            priority: "medium".into(),
            title: title.into(),
            ..Task::default()
        };
        let tasks = [task(1, "in_progress", "Count"), task(12, "pending", "Read")];

        assert_eq!(
            rows(&tasks, &TimeZone::UTC),
            "     STATUS       PRIORITY  WITH  DUE  TITLE\n\
             #1   in progress  medium               Count\n\
             #12  pending      medium               Read"
        );
    }
}
