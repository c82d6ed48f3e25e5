//! Keys, and who a caller is.

use hearth_app::keys::{Caller, Secret};
use hearth_domain::Role;
use hearth_domain::field::{AgentName, InvalidField, Name};
use hearth_domain::key::{self, Grant};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::field::{agent, parse};
use super::scalar;
use super::time::Time;

/// A key, without the key itself.
#[derive(Serialize, ToSchema)]
pub(crate) struct Key<'a> {
    /// Identifies it in lists and when it is revoked.
    id: Uuid,
    /// What its maker called it.
    #[schema(min_length = 1, max_length = 200)]
    name: &'a str,
    /// What it allows.
    #[schema(value_type = scalar::Role)]
    role: &'static str,
    /// The agent it is bound to; null unless its role is `agent`.
    #[schema(required = true)]
    agent: Option<&'a str>,
    /// When it was made.
    created_at: Time,
    /// When it was last used, to the minute.
    #[schema(required = true)]
    last_used_at: Option<Time>,
    /// When it stopped being valid.
    #[schema(required = true)]
    revoked_at: Option<Time>,
}

/// A page of keys.
#[derive(Serialize, ToSchema)]
pub(crate) struct KeyPage<'a> {
    /// The keys, in the list's order.
    pub(crate) items: Vec<Key<'a>>,
    /// Where the next page begins; null at the end.
    #[schema(required = true)]
    pub(crate) next_cursor: Option<String>,
}

impl<'a> From<&'a key::Key> for Key<'a> {
    fn from(key: &'a key::Key) -> Self {
        Self {
            id: key.id.0,
            name: key.name.as_str(),
            role: key.grant.role().as_str(),
            agent: key.grant.agent().map(AgentName::as_str),
            created_at: Time(key.created_at),
            last_used_at: key.last_used_at.map(Time),
            revoked_at: key.revoked_at.map(Time),
        }
    }
}

/// A key that was just made. This is the one time that it is shown.
#[derive(Serialize, ToSchema)]
pub(crate) struct CreatedKey<'a> {
    /// Identifies it in lists and when it is revoked.
    id: Uuid,
    /// What its maker called it.
    #[schema(min_length = 1, max_length = 200)]
    name: &'a str,
    /// What it allows.
    #[schema(value_type = scalar::Role)]
    role: &'static str,
    /// The agent it is bound to; null unless its role is `agent`.
    #[schema(required = true)]
    agent: Option<&'a str>,
    /// When it was made.
    created_at: Time,
    /// The key. Only its hash is kept.
    key: &'a str,
}

impl<'a> CreatedKey<'a> {
    pub(crate) fn new(key: &'a key::Key, secret: &'a Secret) -> Self {
        Self {
            id: key.id.0,
            name: key.name.as_str(),
            role: key.grant.role().as_str(),
            agent: key.grant.agent().map(AgentName::as_str),
            created_at: Time(key.created_at),
            key: secret.reveal(),
        }
    }
}

/// A key to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateKey {
    /// What it is called.
    #[schema(value_type = scalar::Name)]
    name: String,
    /// What it allows.
    #[schema(value_type = scalar::Role)]
    role: String,
    /// The agent it is bound to; needed with the role `agent`, and with no other.
    #[schema(value_type = Option<scalar::AgentName>)]
    agent: Option<String>,
}

impl CreateKey {
    pub(crate) fn read(self) -> Result<(Name, Grant), InvalidField> {
        let role: Role = parse("role", &self.role)?;
        let grant = Grant::new(role, agent("agent", self.agent.as_deref())?)?;
        Ok((Name::parse("name", &self.name)?, grant))
    }
}

/// Who the caller is, going by its key.
#[derive(Serialize, ToSchema)]
pub(crate) struct Me<'a> {
    /// The name under which it acts: `owner`, an agent's, or `viewer`.
    actor: &'a str,
    /// What its key allows.
    #[schema(value_type = scalar::Role)]
    role: &'static str,
    /// The agent its key is bound to; null unless its role is `agent`.
    #[schema(required = true)]
    agent: Option<&'a str>,
    /// Its key.
    key_id: Uuid,
    /// What its key is called.
    key_name: &'a str,
}

impl<'a> From<&'a Caller> for Me<'a> {
    fn from(caller: &'a Caller) -> Self {
        let actor = caller.actor.name();
        let role = caller.actor.role();
        Self {
            actor,
            role: role.as_str(),
            agent: (role == Role::Agent).then_some(actor),
            key_id: caller.key_id.0,
            key_name: caller.key_name.as_str(),
        }
    }
}
