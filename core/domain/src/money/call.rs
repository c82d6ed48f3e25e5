//! The ledger: one entry for each call of a model, from before it is made.

use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::{Scope, Usage, counted_in};
use crate::clock::Timestamp;
use crate::field::{AgentName, InvalidField};
use crate::id::{CallId, ConversationId, ProjectId, RunId, TaskId};

/// What a model was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// A turn of the work on a task.
    Task,
    /// An answer to a person.
    Chat,
    /// What a text that is not trusted says, in a fixed shape.
    Extract,
    /// A shorter form of what was said before.
    Summary,
}

impl Purpose {
    /// Every purpose.
    pub const ALL: [Self; 4] = [Self::Task, Self::Chat, Self::Extract, Self::Summary];

    /// Returns its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Task => "task",
            Self::Chat => "chat",
            Self::Extract => "extract",
            Self::Summary => "summary",
        }
    }
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Purpose {
    type Err = InvalidField;

    fn from_str(text: &str) -> Result<Self, InvalidField> {
        Self::ALL
            .into_iter()
            .find(|purpose| purpose.as_str() == text)
            .ok_or_else(|| InvalidField::new("purpose", "must be task, chat, extract or summary"))
    }
}

/// Where a call stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallStatus {
    /// It is about to be made, or is under way: its worst case is set aside.
    Reserved,
    /// What it used is known.
    Settled,
    /// It was cut off, and nobody knows what it used: it counts at its worst case.
    Unknown,
}

impl CallStatus {
    /// Returns its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Reserved => "reserved",
            Self::Settled => "settled",
            Self::Unknown => "unknown",
        }
    }
}

impl FromStr for CallStatus {
    type Err = InvalidField;

    fn from_str(text: &str) -> Result<Self, InvalidField> {
        [Self::Reserved, Self::Settled, Self::Unknown]
            .into_iter()
            .find(|status| status.as_str() == text)
            .ok_or_else(|| InvalidField::new("status", "must be reserved, settled or unknown"))
    }
}

/// Which attempt at which step of a run a call is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StepKey {
    /// The run.
    pub run: RunId,
    /// The step's place.
    pub place: u32,
    /// The attempt at it.
    pub attempt: u32,
}

/// A call that is about to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewCall {
    /// What for.
    pub purpose: Purpose,
    /// The step of a run that it is, where it is one.
    pub step: Option<StepKey>,
    /// The conversation it is for.
    pub conversation: Option<ConversationId>,
    /// The task it is for.
    pub task: Option<TaskId>,
    /// The project of that task.
    pub project: Option<ProjectId>,
    /// Who calls.
    pub agent: AgentName,
    /// The most it may use.
    pub worst_case: Usage,
    /// The day on which it counts.
    pub day: Date,
}

/// An entry of the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelCall {
    /// Identifies it.
    pub id: CallId,
    /// What it was reserved for.
    pub call: NewCall,
    /// Where it stands.
    pub status: CallStatus,
    /// Who answered, such as `groq`; known once it was answered.
    pub provider: Option<String>,
    /// Which model.
    pub model: Option<String>,
    /// What it used; its worst case where that is not known.
    pub used: Option<Usage>,
    /// When it was reserved.
    pub created_at: Timestamp,
    /// When it was settled.
    pub ended_at: Option<Timestamp>,
}

/// How a call ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallEnd {
    /// A model answered, or refused, and used so much.
    Used {
        /// Who, such as `groq`; empty where that is not known.
        provider: String,
        /// Which model; empty where that is not known.
        model: String,
        /// How much.
        usage: Usage,
    },
    /// It was never sent: nothing was used.
    NotSent,
    /// It was cut off, and what it used is not known: its worst case counts.
    Unknown,
}

impl NewCall {
    /// Returns where it counts.
    pub fn scopes(&self) -> Vec<Scope> {
        counted_in(&self.agent, self.project, self.task, self.day)
    }
}

impl ModelCall {
    /// Reserves the worst case of a call.
    pub fn reserve(id: CallId, call: NewCall, now: Timestamp) -> Self {
        let call = NewCall {
            worst_case: call.worst_case.bounded(),
            ..call
        };
        Self {
            id,
            call,
            status: CallStatus::Reserved,
            provider: None,
            model: None,
            used: None,
            created_at: now,
            ended_at: None,
        }
    }

    /// Settles it; `None` where it was settled before.
    #[must_use]
    pub fn end(mut self, end: CallEnd, now: Timestamp) -> Option<Self> {
        if self.status != CallStatus::Reserved {
            return None;
        }
        let named = |text: String| {
            let text: String = text.chars().filter(|c| *c != '\0').take(200).collect();
            (!text.is_empty()).then_some(text)
        };
        self.ended_at = Some(now);
        (self.status, self.used) = match end {
            CallEnd::Used {
                provider,
                model,
                usage,
            } => {
                self.provider = named(provider);
                self.model = named(model);
                (CallStatus::Settled, Some(usage.bounded()))
            }
            CallEnd::NotSent => (CallStatus::Settled, Some(Usage::default())),
            CallEnd::Unknown => (CallStatus::Unknown, Some(self.call.worst_case)),
        };
        Some(self)
    }
}
