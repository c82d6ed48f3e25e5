//! Programs: Python code and commands, in the sandbox or by the owner's word outside.

use std::time::Duration;

use hearth_domain::artifact::MediaType;
use hearth_domain::field::{Name, Word};
use hearth_sandbox::network::{AllowList, ProxyRules};
use hearth_sandbox::outside;
use hearth_sandbox::{Access, End, Folder, Job, Limits, Network, Outcome, Program, Workspace};
use serde_json::Value;

use super::args::{FolderName, Python, RunCommand};
use super::files::open_folder;
use super::outcome::{Ended, Ran};
use super::{TEXT_MAX, ToolError, Toolbox, is_short_as_json};

/// What a program is granted beyond its folder.
pub(super) struct Granted<'a> {
    pub(super) reads: &'a [FolderName],
    pub(super) writes: &'a [FolderName],
    pub(super) network: &'a [String],
}

impl Granted<'_> {
    pub(super) const NOTHING: Granted<'static> = Granted {
        reads: &[],
        writes: &[],
        network: &[],
    };
}

impl Toolbox<'_> {
    pub(super) async fn python(
        &self,
        python: &Python,
        limits: &Limits,
        key: Option<&str>,
    ) -> Result<Value, ToolError> {
        let granted = Granted {
            reads: &python.reads,
            writes: &python.writes,
            network: &python.network,
        };
        let program = Program::Python {
            code: python.code.clone(),
        };
        let mut job = self.job(program, &granted, limits)?;
        job.stdin = python.stdin.as_ref().map(bytes_of);
        job.idempotency_key = key.map(str::to_owned);
        job.host = self.host_functions(&python.host, limits);
        let outcome = self.run(job).await?;
        self.kept(outcome, limits.time).await
    }

    pub(super) async fn run_command(
        &self,
        command: &RunCommand,
        limits: &Limits,
        key: Option<&str>,
    ) -> Result<Value, ToolError> {
        if command.outside {
            return self.outside(command, limits, key).await;
        }
        let granted = Granted {
            reads: &command.reads,
            writes: &command.writes,
            network: &command.network,
        };
        let program = Program::Command {
            argv: command.argv.clone(),
        };
        let mut job = self.job(program, &granted, limits)?;
        job.stdin = command.stdin.as_ref().map(bytes_of);
        job.idempotency_key = key.map(str::to_owned);
        let outcome = self.run(job).await?;
        self.kept(outcome, limits.time).await
    }

    /// Puts a job together.
    pub(super) fn job(
        &self,
        program: Program,
        granted: &Granted<'_>,
        limits: &Limits,
    ) -> Result<Job, ToolError> {
        let mut job = Job::new(program, Workspace::Folder(self.folder.to_owned()));
        job.limits = limits.clone();
        for (names, access) in [
            (granted.writes, Access::Write),
            (granted.reads, Access::Read),
        ] {
            for name in names {
                // What may be written may be read.
                if job
                    .folders
                    .iter()
                    .all(|known| known.name != name.0.as_str())
                {
                    job.folders.push(self.granted(&name.0, access)?);
                }
            }
        }
        if !granted.network.is_empty() {
            let allow = AllowList::parse(granted.network)
                .map_err(|error| ToolError::Failed(error.to_string()))?;
            job.network = Network::Proxy(ProxyRules::new(allow));
        }
        Ok(job)
    }

    /// Runs a job when its turn comes.
    pub(super) async fn run(&self, job: Job) -> Result<Outcome, ToolError> {
        let sandbox = self.sandbox.get().await.map_err(ToolError::NoSandbox)?;
        let _turn = self.turn().await?;
        let seconds = job.limits.time.as_secs();
        let outcome = sandbox
            .run(job, self.stop.cancelled())
            .await
            .map_err(ToolError::Sandbox)?;
        let end = Ended::of(outcome.end, seconds);
        if let Some(reason) = end.kill_reason() {
            metrics::counter!("hearth_sandbox_kills_total", "reason" => reason).increment(1);
        }
        if outcome.end == End::Cancelled {
            return Err(ToolError::Stopped);
        }
        Ok(outcome)
    }

    /// Runs a command on the host itself. Only here, after the approval of this one action was used
    /// up when the step was written down.
    async fn outside(
        &self,
        command: &RunCommand,
        limits: &Limits,
        key: Option<&str>,
    ) -> Result<Value, ToolError> {
        let action = outside::Action {
            argv: command.argv.clone(),
            folder: self.folder.to_owned(),
            stdin: command.stdin.as_ref().map(bytes_of),
            environment: self.environment.clone(),
            idempotency_key: key.map(str::to_owned),
            time: limits.time,
            output_bytes: limits.output_bytes,
        };
        let approved = outside::Approved::after_consuming_the_approval(action);
        let outcome = outside::run(self.sandbox.stage(), approved, self.stop.cancelled())
            .await
            .map_err(ToolError::Sandbox)?;
        if outcome.end == End::Cancelled {
            return Err(ToolError::Stopped);
        }
        self.kept(outcome, limits.time).await
    }

    /// Waits until one more program may run.
    async fn turn(&self) -> Result<tokio::sync::SemaphorePermit<'_>, ToolError> {
        tokio::select! {
            permit = self.programs.acquire() => permit.map_err(|_| ToolError::Stopped),
            () = self.stop.cancelled() => Err(ToolError::Stopped),
        }
    }

    fn granted(&self, name: &Word, access: Access) -> Result<Folder, ToolError> {
        let wanted = match access {
            Access::Read => hearth_domain::folder::Access::Read,
            Access::Write => hearth_domain::folder::Access::Write,
        };
        Ok(Folder {
            host: open_folder(self.app, self.task.project_id, name, wanted)?,
            name: name.to_string(),
            access,
        })
    }

    /// Returns what the journal keeps of an outcome; what is too long for it becomes an artifact.
    pub(super) async fn kept(&self, outcome: Outcome, time: Duration) -> Result<Value, ToolError> {
        let mut ran = Ran::of(&outcome, time.as_secs());
        let text = String::from_utf8_lossy(&outcome.stdout);
        let is_short = text.len() as u64 <= TEXT_MAX && is_short_as_json(&text);
        if is_short && !outcome.stdout_truncated {
            ran.stdout = text.replace('\0', "\u{fffd}");
        } else {
            // The last line may still be the result.
            ran.stdout = last_line(&text);
            let kind = Word::from_stored("output".into());
            let name = Some(Name::from_stored("stdout.txt".into()));
            let id = self
                .store_bytes(&*outcome.stdout, kind, name, MediaType::plain_text())
                .await?;
            ran.stdout_artifact = Some(id);
        }
        serde_json::to_value(&ran).map_err(|error| ToolError::Failed(error.to_string()))
    }
}

/// A text as it is, anything else as JSON.
fn bytes_of(stdin: &Value) -> Vec<u8> {
    match stdin {
        Value::String(text) => text.clone().into_bytes(),
        other => other.to_string().into_bytes(),
    }
}

fn last_line(text: &str) -> String {
    let last = text.lines().rev().find(|line| !line.trim().is_empty());
    last.filter(|line| line.len() as u64 <= TEXT_MAX && is_short_as_json(line))
        .unwrap_or_default()
        .replace('\0', "\u{fffd}")
}
