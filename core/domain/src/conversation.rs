//! Conversations with the chief of staff: who said what, and what came of it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::change::Change;
use crate::clock::Timestamp;
use crate::event::EventKind;
use crate::field::{InvalidField, JsonObject};
use crate::id::{ConversationId, MessageId};
use crate::policy::Labels;

/// The longest message, in characters: about 10,000 words.
pub const MESSAGE_MAX: usize = 100_000;

/// A thread with a person.
#[derive(Debug, Clone, PartialEq)]
pub struct Conversation {
    /// Identifies it.
    pub id: ConversationId,
    /// Who began it; it is theirs.
    pub started_by: String,
    /// What the chief of staff keeps in mind from one message to the next: a question that it
    /// asked, the order that can be taken back.
    pub memory: JsonObject,
    /// Rises by one with every change.
    pub version: u64,
    /// When it began.
    pub created_at: Timestamp,
    /// When something was last said.
    pub updated_at: Timestamp,
}

/// Who said something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Author {
    /// The person, or whoever began the conversation.
    Person,
    /// The chief of staff.
    ChiefOfStaff,
}

impl Author {
    /// Returns its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::ChiefOfStaff => "chief_of_staff",
        }
    }
}

impl fmt::Display for Author {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Author {
    type Err = InvalidField;

    fn from_str(text: &str) -> Result<Self, InvalidField> {
        [Self::Person, Self::ChiefOfStaff]
            .into_iter()
            .find(|author| author.as_str() == text)
            .ok_or_else(|| InvalidField::new("author", "must be person or chief_of_staff"))
    }
}

/// One entry of a conversation.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// Identifies it.
    pub id: MessageId,
    /// The conversation it is part of.
    pub conversation_id: ConversationId,
    /// Who said it.
    pub author: Author,
    /// What was said.
    pub text: String,
    /// What was done with it.
    pub actions: Vec<Action>,
    /// Whose words it is made of: those of whoever said it, and of what it quotes.
    pub labels: Labels,
    /// When.
    pub created_at: Timestamp,
}

/// Something the chief of staff did. A stored format.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Action {
    /// The type of the event it caused, such as `task.created`.
    pub event: String,
    /// The thing it was done to.
    pub entity_id: Uuid,
    /// The task's number, where it is a task.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<i64>,
    /// The thing's title or name.
    pub name: String,
}

impl Conversation {
    /// Begins a conversation.
    pub fn start(id: ConversationId, started_by: &str, now: Timestamp) -> Change<Self> {
        let after = Self {
            id,
            started_by: started_by.to_owned(),
            memory: JsonObject::new(),
            version: 1,
            created_at: now,
            updated_at: now,
        };
        let event = EventKind::ConversationStarted {
            conversation_id: id,
        };
        Change { after, event }
    }

    /// Keeps something in mind; nothing is said.
    pub fn note(mut self, memory: JsonObject) -> Change<Self> {
        self.version += 1;
        self.memory = memory;
        let event = EventKind::ConversationNoted {
            conversation_id: self.id,
        };
        Change { after: self, event }
    }

    /// Says something in the conversation; returns the conversation and the message, which are
    /// saved together.
    pub fn say(mut self, message: Message) -> (Change<Self>, Message) {
        self.version += 1;
        self.updated_at = message.created_at;
        let event = EventKind::ConversationMessageAdded {
            conversation_id: self.id,
            message_id: message.id,
            author: message.author,
        };
        (Change { after: self, event }, message)
    }
}
