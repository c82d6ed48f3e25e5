//! Puts Python code where the interpreter finds it, with the module `host` beside it where the run
//! may call the host.

use std::fs;
use std::io;
use std::os::fd::{OwnedFd, RawFd};
use std::path::Path;

use nix::fcntl::{FcntlArg, fcntl};

use crate::host::MESSAGE_BYTES;
use crate::message::{PACKAGE, SCRIPT};

/// The module inside, without what differs between runs.
const MODULE: &str = include_str!("host.py");

/// Writes the code as one file.
pub(super) fn write(code: &str) -> io::Result<()> {
    fs::write(SCRIPT, code)
}

/// Writes the code and the module `host` as a folder that the interpreter can run: the only thing
/// of the program's own that it imports from when isolated.
pub(super) fn write_with_host(code: &str, names: &[String], channel: &OwnedFd) -> io::Result<()> {
    // The lowest free number, and open in what this process becomes. It is meant to outlive it.
    let number: RawFd = fcntl(channel, FcntlArg::F_DUPFD(3))?;
    // What is a list of texts in JSON is one in Python.
    let names = serde_json::to_string(names).map_err(io::Error::other)?;
    let module =
        format!("CHANNEL = {number}\nLONGEST = {MESSAGE_BYTES}\nGRANTED = {names}\n\n{MODULE}");
    let folder = Path::new(PACKAGE);
    fs::create_dir(folder)?;
    fs::write(folder.join("host.py"), module)?;
    fs::write(folder.join("__main__.py"), code)
}
