//! Talking over Telegram: which chats may, what comes in from them, what goes out to them.
//!
//! What comes in and goes out is transport, kept until it is dealt with and then emptied; who may talk
//! is the owner's decision, and each change of it has its event.

use serde::{Deserialize, Serialize};

use crate::change::Change;
use crate::clock::Timestamp;
use crate::event::EventKind;
use crate::id::{ConversationId, TelegramChatId};

/// By what a chat may talk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PairedBy {
    /// By a code that was said in it: until it is removed.
    Code,
    /// By the settings: for as long as they say so.
    Settings,
}

/// A chat that was paired with the owner: what is said there is the owner's word.
#[derive(Debug, Clone, PartialEq)]
pub struct TelegramChat {
    /// Identifies it here.
    pub id: TelegramChatId,
    /// Its number at Telegram. Negative for groups.
    pub chat: i64,
    /// The person who paired it. In a private chat, that is the chat's number too.
    pub user: i64,
    /// What it is called: the person's name, or the group's.
    pub name: String,
    /// By what it may talk.
    pub paired_by: PairedBy,
    /// Since when Telegram hands it nothing: the person blocked the bot, or took it out of the group.
    pub closed_at: Option<Timestamp>,
    /// Where what is said there is kept; none until something was said.
    pub conversation_id: Option<ConversationId>,
    /// When it was paired.
    pub created_at: Timestamp,
}

/// What events about a paired chat say of it: not where it is, nor whose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TelegramChatFacts {
    /// The chat.
    pub telegram_chat_id: TelegramChatId,
    /// What it is called.
    pub name: String,
}

/// Who a chat is, as Telegram tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// The chat's number.
    pub chat: i64,
    /// The person's number.
    pub user: i64,
    /// Whether nobody else is in the chat.
    pub is_private: bool,
    /// What the chat is called.
    pub name: String,
}

impl TelegramChat {
    /// Pairs a chat.
    pub fn pair(id: TelegramChatId, peer: &Peer, by: PairedBy, now: Timestamp) -> Change<Self> {
        let after = Self {
            id,
            chat: peer.chat,
            user: peer.user,
            name: peer.name.clone(),
            paired_by: by,
            closed_at: None,
            conversation_id: None,
            created_at: now,
        };
        let event = EventKind::TelegramChatPaired(after.facts());
        Change { after, event }
    }

    /// Whether it is a person's own chat with the bot, and no group.
    pub fn is_private(&self) -> bool {
        self.chat == self.user
    }

    /// Returns the event that tells that it may not talk any more.
    pub fn removed(&self) -> EventKind {
        EventKind::TelegramChatRemoved(self.facts())
    }

    fn facts(&self) -> TelegramChatFacts {
        TelegramChatFacts {
            telegram_chat_id: self.id,
            name: self.name.clone(),
        }
    }
}

/// Something that came in from a paired chat. A stored format.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Arrival {
    /// Something written.
    Text {
        /// The message's number in its chat.
        message: i64,
        /// What.
        text: String,
    },
    /// A voice note.
    Voice {
        /// The message's number in its chat.
        message: i64,
        /// What Telegram calls the file.
        file: String,
        /// How long it is.
        seconds: u32,
        /// How large it is, where that is told.
        bytes: Option<u64>,
    },
    /// A press of a button.
    Press {
        /// What Telegram calls the press.
        query: String,
        /// The message with the button; none where it is too old.
        message: Option<i64>,
        /// What the message says.
        said: String,
        /// What the button stands for.
        data: String,
    },
    /// A message of a sort that is not read, such as a picture.
    Other {
        /// The message's number in its chat.
        message: i64,
    },
}

/// Something that goes out to a chat. A stored format.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Outgoing {
    /// A message.
    Text {
        /// What it says, as it is: no mark-up.
        text: String,
        /// Buttons below it, row by row.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        buttons: Vec<Vec<Button>>,
    },
    /// Another text in the place of a message, whose buttons go.
    Edit {
        /// Which message.
        message: i64,
        /// What it says from then on.
        text: String,
    },
    /// A text, spoken.
    Voice {
        /// The text.
        text: String,
    },
}

/// A button below a message. A stored format.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Button {
    /// What it says.
    pub label: String,
    /// What it stands for; at most 64 bytes.
    pub data: String,
}
