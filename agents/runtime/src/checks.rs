//! Acceptance checks that are programs: run in the sandbox, over a fresh folder for each check.
//!
//! The folder holds copies of the task's artifacts under their own names (`layout`) and
//! `result.json`. Nothing of the run that produced them is in it, so that a check sees what was
//! handed in and not what its worker left lying about; and a check changes nothing that the next
//! one sees.

mod layout;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use hearth_app::acceptance::{CheckRunner, RunFuture, Work};
use hearth_app::{App, AppError, UnavailableCause};
use hearth_domain::JsonObject;
use hearth_domain::artifact::Artifact;
use hearth_domain::event::Evidence;
use hearth_domain::field::AgentName;
use hearth_domain::task::{Check, Finding, Unmet};
use hearth_sandbox::{End, Job, Limits, Outcome, Program, Workspace};
use tokio_util::sync::CancellationToken;

use crate::facility::SandboxFacility;
use crate::live_limits::LiveLimits;
use crate::workspace::{Scratch, present, remove_all_but};

/// The longest time a check gets, whatever the sandbox's own limit is: its caller waits.
const TIME_MAX: Duration = Duration::from_mins(1);
/// How much of its output a check has kept, of which the end is told.
const OUTPUT_MAX_BYTES: usize = 1024 * 1024;
/// How much of its output is told, in characters.
const TAIL_CHARS: usize = 2000;
/// How much a task's files may be together, in bytes: they are copied for each check.
const FILES_MAX_BYTES: u64 = 1024 * 1024 * 1024;
/// The file with the result.
const RESULT: &str = "result.json";

/// How checks are set up.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where the folders of checks are made. Nothing else is in it.
    pub dir: PathBuf,
    /// What each check may use, within what no check needs more than.
    pub limits: LiveLimits,
}

/// Runs checks in the sandbox.
pub struct SandboxChecks(Arc<Shared>);

struct Shared {
    sandbox: SandboxFacility,
    config: Config,
    shutdown: CancellationToken,
    /// How many folders were made: the name of the next.
    made: AtomicU64,
}

impl SandboxChecks {
    /// Puts it together; what checks that were cut off have left is removed. At `shutdown`, what
    /// runs is stopped.
    ///
    /// # Errors
    /// The folder cannot be made or emptied.
    pub fn new(
        sandbox: SandboxFacility,
        config: Config,
        shutdown: CancellationToken,
    ) -> io::Result<Self> {
        remove_all_but(&config.dir, present(&config.dir)?, &[])?;
        Ok(Self(Arc::new(Shared {
            sandbox,
            config,
            shutdown,
            made: AtomicU64::new(0),
        })))
    }
}

impl Shared {
    /// Returns what a check that begins now may use.
    fn limits(&self) -> Limits {
        let limits = self.config.limits.get();
        Limits {
            time: limits.time.min(TIME_MAX),
            cpu: limits.cpu.min(TIME_MAX),
            output_bytes: limits.output_bytes.min(OUTPUT_MAX_BYTES),
            ..limits
        }
    }
}

impl CheckRunner for SandboxChecks {
    fn run<'a>(
        &'a self,
        app: &'a App,
        check: &'a Check,
        work: &'a Work,
        stop: &'a CancellationToken,
    ) -> RunFuture<'a> {
        let run = Run {
            shared: Arc::clone(&self.0),
            app: app.clone(),
            check: check.clone(),
            worker: work.hold.agent.clone(),
            result: work.result.clone(),
            artifacts: work.artifacts.clone(),
            stop: stop.child_token(),
        };
        Box::pin(async move {
            // A task of its own: it sees its program end and removes the folder even where the
            // caller goes away, which stops it.
            let _guard = run.stop.clone().drop_guard();
            tokio::spawn(run.finding())
                .await
                .unwrap_or_else(|panic| Err(AppError::Store(Box::new(panic))))
        })
    }
}

/// One run of one check.
struct Run {
    shared: Arc<Shared>,
    app: App,
    check: Check,
    worker: AgentName,
    result: Option<JsonObject>,
    artifacts: Vec<Artifact>,
    stop: CancellationToken,
}

