//! Who causes a change, and what that allows.

use serde::{Deserialize, Serialize};

use crate::field::{AgentName, InvalidField, OWNER, SYSTEM};

/// What a key allows its holder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Everything.
    Admin,
    /// Reads, creates tasks, claims, and changes only what it holds.
    Agent,
    /// Reads.
    Viewer,
}

impl Role {
    /// Returns its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Agent => "agent",
            Self::Viewer => "viewer",
        }
    }
}

impl std::fmt::Display for Role {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for Role {
    type Err = InvalidField;

    fn from_str(text: &str) -> Result<Self, InvalidField> {
        [Self::Admin, Self::Agent, Self::Viewer]
            .into_iter()
            .find(|role| role.as_str() == text)
            .ok_or_else(|| InvalidField::new("role", "must be admin, agent or viewer"))
    }
}

/// Who causes a change.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Actor {
    /// The person, or a program that acts with all the person's rights.
    Owner,
    /// An agent, bound to its name.
    Agent(AgentName),
    /// Somebody who may only look.
    Viewer,
    /// The node itself: leases that ran out, agents that fell silent.
    System,
}

impl Actor {
    /// Returns the name that events and rows carry.
    pub fn name(&self) -> &str {
        match self {
            Self::Owner => OWNER,
            Self::Agent(name) => name.as_str(),
            Self::Viewer => "viewer",
            Self::System => SYSTEM,
        }
    }

    /// Returns the role that decides what it may do.
    pub fn role(&self) -> Role {
        match self {
            Self::Owner | Self::System => Role::Admin,
            Self::Agent(_) => Role::Agent,
            Self::Viewer => Role::Viewer,
        }
    }
}
