//! Words that stand for a choice, as the OpenAPI document lists them.

use std::borrow::Cow;

use hearth_domain::event::EventKind;
use hearth_domain::event_filter::Channel as DomainChannel;
use hearth_domain::task::TaskStatus as DomainTaskStatus;
use hearth_domain::{agent, priority, project};
use utoipa::openapi::{ObjectBuilder, RefOr, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

/// Makes types that exist in the OpenAPI document only. Elsewhere a word is its own text.
macro_rules! words {
    ($($name:ident: $about:literal = $words:expr;)*) => {$(
        pub(crate) enum $name {}

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                ObjectBuilder::new()
                    .schema_type(Type::String)
                    .description(Some($about))
                    .enum_values(Some($words))
                    .into()
            }
        }

        impl ToSchema for $name {
            fn name() -> Cow<'static, str> {
                stringify!($name).into()
            }
        }
    )*};
}

words! {
    TaskStatus: "Where a task stands." = DomainTaskStatus::ALL.map(DomainTaskStatus::as_str);
    Priority: "How urgent a task is." = priority::Priority::ALL.map(priority::Priority::as_str);
    ProjectStatus: "Whether a project is being worked on."
        = project::ProjectStatus::ALL.map(project::ProjectStatus::as_str);
    AgentStatus: "Whether an agent is there." = agent::AgentStatus::ALL.map(agent::AgentStatus::as_str);
    Presence: "What an agent says of itself." = ["active", "idle", "busy"];
    Role: "What a key allows." = ["admin", "agent", "viewer"];
    EventType: "What happened." = EventKind::TYPES;
    EntityType: "What sort of thing an event is about." = ENTITY_TYPES;
    Channel: "A channel of events." = DomainChannel::ALL.map(DomainChannel::as_str);
    ReleaseCause: "Why work on a task stopped."
        = ["given_back", "lease_expired", "node_restarted", "node_stopped"];
}

/// The sorts of thing that events are about.
pub(crate) const ENTITY_TYPES: [&str; 5] = ["project", "task", "agent", "artifact", "key"];
