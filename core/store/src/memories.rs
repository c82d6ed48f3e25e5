//! Memories: find, list, search, insert, save.

use hearth_domain::memory::{Memory, Origin};
use hearth_domain::policy::Labels;
use hearth_domain::{Change, MemoryId, ProjectId, RunId, TaskId, Timestamp};
use rusqlite::params;

use crate::columns::{Columns, read_all, read_one};
use crate::error::StoreError;
use crate::match_words::expressions;
use crate::page::{Page, rows_for};
use crate::read_tx::Tx;
use crate::text_index::{Indexed, Text, TextChange};
use crate::write_tx::WriteTx;

const ENTITY: &str = "memory";
const COLUMNS: &str =
    "number, id, about, text, project_id, task_id, task_number, run_id, untrusted,
    private, created_by, created_at, forgotten_at";
/// As above, where another table is beside it.
const OWN_COLUMNS: &str = "m.number, m.id, m.about, m.text, m.project_id, m.task_id, m.task_number,
    m.run_id, m.untrusted, m.private, m.created_by, m.created_at, m.forgotten_at";
/// The most memories that are kept at once.
pub const KEPT_MAX: u64 = 10_000;

/// A position among the memories.
pub type MemoryCursor = i64;

/// Which memories a list shows.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct MemoryFilter {
    /// Those for this project's tasks.
    pub project: Option<ProjectId>,
    /// Those that were forgotten, too.
    pub with_forgotten: bool,
}

/// Returns the memory with a number.
pub fn find_by_number(tx: &impl Tx, number: i64) -> Result<Option<Memory>, StoreError> {
    let mut statement = tx
        .conn()
        .prepare_cached(&format!("SELECT {COLUMNS} FROM memories WHERE number = ?1"))?;
    let found = statement.query([number])?;
    read_one(ENTITY, found, read)
}

/// Returns what a run remembered in these words, if it did.
pub fn find_same(tx: &impl Tx, run: RunId, text: &str) -> Result<Option<Memory>, StoreError> {
    let mut statement = tx.conn().prepare_cached(&format!(
        "SELECT {COLUMNS} FROM memories WHERE run_id = ?1 AND text = ?2"
    ))?;
    let found = statement.query(params![run.0, text])?;
    read_one(ENTITY, found, read)
}

/// Returns up to `limit` memories, newest first, before `cursor`.
pub fn list(
    tx: &impl Tx,
    filter: &MemoryFilter,
    cursor: Option<MemoryCursor>,
    limit: usize,
) -> Result<Page<Memory, MemoryCursor>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM memories
         WHERE (?1 IS NULL OR project_id = ?1) AND (?2 OR forgotten_at IS NULL) AND number < ?3
         ORDER BY number DESC LIMIT ?4"
    );
    let mut statement = tx.conn().prepare_cached(&sql)?;
    let found = statement.query(params![
        filter.project.map(|id| id.0),
        filter.with_forgotten,
        cursor.unwrap_or(i64::MAX),
        rows_for(limit),
    ])?;
    let items = read_all(ENTITY, found, read)?;
    Ok(Page::cut(items, limit, |memory| memory.number))
}

/// Returns up to `limit` memories that hold the words of a query, for the tasks of a project: its
/// own first, then those for all tasks; those with every word first, then those with some. None of
/// them has a label that `within` has not.
pub fn search(
    tx: &impl Tx,
    query: &str,
    project: Option<ProjectId>,
    within: Labels,
    limit: usize,
) -> Result<Vec<Memory>, StoreError> {
    let Some((all, any)) = expressions(query) else {
        return Ok(Vec::new());
    };
    let sql = format!(
        "SELECT {OWN_COLUMNS} FROM memory_text (?1) JOIN memories m ON m.number = memory_text.rowid
         WHERE m.forgotten_at IS NULL AND (m.project_id IS ?2 OR m.project_id IS NULL)
             AND m.untrusted <= ?3 AND m.private <= ?4
         ORDER BY m.project_id IS NULL, memory_text.rank, m.number DESC LIMIT ?5"
    );
    let mut statement = tx.conn().prepare_cached(&sql)?;
    let mut found: Vec<Memory> = Vec::new();
    for expression in [all, any] {
        let rows = statement.query(params![
            expression,
            project.map(|id| id.0),
            within.untrusted,
            within.private,
            rows_for(limit),
        ])?;
        for memory in read_all(ENTITY, rows, read)? {
            if found.len() < limit && found.iter().all(|known| known.number != memory.number) {
                found.push(memory);
            }
        }
    }
    // What has some of the words may be the project's own, and what has all of them may not.
    found.sort_by_key(|memory| memory.project_id.is_none());
    Ok(found)
}

