//! One line of text to the fields of a task: `Build landing page @web #design !high due friday`.

use jiff::tz::TimeZone;

use self::reading::Reading;
use crate::clock::Timestamp;
use crate::field::{AgentName, Label};
use crate::priority::Priority;
use crate::recurrence::Rule;
use crate::when::When;

mod clauses;
mod estimate;
mod markers;
mod reading;
mod tokens;
mod trailing;
mod write;

/// What the names in a line can refer to, and when and where it was said.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// The projects' names. `@` takes any name; `in project` only one of these.
    pub projects: &'a [String],
    /// The agents' names. `for` takes only one of these, or the owner.
    pub agents: &'a [String],
    /// When the line was written.
    pub now: Timestamp,
    /// Where its writer is.
    pub zone: &'a TimeZone,
}

/// The fields of a task, as a line gives them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Line {
    /// What is to be done. Empty if the line has nothing but fields.
    pub title: String,
    /// The project's name, in the known spelling if it is known.
    pub project: Option<String>,
    /// Its labels, each once.
    pub labels: Vec<Label>,
    /// How urgent it is.
    pub priority: Option<Priority>,
    /// When it is due.
    pub due: Option<When>,
    /// How it comes again.
    pub recurrence: Option<Rule>,
    /// The numbers of the tasks it waits for, each once.
    pub after: Vec<i64>,
    /// Who is to do it.
    pub assigned_to: Option<AgentName>,
    /// About how many minutes it takes.
    pub estimate_minutes: Option<u32>,
}

/// A line as it was understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parsed {
    /// What was understood.
    pub line: Line,
    /// What was not, in the order of the line.
    pub doubts: Vec<Doubt>,
}

/// Something in a line that needs a word from its writer. Nothing is guessed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Doubt {
    /// The field of [`Line`] it is about.
    pub field: &'static str,
    /// The words in question.
    pub said: String,
    /// What is wrong and what would be right; reads on from the field's name.
    pub problem: String,
}

/// Reads a line.
pub fn parse(text: &str, known: &Known<'_>) -> Parsed {
    Reading::new(text, known).read()
}

/// Writes a line that reads back as `line`, as long as its agent is known and its due date has not
/// passed.
pub fn render(line: &Line, zone: &TimeZone) -> String {
    write::render(line, zone)
}

/// Says what was understood, one clause for each field: `Build landing page, in web, high priority,
/// due Fri 27 Nov 2026`.
pub fn describe(line: &Line, zone: &TimeZone) -> String {
    write::describe(line, zone)
}

#[cfg(test)]
mod tests;
