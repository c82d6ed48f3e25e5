//! Agents: get, list, insert, save, and who has fallen silent.

use hearth_domain::agent::{Agent, AgentStatus};
use hearth_domain::event::EventKind;
use hearth_domain::field::{AgentName, Word};
use hearth_domain::{AgentId, Change, Timestamp};
use rusqlite::types::Value;
use rusqlite::{params, params_from_iter};

use crate::columns::{Columns, to_json};
use crate::error::StoreError;
use crate::page::Page;
use crate::read_tx::Tx;
use crate::write_tx::WriteTx;

const ENTITY: &str = "agent";
const COLUMNS: &str = "id, name, type, status, capabilities, metadata, created_at, last_seen_at";

/// Returns the agent of a name.
pub fn get(tx: &impl Tx, name: &AgentName) -> Result<Option<Agent>, StoreError> {
    let mut statement = tx
        .conn()
        .prepare_cached(&format!("SELECT {COLUMNS} FROM agents WHERE name = ?1"))?;
    let mut rows = statement.query([name.as_str()])?;
    rows.next()?
        .map(|row| {
            read(&Columns {
                entity: ENTITY,
                row,
            })
        })
        .transpose()
}

/// Returns up to `limit` agents after `cursor`, by name.
pub fn list(
    tx: &impl Tx,
    statuses: &[AgentStatus],
    cursor: Option<&AgentName>,
    limit: usize,
) -> Result<Page<Agent, AgentName>, StoreError> {
    let mut conditions = vec!["1".to_owned()];
    let mut values: Vec<Value> = Vec::new();
    if let Some(after) = cursor {
        conditions.push("name > ?".into());
        values.push(after.as_str().to_owned().into());
    }
    if !statuses.is_empty() {
        conditions.push(format!(
            "status IN ({})",
            vec!["?"; statuses.len()].join(", ")
        ));
        values.extend(
            statuses
                .iter()
                .map(|status| Value::from(status.as_str().to_owned())),
        );
    }
    values.push(i64::try_from(limit + 1).unwrap_or(i64::MAX).into());
    let sql = format!(
        "SELECT {COLUMNS} FROM agents WHERE {} ORDER BY name LIMIT ?",
        conditions.join(" AND ")
    );
    let mut statement = tx.conn().prepare_cached(&sql)?;
    let mut rows = statement.query(params_from_iter(values))?;
    let mut items = Vec::new();
    while let Some(row) = rows.next()? {
        items.push(read(&Columns {
            entity: ENTITY,
            row,
        })?);
    }
    Ok(Page::cut(items, limit, |agent| agent.name.clone()))
}

/// Returns the agents that are not known to be offline and were last heard from before `moment`.
pub fn silent_since(tx: &impl Tx, moment: Timestamp) -> Result<Vec<Agent>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM agents WHERE status <> 'offline' AND last_seen_at <= ?1 LIMIT 100"
    );
    let mut statement = tx.conn().prepare_cached(&sql)?;
    let mut rows = statement.query([moment.as_millis()])?;
    let mut items = Vec::new();
    while let Some(row) = rows.next()? {
        items.push(read(&Columns {
            entity: ENTITY,
            row,
        })?);
    }
    Ok(items)
}

/// Returns when the agent that has been silent longest was last heard from.
pub fn oldest_sign_of_life(tx: &impl Tx) -> Result<Option<Timestamp>, StoreError> {
    let sql = "SELECT min(last_seen_at) FROM agents WHERE status <> 'offline'";
    let oldest: Option<i64> = tx
        .conn()
        .prepare_cached(sql)?
        .query_row([], |row| row.get(0))?;
    Ok(oldest.map(Timestamp::from_millis))
}

/// Counts agents by status, and how many of them hold a task.
pub fn utilisation(tx: &impl Tx) -> Result<(u64, u64), StoreError> {
    let sql = "SELECT (SELECT count(*) FROM agents WHERE status <> 'offline'),
                      (SELECT count(DISTINCT lease_holder) FROM tasks WHERE lease_expires_at IS NOT NULL)";
    Ok(tx
        .conn()
        .prepare_cached(sql)?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?)
}

/// Stores an agent that registered for the first time.
pub fn insert(tx: &mut WriteTx<'_>, change: Change<Agent>) -> Result<Agent, StoreError> {
    let Change { after, event } = change;
    tx.execute(
        "INSERT INTO agents (id, name, type, status, capabilities, metadata, created_at, last_seen_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        params![
            after.id.0,
            after.name.as_str(),
            after.kind.as_str(),
            after.status.as_str(),
            to_json(ENTITY, "capabilities", &after.capabilities)?,
            to_json(ENTITY, "metadata", &after.metadata)?,
            after.created_at.as_millis(),
            after.last_seen_at.as_millis(),
        ],
    )?;
    tx.append(after.id.0, after.name.as_str(), after.last_seen_at, &event)?;
    Ok(after)
}

/// Stores an agent that changed; with an event where there is one to tell.
pub fn save(
    tx: &mut WriteTx<'_>,
    after: Agent,
    event: Option<&EventKind>,
    at: Timestamp,
) -> Result<Agent, StoreError> {
    let changed = tx.execute(
        "UPDATE agents SET type = ?2, status = ?3, capabilities = ?4, metadata = ?5, last_seen_at = ?6
         WHERE id = ?1",
        params![
            after.id.0,
            after.kind.as_str(),
            after.status.as_str(),
            to_json(ENTITY, "capabilities", &after.capabilities)?,
            to_json(ENTITY, "metadata", &after.metadata)?,
            after.last_seen_at.as_millis(),
        ],
    )?;
    if changed != 1 {
        return Err(StoreError::Stale {
            entity: ENTITY,
            id: after.id.0,
        });
    }
    if let Some(event) = event {
        tx.append(after.id.0, after.name.as_str(), at, event)?;
    }
    Ok(after)
}

fn read(columns: &Columns<'_, '_>) -> Result<Agent, StoreError> {
    Ok(Agent {
        id: AgentId(columns.uuid(0)?),
        name: AgentName::from_stored(columns.text(1)?),
        kind: Word::from_stored(columns.text(2)?),
        status: columns.word("status", 3)?,
        capabilities: columns.json("capabilities", 4)?,
        metadata: columns.object("metadata", 5)?,
        created_at: columns.time(6)?,
        last_seen_at: columns.time(7)?,
    })
}
