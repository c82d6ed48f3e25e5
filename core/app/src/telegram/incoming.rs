//! What comes in: kept before Telegram is told so, each once, and only from those who may talk.

use hearth_domain::telegram::{Arrival, Outgoing, PairedBy, Peer, TelegramChat};
use hearth_domain::{Actor, ConversationId, TelegramChatId, Timestamp};
use hearth_store::telegram::{self, Update};
use hearth_store::{ReadTx, WriteTx};

use super::CHATS_MAX;
use crate::app::App;
use crate::error::AppError;

/// The most strangers that are told that this is not their assistant; beyond it they are told nothing.
const REFUSED_MAX: usize = 1000;
/// What they are told.
const REFUSAL: &str = "Sorry, I only talk with my owner.";
/// After how long without an update Telegram may count them anew: it says after a week.
const COUNTS_FOR_MS: i64 = 6 * 24 * 3_600_000;

/// An update, as the bridge read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incoming {
    /// Telegram's number of it.
    pub update_id: i64,
    /// What it is.
    pub content: Content,
}

/// What an update is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// Something from a chat.
    From(Peer, Arrival),
    /// Said in a group, and not to the bot.
    Overheard,
    /// Of a kind that nobody here reads.
    Unread,
}

/// Whom the settings let talk besides those who paired.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rules {
    /// Whether paired people may talk in groups, too.
    pub groups: bool,
    /// People whose private chats need not be paired.
    pub users: Vec<i64>,
}

/// What became of updates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TakenIn {
    /// Kept, to be dealt with.
    pub kept: usize,
    /// Chats that were paired.
    pub paired: usize,
    /// Chats that could not be reached, and can again.
    pub reopened: usize,
    /// Whether the code was said.
    pub is_code_used: bool,
    /// From those who may not talk.
    pub refused: usize,
    /// Of kinds that nobody here reads.
    pub unread: u64,
    /// Here already.
    pub repeated: usize,
}

/// What is done about who sent something.
enum Admission {
    /// They may talk.
    Paired,
    /// They may from now on, and what they said was the code.
    ByCode,
    /// They may not, and are told so where that is due.
    Stranger,
    /// They might, were not as many chats paired as can be.
    Full,
    /// They are passed over.
    Nobody,
}

impl App {
    /// Returns from which update on Telegram is to send; from the first that it has where none is
    /// known.
    ///
    /// # Errors
    /// The store failed.
    pub fn telegram_position(&self, bot: i64) -> Result<Option<i64>, AppError> {
        let now = self.now();
        self.store()
            .read_now(|tx| Ok(last_counted(tx, bot, now)?.map(|last| last + 1)))
    }

    /// Keeps updates, each once, and those of strangers not at all. After this, Telegram may forget
    /// them.
    ///
    /// # Errors
    /// The store failed; nothing was kept.
    pub async fn take_telegram_updates(
        &self,
        bot: i64,
        updates: Vec<Incoming>,
    ) -> Result<TakenIn, AppError> {
        let rules = self.telegram().rules().clone();
        let codes: Vec<bool> = updates.iter().map(|update| self.has_code(update)).collect();
        let now = self.now();
        let taken = self
            .store()
            .write(move |tx| {
                let mut taken = TakenIn::default();
                let last = last_counted(tx, bot, now)?;
                let newest = updates.iter().map(|update| update.update_id).max();
                for (update, is_code) in updates.into_iter().zip(codes) {
                    if last.is_some_and(|last| update.update_id <= last) {
                        taken.repeated += 1;
                        continue;
                    }
                    let id = (bot, update.update_id);
                    match update.content {
                        Content::Overheard => (),
                        Content::Unread => taken.unread += 1,
                        Content::From(peer, arrival) => {
                            take(tx, id, &peer, &arrival, is_code, &rules, now, &mut taken)?;
                        }
                    }
                }
                if let Some(newest) = newest.filter(|newest| last.is_none_or(|last| *newest > last))
                {
                    telegram::save_position(tx, bot, newest, taken.unread, now)?;
                }
                Ok::<_, AppError>(taken)
            })
            .await?;
        if taken.is_code_used {
            self.close_pairing();
        }
        if taken.paired + taken.reopened > 0 {
            self.telegram().reachable.notify_one();
        }
        if taken.kept > 0 {
            self.telegram().arrived.notify_one();
        }
        if taken.refused > 0 || taken.is_code_used {
            self.telegram().outgoing.notify_one();
        }
        Ok(taken)
    }

