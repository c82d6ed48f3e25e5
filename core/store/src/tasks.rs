//! Tasks: get, insert, save; what can be claimed; whose lease has run out.

mod fair;
mod list;
mod overview;
mod planned;
mod rows;

use hearth_domain::event::EventKind;
use hearth_domain::field::{AgentName, Label};
use hearth_domain::policy::Labels;
use hearth_domain::task::Task;
use hearth_domain::{Change, ProjectId, TaskId, Timestamp};
use rusqlite::{OptionalExtension, ToSql, params};
use uuid::Uuid;

use crate::columns::{read_all, read_one};
use crate::error::StoreError;
use crate::read_tx::Tx;
use crate::text_index::{Indexed, Text, TextChange};
use crate::write_tx::WriteTx;

pub use fair::{FairWanted, fairest_pending};
pub use list::{Cursor, Order, TaskFilter, list};
pub use overview::{at_work, blocked, completed_since, due_within};
pub use planned::{next_due, next_occasion, reminder_of, series_to_continue, to_remind_of};

const ENTITY: &str = "task";

/// Returns a task.
pub fn get(tx: &impl Tx, id: TaskId) -> Result<Option<Task>, StoreError> {
    one(tx, "id = ?1", &id.0)
}

/// Returns the task of a number.
pub fn find_by_number(tx: &impl Tx, number: i64) -> Result<Option<Task>, StoreError> {
    one(tx, "number = ?1", &number)
}

/// Whether a task is there.
pub fn is_present(tx: &impl Tx, id: TaskId) -> Result<bool, StoreError> {
    Ok(tx
        .conn()
        .prepare_cached("SELECT 1 FROM tasks WHERE id = ?1")?
        .exists([id.0])?)
}

/// Returns the identifier of the task of a number.
pub fn id_of_number(tx: &impl Tx, number: i64) -> Result<Option<TaskId>, StoreError> {
    let mut statement = tx
        .conn()
        .prepare_cached("SELECT id FROM tasks WHERE number = ?1")?;
    Ok(statement
        .query_row([number], |row| row.get::<_, Uuid>(0))
        .optional()?
        .map(TaskId))
}

/// Returns the labels of a task's words; none where there is no such task.
pub fn trust_of(tx: &impl Tx, id: TaskId) -> Result<Labels, StoreError> {
    let mut statement = tx
        .conn()
        .prepare_cached("SELECT untrusted, private FROM tasks WHERE id = ?1")?;
    let labels = |row: &rusqlite::Row<'_>| {
        Ok(Labels {
            untrusted: row.get(0)?,
            private: row.get(1)?,
        })
    };
    let found = statement.query_row([id.0], labels).optional()?;
    Ok(found.unwrap_or_default())
}

/// Returns the number that the next task gets. Numbers are never used again.
pub fn next_number(tx: &WriteTx<'_>) -> Result<i64, StoreError> {
    tx.next_number("tasks")
}

/// Counts the tasks that must be completed before `id` and are not.
pub fn open_dependencies(tx: &impl Tx, id: TaskId) -> Result<u64, StoreError> {
    let sql = "SELECT count(*) FROM task_dependencies JOIN tasks ON tasks.id = depends_on_id
               WHERE task_id = ?1 AND status <> 'completed'";
    Ok(tx
        .conn()
        .prepare_cached(sql)?
        .query_row([id.0], |row| row.get(0))?)
}

/// Whether `from` depends on `on`, however far down.
pub fn depends_on(tx: &impl Tx, from: TaskId, on: TaskId) -> Result<bool, StoreError> {
    let sql = "WITH RECURSIVE needed (id) AS (
                   VALUES (?1) UNION
                   SELECT depends_on_id FROM task_dependencies JOIN needed ON task_id = needed.id
               ) SELECT 1 FROM needed WHERE id = ?2";
    Ok(tx
        .conn()
        .prepare_cached(sql)?
        .exists(params![from.0, on.0])?)
}

/// Whether `child` is part of `parent`, however far up, or is `parent`.
pub fn is_part_of(tx: &impl Tx, child: TaskId, parent: TaskId) -> Result<bool, StoreError> {
    let sql = "WITH RECURSIVE up (id) AS (
                   VALUES (?1) UNION
                   SELECT parent_id FROM tasks JOIN up ON tasks.id = up.id WHERE parent_id IS NOT NULL
               ) SELECT 1 FROM up WHERE id = ?2";
    Ok(tx
        .conn()
        .prepare_cached(sql)?
        .exists(params![child.0, parent.0])?)
}

/// What a claim looks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Who claims.
    pub agent: AgentName,
    /// Whether only a task whose context carries a plan will do.
    pub has_plan: bool,
}

/// A task that must be completed before one of a query's and is not.
const OPEN_DEPENDENCY: &str =
    "SELECT 1 FROM task_dependencies JOIN tasks AS needed ON needed.id = depends_on_id
     WHERE task_id = tasks.id AND needed.status <> 'completed'";

