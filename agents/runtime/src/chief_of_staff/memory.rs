//! What is kept in mind from one message of a conversation to the next: a stored format.

use hearth_domain::field::InvalidField;
use hearth_domain::{JsonObject, ProjectId, TaskId, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::intent::Order;
use super::model::Thought;

/// What is kept in mind.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Memory {
    /// What was asked, and waits for an answer.
    pub(super) question: Option<Asked>,
    /// How the last order is taken back, the last step first; empty where there is none.
    pub(super) undo: Vec<Undo>,
    /// The number of the task that was last spoken of.
    pub(super) it: Option<i64>,
    /// What the language model is at.
    #[serde(skip_serializing_if = "Thought::is_empty")]
    pub(super) thought: Thought,
}

/// A question that was asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Asked {
    /// Which of these tasks is meant.
    Which {
        /// What is to be done to it; nothing where it is only to be shown.
        order: Option<Order>,
        /// The numbers to choose from.
        numbers: Vec<i64>,
    },
    /// Whether this is to be done.
    Sure {
        /// What.
        order: Option<Order>,
        /// To which task.
        number: i64,
    },
    /// Whether a message is to be made a task.
    AddAsTask {
        /// The line.
        line: String,
    },
    /// Whether a project of a like name is meant; a no makes the one that was named.
    Project {
        /// The line.
        line: String,
        /// The name in it.
        said: String,
        /// The one that may be meant.
        meant: String,
    },
    /// Yes or no to the one approval that was shown.
    Approval {
        /// Its number.
        number: i64,
    },
    /// What is to be added.
    AddWhat,
    /// What a project is to be called.
    ProjectName,
    /// Why a task is blocked, or what its answer is.
    Words {
        /// The order that lacks words.
        order: Order,
        /// To which task.
        number: i64,
    },
}

/// One step by which an order is taken back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Undo {
    /// Something about a task.
    Task {
        /// Which.
        id: TaskId,
        /// Its number.
        number: i64,
        /// The version it has if nobody changed it since.
        version: u64,
        /// What is to be done to it.
        step: Step,
    },
    /// A project that was made is deleted, if nothing is in it.
    Project {
        /// Which.
        id: ProjectId,
        /// Its name.
        name: String,
    },
    /// It cannot be taken back.
    Never {
        /// Why, and what can be done instead.
        why: String,
    },
}

/// What takes a change of a task back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Step {
    /// It was added.
    Cancel,
    /// It was ended; if it was blocked before, it is blocked again.
    Reopen {
        /// The reason and the options it was blocked with.
        blocked: Option<(String, Vec<String>)>,
    },
    /// It was blocked.
    Unblock,
    /// It was taken to hand.
    Release,
    /// Its fields were changed.
    Fields(Vec<Field>),
}

/// A field as it was.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Field {
    /// Its title.
    Title(String),
    /// Its description.
    Description(String),
    /// How urgent it was.
    Priority(String),
    /// For whom it was kept.
    AssignedTo(Option<String>),
    /// When it was due.
    Due(Option<Timestamp>),
    /// Which project it was part of.
    Project(Option<ProjectId>),
    /// Its labels.
    Labels(Vec<String>),
    /// What it waited for.
    DependsOn(Vec<TaskId>),
    /// The rule by which it came again.
    Recurrence(Option<String>),
}

impl Memory {
    /// Reads what was kept. What another version kept and cannot be read is as good as forgotten.
    pub(super) fn read(kept: &JsonObject) -> Self {
        serde_json::from_value(Value::Object(kept.clone())).unwrap_or_default()
    }

    /// Writes what is to be kept.
    pub(super) fn write(&self) -> Result<JsonObject, InvalidField> {
        match serde_json::to_value(self) {
            Ok(Value::Object(kept)) => Ok(kept),
            Ok(_) | Err(_) => Err(InvalidField::new("memory", "cannot be written")),
        }
    }
}
