//! Operations on standing permissions: give, list, take back.

use hearth_domain::permission::{NewPermission, Permission};
use hearth_domain::{Actor, PermissionId, Timestamp};
use hearth_store::{WriteTx, permissions, projects};

use crate::app::App;
use crate::authority::must_be_owner;
use crate::error::AppError;

impl App {
    /// Allows calls of a shape without asking for each.
    ///
    /// # Errors
    /// The shape is empty, too large or names nothing; there is no such project; there are as many
    /// permissions as may be; the caller is not the owner.
    pub async fn grant_permission(
        &self,
        actor: &Actor,
        new: NewPermission,
    ) -> Result<Permission, AppError> {
        must_be_owner(actor, "allow calls without being asked")?;
        new.shape.check()?;
        let (actor, now) = (actor.clone(), self.now());
        self.store()
            .write(move |tx| {
                if let Some(id) = new.project_id
                    && !projects::is_present(tx, id)?
                {
                    return Err(AppError::invalid(
                        "project_id",
                        format!("{id} is not a project"),
                    ));
                }
                give(tx, new, &actor, now)
            })
            .await
    }

    /// Returns the permissions in force, and those that were taken back where asked, oldest first.
    ///
    /// # Errors
    /// The store failed.
    pub async fn list_permissions(&self, with_revoked: bool) -> Result<Vec<Permission>, AppError> {
        self.store()
            .read(move |tx| Ok(permissions::list(tx, with_revoked)?))
            .await
    }

    /// Takes a permission back.
    ///
    /// # Errors
    /// There is none with that number; it was taken back before; the caller is not the owner.
    pub async fn revoke_permission(
        &self,
        actor: &Actor,
        number: i64,
    ) -> Result<Permission, AppError> {
        must_be_owner(actor, "take back a permission")?;
        let (actor, now) = (actor.clone(), self.now());
        self.store()
            .write(move |tx| {
                let permission = permissions::find_by_number(tx, number)?
                    .ok_or_else(|| AppError::not_found("permission", number))?;
                let change = permission.revoke(now).ok_or_else(|| {
                    AppError::conflict(
                        "already_revoked",
                        format!("permission {number} was taken back before"),
                    )
                })?;
                Ok(permissions::save(tx, change, actor.name(), now)?)
            })
            .await
    }
}

/// Stores a permission whose shape was checked.
pub(crate) fn give(
    tx: &mut WriteTx<'_>,
    new: NewPermission,
    actor: &Actor,
    now: Timestamp,
) -> Result<Permission, AppError> {
    if permissions::list(tx, false)?.len() >= permissions::LIST_MAX {
        return Err(AppError::conflict(
            "too_many",
            format!(
                "there are {} permissions already; revoke some: hearth approvals permissions",
                permissions::LIST_MAX
            ),
        ));
    }
    let (id, number) = (PermissionId(tx.fresh_uuid()), permissions::next_number(tx)?);
    let change = Permission::grant(id, number, new, actor.name(), now);
    Ok(permissions::insert(tx, change)?)
}

#[cfg(test)]
mod tests;
