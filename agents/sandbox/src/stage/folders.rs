//! Granted folders, from the two sides of bubblewrap.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use nix::unistd::{AccessFlags, access, geteuid};

use crate::message::{FOLDERS, Granted};

/// Returns where a folder is seen inside.
pub(super) fn seen_at(folder: &Granted) -> PathBuf {
    Path::new(FOLDERS).join(&folder.name)
}

/// Makes sure that the user who will run the program has the rights that were granted, while it can
/// still be said which folder lacks them.
pub(super) fn check_rights(folders: &[Granted], sources: &[PathBuf]) -> io::Result<()> {
    for (folder, source) in folders.iter().zip(sources) {
        let look = AccessFlags::R_OK | AccessFlags::X_OK;
        let (flags, verb, letters) = if folder.writable {
            (look | AccessFlags::W_OK, "write to", "rwx")
        } else {
            (look, "read", "rx")
        };
        if let Err(error) = access(source, flags) {
            let (path, user) = (folder.source.display(), geteuid());
            return Err(io::Error::other(format!(
                "folder {} ({path}): the sandbox's user {user} may not {verb} it ({}); allow it \
                 with setfacl -R -m u:{user}:{letters} {path}",
                folder.name,
                error.desc()
            )));
        }
    }
    Ok(())
}

/// Makes sure that the folders inside are those that were looked at: since then, a program could
/// have put a link in the place of one.
pub(super) fn check_identity(folders: &[Granted]) -> io::Result<()> {
    for folder in folders {
        let metadata = fs::metadata(seen_at(folder))?;
        if (metadata.dev(), metadata.ino()) != (folder.device, folder.inode) {
            let problem = format!(
                "folder {} was replaced by another; start again",
                folder.name
            );
            return Err(io::Error::other(problem));
        }
    }
    Ok(())
}