    /// Returns the first that is to be dealt with of what is said in each chat, and of the presses in it, in
    /// the order in which they came in.
    ///
    /// # Errors
    /// The store failed.
    pub async fn next_telegram_updates(&self, limit: usize) -> Result<Vec<Update>, AppError> {
        self.store()
            .read(move |tx: &ReadTx<'_>| Ok(telegram::next_updates(tx, limit)?))
            .await
    }

    /// Returns how many updates are to be dealt with.
    ///
    /// # Errors
    /// The store failed.
    pub fn count_telegram_updates(&self) -> Result<u64, AppError> {
        self.store()
            .read_now(|tx| Ok(telegram::count_waiting_updates(tx)?))
    }

    /// Returns where what is said in a chat is kept; none where nothing was said, or nobody may talk.
    ///
    /// # Errors
    /// The store failed.
    pub fn telegram_chat(&self, chat: i64) -> Result<Option<TelegramChat>, AppError> {
        self.store().read_now(|tx| Ok(telegram::chat(tx, chat)?))
    }

    /// Notes that an update was dealt with, together with what is to be said of it, and where that
    /// conversation is kept.
    ///
    /// # Errors
    /// The store failed; nothing was noted.
    pub async fn finish_telegram_update(
        &self,
        update: &Update,
        conversation: Option<ConversationId>,
        outgoing: Vec<Outgoing>,
    ) -> Result<(), AppError> {
        let (number, bot, update_id, chat) =
            (update.number, update.bot, update.update_id, update.chat);
        let now = self.now();
        self.store()
            .write(move |tx| {
                if !telegram::finish_update(tx, number, now)? {
                    return Ok(());
                }
                for (place, outgoing) in outgoing.iter().enumerate() {
                    let key = format!("update:{bot}:{update_id}:{place}");
                    telegram::queue(tx, &key, chat, outgoing, now)?;
                }
                if let Some(conversation) = conversation {
                    telegram::save_conversation(tx, chat, conversation)?;
                }
                Ok::<_, AppError>(())
            })
            .await?;
        self.telegram().outgoing.notify_one();
        Ok(())
    }

    fn has_code(&self, update: &Incoming) -> bool {
        match &update.content {
            Content::From(peer, Arrival::Text { text, .. }) if peer.is_private => {
                self.is_pairing_code(text)
            }
            Content::From(..) | Content::Overheard | Content::Unread => false,
        }
    }
}

/// Returns the last update that is kept here, unless it is so old that Telegram counts anew.
fn last_counted(
    tx: &impl hearth_store::Tx,
    bot: i64,
    now: Timestamp,
) -> Result<Option<i64>, AppError> {
    let last = telegram::bot(tx, bot)?.and_then(|bot| bot.last);
    let is_recent = |at: Timestamp| now.as_millis() - at.as_millis() < COUNTS_FOR_MS;
    Ok(last.filter(|(_, at)| is_recent(*at)).map(|(last, _)| last))
}

#[expect(
    clippy::too_many_arguments,
    reason = "one update and what it is held against"
)]
fn take(
    tx: &mut WriteTx<'_>,
    (bot, update_id): (i64, i64),
    peer: &Peer,
    arrival: &Arrival,
    is_code: bool,
    rules: &Rules,
    now: Timestamp,
    taken: &mut TakenIn,
) -> Result<(), AppError> {
    match admit(tx, peer, is_code, rules, now, taken)? {
        Admission::Nobody => taken.refused += 1,
        Admission::Stranger => {
            taken.refused += 1;
            // A press is answered by nothing that could be seen.
            let is_said = !matches!(arrival, Arrival::Press { .. });
            if is_said && telegram::refuse(tx, peer.chat, REFUSED_MAX, now)? {
                let key = format!("refusal:{bot}:{update_id}");
                telegram::queue(tx, &key, peer.chat, &plain(REFUSAL), now)?;
            }
        }
        Admission::Full => {
            taken.refused += 1;
            let full = format!(
                "{CHATS_MAX} chats are paired, which is the most. Remove one on the node first: hearth \
                 telegram remove"
            );
            let key = format!("full:{bot}:{update_id}");
            telegram::queue(tx, &key, peer.chat, &plain(&full), now)?;
        }
        Admission::ByCode => {
            let hello = format!(
                "Hello {}! From here on, what you say in this chat is your word. Send a task, a \
                 question or a voice note; /help shows what else there is.",
                peer.name
            );
            let key = format!("paired:{bot}:{update_id}");
            telegram::queue(tx, &key, peer.chat, &plain(&hello), now)?;
        }
        Admission::Paired => {
            let who = (peer.chat, peer.user);
            if telegram::insert_update(tx, bot, update_id, who, arrival, now)? {
                taken.kept += 1;
            } else {
                taken.repeated += 1;
            }
        }
    }
    Ok(())
}

