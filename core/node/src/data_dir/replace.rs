//! Files that are written whole or not at all.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use anyhow::Context;

use crate::data_dir::sync_folder;

/// Puts `bytes` in the place of the file at `path`, so that at any moment there is an old or a new file and never
/// a part of one; it outlives a loss of power. `create` makes the draft beside it, with the rights that it is to
/// have.
pub(crate) fn replace(
    path: &Path,
    bytes: &[u8],
    create: impl FnOnce(&Path) -> io::Result<File>,
) -> io::Result<()> {
    let draft = path.with_added_extension(format!("{}.new", std::process::id()));
    let written = (|| {
        let mut file = create(&draft)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&draft, path)?;
        sync_folder(path.parent().unwrap_or(Path::new(".")))
    })();
    if written.is_err() {
        // What went wrong is told; that the draft stays as well would not add to it.
        let _ = fs::remove_file(&draft);
    }
    written
}

/// Writes a file for its owner's eyes only, in the place of an earlier one.
pub(crate) fn write_private(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let create = |draft: &Path| {
        let mut options = fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt;
            options.mode(0o600);
        }
        options.open(draft)
    };
    replace(path, bytes, create).with_context(|| format!("cannot write {}", path.display()))
}
