//! The sandbox on systems where there is none: every probe says so.

use std::convert::Infallible;
use std::fs::File;
use std::future::Future;
use std::io;
use std::path::Path;

use crate::{Config, Job, Outcome, SandboxError, Survey, Unavailable};

/// A sandbox; there are none on this system.
#[derive(Debug, Clone)]
pub struct Sandbox {
    never: Infallible,
}

impl Sandbox {
    /// Says that there is no sandbox on this system.
    ///
    /// # Errors
    /// Always.
    #[expect(clippy::unused_async, reason = "the same interface as on Linux")]
    pub async fn probe(_config: Config) -> Result<Self, Unavailable> {
        Err(unavailable())
    }

    /// Says that there is no sandbox on this system.
    ///
    /// # Errors
    /// Always.
    #[expect(clippy::unused_async, reason = "the same interface as on Linux")]
    pub async fn survey(_config: &Config) -> Result<Survey, Unavailable> {
        Err(unavailable())
    }

    /// Returns the version of the interpreter.
    pub fn python_version(&self) -> &str {
        match self.never {}
    }

    /// Runs a job; there is no way to come here.
    #[expect(clippy::unused_async, reason = "the same interface as on Linux")]
    pub async fn run(
        &self,
        _job: Job,
        _cancel: impl Future<Output = ()>,
    ) -> Result<Outcome, SandboxError> {
        match self.never {}
    }
}

fn unavailable() -> Unavailable {
    Unavailable {
        reason: "the sandbox exists on Linux and macOS only".into(),
        remedy: "run the node on Linux to let agents run code".into(),
    }
}

/// Refuses: without a sandbox no run left anything behind.
///
/// # Errors
/// Always.
pub fn open_beneath(_workspace: &Path, _relative: &Path) -> io::Result<File> {
    Err(io::Error::from(io::ErrorKind::Unsupported))
}

/// Refuses: without a sandbox no folder is granted.
///
/// # Errors
/// Always.
pub fn write_beneath(_root: &Path, _relative: &Path, _bytes: &[u8]) -> io::Result<()> {
    Err(io::Error::from(io::ErrorKind::Unsupported))
}

/// Refuses: no folder is granted on this system yet.
///
/// # Errors
/// Always.
pub fn open_granted(_root: &Path, _relative: &Path) -> io::Result<File> {
    Err(io::Error::from(io::ErrorKind::Unsupported))
}