/// Returns every label that a memory for the tasks of a project has.
pub fn labels(tx: &impl Tx, project: Option<ProjectId>) -> Result<Labels, StoreError> {
    let has = |column: &str, own: bool| -> Result<bool, StoreError> {
        let of = if own { "= ?1" } else { "IS NULL AND ?1 IS ?1" };
        let sql = format!(
            "SELECT 1 FROM memories WHERE project_id {of} AND {column} AND forgotten_at IS NULL"
        );
        let project = project.map(|id| id.0);
        Ok(tx.conn().prepare_cached(&sql)?.exists([project])?)
    };
    Ok(Labels {
        untrusted: has("untrusted", true)? || has("untrusted", false)?,
        private: has("private", true)? || has("private", false)?,
    })
}

/// Counts those that are not forgotten.
pub fn count(tx: &impl Tx) -> Result<u64, StoreError> {
    let sql = "SELECT count(*) FROM memories WHERE forgotten_at IS NULL";
    Ok(tx
        .conn()
        .prepare_cached(sql)?
        .query_row([], |row| row.get(0))?)
}

/// Returns the number that the next memory gets. Numbers are never used again.
pub fn next_number(tx: &WriteTx<'_>) -> Result<i64, StoreError> {
    tx.next_number("memories")
}

/// Stores a new memory.
pub fn insert(tx: &mut WriteTx<'_>, change: Change<Memory>) -> Result<Memory, StoreError> {
    let Change { after, event } = change;
    tx.execute(
        "INSERT INTO memories (number, id, about, text, project_id, task_id, task_number, run_id,
             untrusted, private, created_by, created_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
        params![
            after.number,
            after.id.0,
            after.about,
            after.text,
            after.project_id.map(|id| id.0),
            after
                .origin
                .and_then(|origin| origin.task_id)
                .map(|id| id.0),
            after.origin.map(|origin| origin.task_number),
            after.origin.and_then(|origin| origin.run_id).map(|id| id.0),
            after.labels.untrusted,
            after.labels.private,
            after.created_by,
            after.created_at.as_millis(),
        ],
    )?;
    tx.index_text(TextChange {
        of: Indexed::Memories,
        number: after.number,
        old: None,
        new: Some(words_of(&after)),
    });
    tx.append(after.id.0, &after.created_by, after.created_at, &event)?;
    Ok(after)
}

/// Stores that it was forgotten: its words go.
pub fn save(
    tx: &mut WriteTx<'_>,
    change: Change<Memory>,
    by: &str,
    at: Timestamp,
) -> Result<Memory, StoreError> {
    let Change { after, event } = change;
    let old = find_by_number(tx, after.number)?.filter(|old| old.forgotten_at.is_none());
    let changed = tx.execute(
        "UPDATE memories SET about = ?2, text = ?3, forgotten_at = ?4
         WHERE id = ?1 AND forgotten_at IS NULL",
        params![
            after.id.0,
            after.about,
            after.text,
            after.forgotten_at.map(Timestamp::as_millis),
        ],
    )?;
    if changed != 1 {
        return Err(StoreError::Stale {
            entity: ENTITY,
            id: after.id.0,
        });
    }
    tx.index_text(TextChange {
        of: Indexed::Memories,
        number: after.number,
        old: old.as_ref().map(words_of),
        new: Some(words_of(&after)),
    });
    tx.append(after.id.0, by, at, &event)?;
    Ok(after)
}

/// Takes the texts of a project's memories out of the index; the rows go with the project.
pub(crate) fn forget_texts(tx: &mut WriteTx<'_>, project: ProjectId) -> Result<(), StoreError> {
    let memories = {
        let sql = format!("SELECT {COLUMNS} FROM memories WHERE project_id = ?1");
        let mut statement = tx.conn().prepare_cached(&sql)?;
        let found = statement.query([project.0])?;
        read_all(ENTITY, found, read)?
    };
    for memory in &memories {
        tx.index_text(TextChange {
            of: Indexed::Memories,
            number: memory.number,
            old: Some(words_of(memory)),
            new: None,
        });
    }
    Ok(())
}

fn words_of(memory: &Memory) -> Text {
    Text {
        title: memory.about.clone(),
        description: memory.text.clone(),
    }
}

fn read(columns: &Columns<'_, '_>) -> Result<Memory, StoreError> {
    let task_number: Option<i64> = columns.row.get(6)?;
    let origin = match task_number {
        None => None,
        Some(task_number) => Some(Origin {
            task_id: columns.uuid_option(5)?.map(TaskId),
            task_number,
            run_id: columns.uuid_option(7)?.map(RunId),
        }),
    };
    Ok(Memory {
        number: columns.integer(0)?,
        id: MemoryId(columns.uuid(1)?),
        about: columns.text(2)?,
        text: columns.text(3)?,
        project_id: columns.uuid_option(4)?.map(ProjectId),
        origin,
        labels: Labels {
            untrusted: columns.row.get(8)?,
            private: columns.row.get(9)?,
        },
        created_by: columns.text(10)?,
        created_at: columns.time(11)?,
        forgotten_at: columns.time_option(12)?,
    })
}

#[cfg(test)]
mod tests;
