//! Files that hold a key.

use std::fs;
use std::io::{Read, Write};
use std::path::Path;

use anyhow::{Context, bail};

use crate::data_dir::sync_folder;

/// No key is nearly as long; a larger file is none.
const MAX_BYTES: u64 = 4096;

/// Reads a key from a file that only its owner can read.
pub(crate) fn read(path: &Path) -> anyhow::Result<Option<String>> {
    let shown = path.display();
    let file = match fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).context(format!("cannot read the key in {shown}")),
    };
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        if file.metadata()?.permissions().mode() & 0o077 != 0 {
            bail!("the key in {shown} can be read by others; run: chmod 600 {shown}");
        }
    }
    let mut text = String::new();
    file.take(MAX_BYTES)
        .read_to_string(&mut text)
        .with_context(|| format!("cannot read the key in {shown}"))?;
    let key = text.trim();
    if key.is_empty() {
        bail!("{shown} is empty, and should hold a key");
    }
    Ok(Some(key.to_owned()))
}

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
