//! Agents: get, list, insert, save, and who has fallen silent.

use hearth_domain::agent::{Agent, AgentStatus};
use hearth_domain::event::EventKind;
use hearth_domain::field::{AgentName, Word};
use hearth_domain::{AgentId, Change, Timestamp};
use rusqlite::types::Value;
use rusqlite::{params, params_from_iter};

use crate::columns::{Columns, read_all, read_one, to_json};
use crate::error::StoreError;
use crate::page::Page;
use crate::read_tx::Tx;
use crate::write_tx::WriteTx;

const ENTITY: &str = "agent";
const COLUMNS: &str =
    "id, name, type, status, capabilities, metadata, created_at, last_seen_at, paused_at";
/// The node's own agents that a run made; whether they are there is not a matter of being heard from.
const NO_SPECIALIST: &str = "NOT EXISTS (SELECT 1 FROM specialists WHERE agent_id = agents.id)";

/// Returns the agent of a name.
pub fn get(tx: &impl Tx, name: &AgentName) -> Result<Option<Agent>, StoreError> {
    let mut statement = tx
        .conn()
        .prepare_cached(&format!("SELECT {COLUMNS} FROM agents WHERE name = ?1"))?;
    let found = statement.query([name.as_str()])?;
    read_one(ENTITY, found, read)
}

/// Returns the names of up to `limit` agents.
pub fn names(tx: &impl Tx, limit: usize) -> Result<Vec<String>, StoreError> {
    let mut statement = tx
        .conn()
        .prepare_cached("SELECT name FROM agents ORDER BY name LIMIT ?1")?;
    let names = statement.query_map([crate::page::rows_for(limit) - 1], |row| row.get(0))?;
    Ok(names.collect::<Result<_, _>>()?)
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
    values.push(crate::page::rows_for(limit).into());
    let sql = format!(
        "SELECT {COLUMNS} FROM agents WHERE {} ORDER BY name LIMIT ?",
        conditions.join(" AND ")
    );
    let mut statement = tx.conn().prepare_cached(&sql)?;
    let found = statement.query(params_from_iter(values))?;
    let items = read_all(ENTITY, found, read)?;
    Ok(Page::cut(items, limit, |agent| agent.name.clone()))
}

/// Returns the agents that are not known to be offline and were last heard from before `moment`.
pub fn silent_since(tx: &impl Tx, moment: Timestamp) -> Result<Vec<Agent>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM agents
         WHERE status <> 'offline' AND last_seen_at <= ?1 AND {NO_SPECIALIST} LIMIT 100"
    );
    let mut statement = tx.conn().prepare_cached(&sql)?;
    let found = statement.query([moment.as_millis()])?;
    read_all(ENTITY, found, read)
}

/// Returns when the agent that has been silent longest was last heard from.
pub fn oldest_sign_of_life(tx: &impl Tx) -> Result<Option<Timestamp>, StoreError> {
    let sql = format!(
        "SELECT min(last_seen_at) FROM agents WHERE status <> 'offline' AND {NO_SPECIALIST}"
    );
    let oldest: Option<i64> = tx
        .conn()
        .prepare_cached(&sql)?
        .query_row([], |row| row.get(0))?;
    Ok(oldest.map(Timestamp::from_millis))
}

/// Whether the agent of a name is paused; one that is not registered is not.
pub fn is_paused(tx: &impl Tx, name: &AgentName) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM agents WHERE name = ?1 AND paused_at IS NOT NULL";
    Ok(tx.conn().prepare_cached(sql)?.exists([name.as_str()])?)
}

/// Returns the names of up to `limit` agents that are paused.
pub fn paused(tx: &impl Tx, limit: usize) -> Result<Vec<AgentName>, StoreError> {
    let sql = "SELECT name FROM agents WHERE paused_at IS NOT NULL ORDER BY name LIMIT ?1";
    let mut statement = tx.conn().prepare_cached(sql)?;
    let names = statement.query_map([crate::page::rows_for(limit) - 1], |row| row.get(0))?;
    let names = names.collect::<Result<Vec<String>, _>>()?;
    Ok(names.into_iter().map(AgentName::from_stored).collect())
}

