//! What a message asks for. Reading changes nothing and asks nobody: the names that are known are
//! handed in.

mod approvals;
mod dates;
mod numbers;
mod orders;
mod questions;
mod small_talk;

use hearth_domain::Priority;
use hearth_domain::Timestamp;
use hearth_domain::quick_add::Known;
use hearth_domain::task::TaskStatus;
use serde::{Deserialize, Serialize};

use super::words::{Said, Span};

pub(super) use approvals::Consent;
pub(super) use dates::{Period, postponed};
pub(super) use numbers::{position, whole_number};

/// What a message asks for.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Intent {
    /// Tells something, changes nothing.
    Question(Question),
    /// Changes tasks that are there.
    Order(Order, Vec<Target>),
    /// Is about actions that wait for a yes or no.
    Approval(Consent),
    /// Makes a task from a line.
    Add(String),
    /// Makes a task, but the words for it are missing.
    AddWhat,
    /// Makes a project.
    CreateProject {
        /// Its name, if it was said.
        name: Option<String>,
        /// What it is about.
        description: String,
    },
    /// Takes back the last order.
    Undo,
    /// Agrees.
    Yes,
    /// Does not agree.
    No,
    /// Lets a question go.
    NeverMind,
    /// A greeting or thanks.
    Courtesy(Courtesy),
    /// Asks for what only a language model can do.
    NeedsModel,
    /// Cannot be read.
    Unknown,
}

/// A question.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Question {
    /// What waits for the person.
    Blocked,
    /// What is being worked on.
    Running,
    /// What is due in a period.
    Due(Period),
    /// What to do next.
    Next,
    /// What was done in a period.
    Done(Period),
    /// How things stand.
    Overview,
    /// How one thing stands: a task, a project or an agent.
    About(Target),
    /// How an agent is.
    Agent(String),
    /// How a project stands.
    Project(String),
    /// Which projects there are.
    Projects,
    /// Which agents there are.
    Agents,
    /// What comes again.
    Repeating,
    /// Which tasks fit.
    List(Filter),
    /// How many tasks fit.
    Count(Filter),
    /// Which tasks have these words.
    Search(String),
    /// What the chief of staff can do.
    Help,
}

/// Which tasks a question is about.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Filter {
    /// Where they stand; open ones where nothing is named.
    pub(super) status: Option<TaskStatus>,
    /// In which project.
    pub(super) project: Option<String>,
    /// With which label.
    pub(super) label: Option<String>,
    /// For whom.
    pub(super) agent: Option<String>,
    /// How urgent.
    pub(super) priorities: Vec<Priority>,
    /// A name after `in` or `for` that is not known.
    pub(super) unknown: Option<String>,
}

/// A thing as a person names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Target {
    /// By its number.
    Number(i64),
    /// By words of its title.
    Words(String),
    /// The one that was last spoken of.
    It,
}

/// A change of a task. Kept in a conversation's memory while a question about it is open: a stored
/// format.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Order {
    /// Ends it as done.
    Complete {
        /// What came of it.
        note: Option<String>,
    },
    /// Stops it.
    Block {
        /// Why, if it was said.
        reason: Option<String>,
    },
    /// Answers its question.
    Answer {
        /// What, if it was said.
        text: Option<String>,
    },
    /// Lets it go on without an answer.
    Unblock,
    /// Ends it as no longer wanted.
    Cancel {
        /// Why.
        reason: Option<String>,
    },
    /// Makes it pending again.
    Reopen,
    /// Gives it back.
    Release,
    /// Takes it to hand.
    Start,
    /// Keeps it for somebody.
    Assign {
        /// For whom; nobody where it is empty.
        to: Option<String>,
    },
    /// Sets how urgent it is.
    Priority(Priority),
    /// Makes it one more or less urgent.
    Shift {
        /// By how much.
        by: i8,
    },
    /// It is urgent, whatever that means.
    Urgent,
    /// Sets when it is due.
    Due(Due),
    /// Puts it into a project.
    Move {
        /// Which.
        project: String,
    },
    /// Gives it a title.
    Rename {
        /// Which.
        title: String,
    },
    /// Adds labels.
    Label {
        /// Which.
        labels: Vec<String>,
    },
    /// Takes labels away.
    Unlabel {
        /// Which.
        labels: Vec<String>,
    },
    /// Makes it wait for others.
    After {
        /// Which.
        others: Vec<Target>,
    },
    /// Makes it come again.
    Repeat {
        /// By which rule.
        rule: String,
    },
    /// Lets it come no more.
    StopRepeating,
}

/// When a task is to be due.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Due {
    /// At a moment.
    At(Timestamp),
    /// Never.
    Never,
    /// Later than it is, by a length of time.
    By(String),
    /// When, was not said or cannot be read.
    Unclear(String),
}

/// A greeting or thanks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Courtesy {
    /// Hello.
    Hello,
    /// Thank you.
    Thanks,
    /// Goodbye.
    Goodbye,
}

/// Reads a message.
pub(super) fn read(said: &Said, known: &Known<'_>) -> Intent {
    let span = said.point();
    if span.is_empty() {
        return Intent::Unknown;
    }
    small_talk::read(said.all(), span)
        .or_else(|| approvals::read(span))
        .or_else(|| questions::read_first(span, known))
        .or_else(|| orders::read(span, known))
        .or_else(|| questions::read(span, known))
        .or_else(|| orders::read_marked(span))
        .or_else(|| small_talk::needs_model(said.all()).then_some(Intent::NeedsModel))
        .unwrap_or(Intent::Unknown)
}

/// Returns what is to be done where a message tells to make one task of it.
pub(super) fn task_line(said: &Said) -> Option<&str> {
    orders::task_line(said.point())
}

/// Whether a message asks for what only a language model can do.
pub(super) fn needs_model(said: &Said) -> bool {
    small_talk::needs_model(said.all())
}

/// Returns the known name that is written so, in whatever case.
pub(super) fn known_name(names: &[String], said: &str) -> Option<String> {
    let said = super::words::fold(said.trim_end_matches('?'));
    names
        .iter()
        .find(|name| super::words::fold(name) == said)
        .cloned()
}

/// Takes the words that lead to a name or follow it off: `the web project`.
fn bare<'a>(mut span: Span<'a>, kind: &str) -> Span<'a> {
    for lead in ["the", "my", "project", "agent"] {
        if span.len() > 1 && span.at(0) == lead && (lead != "agent" || kind == "agent") {
            span = span.skip(1);
        }
    }
    if span.len() > 1 && span.at(span.len() - 1) == kind {
        span = span.take(span.len() - 1);
    }
    span
}
