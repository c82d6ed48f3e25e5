//! The inbox as a folder: which files wait in it, which of them are whole, and where they go.

use std::collections::{BTreeMap, HashMap};
use std::ffi::{OsStr, OsString};
use std::fs::{self, File, Metadata};
use std::io::{self, ErrorKind};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use anyhow::Context;
use nix::fcntl::OFlag;
use nix::unistd::{AccessFlags, access};

use super::report::Trouble;
use crate::data_dir::{make_private_folder, sync_folder};
use crate::inbox::reading::is_ignored;
use crate::output::text::quoted;

/// The name of the folder for files that became tasks.
const DONE: &str = "done";
/// The longest name of a file, in bytes, on the file systems there are.
const FILE_NAME_MAX: usize = 255;
/// The most files that are looked at in one go; a folder may hold any number.
pub(super) const BATCH: usize = 256;

/// What tells one state of a file from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    /// What it is.
    pub(super) kind: Kind,
    /// How many bytes it has.
    pub(super) size: u64,
    /// When it was last written to, in nanoseconds since 1970.
    pub(super) modified_ns: i128,
    /// When its rights or its name last changed; a change may make it readable.
    pub(super) changed_ns: i128,
    inode: u64,
}

/// What an entry of the folder is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A file with bytes.
    File,
    /// A folder.
    Folder,
    /// A link to something else.
    Link,
    /// A pipe, a socket, a device.
    Other,
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        let kind = metadata.file_type();
        let nanos =
            |seconds: i64, rest: i64| i128::from(seconds) * 1_000_000_000 + i128::from(rest);
        Self {
            kind: if kind.is_file() {
                Kind::File
            } else if kind.is_dir() {
                Kind::Folder
            } else if kind.is_symlink() {
                Kind::Link
            } else {
                Kind::Other
            },
            size: metadata.len(),
            modified_ns: nanos(metadata.mtime(), metadata.mtime_nsec()),
            changed_ns: nanos(metadata.ctime(), metadata.ctime_nsec()),
            inode: metadata.ino(),
        }
    }

    /// Tells this file in this place from every other, as bytes. A file that was moved away and is put
    /// back has changed since then: a move is a change of its name.
    pub(super) fn identity(&self) -> [u8; 40] {
        let mut bytes = [0; 40];
        let (modified, rest) = bytes.split_at_mut(16);
        let (changed, inode) = rest.split_at_mut(16);
        modified.copy_from_slice(&self.modified_ns.to_le_bytes());
        changed.copy_from_slice(&self.changed_ns.to_le_bytes());
        inode.copy_from_slice(&self.inode.to_le_bytes());
        bytes
    }

    /// Whether nobody wrote to the file in between, nor put another in its place.
    pub(super) fn is_same_content(&self, other: &Self) -> bool {
        (self.kind, self.size, self.modified_ns, self.inode)
            == (other.kind, other.size, other.modified_ns, other.inode)
    }
}

/// The inbox folder.
#[derive(Debug, Clone)]
pub(super) struct Folder {
    path: PathBuf,
}