/// Removes an agent; whatever tells of it is told elsewhere.
pub fn delete(tx: &WriteTx<'_>, id: AgentId) -> Result<(), StoreError> {
    tx.execute("DELETE FROM agents WHERE id = ?1", [id.0])?;
    Ok(())
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

/// Stores an agent that changed by itself; with an event where there is one to tell.
pub fn save(
    tx: &mut WriteTx<'_>,
    after: Agent,
    event: Option<&EventKind>,
    at: Timestamp,
) -> Result<Agent, StoreError> {
    let by = after.name.to_string();
    save_as(tx, after, event, &by, at)
}

/// Stores an agent that `by` changed; with an event where there is one to tell.
pub fn save_as(
    tx: &mut WriteTx<'_>,
    after: Agent,
    event: Option<&EventKind>,
    by: &str,
    at: Timestamp,
) -> Result<Agent, StoreError> {
    let changed = tx.execute(
        "UPDATE agents SET type = ?2, status = ?3, capabilities = ?4, metadata = ?5, last_seen_at = ?6,
             paused_at = ?7
         WHERE id = ?1",
        params![
            after.id.0,
            after.kind.as_str(),
            after.status.as_str(),
            to_json(ENTITY, "capabilities", &after.capabilities)?,
            to_json(ENTITY, "metadata", &after.metadata)?,
            after.last_seen_at.as_millis(),
            after.paused_at.map(Timestamp::as_millis),
        ],
    )?;
    if changed != 1 {
        return Err(StoreError::Stale {
            entity: ENTITY,
            id: after.id.0,
        });
    }
    if let Some(event) = event {
        tx.append(after.id.0, by, at, event)?;
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
        paused_at: columns.time_option(8)?,
    })
}

#[cfg(test)]
mod tests {
    use hearth_domain::JsonObject;
    use hearth_domain::agent::Registration;
    use uuid::Uuid;

    use super::*;
    use crate::Store;
    use crate::test_support::{TestStore, agent, at};

    async fn register(store: &Store, id: u128, name: &str, seconds: i64) -> Agent {
        let new = Registration {
            name: agent(name),
            kind: "worker".parse().unwrap(),
            capabilities: vec!["python".into()],
            metadata: JsonObject::from_iter([("a".into(), 1.into())]),
        };
        let change = Agent::register(AgentId(Uuid::from_u128(id)), new, at(seconds)).unwrap();
        store.write(|tx| insert(tx, change)).await.unwrap()
    }

    #[tokio::test]
    async fn agents_that_fell_silent_are_found_once() {
        let test = TestStore::new();
        let early = register(&test.store, 1, "early", 10).await;
        register(&test.store, 2, "late", 20).await;
        let oldest = || test.store.read_now(|tx| oldest_sign_of_life(tx)).unwrap();
        assert_eq!(oldest(), Some(at(10)));
        let silent = test.store.read_now(|tx| silent_since(tx, at(10))).unwrap();
        assert_eq!(silent, std::slice::from_ref(&early));

        let Change { after, event } = early.fall_silent().unwrap();
        let saved = after.clone();
        test.store
            .write(move |tx| save(tx, saved, Some(&event), at(70)))
            .await
            .unwrap();

        assert!(
            test.store
                .read_now(|tx| silent_since(tx, at(10)))
                .unwrap()
                .is_empty()
        );
        assert_eq!(oldest(), Some(at(20)));
        assert_eq!(
            test.store.read_now(|tx| get(tx, &agent("early"))).unwrap(),
            Some(after)
        );
        assert_eq!(test.store.read_now(|tx| utilisation(tx)).unwrap(), (1, 0));
    }

    #[tokio::test]
    async fn a_list_is_by_name_and_pages_hold_together() {
        let test = TestStore::new();
        for (id, name) in (1..).zip(["c", "a", "b"]) {
            register(&test.store, id, name, 1).await;
        }
        let page = test
            .store
            .read_now(|tx| list(tx, &[AgentStatus::Active], None, 2))
            .unwrap();
        let names: Vec<&str> = page.items.iter().map(|agent| agent.name.as_str()).collect();
        assert_eq!(names, ["a", "b"]);
        let rest = test
            .store
            .read_now(|tx| list(tx, &[], page.next.as_ref(), 2))
            .unwrap();
        assert_eq!((rest.items[0].name.as_str(), rest.next), ("c", None));
        let none = test
            .store
            .read_now(|tx| list(tx, &[AgentStatus::Idle], None, 2))
            .unwrap();
        assert!(none.items.is_empty());
    }
}
