//! Tools that agents made: find, list, insert, save, count.

use hearth_domain::field::Word;
use hearth_domain::tool::{
    Definition, MadeTool, TOOLS_MAX, ToolHash, ToolHead, ToolState, ToolStatus, VERSIONS_MAX,
};
use hearth_domain::{Change, TaskId, Timestamp, ToolId};
use rusqlite::params;

use crate::columns::{Columns, read_all, read_one, to_json};
use crate::error::StoreError;
use crate::read_tx::Tx;
use crate::write_tx::WriteTx;

const ENTITY: &str = "tool";
const COLUMNS: &str = "id, name, version, description, parameters, code, examples, grants, sha256, status,
    status_by, status_reason, rolled_back_to, uses, failures, failures_in_row, last_used_at, created_by,
    task_id, created_at";
/// The version that a name alone means, of a row called `tool`.
const CURRENT: &str = "(SELECT MAX(version) FROM made_tools AS other
    WHERE other.name = tool.name AND other.status <> 'rolled_back')";
/// The most versions that callers learn of at once: the current ones, then the newest.
pub const HEADS_MAX: usize = 2000;

/// Returns the versions of a name, oldest first.
pub fn versions(tx: &impl Tx, name: &Word) -> Result<Vec<MadeTool>, StoreError> {
    let mut statement = tx.conn().prepare_cached(&format!(
        "SELECT {COLUMNS} FROM made_tools WHERE name = ?1 ORDER BY version LIMIT {VERSIONS_MAX}"
    ))?;
    let found = statement.query([name.as_str()])?;
    read_all(ENTITY, found, read)
}

/// Returns one version of a name.
pub fn find(tx: &impl Tx, name: &Word, version: u32) -> Result<Option<MadeTool>, StoreError> {
    let mut statement = tx.conn().prepare_cached(&format!(
        "SELECT {COLUMNS} FROM made_tools WHERE name = ?1 AND version = ?2"
    ))?;
    let found = statement.query(params![name.as_str(), version])?;
    read_one(ENTITY, found, read)
}

/// Returns a version.
pub fn get(tx: &impl Tx, id: ToolId) -> Result<Option<MadeTool>, StoreError> {
    let mut statement = tx
        .conn()
        .prepare_cached(&format!("SELECT {COLUMNS} FROM made_tools WHERE id = ?1"))?;
    let found = statement.query([id.0])?;
    read_one(ENTITY, found, read)
}

/// Returns the current version of every name, by name.
pub fn list_current(tx: &impl Tx) -> Result<Vec<MadeTool>, StoreError> {
    let mut statement = tx.conn().prepare_cached(&format!(
        "SELECT {COLUMNS} FROM made_tools AS tool WHERE version = {CURRENT}
         ORDER BY name LIMIT {TOOLS_MAX}"
    ))?;
    let found = statement.query([])?;
    read_all(ENTITY, found, read)
}

/// Returns what callers need of the versions that there are: of the current ones, and of older ones that
/// may be called by their version. What was used or made last comes first.
pub fn heads(tx: &impl Tx) -> Result<Vec<ToolHead>, StoreError> {
    let mut statement = tx.conn().prepare_cached(&format!(
        "SELECT id, name, version, description, parameters, grants, status, version = {CURRENT} AS is_current
         FROM made_tools AS tool WHERE status = 'enabled' OR version = {CURRENT}
         ORDER BY is_current DESC, COALESCE(last_used_at, created_at) DESC, name LIMIT {HEADS_MAX}"
    ))?;
    let found = statement.query([])?;
    read_all(ENTITY, found, read_head)
}

/// Returns how many names there are.
pub fn count_names(tx: &impl Tx) -> Result<usize, StoreError> {
    let mut statement = tx
        .conn()
        .prepare_cached("SELECT COUNT(DISTINCT name) FROM made_tools")?;
    let found: i64 = statement.query_row([], |row| row.get(0))?;
    Ok(usize::try_from(found).unwrap_or(usize::MAX))
}

/// Stores a version that was made.
pub fn insert(tx: &mut WriteTx<'_>, change: Change<MadeTool>) -> Result<MadeTool, StoreError> {
    let Change { after, event } = change;
    let definition = &after.definition;
    tx.execute(
        "INSERT INTO made_tools (id, name, version, description, parameters, code, examples, grants, sha256,
             status, created_by, task_id, created_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
        params![
            after.id.0,
            definition.name.as_str(),
            after.version,
            definition.description,
            to_json(ENTITY, "parameters", &definition.parameters)?,
            definition.code,
            to_json(ENTITY, "examples", &definition.examples)?,
            to_json(ENTITY, "grants", &definition.grants)?,
            after.sha256.0,
            after.state.status().as_str(),
            after.created_by,
            after.task_id.map(|id| id.0),
            after.created_at.as_millis(),
        ],
    )?;
    tx.append(after.id.0, &after.created_by, after.created_at, &event)?;
    Ok(after)
}

