//! What work uses up.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::field::InvalidField;

/// What one call of a model used, or may use at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Usage {
    /// In millionths of a US dollar.
    pub usd_micros: u64,
    /// Tokens that the model read.
    pub input_tokens: u64,
    /// Tokens that the model wrote, its reasoning included.
    pub output_tokens: u64,
}

impl Usage {
    /// The most of each that one call is taken to use: what a provider says beyond that is no usage,
    /// and sums of it would leave what can be counted. A billion dollars, in millionths.
    pub const MOST: u64 = 1_000_000_000_000_000;

    /// Returns the tokens in and out together.
    pub fn tokens(self) -> u64 {
        self.input_tokens.saturating_add(self.output_tokens)
    }

    /// Returns it with nothing above [`Self::MOST`].
    #[must_use]
    pub fn bounded(self) -> Self {
        Self {
            usd_micros: self.usd_micros.min(Self::MOST),
            input_tokens: self.input_tokens.min(Self::MOST),
            output_tokens: self.output_tokens.min(Self::MOST),
        }
    }
}

/// What can be limited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Resource {
    /// Millionths of a US dollar.
    Usd,
    /// Tokens, in and out together.
    Tokens,
    /// Turns of a model.
    Turns,
    /// Calls of tools.
    ToolCalls,
    /// Milliseconds for which a worker held the task.
    WallTime,
    /// Tasks that were handed to other agents.
    Children,
}

impl Resource {
    /// Every resource.
    pub const ALL: [Self; 6] = [
        Self::Usd,
        Self::Tokens,
        Self::Turns,
        Self::ToolCalls,
        Self::WallTime,
        Self::Children,
    ];

    /// Returns its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Usd => "usd",
            Self::Tokens => "tokens",
            Self::Turns => "turns",
            Self::ToolCalls => "tool_calls",
            Self::WallTime => "wall_time",
            Self::Children => "children",
        }
    }

    /// Returns what a budget's field for it is called.
    pub fn field(self) -> &'static str {
        match self {
            Self::WallTime => "wall_seconds",
            _ => self.as_str(),
        }
    }
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Resource {
    type Err = InvalidField;

    fn from_str(text: &str) -> Result<Self, InvalidField> {
        Self::ALL
            .into_iter()
            .find(|resource| resource.as_str() == text)
            .ok_or_else(|| {
                InvalidField::new(
                    "resource",
                    "must be usd, tokens, turns, tool_calls, wall_time or children",
                )
            })
    }
}

/// So much of each resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Charge {
    /// Millionths of a US dollar.
    #[serde(skip_serializing_if = "is_zero")]
    pub usd_micros: u64,
    /// Tokens, in and out together.
    #[serde(skip_serializing_if = "is_zero")]
    pub tokens: u64,
    /// Turns of a model.
    #[serde(skip_serializing_if = "is_zero")]
    pub turns: u64,
    /// Calls of tools.
    #[serde(skip_serializing_if = "is_zero")]
    pub tool_calls: u64,
    /// Milliseconds for which a worker held the task.
    #[serde(skip_serializing_if = "is_zero")]
    pub wall_ms: u64,
    /// Tasks that were handed to other agents.
    #[serde(skip_serializing_if = "is_zero")]
    pub children: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes it so")]
fn is_zero(value: &u64) -> bool {
    *value == 0
}

impl Charge {
    /// One turn of a model that uses so much.
    pub fn turn(usage: Usage) -> Self {
        Self {
            turns: 1,
            ..Self::of_usage(usage)
        }
    }

    /// The money and the tokens alone.
    pub fn of_usage(usage: Usage) -> Self {
        Self {
            usd_micros: usage.usd_micros,
            tokens: usage.tokens(),
            ..Self::default()
        }
    }

    /// One call of a tool.
    pub fn tool_call() -> Self {
        Self {
            tool_calls: 1,
            ..Self::default()
        }
    }

    /// One task that is handed to another agent.
    pub fn child() -> Self {
        Self {
            children: 1,
            ..Self::default()
        }
    }

    /// So many milliseconds of a worker's time.
    pub fn wall(wall_ms: u64) -> Self {
        Self {
            wall_ms,
            ..Self::default()
        }
    }

    /// Returns how much there is of one resource.
    pub fn get(&self, resource: Resource) -> u64 {
        match resource {
            Resource::Usd => self.usd_micros,
            Resource::Tokens => self.tokens,
            Resource::Turns => self.turns,
            Resource::ToolCalls => self.tool_calls,
            Resource::WallTime => self.wall_ms,
            Resource::Children => self.children,
        }
    }

    /// Returns both together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            usd_micros: self.usd_micros.saturating_add(other.usd_micros),
            tokens: self.tokens.saturating_add(other.tokens),
            turns: self.turns.saturating_add(other.turns),
            tool_calls: self.tool_calls.saturating_add(other.tool_calls),
            wall_ms: self.wall_ms.saturating_add(other.wall_ms),
            children: self.children.saturating_add(other.children),
        }
    }
}
