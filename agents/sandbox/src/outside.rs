//! Runs one command on the host itself, with no walls: what a person approved, and nothing else.
//!
//! It has the node's user and everything that comes with it. What is held is time and output, and
//! that it gets nothing of the node's environment, where secrets may be.

use std::future::Future;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::pin::pin;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::process::{Child, Command};
use tokio::time::{Instant, timeout};

use crate::message::KEY_VARIABLE;
use crate::network::NetworkUsage;
use crate::stage::GUARD;
use crate::{End, Outcome, SandboxError, Stage};

/// How long is waited for what a command wrote last, once it is gone.
const DRAIN_FOR: Duration = Duration::from_millis(200);

/// Something that a person said yes to, as exactly this.
///
/// There is no way to run a command outside the sandbox without one.
#[derive(Debug)]
pub struct Approved<T>(T);

impl<T> Approved<T> {
    /// Says that a person approved exactly this.
    ///
    /// Only the runtime may call it, and only with what the approval was asked for, read back from
    /// where the approval is stored, after it was marked as used: one yes is good for one run.
    pub fn after_consuming_the_approval(of: T) -> Self {
        Self(of)
    }
}

/// A command to run on the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Action {
    /// The program and its arguments, which every user of the host can see while it runs.
    pub argv: Vec<String>,
    /// Where it starts.
    pub folder: PathBuf,
    /// What it reads; end of file where there is nothing.
    pub stdin: Option<Vec<u8>>,
    /// All of its environment, but for `TERM=dumb`.
    pub environment: Environment,
    /// What the world is to know the act by, so that doing it twice is doing it once; the command
    /// finds it in `HEARTH_IDEMPOTENCY_KEY`.
    pub idempotency_key: Option<String>,
    /// How long it may take.
    pub time: Duration,
    /// How much of standard output, and of standard error, is kept; the rest is thrown away.
    pub output_bytes: usize,
}

/// The few variables that programs cannot do without.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Environment {
    /// `PATH`.
    pub path: String,
    /// `HOME`.
    pub home: String,
    /// `LANG`.
    pub lang: String,
    /// `USER`.
    pub user: String,
}

/// Runs an approved command to its end, or until `cancel` is ready. What it started is ended with
/// it, as long as that has not left its process group; dropping the future ends them too, and so does
/// the end of the node, however it comes: `stage` is started beside it as a guard.
///
/// # Errors
/// Fails where the command could not be started. How a started one ended is in the outcome.
pub async fn run(
    stage: &Stage,
    approved: Approved<Action>,
    cancel: impl Future<Output = ()>,
) -> Result<Outcome, SandboxError> {
    let start = Instant::now();
    let Approved(action) = approved;
    let group = Group::guarded(stage)?;
    let mut child = started(&action, group.leader)?;
    let mut stdout = Kept::new(action.output_bytes);
    let mut stderr = Kept::new(action.output_bytes);
    let exchange = {
        let (input, output, errors) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (stdout, stderr) = (&mut stdout, &mut stderr);
        async move {
            tokio::join!(
                feed(input, action.stdin.unwrap_or_default()),
                stdout.fill(output),
                stderr.fill(errors),
            );
        }
    };
    let end = {
        let mut exchange = pin!(exchange);
        let mut is_exchanged = false;
        let mut late = pin!(tokio::time::sleep_until(start + action.time));
        let mut cancel = pin!(cancel);
        let early = loop {
            tokio::select! {
                biased;
                status = child.wait() => break Ok(status?),
                () = &mut cancel => break Err(End::Cancelled),
                () = &mut late => break Err(End::TimedOut),
                () = &mut exchange, if !is_exchanged => is_exchanged = true,
            }
        };
        group.end().await;
        let end = match early {
            Ok(status) => end_of(status),
            Err(end) => {
                child.wait().await?;
                end
            }
        };
        if !is_exchanged {
            // A process that left the group may hold the pipes for as long as it likes.
            let _ = timeout(DRAIN_FOR, exchange).await;
        }
        end
    };
    Ok(Outcome {
        end,
        stdout: stdout.bytes,
        stderr: stderr.bytes,
        stdout_truncated: stdout.is_cut,
        stderr_truncated: stderr.is_cut,
        wall: start.elapsed(),
        network: NetworkUsage::default(),
        host_calls: 0,
    })
}

