//! A disk that fails: one call to the system, or all from one on, answers with an error. Whatever
//! was under way, nothing is lost or half done, and what failed is said.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Output;

use anyhow::{Context, ensure};
use hearth_store::migrate::schema_version;
use hearth_tests::data_folder::{
    check_contents, copy_folder, copy_of, done, grown_folder, hearth, kept_databases, left_over,
    rows, text,
};
use hearth_tests::database::{all_rows, check_sound, grow};
use hearth_tests::faults::{Fault, Faults, KINDS};
use hearth_tests::killed::{Random, run_whole, seed_or};
use hearth_tests::skip;
use nix::errno::Errno;
use tempfile::TempDir;

/// How many faults there are of each kind.
const ROUNDS: usize = 4;
const ROUNDS_LONG: usize = 40;

/// What SQLite says where the system refused: to read, to open, to write.
const OF_SQLITE: [&str; 5] = [
    "disk I/O error",
    "database disk image is malformed",
    "unable to open database file",
    "attempt to write a readonly database",
    "vtable constructor failed",
];

/// A data folder, and a folder for what goes in and out of it.
struct Ground {
    data: TempDir,
    out: TempDir,
}

impl Ground {
    fn copy_of(data: &Path) -> anyhow::Result<Self> {
        Ok(Self {
            data: copy_of(data)?,
            out: tempfile::tempdir()?,
        })
    }

    fn out(&self, name: &str) -> PathBuf {
        self.out.path().join(name)
    }

    fn database(&self) -> PathBuf {
        self.data.path().join("hearth.db")
    }
}

/// What a command left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Left {
    /// All as it was before.
    Old,
    /// What the command is for.
    New,
}

/// What became of a command on a failing disk.
struct Met {
    /// Whether the disk failed at all.
    is_hit: bool,
    is_refused: bool,
    left: Left,
}

/// A command that is run on a failing disk.
struct Trial<'a> {
    name: &'static str,
    seed: u64,
    fresh: &'a dyn Fn() -> anyhow::Result<Ground>,
    /// The command with its arguments.
    args: &'a dyn Fn(&Ground) -> anyhow::Result<Vec<String>>,
    /// Says what is there, having found it whole.
    check: &'a dyn Fn(&Ground) -> anyhow::Result<Left>,
}

impl Trial<'_> {
    fn run(&self) -> anyhow::Result<()> {
        let Some(faults) = Faults::compile()? else {
            skip::skip(self.name, "there is no C compiler, or no glibc");
            return Ok(());
        };
        let rounds = if skip::is_long() { ROUNDS_LONG } else { ROUNDS };
        let seed = seed_or(self.seed);
        let mut random = Random(seed);
        let whole = (self.fresh)()?;
        let counted = faults.load(&[whole.data.path(), whole.out.path()], None)?;
        self.output(&whole, &counted.env)?;
        let counts = counted.counts()?;
        ensure!(
            (self.check)(&whole)? == Left::New,
            "a whole run leaves the old state"
        );
        let (mut hit, mut refused, mut new) = (0, 0, 0);
        for kind in KINDS {
            let count = counts.get(kind).copied().unwrap_or_default();
            for round in 0..rounds.min(usize::try_from(count)?) {
                let mut fault = Fault::random(&mut random, kind, count);
                if round == 0 {
                    // The last one, which comes when nearly all is done.
                    fault.nth = count;
                }
                let context = || format!("{} with {fault}, seed {seed:#x}", self.name);
                let met = self.meet(&faults, fault).with_context(context)?;
                hit += usize::from(met.is_hit);
                refused += usize::from(met.is_refused);
                new += usize::from(met.left == Left::New);
            }
        }
        eprintln!(
            "{}: seed {seed:#x}, {hit} faults hit, {refused} times refused, {new} times done all the same",
            self.name
        );
        Ok(())
    }

    /// Runs the command with a fault, and then again without.
    fn meet(&self, faults: &Faults, fault: Fault) -> anyhow::Result<Met> {
        let ground = (self.fresh)()?;
        let loaded = faults.load(&[ground.data.path(), ground.out.path()], Some(fault))?;
        let output = self.output(&ground, &loaded.env)?;
        let failed = loaded.failed();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let context = || format!("failed: {failed:?}; it said: {said}");
        let left = (self.check)(&ground).with_context(context)?;
        match output.status.code() {
            Some(0) => ensure!(left == Left::New, "it did nothing: {}", context()),
            Some(1) => check_said(&said, fault, left).with_context(context)?,
            code => anyhow::bail!("it ended with {code:?}: {}", context()),
        }
        if left == Left::Old {
            let mut again = hearth(ground.data.path(), &[])?;
            again.args((self.args)(&ground)?);
            run_whole(again).with_context(context)?;
            ensure!((self.check)(&ground)? == Left::New, "{}", context());
            for folder in [&ground.data, &ground.out] {
                let left = left_over(folder.path())?;
                ensure!(left.is_empty(), "{left:?}: {}", context());
            }
        }
        Ok(Met {
            is_hit: failed.is_some(),
            is_refused: !output.status.success(),
            left,
        })
    }

    fn output(&self, ground: &Ground, env: &[(String, String)]) -> anyhow::Result<Output> {
        let mut command = hearth(ground.data.path(), &[])?;
        command.args((self.args)(ground)?).envs(env.iter().cloned());
        Ok(command.output()?)
    }
}

