//! Makes a terminal the program's own, which is the standard output so far.

use std::fs::File;
use std::io;

use nix::errno::Errno;
use nix::unistd::{dup2_stderr, dup2_stdin, setsid};

/// Takes the terminal as the one that controls this process and all that it starts, and as the
/// standard input. It has to be done before files are restricted: the terminal is a device of the
/// host, of which no path leads inside.
pub(super) fn take() -> io::Result<()> {
    match setsid() {
        // Bubblewrap has made this process the first of its session already.
        Ok(_) | Err(Errno::EPERM) => {}
        Err(error) => return Err(error.into()),
    }
    // A terminal that the first process of a session opens controls it from then on.
    let terminal = File::options()
        .read(true)
        .write(true)
        .open("/proc/self/fd/1")?;
    dup2_stdin(terminal)?;
    Ok(())
}

/// Takes it as the standard error too, where the node listens until the program takes over.
pub(super) fn take_errors() -> io::Result<()> {
    dup2_stderr(io::stdout())?;
    Ok(())
}
