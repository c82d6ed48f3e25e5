//! Inside bubblewrap: raises the inner walls, then becomes the program.

use std::fs;
use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

use nix::sys::stat::{Mode, umask};

use super::{descriptors, doing, files, raw_stdin, rlimits, say, syscalls};
use crate::message::{Inner, READY, SCRIPT, read_frame};

/// Never comes back where the program can be started.
pub(super) fn run() -> io::Result<ExitCode> {
    let inner: Inner = read_frame(&mut raw_stdin()?).map_err(doing("reading the job"))?;
    if let Some(script) = &inner.script {
        fs::write(SCRIPT, script).map_err(doing("writing the script"))?;
    }
    let Some((program, args)) = inner.argv.split_first() else {
        return Err(io::Error::other("no program named"));
    };
    umask(Mode::S_IWGRP | Mode::S_IWOTH);

    // The order matters: each of these may need what the next one takes away.
    descriptors::close_inherited().map_err(doing("closing descriptors"))?;
    rlimits::set(&inner.limits).map_err(doing("setting limits"))?;
    files::restrict()?;
    syscalls::restrict()?;

    io::stderr().write_all(READY)?;
    #[expect(clippy::disallowed_methods, reason = "this is what the sandbox is for")]
    let error = Command::new(program).args(args).exec();
    // From here on this is what a shell would do with a command that it cannot start.
    say(&format!("{program}: {error}\n"));
    Ok(ExitCode::from(if error.kind() == io::ErrorKind::NotFound {
        127
    } else {
        126
    }))
}
