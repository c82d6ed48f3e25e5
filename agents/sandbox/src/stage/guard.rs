//! Beside a command outside the sandbox: ends it with the node, however that ends.

use std::io::{self, Read};
use std::process::ExitCode;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// Waits until the other end of standard input is closed, which only the node has; then kills its
/// own process group, of which it is the leader and the command is a part.
pub(super) fn run() -> io::Result<ExitCode> {
    #[cfg(target_os = "linux")]
    super::descriptors::close_inherited()?;
    let mut input = io::stdin().lock();
    let mut byte = [0];
    loop {
        match input.read(&mut byte) {
            Ok(0) => break,
            Ok(_) => (),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => (),
            Err(_) => break,
        }
    }
    kill(Pid::from_raw(0), Signal::SIGKILL)?;
    Ok(ExitCode::SUCCESS)
}
