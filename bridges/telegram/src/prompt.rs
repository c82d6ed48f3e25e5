//! Questions to the owner with buttons: what each button stands for, and what is shown above it.
//!
//! A button names exactly what it answers: an approval by its identifier, a question by its task and the
//! version that it had when it was asked. What changed since is not answered by an old button.

use hearth_app::tasks::{TaskRef, TaskView};
use hearth_app::{App, AppError};
use hearth_domain::approval::{Approval, ApprovalStatus};
use hearth_domain::task::{Block, Task, TaskState};
use hearth_domain::telegram::{Button, Outgoing};
use hearth_domain::{ApprovalId, TaskId};
use uuid::Uuid;

use crate::split::{split, within};

/// The most approvals that are looked at for one task.
const APPROVALS: usize = 200;
/// How much of an option a button shows.
const LABEL_CHARS: usize = 40;
/// How much of an action is shown above its buttons: all of it, or it cannot be approved here. In UTF-16
/// units, with room for what is said of the rest.
const SHOWN_UNITS: usize = 3500;

/// What a button stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Press {
    /// A yes or no to an approval.
    Approval {
        /// Which.
        id: ApprovalId,
        /// Whether it is a yes.
        is_yes: bool,
    },
    /// An option of a question.
    Option {
        /// The task that asks.
        task: TaskId,
        /// The version in which it asks.
        version: u64,
        /// Which option, from zero.
        place: usize,
    },
}

impl Press {
    /// Writes it for a button; at most 64 bytes, as Telegram wants it.
    pub(crate) fn write(self) -> String {
        match self {
            Self::Approval { id, is_yes } => {
                format!("a:{}:{}", id.0.simple(), if is_yes { 'y' } else { 'n' })
            }
            Self::Option {
                task,
                version,
                place,
            } => format!("o:{}:{version}:{place}", task.0.simple()),
        }
    }

    /// Reads it back; `None` where it is none of ours.
    pub(crate) fn read(data: &str) -> Option<Self> {
        let parts: Vec<&str> = data.split(':').collect();
        let id = |text: &str| Uuid::try_parse(text).ok();
        match parts.as_slice() {
            ["a", approval, answer @ ("y" | "n")] => Some(Self::Approval {
                id: ApprovalId(id(approval)?),
                is_yes: *answer == "y",
            }),
            ["o", task, version, place] => Some(Self::Option {
                task: TaskId(id(task)?),
                version: version.parse().ok()?,
                place: place.parse().ok()?,
            }),
            _ => None,
        }
    }
}

/// Returns what is asked about a blocked task, under `lead`, each with its buttons.
///
/// # Errors
/// The store failed.
pub(crate) async fn questions(
    app: &App,
    task: &Task,
    block: &Block,
    lead: &str,
) -> Result<Vec<Outgoing>, AppError> {
    let page = app
        .list_approvals(Some(ApprovalStatus::Pending), None, APPROVALS)
        .await?;
    let mut asked: Vec<&Approval> = page
        .items
        .iter()
        .filter(|approval| approval.task_id == task.id)
        .collect();
    asked.sort_by_key(|approval| approval.number);
    if !asked.is_empty() {
        return Ok(asked.into_iter().map(approval).collect());
    }
    if block.options.is_empty() {
        let how = format!(
            "{lead}\n\nTo answer: /answer {} and your words",
            task.number
        );
        return Ok(plain(&how));
    }
    let (text, labels) = choices(lead, &block.options);
    let buttons = labels.into_iter().enumerate().map(|(place, label)| {
        let press = Press::Option {
            task: task.id,
            version: task.version,
            place,
        };
        vec![Button {
            label,
            data: press.write(),
        }]
    });
    Ok(with_buttons(&text, buttons.collect()))
}

/// Returns what is said of a question, and what the button of each option says. Where a button cannot show all
/// of one, the options are listed below `lead` by number, and each button begins with its own.
fn choices(lead: &str, options: &[String]) -> (String, Vec<String>) {
    let labels = options.iter().map(|option| label(option));
    if !options.iter().any(|option| is_too_long(option)) {
        return (lead.to_owned(), labels.collect());
    }
    let lines = (1..).zip(options).map(|(number, option)| {
        let option = option.replace('\n', " ");
        format!("\n{number}. {option}")
    });
    let text = format!("{lead}\n{}", lines.collect::<String>());
    let labels = (1..).zip(labels);
    let labels = labels.map(|(number, label)| format!("{number}. {label}"));
    (text, labels.collect())
}

/// Returns one approval with its buttons. What is too long to be shown as a whole is not approved here.
pub(crate) fn approval(approval: &Approval) -> Outgoing {
    let number = approval.number;
    let args = serde_json::to_string_pretty(&approval.action.args).unwrap_or_default();
    let head = format!(
        "Approval {number} for #{}: {}\nWhy it is asked: {}",
        approval.task_number, approval.what, approval.why
    );
    let whole = visible(&format!("{head}\n\n{} with:\n{args}", approval.action.tool));
    let cut = within(&whole, SHOWN_UNITS);
    let is_shown = cut.len() == whole.len();
    let text = if is_shown {
        whole.clone()
    } else {
        format!(
            "{cut}…\n\nThat is not all of it, so it cannot be approved here. See it: hearth approvals \
             show {number}, then approve {number}."
        )
    };
    let button = |label: &str, is_yes| Button {
        label: label.into(),
        data: Press::Approval {
            id: approval.id,
            is_yes,
        }
        .write(),
    };
    let yes = is_shown.then(|| button("Approve", true));
    let row = yes.into_iter().chain([button("Deny", false)]).collect();
    Outgoing::Text {
        text,
        buttons: vec![row],
    }
}

