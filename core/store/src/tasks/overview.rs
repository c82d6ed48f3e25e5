//! What a day's summary tells of: tasks that are due, wait for the person, are done or under way.

use hearth_domain::Timestamp;
use hearth_domain::task::Task;
use rusqlite::{Params, params};

use super::{ENTITY, rows};
use crate::columns::read_all;
use crate::error::StoreError;
use crate::page::rows_for;
use crate::read_tx::Tx;

/// Returns up to `limit` tasks that have not ended and are due from `from` on and before `until`, the
/// earliest first.
pub fn due_within(
    tx: &impl Tx,
    from: Timestamp,
    until: Timestamp,
    limit: usize,
) -> Result<Vec<Task>, StoreError> {
    let condition =
        "due_at >= ?1 AND due_at < ?2 AND status IN ('pending', 'in_progress', 'blocked')
         ORDER BY due_at, number LIMIT ?3";
    let params = params![from.as_millis(), until.as_millis(), rows_for(limit) - 1];
    some(tx, condition, params)
}

/// Returns up to `limit` tasks that wait for the person, those that wait longest first.
pub fn blocked(tx: &impl Tx, limit: usize) -> Result<Vec<Task>, StoreError> {
    let condition = "status = 'blocked' ORDER BY updated_at, number LIMIT ?1";
    some(tx, condition, [rows_for(limit) - 1])
}

/// Returns up to `limit` tasks that agents completed at or after `since`, the earliest first.
pub fn completed_since(
    tx: &impl Tx,
    since: Timestamp,
    limit: usize,
) -> Result<Vec<Task>, StoreError> {
    // What was completed then has not changed before; the index is on that.
    let condition = "updated_at >= ?1 AND status = 'completed' AND completed_at >= ?1
         AND worker IS NOT NULL AND worker <> 'owner' ORDER BY completed_at, number LIMIT ?2";
    some(
        tx,
        condition,
        params![since.as_millis(), rows_for(limit) - 1],
    )
}

/// Returns up to `limit` tasks that somebody holds, the oldest first.
pub fn at_work(tx: &impl Tx, limit: usize) -> Result<Vec<Task>, StoreError> {
    let condition = "status = 'in_progress' ORDER BY number LIMIT ?1";
    some(tx, condition, [rows_for(limit) - 1])
}

fn some(tx: &impl Tx, condition: &str, params: impl Params) -> Result<Vec<Task>, StoreError> {
    let sql = format!("SELECT {} FROM tasks WHERE {condition}", rows::COLUMNS);
    let mut statement = tx.conn().prepare_cached(&sql)?;
    let found = statement.query(params)?;
    read_all(ENTITY, found, rows::read)
}
