//! Artifacts: the rows. The bytes are files, elsewhere.

use hearth_domain::artifact::{Artifact, ContentHash, MediaType};
use hearth_domain::field::{Name, Word};
use hearth_domain::policy::Labels;
use hearth_domain::{Actor, ArtifactId, Change, TaskId, Timestamp};
use rusqlite::params;

use crate::columns::{Columns, read_all, read_one, to_json};
use crate::error::StoreError;
use crate::page::Page;
use crate::read_tx::Tx;
use crate::write_tx::WriteTx;

const ENTITY: &str = "artifact";
const COLUMNS: &str =
    "id, task_id, type, name, media_type, size_bytes, sha256, metadata, created_by,
    created_at, untrusted, private";

/// Returns an artifact.
pub fn get(tx: &impl Tx, id: ArtifactId) -> Result<Option<Artifact>, StoreError> {
    let mut statement = tx
        .conn()
        .prepare_cached(&format!("SELECT {COLUMNS} FROM artifacts WHERE id = ?1"))?;
    let found = statement.query([id.0])?;
    read_one(ENTITY, found, read)
}

/// Returns up to `limit` artifacts of a task after `cursor`, oldest first.
pub fn list_by_task(
    tx: &impl Tx,
    task: TaskId,
    cursor: Option<ArtifactId>,
    limit: usize,
) -> Result<Page<Artifact, ArtifactId>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM artifacts WHERE task_id = ?1 AND id > ?2 ORDER BY id LIMIT ?3"
    );
    let mut statement = tx.conn().prepare_cached(&sql)?;
    let after = cursor.map_or_else(uuid::Uuid::nil, |id| id.0);
    let found = statement.query(params![task.0, after, crate::page::rows_for(limit)])?;
    let items = read_all(ENTITY, found, read)?;
    Ok(Page::cut(items, limit, |artifact| artifact.id))
}

/// Returns the labels of all that a task's artifacts hold.
pub fn labels_of(tx: &impl Tx, task: TaskId) -> Result<Labels, StoreError> {
    let sql = "SELECT coalesce(max(untrusted), 0), coalesce(max(private), 0)
               FROM artifacts WHERE task_id = ?1";
    let labels = |row: &rusqlite::Row<'_>| {
        Ok(Labels {
            untrusted: row.get(0)?,
            private: row.get(1)?,
        })
    };
    let mut statement = tx.conn().prepare_cached(sql)?;
    Ok(statement.query_row([task.0], labels)?)
}

/// Stores an artifact that was made.
pub fn insert(tx: &mut WriteTx<'_>, change: Change<Artifact>) -> Result<Artifact, StoreError> {
    let Change { after, event } = change;
    tx.execute(
        "INSERT INTO artifacts (id, task_id, type, name, media_type, size_bytes, sha256, metadata,
             created_by, created_at, untrusted, private)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
        params![
            after.id.0,
            after.task_id.map(|id| id.0),
            after.kind.as_str(),
            after.name.as_ref().map(Name::as_str),
            after.media_type.as_str(),
            after.size_bytes,
            after.hash.0,
            to_json(ENTITY, "metadata", &after.metadata)?,
            after.created_by,
            after.created_at.as_millis(),
            after.labels.untrusted,
            after.labels.private,
        ],
    )?;
    tx.append(after.id.0, &after.created_by, after.created_at, &event)?;
    Ok(after)
}

/// Stores that an artifact was given to a task.
pub fn save(
    tx: &mut WriteTx<'_>,
    change: Change<Artifact>,
    by: &Actor,
    at: Timestamp,
) -> Result<Artifact, StoreError> {
    let Change { after, event } = change;
    let changed = tx.execute(
        "UPDATE artifacts SET task_id = ?2 WHERE id = ?1 AND task_id IS NULL",
        params![after.id.0, after.task_id.map(|id| id.0)],
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

fn read(columns: &Columns<'_, '_>) -> Result<Artifact, StoreError> {
    Ok(Artifact {
        id: ArtifactId(columns.uuid(0)?),
        task_id: columns.uuid_option(1)?.map(TaskId),
        kind: Word::from_stored(columns.text(2)?),
        name: columns.text_option(3)?.map(Name::from_stored),
        media_type: MediaType::from_stored(columns.text(4)?),
        size_bytes: columns.count("size_bytes", 5)?,
        hash: ContentHash(columns.row.get(6)?),
        metadata: columns.object("metadata", 7)?,
        created_by: columns.text(8)?,
        created_at: columns.time(9)?,
        labels: Labels {
            untrusted: columns.row.get(10)?,
            private: columns.row.get(11)?,
        },
    })
}

#[cfg(test)]
mod tests {
    use hearth_domain::JsonObject;
    use hearth_domain::artifact::NewArtifact;
    use uuid::Uuid;

    use super::*;
    use crate::test_support::{TestStore, add, at};

    fn artifact(id: u128, task_id: Option<TaskId>) -> Change<Artifact> {
        let new = NewArtifact {
            task_id,
            kind: "report".parse().unwrap(),
            name: Some("notes.md".parse().unwrap()),
            media_type: MediaType::plain_text(),
            size_bytes: 1 << 40,
            hash: ContentHash([3; 32]),
            metadata: JsonObject::from_iter([("a".into(), 1.into())]),
            labels: Labels::UNTRUSTED,
        };
        Artifact::create(ArtifactId(Uuid::from_u128(id)), new, &Actor::Owner, at(1))
    }

    #[tokio::test]
    async fn an_artifact_that_waits_is_given_away_once() {
        let test = TestStore::new();
        let task = add(&test.store, "task").await.unwrap();
        let waiting = test
            .store
            .write(|tx| insert(tx, artifact(1, None)))
            .await
            .unwrap();
        assert_eq!(
            test.store.read_now(|tx| get(tx, waiting.id)).unwrap(),
            Some(waiting.clone())
        );
        let give = waiting.attach(task.id).unwrap();
        let again = give.clone();

        test.store
            .write(|tx| save(tx, give, &Actor::Owner, at(2)))
            .await
            .unwrap();

        let stale = test
            .store
            .write(|tx| save(tx, again, &Actor::Owner, at(2)))
            .await;
        assert!(matches!(stale, Err(StoreError::Stale { .. })));
        test.store
            .write(move |tx| insert(tx, artifact(2, Some(task.id))))
            .await
            .unwrap();
        let first = test
            .store
            .read_now(|tx| list_by_task(tx, task.id, None, 1))
            .unwrap();
        let second = test
            .store
            .read_now(|tx| list_by_task(tx, task.id, first.next, 1))
            .unwrap();
        assert_eq!(first.items[0].id.0.as_u128(), 1);
        assert_eq!((second.items[0].id.0.as_u128(), second.next), (2, None));
        assert_eq!(second.items[0].labels, Labels::UNTRUSTED);
        let labels = |of: TaskId| test.store.read_now(|tx| labels_of(tx, of)).unwrap();
        assert_eq!(labels(task.id), Labels::UNTRUSTED);
        assert_eq!(labels(TaskId(Uuid::nil())), Labels::default());
    }
}
