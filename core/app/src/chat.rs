//! Operations on conversations with the chief of staff.
//!
//! Who answers is handed in, as the clock is: what a message means is for the agents to find out.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use hearth_domain::conversation::{Action, Author, Conversation, MESSAGE_MAX, Message};
use hearth_domain::field::{NAME_MAX, line, prose};
use hearth_domain::policy::Labels;
use hearth_domain::{Actor, ConversationId, JsonObject, MessageId};
use hearth_store::chat_requests::{self, ChatRequest};
use hearth_store::conversations;
use hearth_store::{Page, Tx};
use tokio::sync::Semaphore;

pub use hearth_store::conversations::MessageCursor;

use crate::app::{App, apart};
use crate::error::{AppError, UnavailableCause};
use crate::tasks::{Once, key_reused};
use crate::trust;

/// The chief of staff's name, as the author of what it makes.
pub const CHIEF_OF_STAFF: &str = "cos-agent";

/// How many messages are answered at once; a person says one at a time, and further ones are told
/// to come again.
const AT_ONCE_MAX: usize = 64;

/// Hears an answer while it is made: called with all of it that is certain so far, each time it has
/// grown. Should an earlier part turn out to be none of the answer, the text begins otherwise.
pub type Listener = Arc<dyn Fn(&str) + Send + Sync>;

/// Answers what a person says.
pub trait ChiefOfStaff: Send + Sync + 'static {
    /// Answers the message of `turn`, with the rights of whoever said it; does what was ordered by
    /// the operations.
    fn reply<'a>(&'a self, turn: &'a mut Turn) -> ReplyFuture<'a>;
}

/// A message that is to be answered.
pub struct Turn {
    /// The operations.
    pub app: App,
    /// Who said it.
    pub actor: Actor,
    /// What was said.
    pub message: Message,
    conversation: Conversation,
    listener: Option<Listener>,
}

impl Turn {
    /// Returns the conversation as it is, what is kept in mind included.
    pub fn conversation(&self) -> &Conversation {
        &self.conversation
    }

    /// Returns what was said, without blanks around it.
    pub fn text(&self) -> &str {
        self.message.text.trim()
    }

    /// Lets whoever listens hear the answer as far as it is certain.
    pub fn tell(&self, so_far: &str) {
        if let Some(listener) = &self.listener {
            listener(so_far);
        }
    }

    /// Returns whoever listens to the answer.
    pub fn listener(&self) -> Option<Listener> {
        self.listener.clone()
    }

    /// Keeps something in mind before the answer is there: see [`App::note_chat`].
    ///
    /// # Errors
    /// The conversation changed meanwhile; the store failed.
    pub async fn note(&mut self, memory: JsonObject) -> Result<(), AppError> {
        let before = self.conversation.clone();
        self.conversation = self.app.note_chat(before, memory).await?;
        Ok(())
    }
}

/// What is said to the chief of staff.
#[derive(Default)]
pub struct Saying {
    /// In which conversation of the caller's; without one, it begins one.
    pub conversation: Option<ConversationId>,
    /// What.
    pub text: String,
    /// The name of the request, by which a repeated one gets the same answer.
    pub once: Option<Once>,
    /// Who hears the answer while it is made.
    pub listener: Option<Listener>,
}

/// What was answered.
#[derive(Debug, Clone, PartialEq)]
pub struct Answered {
    /// The answer.
    pub message: Message,
    /// Whether an earlier request had it already.
    pub is_repeat: bool,
}

