//! What may be used up.

use serde::{Deserialize, Serialize};

use super::{Resource, amount};
use crate::field::InvalidField;

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

    /// Returns the lower of these limits and those of `other`.
    #[must_use]
    pub fn least(self, other: Self) -> Self {
        let mut least = self.or(other);
        for what in Resource::ALL {
            least.set(
                what,
                least.get(what).min(other.get(what)).or(least.get(what)),
            );
        }
        least
    }

    /// Whether `other` allows no more.
    pub fn cover(&self, other: &Self) -> bool {
        Resource::ALL.into_iter().all(|what| {
            let Some(own) = self.get(what) else {
                return true;
            };
            other.get(what).is_some_and(|others| others <= own)
        })
    }

    /// Takes `wanted` where it says something, and these for the rest.
    ///
    /// # Errors
    /// It wants more than these allow, or nothing at all of something.
    pub fn narrow(self, wanted: Self) -> Result<Self, InvalidField> {
        for what in Resource::ALL {
            let Some(wanted) = wanted.get(what) else {
                continue;
            };
            let field = format!("limits.{}", what.field());
            if wanted == 0 {
                return Err(InvalidField::new(
                    field,
                    "must be more than 0; leave it out for the limit of the agent that asks",
                ));
            }
            if let Some(own) = self.get(what).filter(|own| wanted > *own) {
                return Err(InvalidField::new(
                    field,
                    format!(
                        "must be at most {}, which is the limit of the agent that asks",
                        amount(what, own)
                    ),
                ));
            }
        }
        Ok(wanted.or(self))
    }

    /// Whether nothing is limited.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
