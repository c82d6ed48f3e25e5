//! `hearth sandbox shell`: to look around where agents run things.

use std::future::Future;
use std::io::{IsTerminal, Read, Write};
use std::path::{Component, Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::Args;
use hearth_sandbox::{End, Job, Limits, Outcome, Program, Sandbox, Workspace};
use tokio::signal::unix::{SignalKind, signal};

use super::terminal::{Relay, Terminal};
use crate::cli::{Global, Invocation};
use crate::compose;
use crate::doctor::sandbox::config;
use crate::output::{note, stdout_error};

/// How long a shell may stay open.
const OPEN_FOR: Duration = Duration::from_hours(1);

/// How long a shell that has let go of its terminal gets to end.
const AFTER_THE_TERMINAL: Duration = Duration::from_secs(1);

/// How much is read from a standard input that is no terminal: far more than anyone types.
const SCRIPT_BYTES: u64 = 16 * 1024 * 1024;

/// Opens a shell.
#[derive(Debug, Args)]
pub struct Shell {
    /// The folder to work in, kept; where this is run as root, all in it comes to belong to the
    /// sandbox's user [default: an empty one in memory]
    #[arg(long, value_name = "DIR")]
    workspace: Option<PathBuf>,
}

pub(super) async fn run(global: Global, shell: &Shell) -> anyhow::Result<ExitCode> {
    let invocation = Invocation::new(global, &[])?;
    let workspace = workspace(&invocation, shell)?;
    let sandbox = Sandbox::probe(config()?).await?;
    let limits = Limits {
        time: OPEN_FOR,
        cpu: OPEN_FOR,
        ..compose::limits(&invocation.loaded.settings.sandbox)
    };
    let what = match &workspace {
        Workspace::Folder(folder) => format!("/workspace is {}", folder.display()),
        Workspace::Scratch => "/workspace is in memory and gone afterwards".into(),
    };
    note(&format!(
        "hearth: a shell in the sandbox, for an hour at most: no network, no secrets, and {what}"
    ));
    let job = |argv: &[&str]| Job {
        limits: limits.clone(),
        ..Job::new(
            Program::Command {
                argv: argv.iter().map(|&word| word.to_owned()).collect(),
            },
            workspace.clone(),
        )
    };
    let outcome = if std::io::stdin().is_terminal() && std::io::stdout().is_terminal() {
        let words = interactive();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        on_a_terminal(&sandbox, job(&words)).await?
    } else {
        piped(&sandbox, job(&[shell_name()])).await?
    };
    Ok(told(&outcome))
}

/// Refuses folders that hold more than one would give away.
fn workspace(invocation: &Invocation, shell: &Shell) -> anyhow::Result<Workspace> {
    let Some(named) = &shell.workspace else {
        return Ok(Workspace::Scratch);
    };
    let folder = named
        .canonicalize()
        .with_context(|| format!("--workspace {} cannot be used", named.display()))?;
    if !folder.is_dir() {
        bail!("--workspace {} is not a folder", named.display());
    }
    let data = &invocation.loaded.settings.data_dir;
    let data = data.canonicalize().unwrap_or_else(|_| data.clone());
    if is_too_much(&folder, &data) {
        bail!(
            "--workspace {} would give away more than a folder to work in; name one for that alone",
            named.display()
        );
    }
    Ok(Workspace::Folder(folder))
}

/// Top folders of the machine, and what holds the node's data or lies in it.
fn is_too_much(folder: &Path, data: &Path) -> bool {
    let is_name = |part: &Component<'_>| matches!(part, Component::Normal(_));
    let depth = folder.components().filter(is_name).count();
    depth < 2 || data.starts_with(folder) || folder.starts_with(data)
}

/// Bash where there is one, because it can edit a line.
fn shell_name() -> &'static str {
    if Path::new("/usr/bin/bash").exists() {
        "bash"
    } else {
        "sh"
    }
}

