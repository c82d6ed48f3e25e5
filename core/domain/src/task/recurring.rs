//! Which occasion of which rhythm a task is for.

use crate::clock::Timestamp;
use crate::id::TaskId;
use crate::recurrence::Rule;

/// A task's place in a series of tasks, one for each occasion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recurrence {
    /// When the series goes on after this task; `None` ends it. Only the last task's rule counts.
    pub rule: Option<Rule>,
    /// The first task of the series, which names it.
    pub series: TaskId,
    /// What it is for. No two tasks of a series have the same occasion.
    pub occasion: Timestamp,
}

/// The place that a task to be made is to have in a series.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NewRecurrence {
    /// It begins a series; what it is for is when it is due.
    Begins {
        /// When the series goes on.
        rule: Rule,
    },
    /// It goes on with one.
    GoesOn {
        /// When the series goes on after it.
        rule: Rule,
        /// See [`Recurrence::series`].
        series: TaskId,
        /// See [`Recurrence::occasion`].
        occasion: Timestamp,
    },
}

impl NewRecurrence {
    /// Returns the place of the task `id`, due or made at `moment`.
    pub(super) fn for_task(self, id: TaskId, moment: Timestamp) -> Recurrence {
        match self {
            Self::Begins { rule } => Recurrence {
                rule: Some(rule),
                series: id,
                occasion: moment,
            },
            Self::GoesOn {
                rule,
                series,
                occasion,
            } => Recurrence {
                rule: Some(rule),
                series,
                occasion,
            },
        }
    }
}
