//! The sandbox of macOS: `sandbox-exec` with a generated profile.
//!
//! It is written from what is known of that system and has not been run on one; the trial that comes
//! before any use tries what must be refused, and where a single thing of it is not refused there is
//! no sandbox. A program inside can start no other, so that nothing is left behind, and nothing runs
//! where the node is root.

use std::fs::{self, File};
use std::future::{self, Future};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Component, Path, PathBuf};
use std::pin::pin;
use std::thread;
use std::time::Duration;

use tokio::sync::oneshot;

use crate::growth::Growth;
use crate::message::{KernelLimits, frame};
use crate::{Config, Job, Limits, Outcome, Program, SandboxError, Survey, Unavailable, Workspace};
use profile::{Folders, profile};
use stage::Start;
use supervise::{Plan, supervise};
use trial::{Seen, TRIAL};

pub(crate) mod profile;
pub(crate) mod stage;
mod supervise;
mod trial;

const INSTALL_PYTHON: &str = "run: xcode-select --install (it brings Python 3.9 or newer)";

/// A sandbox that was seen to work; cheap to clone.
#[derive(Debug, Clone)]
pub struct Sandbox {
    config: Config,
    python_version: String,
}

impl Sandbox {
    /// Returns a sandbox after a program was really run in it and was refused what it must be.
    ///
    /// # Errors
    /// Says what is missing and how to mend it. Nothing may then be run: there is no weaker way.
    pub async fn probe(config: Config) -> Result<Self, Unavailable> {
        let survey = Self::survey(&config).await?;
        match survey.missing() {
            Some((wall, remedy)) => Err(Unavailable {
                reason: format!("a wall of the sandbox does not stand: {}", wall.name()),
                remedy: remedy.into(),
            }),
            None => Ok(Self {
                config,
                python_version: survey.python_version,
            }),
        }
    }

    /// Runs a program in the sandbox that tries what must be refused, and returns what was.
    ///
    /// # Errors
    /// As [`Self::probe`], where it could not be run at all.
    pub async fn survey(config: &Config) -> Result<Survey, Unavailable> {
        check(config)?;
        let candidate = Self {
            config: config.clone(),
            python_version: String::new(),
        };
        let mut job = Job::new(Program::Python { code: TRIAL.into() }, Workspace::Scratch);
        job.limits.time = Duration::from_secs(20);
        let limits = job.limits.clone();
        let failed = |reason: String| Unavailable {
            reason,
            remedy: INSTALL_PYTHON.into(),
        };
        let outcome = candidate
            .run(job, future::pending())
            .await
            .map_err(|error| failed(error.to_string()))?;
        let seen: Seen = serde_json::from_slice(&outcome.stdout).map_err(|_| {
            let said = String::from_utf8_lossy(&outcome.stderr);
            failed(format!("a trial run of Python failed: {}", said.trim()))
        })?;
        Ok(seen.into_survey(&limits))
    }

    /// Returns the version of the interpreter, such as `3.9.6`.
    pub fn python_version(&self) -> &str {
        &self.python_version
    }

    /// Runs a job to its end, or until `cancel` is ready. When this returns, no process of the run
    /// is left; dropping the future ends the run too.
    ///
    /// # Errors
    /// Fails where the program could not be started. How a started program ended is in the outcome.
    pub async fn run(
        &self,
        job: Job,
        cancel: impl Future<Output = ()>,
    ) -> Result<Outcome, SandboxError> {
        if job.terminal.is_some() {
            return Err(SandboxError::Invalid {
                reason: "on macOS the sandbox has no terminal",
            });
        }
        let (plan, own) = self.plan(job)?;
        let (stop, keep_running) = io::pipe()?;
        let (answer, mut answered) = oneshot::channel();
        thread::Builder::new()
            .name("sandbox-run".into())
            .spawn(move || {
                let result = supervise(plan, &stop);
                drop(own);
                let _ = answer.send(result);
            })?;
        let early = tokio::select! {
            biased;
            answer = &mut answered => Some(answer),
            () = pin!(cancel) => None,
        };
        drop(keep_running);
        let answer = match early {
            Some(answer) => answer,
            None => answered.await,
        };
        answer.map_err(|lost| SandboxError::Process {
            source: io::Error::other(lost),
        })?
    }

