//! Operations on folders that the owner opens to agents: open, list, close, look up.

use std::path::{Path, PathBuf};

use hearth_domain::field::Word;
use hearth_domain::folder::{Access, GrantedFolder, NewGrantedFolder};
use hearth_domain::{Actor, FolderId};
use hearth_store::{folders, projects};

use crate::app::App;
use crate::authority::must_be_owner;
use crate::error::AppError;

/// Folders that are the system's, whole.
const SYSTEM: &[&str] = &[
    "/", "/bin", "/boot", "/dev", "/etc", "/lib", "/lib64", "/proc", "/root", "/run", "/sbin",
    "/sys", "/usr", "/var", "/home", "/Users", "/System", "/Library",
];

impl App {
    /// Opens a folder of the host to agents, under a name of its own.
    ///
    /// # Errors
    /// The path is no folder, or is or holds the node's own or the system's; the name is taken;
    /// there is no such project; the caller is not the owner.
    pub async fn grant_folder(
        &self,
        actor: &Actor,
        mut new: NewGrantedFolder,
    ) -> Result<GrantedFolder, AppError> {
        must_be_owner(actor, "open a folder to agents")?;
        let path = real_folder(Path::new(&new.path)).await?;
        let data = self.config().artifacts_dir.parent().map(Path::to_owned);
        refuse_kept(&path, data.as_deref())?;
        new.path = path
            .to_str()
            .ok_or_else(|| AppError::invalid("path", "must be UTF-8"))?
            .to_owned();
        let (id, actor, now) = (FolderId(self.ids().next_uuid()), actor.clone(), self.now());
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
                if let Some(other) = folders::find_by_name(tx, &new.name)? {
                    return Err(AppError::conflict(
                        "name_taken",
                        format!(
                            "folder {} is open already; close it first: hearth folder revoke {}",
                            other.name, other.name
                        ),
                    ));
                }
                let open = folders::list(tx, false)?;
                if let Some(other) = open.iter().find(|other| overlap(other, &new)) {
                    return Err(AppError::conflict(
                        "overlaps",
                        format!(
                            "folder {} lies in the same place, and what is written through one would \
                             be read through the other; close it first: hearth folder revoke {}",
                            other.name, other.name
                        ),
                    ));
                }
                if open.len() >= folders::LIST_MAX {
                    return Err(AppError::conflict(
                        "too_many",
                        format!("{} folders are open already; close some", folders::LIST_MAX),
                    ));
                }
                let change = GrantedFolder::grant(id, new, actor.name(), now);
                Ok(folders::insert(tx, change)?)
            })
            .await
    }

    /// Returns the open folders, and the closed ones where asked, in the order in which they were
    /// opened.
    ///
    /// # Errors
    /// The caller is not the owner, whose paths these are.
    pub async fn list_folders(
        &self,
        actor: &Actor,
        with_revoked: bool,
    ) -> Result<Vec<GrantedFolder>, AppError> {
        must_be_owner(actor, "see where folders are")?;
        self.store()
            .read(move |tx| Ok(folders::list(tx, with_revoked)?))
            .await
    }

    /// Closes a folder.
    ///
    /// # Errors
    /// None is open under that name; the caller is not the owner.
    pub async fn revoke_folder(
        &self,
        actor: &Actor,
        name: Word,
    ) -> Result<GrantedFolder, AppError> {
        must_be_owner(actor, "close a folder")?;
        let (actor, now) = (actor.clone(), self.now());
        self.store()
            .write(move |tx| {
                let change = folders::find_by_name(tx, &name)?
                    .and_then(|folder| folder.revoke(now))
                    .ok_or_else(|| AppError::not_found("folder", &name))?;
                Ok(folders::save(tx, change, actor.name(), now)?)
            })
            .await
    }

    /// Returns an open folder by its name.
    ///
    /// # Errors
    /// None is open under that name.
    pub fn get_folder(&self, name: &Word) -> Result<GrantedFolder, AppError> {
        self.store().read_now(|tx| {
            folders::find_by_name(tx, name)?.ok_or_else(|| AppError::not_found("folder", name))
        })
    }
}

/// Whether one folder lies in the other, or is it, and either may be written to.
fn overlap(one: &GrantedFolder, other: &NewGrantedFolder) -> bool {
    let (a, b) = (Path::new(&one.path), Path::new(&other.path));
    let is_written = one.access == Access::Write || other.access == Access::Write;
    is_written && (a.starts_with(b) || b.starts_with(a))
}

/// Returns where a folder really is, links followed.
async fn real_folder(path: &Path) -> Result<PathBuf, AppError> {
    if !path.is_absolute() {
        return Err(AppError::invalid(
            "path",
            "must be an absolute path, written out without ~",
        ));
    }
    let real = tokio::fs::canonicalize(path)
        .await
        .map_err(|error| AppError::invalid("path", format!("cannot be found: {error}")))?;
    let meta = tokio::fs::metadata(&real)
        .await
        .map_err(|error| AppError::invalid("path", format!("cannot be looked at: {error}")))?;
    if meta.is_dir() {
        Ok(real)
    } else {
        Err(AppError::invalid("path", "must be a folder"))
    }
}

fn refuse_kept(path: &Path, data: Option<&Path>) -> Result<(), AppError> {
    if SYSTEM.iter().any(|system| path == Path::new(system)) {
        return Err(AppError::invalid(
            "path",
            "is a folder of the system; open one below it",
        ));
    }
    let data = data.and_then(|data| data.canonicalize().ok());
    if data.is_some_and(|data| path.starts_with(&data) || data.starts_with(path)) {
        return Err(AppError::invalid(
            "path",
            "is, holds or lies in the folder of the node's own data, keys included",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
