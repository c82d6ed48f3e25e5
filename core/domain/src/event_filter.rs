//! Which events a subscriber wants.

use std::str::FromStr;

use uuid::Uuid;

use crate::event::Event;
use crate::field::InvalidField;

/// A pattern over event types: `task.created`, `task.*` or `*`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TypePattern {
    /// Every type.
    Any,
    /// Every type that begins so, such as `task.`.
    Prefix(String),
    /// One type.
    Exact(String),
}

impl FromStr for TypePattern {
    type Err = InvalidField;

    fn from_str(text: &str) -> Result<Self, InvalidField> {
        let is_plain = |part: &str| {
            part.len() <= 64
                && part
                    .chars()
                    .all(|c| c.is_ascii_lowercase() || matches!(c, '.' | '_'))
        };
        match text.strip_suffix('*') {
            Some("") => Ok(Self::Any),
            Some(prefix) if prefix.ends_with('.') && is_plain(prefix) => {
                Ok(Self::Prefix(prefix.into()))
            }
            None if !text.is_empty() && is_plain(text) => Ok(Self::Exact(text.into())),
            _ => Err(InvalidField::new(
                "type",
                "must be an event type such as task.created, or task.*",
            )),
        }
    }
}

impl TypePattern {
    /// Whether a type fits.
    pub fn matches(&self, type_name: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Prefix(prefix) => type_name.starts_with(prefix.as_str()),
            Self::Exact(exact) => type_name == exact,
        }
    }
}

/// One of the specification's five channels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Channel {
    /// `events:all`
    All,
    /// `events:tasks`
    Tasks,
    /// `events:agents`
    Agents,
    /// `tasks:pending`: a task became pending, by being made or by coming back.
    Pending,
    /// `tasks:completed`
    Completed,
}

/// The types after which a task may be pending. A task that used its last attempt is told of by
/// `task.blocked`, so a release always leaves it pending.
const PENDING_TYPES: [&str; 4] = [
    "task.created",
    "task.answered",
    "task.released",
    "task.reopened",
];

impl Channel {
    /// Every channel.
    pub const ALL: [Self; 5] = [
        Self::All,
        Self::Tasks,
        Self::Agents,
        Self::Pending,
        Self::Completed,
    ];

    /// Returns its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::All => "events:all",
            Self::Tasks => "events:tasks",
            Self::Agents => "events:agents",
            Self::Pending => "tasks:pending",
            Self::Completed => "tasks:completed",
        }
    }

    /// Returns the type patterns it carries.
    pub fn patterns(self) -> Vec<TypePattern> {
        match self {
            Self::All => vec![TypePattern::Any],
            Self::Tasks => vec![TypePattern::Prefix("task.".into())],
            Self::Agents => vec![TypePattern::Prefix("agent.".into())],
            Self::Pending => PENDING_TYPES
                .iter()
                .map(|name| TypePattern::Exact((*name).into()))
                .collect(),
            Self::Completed => vec![TypePattern::Exact("task.completed".into())],
        }
    }
}

impl FromStr for Channel {
    type Err = InvalidField;

    fn from_str(text: &str) -> Result<Self, InvalidField> {
        Self::ALL.into_iter().find(|channel| channel.as_str() == text).ok_or_else(|| {
            InvalidField::new(
                "channel",
                "must be events:all, events:tasks, events:agents, tasks:pending or tasks:completed",
            )
        })
    }
}

/// Which events a subscriber wants. An empty list means any.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct EventFilter {
    /// The channel, if one was named.
    pub channel: Option<Channel>,
    /// Any of these types.
    pub types: Vec<TypePattern>,
    /// About one of these things.
    pub entity_ids: Vec<Uuid>,
    /// About one of these sorts of thing, such as `task`.
    pub entity_types: Vec<String>,
    /// Caused by one of these.
    pub agent_names: Vec<String>,
}

impl EventFilter {
    /// Whether `event` is wanted.
    pub fn matches(&self, event: &Event) -> bool {
        fn any<T: PartialEq<U>, U: ?Sized>(list: &[T], value: &U) -> bool {
            list.is_empty() || list.iter().any(|wanted| wanted == value)
        }
        self.channel.is_none_or(|channel| {
            channel
                .patterns()
                .iter()
                .any(|pattern| pattern.matches(&event.type_name))
        }) && (self.types.is_empty()
            || self
                .types
                .iter()
                .any(|pattern| pattern.matches(&event.type_name)))
            && any(&self.entity_ids, &event.entity_id)
            && any(&self.entity_types, event.entity_type.as_str())
            && any(&self.agent_names, event.agent_name.as_str())
    }

    /// Whether every event is wanted.
    pub fn is_any(&self) -> bool {
        *self == Self::default()
    }
}
