//! Beside a command outside the sandbox: ends it with the node, however that ends.

use std::io::{self, Read};
use std::process::ExitCode;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::{descriptors, doing, raw_stdin};

/// Waits until the other end of standard input is closed, which only the node has; then kills its
/// own process group, of which it is the leader and the command is a part.
pub(super) fn run() -> io::Result<ExitCode> {
    descriptors::close_inherited().map_err(doing("closing descriptors"))?;
    let mut input = raw_stdin()?;
    let mut byte = [0];
    loop {
        match input.read(&mut byte) {
            Ok(0) => break,
            Ok(_) => (),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => (),
            Err(_) => break,
        }
    }
    kill(Pid::from_raw(0), Signal::SIGKILL).map_err(doing("ending the command"))?;
    Ok(ExitCode::SUCCESS)
}