fn admit(
    tx: &mut WriteTx<'_>,
    peer: &Peer,
    is_code: bool,
    rules: &Rules,
    now: Timestamp,
    taken: &mut TakenIn,
) -> Result<Admission, AppError> {
    let known = telegram::chat(tx, peer.chat)?;
    // Who says something can be reached.
    if known.as_ref().is_some_and(|chat| chat.closed_at.is_some()) {
        telegram::save_closed(tx, peer.chat, None)?;
        taken.reopened += 1;
    }
    if !peer.is_private {
        let is_known = telegram::is_paired(tx, peer.user)? || rules.users.contains(&peer.user);
        let may_talk = rules.groups
            && is_known
            && (known.is_some() || pair(tx, peer, PairedBy::Settings, now, taken)?);
        return Ok(if may_talk {
            Admission::Paired
        } else {
            Admission::Nobody
        });
    }
    if known.as_ref().is_some_and(|chat| chat.user != peer.user) {
        return Ok(Admission::Nobody);
    }
    // The first to say it has it: a second in the same batch finds it used.
    let by = if is_code && !taken.is_code_used {
        PairedBy::Code
    } else if known.is_some() {
        return Ok(Admission::Paired);
    } else if rules.users.contains(&peer.user) {
        PairedBy::Settings
    } else {
        return Ok(Admission::Stranger);
    };
    if known.is_some() {
        telegram::save_paired_by(tx, peer.chat, by)?;
    } else if !pair(tx, peer, by, now, taken)? {
        return Ok(Admission::Full);
    }
    Ok(match by {
        PairedBy::Code => {
            taken.is_code_used = true;
            Admission::ByCode
        }
        PairedBy::Settings => Admission::Paired,
    })
}

/// Pairs a chat; returns whether there was room for it.
fn pair(
    tx: &mut WriteTx<'_>,
    peer: &Peer,
    by: PairedBy,
    now: Timestamp,
    taken: &mut TakenIn,
) -> Result<bool, AppError> {
    if telegram::chats(tx, CHATS_MAX)?.len() >= CHATS_MAX {
        return Ok(false);
    }
    let id = TelegramChatId(tx.fresh_uuid());
    telegram::insert_chat(
        tx,
        TelegramChat::pair(id, peer, by, now),
        Actor::Owner.name(),
    )?;
    taken.paired += 1;
    Ok(true)
}

fn plain(text: &str) -> Outgoing {
    Outgoing::Text {
        text: text.into(),
        buttons: Vec::new(),
    }
}
