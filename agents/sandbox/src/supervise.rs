//! One run from the watching thread's side: starts it, feeds it, listens, measures, and ends it.

use std::io::{self, ErrorKind, PipeReader};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::unistd::Pid;

use crate::capture::Capture;
use crate::config::Stage;
use crate::feed::Feed;
use crate::growth::Growth;
use crate::lifeguard::Lifeguard;
use crate::message::READY;
use crate::network::NetworkUsage;
use crate::watch::{self, Allowance};
use crate::{End, Limit, Limits, Outcome, SandboxError, Wall, Walls, kill, ownership};

/// How often memory is measured. A program fills about 2 MB in each millisecond and core, and a
/// measurement costs some 50 microseconds.
const LOOK_EVERY: Duration = Duration::from_millis(25);

/// How long a look is put off at most. On a busy machine this thread waits for its turn in the midst
/// of one, and what it waited says nothing of what the measurement costs.
const LOOK_AT_LEAST_EVERY: Duration = Duration::from_millis(100);

/// How long is waited for what a program wrote last, once it is gone.
const DRAIN_FOR: Duration = Duration::from_millis(200);

/// Room for the marker of the stage, beside the output that is kept.
const PREAMBLE: usize = 4096;

/// Everything the thread needs to know of a job.
#[derive(Debug)]
pub(crate) struct Plan {
    pub stage: Stage,
    /// The frames for the stage, before bubblewrap and inside.
    pub outer: Vec<u8>,
    pub inner: Vec<u8>,
    /// What the program reads.
    pub input: Vec<u8>,
    /// The stage's end of the channel, where the run has one.
    pub channel: Option<OwnedFd>,
    /// Where the program writes, and reads once it has taken over.
    pub terminal: Option<Arc<OwnedFd>>,
    pub workspace: Option<PathBuf>,
    /// Granted folders that it may write to as well.
    pub folders: Vec<PathBuf>,
    /// The user that the workspace must belong to.
    pub run_as: Option<u32>,
    pub limits: Limits,
    pub walls: Walls,
    /// Ends the run with the node.
    pub lifeguard: Arc<Lifeguard>,
}

/// Runs a plan to its end, or until the writing end of `stop` is closed.
pub(crate) fn supervise(plan: Plan, stop: &PipeReader) -> Result<Outcome, SandboxError> {
    let start = Instant::now();
    let growths = take_over(&plan)?;
    let mut run = Run::start(plan, start, growths)?;
    let followed = run.follow(stop);
    // Whatever went wrong, nothing is left running.
    let status = run.end()?;
    run.drain();
    let end = followed?.unwrap_or_else(|| end_of(status));
    run.into_outcome(end)
}

/// Makes terminal and workspace the program's own, and notes what is in the latter and in writable
/// folders already.
fn take_over(plan: &Plan) -> Result<Vec<Growth>, SandboxError> {
    if let (Some(terminal), Some(id)) = (&plan.terminal, plan.run_as) {
        ownership::give_one(terminal, id)?;
    }
    let refused = |path: &Path| {
        let path = path.to_owned();
        |source| SandboxError::Workspace { path, source }
    };
    if let Some(workspace) = &plan.workspace {
        if !workspace.metadata().map_err(refused(workspace))?.is_dir() {
            let error = io::Error::from(ErrorKind::NotADirectory);
            return Err(refused(workspace)(error));
        }
        if let Some(id) = plan.run_as {
            ownership::give(workspace, id).map_err(refused(workspace))?;
        }
    }
    // A folder that takes longer to look through than the run may last cannot be watched either.
    let Limits {
        time,
        workspace_bytes,
        workspace_files,
        ..
    } = plan.limits;
    if !plan.walls.has(Wall::GrowthWatch) {
        return Ok(vec![]);
    }
    let folders = plan.workspace.iter().chain(&plan.folders);
    folders
        .map(|folder| {
            Growth::from_here(folder, workspace_bytes, workspace_files, time)
                .map_err(refused(folder))
        })
        .collect()
}