    fn plan(&self, job: Job) -> Result<(Plan, Own), SandboxError> {
        let is_plain = job.folders.is_empty()
            && matches!(job.network, crate::Network::None)
            && job.host.is_none()
            && job.idempotency_key.is_none();
        if !is_plain {
            return Err(SandboxError::Invalid {
                reason: "granted folders, the network, functions of the host and keys are for Linux; on \
                         macOS a program gets its own folder and nothing else",
            });
        }
        let own = Own::new()?;
        let argv = match job.program {
            Program::Python { code } => {
                let script = own.path.join("main.py");
                fs::write(&script, code)?;
                let python = self.config.python.to_string_lossy().into_owned();
                let script = script.to_string_lossy().into_owned();
                let options = ["-I", "-S", "-B", "-u"].map(str::to_owned);
                [vec![python], options.to_vec(), vec![script]].concat()
            }
            Program::Command { argv } => argv,
        };
        if argv.first().is_none_or(String::is_empty) {
            return Err(SandboxError::Invalid {
                reason: "the command is empty",
            });
        }
        let (workspace, growth) = match job.workspace {
            Workspace::Scratch => (own.path.clone(), None),
            Workspace::Folder(folder) => {
                let Limits {
                    time,
                    workspace_bytes,
                    workspace_files,
                    ..
                } = job.limits;
                let looked_at = folder.canonicalize().and_then(|folder| {
                    Growth::from_here(&folder, workspace_bytes, workspace_files, time)
                        .map(|growth| (folder, Some(growth)))
                });
                looked_at.map_err(|source| SandboxError::Workspace {
                    path: folder,
                    source,
                })?
            }
        };
        let input = job.stdin.unwrap_or_default();
        let folders = Folders {
            workspace: &workspace,
            own: &own.path,
        };
        let mut stdin = frame(&Start {
            profile: profile(folders)?,
            argv,
            own: own.path.clone(),
            input: u64::try_from(input.len()).unwrap_or(u64::MAX),
            limits: KernelLimits::of(&job.limits),
            workspace,
        })?;
        stdin.extend(input);
        let plan = Plan {
            stage: self.config.stage.clone(),
            stdin,
            limits: job.limits,
            growth,
        };
        Ok((plan, own))
    }
}

/// A folder of a run's own, gone with it.
struct Own {
    path: PathBuf,
}

impl Own {
    fn new() -> io::Result<Self> {
        let path = nix::unistd::mkdtemp("/private/tmp/hearth-run-XXXXXX")?;
        Ok(Self { path })
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
    }
}

fn check(config: &Config) -> Result<(), Unavailable> {
    let missing = |reason: &str, remedy: &str| Unavailable {
        reason: reason.into(),
        remedy: remedy.into(),
    };
    if !config.walls.are_whole() {
        return Err(missing(
            "a wall of the sandbox was left off",
            "leave none off",
        ));
    }
    if nix::unistd::geteuid().is_root() {
        return Err(missing(
            "the node is root",
            "start it as the person whose it is",
        ));
    }
    if !Path::new("/usr/bin/sandbox-exec").is_file() {
        let remedy = "use a macOS that has it, as all do to this day";
        return Err(missing("/usr/bin/sandbox-exec is missing", remedy));
    }
    if !config.python.is_file() {
        return Err(missing("/usr/bin/python3 is missing", INSTALL_PYTHON));
    }
    Ok(())
}

/// Opens a regular file of a workspace for reading; see the version for Linux.
///
/// # Errors
/// Fails where the path leaves the workspace, contains a link, or is not a regular file.
pub fn open_beneath(workspace: &Path, relative: &Path) -> io::Result<File> {
    let is_name = |part: Component<'_>| matches!(part, Component::Normal(_));
    if !relative.components().all(is_name) {
        return Err(io::Error::from(io::ErrorKind::InvalidInput));
    }
    let path = workspace.canonicalize()?.join(relative);
    let file = File::options()
        .read(true)
        .custom_flags(libc::O_NOFOLLOW_ANY | libc::O_NONBLOCK | libc::O_NOCTTY)
        .open(path)?;
    if file.metadata()?.is_file() {
        Ok(file)
    } else {
        Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "not a regular file",
        ))
    }
}

/// Refuses: no folder is granted on this system yet.
///
/// # Errors
/// Always.
pub fn write_beneath(_root: &Path, _relative: &Path, _bytes: &[u8]) -> io::Result<()> {
    Err(io::Error::from(io::ErrorKind::Unsupported))
}

/// Refuses: no folder is granted on this system yet.
///
/// # Errors
/// Always.
pub fn open_granted(_root: &Path, _relative: &Path) -> io::Result<File> {
    Err(io::Error::from(io::ErrorKind::Unsupported))
}
