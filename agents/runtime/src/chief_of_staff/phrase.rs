//! Answers in words: short, warm, fit to be spoken.

use hearth_app::AppError;
use hearth_app::tasks::TaskView;
use hearth_domain::task::{Task, TaskStatus};
use hearth_domain::when::When;
use jiff::tz::TimeZone;

/// The most entries of a list that are read out.
pub(super) const LIST_MAX: usize = 5;
/// The most words of a title in a list, and where it stands alone.
const TITLE_WORDS: usize = 7;
const TITLE_WORDS_ALONE: usize = 16;
/// The longest word that is read out.
const WORD_CHARS: usize = 40;

/// Number and title, such as `#12 Landing page`.
pub(super) fn named(task: &Task) -> String {
    format!(
        "#{} {}",
        task.number,
        shortened(task.title.as_str(), TITLE_WORDS_ALONE)
    )
}

/// As [`named`], shorter.
pub(super) fn listed(task: &Task) -> String {
    format!(
        "#{} {}",
        task.number,
        shortened(task.title.as_str(), TITLE_WORDS)
    )
}

/// The first words of a text.
pub(super) fn shortened(text: &str, words: usize) -> String {
    let all: Vec<&str> = text.split_whitespace().collect();
    let cut: Vec<String> = all
        .iter()
        .take(words)
        .map(|word| {
            if word.chars().count() > WORD_CHARS {
                let head: String = word.chars().take(WORD_CHARS).collect();
                format!("{head}…")
            } else {
                (*word).to_owned()
            }
        })
        .collect();
    let ending = if all.len() > words { " …" } else { "" };
    format!("{}{ending}", cut.join(" "))
}

/// A list read out, at most [`LIST_MAX`] of `total` entries.
pub(super) fn list(entries: &[String], total: usize) -> String {
    let shown: Vec<&str> = entries.iter().take(LIST_MAX).map(String::as_str).collect();
    let text = shown.join("; ");
    match total.saturating_sub(shown.len()) {
        0 => format!("{text}."),
        rest => format!("{text}; and {rest} more."),
    }
}

/// Text that begins with a capital, as people write titles and sentences; what is no letter stays.
pub(super) fn capitalised(text: &str) -> String {
    let text = text.trim();
    let mut chars = text.chars();
    match chars.next() {
        Some(first) if first.is_lowercase() => first.to_uppercase().chain(chars).collect(),
        _ => text.to_owned(),
    }
}

/// A sentence with its end, if it has none.
pub(super) fn ended(text: &str) -> String {
    if text.ends_with(['.', '?', '!', '…']) {
        text.to_owned()
    } else {
        format!("{text}.")
    }
}

/// `one task`, `3 tasks`.
pub(super) fn count(count: usize, noun: &str) -> String {
    match count {
        0 => format!("no {noun}s"),
        1 => format!("one {noun}"),
        count => format!("{count} {noun}s"),
    }
}

/// When a task is due, as a date; with `late` where that is past.
pub(super) fn due(task: &Task, now: hearth_domain::Timestamp, zone: &TimeZone) -> Option<String> {
    let due_at = task.due_at?;
    let shown = When::of_due(due_at, zone).show(zone);
    let is_late = due_at < now && !task.status().is_terminal();
    Some(if is_late {
        format!("was due {shown}")
    } else {
        format!("due {shown}")
    })
}

/// Where a task stands, in a clause.
pub(super) fn standing(view: &TaskView, zone: &TimeZone) -> String {
    let task = &view.task;
    match &task.state {
        hearth_domain::task::TaskState::Pending => match &view.waiting_for {
            None => "is waiting to be taken up".into(),
            Some(reason) => format!("is pending; {}", waits(task, reason, zone)),
        },
        hearth_domain::task::TaskState::InProgress { lease } if lease.holder.is_owner() => {
            "is with you".into()
        }
        hearth_domain::task::TaskState::InProgress { lease } => {
            format!("is being worked on by {}", lease.holder)
        }
        hearth_domain::task::TaskState::Blocked { block } => {
            let options = if block.options.is_empty() {
                String::new()
            } else {
                format!(" ({})", shortened(&block.options.join(", "), 10))
            };
            let reason = shortened(&block.reason, 20);
            format!("is blocked: {reason}{options}")
        }
        hearth_domain::task::TaskState::Completed { at, .. } => {
            format!(
                "was done on {}",
                When {
                    at: *at,
                    precision: hearth_domain::when::Precision::Minute
                }
                .show(zone)
            )
        }
        hearth_domain::task::TaskState::Cancelled { reason, at } => {
            let day = When {
                at: *at,
                precision: hearth_domain::when::Precision::Minute,
            }
            .show(zone);
            match reason {
                Some(reason) => format!("was cancelled on {day}: {}", shortened(reason, 12)),
                None => format!("was cancelled on {day}"),
            }
        }
    }
}

/// What a pending task waits for, in a clause.
pub(super) fn waits(task: &Task, reason: &str, zone: &TimeZone) -> String {
    if task
        .assigned_to()
        .is_some_and(hearth_domain::field::AgentName::is_owner)
    {
        return "it is yours to do".into();
    }
    if reason.starts_with("a language model") {
        return "it waits for you or an agent of yours, as I have no language model".into();
    }
    match task.not_before {
        Some(moment) if reason.starts_with(&moment.to_string()) => {
            let when = When {
                at: moment,
                precision: hearth_domain::when::Precision::Minute,
            };
            format!("it starts on {}", when.show(zone))
        }
        _ => format!("it waits for {}", shortened(reason, 16)),
    }
}

/// A refusal of an operation, as a sentence; a failure of the store stays one.
pub(super) fn refusal(error: AppError) -> Result<String, AppError> {
    match error {
        AppError::Store(source) => Err(AppError::Store(source)),
        AppError::Denied(problem) => Ok(format!(
            "I may not do that for you: {}.",
            shortened(&problem, 30)
        )),
        other => {
            let mut text = shortened(&other.to_string(), 40);
            if let Some(first) = text.get(..1) {
                let upper = first.to_uppercase();
                text.replace_range(..1, &upper);
            }
            Ok(format!("{}.", text.trim_end_matches('.')))
        }
    }
}

/// The word for a status.
pub(super) fn status(status: TaskStatus) -> &'static str {
    match status {
        TaskStatus::Pending => "pending",
        TaskStatus::InProgress => "in progress",
        TaskStatus::Blocked => "blocked",
        TaskStatus::Completed => "done",
        TaskStatus::Cancelled => "cancelled",
    }
}
