//! Reads a backup, and takes nothing in it for true that was not checked.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::Path;

use hearth_domain::artifact::ContentHash;
use tar::{Archive, Entry};

use crate::backup::draft::create_private;
use crate::backup::manifest::{Heading, KIND};
use crate::backup::{FORMAT, Manifest, entry_name};
use crate::care_error::{CareError, file};
use crate::contents::{Hashing, parse_hash};
use crate::error::{OpenError, StoreError};
use crate::inspect::{Snapshot, is_of_disk};
use crate::migrate;

/// How much is read and written at once.
const BLOCK: usize = 256 * 1024;
/// A manifest has some hundred bytes.
const MANIFEST_MAX: u64 = 64 * 1024;

/// What is done with the contents.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Contents<'a> {
    /// They are read.
    Check,
    /// They are put into this folder, each under its hash, and flushed.
    KeepIn(&'a Path),
}

/// Unpacks the backup at `path`: its database to `database`, an empty file, and its contents as
/// told. Returns what it says of itself, all of which is true.
pub(crate) fn unpack(
    path: &Path,
    database: &Path,
    contents: Contents<'_>,
) -> Result<Manifest, CareError> {
    let opened = File::open(path).map_err(file("read", path))?;
    if !opened.metadata().map_err(file("look at", path))?.is_file() {
        return Err(CareError::not_whole(path, "it is no file"));
    }
    let mut archive = Archive::new(BufReader::with_capacity(BLOCK, opened));
    let mut reading = Reading {
        path,
        seen: HashMap::new(),
    };
    let mut entries = archive
        .entries()
        .map_err(|error| reading.failed("", error))?;
    let mut next = |reading: &Reading<'_>| {
        let entry = entries.next().transpose();
        entry.map_err(|error| reading.failed("", error))
    };

    let Some(mut entry) = next(&reading)? else {
        return Err(reading.not_whole("it is empty"));
    };
    let manifest = reading.manifest(&mut entry)?;
    let Some(mut entry) = next(&reading)? else {
        return Err(reading.not_whole("it ends before its database"));
    };
    reading.database(&mut entry, &manifest, database)?;
    while let Some(mut entry) = next(&reading)? {
        reading.content(&mut entry, contents)?;
    }
    reading.check_database(&manifest, database)?;
    Ok(manifest)
}

/// What is known while a backup is read.
struct Reading<'a> {
    path: &'a Path,
    /// The contents that were there, with their sizes.
    seen: HashMap<ContentHash, u64>,
}

