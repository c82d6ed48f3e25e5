//! Writes the entries of a backup.

use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Write};
use std::path::Path;

use hearth_domain::artifact::ContentHash;
use tar::{Builder, EntryType, Header};

use crate::backup::{Draft, Manifest, Source, entry_name};
use crate::care_error::{CareError, file};
use crate::contents::{Hashing, place};
use crate::inspect::Snapshot;

/// How much is read and written at once.
const BLOCK: usize = 256 * 1024;

/// Writes everything into `draft`; `copy` is the file of `snapshot`.
pub(super) fn write(
    source: &Source<'_>,
    manifest: &Manifest,
    snapshot: &Snapshot,
    copy: &Path,
    draft: &Draft,
) -> Result<(), CareError> {
    let mut archive = Archive {
        builder: Builder::new(BufWriter::with_capacity(BLOCK, draft.file())),
        path: draft.path(),
        seconds: u64::try_from(manifest.created_at.as_millis() / 1000).unwrap_or(0),
    };
    let text = serde_json::to_vec_pretty(manifest)
        .map_err(|problem| file("write", draft.path())(problem.into()))?;
    archive.add("manifest.json", text.len() as u64, text.as_slice())?;
    let database = File::open(copy).map_err(file("read", copy))?;
    let mut database = BufReader::with_capacity(BLOCK, database);
    archive.add("hearth.db", manifest.database.size_bytes, &mut database)?;
    snapshot.each_content(|hash, size| archive.add_content(source.artifacts, hash, size))?;
    archive.finish()
}

struct Archive<'a> {
    builder: Builder<BufWriter<&'a File>>,
    path: &'a Path,
    /// The time that every entry bears.
    seconds: u64,
}

impl Archive<'_> {
    fn add(&mut self, name: &str, size: u64, reader: impl Read) -> Result<(), CareError> {
        let failed = || file("write", self.path);
        let mut header = Header::new_gnu();
        header.set_path(name).map_err(failed())?;
        header.set_entry_type(EntryType::Regular);
        header.set_size(size);
        header.set_mode(0o600);
        header.set_mtime(self.seconds);
        header.set_cksum();
        self.builder
            .append(&header, reader.take(size))
            .map_err(failed())
    }

    /// Adds a content, which must be what its name says.
    fn add_content(&mut self, dir: &Path, hash: ContentHash, size: u64) -> Result<(), CareError> {
        let path = place(dir, hash);
        let wrong = |problem: String| CareError::Content {
            path: path.clone(),
            problem,
        };
        let opened = match File::open(&path) {
            Ok(opened) => opened,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(wrong("is missing".into()));
            }
            Err(error) => return Err(file("read", &path)(error)),
        };
        let has = opened.metadata().map_err(file("look at", &path))?.len();
        if has != size {
            return Err(wrong(format!("has {has} bytes of {size}")));
        }
        let mut reader = Hashing::new(BufReader::with_capacity(BLOCK, opened));
        let added = self.add(&entry_name(hash), size, &mut reader);
        if let Some(error) = reader.take_failure() {
            return Err(file("read", &path)(error));
        }
        added?;
        if reader.finish() == (hash, size) {
            Ok(())
        } else {
            Err(wrong(
                "is damaged: it does not have the hash that is its name".into(),
            ))
        }
    }

    fn finish(self) -> Result<(), CareError> {
        self.builder
            .into_inner()
            .and_then(|mut writer| writer.flush())
            .map_err(file("write", self.path))
    }
}
