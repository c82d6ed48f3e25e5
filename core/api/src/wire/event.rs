//! Events, and asking for them.

use hearth_app::events::Direction;
use hearth_domain::event::{self, Seq};
use hearth_domain::event_filter::EventFilter;
use hearth_domain::field::{NAME_MAX, line};
use hearth_domain::{EventId, InvalidField};
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::openapi::path::{Parameter, ParameterIn};
use utoipa::openapi::{KnownFormat, ObjectBuilder, SchemaFormat, Type};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::scalar::{self, ENTITY_TYPES, schema_of};
use super::time::Time;
use crate::cursor;
use crate::problem::Problem;
use crate::query::{FromQuery, Pairs, many_parameter, one_parameter, page_parameters};

/// What happened.
#[derive(Serialize, ToSchema)]
pub(crate) struct Event<'a> {
    /// Its position; each event's is greater than the one's before.
    #[schema(value_type = i64, minimum = 1)]
    seq: Seq,
    /// Identifies it.
    id: Uuid,
    /// What happened.
    #[schema(value_type = scalar::EventType)]
    r#type: &'a str,
    /// What sort of thing it happened to.
    #[schema(value_type = scalar::EntityType)]
    entity_type: &'a str,
    /// Which one.
    entity_id: Uuid,
    /// Who caused it: `owner`, `system`, or an agent.
    agent_name: &'a str,
    /// What is to be said of it: see `EventPayloads`, under the event's type.
    #[schema(value_type = Object)]
    payload: &'a RawValue,
    /// When it happened.
    timestamp: Time,
}

/// A page of events.
#[derive(Serialize, ToSchema)]
pub(crate) struct EventPage<'a> {
    /// The events, in the list's order.
    pub(crate) items: Vec<Event<'a>>,
    /// Where the next page begins; null at the end.
    #[schema(required = true)]
    pub(crate) next_cursor: Option<String>,
}

impl<'a> From<&'a event::Event> for Event<'a> {
    fn from(event: &'a event::Event) -> Self {
        let EventId(id) = event.id;
        Self {
            seq: event.seq,
            id,
            r#type: &event.type_name,
            entity_type: &event.entity_type,
            entity_id: event.entity_id,
            agent_name: &event.agent_name,
            payload: &event.payload,
            timestamp: Time(event.timestamp),
        }
    }
}

/// What a list of events is asked for.
pub(crate) struct ListEvents {
    pub(crate) filter: EventFilter,
    pub(crate) direction: Direction,
    pub(crate) cursor: Option<Seq>,
    pub(crate) limit: usize,
}

/// What a stream of events is asked for.
pub(crate) struct StreamEvents {
    pub(crate) filter: EventFilter,
    pub(crate) after: Option<Seq>,
}

impl FromQuery for ListEvents {
    const PARAMETERS: &'static [&'static str] = &[
        "type",
        "entity_id",
        "entity_type",
        "agent_name",
        "channel",
        "after",
        "order",
        "cursor",
        "limit",
    ];

    fn read(query: &Pairs) -> Result<Self, Problem> {
        let direction = match query.one("order")? {
            None | Some("asc") => Direction::Ascending,
            Some("desc") => Direction::Descending,
            Some(_) => return Err(Problem::invalid("order", "must be asc or desc")),
        };
        let after = after(query)?;
        if after.is_some() && direction == Direction::Descending {
            let problem = "goes with order=asc; to go on with order=desc, use cursor";
            return Err(Problem::invalid("after", problem));
        }
        let cursor = query
            .one("cursor")?
            .map(|cursor| {
                let place = |seq: &str| seq.parse().ok().filter(|seq| *seq >= 0);
                cursor::read(list_name(direction), cursor, place)
            })
            .transpose()?;
        Ok(Self {
            filter: filter(query)?,
            direction,
            // A cursor was handed out for the same question, so that it is never before `after`.
            cursor: cursor.or(after),
            limit: query.limit()?,
        })
    }
}

impl FromQuery for StreamEvents {
    const PARAMETERS: &'static [&'static str] = &[
        "type",
        "entity_id",
        "entity_type",
        "agent_name",
        "channel",
        "after",
    ];

    fn read(query: &Pairs) -> Result<Self, Problem> {
        Ok(Self {
            filter: filter(query)?,
            after: after(query)?,
        })
    }
}

impl ListEvents {
    pub(crate) fn next_cursor(direction: Direction, next: Seq) -> String {
        cursor::write(list_name(direction), next)
    }
}

fn list_name(direction: Direction) -> &'static str {
    match direction {
        Direction::Ascending => "events:asc",
        Direction::Descending => "events:desc",
    }
}

fn after(query: &Pairs) -> Result<Option<Seq>, Problem> {
    let Some(text) = query.one("after")? else {
        return Ok(None);
    };
    let seq = text.parse().ok().filter(|seq| *seq >= 0);
    seq.map(Some).ok_or_else(|| {
        Problem::invalid("after", "must be the seq of an event, or 0 for all of them")
    })
}

fn filter(query: &Pairs) -> Result<EventFilter, Problem> {
    let channel = query.one("channel")?;
    let uuid = |text: &str| {
        let id: EventId = text.parse()?;
        Ok(id.0)
    };
    Ok(EventFilter {
        channel: channel.map(str::parse).transpose()?,
        types: query.words("type")?,
        entity_ids: query.many("entity_id", uuid)?,
        entity_types: query.many("entity_type", entity_type)?,
        agent_names: query.many("agent_name", |name| line("agent_name", name, NAME_MAX))?,
    })
}

fn entity_type(text: &str) -> Result<String, InvalidField> {
    if ENTITY_TYPES.contains(&text) {
        return Ok(text.to_owned());
    }
    Err(InvalidField::new(
        "entity_type",
        format!("must be one of {}", ENTITY_TYPES.join(", ")),
    ))
}

impl IntoParams for StreamEvents {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let text = || ObjectBuilder::new().schema_type(Type::String);
        let uuid = text().format(Some(SchemaFormat::KnownFormat(KnownFormat::Uuid)));
        let after = ObjectBuilder::new()
            .schema_type(Type::Integer)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64)))
            .minimum(Some(0));
        vec![
            many_parameter(
                "type",
                "What happened: a type such as task.created, or task.* for every such.",
                text().pattern(Some(r"^(\*|[a-z._]{1,63}\.\*|[a-z._]{1,64})$")),
            ),
            many_parameter("entity_id", "Which thing it happened to.", uuid),
            many_parameter(
                "entity_type",
                "What sort of thing it happened to.",
                schema_of::<scalar::EntityType>(),
            ),
            many_parameter(
                "agent_name",
                "Who caused it.",
                schema_of::<scalar::AgentName>(),
            ),
            one_parameter(
                "channel",
                "One of the channels.",
                schema_of::<scalar::Channel>(),
            ),
            one_parameter(
                "after",
                "Only events after this position; 0 for all that there are.",
                after,
            ),
        ]
    }
}

impl IntoParams for ListEvents {
    fn into_params(place: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let order = ObjectBuilder::new()
            .schema_type(Type::String)
            .enum_values(Some(["asc", "desc"]));
        let mut all = StreamEvents::into_params(place);
        all.push(one_parameter(
            "order",
            "asc, which it is unless told, begins with the oldest; desc with the newest, and takes no after.",
            order,
        ));
        all.extend(page_parameters());
        all
    }
}
