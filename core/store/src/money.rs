//! Money: the ledger of calls of models, what was used up in each scope, and what may be.
//!
//! What was used up is kept beside the ledger in one transaction. [`reserve`], [`settle`] and
//! [`charge`] are the only ways in which it changes.

mod ledger;
mod spending;

use hearth_domain::Timestamp;
use hearth_domain::event::EventKind;
use hearth_domain::money::{BudgetFacts, Charge, Limits, Resource, Scope, ScopeKind};
use rusqlite::params;

use crate::columns::{Columns, read_all, read_one, to_json};
use crate::error::StoreError;
use crate::read_tx::Tx;
use crate::write_tx::WriteTx;

pub use ledger::{calls_of_task, cut_off, find_open_of_step, get, reserve, settle};
pub use spending::{By, Spending, SpendingCursor, spending, top_of_day, top_of_task};

const ENTITY: &str = "budget";
/// The most that one row counts up to, so that no sum leaves what a column holds.
const MOST: u64 = 1 << 62;

/// What was used up in a scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Spent {
    /// What was spent.
    pub spent: Charge,
    /// What calls under way may use at most, beyond that.
    pub reserved: Charge,
    /// With a task: until when its worker's time is counted.
    pub counted_until: Option<Timestamp>,
}

/// Returns what was used up in a scope.
pub fn spent(tx: &impl Tx, scope: &Scope) -> Result<Spent, StoreError> {
    let sql =
        "SELECT usd_micros, tokens, turns, tool_calls, wall_ms, children, reserved_usd_micros,
                   reserved_tokens, counted_until
               FROM spent WHERE scope = ?1 AND key = ?2";
    let mut statement = tx.conn().prepare_cached(sql)?;
    let found = statement.query(params![scope.kind().as_str(), scope.key()])?;
    Ok(read_one(ENTITY, found, read_spent)?.unwrap_or_default())
}

/// Adds to what was spent in a scope.
pub fn charge(
    tx: &WriteTx<'_>,
    scope: &Scope,
    charge: &Charge,
    at: Timestamp,
) -> Result<(), StoreError> {
    add(tx, scope, charge, &Charge::default(), at)
}

/// Notes until when the time of a task's worker is counted.
pub fn count_until(tx: &WriteTx<'_>, scope: &Scope, until: Timestamp) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO spent (scope, key, counted_until, updated_at) VALUES (?1, ?2, ?3, ?3)
         ON CONFLICT (scope, key) DO UPDATE SET counted_until = excluded.counted_until",
        params![scope.kind().as_str(), scope.key(), until.as_millis()],
    )?;
    Ok(())
}

fn add(
    tx: &WriteTx<'_>,
    scope: &Scope,
    spent: &Charge,
    reserved: &Charge,
    at: Timestamp,
) -> Result<(), StoreError> {
    let bounded = |value: u64| value.min(MOST);
    tx.execute(
        "INSERT INTO spent (scope, key, usd_micros, tokens, turns, tool_calls, wall_ms, children,
             reserved_usd_micros, reserved_tokens, updated_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
         ON CONFLICT (scope, key) DO UPDATE SET
             usd_micros = min(usd_micros, ?12) + excluded.usd_micros,
             tokens = min(tokens, ?12) + excluded.tokens,
             turns = min(turns, ?12) + excluded.turns,
             tool_calls = min(tool_calls, ?12) + excluded.tool_calls,
             wall_ms = min(wall_ms, ?12) + excluded.wall_ms,
             children = min(children, ?12) + excluded.children,
             reserved_usd_micros = min(reserved_usd_micros, ?12) + excluded.reserved_usd_micros,
             reserved_tokens = min(reserved_tokens, ?12) + excluded.reserved_tokens,
             updated_at = excluded.updated_at",
        params![
            scope.kind().as_str(),
            scope.key(),
            bounded(spent.usd_micros),
            bounded(spent.tokens),
            bounded(spent.turns),
            bounded(spent.tool_calls),
            bounded(spent.wall_ms),
            bounded(spent.children),
            bounded(reserved.usd_micros),
            bounded(reserved.tokens),
            at.as_millis(),
            // Two of these still fit into a column.
            MOST - 1,
        ],
    )?;
    Ok(())
}

/// Gives back what was set aside in a scope.
fn give_back(tx: &WriteTx<'_>, scope: &Scope, reserved: &Charge) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE spent SET
             reserved_usd_micros = max(0, reserved_usd_micros - ?3),
             reserved_tokens = max(0, reserved_tokens - ?4)
         WHERE scope = ?1 AND key = ?2",
        params![
            scope.kind().as_str(),
            scope.key(),
            reserved.usd_micros.min(MOST),
            reserved.tokens.min(MOST),
        ],
    )?;
    Ok(())
}

