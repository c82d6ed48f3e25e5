//! Ends a run: every process of it, surely, and not before that returns.

use std::fs;
use std::io;
use std::process::{Child, ExitStatus};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;

use crate::watch;

/// How long the kernel gets to stop or clear away processes. It needs a few milliseconds; more
/// only where one of them waits for a disk that does not answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// Kills a run that has not ended, and waits for its end.
pub(crate) fn end(child: &mut Child) -> io::Result<ExitStatus> {
    if let Some(status) = child.try_wait()? {
        return Ok(status);
    }
    let monitor = Pid::from_raw(child.id().cast_signed());
    // Stopped, it can start nothing that would be missed below.
    signal(monitor, Signal::SIGSTOP);
    wait_until(|| matches!(state_of(monitor), None | Some('T' | 'Z' | 'X')));
    // The first process of the namespace: with it, the kernel ends all others.
    let inside: Vec<Pid> = watch::children_of(monitor);
    for process in &inside {
        signal(*process, Signal::SIGKILL);
    }
    // The group holds the monitor, and its child as long as that has not left it.
    let _ = killpg(monitor, Signal::SIGKILL);
    let status = child.wait()?;
    gone(&inside);
    Ok(status)
}

/// Waits until the processes of a run that ended by itself are gone too.
///
/// The monitor ends with the program; the kernel then kills what the program left behind.
pub(crate) fn gone(inside: &[Pid]) {
    wait_until(|| {
        inside
            .iter()
            .all(|process| matches!(state_of(*process), None | Some('Z' | 'X')))
    });
}

/// Sends a signal. That the process is gone already is as good.
fn signal(process: Pid, signal: Signal) {
    let _ = kill(process, signal);
}

fn wait_until(mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() && start.elapsed() < PATIENCE {
        thread::sleep(Duration::from_millis(1));
    }
}

/// Returns the state letter of `/proc/PID/stat`, which follows the name in brackets.
fn state_of(process: Pid) -> Option<char> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.chars().next()
}
