//! The process between the node and `sandbox-exec`: it sets the limits, starts it, and ends with all
//! its group when the node does.

use std::io::{self, Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};
use std::thread;

use nix::sys::resource::{Resource, setrlimit};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::getpgrp;
use serde::{Deserialize, Serialize};

use crate::message::{KernelLimits, READY, read_frame};

/// What it is to start; `input` bytes for the program follow the frame, and then nothing until the
/// end of the node.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Start {
    pub profile: String,
    pub argv: Vec<String>,
    pub workspace: PathBuf,
    /// The folder for passing files, which is also the home.
    pub own: PathBuf,
    pub input: u64,
    pub limits: KernelLimits,
}

/// Runs the program to its end, and ends with its code, or 128 and the number of a signal.
pub(crate) fn run() -> io::Result<ExitCode> {
    for descriptor in 3..1024 {
        // Most are not open.
        let _ = nix::unistd::close(descriptor);
    }
    let start: Start = read_frame(&mut io::stdin().lock())?;
    let mut input = Vec::new();
    io::stdin()
        .lock()
        .take(start.input)
        .read_to_end(&mut input)?;
    set_limits(&start.limits)?;
    thread::spawn(|| {
        // The node writes no more: whatever comes is its end.
        let _ = io::stdin().lock().read(&mut [0]);
        let _ = killpg(getpgrp(), Signal::SIGKILL);
    });
    io::stderr().write_all(READY)?;
    #[expect(clippy::disallowed_methods, reason = "this is what the sandbox is for")]
    let mut child = Command::new("/usr/bin/sandbox-exec")
        .arg("-p")
        .arg(&start.profile)
        .args(&start.argv)
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("HOME", &start.own)
        .env("TMPDIR", &start.own)
        .env("LANG", "en_US.UTF-8")
        .current_dir(&start.workspace)
        .stdin(Stdio::piped())
        .spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        thread::spawn(move || {
            // The program need not read it.
            let _ = stdin.write_all(&input);
        });
    }
    let status = child.wait()?;
    let code = status
        .code()
        .unwrap_or_else(|| 128 + status.signal().unwrap_or_default());
    Ok(u8::try_from(code).map_or(ExitCode::FAILURE, ExitCode::from))
}

/// Those that macOS holds. Address space it does not, and processes it counts for the whole user;
/// the profile allows no second one.
fn set_limits(limits: &KernelLimits) -> nix::Result<()> {
    setrlimit(Resource::RLIMIT_CORE, 0, 0)?;
    setrlimit(Resource::RLIMIT_FSIZE, limits.file_bytes, limits.file_bytes)?;
    setrlimit(
        Resource::RLIMIT_NOFILE,
        limits.descriptors,
        limits.descriptors,
    )?;
    let cpu_ends = limits.cpu_seconds.saturating_add(1);
    setrlimit(Resource::RLIMIT_CPU, limits.cpu_seconds, cpu_ends)
}