/// A refusal is a line that names what the system said, and tells the truth about what is there.
fn check_said(said: &str, fault: Fault, left: Left) -> anyhow::Result<()> {
    ensure!(said.lines().count() == 1, "it is not one line");
    let of_system: &[&str] = match fault.errno {
        Errno::ENOSPC => &["No space left", "is full", "no room"],
        _ => &["Input/output error", "I/O error"],
    };
    let is_told = of_system
        .iter()
        .chain(&OF_SQLITE)
        .any(|cause| said.contains(cause));
    // Where even a look at a file fails, what it is taken for is told.
    ensure!(
        is_told || fault.kind == "stat",
        "it does not say what failed"
    );
    let says_old = ["untouched", "as it was", "nothing was", "nothing is left"];
    let says_old = says_old.iter().any(|words| said.contains(words));
    ensure!(
        !says_old || left == Left::Old,
        "it says that it did nothing"
    );
    Ok(())
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

#[test]
fn a_backup_from_or_to_a_failing_disk_is_whole_or_not_there() -> anyhow::Result<()> {
    let data = grown_folder(1)?;
    let before = rows(data.path())?;
    Trial {
        name: "a_backup_from_or_to_a_failing_disk_is_whole_or_not_there",
        seed: 0xBAC,
        fresh: &|| Ground::copy_of(data.path()),
        args: &|ground| Ok(words(&["backup", text(&ground.out("a.tar"))?])),
        check: &|ground| {
            ensure!(rows(ground.data.path())? == before, "the data changed");
            check_contents(ground.data.path())?;
            let target = ground.out("a.tar");
            if !target.exists() {
                return Ok(Left::Old);
            }
            let elsewhere = tempfile::tempdir()?;
            done(elsewhere.path(), &["backup", "--verify", text(&target)?])?;
            Ok(Left::New)
        },
    }
    .run()
}

#[test]
fn an_export_from_or_to_a_failing_disk_is_whole_or_not_there() -> anyhow::Result<()> {
    let data = grown_folder(1)?;
    let before = rows(data.path())?;
    Trial {
        name: "an_export_from_or_to_a_failing_disk_is_whole_or_not_there",
        seed: 0xE04,
        fresh: &|| Ground::copy_of(data.path()),
        args: &|ground| Ok(words(&["export", text(&ground.out("a.jsonl"))?])),
        check: &|ground| {
            ensure!(rows(ground.data.path())? == before, "the data changed");
            let target = ground.out("a.jsonl");
            if !target.exists() {
                return Ok(Left::Old);
            }
            let elsewhere = tempfile::tempdir()?;
            done(elsewhere.path(), &["import", text(&target)?])?;
            Ok(Left::New)
        },
    }
    .run()
}

#[test]
fn a_restore_on_a_failing_disk_leaves_the_old_or_the_new_database() -> anyhow::Result<()> {
    let (before, after, out) = (grown_folder(1)?, grown_folder(2)?, tempfile::tempdir()?);
    let backup = out.path().join("a.tar");
    done(after.path(), &["backup", text(&backup)?])?;
    let whole = copy_of(before.path())?;
    done(whole.path(), &["restore", text(&backup)?])?;
    let (old, new) = (rows(before.path())?, rows(whole.path())?);
    Trial {
        name: "a_restore_on_a_failing_disk_leaves_the_old_or_the_new_database",
        seed: 0x2E5,
        fresh: &|| {
            let ground = Ground::copy_of(before.path())?;
            std::fs::copy(&backup, ground.out("a.tar"))?;
            Ok(ground)
        },
        args: &|ground| Ok(words(&["restore", text(&ground.out("a.tar"))?])),
        check: &|ground| {
            check_sound(&ground.database())?;
            check_contents(ground.data.path())?;
            let found = rows(ground.data.path())?;
            if found == old {
                return Ok(Left::Old);
            }
            ensure!(found == new, "the rows are of neither database");
            let kept = kept_databases(ground.data.path())?;
            let is_old = |kept: &PathBuf| {
                let rows = all_rows(kept, &BTreeMap::new());
                rows.is_ok_and(|rows| rows == old)
            };
            ensure!(
                kept.iter().any(is_old),
                "the old database is gone: {kept:?}"
            );
            Ok(Left::New)
        },
    }
    .run()
}

#[test]
fn an_import_on_a_failing_disk_takes_in_all_or_nothing() -> anyhow::Result<()> {
    let (before, after, out) = (grown_folder(1)?, tempfile::tempdir()?, tempfile::tempdir()?);
    let export = out.path().join("a.jsonl");
    // The same life, and more of it.
    copy_folder(before.path(), after.path())?;
    grow(&after.path().join("hearth.db"), 1)?;
    done(after.path(), &["export", text(&export)?])?;
    let (old, new) = (rows(before.path())?, rows(after.path())?);
    Trial {
        name: "an_import_on_a_failing_disk_takes_in_all_or_nothing",
        seed: 0x1A7,
        fresh: &|| {
            let ground = Ground::copy_of(before.path())?;
            std::fs::copy(&export, ground.out("a.jsonl"))?;
            Ok(ground)
        },
        args: &|ground| Ok(words(&["import", text(&ground.out("a.jsonl"))?])),
        check: &|ground| {
            check_sound(&ground.database())?;
            check_contents(ground.data.path())?;
            let found = rows(ground.data.path())?;
            if found == old {
                return Ok(Left::Old);
            }
            ensure!(found["tasks"] == new["tasks"] && found["events"] == new["events"]);
            Ok(Left::New)
        },
    }
    .run()
}

#[test]
fn a_migration_on_a_failing_disk_leaves_the_old_or_the_new_database() -> anyhow::Result<()> {
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("compat/schema-1.db");
    let fresh = || -> anyhow::Result<Ground> {
        let ground = Ground {
            data: tempfile::tempdir()?,
            out: tempfile::tempdir()?,
        };
        std::fs::copy(&kept, ground.database())?;
        Ok(ground)
    };
    let before = rows(fresh()?.data.path())?;
    let columns = before
        .iter()
        .map(|(table, rows)| (table.clone(), rows.columns.clone()))
        .collect();
    Trial {
        name: "a_migration_on_a_failing_disk_leaves_the_old_or_the_new_database",
        seed: 0x319,
        fresh: &fresh,
        args: &|_| Ok(words(&["migrate"])),
        check: &|ground| {
            let schema = check_sound(&ground.database())?;
            let found = all_rows(&ground.database(), &columns)?;
            let is_all_there = before
                .iter()
                .all(|(table, rows)| found.get(table) == Some(rows));
            ensure!(is_all_there, "a row is missing, or another");
            ensure!(schema == 1 || schema == schema_version(), "schema {schema}");
            Ok(if schema == 1 { Left::Old } else { Left::New })
        },
    }
    .run()
}
