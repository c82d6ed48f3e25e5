//! Approvals: one exact action of a run, put to the owner, who says yes or no to that and nothing
//! else.
//!
//! The answer is bound to the hash of the action, is used once, and runs out.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::action::{Action, ActionHash};
use crate::change::Change;
use crate::clock::Timestamp;
use crate::event::EventKind;
use crate::field::InvalidField;
use crate::id::{ApprovalId, RunId, TaskId};

/// How long a request waits for an answer: a week, so that a holiday costs nothing but a retry.
pub const ANSWER_WITHIN: Duration = Duration::from_hours(7 * 24);
/// How long a yes may wait to be used.
pub const USE_WITHIN: Duration = Duration::from_hours(24);

/// The word for where an approval stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApprovalStatus {
    /// Waits for the owner.
    Pending,
    /// The owner said yes, and it was not used yet.
    Approved,
    /// The owner said no.
    Denied,
    /// The owner said yes, and it was done.
    Used,
    /// Nobody answered, or the yes was not used, in time.
    Expired,
    /// The action is no longer wanted.
    Withdrawn,
}

impl ApprovalStatus {
    /// Every status.
    pub const ALL: [Self; 6] = [
        Self::Pending,
        Self::Approved,
        Self::Denied,
        Self::Used,
        Self::Expired,
        Self::Withdrawn,
    ];

    /// Returns its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Approved => "approved",
            Self::Denied => "denied",
            Self::Used => "used",
            Self::Expired => "expired",
            Self::Withdrawn => "withdrawn",
        }
    }
}

impl fmt::Display for ApprovalStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for ApprovalStatus {
    type Err = InvalidField;

    fn from_str(text: &str) -> Result<Self, InvalidField> {
        Self::ALL
            .into_iter()
            .find(|status| status.as_str() == text)
            .ok_or_else(|| {
                InvalidField::new(
                    "status",
                    "must be pending, approved, denied, used, expired or withdrawn",
                )
            })
    }
}

/// One action, put to the owner.
#[derive(Debug, Clone, PartialEq)]
pub struct Approval {
    /// Identifies it.
    pub id: ApprovalId,
    /// What people call it.
    pub number: i64,
    /// The run that wants to act.
    pub run_id: RunId,
    /// The run's task.
    pub task_id: TaskId,
    /// The task's number.
    pub task_number: i64,
    /// Which step of the run, from 1 on.
    pub place: u32,
    /// What exactly is to be done.
    pub action: Action,
    /// The same in words.
    pub what: String,
    /// Why it is asked.
    pub why: String,
    /// Whether no standing permission can stand in for it.
    pub is_once: bool,
    /// Where it stands.
    pub status: ApprovalStatus,
    /// Who answered.
    pub decided_by: Option<String>,
    /// When.
    pub decided_at: Option<Timestamp>,
    /// What was said with the answer, or why it is no longer wanted.
    pub note: Option<String>,
    /// Until when it may be answered, or used.
    pub expires_at: Timestamp,
    /// When it was asked.
    pub created_at: Timestamp,
}

/// What an approval is asked with.
#[derive(Debug, Clone, PartialEq)]
pub struct NewApproval {
    /// See [`Approval::run_id`].
    pub run_id: RunId,
    /// See [`Approval::task_id`].
    pub task_id: TaskId,
    /// See [`Approval::task_number`].
    pub task_number: i64,
    /// See [`Approval::place`].
    pub place: u32,
    /// See [`Approval::action`].
    pub action: Action,
    /// See [`Approval::what`].
    pub what: String,
    /// See [`Approval::why`].
    pub why: String,
    /// See [`Approval::is_once`].
    pub is_once: bool,
}

/// What every event about an approval says of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ApprovalFacts {
    /// The approval.
    pub approval_id: ApprovalId,
    /// Its number.
    pub number: i64,
    /// The run.
    pub run_id: RunId,
    /// The task.
    pub task_id: TaskId,
    /// The task's number.
    pub task_number: i64,
    /// What is to be done, in words.
    pub what: String,
    /// SHA-256 of the exact action, in hexadecimal.
    pub action_sha256: String,
    /// Where it stands.
    pub status: ApprovalStatus,
}

/// Why an approval did not change.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ApprovalRefusal {
    /// It was answered, or is no longer wanted.
    #[error("approval {number} is {status} already; nothing was changed")]
    Settled {
        /// Its number.
        number: i64,
        /// Where it stands.
        status: ApprovalStatus,
    },
    /// The answer comes too late.
    #[error(
        "approval {number} ran out at {at}; have it asked again: hearth run retry of its task's run"
    )]
    RanOut {
        /// Its number.
        number: i64,
        /// When.
        at: Timestamp,
    },
    /// The yes was for another action.
    #[error("approval {number} is for another action than this one")]
    OtherAction {
        /// Its number.
        number: i64,
    },
}