/// Shows characters that would hide or turn round what stands beside them.
fn visible(text: &str) -> String {
    let hides = |c: char| {
        matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
            || c.is_control() && c != '\n'
    };
    text.chars()
        .map(|c| {
            if hides(c) {
                char::REPLACEMENT_CHARACTER
            } else {
                c
            }
        })
        .collect()
}

/// Returns what a task waits for, if it waits for anything.
pub(crate) fn block(view: &TaskView) -> Option<&Block> {
    match &view.task.state {
        TaskState::Blocked { block } => Some(block),
        TaskState::Pending
        | TaskState::InProgress { .. }
        | TaskState::Completed { .. }
        | TaskState::Cancelled { .. } => None,
    }
}

/// Returns a task as it is; none where it is not there any more.
pub(crate) fn find(app: &App, task: TaskId) -> Result<Option<TaskView>, AppError> {
    match app.get_task(TaskRef::Id(task)) {
        Ok(view) => Ok(Some(view)),
        Err(AppError::NotFound { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Returns a text as messages.
pub(crate) fn plain(text: &str) -> Vec<Outgoing> {
    with_buttons(text, Vec::new())
}

/// Returns a text as messages, the last of them with buttons.
fn with_buttons(text: &str, buttons: Vec<Vec<Button>>) -> Vec<Outgoing> {
    let parts = split(text);
    let last = parts.len().saturating_sub(1);
    let mut buttons = Some(buttons);
    parts
        .into_iter()
        .enumerate()
        .map(|(place, text)| Outgoing::Text {
            text,
            buttons: if place == last {
                buttons.take().unwrap_or_default()
            } else {
                Vec::new()
            },
        })
        .collect()
}

/// Whether a button cannot show all of an option.
fn is_too_long(option: &str) -> bool {
    option.chars().nth(LABEL_CHARS).is_some()
}

fn label(option: &str) -> String {
    let cut: String = option.chars().take(LABEL_CHARS).collect();
    if is_too_long(option) {
        format!("{cut}…")
    } else {
        cut
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_button_stands_for_fits_and_reads_back() {
        let uuid = Uuid::from_u128(u128::MAX);
        for press in [
            Press::Approval {
                id: ApprovalId(uuid),
                is_yes: true,
            },
            Press::Approval {
                id: ApprovalId(uuid),
                is_yes: false,
            },
            Press::Option {
                task: TaskId(uuid),
                version: 999_999_999_999_999,
                place: 49,
            },
        ] {
            let written = press.write();
            assert!(written.len() <= 64, "{written}");
            assert_eq!(Press::read(&written), Some(press));
        }
        for other in [
            "",
            "a:1",
            "a:xyz:y",
            "o:1:2",
            "x:1:2:3",
            "a:00000000000000000000000000000001:z",
        ] {
            assert_eq!(Press::read(other), None, "{other}");
        }
    }

    fn asked(args: &str) -> Outgoing {
        let action = hearth_domain::action::Action {
            tool: "run_command".parse().unwrap(),
            args: serde_json::from_str(args).unwrap(),
        };
        let time = hearth_domain::Timestamp::from_millis(0);
        approval(&Approval {
            id: ApprovalId(Uuid::from_u128(1)),
            number: 3,
            run_id: hearth_domain::RunId(Uuid::from_u128(2)),
            task_id: TaskId(Uuid::from_u128(3)),
            task_number: 7,
            place: 1,
            action,
            what: "run ls".into(),
            why: "it runs outside".into(),
            is_once: true,
            status: ApprovalStatus::Pending,
            decided_by: None,
            decided_at: None,
            note: None,
            expires_at: time,
            created_at: time,
        })
    }

    #[test]
    fn an_action_is_approved_only_where_all_of_it_is_shown() {
        let Outgoing::Text { text, buttons } = asked(r#"{"argv": ["ls", "\u202emoc"]}"#) else {
            panic!("a message")
        };
        assert!(
            text.starts_with("Approval 3 for #7: run ls") && !text.contains('\u{202e}'),
            "{text}"
        );
        assert_eq!(buttons[0].len(), 2);

        let long = format!(r#"{{"code": "{}"}}"#, "🌻".repeat(2000));
        let Outgoing::Text { text, buttons } = asked(&long) else {
            panic!("a message")
        };
        assert!(
            text.encode_utf16().count() <= 4096 && text.contains("approve 3"),
            "{text}"
        );
        let labels: Vec<&str> = buttons[0]
            .iter()
            .map(|button| button.label.as_str())
            .collect();
        assert_eq!(labels, ["Deny"]);
    }

    #[test]
    fn a_long_option_is_cut_on_its_button() {
        assert_eq!(label("red"), "red");
        assert_eq!(label(&"x".repeat(50)).chars().count(), LABEL_CHARS + 1);
    }

    #[test]
    fn options_that_no_button_can_show_are_listed_above() {
        let short = ["red".to_owned(), "blue".to_owned()];
        let (text, labels) = choices("Which?", &short);
        assert_eq!(text, "Which?");
        assert_eq!(labels, short);

        let long = ["red".to_owned(), "blue ".repeat(20)];
        let (text, labels) = choices("Which?", &long);
        assert!(
            text.starts_with("Which?\n\n1. red\n2. blue blue") && text.ends_with(&long[1]),
            "{text}"
        );
        assert_eq!(labels[0], "1. red");
        assert!(
            labels[1].starts_with("2. blue") && labels[1].ends_with('…'),
            "{labels:?}"
        );
    }
}
