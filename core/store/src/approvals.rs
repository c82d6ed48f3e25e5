//! Approvals: get, find, list, insert, save.

use hearth_domain::action::Action;
use hearth_domain::approval::{Approval, ApprovalStatus};
use hearth_domain::field::Word;
use hearth_domain::{ApprovalId, Change, RunId, TaskId, Timestamp};
use rusqlite::{OptionalExtension, params};

use crate::columns::{Columns, read_all, read_one, to_json};
use crate::error::StoreError;
use crate::page::{Page, rows_for};
use crate::read_tx::Tx;
use crate::write_tx::WriteTx;

const ENTITY: &str = "approval";
const COLUMNS: &str =
    "number, id, run_id, task_id, task_number, place, tool, args, what, why, is_once,
    status, decided_by, decided_at, note, expires_at, created_at";
/// The most that run out in one transaction.
const BATCH: usize = 100;

/// A position among the approvals.
pub type ApprovalCursor = i64;

/// Returns an approval.
pub fn get(tx: &impl Tx, id: ApprovalId) -> Result<Option<Approval>, StoreError> {
    let mut statement = tx
        .conn()
        .prepare_cached(&format!("SELECT {COLUMNS} FROM approvals WHERE id = ?1"))?;
    let found = statement.query([id.0])?;
    read_one(ENTITY, found, read)
}

/// Returns the approval with a number.
pub fn find_by_number(tx: &impl Tx, number: i64) -> Result<Option<Approval>, StoreError> {
    let mut statement = tx.conn().prepare_cached(&format!(
        "SELECT {COLUMNS} FROM approvals WHERE number = ?1"
    ))?;
    let found = statement.query([number])?;
    read_one(ENTITY, found, read)
}

/// Returns the approvals that a run asked for, in the order in which it asked.
pub fn of_run(tx: &impl Tx, run: RunId) -> Result<Vec<Approval>, StoreError> {
    let mut statement = tx.conn().prepare_cached(&format!(
        "SELECT {COLUMNS} FROM approvals WHERE run_id = ?1 ORDER BY number"
    ))?;
    let found = statement.query([run.0])?;
    read_all(ENTITY, found, read)
}

/// Returns up to `limit` approvals in a state, or in any, newest first, before `cursor`.
pub fn list(
    tx: &impl Tx,
    status: Option<ApprovalStatus>,
    cursor: Option<ApprovalCursor>,
    limit: usize,
) -> Result<Page<Approval, ApprovalCursor>, StoreError> {
    let by = if status.is_some() {
        "status = ?1"
    } else {
        "?1 IS NULL"
    };
    let sql = format!(
        "SELECT {COLUMNS} FROM approvals WHERE {by} AND number < ?2 ORDER BY number DESC LIMIT ?3"
    );
    let mut statement = tx.conn().prepare_cached(&sql)?;
    let found = statement.query(params![
        status.map(ApprovalStatus::as_str),
        cursor.unwrap_or(i64::MAX),
        rows_for(limit),
    ])?;
    let items = read_all(ENTITY, found, read)?;
    Ok(Page::cut(items, limit, |approval| approval.number))
}

/// Counts those that wait for an answer.
pub fn count_pending(tx: &impl Tx) -> Result<u64, StoreError> {
    let sql = "SELECT count(*) FROM approvals WHERE status = 'pending'";
    Ok(tx
        .conn()
        .prepare_cached(sql)?
        .query_row([], |row| row.get(0))?)
}

/// Returns some of those whose time is over at `now`.
pub fn run_out(tx: &impl Tx, now: Timestamp) -> Result<Vec<Approval>, StoreError> {
    let mut statement = tx.conn().prepare_cached(&format!(
        "SELECT {COLUMNS} FROM approvals
         WHERE status IN ('pending', 'approved') AND expires_at <= ?1 LIMIT {BATCH}"
    ))?;
    let found = statement.query([now.as_millis()])?;
    read_all(ENTITY, found, read)
}

/// Returns when the next one runs out.
pub fn next_expiry(tx: &impl Tx) -> Result<Option<Timestamp>, StoreError> {
    let sql = "SELECT expires_at FROM approvals
               WHERE status IN ('pending', 'approved') ORDER BY expires_at LIMIT 1";
    Ok(tx
        .conn()
        .prepare_cached(sql)?
        .query_row([], |row| row.get(0))
        .optional()?
        .map(Timestamp::from_millis))
}

/// Returns the number that the next approval gets. Numbers are never used again.
pub fn next_number(tx: &WriteTx<'_>) -> Result<i64, StoreError> {
    tx.next_number("approvals")
}

/// Stores what was put to the owner; `by` asks.
pub fn insert(
    tx: &mut WriteTx<'_>,
    change: Change<Approval>,
    by: &str,
) -> Result<Approval, StoreError> {
    let Change { after, event } = change;
    tx.execute(
        "INSERT INTO approvals (number, id, run_id, task_id, task_number, place, tool, args, sha256,
             what, why, is_once, status, expires_at, created_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
        params![
            after.number,
            after.id.0,
            after.run_id.0,
            after.task_id.0,
            after.task_number,
            after.place,
            after.action.tool.as_str(),
            to_json(ENTITY, "args", &after.action.args)?,
            after.action.hash().0,
            after.what,
            after.why,
            after.is_once,
            after.status.as_str(),
            after.expires_at.as_millis(),
            after.created_at.as_millis(),
        ],
    )?;
    tx.append(after.id.0, by, after.created_at, &event)?;
    Ok(after)
}

/// Stores what became of it; `was` is the state it was in before.
pub fn save(
    tx: &mut WriteTx<'_>,
    change: Change<Approval>,
    was: ApprovalStatus,
    by: &str,
    at: Timestamp,
) -> Result<Approval, StoreError> {
    let Change { after, event } = change;
    let changed = tx.execute(
        "UPDATE approvals SET status = ?3, decided_by = ?4, decided_at = ?5, note = ?6,
             expires_at = ?7
         WHERE id = ?1 AND status = ?2",
        params![
            after.id.0,
            was.as_str(),
            after.status.as_str(),
            after.decided_by,
            after.decided_at.map(Timestamp::as_millis),
            after.note,
            after.expires_at.as_millis(),
        ],
    )?;
    if changed != 1 {
        return Err(StoreError::Stale {
            entity: ENTITY,
            id: after.id.0,
        });
    }
    tx.append(after.id.0, by, at, &event)?;
    Ok(after)
}

fn read(columns: &Columns<'_, '_>) -> Result<Approval, StoreError> {
    Ok(Approval {
        number: columns.integer(0)?,
        id: ApprovalId(columns.uuid(1)?),
        run_id: RunId(columns.uuid(2)?),
        task_id: TaskId(columns.uuid(3)?),
        task_number: columns.integer(4)?,
        place: columns.count("place", 5)?,
        action: Action {
            tool: Word::from_stored(columns.text(6)?),
            args: columns.object("args", 7)?,
        },
        what: columns.text(8)?,
        why: columns.text(9)?,
        is_once: columns.row.get(10)?,
        status: columns.word("status", 11)?,
        decided_by: columns.text_option(12)?,
        decided_at: columns.time_option(13)?,
        note: columns.text_option(14)?,
        expires_at: columns.time(15)?,
        created_at: columns.time(16)?,
    })
}

#[cfg(test)]
mod tests;
