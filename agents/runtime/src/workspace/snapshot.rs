//! A copy of a run's folder as it was before a call, to put it back when the node dies on the way.
//!
//! A call of which nobody knows how far it came can be made again only in the folder it was made in.
//! Where calls run at once in the same folder, the copy covers all of them, until the first of them
//! has its outcome: from then on, putting the folder back would undo that.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// The largest folder that is copied; a larger one costs more than a question to the owner.
const BYTES_MAX: u64 = 64 * 1024 * 1024;
/// The most files that are copied.
const FILES_MAX: u64 = 5000;

/// What a copy is good for.
#[derive(Debug, Serialize, Deserialize)]
struct Cover {
    /// The steps that began since it was made.
    places: BTreeSet<u32>,
}

/// The copy of one run's folder.
#[derive(Debug)]
pub(super) struct Snapshot {
    copy: PathBuf,
    cover: PathBuf,
}

impl Snapshot {
    pub(super) fn at(root: &Path) -> Self {
        Self {
            copy: root.join("before"),
            cover: root.join("before.json"),
        }
    }

    /// Copies `folder` for the step at `place`, in the place of an earlier copy. One that is too
    /// large has none.
    pub(super) fn take(&self, folder: &Path, place: u32) -> io::Result<()> {
        self.drop()?;
        let mut budget = Budget {
            bytes: BYTES_MAX,
            files: FILES_MAX,
        };
        match copy(folder, &self.copy, &mut budget) {
            Ok(()) => {
                // The copy is on the disk before it is good for anything.
                nix::unistd::syncfs(fs::File::open(&self.copy)?)?;
                self.write(&Cover {
                    places: BTreeSet::from([place]),
                })
            }
            // Too large, or it holds what the node may not read: then there is none.
            Err(_) => remove(&self.copy),
        }
    }

    /// Notes that one more step began; only where there is a copy.
    pub(super) fn cover(&self, place: u32) -> io::Result<()> {
        let Some(mut cover) = self.read() else {
            return Ok(());
        };
        cover.places.insert(place);
        self.write(&cover)
    }

    /// Gives the copy up.
    pub(super) fn drop(&self) -> io::Result<()> {
        // First what makes it good for something.
        match fs::remove_file(&self.cover) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => (),
        }
        remove(&self.copy)
    }

    /// Puts `folder` back to what it was, if the copy covers the step at `place`. Returns the steps
    /// that it covers.
    pub(super) fn restore(&self, folder: &Path, place: u32) -> io::Result<Option<BTreeSet<u32>>> {
        let Some(cover) = self.read().filter(|cover| cover.places.contains(&place)) else {
            return Ok(None);
        };
        self.put(folder)?;
        Ok(Some(cover.places))
    }

    /// Puts the folder back where a crash came while it was being put back, and it is not there.
    /// Returns whether there was a copy.
    pub(super) fn finish(&self, folder: &Path) -> io::Result<bool> {
        if self.read().is_none() {
            return Ok(false);
        }
        self.put(folder)?;
        Ok(true)
    }

    fn put(&self, folder: &Path) -> io::Result<()> {
        let again = folder.with_extension("again");
        remove(&again)?;
        let mut budget = Budget {
            bytes: u64::MAX,
            files: u64::MAX,
        };
        copy(&self.copy, &again, &mut budget)?;
        remove(folder)?;
        fs::rename(&again, folder)
    }

    fn read(&self) -> Option<Cover> {
        serde_json::from_slice(&fs::read(&self.cover).ok()?).ok()
    }

    fn write(&self, cover: &Cover) -> io::Result<()> {
        let part = self.cover.with_extension("part");
        fs::write(&part, serde_json::to_vec(cover)?)?;
        fs::rename(&part, &self.cover)
    }
}

struct Budget {
    bytes: u64,
    files: u64,
}

impl Budget {
    fn spend(&mut self, bytes: u64) -> io::Result<()> {
        let left = (self.bytes.checked_sub(bytes), self.files.checked_sub(1));
        let (Some(bytes), Some(files)) = left else {
            return Err(io::ErrorKind::QuotaExceeded.into());
        };
        (self.bytes, self.files) = (bytes, files);
        Ok(())
    }
}