/// Returns what the owner allows in a scope, where the owner said something.
pub fn limits(tx: &impl Tx, scope: &Scope) -> Result<Option<Limits>, StoreError> {
    let sql = "SELECT limits FROM budgets WHERE scope = ?1 AND key = ?2";
    let mut statement = tx.conn().prepare_cached(sql)?;
    let found = statement.query(params![scope.kind().as_str(), scope.key()])?;
    read_one(ENTITY, found, |columns| columns.json("limits", 0))
}

/// Returns every scope in which the owner said something, narrowed to those that are not a task's or
/// a day's gone by, from the widest on.
pub fn list_limits(tx: &impl Tx, limit: usize) -> Result<Vec<(Scope, Limits)>, StoreError> {
    let sql = "SELECT scope, key, limits FROM budgets
               WHERE scope IN ('everything', 'project', 'agent') OR (scope, key) = ('day', 'each')
               ORDER BY scope, key LIMIT ?1";
    let mut statement = tx.conn().prepare_cached(sql)?;
    let found = statement.query([i64::try_from(limit).unwrap_or(i64::MAX)])?;
    read_all(ENTITY, found, |columns| {
        Ok((read_scope(columns)?, columns.json("limits", 2)?))
    })
}

/// Returns the scopes in which something was used up since a moment, at most so many, the last first.
pub fn spent_since(
    tx: &impl Tx,
    kind: ScopeKind,
    since: Timestamp,
    limit: usize,
) -> Result<Vec<Scope>, StoreError> {
    let sql = "SELECT scope, key FROM spent INDEXED BY spent_updated
               WHERE updated_at >= ?1 AND scope = ?2
               ORDER BY updated_at DESC LIMIT ?3";
    let mut statement = tx.conn().prepare_cached(sql)?;
    let found = statement.query(params![
        since.as_millis(),
        kind.as_str(),
        i64::try_from(limit).unwrap_or(i64::MAX)
    ])?;
    read_all(ENTITY, found, read_scope)
}

/// Says how much of a resource the owner allows in a scope; with `None` what the settings say counts
/// again. `was` is what counted before and `is` what counts now, for the event; there is none where
/// these are the same.
pub fn set_limit(
    tx: &mut WriteTx<'_>,
    scope: &Scope,
    what: Resource,
    limit: Option<u64>,
    (was, is): (Option<u64>, Option<u64>),
    by: &str,
    at: Timestamp,
) -> Result<(), StoreError> {
    let mut limits = limits(tx, scope)?.unwrap_or_default();
    limits.set(what, limit);
    let key = params![scope.kind().as_str(), scope.key()];
    if limits.is_empty() {
        tx.execute("DELETE FROM budgets WHERE scope = ?1 AND key = ?2", key)?;
    } else {
        tx.execute(
            "INSERT INTO budgets (scope, key, limits, updated_by, updated_at)
             VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (scope, key) DO UPDATE SET limits = excluded.limits,
                 updated_by = excluded.updated_by, updated_at = excluded.updated_at",
            params![
                scope.kind().as_str(),
                scope.key(),
                to_json(ENTITY, "limits", &limits)?,
                by,
                at.as_millis(),
            ],
        )?;
    }
    if was == is {
        return Ok(());
    }
    let budget = BudgetFacts::new(scope, what, is);
    let event = if is.is_none_or(|is| was.is_some_and(|was| was < is)) {
        EventKind::BudgetRaised { budget, was }
    } else {
        EventKind::BudgetLowered { budget, was }
    };
    note(tx, scope, by, at, &event)
}

/// Forgets what the owner said of a task in particular, its own fields having been given anew.
pub fn forget_limits(tx: &WriteTx<'_>, scope: &Scope) -> Result<(), StoreError> {
    tx.execute(
        "DELETE FROM budgets WHERE scope = ?1 AND key = ?2",
        params![scope.kind().as_str(), scope.key()],
    )?;
    Ok(())
}

/// Appends an event about a budget.
pub fn note(
    tx: &mut WriteTx<'_>,
    scope: &Scope,
    by: &str,
    at: Timestamp,
    event: &EventKind,
) -> Result<(), StoreError> {
    tx.append(scope.id(), by, at, event)
}

fn read_scope(columns: &Columns<'_, '_>) -> Result<Scope, StoreError> {
    let kind: ScopeKind = columns.word("scope", 0)?;
    Scope::parse(kind, &columns.text(1)?)
        .map_err(|problem| StoreError::corrupt(ENTITY, "key", problem))
}

fn read_spent(columns: &Columns<'_, '_>) -> Result<Spent, StoreError> {
    Ok(Spent {
        spent: Charge {
            usd_micros: columns.count("usd_micros", 0)?,
            tokens: columns.count("tokens", 1)?,
            turns: columns.count("turns", 2)?,
            tool_calls: columns.count("tool_calls", 3)?,
            wall_ms: columns.count("wall_ms", 4)?,
            children: columns.count("children", 5)?,
        },
        reserved: Charge {
            usd_micros: columns.count("reserved_usd_micros", 6)?,
            tokens: columns.count("reserved_tokens", 7)?,
            ..Charge::default()
        },
        counted_until: columns.time_option(8)?,
    })
}

#[cfg(test)]
mod tests;
