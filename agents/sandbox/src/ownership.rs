//! Hands a workspace to the user that programs run as, where the node is root.

use std::ffi::CString;
use std::io;
use std::os::fd::AsFd;
use std::path::Path;

use nix::dir::Dir;
use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag};
use nix::sys::stat::{FileStat, Mode, SFlag, fstat, fstatat};
use nix::unistd::{Gid, Uid, fchown, fchownat};

/// How deep a folder may lie; each level holds a descriptor of the node's.
const DEPTH: usize = 64;

/// Makes a folder and all in it belong to `id`.
///
/// An earlier run wrote what is in there, and another may be writing: no link is followed, and
/// every name is looked up in the folder that was opened, not along a path. A file with another
/// name elsewhere is left alone, because that other name may be outside (`git clone` makes such);
/// so are sockets, pipes and devices, because something of the host listens behind them.
pub(crate) fn give(workspace: &Path, id: u32) -> io::Result<()> {
    let folder = Dir::open(workspace, flags(), Mode::empty())?;
    give_folder(folder, id, DEPTH)
}

/// Makes an open file belong to `id`.
pub(crate) fn give_one(file: &impl AsFd, id: u32) -> io::Result<()> {
    fchown(file, Some(Uid::from_raw(id)), Some(Gid::from_raw(id)))?;
    Ok(())
}

fn flags() -> OFlag {
    OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC | OFlag::O_NONBLOCK
}

fn give_folder(mut folder: Dir, id: u32, depth: usize) -> io::Result<()> {
    if depth == 0 {
        return Err(io::Error::other("folders are nested too deeply"));
    }
    let (user, group) = (Some(Uid::from_raw(id)), Some(Gid::from_raw(id)));
    if fstat(folder.as_fd())?.st_uid != id {
        fchown(folder.as_fd(), user, group)?;
    }
    let names: Vec<CString> = folder
        .iter()
        .map(|entry| entry.map(|entry| entry.file_name().to_owned()))
        .collect::<Result<_, _>>()?;
    for name in names
        .iter()
        .filter(|name| !matches!(name.to_bytes(), b"." | b".."))
    {
        let name = name.as_c_str();
        let result = fstatat(folder.as_fd(), name, AtFlags::AT_SYMLINK_NOFOLLOW);
        let Some(stat) = unless_vanished(result)? else {
            continue;
        };
        if is(&stat, SFlag::S_IFDIR) {
            match Dir::openat(folder.as_fd(), name, flags(), Mode::empty()) {
                Ok(inner) => give_folder(inner, id, depth - 1)?,
                // Replaced since it was looked at: whoever did that owns it already.
                Err(Errno::ENOTDIR | Errno::ELOOP | Errno::ENOENT) => {}
                Err(error) => return Err(error.into()),
            }
        } else if stat.st_uid != id
            && (is(&stat, SFlag::S_IFLNK) || is(&stat, SFlag::S_IFREG) && stat.st_nlink == 1)
        {
            let flag = AtFlags::AT_SYMLINK_NOFOLLOW;
            unless_vanished(fchownat(folder.as_fd(), name, user, group, flag))?;
        }
    }
    Ok(())
}

fn is(stat: &FileStat, kind: SFlag) -> bool {
    SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT == kind
}

fn unless_vanished<T>(result: nix::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(Errno::ENOENT) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{MetadataExt, symlink};

    use super::*;

    #[test]
    fn links_to_the_outside_are_not_followed() {
        if !nix::unistd::geteuid().is_root() {
            eprintln!("SKIPPED: only root can hand a folder to another user");
            return;
        }
        let outside = tempfile::tempdir().unwrap();
        let (soft, hard) = (outside.path().join("soft"), outside.path().join("hard"));
        fs::write(&soft, "").unwrap();
        fs::write(&hard, "").unwrap();
        let workspace = tempfile::tempdir().unwrap();
        let root = workspace.path();
        fs::create_dir(root.join("in")).unwrap();
        fs::write(root.join("in/own"), "").unwrap();
        symlink(&soft, root.join("in/soft")).unwrap();
        symlink(outside.path(), root.join("folder")).unwrap();
        fs::hard_link(&hard, root.join("hard")).unwrap();

        give(root, 4747).unwrap();

        let owner = |path: &Path| fs::symlink_metadata(path).unwrap().uid();
        for given in ["", "in", "in/own", "in/soft", "folder"] {
            assert_eq!(owner(&root.join(given)), 4747, "{given}");
        }
        for kept in [outside.path(), &soft, &hard] {
            assert_eq!(owner(kept), 0, "{}", kept.display());
        }
    }
}
