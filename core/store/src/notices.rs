//! Notices, the outbox to the person: insert once, take, note as delivered or as taken back.

use hearth_domain::field::Word;
use hearth_domain::notice::{Delivery, Notice, NoticeKind};
use hearth_domain::{Change, NoticeId, Priority, TaskId, Timestamp};
use rusqlite::params;

use crate::columns::{Columns, read_all, read_one};
use crate::error::StoreError;
use crate::page::{Page, rows_for};
use crate::read_tx::Tx;
use crate::write_tx::WriteTx;

const ENTITY: &str = "notice";
const COLUMNS: &str = "number, id, kind, task_id, about, text, created_at, channel, taken_until,
    delivered_at, withdrawn_at";
/// What nobody has told, and what is still worth it; some may be taken.
const WAITING: &str = "delivered_at IS NULL AND withdrawn_at IS NULL";

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

/// Returns up to `limit` notices that are to be told, oldest first; some may be taken.
pub fn waiting(tx: &impl Tx, limit: usize) -> Result<Vec<Notice>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM notices WHERE {WAITING} ORDER BY number LIMIT ?1");
    let mut statement = tx.conn().prepare_cached(&sql)?;
    let found = statement.query([rows_for(limit) - 1])?;
    read_all(ENTITY, found, read)
}

/// As [`waiting`], of what cannot wait: critical tasks that are blocked.
pub fn waiting_urgently(tx: &impl Tx, limit: usize) -> Result<Vec<Notice>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM notices WHERE {WAITING} AND kind = ?2 AND EXISTS (
             SELECT 1 FROM tasks WHERE tasks.id = notices.task_id AND priority = ?3)
         ORDER BY number LIMIT ?1"
    );
    let mut statement = tx.conn().prepare_cached(&sql)?;
    let found = statement.query(params![
        rows_for(limit) - 1,
        NoticeKind::Blocked.as_str(),
        Priority::Critical.rank()
    ])?;
    read_all(ENTITY, found, read)
}

/// Returns what is to be told of a task.
pub fn waiting_of(tx: &impl Tx, task: TaskId) -> Result<Vec<Notice>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM notices WHERE task_id = ?1 AND {WAITING}");
    let mut statement = tx.conn().prepare_cached(&sql)?;
    let found = statement.query([task.0])?;
    read_all(ENTITY, found, read)
}

/// Whether at least `many` finished tasks are to be told of.
pub fn are_many_finished(tx: &impl Tx, many: usize) -> Result<bool, StoreError> {
    let sql = format!(
        "SELECT 1 FROM notices INDEXED BY notices_finished
         WHERE kind = 'finished' AND {WAITING} LIMIT 1 OFFSET ?1"
    );
    let mut statement = tx.conn().prepare_cached(&sql)?;
    Ok(statement.exists([many.saturating_sub(1)])?)
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

/// Stores that it was told, or taken back.
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

/// Stores that what was told did not arrive.
pub fn save_returned(
    tx: &mut WriteTx<'_>,
    change: Change<Notice>,
    by: &str,
    at: Timestamp,
) -> Result<(), StoreError> {
    let Change { after, event } = change;
    let changed = tx.execute(
        "UPDATE notices SET channel = NULL, taken_until = NULL, delivered_at = NULL
         WHERE id = ?1 AND delivered_at IS NOT NULL",
        [after.id.0],
    )?;
    one_changed(changed, &after)?;
    tx.append(after.id.0, by, at, &event)
}

fn save_delivery(tx: &WriteTx<'_>, notice: &Notice) -> Result<(), StoreError> {
    let (channel, until, delivered, withdrawn) = match &notice.delivery {
        Delivery::Waiting => (None, None, None, None),
        Delivery::Taken { channel, until } => (Some(channel), Some(*until), None, None),
        Delivery::Delivered { channel, at } => (Some(channel), Some(*at), Some(*at), None),
        Delivery::Withdrawn { at } => (None, None, None, Some(*at)),
    };
    let changed = tx.execute(
        "UPDATE notices SET channel = ?2, taken_until = ?3, delivered_at = ?4, withdrawn_at = ?5
         WHERE id = ?1 AND delivered_at IS NULL AND withdrawn_at IS NULL",
        params![
            notice.id.0,
            channel.map(Word::as_str),
            until.map(Timestamp::as_millis),
            delivered.map(Timestamp::as_millis),
            withdrawn.map(Timestamp::as_millis),
        ],
    )?;
    one_changed(changed, notice)
}

fn one_changed(changed: usize, notice: &Notice) -> Result<(), StoreError> {
    if changed == 1 {
        return Ok(());
    }
    Err(StoreError::Stale {
        entity: ENTITY,
        id: notice.id.0,
    })
}

fn read(columns: &Columns<'_, '_>) -> Result<Notice, StoreError> {
    let channel = columns.text_option(7)?.map(Word::from_stored);
    let delivered = columns.time_option(9)?;
    let delivery = match (channel, columns.time_option(8)?, columns.time_option(10)?) {
        (_, _, Some(at)) => Delivery::Withdrawn { at },
        (Some(channel), Some(until), None) => match delivered {
            Some(at) => Delivery::Delivered { channel, at },
            None => Delivery::Taken { channel, until },
        },
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
