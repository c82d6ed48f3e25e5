//! A disk that fails when it is told to: a small library of C that is loaded into the program under
//! test and lets one call to the system fail, or that one and all that follow.

use std::collections::BTreeMap;
use std::fmt;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, ensure};
use nix::errno::Errno;
use tempfile::TempDir;

use crate::killed::Random;

/// Kinds of calls that can fail, as the library names them.
pub const KINDS: [&str; 9] = [
    "open", "read", "write", "sync", "rename", "unlink", "mkdir", "truncate", "stat",
];
/// Kinds that need room on the disk.
const NEED_ROOM: [&str; 4] = ["write", "sync", "rename", "mkdir"];

/// Which call fails, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    /// One of [`KINDS`], or `watch`.
    pub kind: &'static str,
    /// Which call of this kind: 1 is the first.
    pub nth: u64,
    /// The error.
    pub errno: Errno,
    /// Whether those that follow fail, too.
    pub is_forever: bool,
}

impl Fault {
    /// Returns one that only looks random, among the first `count` calls of a kind.
    pub fn random(random: &mut Random, kind: &'static str, count: u64) -> Self {
        let is_full = NEED_ROOM.contains(&kind) && random.below(3) == 0;
        Self {
            kind,
            nth: 1 + random.below(count),
            errno: if is_full { Errno::ENOSPC } else { Errno::EIO },
            is_forever: random.below(3) == 0,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            kind, nth, errno, ..
        } = self;
        let on = if self.is_forever {
            " and all after it"
        } else {
            ""
        };
        write!(f, "{errno:?} at {kind} {nth}{on}")
    }
}

/// The library, compiled.
#[derive(Debug)]
pub struct Faults {
    folder: TempDir,
    /// How many runs it was loaded for; each has a log of its own.
    runs: std::cell::Cell<u32>,
}

/// One run of the program with the library in it.
#[derive(Debug)]
pub struct Loaded {
    /// The variables that load it.
    pub env: Vec<(String, String)>,
    log: PathBuf,
    switch: PathBuf,
}

impl Faults {
    /// Compiles the library; `None` where there is no C compiler, or no Linux to load it on.
    ///
    /// # Errors
    /// The compiler refuses it.
    #[expect(clippy::disallowed_methods, reason = "runs the C compiler")]
    pub fn compile() -> anyhow::Result<Option<Self>> {
        if !cfg!(all(target_os = "linux", target_env = "gnu")) {
            return Ok(None);
        }
        let folder = tempfile::tempdir()?;
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/faults.c");
        let compiled = Command::new("cc")
            .args([
                "-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror", "-o",
            ])
            .arg(folder.path().join("faults.so"))
            .arg(source)
            .arg("-ldl")
            .output();
        let Ok(compiled) = compiled else {
            return Ok(None);
        };
        let said = String::from_utf8_lossy(&compiled.stderr);
        ensure!(compiled.status.success(), "cc: {said}");
        Ok(Some(Self {
            folder,
            runs: std::cell::Cell::default(),
        }))
    }

    /// Prepares a run that is killed right before the call of a kind that is the `nth` on files below
    /// `folders`. Beside [`KINDS`] there is `resume`: a write that is the first since a sync.
    ///
    /// # Errors
    /// A path is no text.
    pub fn load_kill(
        &self,
        folders: &[&Path],
        kind: &'static str,
        nth: u64,
    ) -> anyhow::Result<Loaded> {
        let fault = Fault {
            kind,
            nth,
            errno: Errno::EIO,
            is_forever: false,
        };
        let mut loaded = self.load(folders, Some(fault))?;
        loaded.env.push(("FAULTS_KILL".into(), "1".into()));
        Ok(loaded)
    }

    /// Prepares a run in which calls on files below `folders` are counted, and fail as `fault` says.
    ///
    /// # Errors
    /// A path is no text.
    pub fn load(&self, folders: &[&Path], fault: Option<Fault>) -> anyhow::Result<Loaded> {
        let run = self.runs.get();
        self.runs.set(run + 1);
        let path = |name: &str| self.folder.path().join(name);
        let (log, switch) = (path(&format!("{run}.log")), path(&format!("{run}.on")));
        let text = |path: &Path| {
            let text = path.to_str().context("a path that is no text")?;
            anyhow::Ok(text.to_owned())
        };
        let folders: Vec<String> = folders
            .iter()
            .map(|path| text(path))
            .collect::<Result<_, _>>()?;
        let mut env = vec![
            ("LD_PRELOAD".into(), text(&path("faults.so"))?),
            ("FAULTS_BELOW".into(), folders.join(":")),
            ("FAULTS_LOG".into(), text(&log)?),
        ];
        if let Some(fault) = fault {
            env.extend([
                ("FAULTS_KIND".into(), fault.kind.into()),
                ("FAULTS_NTH".into(), fault.nth.to_string()),
                ("FAULTS_ERRNO".into(), (fault.errno as i32).to_string()),
            ]);
            if fault.is_forever {
                env.push(("FAULTS_FOREVER".into(), "1".into()));
            }
        }
        Ok(Loaded { env, log, switch })
    }
}

impl Loaded {
    /// Lets calls fail only between [`Self::switch_on`] and [`Self::switch_off`].
    #[must_use]
    pub fn with_switch(mut self) -> Self {
        let switch = self.switch.display().to_string();
        self.env.push(("FAULTS_SWITCH".into(), switch));
        self
    }

    /// From here on calls are counted, and fail.
    ///
    /// # Errors
    /// The file that says so cannot be made.
    pub fn switch_on(&self) -> anyhow::Result<()> {
        Ok(std::fs::write(&self.switch, "")?)
    }

    /// From here on no call fails. Nothing where that is so already.
    ///
    /// # Errors
    /// The file that says otherwise cannot be removed.
    pub fn switch_off(&self) -> anyhow::Result<()> {
        match std::fs::remove_file(&self.switch) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }
    }

    /// Returns which call failed first: its kind, number and path. None where none did.
    pub fn failed(&self) -> Option<String> {
        let log = std::fs::read_to_string(&self.log).ok()?;
        let failed = log.lines().find_map(|line| line.strip_prefix("failed "));
        failed.map(str::to_owned)
    }

    /// Waits until a call failed, or `limit` is over; returns which.
    pub fn wait_for_failure(&self, limit: Duration) -> Option<String> {
        let deadline = std::time::Instant::now() + limit;
        loop {
            let failed = self.failed();
            if failed.is_some() || std::time::Instant::now() > deadline {
                return failed;
            }
            std::thread::park_timeout(Duration::from_millis(10));
        }
    }

    /// Returns how many calls of each kind there were, once the program has ended by itself.
    ///
    /// # Errors
    /// It has not.
    pub fn counts(&self) -> anyhow::Result<BTreeMap<String, u64>> {
        let log = std::fs::read_to_string(&self.log).context("nothing was counted")?;
        let mut counts = BTreeMap::new();
        for line in log.lines() {
            let mut words = line.split(' ');
            if let (Some("count"), Some(kind), Some(count)) =
                (words.next(), words.next(), words.next())
            {
                *counts.entry(kind.to_owned()).or_default() += count.parse::<u64>()?;
            }
        }
        Ok(counts)
    }
}