/// Stores where a version stands, and its counts; `was` is where it stood.
pub fn save(
    tx: &mut WriteTx<'_>,
    change: Change<MadeTool>,
    was: ToolStatus,
    by: &str,
    at: Timestamp,
) -> Result<MadeTool, StoreError> {
    let Change { after, event } = change;
    let (status_by, reason, to) = columns_of(&after.state);
    let changed = tx.execute(
        "UPDATE made_tools SET status = ?3, status_by = ?4, status_reason = ?5, rolled_back_to = ?6,
             uses = ?7, failures = ?8, failures_in_row = ?9, last_used_at = ?10
         WHERE id = ?1 AND status = ?2",
        params![
            after.id.0,
            was.as_str(),
            after.state.status().as_str(),
            status_by,
            reason,
            to,
            stored(after.uses),
            stored(after.failures),
            after.failures_in_row,
            after.last_used_at.map(Timestamp::as_millis),
        ],
    )?;
    if changed != 1 {
        return Err(StoreError::Stale {
            entity: ENTITY,
            id: after.id.0,
        });
    }
    tx.append(after.id.0, by, at, &event)?;
    Ok(after)
}

/// Notes that it was called; the step that called it says so in its event.
pub fn save_counts(tx: &WriteTx<'_>, tool: &MadeTool) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE made_tools SET uses = ?2, failures = ?3, failures_in_row = ?4, last_used_at = ?5
         WHERE id = ?1",
        params![
            tool.id.0,
            stored(tool.uses),
            stored(tool.failures),
            tool.failures_in_row,
            tool.last_used_at.map(Timestamp::as_millis),
        ],
    )?;
    Ok(())
}

fn stored(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn columns_of(state: &ToolState) -> (Option<&str>, Option<&str>, Option<u32>) {
    match state {
        ToolState::Enabled => (None, None, None),
        ToolState::Disabled { by, reason } => (Some(by), reason.as_deref(), None),
        ToolState::SetAside { reason } => (None, Some(reason), None),
        ToolState::RolledBack { by, to } => (Some(by), None, Some(*to)),
    }
}

fn read(columns: &Columns<'_, '_>) -> Result<MadeTool, StoreError> {
    Ok(MadeTool {
        id: ToolId(columns.uuid(0)?),
        version: columns.count("version", 2)?,
        definition: Definition {
            name: Word::from_stored(columns.text(1)?),
            description: columns.text(3)?,
            parameters: columns.object("parameters", 4)?,
            code: columns.text(5)?,
            examples: columns.json("examples", 6)?,
            grants: columns.json("grants", 7)?,
        },
        sha256: ToolHash(columns.row.get(8)?),
        state: read_state(columns)?,
        uses: columns.count("uses", 13)?,
        failures: columns.count("failures", 14)?,
        failures_in_row: columns.count("failures_in_row", 15)?,
        last_used_at: columns.time_option(16)?,
        created_by: columns.text(17)?,
        task_id: columns.uuid_option(18)?.map(TaskId),
        created_at: columns.time(19)?,
    })
}

fn read_state(columns: &Columns<'_, '_>) -> Result<ToolState, StoreError> {
    let by = || columns.text(10);
    Ok(match columns.word("status", 9)? {
        ToolStatus::Enabled => ToolState::Enabled,
        ToolStatus::Disabled => ToolState::Disabled {
            by: by()?,
            reason: columns.text_option(11)?,
        },
        ToolStatus::SetAside => ToolState::SetAside {
            reason: columns.text_option(11)?.unwrap_or_default(),
        },
        ToolStatus::RolledBack => ToolState::RolledBack {
            by: by()?,
            to: columns.count("rolled_back_to", 12)?,
        },
    })
}

fn read_head(columns: &Columns<'_, '_>) -> Result<ToolHead, StoreError> {
    Ok(ToolHead {
        id: ToolId(columns.uuid(0)?),
        name: Word::from_stored(columns.text(1)?),
        version: columns.count("version", 2)?,
        description: columns.text(3)?,
        parameters: columns.object("parameters", 4)?,
        grants: columns.json("grants", 5)?,
        status: columns.word("status", 6)?,
        is_current: columns.row.get(7)?,
    })
}

#[cfg(test)]
mod tests;
