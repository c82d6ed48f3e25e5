//! Agents: who works. The node learns of them when they register and keeps an eye on whether
//! they are there.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::change::Change;
use crate::clock::Timestamp;
use crate::event::{AgentFacts, EventKind};
use crate::field::{AgentName, InvalidField, JsonObject, Word};
use crate::id::AgentId;

/// Whether an agent is there, and what it is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AgentStatus {
    /// There.
    Active,
    /// There, with nothing to do.
    Idle,
    /// There, and working.
    Busy,
    /// Not heard from for longer than the node waits.
    Offline,
}

impl AgentStatus {
    /// Every status.
    pub const ALL: [Self; 4] = [Self::Active, Self::Idle, Self::Busy, Self::Offline];

    /// Returns its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Idle => "idle",
            Self::Busy => "busy",
            Self::Offline => "offline",
        }
    }
}

impl fmt::Display for AgentStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for AgentStatus {
    type Err = InvalidField;

    fn from_str(text: &str) -> Result<Self, InvalidField> {
        Self::ALL
            .into_iter()
            .find(|status| status.as_str() == text)
            .ok_or_else(|| InvalidField::new("status", "must be active, idle, busy or offline"))
    }
}

/// An agent as the node knows it.
#[derive(Debug, Clone, PartialEq)]
pub struct Agent {
    /// Identifies it, beside its name.
    pub id: AgentId,
    /// Its unique name.
    pub name: AgentName,
    /// What sort it is, such as `orchestrator`.
    pub kind: Word,
    /// Whether it is there.
    pub status: AgentStatus,
    /// What it says it can do.
    pub capabilities: Vec<String>,
    /// Whatever it keeps with itself.
    pub metadata: JsonObject,
    /// When it first registered.
    pub created_at: Timestamp,
    /// When it was last heard from.
    pub last_seen_at: Timestamp,
    /// Since when it takes no tasks; none where it takes them.
    pub paused_at: Option<Timestamp>,
}

/// What an agent says of itself when it registers.
#[derive(Debug, Clone, PartialEq)]
pub struct Registration {
    /// See [`Agent::name`].
    pub name: AgentName,
    /// See [`Agent::kind`].
    pub kind: Word,
    /// See [`Agent::capabilities`].
    pub capabilities: Vec<String>,
    /// See [`Agent::metadata`].
    pub metadata: JsonObject,
}

impl Agent {
    /// Makes an agent known.
    ///
    /// # Errors
    /// `owner` and `system` are not agents.
    pub fn register(
        id: AgentId,
        new: Registration,
        now: Timestamp,
    ) -> Result<Change<Self>, InvalidField> {
        if new.name.is_reserved() {
            return Err(InvalidField::new(
                "name",
                "must not be owner or system; these are not agents",
            ));
        }
        let after = Self {
            id,
            name: new.name,
            kind: new.kind,
            status: AgentStatus::Active,
            capabilities: new.capabilities,
            metadata: new.metadata,
            created_at: now,
            last_seen_at: now,
            paused_at: None,
        };
        let event = EventKind::AgentRegistered(after.facts());
        Ok(Change { after, event })
    }

    /// Takes what a known agent says of itself when it registers again.
    pub fn register_again(mut self, new: Registration, now: Timestamp) -> Change<Self> {
        self.kind = new.kind;
        self.capabilities = new.capabilities;
        self.metadata = new.metadata;
        self.status = AgentStatus::Active;
        self.last_seen_at = now;
        let event = EventKind::AgentRegistered(self.facts());
        Change { after: self, event }
    }

    /// Notes a sign of life. An event tells of it only when it changes whether the agent is there:
    /// one every few seconds from each agent would drown the rest.
    pub fn heartbeat(
        mut self,
        status: Option<Presence>,
        now: Timestamp,
    ) -> (Self, Option<EventKind>) {
        let was_offline = self.status == AgentStatus::Offline;
        self.last_seen_at = self.last_seen_at.max(now);
        match status {
            Some(presence) => self.status = presence.into(),
            None if was_offline => self.status = AgentStatus::Active,
            None => (),
        }
        let event = was_offline.then(|| EventKind::AgentOnline(self.facts()));
        (self, event)
    }

    /// Notes that it has not been heard from for too long; `None` if that is already known.
    pub fn fall_silent(mut self) -> Option<Change<Self>> {
        if self.status == AgentStatus::Offline {
            return None;
        }
        self.status = AgentStatus::Offline;
        let event = EventKind::AgentOffline(self.facts());
        Some(Change { after: self, event })
    }

