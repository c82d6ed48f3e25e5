//! What a folder holds, as one hash: so that a yes to an act in it is a yes to what it finds there.

use std::fs::{self, File};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use hearth_domain::artifact::ContentHash;
use sha2::{Digest, Sha256};

/// How much is read in all; of files beyond it, size and time stand for what is in them.
const BYTES_MAX: u64 = 256 * 1024 * 1024;

/// Returns the hash of a folder's files, folders and links, in hexadecimal. Nothing may be at work in
/// it.
pub(super) fn of(folder: &Path) -> io::Result<String> {
    let mut hasher = Sha256::new();
    let mut left = BYTES_MAX;
    feed(&mut hasher, folder, &mut left)?;
    Ok(ContentHash(hasher.finalize().into()).to_string())
}

fn feed(hasher: &mut Sha256, folder: &Path, left: &mut u64) -> io::Result<()> {
    let mut entries = fs::read_dir(folder)?.collect::<Result<Vec<_>, _>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    field(hasher, b'd', &entries.len().to_be_bytes());
    for entry in entries {
        field(hasher, b'n', entry.file_name().as_bytes());
        let (kind, meta) = (entry.file_type()?, entry.metadata()?);
        hasher.update((meta.mode() & 0o7777).to_be_bytes());
        if kind.is_dir() {
            feed(hasher, &entry.path(), left)?;
        } else if kind.is_symlink() {
            let target = fs::read_link(entry.path())?;
            field(hasher, b'l', target.as_os_str().as_bytes());
        } else if kind.is_file() && meta.len() <= *left {
            *left -= meta.len();
            field(hasher, b'f', &meta.len().to_be_bytes());
            io::copy(&mut File::open(entry.path())?, hasher)?;
        } else {
            field(hasher, b'x', &meta.len().to_be_bytes());
            hasher.update(meta.mtime().to_be_bytes());
            hasher.update(meta.mtime_nsec().to_be_bytes());
        }
    }
    Ok(())
}

/// Feeds what begins with its kind and length, so that no two folders feed the same bytes.
fn field(hasher: &mut Sha256, kind: u8, bytes: &[u8]) {
    hasher.update([kind]);
    hasher.update((bytes.len() as u64).to_be_bytes());
    hasher.update(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_changes_in_a_folder_changes_its_hash() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        fs::create_dir(path("sub")).unwrap();
        fs::write(path("sub/go.sh"), "echo harmless").unwrap();
        let first = of(dir.path()).unwrap();
        assert_eq!(of(dir.path()).unwrap(), first);

        let mut seen = vec![first];
        let mut changed = || {
            let hash = of(dir.path()).unwrap();
            assert!(!seen.contains(&hash));
            seen.push(hash);
        };
        fs::write(path("sub/go.sh"), "echo harmles5").unwrap();
        changed();
        fs::rename(path("sub/go.sh"), path("sub/go")).unwrap();
        changed();
        std::os::unix::fs::symlink("/etc", path("link")).unwrap();
        changed();
        fs::create_dir(path("empty")).unwrap();
        changed();
        fs::set_permissions(
            path("sub/go"),
            std::os::unix::fs::PermissionsExt::from_mode(0o755),
        )
        .unwrap();
        changed();
    }
}
