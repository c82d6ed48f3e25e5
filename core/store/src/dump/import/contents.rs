//! Contents on their way in: put together from their parts in a folder of their own.

use std::fs::File;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hearth_domain::artifact::ContentHash;
use rusqlite::Connection;
use sha2::{Digest, Sha256};

use crate::care_error::{CareError, file};
use crate::contents::{parse_hash, place};
use crate::dump::line::refuse;
use crate::dump::{ContentLine, PART};

/// The contents that came, and the one that is coming.
pub(super) struct StagedContents<'a> {
    dir: &'a Path,
    coming: Option<Coming>,
    count: u64,
}

/// A content of which not all parts are there.
struct Coming {
    hash: ContentHash,
    path: PathBuf,
    file: File,
    hasher: Sha256,
    part: u64,
    of: u64,
}

/// Why a part was not taken.
pub(super) enum Problem {
    /// What the line says is wrong.
    Line(String),
    /// The disk refused.
    Other(CareError),
}

impl Problem {
    pub(super) fn on(self, line: u64) -> CareError {
        match self {
            Self::Line(problem) => refuse(line, problem),
            Self::Other(error) => error,
        }
    }
}

impl<'a> StagedContents<'a> {
    pub(super) fn new(dir: &'a Path) -> Self {
        Self {
            dir,
            coming: None,
            count: 0,
        }
    }

    /// Returns how many contents are there whole.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    pub(super) fn take(&mut self, part: &ContentLine) -> Result<(), Problem> {
        let line = |problem: &str| Problem::Line(problem.into());
        let hash = parse_hash(&part.sha256).ok_or_else(|| line("sha256 must be 64 digits"))?;
        let bytes = STANDARD
            .decode(&part.base64)
            .ok()
            .filter(|bytes| bytes.len() <= PART)
            .ok_or_else(|| line("base64 must be at most 512 KiB, in base64"))?;
        let mut coming = match self.coming.take() {
            Some(coming) => coming,
            None => self.begin(hash, part)?,
        };
        if (coming.hash, coming.part + 1, coming.of) != (hash, part.part, part.of) {
            return Err(Problem::Line(format!(
                "part {} of {} of the content {} should stand here",
                coming.part + 1,
                coming.of,
                coming.hash
            )));
        }
        let other = |act| {
            let path = coming.path.clone();
            move |error| Problem::Other(file(act, &path)(error))
        };
        coming.hasher.update(&bytes);
        coming.file.write_all(&bytes).map_err(other("write"))?;
        coming.part = part.part;
        if coming.part < coming.of {
            self.coming = Some(coming);
            return Ok(());
        }
        coming.file.sync_all().map_err(other("flush"))?;
        if ContentHash(coming.hasher.finalize().into()) != hash {
            return Err(line("the content does not have the hash that is its name"));
        }
        self.count += 1;
        Ok(())
    }

    fn begin(&self, hash: ContentHash, part: &ContentLine) -> Result<Coming, Problem> {
        let path = self.dir.join(hash.to_string());
        if part.of == 0 {
            return Err(Problem::Line("a content has at least one part".into()));
        }
        let file = File::create_new(&path).map_err(|error| match error.kind() {
            ErrorKind::AlreadyExists => Problem::Line(format!("the content {hash} is there twice")),
            _ => Problem::Other(file("make", &path)(error)),
        })?;
        Ok(Coming {
            hash,
            path,
            file,
            hasher: Sha256::new(),
            part: 0,
            of: part.of,
        })
    }

    /// Checks that every artifact has its content, among those that came or those in `artifacts`.
    pub(super) fn check_all_there(
        &self,
        conn: &Connection,
        artifacts: &Path,
    ) -> Result<(), CareError> {
        if let Some(Coming { hash, part, of, .. }) = &self.coming {
            return Err(not_whole(format!(
                "of the content {hash} there are {part} parts of {of}"
            )));
        }
        let failed = |source| CareError::Database {
            act: "look for the contents of artifacts",
            source,
        };
        let sql = "SELECT DISTINCT sha256, size_bytes FROM artifacts";
        let mut statement = conn.prepare(sql).map_err(failed)?;
        let mut rows = statement.query([]).map_err(failed)?;
        while let Some(row) = rows.next().map_err(failed)? {
            let hash = ContentHash(row.get(0).map_err(failed)?);
            let size: u64 = row.get(1).map_err(failed)?;
            if !has_size(&self.dir.join(hash.to_string()), size)?
                && !has_size(&place(artifacts, hash), size)?
            {
                return Err(not_whole(format!("the content {hash} is not in it")));
            }
        }
        Ok(())
    }
}

fn has_size(path: &Path, size: u64) -> Result<bool, CareError> {
    match path.metadata() {
        Ok(found) => Ok(found.len() == size),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(file("look at", path)(error)),
    }
}

fn not_whole(problem: String) -> CareError {
    CareError::Incomplete(problem)
}
