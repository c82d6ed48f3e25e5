//! A place to run things in: a workspace below a folder that is closed to everyone else.

use std::fs;
use std::future;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use hearth_sandbox::{Config, Job, Limits, Outcome, Program, Sandbox, Stage, Workspace};
use tempfile::TempDir;
use tokio::sync::OnceCell;

/// What no program may ever see.
pub(crate) const SECRET: &str = "the-secret-of-the-host-2718281828";

pub(crate) struct Ground {
    pub folder: TempDir,
    pub sandbox: Sandbox,
}

impl Ground {
    pub(crate) async fn new() -> Self {
        let folder = tempfile::Builder::new()
            .prefix("hearth-ground-")
            .tempdir()
            .unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o700)).unwrap();
        fs::create_dir(folder.path().join("workspace")).unwrap();
        fs::write(folder.path().join("secret"), SECRET).unwrap();
        Self {
            folder,
            sandbox: sandbox().await,
        }
    }

    pub(crate) fn workspace(&self) -> PathBuf {
        self.folder.path().join("workspace")
    }

    pub(crate) fn secret(&self) -> PathBuf {
        self.folder.path().join("secret")
    }

    pub(crate) fn job(&self, program: Program) -> Job {
        let mut job = Job::new(program, Workspace::Folder(self.workspace()));
        job.limits.time = Duration::from_secs(10);
        job
    }

    pub(crate) fn python_job(&self, code: &str) -> Job {
        self.job(Program::Python { code: code.into() })
    }

    /// Runs a job and makes sure that nothing of it is left, in whatever way it ended.
    pub(crate) async fn run(&self, job: Job) -> Outcome {
        let outcome = self.sandbox.run(job, future::pending()).await.unwrap();
        assert!(
            self.processes().is_empty(),
            "left running: {:?}",
            self.processes()
        );
        assert_eq!(fs::read_to_string(self.secret()).unwrap(), SECRET);
        outcome
    }

    pub(crate) async fn python(&self, code: &str) -> Outcome {
        self.run(self.python_job(code)).await
    }

    pub(crate) async fn python_within(&self, code: &str, limits: Limits) -> Outcome {
        let mut job = self.python_job(code);
        job.limits = limits;
        self.run(job).await
    }

    pub(crate) async fn command(&self, argv: &[&str]) -> Outcome {
        let argv = argv.iter().map(|&argument| argument.to_owned()).collect();
        self.run(self.job(Program::Command { argv })).await
    }

    /// Returns the processes that can see this workspace.
    pub(crate) fn processes(&self) -> Vec<String> {
        processes_with(self.folder.path())
    }
}

/// Returns the processes that have something below `folder` mounted as their workspace.
pub(crate) fn processes_with(folder: &Path) -> Vec<String> {
    let name = folder.file_name().unwrap().to_str().unwrap();
    fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|process| {
            fs::read_to_string(process.join("mountinfo")).is_ok_and(|mounts| {
                mounts
                    .lines()
                    .any(|mount| mount.contains(name) && mount.contains(" /workspace "))
            })
        })
        .map(|process| {
            let stat = fs::read_to_string(process.join("stat")).unwrap_or_default();
            format!("{} {stat}", process.display())
        })
        .collect()
}

/// Returns limits under which a test that reaches them is over soon.
pub(crate) fn small() -> Limits {
    const MIB: u64 = 1024 * 1024;
    Limits {
        time: Duration::from_secs(8),
        memory_bytes: 128 * MIB,
        address_bytes: 1024 * MIB,
        output_bytes: 10_000,
        file_bytes: 4 * MIB,
        tmp_bytes: 8 * MIB,
        workspace_bytes: 16 * MIB,
        workspace_files: 500,
        ..Limits::default()
    }
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim().to_owned()
}

/// Waits until something is so; a minute without is a failure.
pub(crate) async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(
            start.elapsed() < Duration::from_mins(1),
            "{what} did not come about"
        );
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// Returns the program of the stage: beside this test program where that is a copy, else where
/// cargo has put it.
pub(crate) fn stage_program() -> PathBuf {
    let beside = std::env::current_exe()
        .unwrap()
        .with_file_name("hearth-sandbox-stage");
    if beside.exists() {
        beside
    } else {
        env!("CARGO_BIN_EXE_hearth-sandbox-stage").into()
    }
}

pub(crate) fn config() -> Config {
    Config::new(Stage {
        program: stage_program(),
        args: vec![],
    })
}

async fn sandbox() -> Sandbox {
    static SANDBOX: OnceCell<Sandbox> = OnceCell::const_new();
    // Without a sandbox every test of it fails: none of them may seem to have passed.
    let probe = || async { Sandbox::probe(config()).await.unwrap() };
    SANDBOX.get_or_init(probe).await.clone()
}
