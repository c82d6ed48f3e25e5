//! A line's fields back to text: as it is typed, and as it is told.

use jiff::tz::TimeZone;

use super::tokens::{PUNCTUATION, is_escapable, opens, project_prefix};
use super::{Line, estimate, markers};
use crate::when::{Word, is_date_word, plain_word};

pub(super) fn render(line: &Line, zone: &TimeZone) -> String {
    let mut parts = Vec::new();
    if !line.title.is_empty() {
        parts.push(title(&line.title));
    }
    if let Some(project) = &line.project {
        parts.push(format!("@{}", name(project, is_bare_name(project))));
    }
    for label in &line.labels {
        let label = label.as_str();
        let is_number = label.chars().all(|c| c.is_ascii_digit());
        parts.push(format!(
            "#{}",
            name(label, markers::is_bare_label(label) && !is_number)
        ));
    }
    if let Some(priority) = line.priority {
        parts.push(format!("!{priority}"));
    }
    if let Some(due) = line.due {
        parts.push(format!("due {}", due.to_line(zone)));
    }
    if let Some(rule) = &line.recurrence {
        parts.push(rule.to_string());
    }
    if !line.after.is_empty() {
        parts.push(format!("after {}", after(line)));
    }
    if let Some(agent) = &line.assigned_to {
        parts.push(format!("for {agent}"));
    }
    if let Some(minutes) = line.estimate_minutes {
        parts.push(format!("~{}", estimate::write(minutes)));
    }
    parts.join(" ")
}

pub(super) fn describe(line: &Line, zone: &TimeZone) -> String {
    let mut clauses = Vec::new();
    if !line.title.is_empty() {
        clauses.push(line.title.clone());
    }
    if let Some(project) = &line.project {
        clauses.push(format!("in {project}"));
    }
    if let Some(priority) = line.priority {
        clauses.push(format!("{priority} priority"));
    }
    if let Some(due) = line.due {
        clauses.push(format!("due {}", due.show(zone)));
    }
    if !line.labels.is_empty() {
        let labels: Vec<_> = line
            .labels
            .iter()
            .map(crate::field::Label::as_str)
            .collect();
        clauses.push(format!("labelled {}", labels.join(" and ")));
    }
    if let Some(rule) = &line.recurrence {
        clauses.push(rule.to_string());
    }
    if !line.after.is_empty() {
        clauses.push(format!("after {}", after(line)));
    }
    if let Some(agent) = &line.assigned_to {
        clauses.push(format!("for {agent}"));
    }
    if let Some(minutes) = line.estimate_minutes {
        clauses.push(format!("about {}", estimate::show(minutes)));
    }
    clauses.join(", ")
}

fn after(line: &Line) -> String {
    let tasks: Vec<_> = line
        .after
        .iter()
        .map(|number| format!("#{number}"))
        .collect();
    tasks.join(" and ")
}

fn title(title: &str) -> String {
    let is_spaced = title
        .split(' ')
        .all(|word| !word.is_empty() && !word.contains(char::is_whitespace));
    let is_plain = is_spaced && !title.ends_with([',', ';']) && !title.split(' ').any(may_be_read);
    name(title, is_plain)
}

/// Whether the grammar may take this word for something else than a part of the title.
fn may_be_read(word: &str) -> bool {
    let is_marked = word.starts_with(|c: char| matches!(c, '@' | '#' | '!' | '~') || opens(c));
    is_marked || project_prefix(word).is_some() || is_read_word(&plain_word(word))
}

fn is_read_word(word: &Word) -> bool {
    let has_digit = word.contains(|c: char| c.is_ascii_digit());
    let is_number = word.chars().all(|c| c.is_ascii_digit());
    match word.as_str() {
        // They lead into a phrase that holds another word of it.
        "a" | "an" | "the" | "to" => false,
        "due" | "due:" | "every" | "after" | "for" | "priority" | "priority:" | "labelled"
        | "labeled" | "tagged" | "hourly" | "daily" | "weekly" | "fortnightly" | "monthly"
        | "yearly" | "annually" => true,
        word => is_date_word(word) || (has_digit && !is_number),
    }
}

fn is_bare_name(name: &str) -> bool {
    name.starts_with(char::is_alphanumeric)
        && !name.ends_with(PUNCTUATION)
        && !name.contains(|c: char| c.is_whitespace() || opens(c))
}

/// Writes `text` as it is, or in quotes.
fn name(text: &str, is_plain: bool) -> String {
    if is_plain {
        return text.to_owned();
    }
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        if is_escapable(c) {
            quoted.push('\\');
        }
        quoted.push(c);
    }
    quoted.push('"');
    quoted
}
