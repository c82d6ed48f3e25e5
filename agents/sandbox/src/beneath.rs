//! Opens what a run left in its workspace, and writes below a granted folder, without being led out
//! of it.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path};

use nix::fcntl::{OFlag, OpenHow, ResolveFlag, openat, openat2, renameat};
use nix::sys::stat::Mode;
use nix::unistd::{UnlinkatFlags, unlinkat};

/// Opens a regular file below a folder that was granted under its real path, without following a link
/// anywhere: somebody who may write to a folder above it could have put one in its place.
///
/// # Errors
/// Fails where the folder is not where it was, or as [`open_beneath`].
pub fn open_granted(root: &Path, relative: &Path) -> io::Result<File> {
    open_in(&real_folder(root)?, relative)
}

/// Opens a folder by its real path: no part of it may be a link.
fn real_folder(path: &Path) -> io::Result<File> {
    let how = OpenHow::new()
        .flags(OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC)
        .resolve(ResolveFlag::RESOLVE_NO_SYMLINKS | ResolveFlag::RESOLVE_NO_MAGICLINKS);
    Ok(File::from(openat2(File::open("/")?.as_fd(), path, how)?))
}

/// Opens a regular file of a workspace for reading.
///
/// A program can leave a link to any path of the host, or a pipe that never ends. The node reads
/// with more rights than the program had, so it must never follow the one or wait for the other.
///
/// # Errors
/// Fails where the path leaves the workspace, contains a link, or is not a regular file.
pub fn open_beneath(workspace: &Path, relative: &Path) -> io::Result<File> {
    open_in(&File::open(workspace)?, relative)
}

fn open_in(folder: &File, relative: &Path) -> io::Result<File> {
    let how = OpenHow::new()
        .flags(OFlag::O_RDONLY | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC | OFlag::O_NOCTTY)
        .mode(Mode::empty())
        .resolve(ResolveFlag::RESOLVE_BENEATH | ResolveFlag::RESOLVE_NO_SYMLINKS);
    let file = File::from(openat2(folder.as_fd(), relative, how)?);
    if file.metadata()?.is_file() {
        Ok(file)
    } else {
        Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "not a regular file",
        ))
    }
}

/// Writes a regular file below a folder, in one step as seen by others; folders on the way must be
/// there. It belongs to whom its folder belongs to.
///
/// # Errors
/// Fails where the folder's own path contains a link, the path leaves the folder, contains a link, or
/// leads into a `.git`, where a file can
/// be a program that its owner runs unawares.
pub fn write_beneath(root: &Path, relative: &Path, bytes: &[u8]) -> io::Result<()> {
    let invalid = |problem| io::Error::new(io::ErrorKind::InvalidInput, problem);
    let name = relative
        .file_name()
        .ok_or_else(|| invalid("the path names no file"))?;
    let is_git = |part: Component<'_>| part.as_os_str().eq_ignore_ascii_case(".git");
    if relative.components().any(is_git) {
        return Err(invalid("a .git is not written to"));
    }
    let parent = relative
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let how = OpenHow::new()
        .flags(OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC)
        .resolve(ResolveFlag::RESOLVE_BENEATH | ResolveFlag::RESOLVE_NO_SYMLINKS);
    let folder = File::from(openat2(real_folder(root)?.as_fd(), parent, how)?);
    let mut part = OsString::from(".");
    part.push(name);
    part.push(".part");
    let flags =
        OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let mode = Mode::from_bits_truncate(0o644);
    // One that a crash left is not gone on with.
    let _ = unlinkat(folder.as_fd(), part.as_os_str(), UnlinkatFlags::NoRemoveDir);
    let mut file = File::from(openat(folder.as_fd(), part.as_os_str(), flags, mode)?);
    let written = file
        .write_all(bytes)
        .and_then(|()| file.sync_all())
        .and_then(|()| {
            let owner = folder.metadata()?;
            if nix::unistd::geteuid().is_root() {
                std::os::unix::fs::fchown(&file, Some(owner.uid()), Some(owner.gid()))?;
            }
            Ok(renameat(
                folder.as_fd(),
                part.as_os_str(),
                folder.as_fd(),
                name,
            )?)
        });
    if written.is_err() {
        let _ = unlinkat(folder.as_fd(), part.as_os_str(), UnlinkatFlags::NoRemoveDir);
    }
    written
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn a_file_in_the_workspace_is_opened_and_a_way_out_of_it_is_not() {
        let outside = tempfile::tempdir().unwrap();
        std::fs::write(outside.path().join("secret"), "secret").unwrap();
        let workspace = tempfile::tempdir().unwrap();
        std::fs::create_dir(workspace.path().join("out")).unwrap();
        std::fs::write(workspace.path().join("out/report"), "report").unwrap();
        std::os::unix::fs::symlink(outside.path(), workspace.path().join("away")).unwrap();
        let mut text = String::new();

        let mut file = open_beneath(workspace.path(), Path::new("out/report")).unwrap();
        file.read_to_string(&mut text).unwrap();

        assert_eq!(text, "report");
        let secret = outside.path().join("secret");
        for path in [
            Path::new("away/secret"),
            Path::new("../secret"),
            Path::new("out"),
            &secret,
        ] {
            assert!(
                open_beneath(workspace.path(), path).is_err(),
                "{}",
                path.display()
            );
        }
    }

    #[test]
    fn a_file_is_written_below_its_folder_and_nowhere_else() {
        let outside = tempfile::tempdir().unwrap();
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(root.path().join("sub/.git/hooks")).unwrap();
        std::os::unix::fs::symlink(outside.path(), root.path().join("away")).unwrap();
        std::fs::write(outside.path().join("kept"), "kept").unwrap();
        std::os::unix::fs::symlink(outside.path().join("kept"), root.path().join("link")).unwrap();
        let write = |path: &str| write_beneath(root.path(), Path::new(path), b"new");

        write("note.txt").unwrap();
        write("sub/note.txt").unwrap();
        write("sub/note.txt").unwrap();
        // A link is replaced, and what it led to stays.
        write("link").unwrap();

        for path in ["note.txt", "sub/note.txt", "link"] {
            assert_eq!(
                std::fs::read_to_string(root.path().join(path)).unwrap(),
                "new"
            );
        }
        assert_eq!(
            std::fs::read_to_string(outside.path().join("kept")).unwrap(),
            "kept"
        );
        for bad in [
            "../out",
            "away/out",
            "/etc/out",
            "",
            "sub",
            "sub/.git/hooks/pre-push",
            "none/x",
        ] {
            assert!(write(bad).is_err(), "{bad:?}");
        }
        assert_eq!(std::fs::read_dir(outside.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_granted_folder_that_was_replaced_by_a_link_is_not_followed() {
        let outside = tempfile::tempdir().unwrap();
        std::fs::write(outside.path().join("secret"), "secret").unwrap();
        let notes = tempfile::tempdir().unwrap();
        let notes = notes.path().canonicalize().unwrap();
        let archive = notes.join("archive");
        std::fs::create_dir(&archive).unwrap();
        std::fs::write(archive.join("kept"), "kept").unwrap();
        open_granted(&archive, Path::new("kept")).unwrap();

        std::fs::rename(&archive, notes.join("old")).unwrap();
        std::os::unix::fs::symlink(outside.path(), &archive).unwrap();

        assert!(open_granted(&archive, Path::new("secret")).is_err());
        assert!(write_beneath(&archive, Path::new("new"), b"new").is_err());
        assert_eq!(std::fs::read_dir(outside.path()).unwrap().count(), 1);
    }
}