    /// Has it take no tasks for now; `None` if it takes none already.
    pub fn pause(mut self, now: Timestamp) -> Option<Change<Self>> {
        if self.paused_at.is_some() {
            return None;
        }
        self.paused_at = Some(now);
        let event = EventKind::AgentPaused(self.facts());
        Some(Change { after: self, event })
    }

    /// Lets it take tasks again; `None` if it may.
    pub fn resume(mut self) -> Option<Change<Self>> {
        self.paused_at.take()?;
        let event = EventKind::AgentResumed(self.facts());
        Some(Change { after: self, event })
    }

    fn facts(&self) -> AgentFacts {
        AgentFacts {
            agent_id: self.id,
            name: self.name.clone(),
            kind: self.kind.clone(),
            status: self.status,
            last_seen_at: self.last_seen_at,
        }
    }
}

/// What an agent may say of itself in a heartbeat; only the node says `offline`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Presence {
    /// There.
    Active,
    /// There, with nothing to do.
    Idle,
    /// There, and working.
    Busy,
}

impl From<Presence> for AgentStatus {
    fn from(presence: Presence) -> Self {
        match presence {
            Presence::Active => Self::Active,
            Presence::Idle => Self::Idle,
            Presence::Busy => Self::Busy,
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    fn registration(name: &str) -> Registration {
        Registration {
            name: name.parse().unwrap(),
            kind: "worker".parse().unwrap(),
            capabilities: vec!["python".into()],
            metadata: JsonObject::new(),
        }
    }

    fn agent() -> Agent {
        let id = AgentId(Uuid::from_u128(1));
        Agent::register(id, registration("seed"), at(0))
            .unwrap()
            .after
    }

    #[test]
    fn the_names_of_the_person_and_the_node_are_no_agents() {
        for name in ["owner", "system"] {
            let refused = Agent::register(AgentId(Uuid::nil()), registration(name), at(0));
            assert_eq!(refused.unwrap_err().field, "name");
        }
    }

    #[test]
    fn a_heartbeat_tells_of_itself_only_after_a_silence() {
        let (agent, event) = agent().heartbeat(Some(Presence::Busy), at(5));
        assert_eq!(
            (agent.status, agent.last_seen_at),
            (AgentStatus::Busy, at(5))
        );
        assert_eq!(event, None);

        let silent = agent.fall_silent().unwrap();
        assert_eq!(silent.event.type_name(), "agent.offline");
        assert_eq!(silent.after.clone().fall_silent(), None);

        let (agent, event) = silent.after.heartbeat(None, at(90));
        assert_eq!(agent.status, AgentStatus::Active);
        assert_eq!(event.unwrap().type_name(), "agent.online");
    }

    #[test]
    fn a_heartbeat_that_says_nothing_leaves_the_status() {
        let (agent, _) = agent().heartbeat(Some(Presence::Idle), at(5));
        let (agent, _) = agent.heartbeat(None, at(3));
        assert_eq!(
            (agent.status, agent.last_seen_at),
            (AgentStatus::Idle, at(5))
        );
    }

    #[test]
    fn registering_again_keeps_the_identifier_and_takes_the_rest() {
        let known = agent();
        let new = Registration {
            kind: "orchestrator".parse().unwrap(),
            ..registration("seed")
        };

        let change = known.clone().register_again(new, at(9));

        assert_eq!(
            (change.after.id, change.after.created_at),
            (known.id, known.created_at)
        );
        assert_eq!(change.after.kind.as_str(), "orchestrator");
        assert_eq!(change.after.last_seen_at, at(9));
    }

    #[test]
    fn an_agent_is_paused_and_resumed_once_each() {
        assert_eq!(agent().resume(), None);
        let paused = agent().pause(at(5)).unwrap();
        assert_eq!(paused.event.type_name(), "agent.paused");
        assert_eq!(paused.after.paused_at, Some(at(5)));
        assert_eq!(paused.after.clone().pause(at(6)), None);
        let (again, _) = paused.after.clone().heartbeat(Some(Presence::Idle), at(6));
        assert_eq!(
            again.paused_at,
            Some(at(5)),
            "a sign of life changes nothing"
        );

        let resumed = paused.after.resume().unwrap();
        assert_eq!(resumed.event.type_name(), "agent.resumed");
        assert_eq!(resumed.after.paused_at, None);
    }

    #[test]
    fn words_of_statuses_read_back() {
        for status in AgentStatus::ALL {
            assert_eq!(status.as_str().parse(), Ok(status));
        }
        assert!("asleep".parse::<AgentStatus>().is_err());
    }
}
