//! Keys: by their hash, never by themselves.

use hearth_domain::field::{AgentName, Name};
use hearth_domain::key::{Grant, Key};
use hearth_domain::{Actor, Change, KeyId, Timestamp};
use rusqlite::params;

use crate::columns::{Columns, read_all, read_one};
use crate::error::StoreError;
use crate::read_tx::Tx;
use crate::write_tx::WriteTx;

const ENTITY: &str = "key";
const COLUMNS: &str = "id, name, role, agent, sha256, created_at, last_used_at, revoked_at";
/// The most keys a list shows; a node has a handful.
const LIST_MAX: usize = 1000;

/// Returns the key with a hash, revoked or not.
pub fn find_by_hash(tx: &impl Tx, hash: &[u8; 32]) -> Result<Option<Key>, StoreError> {
    let mut statement = tx
        .conn()
        .prepare_cached(&format!("SELECT {COLUMNS} FROM api_keys WHERE sha256 = ?1"))?;
    let found = statement.query([hash])?;
    read_one(ENTITY, found, read)
}

/// Returns a key.
pub fn get(tx: &impl Tx, id: KeyId) -> Result<Option<Key>, StoreError> {
    let mut statement = tx
        .conn()
        .prepare_cached(&format!("SELECT {COLUMNS} FROM api_keys WHERE id = ?1"))?;
    let found = statement.query([id.0])?;
    read_one(ENTITY, found, read)
}

/// Returns every key, oldest first.
pub fn list(tx: &impl Tx) -> Result<Vec<Key>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM api_keys ORDER BY id LIMIT {LIST_MAX}");
    let mut statement = tx.conn().prepare_cached(&sql)?;
    let found = statement.query([])?;
    read_all(ENTITY, found, read)
}

/// Stores a key that was made.
pub fn insert(tx: &mut WriteTx<'_>, change: Change<Key>, by: &Actor) -> Result<Key, StoreError> {
    let Change { after, event } = change;
    tx.execute(
        "INSERT INTO api_keys (id, name, role, agent, sha256, created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![
            after.id.0,
            after.name.as_str(),
            after.grant.role().as_str(),
            after.grant.agent().map(AgentName::as_str),
            after.hash,
            after.created_at.as_millis(),
        ],
    )?;
    tx.append(after.id.0, by.name(), after.created_at, &event)?;
    Ok(after)
}

/// Stores that a key was revoked.
pub fn save(
    tx: &mut WriteTx<'_>,
    change: Change<Key>,
    by: &Actor,
    at: Timestamp,
) -> Result<Key, StoreError> {
    let Change { after, event } = change;
    let changed = tx.execute(
        "UPDATE api_keys SET revoked_at = ?2 WHERE id = ?1 AND revoked_at IS NULL",
        params![after.id.0, after.revoked_at.map(Timestamp::as_millis)],
    )?;
    if changed != 1 {
        return Err(StoreError::Stale {
            entity: ENTITY,
            id: after.id.0,
        });
    }
    tx.append(after.id.0, by.name(), at, &event)?;
    Ok(after)
}

/// Notes when keys were last used. This is no change of a key: no event.
pub fn touch(tx: &WriteTx<'_>, used: &[(KeyId, Timestamp)]) -> Result<(), StoreError> {
    for (id, at) in used {
        tx.execute(
            "UPDATE api_keys SET last_used_at = max(coalesce(last_used_at, 0), ?2) WHERE id = ?1",
            params![id.0, at.as_millis()],
        )?;
    }
    Ok(())
}

fn read(columns: &Columns<'_, '_>) -> Result<Key, StoreError> {
    let agent = columns.text_option(3)?.map(AgentName::from_stored);
    let grant = Grant::new(columns.word("role", 2)?, agent)
        .map_err(|problem| StoreError::corrupt(ENTITY, "agent", problem))?;
    Ok(Key {
        id: KeyId(columns.uuid(0)?),
        name: Name::from_stored(columns.text(1)?),
        grant,
        hash: columns.row.get(4)?,
        created_at: columns.time(5)?,
        last_used_at: columns.time_option(6)?,
        revoked_at: columns.time_option(7)?,
    })
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::test_support::{TestStore, agent, at};

    #[tokio::test]
    async fn a_key_reads_back_with_its_use_and_its_end() {
        let test = TestStore::new();
        let id = KeyId(Uuid::from_u128(5));
        let grant = Grant::Agent(agent("seed"));
        let made = Key::create(id, "laptop".parse().unwrap(), grant, [7; 32], at(1));
        let key = test
            .store
            .write(|tx| insert(tx, made, &Actor::Owner))
            .await
            .unwrap();
        assert_eq!(
            test.store
                .read_now(|tx| find_by_hash(tx, &[7; 32]))
                .unwrap(),
            Some(key.clone())
        );
        assert_eq!(
            test.store
                .read_now(|tx| find_by_hash(tx, &[8; 32]))
                .unwrap(),
            None
        );

        test.store
            .write(move |tx| touch(tx, &[(id, at(5)), (id, at(3))]))
            .await
            .unwrap();
        let revoke = key.revoke(at(9)).unwrap();
        let again = revoke.clone();
        test.store
            .write(|tx| save(tx, revoke, &Actor::Owner, at(9)))
            .await
            .unwrap();

        let found = test.store.read_now(|tx| list(tx)).unwrap();
        assert_eq!(
            (found[0].last_used_at, found[0].revoked_at),
            (Some(at(5)), Some(at(9)))
        );
        let stale = test
            .store
            .write(|tx| save(tx, again, &Actor::Owner, at(9)))
            .await;
        assert!(matches!(stale, Err(StoreError::Stale { .. })));
        assert_eq!(test.store.gauges().unwrap().last_seq, 2, "use is no event");
    }
}
