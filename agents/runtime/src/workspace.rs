//! The folder of one run: the task's files come in, what lies in `out/` goes out.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use hearth_domain::artifact::Artifact;
use tokio::io::AsyncWriteExt;

/// Where a run puts what it wants to hand out.
pub(crate) const OUT: &str = "out";
/// The most files that a run hands out.
const FILES_MAX: usize = 100;
/// How deep folders in `out/` may lie.
const DEPTH_MAX: usize = 8;
/// The longest file name, in bytes, that common file systems take.
const FILE_NAME_MAX: usize = 255;

/// The folder of one run, removed when it is dropped.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    /// The names given to files so far.
    names: HashSet<String>,
}

impl Folder {
    /// Makes an empty folder with `out/` in it.
    pub(crate) fn create(path: PathBuf) -> io::Result<Self> {
        remove(&path)?;
        fs::create_dir_all(path.join(OUT))?;
        Ok(Self {
            path,
            names: HashSet::from([OUT.to_owned()]),
        })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Puts an artifact's bytes into the folder, under a name made from its own.
    ///
    /// Only before anything ran in the folder: afterwards a name could be a link to elsewhere.
    pub(crate) async fn add(
        &mut self,
        artifact: &Artifact,
        mut bytes: tokio::fs::File,
    ) -> io::Result<()> {
        let wanted = artifact
            .name
            .as_ref()
            .map_or_else(|| artifact.id.to_string(), ToString::to_string);
        let name = self.free_name(&wanted);
        let mut file = tokio::fs::File::create_new(self.path.join(&name)).await?;
        tokio::io::copy(&mut bytes, &mut file).await?;
        file.flush().await?;
        self.names.insert(name);
        Ok(())
    }

    /// Lists the regular files below `out/`, as paths from the folder, in order; and what was left
    /// out, and why.
    pub(crate) fn produced(&self) -> io::Result<(Vec<String>, Vec<String>)> {
        let mut found = Vec::new();
        let mut left_out = Vec::new();
        collect(&self.path, OUT, DEPTH_MAX, &mut found, &mut left_out)?;
        found.sort();
        Ok((found, left_out))
    }

    fn free_name(&self, wanted: &str) -> String {
        let base = file_name(wanted);
        if !self.names.contains(&base) {
            return base;
        }
        // One more name than there are taken ones is free.
        (2..self.names.len() + 3)
            .map(|count| file_name(&format!("{count}-{base}")))
            .find(|name| !self.names.contains(name))
            .unwrap_or(base)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Err(error) = remove(&self.path) {
            tracing::warn!(%error, "a run's folder was not removed; the next start does it");
        }
    }
}

/// Removes every run's folder: at start none is in use. The folder they lie in stays as its owner
/// made it, closed to others.
pub(crate) fn remove_all(workspaces: &Path) -> io::Result<()> {
    fs::create_dir_all(workspaces)?;
    for entry in fs::read_dir(workspaces)? {
        remove(&entry?.path())?;
    }
    Ok(())
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Makes a file name of any text: one component, no hidden file, not too long.
fn file_name(text: &str) -> String {
    let cleaned: String = text
        .chars()
        .map(|c| {
            if c == '/' || c == '\\' || c.is_control() {
                '_'
            } else {
                c
            }
        })
        .collect();
    let cleaned = cleaned.trim_start_matches('.');
    let mut end = cleaned.len().min(FILE_NAME_MAX);
    while !cleaned.is_char_boundary(end) {
        end -= 1;
    }
    match cleaned.get(..end) {
        Some(name) if !name.is_empty() => name.to_owned(),
        _ => "_".to_owned(),
    }
}

fn collect(
    root: &Path,
    relative: &str,
    depth: usize,
    found: &mut Vec<String>,
    left_out: &mut Vec<String>,
) -> io::Result<()> {
    let folder = root.join(relative);
    // A link in the place of the folder would lead out of the workspace.
    if !fs::symlink_metadata(&folder).is_ok_and(|meta| meta.is_dir()) {
        return Ok(());
    }
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else {
            left_out.push(format!(
                "{}: its name is not UTF-8",
                entry.file_name().to_string_lossy()
            ));
            continue;
        };
        let path = format!("{relative}/{name}");
        let kind = entry.file_type()?;
        if kind.is_dir() && depth > 1 {
            collect(root, &path, depth - 1, found, left_out)?;
        } else if kind.is_dir() {
            left_out.push(format!("{path}: folders lie deeper than {DEPTH_MAX}"));
        } else if !kind.is_file() {
            left_out.push(format!("{path}: not a regular file"));
        } else if found.len() >= FILES_MAX {
            left_out.push(format!("{path}: only the first {FILES_MAX} files are kept"));
        } else {
            found.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_leads_out_of_the_folder_or_hides() {
        assert_eq!(file_name("../../etc/passwd"), "_.._etc_passwd");
        assert_eq!(file_name(".."), "_");
        assert_eq!(file_name("/abs"), "_abs");
        assert_eq!(file_name(".bashrc"), "bashrc");
        assert_eq!(file_name("notes.md"), "notes.md");
        assert!(file_name(&"é".repeat(300)).len() <= FILE_NAME_MAX);
    }

    #[test]
    fn leftovers_are_removed_and_the_folder_keeps_its_rights() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o700)).unwrap();
        let left = dir.path().join("left");
        std::mem::forget(Folder::create(left.clone()).unwrap());

        remove_all(dir.path()).unwrap();

        assert!(!left.exists());
        assert_eq!(
            fs::metadata(dir.path()).unwrap().permissions().mode() & 0o777,
            0o700
        );
    }

    #[test]
    fn only_regular_files_below_out_are_handed_out() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::create(dir.path().join("run")).unwrap();
        fs::write(folder.path().join("input.txt"), "in").unwrap();
        fs::create_dir(folder.path().join("out/sub")).unwrap();
        fs::write(folder.path().join("out/sub/report.txt"), "report").unwrap();
        std::os::unix::fs::symlink("/etc/passwd", folder.path().join("out/link")).unwrap();

        let (found, left_out) = folder.produced().unwrap();

        assert_eq!(found, ["out/sub/report.txt"]);
        assert_eq!(left_out, ["out/link: not a regular file"]);
    }

    #[test]
    fn out_replaced_by_a_link_hands_out_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::create(dir.path().join("run")).unwrap();
        fs::remove_dir(folder.path().join("out")).unwrap();
        std::os::unix::fs::symlink("/etc", folder.path().join("out")).unwrap();

        assert_eq!(folder.produced().unwrap(), (vec![], vec![]));
    }
}
