//! What may be used up.

use serde::{Deserialize, Serialize};

use super::Resource;

/// How much of each resource may be used up; no limit where nothing is said. A stored format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Limits {
    /// Millionths of a US dollar; with 0 only what costs nothing is called.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usd_micros: Option<u64>,
    /// Tokens, in and out together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens: Option<u64>,
    /// Turns of a model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub turns: Option<u64>,
    /// Calls of tools.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool_calls: Option<u64>,
    /// Milliseconds for which a worker holds the task.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wall_ms: Option<u64>,
    /// Tasks that are handed to other agents.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub children: Option<u64>,
}

impl Limits {
    /// Returns the limit of one resource.
    pub fn get(&self, resource: Resource) -> Option<u64> {
        match resource {
            Resource::Usd => self.usd_micros,
            Resource::Tokens => self.tokens,
            Resource::Turns => self.turns,
            Resource::ToolCalls => self.tool_calls,
            Resource::WallTime => self.wall_ms,
            Resource::Children => self.children,
        }
    }

    /// Sets the limit of one resource, or takes it away.
    pub fn set(&mut self, resource: Resource, limit: Option<u64>) {
        *match resource {
            Resource::Usd => &mut self.usd_micros,
            Resource::Tokens => &mut self.tokens,
            Resource::Turns => &mut self.turns,
            Resource::ToolCalls => &mut self.tool_calls,
            Resource::WallTime => &mut self.wall_ms,
            Resource::Children => &mut self.children,
        } = limit;
    }

    /// Returns these limits, and those of `other` where these say nothing.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            usd_micros: self.usd_micros.or(other.usd_micros),
            tokens: self.tokens.or(other.tokens),
            turns: self.turns.or(other.turns),
            tool_calls: self.tool_calls.or(other.tool_calls),
            wall_ms: self.wall_ms.or(other.wall_ms),
            children: self.children.or(other.children),
        }
    }

    /// Whether nothing is limited.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
