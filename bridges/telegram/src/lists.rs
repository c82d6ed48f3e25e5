//! The lists that commands show: tasks under way, what waits for the owner, projects.

use hearth_app::projects::ProjectFilter;
use hearth_app::tasks::{TaskFilter, TaskView};
use hearth_app::{App, AppError};
use hearth_domain::project::ProjectStatus;
use hearth_domain::task::TaskStatus;
use hearth_domain::telegram::Outgoing;

use crate::prompt::{block, plain, questions};

/// The most tasks and projects that are listed.
const LISTED: usize = 10;
/// The most questions that are shown with their buttons at once.
const ASKED: usize = 5;

/// Lists what is being worked on, and by whom.
///
/// # Errors
/// The store failed.
pub(crate) async fn status(app: &App) -> Result<Vec<Outgoing>, AppError> {
    let (tasks, more) = tasks(app, TaskStatus::InProgress).await?;
    if tasks.is_empty() {
        return Ok(plain("Nothing is being worked on. What's next?"));
    }
    let mut lines = vec![format!("Active tasks: {}{}", tasks.len(), and_more(more))];
    for view in &tasks {
        let holder = view
            .task
            .lease()
            .map_or("nobody", |lease| lease.holder.as_str());
        lines.push(format!(
            "#{} {}: with {holder}",
            view.task.number, view.task.title
        ));
    }
    Ok(plain(&lines.join("\n")))
}

/// Shows what waits for the owner, each with its buttons.
///
/// # Errors
/// The store failed.
pub(crate) async fn blocked(app: &App) -> Result<Vec<Outgoing>, AppError> {
    let (tasks, more) = tasks(app, TaskStatus::Blocked).await?;
    if tasks.is_empty() {
        return Ok(plain("Nothing waits for you."));
    }
    let mut outgoing = Vec::new();
    for view in tasks.iter().take(ASKED) {
        if let Some(block) = block(view) {
            let lead = format!(
                "#{} {}: {}",
                view.task.number, view.task.title, block.reason
            );
            outgoing.extend(questions(app, &view.task, block, &lead).await?);
        }
    }
    let rest: Vec<String> = tasks
        .iter()
        .skip(ASKED)
        .map(|view| format!("#{} {}", view.task.number, view.task.title))
        .collect();
    if !rest.is_empty() {
        let rest = format!("Also waiting: {}{}", rest.join(", "), and_more(more));
        outgoing.extend(plain(&rest));
    }
    Ok(outgoing)
}

/// Lists the projects that are being worked on.
///
/// # Errors
/// The store failed.
pub(crate) async fn projects(app: &App) -> Result<Vec<Outgoing>, AppError> {
    let filter = ProjectFilter {
        statuses: vec![ProjectStatus::Active],
        name: None,
    };
    let page = app.list_projects(filter, None, LISTED).await?;
    if page.items.is_empty() {
        return Ok(plain(
            "There is no project yet. Make one with: /task first step @name",
        ));
    }
    let names: Vec<String> = page
        .items
        .iter()
        .map(|project| project.name.to_string())
        .collect();
    let more = and_more(page.next.is_some());
    Ok(plain(&format!("Projects: {}{more}", names.join(", "))))
}

async fn tasks(app: &App, status: TaskStatus) -> Result<(Vec<TaskView>, bool), AppError> {
    let filter = TaskFilter {
        statuses: vec![status],
        ..TaskFilter::default()
    };
    let page = app.list_tasks(filter, None, None, LISTED).await?;
    Ok((page.items, page.next.is_some()))
}

fn and_more(more: bool) -> &'static str {
    if more { " and more" } else { "" }
}
