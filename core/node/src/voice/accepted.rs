//! Files whose hash nobody knew and whose owner took them all the same: what their hash was then.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::Context;

/// The hashes, by the file's name.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Accepted {
    path: PathBuf,
    hashes: BTreeMap<String, String>,
}

impl Accepted {
    /// Reads them from the folder of models.
    ///
    /// # Errors
    /// They are there and cannot be read.
    pub(crate) fn read(folder: &Path) -> anyhow::Result<Self> {
        let path = folder.join("accepted.json");
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => "{}".to_owned(),
            Err(error) => {
                return Err(error).with_context(|| format!("cannot read {}", path.display()));
            }
        };
        let hashes = serde_json::from_str(&text)
            .with_context(|| format!("{} is not what was written there", path.display()))?;
        Ok(Self { path, hashes })
    }

    pub(crate) fn hash(&self, file: &str) -> Option<&str> {
        self.hashes.get(file).map(String::as_str)
    }
}

/// Keeps the hash of a file in the folder of models, or forgets it. Others that do so at the same time wait.
///
/// # Errors
/// It cannot be written.
pub(crate) fn put(folder: &Path, file: &str, hash: Option<&str>) -> anyhow::Result<()> {
    let lock = folder.join(".accepted.lock");
    let lock = File::create(&lock).with_context(|| format!("cannot write {}", lock.display()))?;
    lock.lock()
        .context("the folder of models cannot be locked")?;
    let Accepted { path, mut hashes } = Accepted::read(folder)?;
    let before = match hash {
        Some(hash) => hashes.insert(file.to_owned(), hash.to_owned()),
        None => hashes.remove(file),
    };
    if before.as_deref() == hash {
        return Ok(());
    }
    let text = serde_json::to_string_pretty(&hashes)?;
    let fresh = path.with_extension("json.new");
    std::fs::write(&fresh, text + "\n")
        .and_then(|()| std::fs::rename(&fresh, &path))
        .with_context(|| format!("cannot write {}", path.display()))
}
