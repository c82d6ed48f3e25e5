//! Operations of talking over Telegram: who may, what came in, what goes out.
//!
//! What came in is committed before Telegram is told that it arrived, and what goes out is committed
//! with what it answers. So a node that is killed finds both again; what it was just sending, nobody
//! knows of, and that is said with it when it is sent again.
//!
//! Reading order: this file (who talks, how it stands), `pairing`, `incoming`, `outgoing`.

mod incoming;
mod outgoing;
mod pairing;

use std::sync::{Mutex, MutexGuard, PoisonError};

use hearth_domain::field::Word;
use hearth_domain::telegram::{PairedBy, TelegramChat};
use hearth_domain::{Actor, TelegramChatId, Timestamp};
use hearth_store::{WriteTx, telegram};
use tokio::sync::{Notify, watch};

pub use hearth_store::telegram::{
    DeadLetter, Message as TelegramMessage, Update as TelegramUpdate,
};
pub use incoming::{Content, Incoming, Rules, TakenIn};
pub use outgoing::Settled;
pub use pairing::Pairing;

use crate::app::{App, Facility};
use crate::authority::must_be_owner;
use crate::error::AppError;

/// The most chats that are paired: a person has a few.
pub const CHATS_MAX: usize = 50;
/// The most dead letters that are shown.
const DEAD_SHOWN: usize = 20;
/// The most updates that wait to be dealt with; Telegram keeps further ones for a day.
pub const UPDATES_MAX: u64 = 1000;

/// The bot that a node is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bot {
    /// Its number.
    pub id: i64,
    /// The name by which it is found, without the @.
    pub name: String,
}

/// How talking over Telegram stands.
#[derive(Debug, Clone, PartialEq)]
pub struct TelegramState {
    /// Whether it works; none where there is no bot token.
    pub facility: Option<Facility>,
    /// The bot.
    pub bot: Option<Bot>,
    /// The chats that may talk.
    pub chats: Vec<TelegramChat>,
    /// What came in and is to be dealt with.
    pub updates_waiting: u64,
    /// What is to go out.
    pub messages_waiting: u64,
    /// What was given up.
    pub messages_dead: u64,
    /// The last of these.
    pub dead_letters: Vec<DeadLetter>,
    /// Updates of kinds that nobody here reads.
    pub unread_kinds: u64,
}

/// What the operations and the bridge tell each other.
pub(crate) struct Line {
    /// The code that pairs a chat, while there is one. A lock of the standard library: it is held for
    /// a look.
    pairing: Mutex<Option<pairing::Open>>,
    /// Whom the settings let talk. A lock of the standard library: it is held for a copy.
    rules: Mutex<Rules>,
    /// The bot, and how often its token was looked for.
    told: watch::Sender<(Option<Bot>, u64)>,
    /// Somebody wants the token looked for again.
    look: Notify,
    /// Something came in.
    arrived: Notify,
    /// Something is to go out.
    outgoing: Notify,
    /// A chat can be told things from here on.
    reachable: Notify,
}

impl Default for Line {
    fn default() -> Self {
        Self {
            pairing: Mutex::default(),
            rules: Mutex::default(),
            told: watch::Sender::new((None, 0)),
            look: Notify::new(),
            arrived: Notify::new(),
            outgoing: Notify::new(),
            reachable: Notify::new(),
        }
    }
}

impl Line {
    fn bot(&self) -> Option<Bot> {
        self.told.borrow().0.clone()
    }