fn started(action: &Action, group: Pid) -> Result<Child, SandboxError> {
    let Some((program, args)) = action
        .argv
        .split_first()
        .filter(|(program, _)| !program.is_empty())
    else {
        return Err(SandboxError::Invalid {
            reason: "the command is empty",
        });
    };
    let refused = |source| SandboxError::Workspace {
        path: action.folder.clone(),
        source,
    };
    if !action.folder.metadata().map_err(refused)?.is_dir() {
        return Err(refused(io::ErrorKind::NotADirectory.into()));
    }
    let Environment {
        path,
        home,
        lang,
        user,
    } = &action.environment;
    #[expect(clippy::disallowed_methods, reason = "a person approved exactly this")]
    let child = Command::new(program)
        .args(args)
        .current_dir(&action.folder)
        .env_clear()
        .envs([
            ("PATH", path),
            ("HOME", home),
            ("LANG", lang),
            ("USER", user),
        ])
        .env("TERM", "dumb")
        .envs(action.idempotency_key.iter().map(|key| (KEY_VARIABLE, key)))
        .process_group(group.as_raw())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    Ok(child)
}

/// A command's processes; they end when this is dropped.
///
/// Their leader is a guard, a process of ours that does nothing but wait for the end of the node: its
/// standard input is a pipe whose other end is here.
struct Group {
    guard: Child,
    leader: Pid,
}

impl Group {
    fn guarded(stage: &Stage) -> Result<Self, SandboxError> {
        #[expect(clippy::disallowed_methods, reason = "the node's own program")]
        let guard = Command::new(&stage.program)
            .args(&stage.args)
            .arg(GUARD)
            .env_clear()
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let leader = guard.id().map(|id| Pid::from_raw(id.cast_signed()));
        let leader = leader.ok_or_else(|| io::Error::other("the guard is gone"))?;
        Ok(Self { guard, leader })
    }

    async fn end(mut self) {
        let _ = killpg(self.leader, Signal::SIGKILL);
        let _ = self.guard.wait().await;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // Where it was waited for, its number may be another's by now.
        if self.guard.id().is_some() {
            let _ = killpg(self.leader, Signal::SIGKILL);
        }
    }
}

/// The head of what was written.
struct Kept {
    bytes: Vec<u8>,
    limit: usize,
    is_cut: bool,
}

impl Kept {
    fn new(limit: usize) -> Self {
        Self {
            bytes: vec![],
            limit,
            is_cut: false,
        }
    }

    /// Takes everything, and keeps what there is room for.
    async fn fill(&mut self, pipe: Option<impl AsyncRead + Unpin>) {
        let Some(mut pipe) = pipe else { return };
        let mut chunk = vec![0; 16 * 1024];
        while let Ok(length @ 1..) = pipe.read(&mut chunk).await {
            let room = self.limit - self.bytes.len();
            self.is_cut |= length > room;
            self.bytes.extend(chunk.iter().take(length.min(room)));
        }
    }
}

async fn feed(pipe: Option<impl AsyncWrite + Unpin>, bytes: Vec<u8>) {
    if let Some(mut pipe) = pipe {
        // A command that does not read on has a right to that.
        let _ = pipe.write_all(&bytes).await;
    }
}

fn end_of(status: ExitStatus) -> End {
    match (status.code(), status.signal()) {
        (Some(code), _) => End::Exited(code),
        (None, signal) => End::Signalled(signal.unwrap_or_default()),
    }
}
