//! The data folder: what lies where in it, and who may see it.

mod lock;
mod replace;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
#[cfg(unix)]
use anyhow::bail;

pub use lock::{Holder, Lock, reachable_url};
pub(crate) use replace::{replace, write_private};

use crate::secrets::{Secret, file};

/// The folder that holds everything a node keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataDir {
    root: PathBuf,
}

impl DataDir {
    /// Names the folder; touches nothing.
    pub fn at(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// Makes the folder and those in it where they are missing, for its owner's eyes only.
    ///
    /// # Errors
    /// It cannot be made, or others can see into it and into what else it holds.
    pub fn create(&self) -> anyhow::Result<()> {
        make_private_folder(&self.root)?;
        // Whatever their rights, nobody gets to them but through the folder itself.
        for folder in [
            self.artifacts(),
            self.workspaces(),
            self.checks(),
            self.inbox(),
            self.inbox_done(),
        ] {
            if !folder.is_dir() {
                make_private_folder(&folder)?;
            }
        }
        Ok(())
    }

    /// Returns the folder itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Returns the database file.
    pub fn database(&self) -> PathBuf {
        self.root.join("hearth.db")
    }

    /// Returns the folder of the artifacts' bytes.
    pub fn artifacts(&self) -> PathBuf {
        self.root.join("artifacts")
    }

    /// Returns the folder of the tasks' workspaces.
    pub fn workspaces(&self) -> PathBuf {
        self.root.join("workspaces")
    }

    /// Returns the folder that a backup is unpacked to before it is in place.
    pub fn restore_staging(&self) -> PathBuf {
        self.root.join("restore.staging")
    }

    /// Returns the folder for what an import brings before it is in place.
    pub fn import_staging(&self) -> PathBuf {
        self.root.join("import.staging")
    }

    /// Returns the file that the database of a backup is unpacked to while that is checked.
    pub fn verify_scratch(&self) -> PathBuf {
        self.root.join("verify.partial-db")
    }

    /// Returns the folder for files that are to become tasks.
    pub fn inbox(&self) -> PathBuf {
        self.root.join("inbox")
    }

    /// Returns the folder for files that became tasks.
    pub fn inbox_done(&self) -> PathBuf {
        self.inbox().join("done")
    }

    /// Returns the folder of models to listen and speak with. It is made when the first is fetched.
    pub fn models(&self) -> PathBuf {
        self.root.join("models")
    }

    /// Returns the folder of recordings that a terminal took and no node heard. It is made with the first.
    pub fn unheard(&self) -> PathBuf {
        self.root.join("unheard")
    }

    /// Returns the folder of the acceptance checks under way.
    pub fn checks(&self) -> PathBuf {
        self.root.join("checks")
    }

    /// Returns the file that holds the owner's key.
    pub fn owner_key_file(&self) -> PathBuf {
        self.root.join("owner.key")
    }

    /// Returns the file that is locked while a node runs.
    pub fn lock_file(&self) -> PathBuf {
        self.root.join("hearth.lock")
    }

    /// Returns the owner's key, if there is one.
    ///
    /// # Errors
    /// The file cannot be read, or others can read it too.
    pub fn read_owner_key(&self) -> anyhow::Result<Option<Secret>> {
        file::read(&self.owner_key_file()).context("the owner's key cannot be used")
    }

    /// Keeps the owner's key, for its owner's eyes only, in the place of an earlier one.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write_owner_key(&self, key: &str) -> anyhow::Result<()> {
        let line = format!("{key}\n");
        write_private(&self.owner_key_file(), line.as_bytes())
            .context("the owner's key is not kept")
    }
}

/// Makes a change to a folder's entries outlive a loss of power.
pub(crate) fn sync_folder(folder: &Path) -> std::io::Result<()> {
    if cfg!(unix) {
        fs::File::open(folder)?.sync_all()?;
    }
    Ok(())
}

/// Makes a folder that only its owner can see into.
///
/// One that was there already, with rights for others, is closed to them only where it is plainly
/// ours: the owner may have named a folder that others have business in.
#[cfg(unix)]
pub(crate) fn make_private_folder(path: &Path) -> anyhow::Result<()> {
    use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
    let shown = path.display();
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .with_context(|| format!("cannot make the folder {shown}; --data-dir names another"))?;
    let is_open = fs::metadata(path)?.permissions().mode() & 0o077 != 0;
    if !is_open {
        return Ok(());
    }
    let is_ours = path.join("hearth.db").exists() || fs::read_dir(path)?.next().is_none();
    if !is_ours {
        bail!(
            "others can see into {shown}; run: chmod 700 {shown}, or name an empty folder with --data-dir"
        );
    }
    fs::set_permissions(path, fs::Permissions::from_mode(0o700))
        .with_context(|| format!("cannot close {shown} to others; --data-dir names another"))
}

#[cfg(not(unix))]
pub(crate) fn make_private_folder(path: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(path).with_context(|| {
        let shown = path.display();
        format!("cannot make the folder {shown}; --data-dir names another")
    })
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn only_the_owner_can_see_into_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("deep/hearth");
        fs::create_dir_all(&root).unwrap();
        fs::set_permissions(&root, fs::Permissions::from_mode(0o755)).unwrap();

        let data = DataDir::at(&root);
        data.create().unwrap();

        assert_eq!(mode(&root), 0o700);
        assert_eq!(mode(&data.artifacts()), 0o700);
        assert_eq!(mode(&data.workspaces()), 0o700);
        assert_eq!(mode(&data.inbox_done()), 0o700);
    }

    #[test]
    fn a_folder_that_holds_other_things_is_not_closed_to_others() {
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        fs::write(folder.path().join("letter.txt"), "dear").unwrap();

        let error = DataDir::at(folder.path()).create().unwrap_err().to_string();

        assert!(error.starts_with("others can see into "), "{error}");
        assert_eq!(mode(folder.path()), 0o755);
    }

    #[test]
    fn only_the_owner_can_read_the_key() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataDir::at(folder.path());
        assert!(data.read_owner_key().unwrap().is_none());

        data.write_owner_key("hearth_first").unwrap();
        data.write_owner_key("hearth_second").unwrap();

        assert_eq!(mode(&data.owner_key_file()), 0o600);
        assert_eq!(
            data.read_owner_key().unwrap(),
            Some(Secret::new("hearth_second").unwrap())
        );
    }

    #[test]
    fn a_key_that_others_can_read_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataDir::at(folder.path());
        data.write_owner_key("hearth_key").unwrap();
        fs::set_permissions(data.owner_key_file(), fs::Permissions::from_mode(0o644)).unwrap();

        let error = format!("{:#}", data.read_owner_key().unwrap_err());

        assert!(
            error.contains("can be read by others; run: chmod 600"),
            "{error}"
        );
    }
}
