//! Events: appended in the transaction of the change they tell of, never changed, never deleted.

use hearth_domain::event::{Event, EventKind, Seq};
use hearth_domain::event_filter::{EventFilter, TypePattern};
use hearth_domain::{EventId, Timestamp};
use rusqlite::types::Value;
use rusqlite::{params, params_from_iter};
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::columns::{Columns, read_all};
use crate::error::StoreError;
use crate::page::Page;
use crate::read_tx::Tx;
use crate::write_tx::WriteTx;

const ENTITY: &str = "event";

/// Which way a list of events runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Direction {
    /// From the oldest on.
    #[default]
    Ascending,
    /// From the newest back.
    Descending,
}

/// Appends one event; only [`WriteTx::append`] calls it.
pub(crate) fn insert(
    tx: &WriteTx<'_>,
    id: EventId,
    entity_id: Uuid,
    agent_name: &str,
    at: Timestamp,
    kind: &EventKind,
) -> Result<Event, StoreError> {
    let payload = kind
        .payload_json()
        .map_err(|problem| StoreError::corrupt(ENTITY, "payload", problem))?;
    let entity_type = kind.entity_type().as_str();
    tx.execute(
        "INSERT INTO events (id, type, entity_type, entity_id, agent_name, payload, timestamp)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![
            id.0,
            kind.type_name(),
            entity_type,
            entity_id,
            agent_name,
            payload,
            at.as_millis()
        ],
    )?;
    Ok(Event {
        seq: tx.conn().last_insert_rowid(),
        id,
        type_name: kind.type_name().to_owned(),
        entity_type: entity_type.to_owned(),
        entity_id,
        agent_name: agent_name.to_owned(),
        payload: RawValue::from_string(payload)
            .map_err(|problem| StoreError::corrupt(ENTITY, "payload", problem))?,
        timestamp: at,
    })
}

/// Returns the last event's position; 0 where there is none.
pub fn last_seq(tx: &impl Tx) -> Result<Seq, StoreError> {
    let mut statement = tx
        .conn()
        .prepare_cached("SELECT coalesce(max(seq), 0) FROM events")?;
    Ok(statement.query_row([], |row| row.get(0))?)
}

/// Returns up to `limit` events beyond `cursor` that `filter` wants.
pub fn list(
    tx: &impl Tx,
    filter: &EventFilter,
    direction: Direction,
    cursor: Option<Seq>,
    limit: usize,
) -> Result<Page<Event, Seq>, StoreError> {
    let (order, beyond, start) = match direction {
        Direction::Ascending => ("ASC", ">", cursor.unwrap_or(0)),
        Direction::Descending => ("DESC", "<", cursor.unwrap_or(Seq::MAX)),
    };
    let mut values: Vec<Value> = vec![start.into()];
    let mut conditions = vec![format!("seq {beyond} ?")];
    if let Some(channel) = filter.channel {
        conditions.extend(types_condition(&channel.patterns(), &mut values));
    }
    conditions.extend(types_condition(&filter.types, &mut values));
    conditions.extend(any_of(
        "entity_id",
        &mut values,
        filter.entity_ids.iter().map(|id| id.as_bytes().to_vec()),
    ));
    conditions.extend(any_of(
        "entity_type",
        &mut values,
        filter.entity_types.iter().cloned(),
    ));
    conditions.extend(any_of(
        "agent_name",
        &mut values,
        filter.agent_names.iter().cloned(),
    ));
    values.push(crate::page::rows_for(limit).into());
    let sql = format!(
        "SELECT seq, id, type, entity_type, entity_id, agent_name, payload, timestamp
         FROM events WHERE {} ORDER BY seq {order} LIMIT ?",
        conditions.join(" AND ")
    );
    let mut statement = tx.conn().prepare_cached(&sql)?;
    let found = statement.query(params_from_iter(values))?;
    let items = read_all(ENTITY, found, read)?;
    Ok(Page::cut(items, limit, |event| event.seq))
}

/// Writes the condition that a type fits one of `patterns`; none where any type does.
fn types_condition(patterns: &[TypePattern], values: &mut Vec<Value>) -> Option<String> {
    if patterns.is_empty() || patterns.contains(&TypePattern::Any) {
        return None;
    }
    let alternatives: Vec<&str> = patterns
        .iter()
        .map(|pattern| match pattern {
            TypePattern::Any => "1",
            TypePattern::Exact(exact) => {
                values.push(exact.clone().into());
                "type = ?"
            }
            TypePattern::Prefix(prefix) => {
                // Types are lower-case words, so that everything with the prefix sorts before '{'.
                values.push(prefix.clone().into());
                values.push(format!("{prefix}{{").into());
                "(type >= ? AND type < ?)"
            }
        })
        .collect();
    Some(format!("({})", alternatives.join(" OR ")))
}

fn any_of<V: Into<Value>>(
    column: &str,
    values: &mut Vec<Value>,
    wanted: impl ExactSizeIterator<Item = V>,
) -> Option<String> {
    if wanted.len() == 0 {
        return None;
    }
    let marks = vec!["?"; wanted.len()].join(", ");
    values.extend(wanted.map(Into::into));
    Some(format!("{column} IN ({marks})"))
}

fn read(columns: &Columns<'_, '_>) -> Result<Event, StoreError> {
    Ok(Event {
        seq: columns.integer(0)?,
        id: EventId(columns.uuid(1)?),
        type_name: columns.text(2)?,
        entity_type: columns.text(3)?,
        entity_id: columns.uuid(4)?,
        agent_name: columns.text(5)?,
        payload: RawValue::from_string(columns.text(6)?)
            .map_err(|problem| StoreError::corrupt(ENTITY, "payload", problem))?,
        timestamp: columns.time(7)?,
    })
}

#[cfg(test)]
mod tests;
