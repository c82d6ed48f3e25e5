//! Operations on conversations with the chief of staff.
//!
//! Who answers is handed in, as the clock is: what a message means is for the agents to find out.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use hearth_domain::conversation::{Action, Author, Conversation, MESSAGE_MAX, Message};
use hearth_domain::field::prose;
use hearth_domain::policy::Labels;
use hearth_domain::{Actor, ConversationId, JsonObject, MessageId};
use hearth_store::conversations::{self, MessageCursor};
use hearth_store::{Page, Tx};

use crate::app::App;
use crate::error::{AppError, UnavailableCause};
use crate::trust;

/// The chief of staff's name, as the author of what it makes.
pub const CHIEF_OF_STAFF: &str = "cos-agent";

/// Answers what a person says.
pub trait ChiefOfStaff: Send + Sync + 'static {
    /// Answers `message`, with the rights of `actor`; does what was ordered by the operations of
    /// `app`.
    fn reply<'a>(
        &'a self,
        app: &'a App,
        actor: &'a Actor,
        conversation: &'a Conversation,
        message: &'a str,
    ) -> ReplyFuture<'a>;
}

/// An answer on its way.
pub type ReplyFuture<'a> = Pin<Box<dyn Future<Output = Result<Reply, AppError>> + Send + 'a>>;

/// An answer.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Reply {
    /// What to say.
    pub text: String,
    /// What was done.
    pub actions: Vec<Action>,
    /// What to keep in mind until the next message.
    pub memory: JsonObject,
    /// Whose words it is made of, besides the message that it answers: tasks that it quotes, pages
    /// that were read for it.
    pub labels: Labels,
}

/// The chief of staff of a node, and who is talking to it.
#[derive(Default)]
pub(crate) struct Desk {
    chief_of_staff: OnceLock<Arc<dyn ChiefOfStaff>>,
    /// One lock for each conversation in which something is being answered: what is said first is
    /// answered first. Held across the answer, so it is tokio's; the map around it only briefly.
    turns: Mutex<HashMap<ConversationId, Arc<tokio::sync::Mutex<()>>>>,
}

impl Desk {
    fn turn(&self, id: ConversationId) -> Arc<tokio::sync::Mutex<()>> {
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        // Those that nobody waits for are held by the map alone.
        turns.retain(|_, turn| Arc::strong_count(turn) > 1);
        Arc::clone(turns.entry(id).or_default())
    }
}

impl App {
    /// Says who answers. Once; a later call changes nothing.
    pub fn set_chief_of_staff(&self, chief_of_staff: Arc<dyn ChiefOfStaff>) {
        // Set already: the first one stays.
        let _ = self.desk().chief_of_staff.set(chief_of_staff);
    }

    /// Says something to the chief of staff, in a conversation of the caller's or, without one, in
    /// one that begins; returns the answer. Both are stored.
    ///
    /// # Errors
    /// The message is empty or too long; the conversation is none of the caller's.
    pub async fn chat(
        &self,
        actor: &Actor,
        conversation: Option<ConversationId>,
        message: &str,
    ) -> Result<Message, AppError> {
        let text = prose("message", message, MESSAGE_MAX)?;
        if text.trim().is_empty() {
            return Err(AppError::invalid(
                "message",
                "must not be empty; ask \"what can you do?\" to begin",
            ));
        }
        let Some(chief_of_staff) = self.desk().chief_of_staff.get() else {
            return Err(AppError::Unavailable {
                cause: UnavailableCause::Busy,
                detail: "the chief of staff is not there yet; try again in a moment".into(),
            });
        };
        let id = conversation.unwrap_or_else(|| ConversationId(self.ids().next_uuid()));
        let turn = self.desk().turn(id);
        let _turn = turn.lock().await;

        let mut heard = self.message(id, Author::Person, text.clone(), Vec::new());
        let by = actor.clone();
        // What was said is kept before it is answered.
        let (conversation, asked) = self
            .store()
            .write(move |tx| {
                heard.labels = trust::of_author(tx, &by, None)?;
                let asked = heard.labels;
                let present = match conversation {
                    // Named in the message, so the message is what is wrong.
                    Some(id) => find_own(tx, &by, id)?.ok_or_else(|| {
                        AppError::invalid(
                            "conversation_id",
                            "is no conversation of yours; leave it out to begin one",
                        )
                    })?,
                    None => conversations::insert(
                        tx,
                        Conversation::start(id, by.name(), heard.created_at),
                    )?,
                };
                let (after, _) = conversations::save(tx, present.say(heard), by.name())?;
                Ok::<_, AppError>((after, asked))
            })
            .await?;

        let reply = chief_of_staff
            .reply(self, actor, &conversation, text.trim())
            .await?;
        let said = Message {
            labels: asked.and(reply.labels),
            ..self.message(id, Author::ChiefOfStaff, reply.text, reply.actions)
        };
        self.store()
            .write(move |tx| {
                let mut conversation = conversation;
                conversation.memory = reply.memory;
                let (_, said) = conversations::save(tx, conversation.say(said), CHIEF_OF_STAFF)?;
                Ok(said)
            })
            .await
    }

    /// Returns a page of the caller's conversations, or for the owner of all, the last begun first.
    ///
    /// # Errors
    /// The store failed.
    pub async fn list_conversations(
        &self,
        actor: &Actor,
        cursor: Option<ConversationId>,
        limit: usize,
    ) -> Result<Page<Conversation, ConversationId>, AppError> {
        let started_by = match actor {
            Actor::Owner | Actor::System => None,
            Actor::Agent(_) | Actor::Viewer => Some(actor.name().to_owned()),
        };
        self.store()
            .read(move |tx| {
                Ok(conversations::list(
                    tx,
                    started_by.as_deref(),
                    cursor,
                    limit,
                )?)
            })
            .await
    }

    /// Returns the labels of all that was said in a conversation: of what a model takes in with it.
    ///
    /// # Errors
    /// The store failed.
    pub async fn labels_of_conversation(
        &self,
        conversation: ConversationId,
    ) -> Result<Labels, AppError> {
        self.store()
            .read(move |tx| Ok(conversations::labels_of(tx, conversation)?))
            .await
    }

    /// Returns a page of what was said in a conversation, in order.
    ///
    /// # Errors
    /// There is no such conversation, or it is somebody else's.
    pub async fn list_messages(
        &self,
        actor: &Actor,
        conversation: ConversationId,
        cursor: Option<MessageCursor>,
        limit: usize,
    ) -> Result<Page<Message, MessageCursor>, AppError> {
        let actor = actor.clone();
        self.store()
            .read(move |tx| {
                let conversation = find_own(tx, &actor, conversation)?
                    .ok_or_else(|| AppError::not_found("conversation", conversation))?;
                Ok(conversations::messages(tx, conversation.id, cursor, limit)?)
            })
            .await
    }

    fn message(
        &self,
        conversation_id: ConversationId,
        author: Author,
        text: String,
        actions: Vec<Action>,
    ) -> Message {
        Message {
            id: MessageId(self.ids().next_uuid()),
            conversation_id,
            author,
            text,
            actions,
            labels: Labels::default(),
            created_at: self.now(),
        }
    }
}

/// Returns a conversation that the caller may see. That of somebody else is not there.
fn find_own(
    tx: &impl Tx,
    actor: &Actor,
    id: ConversationId,
) -> Result<Option<Conversation>, AppError> {
    Ok(conversations::get(tx, id)?.filter(|found| match actor {
        Actor::Owner | Actor::System => true,
        Actor::Agent(_) | Actor::Viewer => found.started_by == actor.name(),
    }))
}

#[cfg(test)]
mod tests;
