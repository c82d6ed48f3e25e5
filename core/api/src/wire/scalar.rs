//! Words, names and numbers, as the OpenAPI document describes them. These types exist in that
//! document only: a body has them as plain text, which the domain reads.

use std::borrow::Cow;

use hearth_app::voice;
use hearth_domain::conversation::MESSAGE_MAX;
use hearth_domain::event::EventKind;
use hearth_domain::event_filter::Channel as DomainChannel;
use hearth_domain::field::{
    AGENT_NAME_MAX, DESCRIPTION_MAX, LABEL_MAX, NAME_MAX, REASON_MAX, TITLE_MAX,
};
use hearth_domain::task::{self, ESTIMATE_MAX_MINUTES, LEASE_MAX, LEASE_MIN, MAX_ATTEMPTS_LIMIT};
use hearth_domain::{agent, approval, memory, money, notice, priority, project, run, tool};
use utoipa::openapi::{KnownFormat, ObjectBuilder, RefOr, Schema, SchemaFormat, Type};
use utoipa::{PartialSchema, ToSchema};

use super::field::EXACT_MAX;

/// The sorts of thing that events are about.
pub(crate) const ENTITY_TYPES: [&str; 15] = [
    "project",
    "task",
    "agent",
    "artifact",
    "conversation",
    "notice",
    "key",
    "run",
    "approval",
    "permission",
    "folder",
    "telegram_chat",
    "budget",
    "tool",
    "memory",
];

/// One line with something on it.
const LINE: &str = r"^[^\x00-\x1f\x7f-\x9f]*\S[^\x00-\x1f\x7f-\x9f]*$";

macro_rules! scalars {
    ($($name:ident: $about:literal = $schema:expr;)*) => {$(
        pub(crate) enum $name {}

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                let schema: ObjectBuilder = $schema;
                schema.description(Some($about)).into()
            }
        }

        impl ToSchema for $name {
            fn name() -> Cow<'static, str> {
                stringify!($name).into()
            }
        }
    )*};
}