    fn rules(&self) -> MutexGuard<'_, Rules> {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn pairing(&self) -> MutexGuard<'_, Option<pairing::Open>> {
        self.pairing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl App {
    /// Returns how talking over Telegram stands.
    ///
    /// # Errors
    /// The caller is not the owner.
    pub async fn telegram_state(&self, actor: &Actor) -> Result<TelegramState, AppError> {
        must_be_owner(actor, "see the chats of Telegram")?;
        let facility = self.facilities().telegram.clone();
        let bot = self.telegram().bot();
        let id = bot.as_ref().map(|bot| bot.id);
        self.store()
            .read(move |tx| {
                let counted = telegram::count(tx)?;
                let known = id.map(|id| telegram::bot(tx, id)).transpose()?.flatten();
                Ok(TelegramState {
                    facility,
                    bot,
                    chats: telegram::chats(tx, CHATS_MAX)?,
                    updates_waiting: telegram::count_waiting_updates(tx)?,
                    messages_waiting: counted.waiting,
                    messages_dead: counted.dead,
                    dead_letters: telegram::dead(tx, DEAD_SHOWN)?,
                    unread_kinds: known.map_or(0, |known| known.unread_kinds),
                })
            })
            .await
    }

    /// Says whom the settings let talk from here on. Chats that may talk by the settings alone, and may not by
    /// these, are removed.
    ///
    /// # Errors
    /// The store failed; who may talk is as it was.
    pub async fn set_telegram_rules(&self, rules: Rules) -> Result<(), AppError> {
        let (held, now) = (rules.clone(), self.now());
        self.store()
            .write(move |tx| {
                for chat in telegram::chats(tx, CHATS_MAX)? {
                    if !held.still_let(&chat) {
                        remove(tx, &chat, Actor::Owner.name(), now)?;
                    }
                }
                Ok::<_, AppError>(())
            })
            .await?;
        *self.telegram().rules() = rules;
        Ok(())
    }

    /// Takes a chat's right to talk; what it said and was not dealt with, and what it was to be told,
    /// goes with it. A group that the settings let in is back as soon as somebody who may talk does so in it.
    ///
    /// # Errors
    /// No such chat is paired; the settings let its person talk, so that it would be back at once; the caller
    /// is not the owner.
    pub async fn remove_telegram_chat(
        &self,
        actor: &Actor,
        id: TelegramChatId,
    ) -> Result<(), AppError> {
        must_be_owner(actor, "remove a chat of Telegram's")?;
        let (by, now) = (actor.name().to_owned(), self.now());
        let rules = self.telegram().rules().clone();
        self.store()
            .write(move |tx| {
                let found = telegram::chat_by_id(tx, id)?
                    .ok_or_else(|| AppError::not_found("telegram chat", id))?;
                if found.is_private() && rules.users.contains(&found.user) {
                    return Err(AppError::conflict(
                        "let_in_by_settings",
                        format!(
                            "the settings let {} talk; take {} out of telegram.users, and it is removed",
                            found.name, found.user
                        ),
                    ));
                }
                remove(tx, &found, &by, now)
            })
            .await
    }

    /// Tells which bot the node is, or that it is none for now: the token was looked for.
    ///
    /// # Errors
    /// The store failed.
    pub async fn note_telegram_bot(&self, bot: Option<Bot>) -> Result<(), AppError> {
        if let Some(Bot { id, name }) = bot.clone() {
            self.store()
                .write(move |tx| Ok::<_, AppError>(telegram::save_bot(tx, id, &name)?))
                .await?;
        }
        self.telegram()
            .told
            .send_modify(|(told, looks)| (*told, *looks) = (bot, looks.wrapping_add(1)));
        Ok(())
    }

    /// Waits until somebody wants the bot's token looked for again.
    pub async fn telegram_token_wanted(&self) {
        self.telegram().look.notified().await;
    }

    /// Waits until something may have come in.
    pub async fn telegram_arrived(&self) {
        self.telegram().arrived.notified().await;
    }

    /// Waits until something may be to go out.
    pub async fn telegram_outgoing(&self) {
        self.telegram().outgoing.notified().await;
    }

    /// Waits until a chat may have come in which the owner can be told things.
    pub async fn telegram_reachable(&self) {
        self.telegram().reachable.notified().await;
    }

    /// Forgets what came in and went out long ago; dead letters are kept longer.
    ///
    /// # Errors
    /// The store failed.
    pub async fn forget_old_telegram(&self) -> Result<(), AppError> {
        let now = self.now();
        let before = |days: i64| Timestamp::from_millis(now.as_millis() - days * 24 * 3_600_000);
        let (done, dead) = (before(KEPT_DAYS), before(DEAD_KEPT_DAYS));
        let refused = before(REFUSED_KEPT_DAYS);
        self.store()
            .write(move |tx| Ok::<_, AppError>(telegram::forget_refusals(tx, refused)?))
            .await?;
        loop {
            let forgotten = self.store().write(move |tx| {
                let updates = telegram::forget_updates(tx, done)?;
                let messages = telegram::forget_messages(tx, done, dead)?;
                Ok::<_, AppError>(updates + messages)
            });
            if forgotten.await? == 0 {
                return Ok(());
            }
        }
    }
}

/// How many days what was dealt with is known again: longer than Telegram repeats anything.
const KEPT_DAYS: i64 = 8;
/// How many days the owner can see what could not be delivered.
const DEAD_KEPT_DAYS: i64 = 30;
/// After how many days a stranger who writes again is told again that this is not their assistant.
const REFUSED_KEPT_DAYS: i64 = 30;

/// The channel's name among those that tell notices.
pub fn channel() -> Word {
    Word::from_stored("telegram".into())
}

impl Rules {
    /// Whether a chat that is paired may be so still.
    fn still_let(&self, chat: &TelegramChat) -> bool {
        match chat.paired_by {
            PairedBy::Code => true,
            PairedBy::Settings if chat.is_private() => self.users.contains(&chat.user),
            PairedBy::Settings => self.groups,
        }
    }
}

fn remove(
    tx: &mut WriteTx<'_>,
    chat: &TelegramChat,
    by: &str,
    now: Timestamp,
) -> Result<(), AppError> {
    Ok(telegram::delete_chat(tx, chat, &chat.removed(), by, now)?)
}

#[cfg(test)]
mod tests;
