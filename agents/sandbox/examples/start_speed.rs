//! How long it takes from the call until the first instruction of a program inside.
//!
//! ```text
//! cargo build --release -p hearth-sandbox --bins --examples
//! target/release/examples/start_speed
//! ```
//!
//! Where root starts it, it measures as root and then once more as a plain user. The first run of
//! each kind is not counted: it fills the caches.

use std::fs;
use std::future;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hearth_sandbox::{Config, Job, Program, Sandbox, Stage, Workspace};

const RUNS: usize = 200;

/// A user like a person's, who exists on no machine.
const PERSON: u32 = 60_748;

type Failure = Box<dyn std::error::Error>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let stage = stage_program()?;
    let is_root = nix::unistd::geteuid().is_root();
    let user = if is_root { "root" } else { "plain user" };
    let sandbox = Sandbox::probe(Config::new(Stage {
        program: stage.clone(),
        args: vec![],
    }))
    .await?;
    let command = || Program::Command {
        argv: vec!["date".into(), "+%s%N".into()],
    };
    let python = || Program::Python {
        code: "import time; print(time.time_ns())".into(),
    };
    measure(&sandbox, user, "command", command).await?;
    measure(&sandbox, user, "python", python).await?;
    if is_root {
        as_a_plain_user(&stage)?;
    }
    Ok(())
}

async fn measure(
    sandbox: &Sandbox,
    user: &str,
    what: &str,
    program: impl Fn() -> Program,
) -> Result<(), Failure> {
    let mut starts = vec![];
    let mut wholes = vec![];
    for _ in 0..=RUNS {
        let job = Job::new(program(), Workspace::Scratch);
        let called = now()?;
        let outcome = sandbox.run(job, future::pending()).await?;
        let began: u64 = String::from_utf8(outcome.stdout)?.trim().parse()?;
        starts.push(Duration::from_nanos(began).saturating_sub(called));
        wholes.push(outcome.wall);
    }
    let (starts, wholes) = (sorted(starts), sorted(wholes));
    println!(
        "{user:10} {what:8} first instruction p50 {:.1} ms, p99 {:.1} ms; whole run p50 {:.1} ms, \
         p99 {:.1} ms",
        millis(&starts, 50),
        millis(&starts, 99),
        millis(&wholes, 50),
        millis(&wholes, 99),
    );
    Ok(())
}

fn now() -> Result<Duration, Failure> {
    #[expect(
        clippy::disallowed_methods,
        reason = "the only clock that both sides can read"
    )]
    let now = SystemTime::now();
    Ok(now.duration_since(UNIX_EPOCH)?)
}

/// Leaves the first out and sorts the others.
fn sorted(mut durations: Vec<Duration>) -> Vec<Duration> {
    durations.remove(0);
    durations.sort();
    durations
}

fn millis(sorted: &[Duration], percent: usize) -> f64 {
    let at = (sorted.len() * percent).div_ceil(100).saturating_sub(1);
    sorted.get(at).map_or(0.0, |it| it.as_secs_f64() * 1000.0)
}

fn stage_program() -> Result<PathBuf, Failure> {
    let own = std::env::current_exe()?;
    let candidates = own.ancestors().skip(1).take(2);
    candidates
        .map(|folder| folder.join("hearth-sandbox-stage"))
        .find(|path| path.is_file())
        .ok_or_else(|| "build it first: see the top of this file".into())
}

fn as_a_plain_user(stage: &Path) -> Result<(), Failure> {
    // Copies, because the build folder may be closed to that user.
    let folder = tempfile::tempdir()?;
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755))?;
    let own = folder.path().join("start_speed");
    fs::copy(std::env::current_exe()?, &own)?;
    fs::copy(stage, folder.path().join("hearth-sandbox-stage"))?;
    #[expect(
        clippy::disallowed_methods,
        reason = "the same program as another user"
    )]
    let status = Command::new(own)
        .current_dir("/")
        .env_clear()
        .uid(PERSON)
        .gid(PERSON)
        .status()?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("as a plain user: {status}").into())
    }
}
