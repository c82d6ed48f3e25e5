//! Why a transition is refused.

use thiserror::Error;

use crate::field::{AgentName, InvalidField};
use crate::task::acceptance::Unmet;
use crate::task::state::TaskStatus;

/// Why a task did not change.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum Refusal {
    /// The state it is in does not allow it.
    #[error("cannot {act} task #{number}: it is {status}")]
    State {
        /// What was asked, such as `claim`.
        act: &'static str,
        /// The task's number.
        number: i64,
        /// The state it is in.
        status: TaskStatus,
    },
    /// Somebody else holds it.
    #[error("task #{number} is held by {holder}, not by {agent}")]
    NotHolder {
        /// The task's number.
        number: i64,
        /// Who holds it.
        holder: AgentName,
        /// Who asked.
        agent: AgentName,
    },
    /// The caller held it once; it was handed on since.
    #[error("task #{number} was handed on: fence {given} is over, the present one is {present}")]
    Fence {
        /// The task's number.
        number: i64,
        /// The fence that the caller named.
        given: u64,
        /// The fence in force.
        present: u64,
    },
    /// It is kept for somebody else.
    #[error("task #{number} is kept for {reserved_for}")]
    Reserved {
        /// The task's number.
        number: i64,
        /// For whom.
        reserved_for: AgentName,
    },
    /// It must not be started yet.
    #[error("task #{number} must not be started before {not_before}")]
    TooEarly {
        /// The task's number.
        number: i64,
        /// From when on.
        not_before: crate::clock::Timestamp,
    },
    /// Tasks that must come first are not completed.
    #[error("task #{number} waits for {open} other task(s) to be completed")]
    DependenciesOpen {
        /// The task's number.
        number: i64,
        /// How many are not completed.
        open: u64,
    },
    /// It is not done yet, by its own acceptance checks.
    #[error("task #{number} is not done: {}", first(.unmet))]
    Unaccepted {
        /// The task's number.
        number: i64,
        /// What is missing.
        unmet: Vec<Unmet>,
    },
    /// A check was not run, or was run for another state of things.
    #[error("task #{number} changed while its acceptance checks ran; complete it again")]
    Unexamined {
        /// The task's number.
        number: i64,
    },
    /// A field was given something it does not take.
    #[error(transparent)]
    Field(#[from] InvalidField),
}

fn first(unmet: &[Unmet]) -> String {
    unmet
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("; ")
}
