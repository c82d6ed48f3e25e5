//! Where a task stands, with what belongs to each state and to no other.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::event::ReleaseCause;
use crate::field::{AgentName, InvalidField, JsonObject};

/// The word for where a task stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskStatus {
    /// Waits to be taken up.
    Pending,
    /// An agent works on it.
    InProgress,
    /// Waits for somebody's answer or help.
    Blocked,
    /// Done.
    Completed,
    /// No longer wanted.
    Cancelled,
}

impl TaskStatus {
    /// Every status.
    pub const ALL: [Self; 5] = [
        Self::Pending,
        Self::InProgress,
        Self::Blocked,
        Self::Completed,
        Self::Cancelled,
    ];

    /// Returns its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::InProgress => "in_progress",
            Self::Blocked => "blocked",
            Self::Completed => "completed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether nothing but a reopening leads out of it.
    pub fn is_terminal(self) -> bool {
        match self {
            Self::Completed | Self::Cancelled => true,
            Self::Pending | Self::InProgress | Self::Blocked => false,
        }
    }
}

impl fmt::Display for TaskStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for TaskStatus {
    type Err = InvalidField;

    fn from_str(text: &str) -> Result<Self, InvalidField> {
        Self::ALL
            .into_iter()
            .find(|status| status.as_str() == text)
            .ok_or_else(|| {
                InvalidField::new(
                    "status",
                    "must be pending, in_progress, blocked, completed or cancelled",
                )
            })
    }
}

/// Where a task stands.
#[derive(Debug, Clone, PartialEq)]
pub enum TaskState {
    /// Waits to be taken up.
    Pending,
    /// An agent works on it.
    InProgress {
        /// By whom, and until when.
        lease: Lease,
    },
    /// Waits for somebody.
    Blocked {
        /// For what.
        block: Block,
    },
    /// Done.
    Completed {
        /// What came of it.
        result: Option<JsonObject>,
        /// When.
        at: Timestamp,
    },
    /// No longer wanted.
    Cancelled {
        /// Why.
        reason: Option<String>,
        /// When.
        at: Timestamp,
    },
}

impl TaskState {
    /// Returns the word for it.
    pub fn status(&self) -> TaskStatus {
        match self {
            Self::Pending => TaskStatus::Pending,
            Self::InProgress { .. } => TaskStatus::InProgress,
            Self::Blocked { .. } => TaskStatus::Blocked,
            Self::Completed { .. } => TaskStatus::Completed,
            Self::Cancelled { .. } => TaskStatus::Cancelled,
        }
    }
}

/// Who holds a task, and until when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// Who.
    pub holder: AgentName,
    /// Until when, unless renewed.
    pub expires_at: Timestamp,
    /// How long a renewal lasts.
    pub length: Duration,
}

/// Why a task waits for somebody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// The reason or the question, for people.
    pub reason: String,
    /// Answers to choose from; empty where it is no question.
    pub options: Vec<String>,
    /// What brought it here.
    pub cause: BlockCause,
}

/// What brought a task to wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BlockCause {
    /// Its holder said so.
    Holder,
    /// Its last allowed attempt failed.
    AttemptsUsed,
    /// Too many completions did not pass its acceptance checks.
    ChecksFailed,
}

/// One attempt that ended without a result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttemptEnd {
    /// Which attempt.
    pub attempt: u32,
    /// Whose.
    pub agent: AgentName,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub ended_at: Timestamp,
    /// Why.
    pub cause: ReleaseCause,
    /// What its holder said.
    pub reason: Option<String>,
}

impl fmt::Display for AttemptEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cause = match self.cause {
            ReleaseCause::GivenBack => "gave it back",
            ReleaseCause::LeaseExpired => "was not heard from until the lease ran out",
            ReleaseCause::NodeRestarted => "was cut off when the node was killed",
            ReleaseCause::NodeStopped => "was stopped with the node",
            ReleaseCause::NoModel => "found no language model that answers",
            ReleaseCause::WaitsForChildren => "waits for others",
            ReleaseCause::AgentPaused => "was stopped because the agent was paused",
        };
        write!(
            f,
            "attempt {} by {}, from {} to {}: {cause}",
            self.attempt, self.agent, self.started_at, self.ended_at
        )?;
        self.reason
            .as_ref()
            .map_or(Ok(()), |reason| write!(f, ": {reason}"))
    }
}
