//! What the sandbox needs to know about the machine; the node fills it in.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::Walls;

/// The user and group that programs run as where the node itself is root.
///
/// From 60706 to 61183 is a range that systemd's list of reserved ids leaves unused, and it is
/// below 65536, so that it also exists inside the usual rootless container.
pub const DEFAULT_RUN_AS: u32 = 60_747;

/// Where the programs are that the sandbox is made of.
#[derive(Debug, Clone)]
pub struct Config {
    /// Bubblewrap, 0.8.0 or newer.
    pub bwrap: PathBuf,
    /// The system's Python, 3.9 or newer; below `/usr`, which is all that is visible inside.
    pub python: PathBuf,
    /// How to start [`crate::stage::main`] in a process of its own.
    pub stage: Stage,
    /// What no granted folder may be, contain or lie in: the node's data and settings.
    pub protected: Vec<PathBuf>,
    /// The user and group id to change to where the node runs as root; it must not be 0.
    pub run_as: u32,
    /// Which walls stand: all, but for the tests of this crate.
    pub walls: Walls,
}

impl Config {
    /// Returns the configuration with the usual paths of a Linux system.
    pub fn new(stage: Stage) -> Self {
        Self {
            bwrap: PathBuf::from("/usr/bin/bwrap"),
            python: PathBuf::from("/usr/bin/python3"),
            stage,
            protected: vec![],
            run_as: DEFAULT_RUN_AS,
            walls: Walls::all(),
        }
    }
}

/// A program, and the arguments after which it hands the rest to [`crate::stage::main`].
#[derive(Debug, Clone)]
pub struct Stage {
    /// The program file, usually the node's own.
    pub program: PathBuf,
    /// The leading arguments, such as `sandbox-stage`.
    pub args: Vec<OsString>,
}
