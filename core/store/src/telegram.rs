//! Talking over Telegram: bots, paired chats, what came in, what is to go out.

use hearth_domain::event::EventKind;
use hearth_domain::telegram::{Arrival, Outgoing, PairedBy, TelegramChat};
use hearth_domain::{Change, ConversationId, TelegramChatId, Timestamp};
use rusqlite::{OptionalExtension, params};

use crate::columns::{Columns, read_all, read_one, to_json};
use crate::error::StoreError;
use crate::page::rows_for;
use crate::read_tx::Tx;
use crate::write_tx::WriteTx;

mod messages;

pub use messages::{
    Counted, DeadLetter, Message, begin, count, dead, forget_dead, forget_messages, give_up,
    has_hope_of, insert as queue, next_of_each_chat, put_off, sent,
};

const CHAT: &str = "telegram_chat";
const CHAT_COLUMNS: &str =
    "id, chat, user, name, conversation_id, created_at, is_by_settings, closed_at";
const UPDATE: &str = "telegram_update";

/// A bot that this node is or was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bot {
    /// Its number.
    pub bot: i64,
    /// The name by which it is found.
    pub name: String,
    /// The last update that is kept here, and when it came.
    pub last: Option<(i64, Timestamp)>,
    /// Updates of kinds that nobody here reads.
    pub unread_kinds: u64,
}

/// Something that came in and is to be dealt with.
#[derive(Debug, Clone, PartialEq)]
pub struct Update {
    /// Its place in the order in which updates came in.
    pub number: i64,
    /// The bot that it came to.
    pub bot: i64,
    /// Telegram's number of it.
    pub update_id: i64,
    /// The chat that it came from.
    pub chat: i64,
    /// The person that it came from.
    pub user: i64,
    /// What it is.
    pub arrival: Arrival,
    /// When it came in.
    pub created_at: Timestamp,
}

/// Returns what is known of a bot.
pub fn bot(tx: &impl Tx, bot: i64) -> Result<Option<Bot>, StoreError> {
    let mut statement = tx.conn().prepare_cached(
        "SELECT bot, name, last_update, last_update_at, unread_kinds FROM telegram_bots
         WHERE bot = ?1",
    )?;
    let found = statement.query([bot])?;
    read_one("telegram_bot", found, |columns| {
        let update: Option<i64> = columns.row.get(2)?;
        Ok(Bot {
            bot: columns.integer(0)?,
            name: columns.text(1)?,
            last: update.zip(columns.time_option(3)?),
            unread_kinds: columns.count("unread_kinds", 4)?,
        })
    })
}

/// Notes what a bot is called.
pub fn save_bot(tx: &WriteTx<'_>, bot: i64, name: &str) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO telegram_bots (bot, name) VALUES (?1, ?2)
         ON CONFLICT (bot) DO UPDATE SET name = excluded.name",
        params![bot, name],
    )?;
    Ok(())
}

/// Notes that updates up to `last` are kept here, with how many more were of kinds that nobody reads.
pub fn save_position(
    tx: &WriteTx<'_>,
    bot: i64,
    last: i64,
    unread: u64,
    at: Timestamp,
) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO telegram_bots (bot, name, last_update, last_update_at, unread_kinds)
         VALUES (?1, '', ?2, ?3, ?4)
         ON CONFLICT (bot) DO UPDATE SET last_update = excluded.last_update,
             last_update_at = excluded.last_update_at,
             unread_kinds = unread_kinds + excluded.unread_kinds",
        params![
            bot,
            last,
            at.as_millis(),
            i64::try_from(unread).unwrap_or(i64::MAX)
        ],
    )?;
    Ok(())
}

/// Returns the paired chat of a number.
pub fn chat(tx: &impl Tx, chat: i64) -> Result<Option<TelegramChat>, StoreError> {
    let sql = format!("SELECT {CHAT_COLUMNS} FROM telegram_chats WHERE chat = ?1");
    let mut statement = tx.conn().prepare_cached(&sql)?;
    let found = statement.query([chat])?;
    read_one(CHAT, found, read_chat)
}

