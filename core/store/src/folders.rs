//! Granted folders: find, list, insert, save.

use hearth_domain::field::Word;
use hearth_domain::folder::GrantedFolder;
use hearth_domain::{Change, FolderId, ProjectId, Timestamp};
use rusqlite::params;

use crate::columns::{Columns, read_all, read_one};
use crate::error::StoreError;
use crate::read_tx::Tx;
use crate::write_tx::WriteTx;

const ENTITY: &str = "folder";
const COLUMNS: &str = "id, name, path, access, project_id, created_by, created_at, revoked_at";
/// The most folders a list shows, and that may be open at once.
pub const LIST_MAX: usize = 1000;

/// Returns the open folder with a name.
pub fn find_by_name(tx: &impl Tx, name: &Word) -> Result<Option<GrantedFolder>, StoreError> {
    let mut statement = tx.conn().prepare_cached(&format!(
        "SELECT {COLUMNS} FROM folders WHERE name = ?1 AND revoked_at IS NULL"
    ))?;
    let found = statement.query([name.as_str()])?;
    read_one(ENTITY, found, read)
}

/// Returns every open folder, and the closed ones where asked, in the order in which they were
/// opened.
pub fn list(tx: &impl Tx, with_revoked: bool) -> Result<Vec<GrantedFolder>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM folders WHERE ?1 OR revoked_at IS NULL ORDER BY id LIMIT {LIST_MAX}"
    );
    let mut statement = tx.conn().prepare_cached(&sql)?;
    let found = statement.query([with_revoked])?;
    read_all(ENTITY, found, read)
}

/// Stores a folder that was opened.
pub fn insert(
    tx: &mut WriteTx<'_>,
    change: Change<GrantedFolder>,
) -> Result<GrantedFolder, StoreError> {
    let Change { after, event } = change;
    tx.execute(
        "INSERT INTO folders (id, name, path, access, project_id, created_by, created_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![
            after.id.0,
            after.name.as_str(),
            after.path,
            after.access.as_str(),
            after.project_id.map(|id| id.0),
            after.created_by,
            after.created_at.as_millis(),
        ],
    )?;
    tx.append(after.id.0, &after.created_by, after.created_at, &event)?;
    Ok(after)
}

/// Stores that it was closed.
pub fn save(
    tx: &mut WriteTx<'_>,
    change: Change<GrantedFolder>,
    by: &str,
    at: Timestamp,
) -> Result<GrantedFolder, StoreError> {
    let Change { after, event } = change;
    let changed = tx.execute(
        "UPDATE folders SET revoked_at = ?2 WHERE id = ?1 AND revoked_at IS NULL",
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

fn read(columns: &Columns<'_, '_>) -> Result<GrantedFolder, StoreError> {
    Ok(GrantedFolder {
        id: FolderId(columns.uuid(0)?),
        name: Word::from_stored(columns.text(1)?),
        path: columns.text(2)?,
        access: columns.word("access", 3)?,
        project_id: columns.uuid_option(4)?.map(ProjectId),
        created_by: columns.text(5)?,
        created_at: columns.time(6)?,
        revoked_at: columns.time_option(7)?,
    })
}

#[cfg(test)]
mod tests;
