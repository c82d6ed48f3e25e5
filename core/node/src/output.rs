//! What commands print: results on standard output, everything else on standard error.
//!
//! A reader that goes away (`hearth task list | head`) ends the command quietly.

pub mod table;
pub mod text;

use std::fmt;
use std::io::{self, Write};

use serde_json::Value;

/// Standard output was closed by whoever read it.
#[derive(Debug)]
pub struct OutputClosed;

impl fmt::Display for OutputClosed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("standard output was closed")
    }
}

impl std::error::Error for OutputClosed {}

/// How results are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output {
    /// For people.
    Human,
    /// For programs: the API's own object.
    Json,
}

impl Output {
    /// For programs where they asked for JSON.
    pub fn of(is_json: bool) -> Self {
        if is_json { Self::Json } else { Self::Human }
    }

    /// Prints what the node answered: as it came for programs, else as `human` puts it.
    ///
    /// # Errors
    /// Standard output cannot be written to.
    pub fn answer(self, json: &str, human: impl FnOnce() -> String) -> anyhow::Result<()> {
        match self {
            Self::Json => print_line(json),
            Self::Human => print_line(&human()),
        }
    }

    /// Prints an object that this program made itself.
    ///
    /// # Errors
    /// See [`Self::answer`].
    pub fn object(self, json: &Value, human: impl FnOnce() -> String) -> anyhow::Result<()> {
        match self {
            Self::Json => print_line(&json.to_string()),
            Self::Human => print_line(&human()),
        }
    }

    /// Prints a line for people; programs are not told.
    ///
    /// # Errors
    /// See [`Self::answer`].
    pub fn line(self, line: &str) -> anyhow::Result<()> {
        match self {
            Self::Json => Ok(()),
            Self::Human => print_line(line),
        }
    }
}

/// Prints text and the end of the line; empty text prints nothing.
///
/// # Errors
/// See [`Output::answer`].
pub fn print_line(text: &str) -> anyhow::Result<()> {
    let text = text.trim_end_matches('\n');
    if text.is_empty() {
        return Ok(());
    }
    let mut out = io::stdout().lock();
    writeln!(out, "{text}")
        .and_then(|()| out.flush())
        .map_err(stdout_error)
}

/// Prints text as it is, at once.
///
/// # Errors
/// See [`Output::answer`].
pub fn print_piece(text: &str) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    write!(out, "{text}")
        .and_then(|()| out.flush())
        .map_err(stdout_error)
}

/// Tells apart a reader that went away from a real failure.
pub(crate) fn stdout_error(error: io::Error) -> anyhow::Error {
    if error.kind() == io::ErrorKind::BrokenPipe {
        anyhow::Error::new(OutputClosed)
    } else {
        anyhow::Error::new(error).context("cannot write to standard output")
    }
}

/// Prints a line on standard error. Where that is closed there is nobody to tell.
pub fn note(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{}", text::one_line(line));
}

/// Prints what belongs below a [`note`], on standard error.
pub fn note_below(lines: &str) {
    let _ = writeln!(io::stderr().lock(), "{}", text::paragraphs(lines));
}