impl Approval {
    /// Puts an action to the owner.
    pub fn request(id: ApprovalId, number: i64, new: NewApproval, now: Timestamp) -> Change<Self> {
        let approval = Self {
            id,
            number,
            run_id: new.run_id,
            task_id: new.task_id,
            task_number: new.task_number,
            place: new.place,
            action: new.action,
            what: new.what,
            why: new.why,
            is_once: new.is_once,
            status: ApprovalStatus::Pending,
            decided_by: None,
            decided_at: None,
            note: None,
            expires_at: now.after(ANSWER_WITHIN),
            created_at: now,
        };
        approval.changed(EventKind::ApprovalRequested)
    }

    /// Says yes.
    ///
    /// # Errors
    /// It was answered already, or ran out.
    pub fn approve(
        self,
        by: &str,
        note: Option<String>,
        now: Timestamp,
    ) -> Result<Change<Self>, ApprovalRefusal> {
        let mut approval = self.decided(ApprovalStatus::Approved, by, note, now)?;
        approval.expires_at = now.after(USE_WITHIN);
        Ok(approval.changed(EventKind::ApprovalApproved))
    }

    /// Says no.
    ///
    /// # Errors
    /// It was answered already, or ran out.
    pub fn deny(
        self,
        by: &str,
        note: Option<String>,
        now: Timestamp,
    ) -> Result<Change<Self>, ApprovalRefusal> {
        let approval = self.decided(ApprovalStatus::Denied, by, note, now)?;
        Ok(approval.changed(EventKind::ApprovalDenied))
    }

    /// Uses the yes, once, for the action it was given for.
    ///
    /// # Errors
    /// There is no yes, it ran out, or it is for another action.
    pub fn use_for(
        mut self,
        action: ActionHash,
        now: Timestamp,
    ) -> Result<Change<Self>, ApprovalRefusal> {
        let number = self.number;
        if self.status != ApprovalStatus::Approved {
            return Err(self.settled());
        }
        if self.expires_at <= now {
            return Err(ApprovalRefusal::RanOut {
                number,
                at: self.expires_at,
            });
        }
        if self.action.hash() != action {
            return Err(ApprovalRefusal::OtherAction { number });
        }
        self.status = ApprovalStatus::Used;
        Ok(self.changed(EventKind::ApprovalUsed))
    }

    /// Lets it run out; `None` where it does not yet, or is settled.
    pub fn expire(mut self, now: Timestamp) -> Option<Change<Self>> {
        if !self.is_open() || self.expires_at > now {
            return None;
        }
        self.status = ApprovalStatus::Expired;
        Some(self.changed(EventKind::ApprovalExpired))
    }

    /// Takes the question back; `None` where it is settled.
    pub fn withdraw(mut self, reason: &str) -> Option<Change<Self>> {
        if !self.is_open() {
            return None;
        }
        self.status = ApprovalStatus::Withdrawn;
        self.note = Some(reason.to_owned());
        Some(self.changed(EventKind::ApprovalWithdrawn))
    }

    /// Whether it waits for an answer, or to be used.
    pub fn is_open(&self) -> bool {
        match self.status {
            ApprovalStatus::Pending | ApprovalStatus::Approved => true,
            ApprovalStatus::Denied
            | ApprovalStatus::Used
            | ApprovalStatus::Expired
            | ApprovalStatus::Withdrawn => false,
        }
    }

    fn decided(
        mut self,
        status: ApprovalStatus,
        by: &str,
        note: Option<String>,
        now: Timestamp,
    ) -> Result<Self, ApprovalRefusal> {
        if self.status != ApprovalStatus::Pending {
            return Err(self.settled());
        }
        if self.expires_at <= now {
            return Err(ApprovalRefusal::RanOut {
                number: self.number,
                at: self.expires_at,
            });
        }
        self.status = status;
        self.decided_by = Some(by.to_owned());
        self.decided_at = Some(now);
        self.note = note;
        Ok(self)
    }

    fn settled(&self) -> ApprovalRefusal {
        ApprovalRefusal::Settled {
            number: self.number,
            status: self.status,
        }
    }

    fn changed(self, event: impl FnOnce(ApprovalFacts) -> EventKind) -> Change<Self> {
        let event = event(ApprovalFacts {
            approval_id: self.id,
            number: self.number,
            run_id: self.run_id,
            task_id: self.task_id,
            task_number: self.task_number,
            what: self.what.clone(),
            action_sha256: self.action.hash().to_string(),
            status: self.status,
        });
        Change { after: self, event }
    }
}

#[cfg(test)]
mod tests;
