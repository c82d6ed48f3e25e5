//! How a run ended, and what it said.

use std::time::Duration;

use crate::network::NetworkUsage;

/// How a run ended, and what it said.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// How it ended.
    pub end: End,
    /// What it wrote on standard output, up to the limit.
    pub stdout: Vec<u8>,
    /// What it wrote on standard error, up to the limit.
    pub stderr: Vec<u8>,
    /// Whether standard output was longer than the limit.
    pub stdout_truncated: bool,
    /// Whether standard error was longer than the limit.
    pub stderr_truncated: bool,
    /// How long it took, start-up included.
    pub wall: Duration,
    /// What it asked of the network; empty where it saw none.
    pub network: NetworkUsage,
    /// How many functions of the host it called.
    pub host_calls: u32,
}

impl Outcome {
    /// Returns whether the program ended by itself and said that all went well.
    pub fn is_success(&self) -> bool {
        self.end == End::Exited(0)
    }
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The program ended with this code; 127 where there is no such program, 126 where it cannot
    /// be started.
    Exited(i32),
    /// A signal ended the program, or it ended with 128 and a signal's number, as shells do when a
    /// signal ended what they ran.
    Signalled(i32),
    /// It took too long.
    TimedOut,
    /// The caller stopped it.
    Cancelled,
    /// It used more than it may.
    OverLimit(Limit),
}

/// What a run used too much of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// Memory of all its processes.
    Memory,
    /// Disk space of its workspace.
    WorkspaceBytes,
    /// Files in its workspace or in `/tmp`.
    WorkspaceFiles,
}

impl std::fmt::Display for Limit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Memory => "memory",
            Self::WorkspaceBytes => "disk space of the workspace",
            Self::WorkspaceFiles => "number of files",
        })
    }
}
