//! Runs: get, find, list, insert, save.

use hearth_domain::field::AgentName;
use hearth_domain::run::{Run, RunStatus};
use hearth_domain::{Change, RunId, TaskId};
use rusqlite::params;

use crate::columns::{Columns, read_all, read_one, to_json};
use crate::error::StoreError;
use crate::page::{Page, rows_for};
use crate::read_tx::Tx;
use crate::write_tx::WriteTx;

const ENTITY: &str = "run";
const COLUMNS: &str =
    "number, id, task_id, task_number, agent, plan, fence, status, reason, version,
    started_at, updated_at, ended_at";

/// A position among the runs.
pub type RunCursor = i64;

/// Which runs a list shows.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RunFilter {
    /// Those in this state.
    pub status: Option<RunStatus>,
    /// Those of this task.
    pub task: Option<TaskId>,
}

/// Returns a run.
pub fn get(tx: &impl Tx, id: RunId) -> Result<Option<Run>, StoreError> {
    let mut statement = tx
        .conn()
        .prepare_cached(&format!("SELECT {COLUMNS} FROM runs WHERE id = ?1"))?;
    let found = statement.query([id.0])?;
    read_one(ENTITY, found, read)
}

/// Returns the run with a number.
pub fn find_by_number(tx: &impl Tx, number: i64) -> Result<Option<Run>, StoreError> {
    let mut statement = tx
        .conn()
        .prepare_cached(&format!("SELECT {COLUMNS} FROM runs WHERE number = ?1"))?;
    let found = statement.query([number])?;
    read_one(ENTITY, found, read)
}

/// Returns the run of a task that can go on, if there is one.
pub fn open_of(tx: &impl Tx, task: TaskId) -> Result<Option<Run>, StoreError> {
    let mut statement = tx.conn().prepare_cached(&format!(
        "SELECT {COLUMNS} FROM runs WHERE task_id = ?1 AND ended_at IS NULL"
    ))?;
    let found = statement.query([task.0])?;
    read_one(ENTITY, found, read)
}

/// Returns the run of a task that began last, ended or not.
pub fn last_of(tx: &impl Tx, task: TaskId) -> Result<Option<Run>, StoreError> {
    let mut statement = tx.conn().prepare_cached(&format!(
        "SELECT {COLUMNS} FROM runs WHERE task_id = ?1 ORDER BY number DESC LIMIT 1"
    ))?;
    let found = statement.query([task.0])?;
    read_one(ENTITY, found, read)
}

/// Returns up to `limit` runs, newest first, before `cursor`.
pub fn list(
    tx: &impl Tx,
    filter: &RunFilter,
    cursor: Option<RunCursor>,
    limit: usize,
) -> Result<Page<Run, RunCursor>, StoreError> {
    // One index for each way of asking; the last condition cuts what the index does not.
    let by = match (filter.task, filter.status) {
        (Some(_), _) => "task_id = ?1 AND (?2 IS NULL OR status = ?2)",
        (None, Some(_)) => "?1 IS NULL AND status = ?2",
        (None, None) => "?1 IS NULL AND ?2 IS NULL",
    };
    let sql = format!(
        "SELECT {COLUMNS} FROM runs WHERE {by} AND number < ?3 ORDER BY number DESC LIMIT ?4"
    );
    let mut statement = tx.conn().prepare_cached(&sql)?;
    let found = statement.query(params![
        filter.task.map(|id| id.0),
        filter.status.map(RunStatus::as_str),
        cursor.unwrap_or(i64::MAX),
        rows_for(limit),
    ])?;
    let items = read_all(ENTITY, found, read)?;
    Ok(Page::cut(items, limit, |run| run.number))
}

/// Counts the runs in each state that can go on.
pub fn count_open(tx: &impl Tx) -> Result<Vec<(RunStatus, u64)>, StoreError> {
    let sql = "SELECT status, count(*) FROM runs
               WHERE status IN ('running', 'waiting', 'failed') GROUP BY status";
    let mut statement = tx.conn().prepare_cached(sql)?;
    let found = statement.query([])?;
    read_all(ENTITY, found, |columns| {
        Ok((columns.word("status", 0)?, columns.count("count", 1)?))
    })
}

/// Returns the ids of the runs that can go on: those whose folders are kept.
pub fn open_ids(tx: &impl Tx) -> Result<Vec<RunId>, StoreError> {
    let sql = "SELECT id FROM runs WHERE status IN ('running', 'waiting', 'failed')";
    let mut statement = tx.conn().prepare_cached(sql)?;
    let found = statement.query([])?;
    read_all(ENTITY, found, |columns| Ok(RunId(columns.uuid(0)?)))
}

/// Returns the number that the next run gets. Numbers are never used again.
pub fn next_number(tx: &WriteTx<'_>) -> Result<i64, StoreError> {
    tx.next_number("runs")
}

/// Stores a run that began.
pub fn insert(tx: &mut WriteTx<'_>, change: Change<Run>) -> Result<Run, StoreError> {
    let Change { after, event } = change;
    tx.execute(
        "INSERT INTO runs (number, id, task_id, task_number, agent, plan, fence, status, version,
             started_at, updated_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        params![
            after.number,
            after.id.0,
            after.task_id.0,
            after.task_number,
            after.agent.as_str(),
            to_json(ENTITY, "plan", &after.plan)?,
            after.fence,
            after.status.as_str(),
            after.version,
            after.started_at.as_millis(),
            after.updated_at.as_millis(),
        ],
    )?;
    tx.append(after.id.0, after.agent.as_str(), after.started_at, &event)?;
    Ok(after)
}

/// Stores a run that changed; `by` changed it.
pub fn save(tx: &mut WriteTx<'_>, change: Change<Run>, by: &str) -> Result<Run, StoreError> {
    let Change { after, event } = change;
    let changed = tx.execute(
        "UPDATE runs SET agent = ?3, fence = ?4, status = ?5, reason = ?6, version = ?2,
             updated_at = ?7, ended_at = ?8
         WHERE id = ?1 AND version = ?2 - 1",
        params![
            after.id.0,
            after.version,
            after.agent.as_str(),
            after.fence,
            after.status.as_str(),
            after.reason,
            after.updated_at.as_millis(),
            after.ended_at.map(hearth_domain::Timestamp::as_millis),
        ],
    )?;
    if changed != 1 {
        return Err(StoreError::Stale {
            entity: ENTITY,
            id: after.id.0,
        });
    }
    tx.append(after.id.0, by, after.updated_at, &event)?;
    Ok(after)
}

fn read(columns: &Columns<'_, '_>) -> Result<Run, StoreError> {
    Ok(Run {
        number: columns.integer(0)?,
        id: RunId(columns.uuid(1)?),
        task_id: TaskId(columns.uuid(2)?),
        task_number: columns.integer(3)?,
        agent: AgentName::from_stored(columns.text(4)?),
        plan: columns.json("plan", 5)?,
        fence: columns.count("fence", 6)?,
        status: columns.word("status", 7)?,
        reason: columns.text_option(8)?,
        version: columns.count("version", 9)?,
        started_at: columns.time(10)?,
        updated_at: columns.time(11)?,
        ended_at: columns.time_option(12)?,
    })
}

#[cfg(test)]
pub(crate) mod tests;
