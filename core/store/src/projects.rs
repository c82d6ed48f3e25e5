//! Projects: get, list, insert, save, delete.

use hearth_domain::field::Name;
use hearth_domain::project::{Project, ProjectStatus};
use hearth_domain::{Actor, Change, ProjectId};
use rusqlite::types::Value;
use rusqlite::{params, params_from_iter};

use crate::columns::{Columns, read_all, read_one, to_json};
use crate::error::StoreError;
use crate::page::{Page, rows_for};
use crate::read_tx::Tx;
use crate::write_tx::WriteTx;

const ENTITY: &str = "project";
const COLUMNS: &str = "id, name, description, status, metadata, version, created_at, updated_at";

/// Which projects a list shows. An empty list of statuses means any.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ProjectFilter {
    /// Any of these statuses.
    pub statuses: Vec<ProjectStatus>,
    /// Exactly this name.
    pub name: Option<Name>,
}

/// Returns a project.
pub fn get(tx: &impl Tx, id: ProjectId) -> Result<Option<Project>, StoreError> {
    let mut statement = tx
        .conn()
        .prepare_cached(&format!("SELECT {COLUMNS} FROM projects WHERE id = ?1"))?;
    let found = statement.query([id.0])?;
    read_one(ENTITY, found, read)
}

/// Whether a project is there.
pub fn is_present(tx: &impl Tx, id: ProjectId) -> Result<bool, StoreError> {
    let mut statement = tx
        .conn()
        .prepare_cached("SELECT 1 FROM projects WHERE id = ?1")?;
    Ok(statement.exists([id.0])?)
}

/// Whether a project has this name.
pub fn is_name_taken(tx: &impl Tx, name: &Name) -> Result<bool, StoreError> {
    Ok(tx
        .conn()
        .prepare_cached("SELECT 1 FROM projects WHERE name = ?1")?
        .exists([name.as_str()])?)
}

/// Returns up to `limit` projects after `cursor`, oldest first.
pub fn list(
    tx: &impl Tx,
    filter: &ProjectFilter,
    cursor: Option<ProjectId>,
    limit: usize,
) -> Result<Page<Project, ProjectId>, StoreError> {
    let mut conditions = vec!["1".to_owned()];
    let mut values: Vec<Value> = Vec::new();
    if let Some(after) = cursor {
        conditions.push("id > ?".into());
        values.push(after.0.as_bytes().to_vec().into());
    }
    if let Some(name) = &filter.name {
        conditions.push("name = ?".into());
        values.push(name.as_str().to_owned().into());
    }
    if !filter.statuses.is_empty() {
        conditions.push(format!(
            "status IN ({})",
            vec!["?"; filter.statuses.len()].join(", ")
        ));
        values.extend(
            filter
                .statuses
                .iter()
                .map(|status| Value::from(status.as_str().to_owned())),
        );
    }
    values.push(rows_for(limit).into());
    let sql = format!(
        "SELECT {COLUMNS} FROM projects WHERE {} ORDER BY id LIMIT ?",
        conditions.join(" AND ")
    );
    let mut statement = tx.conn().prepare_cached(&sql)?;
    let found = statement.query(params_from_iter(values))?;
    let items = read_all(ENTITY, found, read)?;
    Ok(Page::cut(items, limit, |project| project.id))
}

/// Counts a project's tasks: all of them, and those being worked on.
pub fn count_tasks(tx: &impl Tx, id: ProjectId) -> Result<(u64, u64), StoreError> {
    let mut statement = tx.conn().prepare_cached(
        "SELECT count(*), count(*) FILTER (WHERE status = 'in_progress') FROM tasks WHERE project_id = ?1",
    )?;
    Ok(statement.query_row([id.0], |row| Ok((row.get(0)?, row.get(1)?)))?)
}

/// Stores a project that was made.
pub fn insert(
    tx: &mut WriteTx<'_>,
    change: Change<Project>,
    by: &Actor,
) -> Result<Project, StoreError> {
    let Change { after, event } = change;
    tx.execute(
        "INSERT INTO projects (id, name, description, status, metadata, version, created_at, updated_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        params![
            after.id.0,
            after.name.as_str(),
            after.description,
            after.status.as_str(),
            to_json(ENTITY, "metadata", &after.metadata)?,
            after.version,
            after.created_at.as_millis(),
            after.updated_at.as_millis(),
        ],
    )
    .map_err(name_taken)?;
    tx.append(after.id.0, by.name(), after.updated_at, &event)?;
    Ok(after)
}

