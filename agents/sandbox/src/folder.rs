//! Folders of the host that a job was granted, beside its workspace.
//!
//! Nothing in them changes hands: files are read and written with the rights that the sandbox's
//! user has, which is the node's own, or, where the node is root, one that owns nothing of a
//! person's. There, what is to be read must be readable for it, and what it writes belongs to it.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};

use nix::unistd::{User, geteuid};

use crate::SandboxError;
use crate::job::{Access, Folder};
use crate::message::Granted;

/// How many folders one job may be granted.
const FOLDERS: usize = 16;

/// How long a name may be.
const NAME_BYTES: usize = 64;

/// The system's own, not to be granted in part either.
const SYSTEM: &[&str] = &["/proc", "/sys", "/dev", "/etc", "/boot", "/run", "/var/run"];

/// Where people's folders lie: neither these nor those directly below them are granted as a whole.
const HOMES: &[&str] = &["/home", "/Users"];

/// Returns the folders as the stage is to bind them.
pub(crate) fn granted(
    folders: &[Folder],
    protected: &[PathBuf],
) -> Result<Vec<Granted>, SandboxError> {
    if folders.len() > FOLDERS {
        return Err(SandboxError::Invalid {
            reason: "more than 16 folders are granted",
        });
    }
    let mut names = HashSet::new();
    let mut granted = vec![];
    for folder in folders {
        let refused = |problem: String| SandboxError::Folder {
            name: folder.name.clone(),
            path: folder.host.clone(),
            problem,
        };
        if !is_name(&folder.name) || !names.insert(&folder.name) {
            let problem =
                "its name must be its own: up to 64 letters, digits, _, - and dots inside";
            return Err(refused(problem.into()));
        }
        let (source, metadata) = found(&folder.host).map_err(|error| refused(error.to_string()))?;
        if let Some(problem) = objection(&source, protected) {
            return Err(refused(problem));
        }
        granted.push(Granted {
            name: folder.name.clone(),
            source,
            writable: folder.access == Access::Write,
            device: metadata.dev(),
            inode: metadata.ino(),
        });
    }
    Ok(granted)
}

fn is_name(name: &str) -> bool {
    let is_inside = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    name.len() <= NAME_BYTES
        && name.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
        && name.chars().all(is_inside)
}

/// Returns the real path of a folder, and what it is.
fn found(path: &Path) -> io::Result<(PathBuf, fs::Metadata)> {
    let refused = |problem: &str| io::Error::other(problem.to_owned());
    if !path.is_absolute() {
        return Err(refused("its path does not begin with /"));
    }
    if path.components().any(|part| part == Component::ParentDir) {
        return Err(refused("its path contains .."));
    }
    // Without a slash at its end, or the link itself would not be seen.
    let path: PathBuf = path.components().collect();
    if fs::symlink_metadata(&path)?.is_symlink() {
        return Err(refused("it is a link; name the folder that it leads to"));
    }
    let source = path.canonicalize()?;
    let metadata = fs::symlink_metadata(&source)?;
    if !metadata.is_dir() {
        return Err(refused("it is no folder"));
    }
    Ok((source, metadata))
}

/// Returns why a folder is not to be granted, if there is a reason.
fn objection(source: &Path, protected: &[PathBuf]) -> Option<String> {
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let overlaps = |path: &Path| source.starts_with(path) || path.starts_with(source);
    if let Some(path) = protected
        .iter()
        .map(|path| real(path))
        .find(|path| overlaps(path))
    {
        let problem = format!(
            "it overlaps with {}, which is Hearth's own; grant another folder",
            path.display()
        );
        return Some(problem);
    }
    if SYSTEM.iter().any(|path| overlaps(&real(Path::new(path)))) {
        return Some(
            "it is part of the system, or has a part of it in it; grant a folder of yours".into(),
        );
    }
    let home = User::from_uid(geteuid())
        .ok()
        .flatten()
        .map(|user| real(&user.dir));
    let is_home = home.is_some_and(|home| home.starts_with(source))
        || source == Path::new("/root")
        || HOMES
            .iter()
            .map(Path::new)
            .any(|homes| homes == source || source.parent() == Some(homes));
    is_home.then(|| {
        "it is a home as a whole, with keys and start-up files; grant a folder in it".into()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem_with(path: &Path, protected: &[PathBuf]) -> String {
        let folder = Folder {
            host: path.to_owned(),
            name: "notes".into(),
            access: Access::Read,
        };
        match granted(&[folder], protected) {
            Ok(granted) => format!("granted {}", granted[0].source.display()),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn the_system_homes_and_the_node_s_own_are_not_granted() {
        for path in [
            "/",
            "/proc",
            "/proc/1",
            "/sys/kernel",
            "/dev/shm",
            "/etc",
            "/etc/ssl",
            "/root",
            "/home",
        ] {
            if !Path::new(path).exists() {
                continue;
            }
            let problem = problem_with(Path::new(path), &[]);
            assert!(problem.contains("grant a folder"), "{path}: {problem}");
        }
        let place = tempfile::tempdir().unwrap();
        let data = place.path().join("data");
        fs::create_dir_all(data.join("blobs")).unwrap();
        fs::create_dir(place.path().join("notes")).unwrap();
        for path in [place.path(), &data, &data.join("blobs")] {
            let problem = problem_with(path, std::slice::from_ref(&data));
            assert!(problem.contains("Hearth's own"), "{problem}");
        }
        let beside = problem_with(&place.path().join("notes"), &[data]);
        assert!(beside.starts_with("granted "), "{beside}");
    }

    #[test]
    fn links_and_what_is_no_folder_are_refused_by_name() {
        let place = tempfile::tempdir().unwrap();
        let path = |name: &str| place.path().join(name);
        fs::create_dir(path("real")).unwrap();
        fs::write(path("file"), "").unwrap();
        std::os::unix::fs::symlink("real", path("link")).unwrap();

        for (path, problem) in [
            (path("link"), "it is a link"),
            (path("link/"), "it is a link"),
            (path("link/."), "it is a link"),
            (path("file"), "it is no folder"),
            (path("none"), "No such file"),
            (path("real/../real"), "contains .."),
            ("real".into(), "does not begin with /"),
        ] {
            let said = problem_with(&path, &[]);
            assert!(
                said.starts_with("folder notes (") && said.contains(problem),
                "{said}"
            );
        }
    }

    #[test]
    fn a_name_is_one_part_of_a_path_and_used_once() {
        let place = tempfile::tempdir().unwrap();
        let named = |name: &str| Folder {
            host: place.path().to_owned(),
            name: name.into(),
            access: Access::Read,
        };
        for name in [
            "",
            ".",
            "..",
            ".git",
            "a/b",
            "a b",
            "\u{e4}",
            &"x".repeat(65),
        ] {
            assert!(granted(&[named(name)], &[]).is_err(), "{name}");
        }
        assert!(granted(&[named("a"), named("b.c-d_e")], &[]).is_ok());
        assert!(granted(&[named("a"), named("a")], &[]).is_err());
    }
}
