//! Requests that named an Idempotency-Key, so that a repeated one is answered and not done again.

use hearth_domain::{TaskId, Timestamp};
use rusqlite::{OptionalExtension, params};
use uuid::Uuid;

use crate::error::StoreError;
use crate::read_tx::Tx;
use crate::write_tx::WriteTx;

/// Whose the keys of files in the inbox are: nobody who asks for anything can have this name. The
/// inbox forgets them itself.
pub const INBOX: &str = "inbox:";

/// What a request with a key led to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remembered {
    /// SHA-256 of the request.
    pub request: [u8; 32],
    /// The task it made.
    pub task_id: TaskId,
}

/// Returns what `actor`'s request under `key` led to.
pub fn find(tx: &impl Tx, actor: &str, key: &str) -> Result<Option<Remembered>, StoreError> {
    let mut statement = tx.conn().prepare_cached(
        "SELECT request, task_id FROM idempotency_keys WHERE actor = ?1 AND key = ?2",
    )?;
    let found = statement
        .query_row([actor, key], |row| {
            Ok((row.get::<_, [u8; 32]>(0)?, row.get::<_, Uuid>(1)?))
        })
        .optional()?;
    Ok(found.map(|(request, task_id)| Remembered {
        request,
        task_id: TaskId(task_id),
    }))
}

/// Remembers what a request led to.
pub fn insert(
    tx: &WriteTx<'_>,
    actor: &str,
    key: &str,
    remembered: &Remembered,
    at: Timestamp,
) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO idempotency_keys (actor, key, request, task_id, created_at) VALUES (?1, ?2, ?3, ?4, ?5)",
        params![actor, key, remembered.request, remembered.task_id.0, at.as_millis()],
    )?;
    Ok(())
}

/// Forgets requests from before `moment`, a bounded number at a time; returns how many. Those of
/// the inbox stay: a file may lie there for as long as it likes.
pub fn forget_before(tx: &WriteTx<'_>, moment: Timestamp) -> Result<usize, StoreError> {
    tx.execute(
        "DELETE FROM idempotency_keys WHERE (actor, key) IN
             (SELECT actor, key FROM idempotency_keys
              WHERE created_at < ?1 AND actor <> ?2 LIMIT 500)",
        params![moment.as_millis(), INBOX],
    )
}

/// Forgets every request of `actor`, a bounded number at a time; returns how many.
pub fn forget_all(tx: &WriteTx<'_>, actor: &str) -> Result<usize, StoreError> {
    tx.execute(
        "DELETE FROM idempotency_keys WHERE (actor, key) IN
             (SELECT actor, key FROM idempotency_keys WHERE actor = ?1 LIMIT 500)",
        [actor],
    )
}

/// Forgets one request; that there is none is no failure.
pub fn forget(tx: &WriteTx<'_>, actor: &str, key: &str) -> Result<(), StoreError> {
    tx.execute(
        "DELETE FROM idempotency_keys WHERE actor = ?1 AND key = ?2",
        [actor, key],
    )?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::{TestStore, add, at};

    #[tokio::test]
    async fn a_request_is_remembered_for_its_actor_until_it_is_old() {
        let test = TestStore::new();
        let task = add(&test.store, "task").await.unwrap();
        let remembered = Remembered {
            request: [1; 32],
            task_id: task.id,
        };
        let kept = remembered.clone();
        test.store
            .write(move |tx| insert(tx, "seed", "key", &kept, at(5)))
            .await
            .unwrap();
        let look = |actor: &str| test.store.read_now(|tx| find(tx, actor, "key")).unwrap();

        assert_eq!(look("seed"), Some(remembered));
        assert_eq!(look("scout"), None);
        assert_eq!(
            test.store
                .write(|tx| forget_before(tx, at(5)))
                .await
                .unwrap(),
            0
        );
        assert_eq!(
            test.store
                .write(|tx| forget_before(tx, at(6)))
                .await
                .unwrap(),
            1
        );
        assert_eq!(look("seed"), None);
    }

    #[tokio::test]
    async fn requests_of_the_inbox_are_remembered_until_the_inbox_forgets_them() {
        let test = TestStore::new();
        let task = add(&test.store, "task").await.unwrap();
        let remembered = Remembered {
            request: [1; 32],
            task_id: task.id,
        };
        let keys = [
            (INBOX, "1"),
            (INBOX, "2"),
            (INBOX, "3"),
            ("owner", "inbox:1"),
        ];
        let stored = test.store.write(move |tx| {
            keys.iter()
                .try_for_each(|(actor, key)| insert(tx, actor, key, &remembered, at(5)))
        });
        stored.await.unwrap();
        let known = || {
            let is_known = |(actor, key): &(&str, &str)| {
                let found = test.store.read_now(|tx| find(tx, actor, key));
                found.unwrap().is_some()
            };
            keys.map(|key| is_known(&key))
        };

        let forgotten = test.store.write(|tx| forget_before(tx, at(900))).await;
        assert_eq!(forgotten.unwrap(), 1);
        assert_eq!(known(), [true, true, true, false]);

        let forgotten = test.store.write(|tx| forget(tx, INBOX, "1")).await;
        forgotten.unwrap();
        assert_eq!(known(), [false, true, true, false]);

        let forgotten = test.store.write(|tx| forget_all(tx, INBOX)).await;
        assert_eq!(forgotten.unwrap(), 2);
        assert_eq!(known(), [false; 4]);
    }
}
