//! What goes out: tried until Telegram takes it, for a day.

use hearth_domain::notice::Notice;
use hearth_domain::telegram::{Outgoing, TelegramChat};
use hearth_domain::{Actor, NoticeId, Timestamp};
use hearth_store::telegram::{self, Counted, Message};
use hearth_store::{ReadTx, WriteTx, notices};
use uuid::Uuid;

use super::{CHATS_MAX, channel};
use crate::app::App;
use crate::error::AppError;

/// The most chats whose next message is looked at.
const NEXT_MAX: usize = 100;

/// What became of an attempt to send something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settled {
    /// Telegram took it.
    Sent,
    /// It is to be tried again.
    Later {
        /// When.
        at: Timestamp,
        /// Whether it may have arrived all the same.
        is_unsure: bool,
        /// What was in the way.
        error: String,
    },
    /// It is given up.
    Dead {
        /// Why.
        error: String,
        /// Whether Telegram hands this chat nothing at all.
        is_closed: bool,
    },
}

impl App {
    /// Returns what is to go out next to each chat, due or not.
    ///
    /// # Errors
    /// The store failed.
    pub async fn next_telegram_messages(&self) -> Result<Vec<Message>, AppError> {
        self.store()
            .read(move |tx: &ReadTx<'_>| Ok(telegram::next_of_each_chat(tx, NEXT_MAX)?))
            .await
    }

    /// Notes that a message is about to be sent; returns whether it still is to be.
    ///
    /// # Errors
    /// The store failed; it must not be sent.
    pub async fn begin_telegram_message(&self, number: i64) -> Result<bool, AppError> {
        self.store()
            .write(move |tx| Ok::<_, AppError>(telegram::begin(tx, number)?))
            .await
    }

    /// Notes what became of an attempt to send a message.
    ///
    /// # Errors
    /// The store failed; nobody knows what became of it.
    pub async fn settle_telegram_message(
        &self,
        number: i64,
        settled: Settled,
    ) -> Result<(), AppError> {
        let now = self.now();
        self.store()
            .write(move |tx| {
                match settled {
                    Settled::Sent => telegram::sent(tx, number, now)?,
                    Settled::Later {
                        at,
                        is_unsure,
                        error,
                    } => telegram::put_off(tx, number, at, is_unsure, &error)?,
                    Settled::Dead { error, is_closed } => {
                        let was_for = telegram::give_up(tx, number, &error, now)?;
                        if let Some((key, chat)) = was_for.filter(|_| is_closed) {
                            telegram::save_closed(tx, chat, Some(now))?;
                            give_back(tx, &key, now)?;
                        }
                    }
                }
                Ok::<_, AppError>(())
            })
            .await
    }

    /// Counts what is to go out, and what was given up.
    ///
    /// # Errors
    /// The store failed.
    pub fn count_telegram_messages(&self) -> Result<Counted, AppError> {
        self.store().read_now(|tx| Ok(telegram::count(tx)?))
    }

    /// Whether there is a private chat to tell the owner something in, or there was one before Telegram
    /// handed it nothing any more.
    ///
    /// # Errors
    /// The store failed.
    pub fn has_private_telegram_chat(&self) -> Result<bool, AppError> {
        self.store().read_now(|tx| {
            let chats = telegram::chats(tx, CHATS_MAX)?;
            Ok(chats.iter().any(TelegramChat::is_private))
        })
    }

    /// Whether there is a private chat to tell the owner something in.
    ///
    /// # Errors
    /// The store failed.
    pub fn can_tell_by_telegram(&self) -> Result<bool, AppError> {
        self.store()
            .read_now(|tx| Ok(telegram::chats(tx, CHATS_MAX)?.iter().any(is_told)))
    }

    /// Has a notice told in every private chat that is paired; from here on it counts as told, until it
    /// turns out that it can arrive in none of them. One that another channel told, or that is not worth
    /// telling any more, is passed over.
    ///
    /// # Errors
    /// The store failed; it is to be told still.
    pub async fn tell_by_telegram(
        &self,
        notice: &Notice,
        outgoing: Vec<Outgoing>,
    ) -> Result<(), AppError> {
        let (id, now) = (notice.id, self.now());
        self.store()
            .write(move |tx| {
                let Some(change) =
                    notices::get(tx, id)?.and_then(|notice| notice.deliver(channel(), now))
                else {
                    return Ok(());
                };
                notices::save(tx, change, Actor::Owner.name(), now)?;
                let chats = telegram::chats(tx, CHATS_MAX)?;
                for chat in chats.iter().filter(|chat| is_told(chat)) {
                    for (place, outgoing) in outgoing.iter().enumerate() {
                        let key = format!("{}{}:{place}", of_notice(id), chat.chat);
                        telegram::queue(tx, &key, chat.chat, outgoing, now)?;
                    }
                }
                Ok::<_, AppError>(())
            })
            .await?;
        self.telegram().outgoing.notify_one();
        Ok(())
    }
}

/// Whether notices are told in a chat.
fn is_told(chat: &TelegramChat) -> bool {
    chat.is_private() && chat.closed_at.is_none()
}

/// What the keys of a notice's messages begin with.
fn of_notice(id: NoticeId) -> String {
    format!("notice:{}:", id.0.simple())
}

/// Gives back the notice that a message of this key was to tell, where no other message tells it.
fn give_back(tx: &mut WriteTx<'_>, key: &str, now: Timestamp) -> Result<(), AppError> {
    let id = key.strip_prefix("notice:").and_then(|key| {
        let (id, _) = key.split_once(':')?;
        Uuid::try_parse(id).ok().map(NoticeId)
    });
    let Some(id) = id else {
        return Ok(());
    };
    if telegram::has_hope_of(tx, &of_notice(id))? {
        return Ok(());
    }
    let back = notices::get(tx, id)?.and_then(|notice| notice.give_back(channel()));
    if let Some(change) = back {
        notices::save_returned(tx, change, Actor::Owner.name(), now)?;
        // It is told again in the same chat once that can be reached.
        telegram::forget_dead(tx, &of_notice(id))?;
    }
    Ok(())
}
