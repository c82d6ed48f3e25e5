//! Standing permissions: get, list, insert, save.

use hearth_domain::field::Word;
use hearth_domain::permission::Permission;
use hearth_domain::{Change, PermissionId, ProjectId, Timestamp};
use rusqlite::params;

use crate::columns::{Columns, read_all, read_one, to_json};
use crate::error::StoreError;
use crate::read_tx::Tx;
use crate::write_tx::WriteTx;

const ENTITY: &str = "permission";
const COLUMNS: &str = "number, id, tool, shape, project_id, created_by, created_at, uses,
    last_used_at, revoked_at";
/// The most permissions a list shows, and a tool may have in force.
pub const LIST_MAX: usize = 1000;

/// Returns the permission with a number.
pub fn find_by_number(tx: &impl Tx, number: i64) -> Result<Option<Permission>, StoreError> {
    let mut statement = tx.conn().prepare_cached(&format!(
        "SELECT {COLUMNS} FROM permissions WHERE number = ?1"
    ))?;
    let found = statement.query([number])?;
    read_one(ENTITY, found, read)
}

/// Returns every permission in force, and the revoked ones where asked, oldest first.
pub fn list(tx: &impl Tx, with_revoked: bool) -> Result<Vec<Permission>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM permissions WHERE ?1 OR revoked_at IS NULL ORDER BY number LIMIT {LIST_MAX}"
    );
    let mut statement = tx.conn().prepare_cached(&sql)?;
    let found = statement.query([with_revoked])?;
    read_all(ENTITY, found, read)
}

/// Returns the permissions in force for a tool.
pub fn for_tool(tx: &impl Tx, tool: &Word) -> Result<Vec<Permission>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM permissions WHERE tool = ?1 AND revoked_at IS NULL ORDER BY number LIMIT {LIST_MAX}"
    );
    let mut statement = tx.conn().prepare_cached(&sql)?;
    let found = statement.query([tool.as_str()])?;
    read_all(ENTITY, found, read)
}

/// Returns the number that the next permission gets. Numbers are never used again.
pub fn next_number(tx: &WriteTx<'_>) -> Result<i64, StoreError> {
    tx.next_number("permissions")
}

/// Stores a permission that was given.
pub fn insert(tx: &mut WriteTx<'_>, change: Change<Permission>) -> Result<Permission, StoreError> {
    let Change { after, event } = change;
    tx.execute(
        "INSERT INTO permissions (number, id, tool, shape, project_id, created_by, created_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![
            after.number,
            after.id.0,
            after.tool.as_str(),
            to_json(ENTITY, "shape", &after.shape)?,
            after.project_id.map(|id| id.0),
            after.created_by,
            after.created_at.as_millis(),
        ],
    )?;
    tx.append(after.id.0, &after.created_by, after.created_at, &event)?;
    Ok(after)
}

/// Stores that it was taken back.
pub fn save(
    tx: &mut WriteTx<'_>,
    change: Change<Permission>,
    by: &str,
    at: Timestamp,
) -> Result<Permission, StoreError> {
    let Change { after, event } = change;
    let changed = tx.execute(
        "UPDATE permissions SET revoked_at = ?2 WHERE id = ?1 AND revoked_at IS NULL",
        params![after.id.0, after.revoked_at.map(Timestamp::as_millis)],
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

/// Notes that it was used; the step that used it says so in its event.
pub fn touch(tx: &WriteTx<'_>, number: i64, at: Timestamp) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE permissions SET uses = uses + 1, last_used_at = ?2 WHERE number = ?1",
        params![number, at.as_millis()],
    )?;
    Ok(())
}

fn read(columns: &Columns<'_, '_>) -> Result<Permission, StoreError> {
    Ok(Permission {
        number: columns.integer(0)?,
        id: PermissionId(columns.uuid(1)?),
        tool: Word::from_stored(columns.text(2)?),
        shape: columns.json("shape", 3)?,
        project_id: columns.uuid_option(4)?.map(ProjectId),
        created_by: columns.text(5)?,
        created_at: columns.time(6)?,
        uses: columns.count("uses", 7)?,
        last_used_at: columns.time_option(8)?,
        revoked_at: columns.time_option(9)?,
    })
}

#[cfg(test)]
mod tests;
