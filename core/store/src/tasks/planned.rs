//! What the calendar asks for: series that go on, tasks that are due.

use hearth_domain::Timestamp;
use hearth_domain::notice::NoticeKind;
use hearth_domain::task::Task;
use rusqlite::params;

use super::{ENTITY, rows};
use crate::columns::read_all;
use crate::error::StoreError;
use crate::read_tx::Tx;

/// The last task of each series.
const LAST_OF_SERIES: &str = "SELECT series_id, max(occasion_at) AS occasion_at FROM tasks
     WHERE series_id IS NOT NULL GROUP BY series_id";

/// What has not ended.
const OPEN: &str = "status IN ('pending', 'in_progress', 'blocked')";

/// Returns the last tasks of series that go on and whose next task is wanted: the last has ended or
/// its occasion has come. At most 100 of them.
pub fn series_to_continue(tx: &impl Tx, now: Timestamp) -> Result<Vec<Task>, StoreError> {
    let sql = format!(
        "SELECT {} FROM tasks WHERE (series_id, occasion_at) IN ({LAST_OF_SERIES})
         AND recurrence IS NOT NULL AND (occasion_at <= ?1 OR NOT {OPEN}) LIMIT 100",
        rows::COLUMNS
    );
    let mut statement = tx.conn().prepare_cached(&sql)?;
    let found = statement.query([now.as_millis()])?;
    read_all(ENTITY, found, rows::read)
}

/// Returns when the next series goes on by the calendar.
pub fn next_occasion(tx: &impl Tx, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
    let sql = format!(
        "SELECT min(occasion_at) FROM tasks WHERE (series_id, occasion_at) IN ({LAST_OF_SERIES})
         AND recurrence IS NOT NULL AND occasion_at > ?1"
    );
    let next: Option<i64> = tx
        .conn()
        .prepare_cached(&sql)?
        .query_row([now.as_millis()], |row| row.get(0))?;
    Ok(next.map(Timestamp::from_millis))
}

/// Names what a reminder of one due date of a task is about.
pub fn reminder_of(kind: NoticeKind, task: &Task) -> String {
    let due_ms = task.due_at.map_or(0, Timestamp::as_millis);
    format!("{kind}:{}:{due_ms}", task.id.0.simple())
}

/// Returns tasks that have not ended, were due after `after` and no later than `until`, and of whose
/// due date there is no notice of this kind. At most 100 of them, the earliest due first.
pub fn to_remind_of(
    tx: &impl Tx,
    kind: NoticeKind,
    after: Timestamp,
    until: Timestamp,
) -> Result<Vec<Task>, StoreError> {
    let sql = format!(
        "SELECT {} FROM tasks WHERE due_at > ?1 AND due_at <= ?2 AND {OPEN}
         AND NOT EXISTS (SELECT 1 FROM notices
             WHERE about = ?3 || ':' || lower(hex(tasks.id)) || ':' || tasks.due_at)
         ORDER BY due_at LIMIT 100",
        rows::COLUMNS
    );
    let mut statement = tx.conn().prepare_cached(&sql)?;
    let found = statement.query(params![after.as_millis(), until.as_millis(), kind.as_str()])?;
    read_all(ENTITY, found, rows::read)
}

/// Returns when the next task that has not ended is due, after `moment`.
pub fn next_due(tx: &impl Tx, moment: Timestamp) -> Result<Option<Timestamp>, StoreError> {
    let sql = format!("SELECT min(due_at) FROM tasks WHERE due_at > ?1 AND {OPEN}");
    let next: Option<i64> = tx
        .conn()
        .prepare_cached(&sql)?
        .query_row([moment.as_millis()], |row| row.get(0))?;
    Ok(next.map(Timestamp::from_millis))
}