/// Returns the shell's words, with the kind of terminal and a prompt that says where one is.
fn interactive() -> Vec<String> {
    #[expect(
        clippy::disallowed_methods,
        reason = "the person's terminal, for the shell"
    )]
    let kind = std::env::var("TERM").ok();
    let is_plain = |kind: &String| {
        kind.len() < 64
            && kind
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "-+._".contains(c))
    };
    let kind = kind.filter(is_plain).unwrap_or_else(|| "dumb".into());
    [
        "env",
        &format!("TERM={kind}"),
        "PS1=sandbox$ ",
        shell_name(),
    ]
    .map(str::to_owned)
    .to_vec()
}

async fn on_a_terminal(sandbox: &Sandbox, job: Job) -> anyhow::Result<Outcome> {
    let mut terminal = Terminal::open()?;
    let job = Job {
        terminal: Some(terminal.program_end()?),
        ..job
    };
    let mut relay = Relay::start(&terminal)?;
    let outcome = tokio::select! {
        outcome = sandbox.run(job, asked_to_stop(relay.ended())) => outcome,
        never = terminal.follow_size() => match never? {},
    };
    relay.finish();
    // The terminal is the person's own again before anything else is said on it.
    drop(terminal);
    Ok(outcome?)
}

/// Reads all there is on the standard input first, as a script.
async fn piped(sandbox: &Sandbox, job: Job) -> anyhow::Result<Outcome> {
    let mut script = vec![];
    let length = std::io::stdin()
        .take(SCRIPT_BYTES + 1)
        .read_to_end(&mut script)
        .context("cannot read standard input")?;
    if u64::try_from(length)? > SCRIPT_BYTES {
        bail!("standard input is longer than {SCRIPT_BYTES} bytes");
    }
    let job = Job {
        stdin: Some(script),
        ..job
    };
    let stop = asked_to_stop(std::future::pending());
    let outcome = sandbox.run(job, stop).await?;
    let _ = std::io::stderr().write_all(&outcome.stderr);
    let mut out = std::io::stdout();
    out.write_all(&outcome.stdout)
        .and_then(|()| out.flush())
        .map_err(stdout_error)?;
    if outcome.stdout_truncated || outcome.stderr_truncated {
        note(
            "hearth: the rest of the output was thrown away; sandbox.output_bytes says how much is kept",
        );
    }
    Ok(outcome)
}

/// Is ready when this program is told to end, or when nobody relays the terminal any more.
async fn asked_to_stop(relay_ended: impl Future<Output = ()>) {
    let on = |kind| async move {
        match signal(kind) {
            Ok(mut signal) => signal.recv().await,
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = on(SignalKind::terminate()) => {}
        _ = on(SignalKind::hangup()) => {}
        _ = on(SignalKind::interrupt()) => {}
        () = async { relay_ended.await; tokio::time::sleep(AFTER_THE_TERMINAL).await } => {}
    }
}

/// Says how it ended where that was not the shell's own doing.
fn told(outcome: &Outcome) -> ExitCode {
    let code = match outcome.end {
        End::Exited(code) => code,
        End::Signalled(signal) => 128 + signal,
        End::Cancelled => {
            note("hearth: the shell was ended");
            1
        }
        End::TimedOut => {
            note("hearth: the shell was ended after its hour");
            1
        }
        End::OverLimit(limit) => {
            note(&format!(
                "hearth: the shell was ended: too much of its {limit}"
            ));
            1
        }
    };
    u8::try_from(code).map_or(ExitCode::FAILURE, ExitCode::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_holds_the_machine_or_the_data_is_too_much() {
        let data = Path::new("/home/ada/.local/share/hearth");

        for folder in [
            "/",
            "/home",
            "/home/ada",
            "/home/ada/.local/share/hearth/artifacts",
        ] {
            assert!(is_too_much(Path::new(folder), data), "{folder}");
        }
        assert!(!is_too_much(Path::new("/home/ada/play"), data));
    }
}