impl Run {
    async fn finding(self) -> Result<Finding, AppError> {
        let program = match &self.check {
            Check::Python { code } => Program::Python { code: code.clone() },
            Check::Command { argv } => Program::Command { argv: argv.clone() },
            Check::Artifact { .. } | Check::ResultSchema { .. } => {
                return Ok(Err(self.unmet("it is no program".into())));
            }
        };
        let sandbox = self.shared.sandbox.get().await.map_err(|missing| {
            no_sandbox(&format!(
                "{}. To mend it: {}",
                missing.reason, missing.remedy
            ))
        })?;
        let size = self.artifacts.iter().fold(0_u64, |sum, artifact| {
            sum.saturating_add(artifact.size_bytes)
        });
        if size > FILES_MAX_BYTES {
            let found = format!(
                "its files have {size} bytes together, and a check looks at no more than \
                 {FILES_MAX_BYTES}"
            );
            return Ok(Err(self.unmet(found)));
        }
        let number = self.shared.made.fetch_add(1, Ordering::Relaxed);
        let path = self.shared.config.dir.join(number.to_string());
        let folder = self.prepare(&path).await?;
        let mut job = Job::new(program, Workspace::Folder(path));
        let limits = self.shared.limits();
        let time = limits.time;
        job.limits = limits;
        let stopped = async {
            tokio::select! {
                () = self.stop.cancelled() => (),
                () = self.shared.shutdown.cancelled() => (),
            }
        };
        let ran = sandbox.run(job, stopped).await;
        // A program may have left many files.
        let removed = tokio::task::spawn_blocking(move || drop(folder));
        let outcome = ran.map_err(|error| no_sandbox(&format!("it did not run it: {error}")))?;
        let _ = removed.await;
        if outcome.end == End::Cancelled {
            return Err(AppError::Unavailable {
                cause: UnavailableCause::Stopping,
                detail: "the check was stopped; nothing was changed".into(),
            });
        }
        let found = story(&outcome, time);
        Ok(if outcome.is_success() {
            Ok(Evidence {
                check: self.check,
                found,
            })
        } else {
            Err(self.unmet(found))
        })
    }

    /// Makes the folder that the check looks at.
    async fn prepare(&self, path: &Path) -> Result<Scratch, AppError> {
        let folder = Scratch::create(path.to_owned()).map_err(failed)?;
        let result = serde_json::to_vec(&self.result).unwrap_or_default();
        fs::write(path.join(RESULT), result).map_err(failed)?;
        for (place, artifact) in layout::of(&self.artifacts, &self.worker) {
            let (_, bytes) = self.app.open_artifact(artifact.id).await?;
            let mut bytes = bytes.into_std().await;
            let target = path.join(place);
            let copied = tokio::task::spawn_blocking(move || {
                if let Some(parent) = target.parent() {
                    fs::create_dir_all(parent)?;
                }
                let mut file = fs::File::create_new(target)?;
                io::copy(&mut bytes, &mut file).map(drop)
            });
            copied
                .await
                .map_err(|panic| AppError::Store(Box::new(panic)))?
                .map_err(failed)?;
        }
        Ok(folder)
    }

    fn unmet(&self, found: String) -> Unmet {
        Unmet {
            check: self.check.clone(),
            found,
        }
    }
}

fn no_sandbox(problem: &str) -> AppError {
    AppError::Unavailable {
        cause: UnavailableCause::NoSandbox,
        detail: format!(
            "the checks of this task are run in the sandbox, and nothing was changed, because of \
             the sandbox: {problem}"
        ),
    }
}

fn failed(error: io::Error) -> AppError {
    if matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
    ) {
        return AppError::no_room();
    }
    AppError::Store(Box::new(error))
}

/// Says how a program ended, and what it printed last.
fn story(outcome: &Outcome, time: Duration) -> String {
    let took = outcome.wall.as_millis();
    let mut story = match outcome.end {
        End::Exited(code) => format!("it exited with {code} in {took} ms"),
        End::Signalled(signal) => format!("signal {signal} ended it after {took} ms"),
        End::TimedOut => format!("it took longer than {} s", time.as_secs_f32()),
        End::Cancelled => "it was stopped".into(),
        End::OverLimit(limit) => format!("it used too much after {took} ms: {limit}"),
    };
    if outcome.stdout_truncated || outcome.stderr_truncated {
        story.push_str(", and printed more than is kept");
    }
    let said = [&outcome.stdout, &outcome.stderr];
    let speaking = said.iter().filter(|bytes| !bytes.is_empty()).count();
    for bytes in said {
        let tail = tail(bytes, TAIL_CHARS / speaking.max(1));
        if !tail.is_empty() {
            story.push('\n');
            story.push_str(&tail);
        }
    }
    story
}

/// Returns the end of what was printed, as text that can be stored: without NUL.
fn tail(bytes: &[u8], max_chars: usize) -> String {
    // No character has more than four bytes.
    let from = bytes.len().saturating_sub(max_chars.saturating_mul(4));
    let text = String::from_utf8_lossy(bytes.get(from..).unwrap_or_default());
    let text = text.trim().replace('\0', "\u{fffd}");
    let surplus = text.chars().count().saturating_sub(max_chars);
    if surplus == 0 && from == 0 {
        return text;
    }
    let end: String = text.chars().skip(surplus).collect();
    format!("…{end}")
}

#[cfg(test)]
mod tests;
