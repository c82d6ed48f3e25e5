//! Reads the settings file, whatever stands in its place.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Read};
use std::path::Path;

use anyhow::{Context, bail};

/// Far more than all settings with a book of comments.
const MAX_BYTES: u64 = 1024 * 1024;

/// Returns the text of the settings file; nothing where there is no such file.
///
/// # Errors
/// Says in one line why it cannot be read: it is no file, too large, no text, or not to be opened.
pub(super) fn read(path: &Path) -> anyhow::Result<Option<String>> {
    let shown = path.display();
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        // A pipe would keep whoever opens it waiting for a writer.
        options.custom_flags(nix::fcntl::OFlag::O_NONBLOCK.bits());
    }
    let file = match options.open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).context(format!("cannot read {shown}")),
    };
    let is_nothing = path == Path::new("/dev/null");
    if !is_nothing && !file.metadata().is_ok_and(|metadata| metadata.is_file()) {
        bail!("cannot read {shown}: it is not a file");
    }
    let mut bytes = Vec::new();
    file.take(MAX_BYTES + 1)
        .read_to_end(&mut bytes)
        .with_context(|| format!("cannot read {shown}"))?;
    if bytes.len() as u64 > MAX_BYTES {
        bail!("cannot read {shown}: it is larger than {MAX_BYTES} bytes");
    }
    match String::from_utf8(bytes) {
        Ok(text) => Ok(Some(text)),
        Err(_) => bail!("cannot read {shown}: it is not UTF-8 text"),
    }
}
