//! Keys: how a caller proves who it is. The key itself is never kept, only its hash.

use serde::{Deserialize, Serialize};

use crate::actor::{Actor, Role};
use crate::change::Change;
use crate::clock::Timestamp;
use crate::event::EventKind;
use crate::field::{AgentName, InvalidField, Name};
use crate::id::KeyId;

/// What a key stands for.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "role", content = "agent")]
pub enum Grant {
    /// Everything.
    Admin,
    /// The rights of one agent, under its name.
    Agent(AgentName),
    /// Reading.
    Viewer,
}

impl Grant {
    /// Puts a role and an agent name together.
    ///
    /// # Errors
    /// An agent key needs a name, of an agent; the others take none.
    pub fn new(role: Role, agent: Option<AgentName>) -> Result<Self, InvalidField> {
        match (role, agent) {
            (Role::Admin, None) => Ok(Self::Admin),
            (Role::Viewer, None) => Ok(Self::Viewer),
            (Role::Agent, Some(name)) if name.is_reserved() => Err(InvalidField::new(
                "agent",
                "must not be owner or system; these are not agents",
            )),
            (Role::Agent, Some(name)) => Ok(Self::Agent(name)),
            (Role::Agent, None) => Err(InvalidField::new(
                "agent",
                "is missing; a key with the role agent names its agent",
            )),
            (Role::Admin | Role::Viewer, Some(_)) => {
                Err(InvalidField::new("agent", "goes with the role agent only"))
            }
        }
    }

    /// Returns the role.
    pub fn role(&self) -> Role {
        match self {
            Self::Admin => Role::Admin,
            Self::Agent(_) => Role::Agent,
            Self::Viewer => Role::Viewer,
        }
    }

    /// Returns the agent it is bound to, if any.
    pub fn agent(&self) -> Option<&AgentName> {
        match self {
            Self::Agent(name) => Some(name),
            Self::Admin | Self::Viewer => None,
        }
    }

    /// Returns who its holder acts as.
    pub fn actor(&self) -> Actor {
        match self {
            Self::Admin => Actor::Owner,
            Self::Agent(name) => Actor::Agent(name.clone()),
            Self::Viewer => Actor::Viewer,
        }
    }
}

/// A key as it is kept: without the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Identifies it in lists and when it is revoked.
    pub id: KeyId,
    /// What its maker called it.
    pub name: Name,
    /// What it allows.
    pub grant: Grant,
    /// SHA-256 of the key. Keys are 256 random bits, so nothing slower is needed.
    pub hash: [u8; 32],
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last used, to the minute.
    pub last_used_at: Option<Timestamp>,
    /// When it stopped being valid.
    pub revoked_at: Option<Timestamp>,
}

impl Key {
    /// Makes a key record.
    pub fn create(
        id: KeyId,
        name: Name,
        grant: Grant,
        hash: [u8; 32],
        now: Timestamp,
    ) -> Change<Self> {
        let event = EventKind::KeyCreated {
            name: name.clone(),
            grant: grant.clone(),
        };
        let after = Self {
            id,
            name,
            grant,
            hash,
            created_at: now,
            last_used_at: None,
            revoked_at: None,
        };
        Change { after, event }
    }

    /// Ends its validity; revoking it again changes nothing.
    pub fn revoke(mut self, now: Timestamp) -> Option<Change<Self>> {
        if self.revoked_at.is_some() {
            return None;
        }
        self.revoked_at = Some(now);
        let event = EventKind::KeyRevoked {
            name: self.name.clone(),
        };
        Some(Change { after: self, event })
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    #[test]
    fn only_an_agent_key_names_an_agent_and_never_the_owner() {
        let name = |text: &str| Some(text.parse::<AgentName>().unwrap());
        assert_eq!(Grant::new(Role::Admin, None), Ok(Grant::Admin));
        assert_eq!(Grant::new(Role::Viewer, None), Ok(Grant::Viewer));
        assert_eq!(
            Grant::new(Role::Agent, name("seed")).unwrap().actor(),
            Actor::Agent("seed".parse().unwrap())
        );
        for (role, agent) in [
            (Role::Admin, name("seed")),
            (Role::Viewer, name("seed")),
            (Role::Agent, None),
            (Role::Agent, name("owner")),
            (Role::Agent, name("system")),
        ] {
            assert_eq!(Grant::new(role, agent).unwrap_err().field, "agent");
        }
    }

    #[test]
    fn a_grant_and_its_actor_have_the_same_role() {
        for grant in [
            Grant::Admin,
            Grant::Agent("seed".parse().unwrap()),
            Grant::Viewer,
        ] {
            assert_eq!(grant.actor().role(), grant.role());
            assert_eq!(grant.role().as_str().parse(), Ok(grant.role()));
        }
    }

    #[test]
    fn revoking_twice_changes_nothing() {
        let key = Key::create(
            KeyId(Uuid::nil()),
            "laptop".parse().unwrap(),
            Grant::Viewer,
            [1; 32],
            at(0),
        );
        assert_eq!(key.event.type_name(), "key.created");

        let revoked = key.after.revoke(at(5)).unwrap();

        assert_eq!(revoked.after.revoked_at, Some(at(5)));
        assert_eq!(revoked.after.revoke(at(6)), None);
    }
}
