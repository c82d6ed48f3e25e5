//! Asking for tasks, and a page of them.

use hearth_app::tasks::{Order, TaskCursor, TaskFilter};
use hearth_domain::Timestamp;
use hearth_domain::field::{AgentName, Label, NAME_MAX, line};
use utoipa::openapi::path::{Parameter, ParameterIn};
use utoipa::openapi::{KnownFormat, ObjectBuilder, RefOr, Schema, SchemaFormat, Type};
use utoipa::{IntoParams, PartialSchema};

use super::scalar::{self, schema_of};
use super::time;
use crate::cursor;
use crate::problem::Problem;
use crate::query::{FromQuery, Pairs, many_parameter, one_parameter, page_parameters};

/// What a list of tasks is asked for.
pub(crate) struct ListTasks {
    pub(crate) filter: TaskFilter,
    pub(crate) order: Order,
    pub(crate) cursor: Option<TaskCursor>,
    pub(crate) limit: usize,
}

/// The orders, under the names they have in the query.
const ORDERS: [(&str, Order); 6] = [
    ("created_at", Order::Created),
    ("-created_at", Order::CreatedDescending),
    ("updated_at", Order::Updated),
    ("-updated_at", Order::UpdatedDescending),
    ("priority", Order::PriorityDescending),
    ("due_at", Order::Due),
];

impl FromQuery for ListTasks {
    const PARAMETERS: &'static [&'static str] = &[
        "status",
        "priority",
        "assigned_to",
        "project_id",
        "created_by",
        "label",
        "parent_id",
        "q",
        "updated_since",
        "order",
        "cursor",
        "limit",
    ];

    fn read(query: &Pairs) -> Result<Self, Problem> {
        let updated_since = query
            .one("updated_since")?
            .map(|text| Timestamp::parse("updated_since", text))
            .transpose()?;
        let filter = TaskFilter {
            statuses: query.words("status")?,
            priorities: query.words("priority")?,
            assigned_to: query.words::<AgentName>("assigned_to")?,
            project_ids: query.words("project_id")?,
            created_by: query.many("created_by", |name| line("created_by", name, NAME_MAX))?,
            labels: query.many("label", |label| Label::parse("label", label))?,
            parent_ids: query.words("parent_id")?,
            text: query
                .one("q")?
                .map(|text| line("q", text, NAME_MAX))
                .transpose()?,
            updated_since,
        };
        let order = match query.one("order")? {
            None => filter.natural_order(),
            Some(name) => find_order(name)?,
        };
        let cursor = query
            .one("cursor")?
            .map(|cursor| cursor::read(&list_name(order), cursor, position))
            .transpose()?;
        Ok(Self {
            filter,
            order,
            cursor,
            limit: query.limit()?,
        })
    }
}

impl ListTasks {
    /// Writes where the page after one of a list in `order` begins.
    pub(crate) fn next_cursor(order: Order, next: TaskCursor) -> String {
        cursor::write(
            &list_name(order),
            format_args!("{} {}", next.key, next.number),
        )
    }
}

fn find_order(name: &str) -> Result<Order, Problem> {
    let found = ORDERS.iter().find(|(known, _)| *known == name);
    found.map(|(_, order)| *order).ok_or_else(|| {
        let names = ORDERS.map(|(known, _)| known).join(", ");
        Problem::invalid("order", &format!("must be one of {names}"))
    })
}

/// A cursor holds in one order only, so that the order is part of the list's name.
fn list_name(order: Order) -> String {
    let found = ORDERS.iter().find(|(_, known)| *known == order);
    format!("tasks:{}", found.map_or("", |(name, _)| name))
}

fn position(text: &str) -> Option<TaskCursor> {
    let (key, number) = text.split_once(' ')?;
    Some(TaskCursor {
        key: key.parse().ok()?,
        number: number.parse().ok()?,
    })
}

impl IntoParams for ListTasks {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let text = || ObjectBuilder::new().schema_type(Type::String);
        let uuid = || text().format(Some(SchemaFormat::KnownFormat(KnownFormat::Uuid)));
        let order = text()
            .enum_values(Some(ORDERS.map(|(name, _)| name)))
            .into();
        let mut all = vec![
            many_parameter(
                "status",
                "Where they stand.",
                schema_of::<scalar::TaskStatus>(),
            ),
            many_parameter(
                "priority",
                "How urgent they are.",
                schema_of::<scalar::Priority>(),
            ),
            many_parameter(
                "assigned_to",
                "Whom they are with; owner is the person.",
                schema_of::<scalar::AgentName>(),
            ),
            many_parameter("project_id", "Which project they are part of.", uuid()),
            many_parameter(
                "created_by",
                "Who made them.",
                schema_of::<scalar::AgentName>(),
            ),
            many_parameter(
                "label",
                "What labels they carry.",
                schema_of::<scalar::Label>(),
            ),
            many_parameter("parent_id", "Which task they are part of.", uuid()),
            one_parameter(
                "q",
                "Words that the title or description must all have; the last may be the start of one.",
                schema_of::<scalar::Name>(),
            ),
            one_parameter(
                "updated_since",
                "Changed at or after this moment.",
                time::Time::schema(),
            ),
            one_parameter(
                "order",
                "The order: -created_at unless told, or updated_at with updated_since. priority is the \
                 most urgent first, as tasks are claimed.",
                RefOr::T(Schema::Object(order)),
            ),
        ];
        all.extend(page_parameters());
        all
    }
}
