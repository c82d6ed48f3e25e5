//! What goes wrong with a server, and whether asking again can help.

use std::time::Duration;

/// A server did not answer as it should.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// What it means.
    pub kind: FaultKind,
    /// What happened, for people: who, and what. It holds no key and no address.
    pub message: String,
    /// Whether something of an answer had come.
    pub has_begun: bool,
}

/// What a fault means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FaultKind {
    /// It may well work a moment later.
    Passing {
        /// When the server said to come again.
        retry_after: Option<Duration>,
    },
    /// The key is not taken.
    Key,
    /// The server or the model is not what the settings say.
    Setting {
        /// What may mend it.
        remedy: String,
    },
}

impl Fault {
    pub(super) fn passing(message: impl Into<String>) -> Self {
        Self {
            kind: FaultKind::Passing { retry_after: None },
            message: message.into(),
            has_begun: false,
        }
    }

    pub(super) fn setting(message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            kind: FaultKind::Setting {
                remedy: remedy.into(),
            },
            message: message.into(),
            has_begun: false,
        }
    }

    /// The same, after something of the answer had come where `has_begun`.
    pub(super) fn after(self, has_begun: bool) -> Self {
        Self { has_begun, ..self }
    }
}
