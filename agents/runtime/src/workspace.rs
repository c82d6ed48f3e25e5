//! The folder of one run: the task's files come in, what lies in `out/` goes out.

use std::collections::{BTreeSet, HashSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use hearth_domain::RunId;
use hearth_domain::artifact::Artifact;
use hearth_domain::run::Repeat;
use tokio::io::AsyncWriteExt;

use self::snapshot::{Snapshot, remove};

mod digest;
mod snapshot;

/// What the folders of runs begin with.
const PREFIX: &str = "run-";
/// Where programs work.
const WORK: &str = "work";
/// The same while it is being made.
const FRESH: &str = "fresh";
/// Where a run puts what it wants to hand out.
const OUT: &str = "out";
/// The most files that a run hands out.
const FILES_MAX: usize = 100;
/// How deep folders in `out/` may lie.
const DEPTH_MAX: usize = 8;
/// The longest file name, in bytes, that common file systems take.
const FILE_NAME_MAX: usize = 255;

/// What a run keeps on disk: its folder, a copy of it from before the last call, its values.
///
/// It outlives the claim that made it, because its run may go on under another one.
#[derive(Debug, Clone)]
pub(crate) struct Folder {
    root: PathBuf,
    work: PathBuf,
    /// The names given to files so far.
    names: HashSet<String>,
}

impl Folder {
    /// Opens the folder of a run. Returns whether it had to be made.
    pub(crate) fn open(root: PathBuf) -> io::Result<(Self, bool)> {
        let work = root.join(WORK);
        let is_new = !work.is_dir() && !Snapshot::at(&root).finish(&work)?;
        if is_new {
            // What a crash left half made, before anything was put into it.
            remove(&root)?;
            let fresh = root.join(FRESH);
            fs::create_dir_all(fresh.join(OUT))?;
        }
        let folder = Self {
            root,
            work,
            names: HashSet::from([OUT.to_owned()]),
        };
        Ok((folder, is_new))
    }

    /// Puts an artifact's bytes into the folder, under a name made from its own. Only into one that
    /// is new, before [`Folder::ready`]: afterwards a name could be a link to elsewhere.
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
        let path = self.root.join(FRESH).join(&name);
        let mut file = tokio::fs::File::create_new(path).await?;
        tokio::io::copy(&mut bytes, &mut file).await?;
        file.flush().await?;
        self.names.insert(name);
        Ok(())
    }

    /// Says that all is in a new folder that was to be put there.
    pub(crate) fn ready(&self) -> io::Result<()> {
        fs::rename(self.root.join(FRESH), &self.work)
    }

    /// Where programs work.
    pub(crate) fn path(&self) -> &Path {
        &self.work
    }

    /// Where values are kept for the run.
    pub(crate) fn values(&self) -> PathBuf {
        self.root.join("values.json")
    }

    /// Keeps a copy for the step at `place`, which begins now, if it could not be repeated without;
    /// `has_others` says whether other steps are at work in the folder.
    pub(crate) fn begin_step(
        &self,
        place: u32,
        repeat: Repeat,
        has_others: bool,
    ) -> io::Result<()> {
        let snapshot = Snapshot::at(&self.root);
        if has_others {
            snapshot.cover(place)
        } else if repeat == Repeat::Restored {
            snapshot.take(&self.work, place)
        } else {
            snapshot.drop()
        }
    }

    /// Notes that a step has changed the folder for good: everything in it is on the disk before its
    /// outcome is. `has_others` says whether other steps are still at work, for which the copy is
    /// then good no more.
    pub(crate) fn end_step(&self, has_others: bool) -> io::Result<()> {
        if has_others {
            Snapshot::at(&self.root).drop()?;
        }
        let work = fs::File::open(&self.work)?;
        nix::unistd::syncfs(&work)?;
        Ok(())
    }

    /// Returns the hash of what is in the folder. Nothing may be at work in it.
    pub(crate) fn digest(&self) -> io::Result<String> {
        digest::of(&self.work)
    }

    /// Puts the folder back to what it was before the step at `place` began, if that is known.
    /// Returns the steps that it covers.
    pub(crate) fn restore(&self, place: u32) -> io::Result<Option<BTreeSet<u32>>> {
        Snapshot::at(&self.root).restore(&self.work, place)
    }

    /// Lists the regular files below `out/`, as paths from the folder, in order; and what was left
    /// out, and why.
    pub(crate) fn produced(&self) -> io::Result<(Vec<String>, Vec<String>)> {
        let mut found = Vec::new();
        let mut left_out = Vec::new();
        collect(&self.work, OUT, DEPTH_MAX, &mut found, &mut left_out)?;
        found.sort();
        Ok((found, left_out))
    }

    /// Lists the names in the folder's top, but for `out`, in order; at most `count` of them.
    pub(crate) fn names(&self, count: usize) -> Vec<String> {
        let entries = fs::read_dir(&self.work).into_iter().flatten();
        let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        let mut names: Vec<String> = names.filter(|name| name != OUT).collect();
        names.sort();
        names.truncate(count);
        names
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

/// An empty folder that is removed when it is dropped.
#[derive(Debug)]
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    pub(crate) fn create(path: PathBuf) -> io::Result<Self> {
        remove(&path)?;
        fs::create_dir_all(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = remove(&self.0) {
            tracing::warn!(%error, "a folder was not removed; the next start does it");
        }
    }
}

/// Returns where a run's folder is.
pub(crate) fn root_of(workspaces: &Path, run: RunId) -> PathBuf {
    workspaces.join(format!("{PREFIX}{run}"))
}

/// Removes the folder of a run that has ended.
pub(crate) fn remove_of(workspaces: &Path, run: RunId) {
    if let Err(error) = remove(&root_of(workspaces, run)) {
        tracing::warn!(%error, "a run's folder was not removed; the next start does it");
    }
}

/// Lists the folders that lie there; the folder they lie in is made where it is missing, and stays as
/// its owner made it, closed to others.
pub(crate) fn present(workspaces: &Path) -> io::Result<Vec<PathBuf>> {
    fs::create_dir_all(workspaces)?;
    let entries = fs::read_dir(workspaces)?;
    entries.map(|entry| Ok(entry?.path())).collect()
}

/// Removes of the folders that were `present` all but those of `open` runs.
///
/// They are to be listed before the runs are asked for: a run is there before its folder, so that no
/// folder is taken for an old one that is only just made.
pub(crate) fn remove_all_but(
    workspaces: &Path,
    present: Vec<PathBuf>,
    open: &[RunId],
) -> io::Result<()> {
    let kept: HashSet<PathBuf> = open.iter().map(|run| root_of(workspaces, *run)).collect();
    for path in present {
        if !kept.contains(&path) {
            remove(&path)?;
        }
    }
    Ok(())
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

    fn open(dir: &tempfile::TempDir) -> Folder {
        let (folder, is_new) = Folder::open(dir.path().join("run-1")).unwrap();
        if is_new {
            folder.ready().unwrap();
        }
        folder
    }

    #[test]
    fn folders_of_runs_that_have_ended_are_removed_and_the_rest_keeps_its_rights() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o700)).unwrap();
        let run = |number| RunId(uuid::Uuid::from_u128(number));
        for number in [1, 2] {
            let (folder, _) = Folder::open(root_of(dir.path(), run(number))).unwrap();
            folder.ready().unwrap();
        }
        fs::create_dir(dir.path().join("other")).unwrap();

        let there = present(dir.path()).unwrap();
        // Made after the look, by a run that is not known of yet.
        fs::create_dir(dir.path().join("run-new")).unwrap();
        remove_all_but(dir.path(), there, &[run(2)]).unwrap();

        assert!(!root_of(dir.path(), run(1)).exists() && !dir.path().join("other").exists());
        assert!(dir.path().join("run-new").exists());
        assert!(root_of(dir.path(), run(2)).join("work/out").exists());
        assert_eq!(
            fs::metadata(dir.path()).unwrap().permissions().mode() & 0o777,
            0o700
        );
    }

    #[test]
    fn a_folder_is_opened_again_as_it_is_and_made_anew_if_it_was_never_ready() {
        let dir = tempfile::tempdir().unwrap();
        let (_, is_new) = Folder::open(dir.path().join("run-1")).unwrap();
        assert!(is_new);
        let folder = open(&dir);
        fs::write(folder.path().join("kept"), "").unwrap();

        let (folder, is_new) = Folder::open(dir.path().join("run-1")).unwrap();

        assert!(!is_new && folder.path().join("kept").exists());
    }

    #[test]
    fn a_copy_is_good_until_another_step_has_its_outcome() {
        let dir = tempfile::tempdir().unwrap();
        let folder = open(&dir);
        folder.begin_step(1, Repeat::Restored, false).unwrap();
        folder.begin_step(2, Repeat::Restored, true).unwrap();
        assert_eq!(folder.restore(2).unwrap(), Some(BTreeSet::from([1, 2])));

        folder.end_step(true).unwrap();

        assert_eq!(folder.restore(2).unwrap(), None);
        folder.end_step(false).unwrap();
        folder.begin_step(3, Repeat::Restored, false).unwrap();
        folder.end_step(false).unwrap();
        assert_eq!(folder.restore(3).unwrap(), Some(BTreeSet::from([3])));
        // A step that needs no copy makes the old one good for nothing.
        folder.begin_step(4, Repeat::Safe, false).unwrap();
        folder.begin_step(5, Repeat::Restored, true).unwrap();
        assert_eq!(folder.restore(5).unwrap(), None);
    }

    #[test]
    fn only_regular_files_below_out_are_handed_out() {
        let dir = tempfile::tempdir().unwrap();
        let folder = open(&dir);
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
        let folder = open(&dir);
        fs::remove_dir(folder.path().join("out")).unwrap();
        std::os::unix::fs::symlink("/etc", folder.path().join("out")).unwrap();

        assert_eq!(folder.produced().unwrap(), (vec![], vec![]));
    }
}
