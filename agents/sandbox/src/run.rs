//! One run from the caller's side: checks the job, starts the watching thread, waits for it.

use std::future::Future;
use std::io;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;
use std::thread;

use tokio::sync::oneshot;

use crate::channel::Channel;
use crate::folder;
use crate::host::HostCalls;
use crate::lifeguard::Lifeguard;
use crate::message::{Inner, KernelLimits, Outer, PACKAGE, SCRIPT, frame};
use crate::network::{Network, Proxy};
use crate::supervise::{Plan, supervise};
use crate::{Config, Job, Outcome, Program, SandboxError, Wall, Workspace};

/// A sandbox that was seen to work; cheap to clone.
#[derive(Debug, Clone)]
pub struct Sandbox {
    pub(crate) known: Arc<Known>,
}

/// What the probe found out.
#[derive(Debug)]
pub(crate) struct Known {
    pub config: Config,
    /// Folders of site packages, which Python is not to see.
    pub site_packages: Vec<PathBuf>,
    pub python_version: String,
    /// Ends what runs with the node.
    pub lifeguard: Arc<Lifeguard>,
}

impl Sandbox {
    /// Returns the version of the interpreter, such as `3.11.2`.
    pub fn python_version(&self) -> &str {
        &self.known.python_version
    }

    /// Returns a sandbox that lacks walls, for the tests of this crate, which see by it what each
    /// wall is good for. Its jobs run only where the stage is `hearth-sandbox-stage`: a node's own
    /// stage refuses them.
    #[doc(hidden)]
    pub fn with_walls_left_off(config: Config) -> Self {
        let known = Known {
            config,
            site_packages: vec![],
            python_version: String::new(),
            lifeguard: Arc::default(),
        };
        Self {
            known: Arc::new(known),
        }
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
        let proxy = match &job.network {
            Network::None => None,
            Network::Proxy(rules) => Some(Proxy::new(rules.clone())),
        };
        let host = job.host.clone().map(HostCalls::new);
        let mut plan = self.plan(job)?;
        let (channel, end) = Channel::open(proxy.clone(), host.clone())?;
        plan.channel = end;
        let mut attended = pin!(channel.attend());
        // Nothing is ever written to it: the thread sees that the writing end is gone.
        let (stop, keep_running) = io::pipe()?;
        let (answer, mut answered) = oneshot::channel();
        // A thread of its own: bubblewrap dies with the thread that started it, which must
        // therefore live as long as the run, and limits hold however busy the runtime is.
        thread::Builder::new()
            .name("sandbox-run".into())
            .spawn(move || {
                // Nobody listens where the future was dropped; the run has been ended all the same.
                let _ = answer.send(supervise(plan, &stop));
            })?;
        let early = tokio::select! {
            biased;
            answer = &mut answered => Some(answer),
            () = pin!(cancel) => None,
            never = &mut attended => match never {},
        };
        drop(keep_running);
        let answer = match early {
            Some(answer) => answer,
            None => answered.await,
        };
        let mut outcome = received(answer)?;
        outcome.network = proxy.map(|proxy| proxy.usage()).unwrap_or_default();
        outcome.host_calls = host.map_or(0, |host| host.made());
        Ok(outcome)
    }

    fn plan(&self, job: Job) -> Result<Plan, SandboxError> {
        let Known {
            config,
            site_packages,
            ..
        } = &*self.known;
        let folders = folder::granted(&job.folders, &config.protected)?;
        let (argv, script, hidden) = match job.program {
            Program::Python { code } => {
                let Some(python) = config.python.to_str() else {
                    return Err(SandboxError::Invalid {
                        reason: "python's path is no text",
                    });
                };
                // Isolated, no compiled files left behind, and no buffer that a kill would empty.
                let script = if job.host.is_some() { PACKAGE } else { SCRIPT };
                let argv = [python, "-I", "-B", "-u", script]
                    .map(str::to_owned)
                    .to_vec();
                (argv, Some(code), site_packages.clone())
            }
            Program::Command { .. } if job.host.is_some() => {
                return Err(SandboxError::Invalid {
                    reason: "only Python code can call functions of the host",
                });
            }
            Program::Command { argv } => (argv, None, vec![]),
        };
        if argv.first().is_none_or(String::is_empty) {
            return Err(SandboxError::Invalid {
                reason: "the command is empty",
            });
        }
        if argv.iter().any(|argument| argument.contains('\0')) {
            return Err(SandboxError::Invalid {
                reason: "an argument contains a zero byte",
            });
        }
        let workspace = match job.workspace {
            Workspace::Folder(folder) => match folder.canonicalize() {
                Ok(folder) => Some(folder),
                Err(source) => {
                    return Err(SandboxError::Workspace {
                        path: folder,
                        source,
                    });
                }
            },
            Workspace::Scratch => None,
        };
        let is_switched = nix::unistd::geteuid().is_root() && config.walls.has(Wall::SwitchedUser);
        let run_as = is_switched.then_some(config.run_as);
        let network = matches!(job.network, Network::Proxy(_));
        let outer = Outer {
            parent: std::process::id(),
            bwrap: config.bwrap.clone(),
            run_as,
            stage_program: config.stage.program.clone(),
            stage_args: config
                .stage
                .args
                .iter()
                .map(|argument| argument.to_string_lossy().into_owned())
                .collect(),
            workspace: workspace.clone(),
            folders: folders.clone(),
            hidden,
            tmp_bytes: job.limits.tmp_bytes,
            network,
            walls: config.walls.clone(),
        };
        let inner = Inner {
            argv,
            script,
            folders: folders.clone(),
            terminal: job.terminal.is_some(),
            limits: KernelLimits::of(&job.limits),
            network,
            host: job.host.map(|grant| grant.functions.names()),
            idempotency_key: job.idempotency_key,
            walls: config.walls.clone(),
        };
        let writable = folders.into_iter().filter(|folder| folder.writable);
        let writable = writable.map(|folder| folder.source).collect();
        Ok(Plan {
            stage: config.stage.clone(),
            outer: frame(&outer)?,
            inner: frame(&inner)?,
            input: job.stdin.unwrap_or_default(),
            channel: None,
            terminal: job.terminal,
            workspace,
            folders: writable,
            run_as,
            limits: job.limits,
            walls: config.walls.clone(),
            lifeguard: Arc::clone(&self.known.lifeguard),
        })
    }
}

fn received(
    answer: Result<Result<Outcome, SandboxError>, oneshot::error::RecvError>,
) -> Result<Outcome, SandboxError> {
    // The sender is lost only where the thread panicked.
    answer.map_err(|lost| SandboxError::Process {
        source: io::Error::other(lost),
    })?
}
