//! Writes the file that holds the owner's key.

use std::fs;
use std::io::Write;
use std::path::Path;

use anyhow::Context;

use crate::data_dir::sync_folder;

/// Puts a key in the place of an earlier one.
pub(crate) fn write(path: &Path, key: &str) -> anyhow::Result<()> {
    put(path, key).with_context(|| format!("cannot write the key to {}", path.display()))
}

fn put(path: &Path, key: &str) -> std::io::Result<()> {
    let draft = path.with_extension(format!("key.{}.new", std::process::id()));
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    let written = (|| {
        let mut file = options.open(&draft)?;
        writeln!(file, "{key}")?;
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
