//! Talking over Telegram.

use hearth_app::telegram::{self, DeadLetter as DomainLetter};
use hearth_domain::telegram::{Outgoing, PairedBy, TelegramChat as DomainChat};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::status::Facility;
use super::time::Time;

/// How much of a dead letter is shown.
const LETTER_CHARS: usize = 500;

/// How talking over Telegram stands.
#[derive(Serialize, ToSchema)]
pub(crate) struct TelegramState<'a> {
    /// Whether it works; null where no bot token is set.
    #[schema(required = true)]
    facility: Option<Facility>,
    /// The bot's name, without the @; null where the node is no bot now.
    #[schema(required = true)]
    bot: Option<&'a str>,
    /// The chats that may talk, in the order in which they were paired.
    chats: Vec<TelegramChat<'a>>,
    /// Updates that came in and are to be dealt with.
    updates_waiting: u64,
    /// Messages that are to go out.
    messages_waiting: u64,
    /// Messages that were given up, after a day or because Telegram refused them.
    messages_dead: u64,
    /// The last of these, at most 20.
    dead_letters: Vec<DeadLetter>,
    /// Updates of kinds that nobody reads, so far.
    unread_kinds: u64,
}

/// A chat that may talk.
#[derive(Serialize, ToSchema)]
pub(crate) struct TelegramChat<'a> {
    /// Identifies it.
    id: Uuid,
    /// Its number at Telegram.
    chat: i64,
    /// The number of the person who paired it.
    user: i64,
    /// What it is called.
    name: &'a str,
    /// Where what is said there is kept; null until something was said.
    #[schema(required = true)]
    conversation_id: Option<Uuid>,
    /// By what it may talk: `code`, that was said in it, or `settings`, for as long as they say so.
    paired_by: &'static str,
    /// Since when Telegram hands it nothing (the person blocked the bot, or took it out of the group), until
    /// something is said there; null where it can be reached.
    #[schema(required = true)]
    closed_at: Option<Time>,
    /// When it was paired.
    created_at: Time,
}

/// A message that could not be delivered.
#[derive(Serialize, ToSchema)]
pub(crate) struct DeadLetter {
    /// The chat's number.
    chat: i64,
    /// Its text, or the beginning of it.
    text: String,
    /// Why not.
    error: String,
    /// When it was given up.
    at: Time,
}

/// A code that pairs a chat.
#[derive(Serialize, ToSchema)]
pub(crate) struct TelegramPairing {
    /// The code, for its owner alone.
    code: String,
    /// Until when it may be said.
    expires_at: Time,
    /// The bot to say it to, without the @.
    bot: String,
    /// A link that opens the chat with the bot and says it.
    link: String,
}

impl<'a> From<&'a telegram::TelegramState> for TelegramState<'a> {
    fn from(state: &'a telegram::TelegramState) -> Self {
        Self {
            // Only the owner asks.
            facility: state.facility.as_ref().map(Facility::in_full),
            bot: state.bot.as_ref().map(|bot| bot.name.as_str()),
            chats: state.chats.iter().map(TelegramChat::from).collect(),
            updates_waiting: state.updates_waiting,
            messages_waiting: state.messages_waiting,
            messages_dead: state.messages_dead,
            dead_letters: state.dead_letters.iter().map(DeadLetter::from).collect(),
            unread_kinds: state.unread_kinds,
        }
    }
}

impl<'a> From<&'a DomainChat> for TelegramChat<'a> {
    fn from(chat: &'a DomainChat) -> Self {
        Self {
            id: chat.id.0,
            chat: chat.chat,
            user: chat.user,
            name: &chat.name,
            conversation_id: chat.conversation_id.map(|id| id.0),
            paired_by: match chat.paired_by {
                PairedBy::Code => "code",
                PairedBy::Settings => "settings",
            },
            closed_at: chat.closed_at.map(Time),
            created_at: Time(chat.created_at),
        }
    }
}

impl From<&DomainLetter> for DeadLetter {
    fn from(letter: &DomainLetter) -> Self {
        let text = match &letter.content {
            Outgoing::Text { text, .. }
            | Outgoing::Edit { text, .. }
            | Outgoing::Voice { text } => text,
        };
        Self {
            chat: letter.chat,
            text: text.chars().take(LETTER_CHARS).collect(),
            error: letter.error.clone(),
            at: Time(letter.at),
        }
    }
}

impl From<telegram::Pairing> for TelegramPairing {
    fn from(pairing: telegram::Pairing) -> Self {
        let bot = pairing.bot.name;
        Self {
            link: format!("https://t.me/{bot}?start={}", pairing.code),
            code: pairing.code,
            expires_at: Time(pairing.expires_at),
            bot,
        }
    }
}
