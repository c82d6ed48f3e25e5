//! Specialists: get, list, count, insert, save, delete.

use hearth_domain::event::EventKind;
use hearth_domain::field::AgentName;
use hearth_domain::specialist::{Grants, SPECIALISTS_MAX, Specialist};
use hearth_domain::{AgentId, Change, TaskId, Timestamp};
use rusqlite::params;

use crate::columns::{Columns, read_all, read_one, to_json};
use crate::error::StoreError;
use crate::read_tx::Tx;
use crate::write_tx::WriteTx;

const ENTITY: &str = "specialist";
const COLUMNS: &str = "name, agent_id, instructions, tools, asks_before, limits, depth, parent,
    created_by, task_id, is_enabled, version, created_at, updated_at";

/// Returns the specialist of a name.
pub fn get(tx: &impl Tx, name: &AgentName) -> Result<Option<Specialist>, StoreError> {
    let mut statement = tx.conn().prepare_cached(&format!(
        "SELECT {COLUMNS} FROM specialists WHERE name = ?1"
    ))?;
    let found = statement.query([name.as_str()])?;
    read_one(ENTITY, found, read)
}

/// Whether there is a specialist of a name.
pub fn is_present(tx: &impl Tx, name: &AgentName) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM specialists WHERE name = ?1";
    Ok(tx.conn().prepare_cached(sql)?.exists([name.as_str()])?)
}

/// Returns every specialist, by name.
pub fn list(tx: &impl Tx) -> Result<Vec<Specialist>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM specialists ORDER BY name LIMIT {SPECIALISTS_MAX}");
    let mut statement = tx.conn().prepare_cached(&sql)?;
    let found = statement.query([])?;
    read_all(ENTITY, found, read)
}

/// Returns the names of all specialists.
pub fn names(tx: &impl Tx) -> Result<Vec<AgentName>, StoreError> {
    list_names(tx, "1")
}

/// Returns the names of those that may take tasks: they are enabled and not paused.
pub fn free_names(tx: &impl Tx) -> Result<Vec<AgentName>, StoreError> {
    list_names(
        tx,
        "is_enabled AND NOT EXISTS (
             SELECT 1 FROM agents WHERE id = agent_id AND paused_at IS NOT NULL)",
    )
}

/// Counts all specialists, and those that a task made.
pub fn count(tx: &impl Tx, task: TaskId) -> Result<(usize, usize), StoreError> {
    let sql = "SELECT count(*), count(*) FILTER (WHERE task_id = ?1) FROM specialists";
    Ok(tx
        .conn()
        .prepare_cached(sql)?
        .query_row([task.0], |row| Ok((row.get(0)?, row.get(1)?)))?)
}

/// Stores a specialist that was made; its agent is stored already.
pub fn insert(tx: &mut WriteTx<'_>, change: Change<Specialist>) -> Result<Specialist, StoreError> {
    let Change { after, event } = change;
    tx.execute(
        "INSERT INTO specialists (name, agent_id, instructions, tools, asks_before, limits, depth,
             parent, created_by, task_id, is_enabled, version, created_at, updated_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
        params![
            after.name.as_str(),
            after.id.0,
            after.instructions,
            to_json(ENTITY, "tools", &after.grants.tools)?,
            to_json(ENTITY, "asks_before", &after.grants.asks_before)?,
            to_json(ENTITY, "limits", &after.grants.limits)?,
            after.grants.depth,
            after.parent.as_ref().map(AgentName::as_str),
            after.created_by.as_str(),
            after.task_id.map(|id| id.0),
            after.is_enabled,
            after.version,
            after.created_at.as_millis(),
            after.updated_at.as_millis(),
        ],
    )?;
    tx.append(
        after.id.0,
        after.created_by.as_str(),
        after.created_at,
        &event,
    )?;
    Ok(after)
}

/// Stores a specialist that was enabled or disabled; `by` did it.
pub fn save(
    tx: &mut WriteTx<'_>,
    change: Change<Specialist>,
    by: &str,
) -> Result<Specialist, StoreError> {
    let Change { after, event } = change;
    let changed = tx.execute(
        "UPDATE specialists SET is_enabled = ?2, version = ?3, updated_at = ?4
         WHERE agent_id = ?1 AND version = ?3 - 1",
        params![
            after.id.0,
            after.is_enabled,
            after.version,
            after.updated_at.as_millis(),
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

/// Removes a specialist and its agent.
pub fn delete(
    tx: &mut WriteTx<'_>,
    specialist: &Specialist,
    event: &EventKind,
    by: &str,
    at: Timestamp,
) -> Result<(), StoreError> {
    crate::agents::delete(tx, specialist.id)?;
    tx.append(specialist.id.0, by, at, event)
}

fn list_names(tx: &impl Tx, condition: &str) -> Result<Vec<AgentName>, StoreError> {
    let sql = format!(
        "SELECT name FROM specialists WHERE {condition} ORDER BY name LIMIT {SPECIALISTS_MAX}"
    );
    let mut statement = tx.conn().prepare_cached(&sql)?;
    let found = statement.query([])?;
    read_all(ENTITY, found, |columns| {
        Ok(AgentName::from_stored(columns.text(0)?))
    })
}

fn read(columns: &Columns<'_, '_>) -> Result<Specialist, StoreError> {
    Ok(Specialist {
        name: AgentName::from_stored(columns.text(0)?),
        id: AgentId(columns.uuid(1)?),
        instructions: columns.text(2)?,
        grants: Grants {
            tools: columns.json("tools", 3)?,
            asks_before: columns.json("asks_before", 4)?,
            limits: columns.json("limits", 5)?,
            depth: columns.count("depth", 6)?,
        },
        parent: columns.text_option(7)?.map(AgentName::from_stored),
        created_by: AgentName::from_stored(columns.text(8)?),
        task_id: columns.uuid_option(9)?.map(TaskId),
        is_enabled: columns.row.get(10)?,
        version: columns.count("version", 11)?,
        created_at: columns.time(12)?,
        updated_at: columns.time(13)?,
    })
}

#[cfg(test)]
mod tests;
