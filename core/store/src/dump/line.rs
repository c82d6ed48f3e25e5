//! Lines on their way out and in, counted and hashed.

use std::io::{BufRead, Read, Write};

use hearth_domain::artifact::ContentHash;
use sha2::{Digest, Sha256};

use crate::care_error::CareError;

/// Longer than any row: the largest body that a request may have is a fraction of it.
const LINE_MAX: u64 = 64 * 1024 * 1024;

/// Writes lines.
pub(super) struct LineWriter<W> {
    out: W,
    hasher: Sha256,
    lines: u64,
}

impl<W: Write> LineWriter<W> {
    pub(super) fn new(out: W) -> Self {
        Self {
            out,
            hasher: Sha256::new(),
            lines: 0,
        }
    }

    /// Writes a line; its end is added.
    pub(super) fn write(&mut self, line: &[u8]) -> Result<(), CareError> {
        for bytes in [line, b"\n"] {
            self.hasher.update(bytes);
            self.out.write_all(bytes).map_err(CareError::Output)?;
        }
        self.lines += 1;
        Ok(())
    }

    pub(super) fn write_json(&mut self, value: &impl serde::Serialize) -> Result<(), CareError> {
        let line = serde_json::to_vec(value).map_err(|error| CareError::Output(error.into()))?;
        self.write(&line)
    }

    /// Returns how many lines there are, and their hash.
    pub(super) fn summary(&self) -> (u64, ContentHash) {
        let hash = self.hasher.clone().finalize();
        (self.lines, ContentHash(hash.into()))
    }

    pub(super) fn flush(mut self) -> Result<(), CareError> {
        self.out.flush().map_err(CareError::Output)
    }
}

/// Reads lines.
pub(super) struct LineReader<R> {
    input: R,
    hasher: Sha256,
    line: Vec<u8>,
    lines: u64,
}

impl<R: BufRead> LineReader<R> {
    pub(super) fn new(input: R) -> Self {
        Self {
            input,
            hasher: Sha256::new(),
            line: Vec::new(),
            lines: 0,
        }
    }

    /// Goes on to the next line; returns whether there is one.
    pub(super) fn advance(&mut self) -> Result<bool, CareError> {
        // The line read before: the last one tells the hash of those before it.
        self.hasher.update(&self.line);
        self.line.clear();
        let mut input = (&mut self.input).take(LINE_MAX);
        let count = input
            .read_until(b'\n', &mut self.line)
            .map_err(CareError::Input)?;
        if count == 0 {
            return Ok(false);
        }
        self.lines += 1;
        if self.line.last() != Some(&b'\n') {
            return Err(self.refuse("it is cut short"));
        }
        Ok(true)
    }

    /// Returns the line, without its end.
    pub(super) fn text(&self) -> Result<&str, CareError> {
        let line = self.line.strip_suffix(b"\n").unwrap_or(&self.line);
        std::str::from_utf8(line).map_err(|_| self.refuse("it is no text"))
    }

    /// Returns how many lines there were, this one included.
    pub(super) fn number(&self) -> u64 {
        self.lines
    }

    /// Returns the hash of the lines before this one.
    pub(super) fn hash_before(&self) -> ContentHash {
        ContentHash(self.hasher.clone().finalize().into())
    }

    /// Says what is wrong with the line.
    pub(super) fn refuse(&self, problem: impl Into<String>) -> CareError {
        refuse(self.lines, problem)
    }
}

/// Says what is wrong with a line.
pub(super) fn refuse(line: u64, problem: impl Into<String>) -> CareError {
    CareError::Line {
        line,
        problem: problem.into(),
    }
}