/// What became of a message that came in.
enum TakenIn {
    /// It is to be answered.
    Heard(Conversation, Message),
    /// An earlier request had an answer.
    Answered(Message),
    /// An earlier request was in this conversation.
    Elsewhere(ConversationId),
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
pub(crate) struct Desk {
    /// A place for each answer that is being made. A full one refuses.
    places: Arc<Semaphore>,
    chief_of_staff: OnceLock<Arc<dyn ChiefOfStaff>>,
    /// One lock for each conversation in which something is being answered: what is said first is
    /// answered first. Held across the answer, so it is tokio's; the map around it only briefly.
    turns: Mutex<HashMap<ConversationId, Arc<tokio::sync::Mutex<()>>>>,
}

impl Default for Desk {
    fn default() -> Self {
        Self {
            places: Arc::new(Semaphore::new(AT_ONCE_MAX)),
            chief_of_staff: OnceLock::new(),
            turns: Mutex::default(),
        }
    }
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
    /// See [`App::say`].
    pub async fn chat(
        &self,
        actor: &Actor,
        conversation: Option<ConversationId>,
        message: &str,
    ) -> Result<Message, AppError> {
        let saying = Saying {
            conversation,
            text: message.to_owned(),
            ..Saying::default()
        };
        self.say(actor, saying).await.map(|answer| answer.message)
    }

    /// As [`App::chat`]; the answer is made and stored even where the caller stops waiting for it.
    ///
    /// # Errors
    /// The message is empty or too long; the conversation is none of the caller's; the `once` key
    /// was used for another request; too many messages are being answered.
    pub async fn say(&self, actor: &Actor, saying: Saying) -> Result<Answered, AppError> {
        let text = prose("message", &saying.text, MESSAGE_MAX)?;
        if text.trim().is_empty() {
            return Err(AppError::invalid(
                "message",
                "must not be empty; ask \"what can you do?\" to begin",
            ));
        }
        if let Some(once) = &saying.once {
            line("Idempotency-Key", &once.key, NAME_MAX)?;
        }
        let busy = |detail: &str| AppError::Unavailable {
            cause: UnavailableCause::Busy,
            detail: detail.into(),
        };
        let Some(chief_of_staff) = self.desk().chief_of_staff.get().cloned() else {
            return Err(busy(
                "the chief of staff is not there yet; try again in a moment",
            ));
        };
        let place = Arc::clone(&self.desk().places).try_acquire_owned();
        let place = place.map_err(|_| {
            busy("the chief of staff is in too many conversations at once; try again in a moment")
        })?;
        let (app, actor) = (self.clone(), actor.clone());
        // Whoever asked may go away, and finds the answer later.
        apart(async move {
            let _place = place;
            app.answer(chief_of_staff.as_ref(), actor, saying).await
        })
        .await
    }

    async fn answer(
        &self,
        chief_of_staff: &dyn ChiefOfStaff,
        actor: Actor,
        saying: Saying,
    ) -> Result<Answered, AppError> {
        let (mut id, mut is_begun) = match saying.conversation {
            Some(id) => (id, true),
            None => (ConversationId(self.ids().next_uuid()), false),
        };
        loop {
            let turn = self.desk().turn(id);
            let _turn = turn.lock().await;
            let (conversation, message) =
                match self.take_in(&actor, (id, is_begun), &saying).await? {
                    TakenIn::Heard(conversation, message) => (conversation, message),
                    TakenIn::Answered(message) => {
                        return Ok(Answered {
                            message,
                            is_repeat: true,
                        });
                    }
                    TakenIn::Elsewhere(other) => {
                        (id, is_begun) = (other, true);
                        continue;
                    }
                };
            let mut turn = Turn {
                app: self.clone(),
                actor: actor.clone(),
                message,
                conversation,
                listener: saying.listener.clone(),
            };
            let reply = chief_of_staff.reply(&mut turn).await?;
            let said = Message {
                labels: turn.message.labels.and(reply.labels),
                ..self.message(id, Author::ChiefOfStaff, reply.text, reply.actions)
            };
            let message = self
                .store()
                .write(move |tx| {
                    let mut conversation = turn.conversation;
                    conversation.memory = reply.memory;
                    let (_, said) =
                        conversations::save(tx, conversation.say(said), CHIEF_OF_STAFF)?;
                    if let Some(once) = &saying.once {
                        chat_requests::answer(tx, actor.name(), &once.key, said.id)?;
                    }
                    Ok::<_, AppError>(said)
                })
                .await?;
            return Ok(Answered {
                message,
                is_repeat: false,
            });
        }
    }