impl Reading<'_> {
    fn not_whole(&self, problem: impl Into<String>) -> CareError {
        CareError::not_whole(self.path, problem)
    }

    /// Tells a disk that fails from a file that is not what it should be.
    fn failed(&self, name: &str, error: io::Error) -> CareError {
        if error.raw_os_error().is_some() {
            return file("read", self.path)(error);
        }
        let is_first = self.seen.is_empty() && name.is_empty();
        match error.kind() {
            io::ErrorKind::UnexpectedEof => self.not_whole("it is cut short"),
            _ if is_first => self.not_whole("it is no archive, or is cut short"),
            _ => self.not_whole("it is damaged, or is cut short"),
        }
    }

    fn manifest(&self, entry: &mut Entry<'_, impl Read>) -> Result<Manifest, CareError> {
        if name_of(entry) != "manifest.json" || entry.size() > MANIFEST_MAX {
            return Err(self.not_whole("it is an archive of something else"));
        }
        let mut text = Vec::new();
        entry
            .read_to_end(&mut text)
            .map_err(|error| self.failed("manifest.json", error))?;
        if text.len() as u64 != entry.size() {
            return Err(self.not_whole("it is cut short in its manifest"));
        }
        let wrong = |_| self.not_whole("its manifest cannot be read");
        let heading: Heading = serde_json::from_slice(&text).map_err(wrong)?;
        if heading.kind != KIND {
            return Err(self.not_whole("it is an archive of something else"));
        }
        let newer = |what: String, version: String| CareError::Newer {
            path: self.path.into(),
            version,
            what,
        };
        if heading.format > FORMAT {
            return Err(newer(
                format!("backup format {}", heading.format),
                heading.version,
            ));
        }
        let manifest: Manifest = serde_json::from_slice(&text).map_err(wrong)?;
        if manifest.schema > migrate::schema_version() {
            return Err(newer(
                format!("schema {}", manifest.schema),
                manifest.version,
            ));
        }
        Ok(manifest)
    }

    fn database(
        &self,
        entry: &mut Entry<'_, impl Read>,
        manifest: &Manifest,
        database: &Path,
    ) -> Result<(), CareError> {
        if name_of(entry) != "hearth.db" {
            return Err(self.not_whole("its second entry is not its database"));
        }
        let (hash, size) = self.write(entry, "hearth.db", database)?;
        if size != manifest.database.size_bytes || hash.to_string() != manifest.database.sha256 {
            return Err(self.not_whole("its database is not the one that its manifest names"));
        }
        Ok(())
    }

    fn content(
        &mut self,
        entry: &mut Entry<'_, impl Read>,
        contents: Contents<'_>,
    ) -> Result<(), CareError> {
        let name = name_of(entry);
        let hash = name.rsplit('/').next().and_then(parse_hash);
        let Some(named) = hash.filter(|hash| entry_name(*hash) == name) else {
            return Err(self.not_whole(format!("it holds {name:?}, which no backup has")));
        };
        let (hash, size) = match contents {
            Contents::KeepIn(dir) => self.write(entry, &name, &dir.join(named.to_string()))?,
            Contents::Check => self.copy(entry, &name, &mut io::sink(), self.path)?,
        };
        if hash != named {
            return Err(self.not_whole(format!("{name} does not have the hash that is its name")));
        }
        if self.seen.insert(named, size).is_some() {
            return Err(self.not_whole(format!("{name} is in it twice")));
        }
        Ok(())
    }

    /// Writes an entry to a file that is flushed.
    fn write(
        &self,
        entry: &mut Entry<'_, impl Read>,
        name: &str,
        to: &Path,
    ) -> Result<(ContentHash, u64), CareError> {
        let made = create_private(to).map_err(file("make", to))?;
        let mut writer = BufWriter::with_capacity(BLOCK, &made);
        let written = self.copy(entry, name, &mut writer, to)?;
        writer.flush().map_err(file("write", to))?;
        drop(writer);
        made.sync_all().map_err(file("flush", to))?;
        Ok(written)
    }

    fn copy(
        &self,
        entry: &mut Entry<'_, impl Read>,
        name: &str,
        writer: &mut impl Write,
        to: &Path,
    ) -> Result<(ContentHash, u64), CareError> {
        let size = entry.size();
        let mut reader = Hashing::new(entry);
        let copied = io::copy(&mut reader, writer);
        if let Some(error) = reader.take_failure() {
            return Err(self.failed(name, error));
        }
        copied.map_err(file("write", to))?;
        let (hash, read) = reader.finish();
        if read != size {
            return Err(self.not_whole(format!("it is cut short in {name}")));
        }
        Ok((hash, read))
    }

    /// Holds the database against the manifest and the contents.
    fn check_database(mut self, manifest: &Manifest, database: &Path) -> Result<(), CareError> {
        let unsound = |problem: String| {
            CareError::not_whole(self.path, format!("its database is not sound: {problem}"))
        };
        // A disk that does not give back what was unpacked says nothing of the backup.
        let snapshot = Snapshot::open(database).map_err(|error| match error {
            OpenError::File { .. } => error.into(),
            _ => unsound(error.to_string()),
        })?;
        let fault = snapshot.find_fault().map_err(|error| match error {
            StoreError::Sqlite(source) if !is_of_disk(&source) => unsound(source.to_string()),
            _ => error.into(),
        })?;
        if let Some(fault) = fault {
            return Err(unsound(fault));
        }
        let is_as_told = snapshot.schema() == manifest.schema
            && snapshot.last_event()?.0 == manifest.last_seq
            && snapshot.counts()? == manifest.counts;
        if !is_as_told {
            return Err(self.not_whole("its database is not what its manifest says"));
        }
        let (path, seen) = (self.path, &mut self.seen);
        let mut bytes = 0;
        let mut count = 0;
        snapshot.each_content(|hash, size| {
            count += 1;
            bytes += size;
            if seen.remove(&hash) == Some(size) {
                return Ok(());
            }
            let problem = format!("the content {hash} of an artifact is missing from it");
            Err(CareError::not_whole(path, problem))
        })?;
        if !self.seen.is_empty() {
            return Err(self.not_whole("it holds contents that no artifact has"));
        }
        if (count, bytes) != (manifest.contents, manifest.content_bytes) {
            return Err(self.not_whole("its contents are not what its manifest says"));
        }
        Ok(())
    }
}

/// Returns the name of an entry; none where it is not a plain file.
fn name_of(entry: &Entry<'_, impl Read>) -> String {
    if entry.header().entry_type().is_file() {
        String::from_utf8_lossy(&entry.path_bytes()).into_owned()
    } else {
        String::new()
    }
}
