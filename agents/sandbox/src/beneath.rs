//! Opens what a run left in its workspace, without being led out of it.

use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::path::Path;

use nix::fcntl::{OFlag, OpenHow, ResolveFlag, openat2};
use nix::sys::stat::Mode;

/// Opens a regular file of a workspace for reading.
///
/// A program can leave a link to any path of the host, or a pipe that never ends. The node reads
/// with more rights than the program had, so it must never follow the one or wait for the other.
///
/// # Errors
/// Fails where the path leaves the workspace, contains a link, or is not a regular file.
pub fn open_beneath(workspace: &Path, relative: &Path) -> io::Result<File> {
    let folder = File::open(workspace)?;
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
}
