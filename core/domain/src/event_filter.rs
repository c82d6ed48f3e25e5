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
            Self::Agents => ["agent.", "specialist."]
                .map(|prefix| TypePattern::Prefix(prefix.into()))
                .into(),
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

#[cfg(test)]
mod tests {
    use serde_json::value::RawValue;

    use super::*;
    use crate::clock::Timestamp;
    use crate::event::EventKind;
    use crate::id::EventId;

    fn event(type_name: &str, entity: u128, agent_name: &str) -> Event {
        Event {
            seq: 1,
            id: EventId(Uuid::nil()),
            type_name: type_name.into(),
            entity_type: type_name.split('.').next().unwrap().into(),
            entity_id: Uuid::from_u128(entity),
            agent_name: agent_name.into(),
            payload: RawValue::from_string("{}".into()).unwrap(),
            timestamp: Timestamp::from_millis(0),
        }
    }

    fn carried(patterns: &[TypePattern]) -> Vec<&'static str> {
        let is_carried = |name: &&str| patterns.iter().any(|pattern| pattern.matches(name));
        EventKind::TYPES.into_iter().filter(is_carried).collect()
    }

    #[test]
    fn a_pattern_is_a_type_a_prefix_or_everything() {
        let matches = |pattern: &str| carried(&[pattern.parse().unwrap()]).len();
        assert_eq!(matches("*"), EventKind::TYPES.len());
        assert_eq!(matches("task.*"), 11);
        assert_eq!(matches("task.created"), 1);
        assert_eq!(matches("task.create"), 0);
    }

    #[test]
    fn a_pattern_of_another_form_is_refused() {
        for bad in [
            "",
            "task*",
            "ta*",
            "*.created",
            "task.**",
            "Task.created",
            "task created",
            "task.%",
        ] {
            assert!(bad.parse::<TypePattern>().is_err(), "{bad:?} was taken");
        }
        assert!("a".repeat(65).parse::<TypePattern>().is_err());
    }

    #[test]
    fn the_five_channels_carry_their_types() {
        let carried = |name: &str| carried(&name.parse::<Channel>().unwrap().patterns()).join(" ");
        assert_eq!(carried("events:all"), EventKind::TYPES.join(" "));
        assert_eq!(
            carried("events:tasks"),
            "task.created task.claimed task.updated task.progress task.completed task.acceptance_failed task.blocked \
             task.answered task.released task.cancelled task.reopened"
        );
        assert_eq!(
            carried("events:agents"),
            "agent.registered agent.online agent.offline agent.paused agent.resumed specialist.created \
             specialist.enabled specialist.disabled specialist.removed"
        );
        assert_eq!(
            carried("tasks:pending"),
            "task.created task.answered task.released task.reopened"
        );
        assert_eq!(carried("tasks:completed"), "task.completed");
        for channel in Channel::ALL {
            assert_eq!(channel.as_str().parse(), Ok(channel));
        }
        assert!("events:none".parse::<Channel>().is_err());
    }

    #[test]
    fn an_event_fits_if_every_condition_that_is_named_fits() {
        let filter = EventFilter {
            channel: Some(Channel::Tasks),
            types: vec!["task.created".parse().unwrap(), "agent.*".parse().unwrap()],
            entity_ids: vec![Uuid::from_u128(1), Uuid::from_u128(2)],
            entity_types: vec!["task".into()],
            agent_names: vec!["seed".into()],
        };

        assert!(filter.matches(&event("task.created", 2, "seed")));
        assert!(!filter.matches(&event("task.created", 3, "seed")));
        assert!(!filter.matches(&event("task.created", 2, "owner")));
        assert!(!filter.matches(&event("task.claimed", 2, "seed")));
        assert!(
            !filter.matches(&event("agent.online", 2, "seed")),
            "another channel"
        );
    }

    #[test]
    fn a_filter_that_names_nothing_wants_everything() {
        let filter = EventFilter::default();
        assert!(filter.is_any());
        assert!(filter.matches(&event("key.revoked", 9, "owner")));
        let narrow = EventFilter {
            channel: Some(Channel::All),
            ..filter
        };
        assert!(!narrow.is_any());
    }
}
