//! What goes out: kept until Telegram took it, in the order of its chat.

use hearth_domain::Timestamp;
use hearth_domain::telegram::Outgoing;
use rusqlite::params;

use super::content;
use crate::columns::read_all;
use crate::error::StoreError;
use crate::page::rows_for;
use crate::read_tx::Tx;
use crate::write_tx::WriteTx;

const ENTITY: &str = "telegram_message";

/// Something that is to go out.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// Its place in the order of its chat.
    pub number: i64,
    /// Where it goes.
    pub chat: i64,
    /// What it is.
    pub content: Outgoing,
    /// How often it was tried.
    pub attempts: u32,
    /// Whether nobody knows what became of a try: it may have arrived.
    pub is_unsure: bool,
    /// When it is to be tried next.
    pub next_at: Timestamp,
    /// When it was made.
    pub created_at: Timestamp,
}

/// Something that could not be delivered.
#[derive(Debug, Clone, PartialEq)]
pub struct DeadLetter {
    /// Where it was to go.
    pub chat: i64,
    /// What it was.
    pub content: Outgoing,
    /// Why not.
    pub error: String,
    /// When it was given up.
    pub at: Timestamp,
}

/// How many there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counted {
    /// To go out.
    pub waiting: u64,
    /// Given up.
    pub dead: u64,
}

/// Stores something that is to go out, unless there is something of this key; returns whether it was
/// stored.
pub fn insert(
    tx: &WriteTx<'_>,
    key: &str,
    chat: i64,
    outgoing: &Outgoing,
    at: Timestamp,
) -> Result<bool, StoreError> {
    let stored = tx.execute(
        "INSERT INTO telegram_messages (key, chat, content, status, next_at, created_at)
         VALUES (?1, ?2, ?3, 'waiting', ?4, ?4) ON CONFLICT (key) DO NOTHING",
        params![key, chat, content(outgoing)?, at.as_millis()],
    )?;
    Ok(stored == 1)
}

/// Returns the first that waits of each chat, due or not: nothing overtakes it there.
pub fn next_of_each_chat(tx: &impl Tx, limit: usize) -> Result<Vec<Message>, StoreError> {
    let mut statement = tx.conn().prepare_cached(
        "SELECT number, chat, content, attempts, is_unsure, next_at, created_at
         FROM telegram_messages
         WHERE status = 'waiting' AND number IN
             (SELECT min(number) FROM telegram_messages WHERE status = 'waiting' GROUP BY chat)
         ORDER BY next_at, number LIMIT ?1",
    )?;
    let found = statement.query([rows_for(limit) - 1])?;
    read_all(ENTITY, found, |columns| {
        Ok(Message {
            number: columns.integer(0)?,
            chat: columns.integer(1)?,
            content: columns.json("content", 2)?,
            attempts: columns.count("attempts", 3)?,
            is_unsure: columns.row.get(4)?,
            next_at: columns.time(5)?,
            created_at: columns.time(6)?,
        })
    })
}

/// Notes that one is about to be tried: until it is told what became of that, nobody knows.
pub fn begin(tx: &WriteTx<'_>, number: i64) -> Result<bool, StoreError> {
    let changed = tx.execute(
        "UPDATE telegram_messages SET attempts = attempts + 1, is_unsure = 1
         WHERE number = ?1 AND status = 'waiting'",
        [number],
    )?;
    Ok(changed == 1)
}

/// Notes that Telegram took it, and forgets its words.
pub fn sent(tx: &WriteTx<'_>, number: i64, at: Timestamp) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE telegram_messages SET status = 'sent', content = NULL, ended_at = ?2
         WHERE number = ?1 AND status = 'waiting'",
        params![number, at.as_millis()],
    )?;
    Ok(())
}

/// Notes that it is to be tried again at `next`, and whether it may have arrived all the same.
pub fn put_off(
    tx: &WriteTx<'_>,
    number: i64,
    next: Timestamp,
    is_unsure: bool,
    error: &str,
) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE telegram_messages SET next_at = ?2, is_unsure = ?3, error = ?4
         WHERE number = ?1 AND status = 'waiting'",
        params![number, next.as_millis(), is_unsure, error],
    )?;
    Ok(())
}

/// Notes that it is not tried any more; returns what it was for and where it was to go, or none where it was
/// settled before.
pub fn give_up(
    tx: &WriteTx<'_>,
    number: i64,
    error: &str,
    at: Timestamp,
) -> Result<Option<(String, i64)>, StoreError> {
    let changed = tx.execute(
        "UPDATE telegram_messages SET status = 'dead', error = ?2, ended_at = ?3
         WHERE number = ?1 AND status = 'waiting'",
        params![number, error, at.as_millis()],
    )?;
    if changed == 0 {
        return Ok(None);
    }
    let sql = "SELECT key, chat FROM telegram_messages WHERE number = ?1";
    let mut statement = tx.conn().prepare_cached(sql)?;
    Ok(Some(statement.query_row([number], |row| {
        Ok((row.get(0)?, row.get(1)?))
    })?))
}

/// Forgets what was given up and whose key begins like this.
pub fn forget_dead(tx: &WriteTx<'_>, prefix: &str) -> Result<(), StoreError> {
    tx.execute(
        "DELETE FROM telegram_messages
         WHERE key >= ?1 AND key < ?1 || char(0x10ffff) AND status = 'dead'",
        [prefix],
    )?;
    Ok(())
}

/// Whether anything whose key begins like this was sent, or is to be.
pub fn has_hope_of(tx: &impl Tx, prefix: &str) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM telegram_messages
               WHERE key >= ?1 AND key < ?1 || char(0x10ffff) AND status <> 'dead' LIMIT 1";
    Ok(tx.conn().prepare_cached(sql)?.exists([prefix])?)
}

/// Counts what is to go out, and what was given up.
pub fn count(tx: &impl Tx) -> Result<Counted, StoreError> {
    let mut statement = tx.conn().prepare_cached(
        "SELECT count(*) FILTER (WHERE status = 'waiting'), count(*) FILTER (WHERE status = 'dead')
         FROM telegram_messages WHERE status <> 'sent'",
    )?;
    Ok(statement.query_row([], |row| {
        Ok(Counted {
            waiting: row.get(0)?,
            dead: row.get(1)?,
        })
    })?)
}

/// Returns up to `limit` that were given up, the last first.
pub fn dead(tx: &impl Tx, limit: usize) -> Result<Vec<DeadLetter>, StoreError> {
    let mut statement = tx.conn().prepare_cached(
        "SELECT chat, content, error, ended_at FROM telegram_messages
         WHERE status = 'dead' ORDER BY ended_at DESC, number DESC LIMIT ?1",
    )?;
    let found = statement.query([rows_for(limit) - 1])?;
    read_all(ENTITY, found, |columns| {
        Ok(DeadLetter {
            chat: columns.integer(0)?,
            content: columns.json("content", 1)?,
            error: columns.text_option(2)?.unwrap_or_default(),
            at: columns.time(3)?,
        })
    })
}

/// Forgets what was taken before `taken` and given up before `dead`, a bounded number at a time;
/// returns how many.
pub fn forget_messages(
    tx: &WriteTx<'_>,
    taken: Timestamp,
    dead: Timestamp,
) -> Result<usize, StoreError> {
    tx.execute(
        "DELETE FROM telegram_messages WHERE number IN
             (SELECT number FROM telegram_messages
              WHERE ended_at < CASE status WHEN 'dead' THEN ?2 ELSE ?1 END LIMIT 500)",
        params![taken.as_millis(), dead.as_millis()],
    )
}
