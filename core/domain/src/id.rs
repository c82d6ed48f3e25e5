//! One newtype per kind of identifier, so that a task's cannot be passed for a project's.
//!
//! All are UUIDs of version 7 where Hearth makes them: they sort by time, which keeps the indexes
//! of the store appending at one end.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::field::InvalidField;

macro_rules! identifier {
    ($(#[$doc:meta] $name:ident),* $(,)?) => {$(
        #[$doc]
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = InvalidField;

            fn from_str(text: &str) -> Result<Self, InvalidField> {
                Uuid::try_parse(text).map(Self).map_err(|_| {
                    InvalidField::new("id", "is not a UUID; write it as 32 hexadecimal digits with hyphens")
                })
            }
        }
    )*};
}

identifier! {
    /// Identifies a project.
    ProjectId,
    /// Identifies a task.
    TaskId,
    /// Identifies an event, beside its sequence number.
    EventId,
    /// Identifies an agent, beside its name.
    AgentId,
    /// Identifies an artifact.
    ArtifactId,
    /// Identifies a conversation.
    ConversationId,
    /// Identifies a message of a conversation.
    MessageId,
    /// Identifies a notice.
    NoticeId,
    /// Identifies a key; not the key itself.
    KeyId,
    /// Identifies a run.
    RunId,
    /// Identifies an approval.
    ApprovalId,
    /// Identifies a standing permission.
    PermissionId,
    /// Identifies a granted folder.
    FolderId,
    /// Identifies a call of a model.
    CallId,
    /// Identifies a version of a tool that was made.
    ToolId,
    /// Identifies a memory, beside its number.
    MemoryId,
    /// Identifies a chat of Telegram's that was paired with the owner.
    TelegramChatId,
}
