//! What was spent on what: sums over the ledger.

use std::fmt::Display;

use hearth_domain::{TaskId, Timestamp};
use rusqlite::params;

use crate::columns::{Columns, read_all};
use crate::error::StoreError;
use crate::page::{Page, rows_for};
use crate::read_tx::Tx;

const ENTITY: &str = "spending";

/// What a call counts at: what it used, and its worst case while that is not known.
const SUMS: &str = "count(*) AS calls,
    sum(coalesce(used_usd_micros, reserved_usd_micros)) AS usd_micros,
    sum(coalesce(used_input_tokens, reserved_input_tokens)) AS input_tokens,
    sum(coalesce(used_output_tokens, reserved_output_tokens)) AS output_tokens";

/// What spending is summed by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// Provider and model.
    Model,
    /// Who called.
    Agent,
    /// The project of the task.
    Project,
    /// The day.
    Day,
    /// The task.
    Task,
}

impl By {
    /// What rows are grouped by, as text.
    fn key(self) -> &'static str {
        match self {
            Self::Model => "coalesce(provider || '/' || model, '')",
            Self::Agent => "agent",
            Self::Project => "coalesce(hex(project_id), '')",
            Self::Day => "day",
            Self::Task => "coalesce(hex(task_id), '')",
        }
    }
}

/// What was spent on one thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spending {
    /// What on: `provider/model`, an agent's name, a date, or the digits of a project's or task's
    /// UUID; empty where it was for none, or the model is not known.
    pub key: String,
    /// How many calls of models.
    pub calls: u64,
    /// Money, in millionths of a US dollar.
    pub usd_micros: u64,
    /// Tokens that models read.
    pub input_tokens: u64,
    /// Tokens that models wrote.
    pub output_tokens: u64,
}

/// A position among them: the money and the key of the last one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpendingCursor {
    /// See [`Spending::usd_micros`].
    pub usd_micros: u64,
    /// See [`Spending::key`].
    pub key: String,
}

/// Returns up to `limit` sums over what was reserved since a moment, the most money first.
pub fn spending(
    tx: &impl Tx,
    by: By,
    since: Option<Timestamp>,
    cursor: Option<&SpendingCursor>,
    limit: usize,
) -> Result<Page<Spending, SpendingCursor>, StoreError> {
    let sql = format!(
        "SELECT {} AS key, {SUMS} FROM model_calls WHERE created_at >= ?1 GROUP BY key
         HAVING ?2 IS NULL OR (usd_micros, key) < (?2, ?3)
         ORDER BY usd_micros DESC, key DESC LIMIT ?4",
        by.key()
    );
    let mut statement = tx.conn().prepare_cached(&sql)?;
    let found = statement.query(params![
        since.map_or(0, Timestamp::as_millis),
        cursor.map(|cursor| cursor.usd_micros),
        cursor.map(|cursor| cursor.key.as_str()),
        rows_for(limit),
    ])?;
    let rows = read_all(ENTITY, found, read)?;
    Ok(Page::cut(rows, limit, |row| SpendingCursor {
        usd_micros: row.usd_micros,
        key: row.key.clone(),
    }))
}

/// Returns the models on which most was spent for a task, at most `limit`.
pub fn top_of_task(tx: &impl Tx, task: TaskId, limit: usize) -> Result<Vec<Spending>, StoreError> {
    let sql = format!(
        "SELECT {} AS key, {SUMS} FROM model_calls WHERE task_id = ?1 GROUP BY key
         ORDER BY usd_micros DESC, calls DESC, key LIMIT ?2",
        By::Model.key()
    );
    let mut statement = tx.conn().prepare_cached(&sql)?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let found = statement.query(params![task.0, limit])?;
    read_all(ENTITY, found, read)
}

/// Returns the tasks on which most was spent on a day, at most `limit`.
pub fn top_of_day(
    tx: &impl Tx,
    day: impl Display,
    limit: usize,
) -> Result<Vec<Spending>, StoreError> {
    let sql = format!(
        "SELECT {} AS key, {SUMS} FROM model_calls WHERE day = ?1 GROUP BY key
         ORDER BY usd_micros DESC, calls DESC, key LIMIT ?2",
        By::Task.key()
    );
    let mut statement = tx.conn().prepare_cached(&sql)?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let found = statement.query(params![day.to_string(), limit])?;
    read_all(ENTITY, found, read)
}

fn read(columns: &Columns<'_, '_>) -> Result<Spending, StoreError> {
    Ok(Spending {
        key: columns.text(0)?,
        calls: columns.count("calls", 1)?,
        usd_micros: columns.count("usd_micros", 2)?,
        input_tokens: columns.count("input_tokens", 3)?,
        output_tokens: columns.count("output_tokens", 4)?,
    })
}