impl Folder {
    pub(super) fn at(path: PathBuf) -> Self {
        Self { path }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn done(&self) -> PathBuf {
        self.path.join(DONE)
    }

    pub(super) fn file(&self, name: &OsStr) -> PathBuf {
        self.path.join(name)
    }

    /// Makes the folder and the one in it where they are missing.
    ///
    /// # Errors
    /// They cannot be made, or files cannot be moved from the one to the other: then no file is to
    /// become a task that would stay where it is.
    pub(super) fn ensure(&self) -> anyhow::Result<()> {
        for folder in [self.path.clone(), self.done()] {
            if !folder.is_dir() {
                make_private_folder(&folder)?;
            }
            let may = AccessFlags::R_OK | AccessFlags::W_OK | AccessFlags::X_OK;
            access(&folder, may).with_context(|| {
                format!("no files can be moved in or out of {}", folder.display())
            })?;
        }
        Ok(())
    }

    /// Returns the first files that wait after the name `after`, in the order of their names. Of
    /// those in `refused` that are still the same, none.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub(super) fn waiting(
        &self,
        after: Option<&OsStr>,
        refused: &HashMap<OsString, Stamp>,
    ) -> io::Result<BTreeMap<OsString, Stamp>> {
        let mut first = BTreeMap::new();
        for entry in fs::read_dir(&self.path)? {
            let name = entry?.file_name();
            let is_past = after.is_some_and(|after| name.as_os_str() <= after);
            if is_past || name == DONE || is_ignored(&name) {
                continue;
            }
            let is_full = first.len() >= BATCH;
            if is_full && first.last_key_value().is_some_and(|(last, _)| *last < name) {
                continue;
            }
            // One that is gone again is no failure.
            let Ok(stamp) = self.stamp(&name) else {
                continue;
            };
            if refused.get(&name) == Some(&stamp) {
                continue;
            }
            first.insert(name, stamp);
            if first.len() > BATCH {
                first.pop_last();
            }
        }
        Ok(first)
    }

    /// Returns the state of a file, and of a link rather than of what it leads to.
    ///
    /// # Errors
    /// It is gone.
    pub(super) fn stamp(&self, name: &OsStr) -> io::Result<Stamp> {
        Ok(Stamp::of(&fs::symlink_metadata(self.file(name))?))
    }

    /// Opens a file for reading, without following a link or waiting for the other end of a pipe.
    ///
    /// # Errors
    /// It is gone, or cannot be read.
    pub(super) fn open(&self, name: &OsStr) -> io::Result<(File, Stamp)> {
        let flags = OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK;
        let file = File::options()
            .read(true)
            .custom_flags(flags.bits())
            .open(self.file(name))?;
        let stamp = Stamp::of(&file.metadata()?);
        Ok((file, stamp))
    }

    /// Moves a file to those that became tasks, beside one of the same name that is there. The move
    /// is on disk after the next [`Self::flush`].
    ///
    /// # Errors
    /// It cannot be moved.
    pub(super) fn put_away(&self, name: &OsStr) -> io::Result<()> {
        let done = self.done();
        let mut number = 1_u32;
        let mut target = done.join(name);
        // Nobody but this worker puts files there. Where it cannot be told what has the name, nothing
        // is put in its place.
        loop {
            match target.symlink_metadata() {
                Err(error) if error.kind() == ErrorKind::NotFound => break,
                Err(error) => return Err(error),
                Ok(_) => (),
            }
            number += 1;
            target = done.join(numbered(name, number));
        }
        fs::rename(self.file(name), target)
    }

    /// Makes all moves so far outlive a loss of power.
    ///
    /// # Errors
    /// The disk fails.
    pub(super) fn flush(&self) -> io::Result<()> {
        // The new names first: at no moment is a file under neither.
        sync_folder(&self.done())?;
        sync_folder(&self.path)
    }

    /// What it means that the folders cannot be made or used.
    pub(super) fn unmade(&self, error: &anyhow::Error) -> Trouble {
        let done = self.done();
        Trouble {
            reason: "the inbox folder cannot be used".into(),
            detail: format!("{error:#}"),
            remedy: if done.is_dir() {
                format!(
                    "chmod 700 {} {}",
                    quoted(self.path.display()),
                    quoted(done.display())
                )
            } else {
                format!("mkdir -p -m 700 {}", quoted(done.display()))
            },
        }
    }

    /// What it means that the folder cannot be read.
    pub(super) fn unreadable(&self, error: &anyhow::Error) -> Trouble {
        let path = &self.path;
        Trouble {
            reason: "the inbox folder cannot be read".into(),
            detail: format!("{}: {error:#}", path.display()),
            remedy: format!("chmod 700 {}", quoted(path.display())),
        }
    }
}

