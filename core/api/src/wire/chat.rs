//! Conversations with the chief of staff.

use hearth_domain::conversation::{self, Action as DomainAction};
use hearth_domain::{ConversationId, InvalidField};
use serde::{Deserialize, Serialize};
use utoipa::openapi::path::{Parameter, ParameterIn};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::field::parse;
use super::scalar;
use super::time::Time;
use super::trust::Trust;
use crate::cursor;
use crate::problem::Problem;
use crate::query::{FromQuery, Pairs, page_parameters};

/// Something said to the chief of staff.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AnswerChat {
    /// What is said.
    #[schema(value_type = scalar::Utterance)]
    pub(crate) message: String,
    /// The conversation it belongs to; without one, it begins one.
    #[schema(format = "uuid")]
    conversation_id: Option<String>,
}

impl AnswerChat {
    pub(crate) fn conversation(&self) -> Result<Option<ConversationId>, InvalidField> {
        self.conversation_id
            .as_deref()
            .map(|id| parse("conversation_id", id))
            .transpose()
    }
}

/// What the chief of staff answers.
#[derive(Serialize, ToSchema)]
pub(crate) struct ChatAnswer<'a> {
    /// The answer.
    response: &'a str,
    /// The conversation, for the next message.
    conversation_id: Uuid,
    /// What was done.
    actions: Vec<Action<'a>>,
}

impl<'a> From<&'a conversation::Message> for ChatAnswer<'a> {
    fn from(message: &'a conversation::Message) -> Self {
        Self {
            response: &message.text,
            conversation_id: message.conversation_id.0,
            actions: message.actions.iter().map(Action::from).collect(),
        }
    }
}

/// Something the chief of staff did.
#[derive(Serialize, ToSchema)]
pub(crate) struct Action<'a> {
    /// The type of the event it caused, such as `task.created`.
    event: &'a str,
    /// The thing it was done to.
    entity_id: Uuid,
    /// The task's number, where it is a task.
    #[schema(required = true)]
    number: Option<i64>,
    /// The thing's title or name.
    name: &'a str,
}

impl<'a> From<&'a DomainAction> for Action<'a> {
    fn from(action: &'a DomainAction) -> Self {
        Self {
            event: &action.event,
            entity_id: action.entity_id,
            number: action.number,
            name: &action.name,
        }
    }
}

/// A thread with the chief of staff.
#[derive(Serialize, ToSchema)]
pub(crate) struct Conversation<'a> {
    /// Identifies it.
    id: Uuid,
    /// Who began it.
    started_by: &'a str,
    /// When it began.
    created_at: Time,
    /// When something was last said.
    updated_at: Time,
}

impl<'a> From<&'a conversation::Conversation> for Conversation<'a> {
    fn from(conversation: &'a conversation::Conversation) -> Self {
        Self {
            id: conversation.id.0,
            started_by: &conversation.started_by,
            created_at: Time(conversation.created_at),
            updated_at: Time(conversation.updated_at),
        }
    }
}

/// A page of conversations.
#[derive(Serialize, ToSchema)]
pub(crate) struct ConversationPage<'a> {
    /// The conversations, the last begun first.
    pub(crate) items: Vec<Conversation<'a>>,
    /// Where the next page begins; null at the end.
    #[schema(required = true)]
    pub(crate) next_cursor: Option<String>,
}

/// One entry of a conversation.
#[derive(Serialize, ToSchema)]
pub(crate) struct Message<'a> {
    /// Identifies it.
    id: Uuid,
    /// The conversation it is part of.
    conversation_id: Uuid,
    /// Who said it.
    #[schema(value_type = scalar::Author)]
    author: &'static str,
    /// What was said.
    text: &'a str,
    /// What was done with it.
    actions: Vec<Action<'a>>,
    /// Whose words it is made of.
    trust: Trust,
    /// When.
    created_at: Time,
}

impl<'a> From<&'a conversation::Message> for Message<'a> {
    fn from(message: &'a conversation::Message) -> Self {
        Self {
            id: message.id.0,
            conversation_id: message.conversation_id.0,
            author: message.author.as_str(),
            text: &message.text,
            actions: message.actions.iter().map(Action::from).collect(),
            trust: message.labels.into(),
            created_at: Time(message.created_at),
        }
    }
}

/// A page of messages.
#[derive(Serialize, ToSchema)]
pub(crate) struct MessagePage<'a> {
    /// The messages, in the order in which they were said.
    pub(crate) items: Vec<Message<'a>>,
    /// Where the next page begins; null at the end.
    #[schema(required = true)]
    pub(crate) next_cursor: Option<String>,
}

/// What a list of conversations is asked for.
pub(crate) struct ListConversations {
    pub(crate) cursor: Option<ConversationId>,
    pub(crate) limit: usize,
}

/// The lists' names in their cursors.
const CONVERSATIONS: &str = "conversations";
const MESSAGES: &str = "messages";

impl FromQuery for ListConversations {
    const PARAMETERS: &'static [&'static str] = &["cursor", "limit"];

    fn read(query: &Pairs) -> Result<Self, Problem> {
        Ok(Self {
            cursor: query
                .one("cursor")?
                .map(|cursor| cursor::read(CONVERSATIONS, cursor, |id| id.parse().ok()))
                .transpose()?,
            limit: query.limit()?,
        })
    }
}

impl ListConversations {
    pub(crate) fn next_cursor(next: ConversationId) -> String {
        cursor::write(CONVERSATIONS, next)
    }
}

impl IntoParams for ListConversations {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        page_parameters()
    }
}

/// What a list of messages is asked for.
pub(crate) struct ListMessages {
    pub(crate) cursor: Option<i64>,
    pub(crate) limit: usize,
}

impl FromQuery for ListMessages {
    const PARAMETERS: &'static [&'static str] = &["cursor", "limit"];

    fn read(query: &Pairs) -> Result<Self, Problem> {
        Ok(Self {
            cursor: query
                .one("cursor")?
                .map(|cursor| cursor::read(MESSAGES, cursor, |number| number.parse().ok()))
                .transpose()?,
            limit: query.limit()?,
        })
    }
}

impl ListMessages {
    pub(crate) fn next_cursor(next: i64) -> String {
        cursor::write(MESSAGES, next)
    }
}

impl IntoParams for ListMessages {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        page_parameters()
    }
}
