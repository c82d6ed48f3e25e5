//! Specialists: agents that runs made.

use hearth_domain::field::{AgentName, Word};
use hearth_domain::money::{Limits, usd};
use hearth_domain::specialist;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::scalar;
use super::time::Time;

/// An agent that a run made for a part of its work.
#[derive(Serialize, ToSchema)]
pub(crate) struct Specialist<'a> {
    /// Identifies it as an agent.
    id: Uuid,
    /// Its name as an agent.
    #[schema(value_type = scalar::AgentName)]
    name: &'a str,
    /// What its model is told of its trade.
    instructions: &'a str,
    /// The tools it may call.
    #[schema(value_type = Vec<scalar::Word>)]
    tools: Vec<&'a str>,
    /// The tools before whose calls it asks the owner.
    #[schema(value_type = Vec<scalar::Word>)]
    asks_before: Vec<&'a str>,
    /// How much it may use up for one task.
    limits: SpecialistLimits,
    /// How many made each other above it, itself included: 1 to 3.
    #[schema(minimum = 1, maximum = 3)]
    depth: u32,
    /// The specialist that made it; null where one of the node's own agents did.
    #[schema(required = true, value_type = Option<scalar::AgentName>)]
    parent: Option<&'a str>,
    /// The agent that made it.
    #[schema(value_type = scalar::AgentName)]
    created_by: &'a str,
    /// The task for which it was made; null when that is gone.
    #[schema(required = true)]
    task_id: Option<Uuid>,
    /// Whether it takes tasks.
    is_enabled: bool,
    /// Rises by one with every change.
    version: u64,
    /// When it was made.
    created_at: Time,
    /// When it last changed.
    updated_at: Time,
}

/// How much a specialist may use up for one task; null where only the task's own limits hold.
#[derive(Serialize, ToSchema)]
pub(crate) struct SpecialistLimits {
    /// In US dollars.
    #[schema(required = true)]
    usd: Option<f64>,
    /// In tokens, in and out together.
    #[schema(required = true)]
    tokens: Option<u64>,
    /// How often its model may be asked.
    #[schema(required = true)]
    turns: Option<u64>,
    /// How many calls of tools it may make.
    #[schema(required = true)]
    tool_calls: Option<u64>,
    /// How long it may be at work, in seconds.
    #[schema(required = true)]
    wall_seconds: Option<u64>,
}

/// Every specialist.
#[derive(Serialize, ToSchema)]
pub(crate) struct SpecialistPage<'a> {
    /// The specialists, by name.
    pub(crate) items: Vec<Specialist<'a>>,
    /// Always null: there are so few that one page holds them.
    #[schema(required = true)]
    pub(crate) next_cursor: Option<String>,
}

impl<'a> From<&'a specialist::Specialist> for Specialist<'a> {
    fn from(specialist: &'a specialist::Specialist) -> Self {
        let grants = &specialist.grants;
        Self {
            id: specialist.id.0,
            name: specialist.name.as_str(),
            instructions: &specialist.instructions,
            tools: grants.tools.iter().map(Word::as_str).collect(),
            asks_before: grants.asks_before.iter().map(Word::as_str).collect(),
            limits: grants.limits.into(),
            depth: grants.depth,
            parent: specialist.parent.as_ref().map(AgentName::as_str),
            created_by: specialist.created_by.as_str(),
            task_id: specialist.task_id.map(|id| id.0),
            is_enabled: specialist.is_enabled,
            version: specialist.version,
            created_at: Time(specialist.created_at),
            updated_at: Time(specialist.updated_at),
        }
    }
}

impl From<Limits> for SpecialistLimits {
    fn from(limits: Limits) -> Self {
        Self {
            usd: limits.usd_micros.map(usd),
            tokens: limits.tokens,
            turns: limits.turns,
            tool_calls: limits.tool_calls,
            wall_seconds: limits.wall_ms.map(|wall_ms| wall_ms / 1000),
        }
    }
}