/// Returns `notes-2.md` for `notes.md`, shortened where that is too long for a name.
fn numbered(name: &OsStr, number: u32) -> OsString {
    let path = Path::new(name);
    let mut stem = path.file_stem().unwrap_or(name).as_bytes();
    let mut end = format!("-{number}").into_bytes();
    match path.extension() {
        Some(ending) if ending.len() < 100 => {
            end.push(b'.');
            end.extend_from_slice(ending.as_bytes());
        }
        // An ending that leaves no room for the name is no ending.
        Some(_) => stem = name.as_bytes(),
        None => (),
    }
    let mut room = FILE_NAME_MAX.saturating_sub(end.len()).min(stem.len());
    // Not in the midst of a character.
    while room > 0 && stem.get(room).is_some_and(|byte| byte & 0xc0 == 0x80) {
        room -= 1;
    }
    let mut bytes = stem.get(..room).unwrap_or(stem).to_vec();
    bytes.extend(end);
    OsString::from_vec(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> (tempfile::TempDir, Folder) {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::at(dir.path().join("inbox"));
        folder.ensure().unwrap();
        (dir, folder)
    }

    #[test]
    fn files_wait_in_the_order_of_their_names_and_never_more_than_a_batch() {
        let (_dir, folder) = folder();
        for number in (0..BATCH + 50).rev() {
            fs::write(folder.file(OsStr::new(&format!("{number:04}"))), "x").unwrap();
        }
        for ignored in [".hidden", "a.part"] {
            fs::write(folder.file(OsStr::new(ignored)), "x").unwrap();
        }

        let waiting = folder.waiting(None, &HashMap::new()).unwrap();

        let names: Vec<_> = waiting.keys().cloned().collect();
        let expected: Vec<OsString> = (0..BATCH).map(|n| format!("{n:04}").into()).collect();
        assert_eq!(names, expected);
        let last = names.last().map(OsString::as_os_str);
        let rest = folder.waiting(last, &HashMap::new()).unwrap();
        assert_eq!(rest.len(), 50);
    }

    #[test]
    fn a_refused_file_waits_again_when_it_changed() {
        let (_dir, folder) = folder();
        let name = OsString::from("big.bin");
        fs::write(folder.file(&name), "x").unwrap();
        let refused = HashMap::from([(name.clone(), folder.stamp(&name).unwrap())]);

        assert!(folder.waiting(None, &refused).unwrap().is_empty());
        fs::write(folder.file(&name), "xy").unwrap();
        assert!(folder.waiting(None, &refused).unwrap().contains_key(&name));
    }

    #[test]
    fn a_file_is_put_beside_one_of_its_name() {
        let (_dir, folder) = folder();
        let long = OsString::from("ö".repeat(127));
        for name in [OsStr::new("notes.md"), &long] {
            for round in 0..3 {
                fs::write(folder.file(name), format!("{round}")).unwrap();
                folder.put_away(name).unwrap();
            }
        }

        let read = |name: &str| fs::read_to_string(folder.done().join(name)).unwrap();
        assert_eq!(read("notes.md"), "0");
        assert_eq!(read("notes-2.md"), "1");
        assert_eq!(read("notes-3.md"), "2");
        assert_eq!(read(&format!("{}-3", "ö".repeat(126))), "2");
    }

    #[test]
    fn links_and_pipes_are_told_from_files() {
        let (_dir, folder) = folder();
        let link = OsStr::new("link");
        std::os::unix::fs::symlink("/etc/hostname", folder.file(link)).unwrap();
        let pipe = OsStr::new("pipe");
        nix::unistd::mkfifo(&folder.file(pipe), nix::sys::stat::Mode::S_IRWXU).unwrap();

        assert_eq!(folder.stamp(link).unwrap().kind, Kind::Link);
        assert_eq!(folder.stamp(pipe).unwrap().kind, Kind::Other);
        assert!(folder.open(link).is_err());
    }
}
