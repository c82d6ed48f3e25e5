//! How the model names things, and how tasks are shown to it.

use hearth_app::tasks::TaskView;
use hearth_domain::Timestamp;
use hearth_domain::field::{AgentName, OWNER};
use hearth_domain::task::TaskState;
use hearth_domain::when::{self, When};
use serde_json::{Value, json};

use super::Refused;
use crate::chief_of_staff::desk::Names;
use crate::chief_of_staff::intent::known_name;
use crate::chief_of_staff::words::fold;

/// A task as the model sees it.
pub(super) fn shown(view: &TaskView, names: &Names, description_max: usize) -> Value {
    let task = &view.task;
    let mut fields = json!({
        "number": task.number,
        "title": cut(task.title.as_str(), 200),
        "status": task.status().as_str(),
        "priority": task.priority.as_str(),
    });
    let mut more = vec![
        (
            "project",
            task.project_id.and_then(|id| names.project_name(id)),
        ),
        ("assigned_to", task.assigned_to().map(ToString::to_string)),
        (
            "due",
            task.due_at
                .map(|due| When::of_due(due, &names.zone).to_line(&names.zone)),
        ),
        (
            "waits_for",
            view.waiting_for.as_deref().map(|reason| cut(reason, 160)),
        ),
    ];
    if !task.description.is_empty() {
        more.push(("description", Some(cut(&task.description, description_max))));
    }
    if let TaskState::Blocked { block } = &task.state {
        more.push(("blocked_because", Some(cut(&block.reason, 300))));
    }
    if let Some(fields) = fields.as_object_mut() {
        for (name, value) in more {
            if let Some(value) = value {
                fields.insert(name.into(), value.into());
            }
        }
    }
    fields
}

pub(super) fn find_project(names: &Names, said: &str) -> Result<String, Refused> {
    let bare = said.trim_start_matches('@');
    known_name(&names.projects, bare).ok_or_else(|| {
        let known: Vec<String> = names
            .projects
            .iter()
            .rev()
            .take(20)
            .map(|name| cut(name, 60))
            .collect();
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        Refused::Told(format!(
            "there is no project {}; there are: {known}. Make it first with create_project, or leave \
             project out",
            cut(said, 60)
        ))
    })
}

pub(super) fn find_agent(names: &Names, said: Option<&str>) -> Result<Option<AgentName>, Refused> {
    let Some(said) = named(said) else {
        return Ok(None);
    };
    let wanted = fold(said.trim_start_matches('@'));
    if matches!(
        wanted.as_str(),
        "me" | "owner" | "user" | "the owner" | "the person"
    ) {
        return Ok(Some(AgentName::from_stored(OWNER.into())));
    }
    match known_name(&names.agents, &wanted) {
        Some(name) => Ok(Some(AgentName::from_stored(name))),
        None => Err(Refused::Told(format!(
            "assigned_to: there is no agent {}; there are: {}, and owner for the person",
            cut(said, 40),
            names.agents.join(", ")
        ))),
    }
}

/// Reads a date; nothing where none is meant.
pub(super) fn find_date(names: &Names, text: Option<&str>) -> Result<Option<Timestamp>, Refused> {
    let Some(text) = named(text).filter(|text| !matches!(*text, "none" | "never")) else {
        return Ok(None);
    };
    match when::read(text, names.now, &names.zone) {
        Some(when) => Ok(Some(when.at)),
        None => Err(Refused::Told(format!(
            "{} is no date that can be read; write it as 2026-11-27 or 2026-11-27 15:00",
            cut(text, 40)
        ))),
    }
}

/// What was named, if anything was.
pub(super) fn named(text: Option<&str>) -> Option<&str> {
    text.map(str::trim).filter(|text| !text.is_empty())
}

pub(super) fn task_number(text: &str) -> Option<i64> {
    let text = text.trim().trim_start_matches('#');
    text.parse().ok().filter(|number| *number > 0)
}

/// At most `max` characters of a text.
pub(super) fn cut(text: &str, max: usize) -> String {
    if text.chars().count() <= max {
        return text.to_owned();
    }
    let head: String = text.chars().take(max).collect();
    format!("{head}…")
}
