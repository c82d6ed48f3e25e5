//! The seven ways an operation can fail: categories that a caller can act on, not sources.

use hearth_domain::InvalidField;
use hearth_domain::event::Evidence;
use hearth_domain::task::{FAILED_CHECKS_MAX, Refusal, Task};
use hearth_store::StoreError;
use thiserror::Error;

/// Why an operation failed. Nothing was changed, but that a completion which did not pass its checks
/// is noted.
#[derive(Debug, Error)]
pub enum AppError {
    /// There is no such thing.
    #[error("{entity} {id} not found")]
    NotFound {
        /// What sort of thing.
        entity: &'static str,
        /// How the caller named it.
        id: String,
    },
    /// The caller gave something that is not taken.
    #[error("{field} {problem}")]
    InvalidInput {
        /// A stable word for the problem.
        code: &'static str,
        /// Which field.
        field: String,
        /// What is wrong with it, and what would be right.
        problem: String,
        /// With a completion that did not pass its acceptance checks: which, and what was found.
        unaccepted: Option<Box<Unaccepted>>,
    },
    /// The state of the thing does not allow it.
    #[error("{detail}")]
    InvalidTransition {
        /// A stable word for the problem.
        code: &'static str,
        /// What state it is in.
        detail: String,
    },
    /// It collides with what somebody else did.
    #[error("{detail}")]
    Conflict {
        /// A stable word for the problem.
        code: &'static str,
        /// With what.
        detail: String,
    },
    /// The caller may not.
    #[error("{0}")]
    Denied(String),
    /// Not at the moment.
    #[error("{detail}")]
    Unavailable {
        /// What is the matter.
        cause: UnavailableCause,
        /// What is the matter, in words, and what helps.
        detail: String,
    },
    /// The database or an artifact's file failed. The caller learns no more than that.
    #[error("the store failed")]
    Store(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// A completion that did not pass the acceptance checks.
#[derive(Debug, Clone, PartialEq)]
pub struct Unaccepted {
    /// The checks that did not hold, and what was found instead.
    pub unmet: Vec<Evidence>,
    /// How many completions failed since somebody last looked at the task, this one included.
    pub failures: usize,
    /// Whether these were so many that the task waits for its owner.
    pub is_blocked: bool,
}

/// What keeps the node from doing something that it could do at another time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnavailableCause {
    /// As much waits as may.
    Busy,
    /// The disk is full.
    NoRoom,
    /// The node is stopping.
    Stopping,
    /// There is no sandbox, and nothing runs without one.
    NoSandbox,
    /// No language model answers.
    NoModel,
    /// Nothing is set up to hear or to speak with.
    NoVoice,
    /// Hearing or speaking was tried and failed.
    VoiceFailed,
}

impl AppError {
    /// Says that a thing is not there.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "identifiers are small, and some callers make theirs on the way"
    )]
    pub fn not_found(entity: &'static str, id: impl ToString) -> Self {
        Self::NotFound {
            entity,
            id: id.to_string(),
        }
    }

    /// Says that a field was given something it does not take.
    pub fn invalid(field: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::InvalidInput {
            code: "invalid_input",
            field: field.into(),
            problem: problem.into(),
            unaccepted: None,
        }
    }

    /// Says that `task` did not pass its acceptance checks, that being noted in it already.
    pub(crate) fn unaccepted(task: &Task, is_blocked: bool, unmet: Vec<Evidence>) -> Self {
        let failures = task.failed_checks.len();
        let list: Vec<String> = unmet
            .iter()
            .map(|Evidence { check, found }| format!("{check}, but {found}"))
            .collect();
        let consequence = if is_blocked {
            "; the task is blocked for its owner"
        } else {
            ""
        };
        Self::InvalidInput {
            code: "acceptance_failed",
            field: "acceptance".into(),
            problem: format!(
                "is not met, for the {} time of {FAILED_CHECKS_MAX}{consequence}: task #{} is not \
                 done: {}",
                ordinal(failures),
                task.number,
                list.join("; ")
            ),
            unaccepted: Some(Box::new(Unaccepted {
                unmet,
                failures,
                is_blocked,
            })),
        }
    }

    /// Says that the disk is full.
    pub fn no_room() -> Self {
        Self::Unavailable {
            cause: UnavailableCause::NoRoom,
            detail: "no room left on the disk; free some and try again, nothing was lost".into(),
        }
    }

    /// Whether trying again later may help.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unavailable { .. } => true,
            Self::NotFound { .. }
            | Self::InvalidInput { .. }
            | Self::InvalidTransition { .. }
            | Self::Conflict { .. }
            | Self::Denied(_)
            | Self::Store(_) => false,
        }
    }

    pub(crate) fn conflict(code: &'static str, detail: impl Into<String>) -> Self {
        Self::Conflict {
            code,
            detail: detail.into(),
        }
    }
}

impl From<StoreError> for AppError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Stale { entity, .. } => Self::conflict(
                "stale_version",
                format!("the {entity} changed meanwhile; read it again"),
            ),
            StoreError::Taken { entity, field } => {
                Self::conflict("name_taken", format!("another {entity} has this {field}"))
            }
            StoreError::Busy | StoreError::Pool(_) => Self::Unavailable {
                cause: UnavailableCause::Busy,
                detail: "the node has more to do than it can take in; try again in a moment".into(),
            },
            StoreError::NoRoom => Self::no_room(),
            StoreError::Closed => Self::Unavailable {
                cause: UnavailableCause::Stopping,
                detail: "the node is stopping".into(),
            },
            other => Self::Store(Box::new(other)),
        }
    }
}

impl From<InvalidField> for AppError {
    fn from(error: InvalidField) -> Self {
        Self::invalid(error.field, error.problem)
    }
}

impl From<Refusal> for AppError {
    fn from(refusal: Refusal) -> Self {
        let detail = refusal.to_string();
        match refusal {
            Refusal::State { .. } => Self::InvalidTransition {
                code: "wrong_state",
                detail,
            },
            Refusal::NotHolder { .. } => Self::conflict("not_holder", detail),
            Refusal::Fence { .. } => Self::conflict("fence_mismatch", detail),
            Refusal::Reserved { .. } => Self::conflict("reserved", detail),
            Refusal::TooEarly { .. } => Self::InvalidTransition {
                code: "too_early",
                detail,
            },
            Refusal::DependenciesOpen { .. } => Self::InvalidTransition {
                code: "dependencies_open",
                detail,
            },
            Refusal::Unexamined { .. } => Self::conflict("changed_meanwhile", detail),
            Refusal::Unaccepted { .. } => Self::InvalidInput {
                code: "acceptance_failed",
                field: "acceptance".into(),
                problem: format!("is not met: {detail}"),
                unaccepted: None,
            },
            Refusal::Field(field) => field.into(),
        }
    }
}

fn ordinal(number: usize) -> String {
    match number {
        1 => "first".into(),
        2 => "second".into(),
        3 => "third".into(),
        more => format!("{more}th"),
    }
}
