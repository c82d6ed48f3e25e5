//! What goes out: tried until Telegram takes it, for a day.

use hearth_domain::field::Word;
use hearth_domain::notice::Notice;
use hearth_domain::telegram::Outgoing;
use hearth_domain::{Actor, Timestamp};
use hearth_store::telegram::{self, Counted, Message};
use hearth_store::{ReadTx, notices};

use super::CHATS_MAX;
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
                    Settled::Dead { error } => telegram::give_up(tx, number, &error, now)?,
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

    /// Whether there is a private chat to tell the owner something in.
    ///
    /// # Errors
    /// The store failed.
    pub fn has_private_telegram_chat(&self) -> Result<bool, AppError> {
        self.store().read_now(|tx| {
            let chats = telegram::chats(tx, CHATS_MAX)?;
            Ok(chats.iter().any(|chat| chat.chat == chat.user))
        })
    }

    /// Has a notice told in every private chat that is paired; from here on it counts as told. One
    /// that another channel told, or that is not worth telling any more, is passed over.
    ///
    /// # Errors
    /// The store failed; it is to be told still.
    pub async fn tell_by_telegram(
        &self,
        notice: &Notice,
        channel: Word,
        outgoing: Vec<Outgoing>,
    ) -> Result<(), AppError> {
        let (id, now) = (notice.id, self.now());
        self.store()
            .write(move |tx| {
                let Some(change) =
                    notices::get(tx, id)?.and_then(|notice| notice.deliver(channel, now))
                else {
                    return Ok(());
                };
                notices::save(tx, change, Actor::Owner.name(), now)?;
                let chats = telegram::chats(tx, CHATS_MAX)?;
                for chat in chats.iter().filter(|chat| chat.chat == chat.user) {
                    for (place, outgoing) in outgoing.iter().enumerate() {
                        let key = format!("notice:{}:{}:{place}", id.0.simple(), chat.chat);
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