    /// Stores what was said before it is answered, unless an earlier request said it; in a
    /// conversation that has begun, or in one that begins with it.
    async fn take_in(
        &self,
        actor: &Actor,
        (id, is_begun): (ConversationId, bool),
        saying: &Saying,
    ) -> Result<TakenIn, AppError> {
        let mut heard = self.message(id, Author::Person, saying.text.clone(), Vec::new());
        let by = actor.clone();
        let once = saying.once.clone();
        self.store()
            .write(move |tx| {
                if let Some(once) = &once
                    && let Some(earlier) = chat_requests::find(tx, by.name(), &once.key)?
                {
                    return find_earlier(tx, id, once, earlier);
                }
                heard.labels = trust::of_author(tx, &by, None)?;
                let present = if is_begun {
                    // Named in the message, so the message is what is wrong.
                    find_own(tx, &by, id)?.ok_or_else(|| {
                        AppError::invalid(
                            "conversation_id",
                            "is no conversation of yours; leave it out to begin one",
                        )
                    })?
                } else {
                    let change = Conversation::start(id, by.name(), heard.created_at);
                    conversations::insert(tx, change)?
                };
                let at = heard.created_at;
                let (after, heard) = conversations::save(tx, present.say(heard), by.name())?;
                if let Some(once) = &once {
                    let key = &once.key;
                    chat_requests::insert(tx, by.name(), key, once.request, heard.id, at)?;
                }
                Ok::<_, AppError>(TakenIn::Heard(after, heard))
            })
            .await
    }

    /// Keeps `memory` in mind in a conversation, before the next step towards an answer; returns the
    /// conversation as it is after.
    ///
    /// # Errors
    /// It changed since it was read; the store failed.
    pub async fn note_chat(
        &self,
        conversation: Conversation,
        memory: JsonObject,
    ) -> Result<Conversation, AppError> {
        let now = self.now();
        self.store()
            .write(move |tx| {
                let change = conversation.note(memory);
                Ok(conversations::save_note(tx, change, CHIEF_OF_STAFF, now)?)
            })
            .await
    }

    /// Returns up to `limit` messages of a conversation after `cursor`, each with its position, in
    /// the order in which they were said. For the chief of staff, who was there.
    ///
    /// # Errors
    /// The store failed.
    pub async fn read_conversation(
        &self,
        conversation: ConversationId,
        cursor: Option<MessageCursor>,
        limit: usize,
    ) -> Result<Page<(MessageCursor, Message), MessageCursor>, AppError> {
        self.store()
            .read(move |tx| {
                let page = conversations::numbered_messages(tx, conversation, cursor, limit)?;
                Ok(page)
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

/// Returns what became of an earlier request of the same key.
fn find_earlier(
    tx: &impl Tx,
    id: ConversationId,
    once: &Once,
    earlier: ChatRequest,
) -> Result<TakenIn, AppError> {
    if earlier.request != once.request {
        return Err(key_reused());
    }
    let missing = || AppError::not_found("message", earlier.message_id);
    if let Some(answer) = earlier.answer_id {
        let answer = conversations::message(tx, answer)?.ok_or_else(missing)?;
        return Ok(TakenIn::Answered(answer));
    }
    let heard = conversations::message(tx, earlier.message_id)?.ok_or_else(missing)?;
    if heard.conversation_id != id {
        return Ok(TakenIn::Elsewhere(heard.conversation_id));
    }
    let conversation = conversations::get(tx, id)?.ok_or_else(missing)?;
    Ok(TakenIn::Heard(conversation, heard))
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
