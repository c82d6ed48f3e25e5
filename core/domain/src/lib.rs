//! What things are in Hearth: identifiers, time, projects, tasks and their state machine, agents,
//! artifacts, keys, actors, events; conversations and notices; what a line of text says of a task;
//! plans, runs and their steps, and what of it the owner allows; tools that agents make.
//!
//! Nothing here does I/O, waits, or knows SQL or HTTP. Every change of a thing is a function that
//! takes the old value and returns a [`Change`]: the new value and the event that tells of it.
//!
//! Reading order: [`field`], [`task`], [`event`], then the rest.

pub mod action;
pub mod actor;
pub mod agent;
pub mod approval;
pub mod artifact;
pub mod change;
pub mod clock;
pub mod conversation;
pub mod day_times;
pub mod delegation;
pub mod event;
pub mod event_filter;
pub mod field;
pub mod folder;
pub mod id;
pub mod key;
pub mod memory;
pub mod money;
pub mod notice;
pub mod permission;
pub mod plan;
pub mod policy;
pub mod priority;
pub mod project;
pub mod quick_add;
pub mod recurrence;
pub mod run;
pub mod specialist;
pub mod task;
pub mod telegram;
pub mod tool;
pub mod web_page;
pub mod when;

pub use actor::{Actor, Role};
pub use change::Change;
pub use clock::{Clock, IdSource, Timestamp};
pub use field::{InvalidField, JsonObject};
pub use id::{
    AgentId, ApprovalId, ArtifactId, CallId, ConversationId, EventId, FolderId, KeyId, MemoryId,
    MessageId, NoticeId, PermissionId, ProjectId, RunId, TaskId, TelegramChatId, ToolId,
};
pub use priority::Priority;