/// Returns the task to claim next: of the highest priority, then the oldest, that is due to start,
/// kept for nobody else, and waits for no other task.
pub fn best_pending(
    tx: &impl Tx,
    wanted: &Wanted,
    now: Timestamp,
) -> Result<Option<Task>, StoreError> {
    let sql = format!(
        "SELECT {} FROM tasks INDEXED BY tasks_claimable
         WHERE status = 'pending'
           AND (not_before IS NULL OR not_before <= ?1)
           AND (reserved_for IS NULL OR reserved_for = ?2)
           AND has_plan >= ?3
           AND (depends_on IS NULL OR NOT EXISTS ({OPEN_DEPENDENCY}))
         ORDER BY priority DESC, number LIMIT 1",
        rows::COLUMNS
    );
    let mut statement = tx.conn().prepare_cached(&sql)?;
    let found = statement.query(params![
        now.as_millis(),
        wanted.agent.as_str(),
        wanted.has_plan
    ])?;
    read_one(ENTITY, found, rows::read)
}

/// Returns when the next pending task may be started that may not be yet.
pub fn next_start(tx: &impl Tx, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
    let sql = "SELECT min(not_before) FROM tasks INDEXED BY tasks_claimable
               WHERE status = 'pending' AND not_before > ?1";
    let next: Option<i64> = tx
        .conn()
        .prepare_cached(sql)?
        .query_row([now.as_millis()], |row| row.get(0))?;
    Ok(next.map(Timestamp::from_millis))
}

/// Returns how many tasks are above this one, each part of the next; counts no further than 100.
pub fn depth(tx: &impl Tx, id: TaskId) -> Result<u64, StoreError> {
    let sql = "WITH RECURSIVE up (id, depth) AS (
                   VALUES (?1, 0) UNION ALL
                   SELECT parent_id, depth + 1 FROM tasks JOIN up ON tasks.id = up.id
                   WHERE parent_id IS NOT NULL AND depth < 100
               ) SELECT max(depth) FROM up";
    Ok(tx
        .conn()
        .prepare_cached(sql)?
        .query_row([id.0], |row| row.get(0))?)
}

/// Returns the numbers of tasks that have not ended and are kept for, or held by, an agent; at most
/// 10 of them.
pub fn open_numbers_of(tx: &impl Tx, agent: &AgentName) -> Result<Vec<i64>, StoreError> {
    let sql = "SELECT number FROM tasks
               WHERE (assigned_to = ?1 OR reserved_for = ?1)
                 AND status IN ('pending', 'in_progress', 'blocked')
               ORDER BY number LIMIT 10";
    let mut statement = tx.conn().prepare_cached(sql)?;
    let numbers = statement.query_map([agent.as_str()], |row| row.get(0))?;
    Ok(numbers.collect::<Result<_, _>>()?)
}

/// Returns tasks whose lease ran out by `now`, at most 100 of them.
pub fn expired(tx: &impl Tx, now: Timestamp) -> Result<Vec<Task>, StoreError> {
    many(tx, "lease_expires_at <= ?1 LIMIT 100", &now.as_millis())
}

/// Returns the tasks that `holder` holds, at most 1000 of them.
pub fn held_by(tx: &impl Tx, holder: &AgentName) -> Result<Vec<Task>, StoreError> {
    many(
        tx,
        "lease_expires_at IS NOT NULL AND lease_holder = ?1 LIMIT 1000",
        &holder.as_str(),
    )
}

/// Returns when the next lease runs out.
pub fn next_expiry(tx: &impl Tx) -> Result<Option<Timestamp>, StoreError> {
    let sql = "SELECT min(lease_expires_at) FROM tasks WHERE lease_expires_at IS NOT NULL";
    let next: Option<i64> = tx
        .conn()
        .prepare_cached(sql)?
        .query_row([], |row| row.get(0))?;
    Ok(next.map(Timestamp::from_millis))
}

/// Counts tasks by status, as `(status, count)`.
pub fn count_by_status(tx: &impl Tx) -> Result<Vec<(String, u64)>, StoreError> {
    let sql = "SELECT status, count(*) FROM tasks GROUP BY status";
    let mut statement = tx.conn().prepare_cached(sql)?;
    let counts = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(counts.collect::<Result<_, _>>()?)
}

/// Stores a task that was made.
pub fn insert(tx: &mut WriteTx<'_>, change: Change<Task>) -> Result<Task, StoreError> {
    let Change { after, event } = change;
    rows::insert(tx, &after)?;
    index_labels(tx, &after)?;
    index_dependencies(tx, &after)?;
    tx.index_text(TextChange {
        of: Indexed::Tasks,
        number: after.number,
        old: None,
        new: Some(text_of(&after)),
    });
    tx.append(after.id.0, &after.updated_by, after.updated_at, &event)?;
    Ok(after)
}

