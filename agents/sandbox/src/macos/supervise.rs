//! One run on macOS from the watching thread's side.

use std::io::{self, PipeReader, Write};
use std::os::fd::AsFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, ChildStderr, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use crate::capture::Capture;
use crate::config::Stage;
use crate::growth::Growth;
use crate::message::READY;
use crate::{End, Limit, Limits, Outcome, SandboxError};

/// How often memory is measured, which takes a process of its own.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// Room for the marker of the stage, beside the output that is kept.
const PREAMBLE: usize = 4096;

/// Everything the thread needs to know of a job.
pub(super) struct Plan {
    pub stage: Stage,
    /// The frame, and the program's input.
    pub stdin: Vec<u8>,
    pub limits: Limits,
    pub growth: Option<Growth>,
}

/// Runs a plan to its end, or until the writing end of `stop` is closed.
pub(super) fn supervise(mut plan: Plan, stop: &PipeReader) -> Result<Outcome, SandboxError> {
    let start = Instant::now();
    #[expect(clippy::disallowed_methods, reason = "this is what the sandbox is for")]
    let mut child = Command::new(&plan.stage.program)
        .args(&plan.stage.args)
        .arg("outer")
        .env_clear()
        .current_dir("/")
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let group = Pid::from_raw(child.id().cast_signed());
    let mut pipes = Pipes::of(&mut child, plan.limits.output_bytes);
    // Kept open to the end: its closing is what tells the stage that the node is gone.
    let mut lifeline = child.stdin.take();
    let followed = match lifeline.as_mut().map(|pipe| pipe.write_all(&plan.stdin)) {
        Some(Err(error)) => Err(error),
        _ => follow(&mut child, &mut pipes, &mut plan, start, stop),
    };
    let _ = killpg(group, Signal::SIGKILL);
    let status = child.wait()?;
    drop(lifeline);
    pipes.pump_to_the_end();
    let is_ready = pipes.stderr.cut_through(READY);
    let end = followed?.unwrap_or(match (status.code(), status.signal()) {
        (Some(code @ 129..=192), _) => End::Signalled(code - 128),
        (Some(code), _) => End::Exited(code),
        (None, signal) => End::Signalled(signal.unwrap_or_default()),
    });
    let (stdout, stdout_truncated) = pipes.stdout.into_parts();
    let (mut stderr, mut stderr_truncated) = pipes.stderr.into_parts();
    if !is_ready && matches!(end, End::Exited(_) | End::Signalled(_)) {
        let detail = String::from_utf8_lossy(&stderr).trim().to_owned();
        return Err(SandboxError::SetUp { detail });
    }
    stderr_truncated |= stderr.len() > plan.limits.output_bytes;
    stderr.truncate(plan.limits.output_bytes);
    Ok(Outcome {
        end,
        stdout,
        stderr,
        stdout_truncated,
        stderr_truncated,
        wall: start.elapsed(),
        network: crate::network::NetworkUsage::default(),
        host_calls: 0,
    })
}

/// Follows the run until it ends (none) or has to be ended.
fn follow(
    child: &mut Child,
    pipes: &mut Pipes,
    plan: &mut Plan,
    start: Instant,
    stop: &PipeReader,
) -> io::Result<Option<End>> {
    let monitor = Pid::from_raw(child.id().cast_signed());
    let mut next_look = Instant::now() + LOOK_EVERY;
    loop {
        let left = plan.limits.time.saturating_sub(start.elapsed());
        if left.is_zero() {
            return Ok(Some(End::TimedOut));
        }
        if pipes.wait(stop, left.min(Duration::from_millis(25)))? {
            return Ok(Some(End::Cancelled));
        }
        if child.try_wait()?.is_some() {
            return Ok(None);
        }
        if let Some(limit) = plan
            .growth
            .as_mut()
            .and_then(|growth| growth.passed(monitor))
        {
            return Ok(Some(End::OverLimit(limit)));
        }
        if Instant::now() >= next_look {
            if memory_of(monitor) > plan.limits.memory_bytes {
                return Ok(Some(End::OverLimit(Limit::Memory)));
            }
            next_look = Instant::now() + LOOK_EVERY;
        }
    }
}

/// Returns how much the group of a run has in memory; the stage is a small part of it.
fn memory_of(group: Pid) -> u64 {
    #[expect(
        clippy::disallowed_methods,
        reason = "macOS tells it to programs of its own"
    )]
    let listed = Command::new("/bin/ps")
        .args(["-o", "rss=", "-g", &group.to_string()])
        .env_clear()
        .stdin(Stdio::null())
        .output();
    let Ok(listed) = listed else { return 0 };
    let kib = String::from_utf8_lossy(&listed.stdout);
    let sizes = kib
        .split_whitespace()
        .filter_map(|size| size.parse::<u64>().ok());
    sizes.sum::<u64>().saturating_mul(1024)
}

/// What the program writes.
struct Pipes {
    stdout: Capture<ChildStdout>,
    stderr: Capture<ChildStderr>,
}

impl Pipes {
    fn of(child: &mut Child, output_bytes: usize) -> Self {
        let pipes = Self {
            stdout: Capture::new(child.stdout.take(), output_bytes),
            stderr: Capture::new(child.stderr.take(), output_bytes.saturating_add(PREAMBLE)),
        };
        for end in [pipes.stdout.descriptor(), pipes.stderr.descriptor()]
            .into_iter()
            .flatten()
        {
            let _ = fcntl(end, FcntlArg::F_SETFL(OFlag::O_NONBLOCK));
        }
        pipes
    }

    /// Waits for output and takes it; returns whether the run is to be stopped.
    fn wait(&mut self, stop: &PipeReader, at_most: Duration) -> io::Result<bool> {
        let open = [self.stdout.descriptor(), self.stderr.descriptor()];
        let mut ends: Vec<PollFd<'_>> = [Some(stop.as_fd())]
            .into_iter()
            .chain(open)
            .flatten()
            .map(|end| PollFd::new(end, PollFlags::POLLIN))
            .collect();
        let millis = u16::try_from(at_most.as_micros().div_ceil(1000)).unwrap_or(u16::MAX);
        match poll(&mut ends, PollTimeout::from(millis)) {
            Ok(_) | Err(nix::errno::Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
        let is_stopped = ends.first().and_then(PollFd::any) == Some(true);
        self.stdout.pump();
        self.stderr.pump();
        Ok(is_stopped)
    }

    /// Takes what is left of a run that is over. The number of turns is what a pipe holds, and more.
    fn pump_to_the_end(&mut self) {
        for _ in 0..64 {
            self.stdout.pump();
            self.stderr.pump();
            if self.stdout.is_closed() && self.stderr.is_closed() {
                return;
            }
        }
    }
}
