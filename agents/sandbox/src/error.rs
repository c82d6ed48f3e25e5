//! Why there is no sandbox, and why a run could not be started.

use std::io;
use std::path::PathBuf;

/// The sandbox cannot be had on this machine as it stands.
#[derive(Debug, Clone, thiserror::Error)]
#[error("no sandbox: {reason}; {remedy}")]
pub struct Unavailable {
    /// What is missing.
    pub reason: String,
    /// What the owner can do about it, a command where there is one.
    pub remedy: String,
}

/// A run could not be started or followed. How a started program ended is no error.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The workspace is not a folder that can be handed to a program.
    #[error("workspace {} cannot be used", path.display())]
    Workspace {
        /// The folder.
        path: PathBuf,
        /// What went wrong with it.
        source: io::Error,
    },
    /// A granted folder cannot or must not be used.
    #[error("folder {name} ({}) is refused: {problem}", path.display())]
    Folder {
        /// The name that it would have inside.
        name: String,
        /// The folder on the host.
        path: PathBuf,
        /// Why, and what to grant instead.
        problem: String,
    },
    /// The job makes no sense: an empty command, a zero byte in an argument.
    #[error("job refused: {reason}")]
    Invalid {
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The machine would not give us a process, a thread or a pipe.
    #[error("sandbox process could not be started or followed")]
    Process {
        /// What the system said.
        #[from]
        source: io::Error,
    },
    /// The walls could not be raised, so nothing was run.
    #[error("sandbox could not be set up: {detail}")]
    SetUp {
        /// What bubblewrap or our stage said.
        detail: String,
    },
}

impl SandboxError {
    /// Returns whether the same job may well succeed later.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Process { source } => matches!(
                source.kind(),
                io::ErrorKind::WouldBlock
                    | io::ErrorKind::OutOfMemory
                    | io::ErrorKind::Interrupted
                    | io::ErrorKind::ResourceBusy
            ),
            Self::Workspace { .. }
            | Self::Folder { .. }
            | Self::Invalid { .. }
            | Self::SetUp { .. } => false,
        }
    }
}
