//! A file system that is soon full.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};
use tempfile::TempDir;

/// A file system of its own, in memory, unmounted when dropped.
#[derive(Debug)]
pub struct SmallDisk {
    folder: TempDir,
}

impl SmallDisk {
    /// Mounts one of this many MiB; `None` where that is not allowed.
    ///
    /// # Errors
    /// There is no `mount`.
    pub fn mount(mib: u32) -> anyhow::Result<Option<Self>> {
        let folder = tempfile::tempdir()?;
        let options = format!("size={mib}m,mode=700");
        let is_mounted = run(
            "mount",
            &["-t", "tmpfs", "-o", &options, "tmpfs", text(folder.path())?],
        )?;
        Ok(is_mounted.then_some(Self { folder }))
    }

    /// Returns its folder.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Takes all but 256 KiB of the room there is; returns the file that does.
    ///
    /// # Errors
    /// There is none at all.
    pub fn fill(&self) -> anyhow::Result<PathBuf> {
        let path = self.path().join("filler");
        let mut file = File::create(&path)?;
        let block = vec![0; 64 * 1024];
        while file.write_all(&block).is_ok() {}
        let taken = file.metadata()?.len();
        file.set_len(taken.saturating_sub(256 * 1024))?;
        Ok(path)
    }

    /// Takes away the right to write to it, from root as well.
    ///
    /// # Errors
    /// It is not allowed.
    pub fn make_read_only(&self) -> anyhow::Result<()> {
        let is_done = run("mount", &["-o", "remount,ro", text(self.path())?])?;
        ensure!(is_done, "the small disk cannot be made read-only");
        Ok(())
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = text(self.folder.path()).and_then(|path| run("umount", &["-l", path]));
    }
}

fn text(path: &Path) -> anyhow::Result<&str> {
    path.to_str().context("a path that is no text")
}

#[expect(
    clippy::disallowed_methods,
    reason = "mounts a small file system for the test"
)]
fn run(program: &str, args: &[&str]) -> anyhow::Result<bool> {
    Ok(Command::new(program).args(args).output()?.status.success())
}