/// Stores a project that changed.
pub fn save(
    tx: &mut WriteTx<'_>,
    change: Change<Project>,
    by: &Actor,
) -> Result<Project, StoreError> {
    let Change { after, event } = change;
    let changed = tx
        .execute(
            "UPDATE projects SET name = ?2, description = ?3, status = ?4, metadata = ?5, version = ?6,
                 updated_at = ?7
             WHERE id = ?1 AND version = ?6 - 1",
            params![
                after.id.0,
                after.name.as_str(),
                after.description,
                after.status.as_str(),
                to_json(ENTITY, "metadata", &after.metadata)?,
                after.version,
                after.updated_at.as_millis(),
            ],
        )
        .map_err(name_taken)?;
    if changed != 1 {
        return Err(StoreError::Stale {
            entity: ENTITY,
            id: after.id.0,
        });
    }
    tx.append(after.id.0, by.name(), after.updated_at, &event)?;
    Ok(after)
}

/// Removes a project that was deleted; its tasks, their artifacts and its memories go with it.
pub fn delete(
    tx: &mut WriteTx<'_>,
    change: Change<Project>,
    by: &Actor,
    at: hearth_domain::Timestamp,
) -> Result<(), StoreError> {
    let Change { after, event } = change;
    crate::tasks::forget_texts(tx, after.id)?;
    crate::memories::forget_texts(tx, after.id)?;
    let gone = tx.execute(
        "DELETE FROM projects WHERE id = ?1 AND version = ?2",
        params![after.id.0, after.version],
    )?;
    if gone != 1 {
        return Err(StoreError::Stale {
            entity: ENTITY,
            id: after.id.0,
        });
    }
    tx.append(after.id.0, by.name(), at, &event)
}

fn name_taken(error: StoreError) -> StoreError {
    if crate::error::is_unique_violation(&error) {
        return StoreError::Taken {
            entity: ENTITY,
            field: "name",
        };
    }
    error
}

fn read(columns: &Columns<'_, '_>) -> Result<Project, StoreError> {
    Ok(Project {
        id: ProjectId(columns.uuid(0)?),
        name: Name::from_stored(columns.text(1)?),
        description: columns.text(2)?,
        status: columns.word("status", 3)?,
        metadata: columns.object("metadata", 4)?,
        version: columns.count("version", 5)?,
        created_at: columns.time(6)?,
        updated_at: columns.time(7)?,
    })
}

#[cfg(test)]
mod tests {
    use hearth_domain::project::ProjectPatch;
    use uuid::Uuid;

    use super::*;
    use crate::test_support::{TestStore, add_project, at};

    #[tokio::test]
    async fn a_name_is_taken_once_also_by_renaming() {
        let test = TestStore::new();
        let first = add_project(&test.store, 1, "notes").await;
        let second = add_project(&test.store, 2, "web").await;
        let rename = |project: Project| {
            let patch = ProjectPatch {
                name: Some("notes".parse().unwrap()),
                ..ProjectPatch::default()
            };
            let change = project.update(patch, at(2));
            test.store.write(move |tx| save(tx, change, &Actor::Owner))
        };

        let taken = rename(second).await;

        assert!(
            matches!(
                taken,
                Err(StoreError::Taken {
                    entity: "project",
                    field: "name"
                })
            ),
            "{taken:?}"
        );
        assert_eq!(rename(first.clone()).await.unwrap().version, 2);
        let stale = rename(first).await;
        assert!(matches!(stale, Err(StoreError::Stale { .. })));
    }

    #[tokio::test]
    async fn a_list_is_by_age_and_pages_hold_together() {
        let test = TestStore::new();
        for id in 1..=5 {
            add_project(&test.store, id, &format!("project {id}")).await;
        }
        let mut found = Vec::new();
        let mut cursor = None;
        loop {
            let page = test
                .store
                .read_now(|tx| list(tx, &ProjectFilter::default(), cursor, 2))
                .unwrap();
            found.extend(page.items.iter().map(|project| project.id.0.as_u128()));
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(found, [1, 2, 3, 4, 5]);

        let named = ProjectFilter {
            statuses: vec![ProjectStatus::Active],
            name: Some("project 3".parse().unwrap()),
        };
        let page = test.store.read_now(|tx| list(tx, &named, None, 2)).unwrap();
        assert_eq!(page.items[0].id, ProjectId(Uuid::from_u128(3)));
        let none = ProjectFilter {
            statuses: vec![ProjectStatus::Archived],
            name: None,
        };
        let page = test.store.read_now(|tx| list(tx, &none, None, 2)).unwrap();
        assert!(page.items.is_empty());
    }
}