/// Stores a task that changed.
pub fn save(tx: &mut WriteTx<'_>, change: Change<Task>) -> Result<Task, StoreError> {
    let Change { after, event } = change;
    let has_new_fields = matches!(event, EventKind::TaskUpdated { .. });
    let old_text = if has_new_fields {
        stored_text(tx, after.number)?
    } else {
        None
    };
    let changed = if has_new_fields {
        rows::update_all(tx, &after)?
    } else {
        rows::update_state(tx, &after)?
    };
    if changed != 1 {
        return Err(StoreError::Stale {
            entity: ENTITY,
            id: after.id.0,
        });
    }
    if has_new_fields {
        let new = text_of(&after);
        if let Some(old) = old_text.filter(|old| *old != new) {
            tx.index_text(TextChange {
                of: Indexed::Tasks,
                number: after.number,
                old: Some(old),
                new: Some(new),
            });
        }
        tx.execute("DELETE FROM task_labels WHERE number = ?1", [after.number])?;
        index_labels(tx, &after)?;
        tx.execute(
            "DELETE FROM task_dependencies WHERE task_id = ?1",
            [after.id.0],
        )?;
        index_dependencies(tx, &after)?;
    }
    tx.append(after.id.0, &after.updated_by, after.updated_at, &event)?;
    Ok(after)
}

/// Stores a renewed lease. This is no change of the task: no version, no event.
pub fn save_lease(tx: &WriteTx<'_>, task: &Task) -> Result<(), StoreError> {
    let changed = tx.execute(
        "UPDATE tasks SET lease_expires_at = ?2 WHERE id = ?1 AND fence = ?3 AND lease_expires_at IS NOT NULL",
        params![task.id.0, task.lease().map(|lease| lease.expires_at.as_millis()), task.fence],
    )?;
    if changed != 1 {
        return Err(StoreError::Stale {
            entity: ENTITY,
            id: task.id.0,
        });
    }
    Ok(())
}

/// Takes the tasks of a project out of the full-text index: they are about to be deleted.
pub(crate) fn forget_texts(tx: &mut WriteTx<'_>, project: ProjectId) -> Result<(), StoreError> {
    let texts = {
        let sql = "SELECT number, title, description FROM tasks WHERE project_id = ?1";
        let mut statement = tx.conn().prepare_cached(sql)?;
        let rows = statement.query_map([project.0], |row| {
            let old = Text {
                title: row.get(1)?,
                description: row.get(2)?,
            };
            Ok(TextChange {
                of: Indexed::Tasks,
                number: row.get(0)?,
                old: Some(old),
                new: None,
            })
        })?;
        rows.collect::<Result<Vec<_>, _>>()?
    };
    for text in texts {
        tx.index_text(text);
    }
    Ok(())
}

fn text_of(task: &Task) -> Text {
    Text {
        title: task.title.as_str().to_owned(),
        description: task.description.clone(),
    }
}

fn stored_text(tx: &impl Tx, number: i64) -> Result<Option<Text>, StoreError> {
    let mut statement = tx
        .conn()
        .prepare_cached("SELECT title, description FROM tasks WHERE number = ?1")?;
    let text = |row: &rusqlite::Row<'_>| {
        Ok(Text {
            title: row.get(0)?,
            description: row.get(1)?,
        })
    };
    Ok(statement.query_row([number], text).optional()?)
}

fn index_labels(tx: &WriteTx<'_>, task: &Task) -> Result<(), StoreError> {
    for label in &task.labels {
        tx.execute(
            "INSERT INTO task_labels (label, number) VALUES (?1, ?2)",
            params![Label::as_str(label), task.number],
        )?;
    }
    Ok(())
}

fn index_dependencies(tx: &WriteTx<'_>, task: &Task) -> Result<(), StoreError> {
    for needed in &task.depends_on {
        tx.execute(
            // A task that went with its project is not waited for.
            "INSERT INTO task_dependencies (task_id, depends_on_id)
             SELECT ?1, ?2 WHERE EXISTS (SELECT 1 FROM tasks WHERE id = ?2)",
            params![task.id.0, needed.0],
        )?;
    }
    Ok(())
}

fn one(tx: &impl Tx, condition: &str, value: &dyn ToSql) -> Result<Option<Task>, StoreError> {
    let sql = format!("SELECT {} FROM tasks WHERE {condition}", rows::COLUMNS);
    let mut statement = tx.conn().prepare_cached(&sql)?;
    let found = statement.query([value])?;
    read_one(ENTITY, found, rows::read)
}

fn many(tx: &impl Tx, condition: &str, value: &dyn ToSql) -> Result<Vec<Task>, StoreError> {
    let sql = format!("SELECT {} FROM tasks WHERE {condition}", rows::COLUMNS);
    let mut statement = tx.conn().prepare_cached(&sql)?;
    let found = statement.query([value])?;
    read_all(ENTITY, found, rows::read)
}

#[cfg(test)]
mod tests;