scalars! {
    PushToTalkAction: "What the key does." = words(voice::PttAct::ALL.map(voice::PttAct::as_str));
    PushToTalkState: "What is done with the microphone."
        = words(voice::PttStage::ALL.map(voice::PttStage::as_str));
    TaskStatus: "Where a task stands." = words(task::TaskStatus::ALL.map(task::TaskStatus::as_str));
    Priority: "How urgent a task is." = words(priority::Priority::ALL.map(priority::Priority::as_str));
    ProjectStatus: "Whether a project is being worked on."
        = words(project::ProjectStatus::ALL.map(project::ProjectStatus::as_str));
    AgentStatus: "Whether an agent is there."
        = words(agent::AgentStatus::ALL.map(agent::AgentStatus::as_str));
    Presence: "What an agent says of itself." = words(["active", "idle", "busy"]);
    Role: "What a key allows." = words(["admin", "agent", "viewer"]);
    EventType: "What happened." = words(EventKind::TYPES);
    EntityType: "What sort of thing an event is about." = words(ENTITY_TYPES);
    Channel: "A channel of events." = words(DomainChannel::ALL.map(DomainChannel::as_str));
    ReleaseCause: "Why work on a task stopped."
        = words(["given_back", "lease_expired", "node_restarted", "node_stopped", "no_model", "waits_for_children", "agent_paused"]);
    RunStatus: "Where a run stands." = words(run::RunStatus::ALL.map(run::RunStatus::as_str));
    StepStatus: "Where an attempt at a step stands."
        = words(["waiting", "intended", "acted", "done", "failed", "interrupted"]);
    Verdict: "What is done with a call." = words(["allow", "deny", "ask", "change"]);
    Repeat: "What may be done with a call that was cut off." = words(["safe", "restored", "unsafe"]);
    WaitingKind: "What an attempt waits for." = words(["approval", "answer", "doubt", "budget", "child"]);
    ApprovalStatus: "Where an approval stands."
        = words(approval::ApprovalStatus::ALL.map(approval::ApprovalStatus::as_str));
    ApprovalDecision: "Yes or no." = words(["approve", "deny"]);
    Access: "What agents may do in a folder." = words(["read", "write"]);
    ToolStatus: "Where a version of a tool stands." = words(tool::ToolStatus::ALL.map(tool::ToolStatus::as_str));
    ExampleOutcome: "How an example of a tool went." = words(["passed", "failed", "not_tried"]);
    ToolName: "What a tool is called." = text(&format!("^[a-z][a-z0-9_]{{1,{}}}$", tool::TOOL_NAME_MAX - 1));
    StepKey: "A step's name or its number." = ObjectBuilder::new()
        .schema_type(utoipa::openapi::schema::SchemaType::Array(vec![Type::String, Type::Integer]))
        .minimum(Some(0));

    Title: "What is to be done, in a line." = text(LINE).max_length(Some(TITLE_MAX));
    Name: "A name that people give: one line." = text(LINE).max_length(Some(NAME_MAX));
    AgentName: "An agent's name; owner is the person."
        = text(&format!("^[A-Za-z0-9][A-Za-z0-9._-]{{0,{}}}$", AGENT_NAME_MAX - 1));
    Label: "A word to find a task by." = text(&format!(r"^[^\s,#\x00-\x1f\x7f-\x9f]{{1,{LABEL_MAX}}}$"));
    Word: "A word for the sort of a thing, such as report." = text(&format!("^[A-Za-z0-9._-]{{1,{LABEL_MAX}}}$"));
    Capability: "Something an agent can do: one line." = text(LINE).max_length(Some(LABEL_MAX));
    Choice: "An answer to choose from: one line." = text(LINE).max_length(Some(LABEL_MAX * 4));
    Description: "What something is about, at length; may be empty."
        = text(r"^[^\x00]*$").max_length(Some(DESCRIPTION_MAX));
    ReasonText: "A reason; may be empty." = text(r"^[^\x00]*$").max_length(Some(REASON_MAX));
    Question: "A question or an answer, not blank." = text(r"^[^\x00]*\S[^\x00]*$").max_length(Some(REASON_MAX));
    Utterance: "What somebody says, not blank." = text(r"^[^\x00]*\S[^\x00]*$").max_length(Some(MESSAGE_MAX));
    MemoryText: "What is to be known, not blank." = text(r"^[^\x00]*\S[^\x00]*$").max_length(Some(memory::TEXT_MAX));
    MemoryAbout: "What a memory is about: one line; may be empty."
        = text(r"^[^\x00-\x1f\x7f-\x9f]*$").max_length(Some(memory::ABOUT_MAX));
    Message: "What an agent is doing: one line." = text(LINE).max_length(Some(REASON_MAX));
    MediaType: "A media type, such as text/markdown."
        = text(r"^[A-Za-z0-9!#$&^_.+-]+/[A-Za-z0-9!#$&^_.+-]+(;[\x20-\x7e]*)?$").max_length(Some(200));
    Fence: "The fence of a claim." = number(0, EXACT_MAX);
    Bytes: "A number of bytes." = number(0, EXACT_MAX);
    Tokens: "A number of tokens." = number(0, EXACT_MAX);
    LeaseSeconds: "How long a claim lasts without a heartbeat." = number(LEASE_MIN.as_secs(), LEASE_MAX.as_secs());
    MaxAttempts: "How many attempts may fail before a task blocks." = number(1, MAX_ATTEMPTS_LIMIT.into());
    Minutes: "A number of minutes." = number(1, ESTIMATE_MAX_MINUTES.into());
    Rhythm: "When something comes again, such as `every monday 09:00`." = text(LINE).max_length(Some(NAME_MAX));
    NoticeKind: "What sort of thing there is to tell." = words(notice::NoticeKind::ALL.map(notice::NoticeKind::as_str));
    Author: "Who said something." = words(["person", "chief_of_staff"]);
    ScopeKind: "What sort of thing a budget is for." = words(money::ScopeKind::ALL.map(money::ScopeKind::as_str));
    Resource: "What is limited." = words(money::Resource::ALL.map(money::Resource::as_str));
    BudgetTokens: "How many tokens at most." = number(0, 1_000_000_000_000);
    BudgetCount: "How many at most." = number(0, 1_000_000_000);
    Percent: "How far something is." = number(0, 100);
    TaskKey: "A task's UUID or its number." = ObjectBuilder::new()
        .schema_type(utoipa::openapi::schema::SchemaType::Array(vec![Type::String, Type::Integer]))
        .pattern(Some(task_key()))
        .minimum(Some(0));
}

/// The form of a task's UUID or number, as text.
pub(crate) fn task_key() -> String {
    let uuid = "[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}";
    format!("^([0-9]{{1,18}}|{uuid})$")
}

/// Returns a scalar's schema as it stands, for a parameter.
pub(crate) fn schema_of<T: PartialSchema>() -> Schema {
    match T::schema() {
        RefOr::T(schema) => schema,
        RefOr::Ref(_) => Schema::default(),
    }
}

fn words<const N: usize>(words: [&str; N]) -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .enum_values(Some(words))
}

fn text(pattern: &str) -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .pattern(Some(pattern))
}

fn number(least: u64, most: u64) -> ObjectBuilder {
    let exact = |value: u64| usize::try_from(value).unwrap_or(usize::MAX);
    ObjectBuilder::new()
        .schema_type(Type::Integer)
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64)))
        .minimum(Some(exact(least)))
        .maximum(Some(exact(most)))
}
