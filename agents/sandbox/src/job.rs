//! What is to be run, where, and how much of the machine it may use.

use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::host::HostGrant;
use crate::network::Network;

/// One thing to run in the sandbox.
#[derive(Debug, Clone)]
pub struct Job {
    /// What runs.
    pub program: Program,
    /// The one folder it can write to, seen inside as `/workspace`.
    pub workspace: Workspace,
    /// Folders that were granted beside it, seen inside as `/folders/NAME`; 16 at most.
    pub folders: Vec<Folder>,
    /// How much of the machine it may use.
    pub limits: Limits,
    /// What it reads on its standard input; end of file where there is none.
    pub stdin: Option<Vec<u8>>,
    /// What it sees of the network.
    pub network: Network,
    /// Functions of the host that it may call; for Python only.
    pub host: Option<HostGrant>,
    /// What the world is to know the act by, so that doing it twice is doing it once; the program
    /// finds it in `HEARTH_IDEMPOTENCY_KEY`.
    pub idempotency_key: Option<String>,
    /// A terminal for the program to read and write instead: the end that programs use. It should
    /// be nobody's; where the node is root it comes to belong to the sandbox's user.
    pub terminal: Option<Arc<OwnedFd>>,
}

impl Job {
    /// Returns a job with the default limits and no input.
    pub fn new(program: Program, workspace: Workspace) -> Self {
        Self {
            program,
            workspace,
            folders: vec![],
            limits: Limits::default(),
            stdin: None,
            network: Network::None,
            host: None,
            idempotency_key: None,
            terminal: None,
        }
    }
}

/// What runs inside.
#[derive(Debug, Clone)]
pub enum Program {
    /// Python code, by the system's interpreter, isolated and without site packages.
    Python {
        /// The source text.
        code: String,
    },
    /// A command, looked up in `/usr/bin` where it has no slash.
    Command {
        /// The program and its arguments. Arguments are visible to other users of the host for as
        /// long as the command runs: a secret belongs on its standard input.
        argv: Vec<String>,
    },
}

/// The folder a job works in.
#[derive(Debug, Clone)]
pub enum Workspace {
    /// A folder of the host, kept. Where the node is root it comes to belong to the sandbox's user.
    Folder(PathBuf),
    /// An empty folder in memory, gone with the run.
    Scratch,
}

/// A folder of the host that a job was granted.
///
/// Its files keep their owners and rights. A node that is root runs programs as a user who owns
/// none of them: that user must be allowed to read them, or to write, or the job is refused with
/// the command that allows it. What is written into the folder belongs to that user.
#[derive(Debug, Clone)]
pub struct Folder {
    /// Where it is: a whole path, whose last part is no link. Parts of the system, homes as a whole
    /// and what the configuration protects are refused.
    pub host: PathBuf,
    /// What it is called inside: up to 64 letters, digits, `_`, `-` and dots, no dot first.
    pub name: String,
    /// What may be done with it.
    pub access: Access,
}

/// What may be done with a granted folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Its files may be read, and run.
    Read,
    /// They may be changed too, within the limits of the workspace, but for `.git` in it: git runs
    /// what stands there. A person who runs other things from this folder trusts the program.
    Write,
}

/// How much of the machine a job may use. Passing any of them ends it, all its processes included.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Time by the clock on the wall.
    pub time: Duration,
    /// Processor time of each process.
    pub cpu: Duration,
    /// Memory of all processes together, with what they keep in `/tmp` and `/dev/shm`.
    pub memory_bytes: u64,
    /// Address space of each process: the wall behind `memory_bytes`, which is only measured now
    /// and then. Programs reserve more than they use.
    pub address_bytes: u64,
    /// Processes and threads alive at once.
    pub processes: u64,
    /// Open descriptors of each process.
    pub descriptors: u64,
    /// How much of standard output, and of standard error, is kept; the rest is thrown away.
    pub output_bytes: usize,
    /// Size of each file.
    pub file_bytes: u64,
    /// Size of `/tmp`, which is in memory.
    pub tmp_bytes: u64,
    /// How much the workspace may grow on disk.
    pub workspace_bytes: u64,
    /// How many files the workspace may gain; also how many `/tmp` may hold.
    pub workspace_files: u64,
}

const MIB: u64 = 1024 * 1024;

impl Default for Limits {
    fn default() -> Self {
        Self {
            time: Duration::from_mins(1),
            cpu: Duration::from_mins(1),
            memory_bytes: 512 * MIB,
            address_bytes: 1024 * MIB,
            processes: 64,
            descriptors: 256,
            output_bytes: 1024 * 1024,
            file_bytes: 100 * MIB,
            tmp_bytes: 64 * MIB,
            workspace_bytes: 512 * MIB,
            workspace_files: 10_000,
        }
    }
}
