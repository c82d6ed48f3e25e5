//! Secrets in files that only their owner can read.

use std::fs;
use std::io::{ErrorKind, Read};
use std::path::Path;

use anyhow::{Context, bail};

use crate::secrets::{MAX_BYTES, Secret};

/// Reads the secret in a file; nothing where there is no such file.
///
/// # Errors
/// The file cannot be read, others can read it too, or it holds something else than one secret.
pub fn read(path: &Path) -> anyhow::Result<Option<Secret>> {
    let shown = path.display();
    let file = match fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).context(format!("cannot read {shown}")),
    };
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        if file.metadata()?.permissions().mode() & 0o077 != 0 {
            bail!("{shown} can be read by others; run: chmod 600 {shown}");
        }
    }
    let mut text = String::new();
    // One byte more than any secret has shows that there is more.
    file.take(MAX_BYTES + 2)
        .read_to_string(&mut text)
        .with_context(|| format!("cannot read {shown}"))?;
    match Secret::new(&text) {
        Ok(secret) => Ok(Some(secret)),
        Err(problem) => bail!("{shown} {problem}, and should hold a secret alone"),
    }
}
