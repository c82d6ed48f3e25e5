//! Notices, the outbox to the person: insert once, take, note as delivered.

use hearth_domain::field::Word;
use hearth_domain::notice::{Delivery, Notice};
use hearth_domain::{Change, NoticeId, TaskId, Timestamp};
use rusqlite::params;

use crate::columns::{Columns, read_all, read_one};
use crate::error::StoreError;
use crate::page::{Page, rows_for};
use crate::read_tx::Tx;
use crate::write_tx::WriteTx;

const ENTITY: &str = "notice";
const COLUMNS: &str =
    "number, id, kind, task_id, about, text, created_at, channel, taken_until, delivered_at";

/// A position among the notices.
pub type NoticeCursor = i64;

/// Returns a notice.
pub fn get(tx: &impl Tx, id: NoticeId) -> Result<Option<Notice>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM notices WHERE id = ?1");
    let mut statement = tx.conn().prepare_cached(&sql)?;
    let found = statement.query([id.0])?;
    read_one(ENTITY, found, read)
}

/// Whether there is a notice of this, told or not.
pub fn is_told_of(tx: &impl Tx, about: &str) -> Result<bool, StoreError> {
    Ok(tx
        .conn()
        .prepare_cached("SELECT 1 FROM notices WHERE about = ?1")?
        .exists([about])?)
}

/// Returns up to `limit` notices that nobody has told, oldest first; some may be taken.
pub fn undelivered(tx: &impl Tx, limit: usize) -> Result<Vec<Notice>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM notices WHERE delivered_at IS NULL ORDER BY number LIMIT ?1"
    );
    let mut statement = tx.conn().prepare_cached(&sql)?;
    let found = statement.query([rows_for(limit) - 1])?;
    read_all(ENTITY, found, read)
}

/// Returns up to `limit` notices, told ones too, newest first, before `cursor`.
pub fn list(
    tx: &impl Tx,
    cursor: Option<NoticeCursor>,
    limit: usize,
) -> Result<Page<Notice, NoticeCursor>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM notices WHERE ?1 IS NULL OR number < ?1 ORDER BY number DESC LIMIT ?2"
    );
    let mut statement = tx.conn().prepare_cached(&sql)?;
    let found = statement.query(params![cursor, rows_for(limit)])?;
    let numbered = read_all(ENTITY, found, |columns| {
        Ok((columns.integer(0)?, read(columns)?))
    })?;
    let page = Page::cut(numbered, limit, |(number, _)| *number);
    Ok(Page {
        items: page.items.into_iter().map(|(_, notice)| notice).collect(),
        next: page.next,
    })
}

/// Stores a notice that was made, unless there is one of this already; returns whether it was
/// stored.
pub fn insert(tx: &mut WriteTx<'_>, change: Change<Notice>, by: &str) -> Result<bool, StoreError> {
    let Change { after, event } = change;
    if is_told_of(tx, &after.about)? {
        return Ok(false);
    }
    tx.execute(
        "INSERT INTO notices (id, kind, task_id, about, text, created_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![
            after.id.0,
            after.kind.as_str(),
            after.task_id.map(|id| id.0),
            after.about,
            after.text,
            after.created_at.as_millis(),
        ],
    )?;
    tx.append(after.id.0, by, after.created_at, &event)?;
    Ok(true)
}

/// Stores that a channel is about to tell it. Nothing was told yet: no event.
pub fn save_taken(tx: &WriteTx<'_>, notice: &Notice) -> Result<(), StoreError> {
    save_delivery(tx, notice)
}

/// Stores that it was told.
pub fn save(
    tx: &mut WriteTx<'_>,
    change: Change<Notice>,
    by: &str,
    at: Timestamp,
) -> Result<Notice, StoreError> {
    let Change { after, event } = change;
    save_delivery(tx, &after)?;
    tx.append(after.id.0, by, at, &event)?;
    Ok(after)
}

fn save_delivery(tx: &WriteTx<'_>, notice: &Notice) -> Result<(), StoreError> {
    let (channel, until, delivered) = match &notice.delivery {
        Delivery::Waiting => (None, None, None),
        Delivery::Taken { channel, until } => (Some(channel), Some(*until), None),
        Delivery::Delivered { channel, at } => (Some(channel), Some(*at), Some(*at)),
    };
    let changed = tx.execute(
        "UPDATE notices SET channel = ?2, taken_until = ?3, delivered_at = ?4
         WHERE id = ?1 AND delivered_at IS NULL",
        params![
            notice.id.0,
            channel.map(Word::as_str),
            until.map(Timestamp::as_millis),
            delivered.map(Timestamp::as_millis),
        ],
    )?;
    if changed != 1 {
        return Err(StoreError::Stale {
            entity: ENTITY,
            id: notice.id.0,
        });
    }
    Ok(())
}

fn read(columns: &Columns<'_, '_>) -> Result<Notice, StoreError> {
    let channel = columns.text_option(7)?.map(Word::from_stored);
    let delivery = match (channel, columns.time_option(8)?, columns.time_option(9)?) {
        (Some(channel), _, Some(at)) => Delivery::Delivered { channel, at },
        (Some(channel), Some(until), None) => Delivery::Taken { channel, until },
        _ => Delivery::Waiting,
    };
    Ok(Notice {
        id: NoticeId(columns.uuid(1)?),
        kind: columns.word("kind", 2)?,
        task_id: columns.uuid_option(3)?.map(TaskId),
        about: columns.text(4)?,
        text: columns.text(5)?,
        delivery,
        created_at: columns.time(6)?,
    })
}