/// Copies files, folders and links, links as they are; whatever else a program left is left out.
/// Nothing runs in the folder meanwhile, so that what is looked at is what is copied.
fn copy(from: &Path, to: &Path, budget: &mut Budget) -> io::Result<()> {
    fs::create_dir(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (kind, target) = (entry.file_type()?, to.join(entry.file_name()));
        if kind.is_dir() {
            budget.spend(0)?;
            copy(&entry.path(), &target, budget)?;
        } else if kind.is_symlink() {
            budget.spend(0)?;
            std::os::unix::fs::symlink(fs::read_link(entry.path())?, target)?;
        } else if kind.is_file() {
            budget.spend(entry.metadata()?.len())?;
            fs::copy(entry.path(), target)?;
        }
    }
    // Last, because it may forbid to put anything into it.
    fs::set_permissions(to, fs::symlink_metadata(from)?.permissions())
}

pub(super) fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            // A program may have taken the right to write from its folders.
            open_up(path)?;
            fs::remove_dir_all(path)
        }
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Makes every folder below one that can be written to, following no link.
fn open_up(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(folder, fs::Permissions::from_mode(0o700))?;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            open_up(&entry.path())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> (tempfile::TempDir, PathBuf, Snapshot) {
        let root = tempfile::tempdir().unwrap();
        let work = root.path().join("work");
        fs::create_dir_all(work.join("out")).unwrap();
        fs::write(work.join("out/a.txt"), "before").unwrap();
        std::os::unix::fs::symlink("/etc/passwd", work.join("link")).unwrap();
        let snapshot = Snapshot::at(root.path());
        (root, work, snapshot)
    }

    #[test]
    fn a_folder_is_put_back_as_it_was() {
        let (_root, work, snapshot) = folder();
        snapshot.take(&work, 3).unwrap();
        fs::write(work.join("out/a.txt"), "half").unwrap();
        fs::write(work.join("new.txt"), "half").unwrap();
        fs::remove_file(work.join("link")).unwrap();

        for _ in 0..2 {
            let covered = snapshot.restore(&work, 3).unwrap();

            assert_eq!(covered, Some(BTreeSet::from([3])));
            assert_eq!(
                fs::read_to_string(work.join("out/a.txt")).unwrap(),
                "before"
            );
            assert!(!work.join("new.txt").exists());
            assert_eq!(
                fs::read_link(work.join("link")).unwrap(),
                Path::new("/etc/passwd")
            );
        }
    }

    #[test]
    fn a_copy_is_for_the_steps_that_began_since() {
        let (_root, work, snapshot) = folder();
        assert_eq!(snapshot.restore(&work, 3).unwrap(), None);
        snapshot.take(&work, 3).unwrap();
        snapshot.cover(4).unwrap();

        assert_eq!(snapshot.restore(&work, 2).unwrap(), None);
        assert_eq!(
            snapshot.restore(&work, 4).unwrap(),
            Some(BTreeSet::from([3, 4]))
        );
        snapshot.drop().unwrap();
        assert_eq!(snapshot.restore(&work, 3).unwrap(), None);
        snapshot.cover(5).unwrap();
        assert_eq!(snapshot.restore(&work, 5).unwrap(), None);
    }

    #[test]
    fn a_folder_that_was_lost_while_it_was_put_back_comes_again() {
        let (_root, work, snapshot) = folder();
        assert!(!snapshot.finish(&work).unwrap());
        snapshot.take(&work, 3).unwrap();
        fs::remove_dir_all(&work).unwrap();

        assert!(snapshot.finish(&work).unwrap());

        assert_eq!(
            fs::read_to_string(work.join("out/a.txt")).unwrap(),
            "before"
        );
    }

    #[test]
    fn folders_that_cannot_be_written_to_are_copied_and_removed() {
        use std::os::unix::fs::PermissionsExt;
        let (root, work, snapshot) = folder();
        fs::set_permissions(work.join("out"), fs::Permissions::from_mode(0o555)).unwrap();

        snapshot.take(&work, 3).unwrap();

        assert!(snapshot.restore(&work, 3).unwrap().is_some());
        let mode = fs::metadata(work.join("out")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o555);
        remove(root.path()).unwrap();
        assert!(!root.path().exists());
    }

    #[test]
    fn a_folder_that_is_too_large_has_no_copy() {
        let (_root, work, snapshot) = folder();
        let large = fs::File::create(work.join("large")).unwrap();
        large.set_len(BYTES_MAX + 1).unwrap();

        snapshot.take(&work, 3).unwrap();

        assert_eq!(snapshot.restore(&work, 3).unwrap(), None);
        assert!(work.join("large").exists());
    }
}
