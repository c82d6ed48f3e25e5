//! What the watching thread tells the stage: two frames on its standard input.
//!
//! Arguments would be visible to every user of the host, and bubblewrap would have to be trusted
//! with another descriptor. Between the frames come descriptors, the first of which becomes the program's own input.

use std::io::{self, Read};
#[cfg(target_os = "linux")]
use std::path::PathBuf;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::Limits;
#[cfg(target_os = "linux")]
use crate::Walls;

/// Written to standard error when every wall stands, just before the program takes over.
///
/// Nothing untrusted has run until then, so its first occurrence cannot be forged; without it, what
/// is on standard error is why the walls could not be raised.
pub(crate) const READY: &[u8] = b"\0hearth sandbox ready\0\n";

/// Where the workspace is seen inside.
#[cfg(target_os = "linux")]
pub(crate) const WORKSPACE: &str = "/workspace";

/// Where granted folders are seen inside.
pub(crate) const FOLDERS: &str = "/folders";

/// Where the stage's own program file is seen inside.
#[cfg(target_os = "linux")]
pub(crate) const STAGE: &str = "/run/hearth-stage";

/// Where Python code is put, in a folder that is in memory and of this run alone.
#[cfg(target_os = "linux")]
pub(crate) const SCRIPT: &str = "/tmp/main.py";

/// Where it is put instead if it may call the host: a folder, so that it can import from there.
pub(crate) const PACKAGE: &str = "/tmp/main";

/// For the stage before bubblewrap.
#[cfg(target_os = "linux")]
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Outer {
    /// The node; if the stage has another parent, the node is gone already.
    pub parent: u32,
    /// Bubblewrap.
    pub bwrap: PathBuf,
    /// The user to become; none where the node is no root itself.
    pub run_as: Option<u32>,
    /// The stage's program file.
    pub stage_program: PathBuf,
    /// Its leading arguments.
    pub stage_args: Vec<String>,
    /// The folder to bind; none for one in memory.
    pub workspace: Option<PathBuf>,
    /// Granted folders.
    pub folders: Vec<Granted>,
    /// Folders below `/usr` that are to look empty.
    pub hidden: Vec<PathBuf>,
    /// Size of `/tmp`, and of a workspace in memory.
    pub tmp_bytes: u64,
    /// Whether what is needed to talk to servers is seen.
    pub network: bool,
    /// What to raise.
    pub walls: Walls,
}

/// Where a program finds what the world is to know its act by.
pub(crate) const KEY_VARIABLE: &str = "HEARTH_IDEMPOTENCY_KEY";

/// For the stage inside bubblewrap.
#[cfg(target_os = "linux")]
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Inner {
    /// The program and its arguments.
    pub argv: Vec<String>,
    /// Whether the standard output is a terminal that the program is to have as its own.
    pub terminal: bool,
    /// What to put at [`SCRIPT`] first, or in [`PACKAGE`].
    pub script: Option<String>,
    /// Granted folders.
    pub folders: Vec<Granted>,
    /// Limits that the kernel holds for us.
    pub limits: KernelLimits,
    /// Whether a listener is to be handed out for the proxy.
    pub network: bool,
    /// The functions of the host that may be called, where any may.
    pub host: Option<Vec<String>>,
    /// What the program finds in [`KEY_VARIABLE`].
    pub idempotency_key: Option<String>,
    /// What to raise.
    pub walls: Walls,
}

/// A granted folder.
#[cfg(target_os = "linux")]
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Granted {
    /// What it is called inside.
    pub name: String,
    /// Its real path on the host.
    pub source: PathBuf,
    /// Whether it may be written to.
    pub writable: bool,
    /// Which folder was looked at, whatever lies at its path by now.
    pub device: u64,
    pub inode: u64,
}

/// The part of [`crate::Limits`] that becomes `setrlimit`.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct KernelLimits {
    /// Processor seconds of each process.
    pub cpu_seconds: u64,
    /// Address space of each process.
    pub address_bytes: u64,
    /// Processes and threads.
    pub processes: u64,
    /// Descriptors of each process.
    pub descriptors: u64,
    /// Size of a file.
    pub file_bytes: u64,
}

impl KernelLimits {
    pub(crate) fn of(limits: &Limits) -> Self {
        Self {
            cpu_seconds: limits.cpu.as_secs().max(1),
            address_bytes: limits.address_bytes,
            processes: limits.processes,
            descriptors: limits.descriptors,
            file_bytes: limits.file_bytes,
        }
    }
}

/// Returns a value as a frame: its length in four bytes, then JSON.
pub(crate) fn frame<T: Serialize>(value: &T) -> io::Result<Vec<u8>> {
    let body = serde_json::to_vec(value).map_err(io::Error::other)?;
    let length = u32::try_from(body.len()).map_err(io::Error::other)?;
    let mut frame = length.to_le_bytes().to_vec();
    frame.extend(body);
    Ok(frame)
}

/// Reads one frame and not a byte more: what follows belongs to the next reader.
pub(crate) fn read_frame<T: DeserializeOwned>(from: &mut impl Read) -> io::Result<T> {
    let mut length = [0; 4];
    from.read_exact(&mut length)?;
    let length = u32::from_le_bytes(length);
    let mut body = Vec::new();
    from.take(u64::from(length)).read_to_end(&mut body)?;
    serde_json::from_slice(&body).map_err(io::Error::other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_read_back_and_what_follows_is_left() {
        let mut bytes = frame(&["a", "b"]).unwrap();
        bytes.extend(b"rest");
        let mut reader = &bytes[..];

        let value: Vec<String> = read_frame(&mut reader).unwrap();

        assert_eq!(value, ["a", "b"]);
        assert_eq!(reader, b"rest");
    }
}
