//! A data folder with no node on it: made, copied, looked at, and handed to commands.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};
use serde_json::Value;
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use crate::database::{Rows, all_rows, grow, open};
use crate::killed::run_whole;
use crate::node::{Options, TestNode, command};

/// Prepares a command of the program, on a data folder.
///
/// # Errors
/// The program was not built.
pub fn hearth(data: &Path, args: &[&str]) -> anyhow::Result<Command> {
    let mut command = command(data)?;
    command.args(args);
    Ok(command)
}

/// Runs a command to a good end; returns its JSON.
///
/// # Errors
/// It ended badly; shows what it said.
pub fn done(data: &Path, args: &[&str]) -> anyhow::Result<Value> {
    let (_, output) = run_whole(hearth(data, &[&["--json"], args].concat())?)?;
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// Runs a command and returns the one line that it refused with.
///
/// # Errors
/// It did not refuse, or said more or less than a line.
pub fn refused(data: &Path, args: &[&str]) -> anyhow::Result<String> {
    let output = hearth(data, args)?.output()?;
    let said = String::from_utf8(output.stderr)?;
    ensure!(
        output.status.code() == Some(1) && output.stdout.is_empty() && said.lines().count() == 1,
        "{:?}: {said}",
        output.status
    );
    Ok(said.trim().to_owned())
}

/// Returns a path as an argument.
///
/// # Errors
/// It is none.
pub fn text(path: &Path) -> anyhow::Result<&str> {
    path.to_str().context("a path that is no text")
}

/// Returns the names in a folder that a cut-off command could have left.
///
/// # Errors
/// The folder cannot be read.
pub fn left_over(folder: &Path) -> anyhow::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name.contains("partial") || name.contains("staging") {
            names.push(name);
        }
    }
    Ok(names)
}

/// Returns every row, where nobody writes.
///
/// # Errors
/// The database cannot be read.
pub fn rows(data: &Path) -> anyhow::Result<BTreeMap<String, Rows>> {
    all_rows(&data.join("hearth.db"), &BTreeMap::new())
}

/// Checks that every artifact has its bytes, with the hash that is their name; returns how many
/// there are.
///
/// # Errors
/// One is missing, or is another.
pub fn check_contents(data: &Path) -> anyhow::Result<usize> {
    let conn = open(&data.join("hearth.db"))?;
    let mut statement = conn.prepare("SELECT lower(hex(sha256)), size_bytes FROM artifacts")?;
    let artifacts = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let artifacts: Vec<(String, usize)> = artifacts.collect::<Result<_, _>>()?;
    for (hash, size) in &artifacts {
        let path = data.join("artifacts").join(&hash[..2]).join(hash);
        let bytes = std::fs::read(&path).with_context(|| path.display().to_string())?;
        let found = format!("{:x}", Sha256::digest(&bytes));
        ensure!(bytes.len() == *size && found == *hash, "{}", path.display());
    }
    Ok(artifacts.len())
}

/// Returns the databases that restores kept.
///
/// # Errors
/// The folder cannot be read.
pub fn kept_databases(data: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut kept = Vec::new();
    for entry in std::fs::read_dir(data)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.contains("before-restore") && !name.ends_with("-wal") && !name.ends_with("-shm") {
            kept.push(path);
        }
    }
    Ok(kept)
}

/// Makes a data folder without a node: a few tasks with artifacts, and this many times as many.
///
/// # Errors
/// No node could be started.
pub fn grown_folder(times: u32) -> anyhow::Result<TempDir> {
    let folder = tempfile::tempdir()?;
    let mut node = TestNode::start_in(folder.path(), &Options::default())?;
    let file = folder.path().join("notes.md");
    for number in 0..5 {
        std::fs::write(&file, format!("note {number}\n").repeat(20_000))?;
        let title = format!("Task {number} of {times}");
        let said = node.hearth(&["task", "add", &title, "--file", text(&file)?])?;
        ensure!(
            said.status.success(),
            "{}",
            String::from_utf8_lossy(&said.stderr)
        );
    }
    ensure!(node.stop()? == Some(0), "{}", node.log());
    grow(&folder.path().join("hearth.db"), times * 10)?;
    Ok(folder)
}

/// Returns the files of contents, in order.
///
/// # Errors
/// The folder cannot be read.
pub fn contents_of(data: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut contents = Vec::new();
    for folder in std::fs::read_dir(data.join("artifacts"))? {
        for entry in std::fs::read_dir(folder?.path())? {
            contents.push(entry?.path());
        }
    }
    contents.sort();
    Ok(contents)
}

/// Makes another data folder with the same database and contents.
///
/// # Errors
/// The folder cannot be read.
pub fn copy_of(data: &Path) -> anyhow::Result<TempDir> {
    let copy = tempfile::tempdir()?;
    std::fs::copy(data.join("hearth.db"), copy.path().join("hearth.db"))?;
    copy_folder(&data.join("artifacts"), &copy.path().join("artifacts"))?;
    Ok(copy)
}

/// Copies a folder with all that is in it.
///
/// # Errors
/// It cannot be read, or not all of it be written.
pub fn copy_folder(from: &Path, to: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else {
            std::fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
