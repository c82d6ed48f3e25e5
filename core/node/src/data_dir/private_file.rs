//! Files that only their owner can read.

use std::fs;
use std::io::Write;
use std::path::Path;

use anyhow::Context;

use crate::data_dir::sync_folder;

/// Writes a file for its owner's eyes only, whole or not at all, in the place of an earlier one. It outlives a
/// loss of power.
pub(crate) fn write_private(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    put(path, bytes).with_context(|| format!("cannot write {}", path.display()))
}

fn put(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let draft = path.with_extension(format!("{}.new", std::process::id()));
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    let written = (|| {
        let mut file = options.open(&draft)?;
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