/// A run that is under way.
struct Run {
    child: Child,
    feed: Feed,
    /// What it writes is somebody else's to read.
    has_terminal: bool,
    stdout: Capture<ChildStdout>,
    stderr: Capture<ChildStderr>,
    /// Whether the walls stand and the program has taken over.
    is_ready: bool,
    /// The first process inside, once it is known.
    inside: Vec<Pid>,
    start: Instant,
    limits: Limits,
    walls: Walls,
    lifeguard: Arc<Lifeguard>,
    /// What is on disk and may grow.
    growths: Vec<Growth>,
    workspace_in_memory: bool,
}

impl Run {
    fn start(plan: Plan, start: Instant, growths: Vec<Growth>) -> io::Result<Self> {
        let (feed, stdin) = Feed::open(&plan.outer, plan.inner, plan.input, plan.channel.as_ref())?;
        #[expect(clippy::disallowed_methods, reason = "this is what the sandbox is for")]
        let mut command = Command::new(&plan.stage.program);
        if plan.walls.has(Wall::ClearedEnvironment) {
            command.env_clear();
        }
        let has_terminal = plan.terminal.is_some();
        let stdout = match plan.terminal {
            Some(terminal) => terminal.try_clone()?.into(),
            None => Stdio::piped(),
        };
        let mut child = command
            .args(&plan.stage.args)
            .arg("outer")
            .current_dir("/")
            .process_group(0)
            .stdin(stdin)
            .stdout(stdout)
            .stderr(Stdio::piped())
            .spawn()?;
        if plan.walls.has(Wall::NodeLife)
            && let Err(error) = plan
                .lifeguard
                .enter(&plan.stage, Pid::from_raw(child.id().cast_signed()))
        {
            kill::end(&mut child)?;
            return Err(error);
        }
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let kept = if plan.walls.has(Wall::OutputCap) {
            plan.limits.output_bytes
        } else {
            usize::MAX
        };
        let run = Self {
            has_terminal,
            stdout: Capture::new(stdout, kept),
            stderr: Capture::new(stderr, kept.saturating_add(PREAMBLE)),
            child,
            feed,
            is_ready: false,
            inside: vec![],
            start,
            limits: plan.limits,
            walls: plan.walls,
            lifeguard: plan.lifeguard,
            growths,
            workspace_in_memory: plan.workspace.is_none(),
        };
        let ends = [run.stdout.descriptor(), run.stderr.descriptor()];
        for end in ends.into_iter().flatten() {
            // Cannot fail on a pipe that was just made; blocking, the loop would still be right.
            let _ = fcntl(end, FcntlArg::F_SETFL(OFlag::O_NONBLOCK));
        }
        Ok(run)
    }

    /// Follows the run until it ends (none) or has to be ended.
    fn follow(&mut self, stop: &PipeReader) -> io::Result<Option<End>> {
        let mut next_look = Instant::now() + LOOK_EVERY;
        loop {
            let left = self.limits.time.saturating_sub(self.start.elapsed());
            if left.is_zero() && self.walls.has(Wall::Deadline) {
                return Ok(Some(End::TimedOut));
            }
            let until_look = next_look.saturating_duration_since(Instant::now());
            if self.wait(Some(stop), left.min(until_look))? {
                return Ok(Some(End::Cancelled));
            }
            self.exchange();
            let is_time = Instant::now() >= next_look;
            // The pipes close when the last process is gone; a look now and then is for those
            // that somebody else holds open.
            if (is_time || self.is_ending()) && self.child.try_wait()?.is_some() {
                return Ok(None);
            }
            if is_time {
                let began = Instant::now();
                if let Some(limit) = self.passed_limit() {
                    return Ok(Some(End::OverLimit(limit)));
                }
                // Many processes take long to measure, and a tenth of the time should do.
                let pause = began.elapsed() * 9;
                next_look = Instant::now() + pause.clamp(LOOK_EVERY, LOOK_AT_LEAST_EVERY);
            }
        }
    }

    /// Whether nobody is left who could write. With a terminal there never was.
    fn is_ending(&self) -> bool {
        self.is_silent() && !self.has_terminal
    }

    fn is_silent(&self) -> bool {
        self.stdout.is_closed() && self.stderr.is_closed()
    }