/// Returns the paired chat of an identifier.
pub fn chat_by_id(tx: &impl Tx, id: TelegramChatId) -> Result<Option<TelegramChat>, StoreError> {
    let sql = format!("SELECT {CHAT_COLUMNS} FROM telegram_chats WHERE id = ?1");
    let mut statement = tx.conn().prepare_cached(&sql)?;
    let found = statement.query([id.0])?;
    read_one(CHAT, found, read_chat)
}

/// Whether a person has paired their private chat.
pub fn is_paired(tx: &impl Tx, user: i64) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM telegram_chats WHERE user = ?1 AND chat = user";
    Ok(tx.conn().prepare_cached(sql)?.exists([user])?)
}

/// Returns the paired chats, in the order in which they were paired.
pub fn chats(tx: &impl Tx, limit: usize) -> Result<Vec<TelegramChat>, StoreError> {
    let sql =
        format!("SELECT {CHAT_COLUMNS} FROM telegram_chats ORDER BY created_at, chat LIMIT ?1");
    let mut statement = tx.conn().prepare_cached(&sql)?;
    let found = statement.query([rows_for(limit) - 1])?;
    read_all(CHAT, found, read_chat)
}

/// Stores a chat that was paired.
pub fn insert_chat(
    tx: &mut WriteTx<'_>,
    change: Change<TelegramChat>,
    by: &str,
) -> Result<TelegramChat, StoreError> {
    let Change { after, event } = change;
    tx.execute(
        "INSERT INTO telegram_chats (id, chat, user, name, conversation_id, created_at, is_by_settings)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![
            after.id.0,
            after.chat,
            after.user,
            after.name,
            after.conversation_id.map(|id| id.0),
            after.created_at.as_millis(),
            after.paired_by == PairedBy::Settings,
        ],
    )?;
    tx.execute(
        "DELETE FROM telegram_refusals WHERE chat = ?1",
        [after.chat],
    )?;
    tx.append(after.id.0, by, after.created_at, &event)?;
    Ok(after)
}

/// Notes by what a chat may talk from here on.
pub fn save_paired_by(tx: &WriteTx<'_>, chat: i64, by: PairedBy) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE telegram_chats SET is_by_settings = ?2 WHERE chat = ?1",
        params![chat, by == PairedBy::Settings],
    )?;
    Ok(())
}

/// Notes since when Telegram hands a chat nothing, or that it does again.
pub fn save_closed(
    tx: &WriteTx<'_>,
    chat: i64,
    since: Option<Timestamp>,
) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE telegram_chats SET closed_at = ?2 WHERE chat = ?1",
        params![chat, since.map(Timestamp::as_millis)],
    )?;
    Ok(())
}

/// Notes where what is said in a chat is kept.
pub fn save_conversation(
    tx: &WriteTx<'_>,
    chat: i64,
    conversation: ConversationId,
) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE telegram_chats SET conversation_id = ?2 WHERE chat = ?1",
        params![chat, conversation.0],
    )?;
    Ok(())
}

/// Removes a chat, with what came in from it and is to go out to it.
pub fn delete_chat(
    tx: &mut WriteTx<'_>,
    chat: &TelegramChat,
    event: &EventKind,
    by: &str,
    at: Timestamp,
) -> Result<(), StoreError> {
    for sql in [
        "DELETE FROM telegram_chats WHERE chat = ?1",
        "DELETE FROM telegram_messages WHERE chat = ?1 AND status = 'waiting'",
    ] {
        tx.execute(sql, [chat.chat])?;
    }
    tx.execute(
        "UPDATE telegram_updates SET arrival = NULL, done_at = ?2
         WHERE chat = ?1 AND done_at IS NULL",
        params![chat.chat, at.as_millis()],
    )?;
    tx.append(chat.id.0, by, at, event)
}

/// Notes that a chat was told that it may not talk here; returns whether it had not been, and whether
/// fewer than `most` were.
pub fn refuse(tx: &WriteTx<'_>, chat: i64, most: usize, at: Timestamp) -> Result<bool, StoreError> {
    let stored = tx.execute(
        "INSERT INTO telegram_refusals (chat, created_at)
         SELECT ?1, ?2 WHERE (SELECT count(*) FROM telegram_refusals) < ?3
         ON CONFLICT (chat) DO NOTHING",
        params![chat, at.as_millis(), rows_for(most) - 1],
    )?;
    Ok(stored == 1)
}

