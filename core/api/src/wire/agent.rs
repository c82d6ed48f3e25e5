//! Agents.

use hearth_app::agents::pause::{Held, Paused};
use hearth_domain::JsonObject;
use hearth_domain::agent::{self, AgentStatus, Presence, Registration};
use hearth_domain::field::{AgentName, InvalidField, Word};
use serde::{Deserialize, Serialize};
use utoipa::openapi::path::{Parameter, ParameterIn};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::scalar::{self, schema_of};
use super::time::Time;
use crate::cursor;
use crate::problem::Problem;
use crate::query::{FromQuery, Pairs, many_parameter, page_parameters};

/// Who works.
#[derive(Serialize, ToSchema)]
pub(crate) struct Agent<'a> {
    /// Identifies it, beside its name.
    id: Uuid,
    /// Its unique name.
    #[schema(min_length = 1, max_length = 64)]
    name: &'a str,
    /// What sort it is, such as `orchestrator`.
    #[schema(min_length = 1, max_length = 50)]
    r#type: &'a str,
    /// Whether it is there.
    #[schema(value_type = scalar::AgentStatus)]
    status: &'static str,
    /// What it says it can do.
    capabilities: &'a [String],
    /// Whatever it keeps with itself.
    #[schema(value_type = Object)]
    metadata: &'a JsonObject,
    /// When it first registered.
    created_at: Time,
    /// When it was last heard from.
    last_seen_at: Time,
    /// Since when it takes no tasks; null where it takes them.
    #[schema(required = true)]
    paused_at: Option<Time>,
}

/// What a pause does at once.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PauseAgent {
    /// Whether what it holds is handed back at once, which costs no attempt; it finishes it unless told.
    now: Option<bool>,
}

impl PauseAgent {
    pub(crate) fn read(&self) -> Held {
        match self.now {
            Some(true) => Held::HandBack,
            Some(false) | None => Held::Finish,
        }
    }
}

/// An agent that was paused.
#[derive(Serialize, ToSchema)]
pub(crate) struct AgentPause<'a> {
    /// The agent.
    agent: Agent<'a>,
    /// The numbers of the tasks that it held and that were handed back.
    handed_back: &'a [i64],
}

impl<'a> From<&'a Paused> for AgentPause<'a> {
    fn from(paused: &'a Paused) -> Self {
        Self {
            agent: Agent::from(&paused.agent),
            handed_back: &paused.handed_back,
        }
    }
}

/// A page of agents.
#[derive(Serialize, ToSchema)]
pub(crate) struct AgentPage<'a> {
    /// The agents, in the list's order.
    pub(crate) items: Vec<Agent<'a>>,
    /// Where the next page begins; null at the end.
    #[schema(required = true)]
    pub(crate) next_cursor: Option<String>,
}

impl<'a> From<&'a agent::Agent> for Agent<'a> {
    fn from(agent: &'a agent::Agent) -> Self {
        Self {
            id: agent.id.0,
            name: agent.name.as_str(),
            r#type: agent.kind.as_str(),
            status: agent.status.as_str(),
            capabilities: &agent.capabilities,
            metadata: &agent.metadata,
            created_at: Time(agent.created_at),
            last_seen_at: Time(agent.last_seen_at),
            paused_at: agent.paused_at.map(Time),
        }
    }
}

/// What an agent says of itself when it registers.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RegisterAgent {
    /// Its unique name.
    #[schema(value_type = scalar::AgentName)]
    name: String,
    /// What sort it is, such as `orchestrator`.
    #[schema(value_type = scalar::Word)]
    r#type: String,
    /// What it can do.
    #[schema(value_type = Option<Vec<scalar::Capability>>, max_items = 50)]
    capabilities: Option<Vec<String>>,
    /// Whatever it keeps with itself; at most 256 KiB.
    #[schema(value_type = Option<Object>)]
    metadata: Option<JsonObject>,
}

impl RegisterAgent {
    pub(crate) fn read(self) -> Result<Registration, InvalidField> {
        Ok(Registration {
            name: AgentName::parse("name", &self.name)?,
            kind: Word::parse("type", &self.r#type)?,
            capabilities: self.capabilities.unwrap_or_default(),
            metadata: self.metadata.unwrap_or_default(),
        })
    }
}

/// A sign of life.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct HeartbeatAgent {
    /// What it is doing; without it, its status stays.
    #[schema(value_type = Option<scalar::Presence>)]
    status: Option<String>,
}

impl HeartbeatAgent {
    pub(crate) fn read(self) -> Result<Option<Presence>, InvalidField> {
        self.status
            .map(|status| match status.as_str() {
                "active" => Ok(Presence::Active),
                "idle" => Ok(Presence::Idle),
                "busy" => Ok(Presence::Busy),
                _ => Err(InvalidField::new(
                    "status",
                    "must be active, idle or busy; the node itself finds out who is offline",
                )),
            })
            .transpose()
    }
}

/// What a list of agents is asked for.
pub(crate) struct ListAgents {
    pub(crate) statuses: Vec<AgentStatus>,
    pub(crate) cursor: Option<AgentName>,
    pub(crate) limit: usize,
}

/// The list's name in its cursors.
const LIST: &str = "agents";

impl FromQuery for ListAgents {
    const PARAMETERS: &'static [&'static str] = &["status", "cursor", "limit"];

    fn read(query: &Pairs) -> Result<Self, Problem> {
        let cursor = query.one("cursor")?;
        Ok(Self {
            statuses: query.words("status")?,
            cursor: cursor
                .map(|cursor| cursor::read(LIST, cursor, |name| name.parse().ok()))
                .transpose()?,
            limit: query.limit()?,
        })
    }
}

impl ListAgents {
    pub(crate) fn next_cursor(next: AgentName) -> String {
        cursor::write(LIST, next)
    }
}

impl IntoParams for ListAgents {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let mut all = vec![many_parameter(
            "status",
            "Whether they are there.",
            schema_of::<scalar::AgentStatus>(),
        )];
        all.extend(page_parameters());
        all
    }
}