    /// Waits until a pipe is ready; returns whether the run is to be stopped.
    fn wait(&self, stop: Option<&PipeReader>, at_most: Duration) -> io::Result<bool> {
        // With nothing left to listen to, the end is a matter of microseconds.
        let at_most = if self.is_ending() {
            at_most.min(Duration::from_millis(1))
        } else {
            at_most
        };
        let mut ends: Vec<PollFd<'_>> = [
            stop.map(AsFd::as_fd)
                .map(|end| PollFd::new(end, PollFlags::POLLIN)),
            self.stdout
                .descriptor()
                .map(|end| PollFd::new(end, PollFlags::POLLIN)),
            self.stderr
                .descriptor()
                .map(|end| PollFd::new(end, PollFlags::POLLIN)),
            self.feed
                .descriptor()
                .map(|end| PollFd::new(end, PollFlags::POLLOUT)),
        ]
        .into_iter()
        .flatten()
        .collect();
        // Rounded up, or the last millisecond would be spent turning in circles.
        let millis = u16::try_from(at_most.as_micros().div_ceil(1000)).unwrap_or(u16::MAX);
        match poll(&mut ends, PollTimeout::from(millis)) {
            Ok(_) | Err(nix::errno::Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
        let stopped = stop.is_some() && ends.first().and_then(PollFd::any) == Some(true);
        Ok(stopped)
    }

    /// Moves what can be moved through the pipes.
    fn exchange(&mut self) {
        self.stdout.pump();
        self.stderr.pump();
        if !self.is_ready && self.stderr.cut_through(READY) {
            self.is_ready = true;
            self.inside = watch::children_of(self.monitor());
        }
        self.feed.pump();
    }

    fn monitor(&self) -> Pid {
        Pid::from_raw(self.child.id().cast_signed())
    }

    fn passed_limit(&mut self) -> Option<Limit> {
        // Until then there is nothing to distrust, and the paths below lead into the host.
        if !self.is_ready {
            return None;
        }
        let allowance = Allowance {
            memory_bytes: self.limits.memory_bytes,
            files: self.limits.workspace_files,
            workspace_in_memory: self.workspace_in_memory,
        };
        let monitor = self.monitor();
        let mut growths = self.growths.iter_mut();
        let in_memory = self.walls.has(Wall::MemoryWatch);
        in_memory
            .then(|| watch::passed(monitor, allowance))
            .flatten()
            .or_else(|| growths.find_map(|growth| growth.passed(monitor)))
    }

    /// Ends what has not ended, and waits until all of it is gone.
    fn end(&mut self) -> io::Result<ExitStatus> {
        if !self.walls.has(Wall::KillAll) {
            self.child.kill()?;
            return self.child.wait();
        }
        let status = kill::end(&mut self.child)?;
        kill::gone(&self.inside);
        self.lifeguard.leave(self.monitor());
        Ok(status)
    }

    /// Takes what the program wrote before its end, but does not wait for whoever holds the pipe.
    fn drain(&mut self) {
        self.feed.close();
        let start = Instant::now();
        while !self.is_silent() && start.elapsed() < DRAIN_FOR {
            if self.wait(None, Duration::from_millis(10)).is_err() {
                break;
            }
            self.exchange();
        }
    }

    fn into_outcome(self, end: End) -> Result<Outcome, SandboxError> {
        let (stdout, stdout_truncated) = self.stdout.into_parts();
        let (mut stderr, mut stderr_truncated) = self.stderr.into_parts();
        if !self.is_ready && matches!(end, End::Exited(_) | End::Signalled(_)) {
            let detail = String::from_utf8_lossy(&stderr).trim().to_owned();
            return Err(SandboxError::SetUp { detail });
        }
        stderr_truncated |= stderr.len() > self.limits.output_bytes;
        stderr.truncate(self.limits.output_bytes);
        let wall = self.start.elapsed();
        Ok(Outcome {
            end,
            stdout,
            stderr,
            stdout_truncated,
            stderr_truncated,
            wall,
            network: NetworkUsage::default(),
            host_calls: 0,
        })
    }
}

/// Bubblewrap ends with 128 and the signal's number where a signal ended the program.
fn end_of(status: ExitStatus) -> End {
    match (status.code(), status.signal()) {
        (Some(code @ 129..=192), _) => End::Signalled(code - 128),
        (Some(code), _) => End::Exited(code),
        (None, signal) => End::Signalled(signal.unwrap_or_default()),
    }
}