/// Keeps what came in, unless it is here already; returns whether it was not.
pub fn insert_update(
    tx: &WriteTx<'_>,
    bot: i64,
    update_id: i64,
    (chat, user): (i64, i64),
    arrival: &Arrival,
    at: Timestamp,
) -> Result<bool, StoreError> {
    let stored = tx.execute(
        "INSERT INTO telegram_updates (bot, update_id, chat, user, arrival, created_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (bot, update_id) DO NOTHING",
        params![
            bot,
            update_id,
            chat,
            user,
            to_json(UPDATE, "arrival", arrival)?,
            at.as_millis()
        ],
    )?;
    Ok(stored == 1)
}

/// Returns the first that is to be dealt with of what is said in each chat, and of the presses in it, at most
/// `limit`, in the order in which they came in.
pub fn next_updates(tx: &impl Tx, limit: usize) -> Result<Vec<Update>, StoreError> {
    let mut statement = tx.conn().prepare_cached(
        "SELECT number, bot, update_id, chat, user, arrival, created_at FROM telegram_updates
         WHERE done_at IS NULL AND number IN
             (SELECT min(number) FROM telegram_updates WHERE done_at IS NULL
              GROUP BY chat, arrival ->> 'kind' = 'press')
         ORDER BY number LIMIT ?1",
    )?;
    let found = statement.query([rows_for(limit) - 1])?;
    read_all(UPDATE, found, |columns| {
        Ok(Update {
            number: columns.integer(0)?,
            bot: columns.integer(1)?,
            update_id: columns.integer(2)?,
            chat: columns.integer(3)?,
            user: columns.integer(4)?,
            arrival: columns.json("arrival", 5)?,
            created_at: columns.time(6)?,
        })
    })
}

/// Notes that an update was dealt with, and forgets its words; returns whether it was not before.
pub fn finish_update(tx: &WriteTx<'_>, number: i64, at: Timestamp) -> Result<bool, StoreError> {
    let changed = tx.execute(
        "UPDATE telegram_updates SET arrival = NULL, done_at = ?2
         WHERE number = ?1 AND done_at IS NULL",
        params![number, at.as_millis()],
    )?;
    Ok(changed == 1)
}

/// Counts updates that are to be dealt with.
pub fn count_waiting_updates(tx: &impl Tx) -> Result<u64, StoreError> {
    let mut statement = tx
        .conn()
        .prepare_cached("SELECT count(*) FROM telegram_updates WHERE done_at IS NULL")?;
    let count: Option<u64> = statement.query_row([], |row| row.get(0)).optional()?;
    Ok(count.unwrap_or(0))
}

/// Forgets that chats were told before `moment` that they may not talk here.
pub fn forget_refusals(tx: &WriteTx<'_>, moment: Timestamp) -> Result<usize, StoreError> {
    tx.execute(
        "DELETE FROM telegram_refusals WHERE created_at < ?1",
        [moment.as_millis()],
    )
}

/// Forgets updates that were dealt with before `moment`, a bounded number at a time; returns how many.
pub fn forget_updates(tx: &WriteTx<'_>, moment: Timestamp) -> Result<usize, StoreError> {
    tx.execute(
        "DELETE FROM telegram_updates WHERE number IN
             (SELECT number FROM telegram_updates WHERE done_at < ?1 LIMIT 500)",
        [moment.as_millis()],
    )
}

fn read_chat(columns: &Columns<'_, '_>) -> Result<TelegramChat, StoreError> {
    Ok(TelegramChat {
        id: TelegramChatId(columns.uuid(0)?),
        chat: columns.integer(1)?,
        user: columns.integer(2)?,
        name: columns.text(3)?,
        conversation_id: columns.uuid_option(4)?.map(ConversationId),
        created_at: columns.time(5)?,
        paired_by: if columns.row.get(6)? {
            PairedBy::Settings
        } else {
            PairedBy::Code
        },
        closed_at: columns.time_option(7)?,
    })
}

/// Writes what goes out.
fn content(outgoing: &Outgoing) -> Result<String, StoreError> {
    to_json("telegram_message", "content", outgoing)
}

#[cfg(test)]
mod tests;
