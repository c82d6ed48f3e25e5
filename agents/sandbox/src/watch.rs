//! Measures the memory that a run uses, all its processes together.
//!
//! A control group would do this better, but a program that was started by a person has none to
//! give away. What is measured here can be exceeded for as long as lies between two looks.

use std::fs;
use std::path::PathBuf;

use nix::sys::statvfs::statvfs;
use nix::unistd::{Pid, SysconfVar, sysconf};

use crate::outcome::Limit;

/// How many sockets a run may have. Each can hold 400 KiB of kernel memory (twice the default
/// `net.core.wmem_default`) that no process's size shows.
const SOCKETS: u64 = 1024;

/// What a run may have in memory.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Allowance {
    /// All processes and folders in memory together.
    pub memory_bytes: u64,
    /// Files in `/tmp`, in `/dev/shm` and in a workspace in memory, each.
    pub files: u64,
    /// Whether the workspace is in memory.
    pub workspace_in_memory: bool,
}

/// Returns the limit that the run of this monitor process has passed, if any.
pub(crate) fn passed(monitor: Pid, allowance: Allowance) -> Option<Limit> {
    let processes = tree_of(monitor);
    // The first one inside is bubblewrap's own and stays until the end.
    let first = *processes.get(1)?;
    let folders = in_memory_folders(first, allowance.workspace_in_memory);
    if folders.iter().any(|folder| folder.files > allowance.files) {
        return Some(Limit::WorkspaceFiles);
    }
    if sockets_of(first) > SOCKETS {
        return Some(Limit::Memory);
    }
    let in_folders: u64 = folders.iter().map(|folder| folder.bytes).sum();
    let allowed = allowance.memory_bytes;
    let sum = |size: fn(Pid) -> u64| processes.iter().map(|process| size(*process)).sum::<u64>();
    // Resident sizes are cheap but count shared pages once for each process, proportional ones do
    // not: those decide.
    if sum(resident) + in_folders > allowed && sum(proportional) + in_folders > allowed {
        return Some(Limit::Memory);
    }
    None
}

/// Returns a process and all that descend from it.
pub(crate) fn tree_of(root: Pid) -> Vec<Pid> {
    let mut tree = vec![root];
    let mut next = 0;
    while let Some(process) = tree.get(next) {
        tree.extend(children_of(*process));
        next += 1;
    }
    tree
}

/// Returns the children of a process, those of all its threads.
pub(crate) fn children_of(process: Pid) -> Vec<Pid> {
    let Ok(threads) = fs::read_dir(format!("/proc/{process}/task")) else {
        return vec![];
    };
    threads
        .filter_map(Result::ok)
        .filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok())
        .flat_map(|children| {
            children
                .split_whitespace()
                .filter_map(|id| id.parse().ok())
                .collect::<Vec<_>>()
        })
        .map(Pid::from_raw)
        .collect()
}

fn resident(process: Pid) -> u64 {
    let page = sysconf(SysconfVar::PAGE_SIZE)
        .ok()
        .flatten()
        .unwrap_or(4096);
    fs::read_to_string(format!("/proc/{process}/statm"))
        .ok()
        .and_then(|statm| statm.split(' ').nth(1)?.parse::<u64>().ok())
        .map_or(0, |pages| pages * page.unsigned_abs())
}

fn proportional(process: Pid) -> u64 {
    // Where it cannot be read the resident size stands, which is never smaller.
    fs::read_to_string(format!("/proc/{process}/smaps_rollup"))
        .ok()
        .and_then(|rollup| {
            let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:"))?;
            line.trim().trim_end_matches(" kB").parse::<u64>().ok()
        })
        .map_or_else(|| resident(process), |kib| kib * 1024)
}

struct Folder {
    bytes: u64,
    files: u64,
}

fn in_memory_folders(first: Pid, workspace: bool) -> Vec<Folder> {
    ["tmp", "dev/shm", "workspace"]
        .into_iter()
        .take(if workspace { 3 } else { 2 })
        .filter_map(|name| {
            let path = PathBuf::from(format!("/proc/{first}/root")).join(name);
            let stat = statvfs(&path).ok()?;
            Some(Folder {
                bytes: stat.blocks().saturating_sub(stat.blocks_free()) * stat.fragment_size(),
                files: stat.files().saturating_sub(stat.files_free()),
            })
        })
        .collect()
}

/// Returns how many sockets exist in the network namespace of a process.
fn sockets_of(process: Pid) -> u64 {
    fs::read_to_string(format!("/proc/{process}/net/sockstat"))
        .ok()
        .and_then(|stat| {
            stat.strip_prefix("sockets: used ")?
                .lines()
                .next()?
                .parse()
                .ok()
        })
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_has_a_size_and_is_in_its_own_tree() {
        let this = Pid::this();

        assert!(resident(this) > 0);
        assert!(proportional(this) > 0);
        assert!(proportional(this) <= resident(this) * 2);
        assert_eq!(tree_of(this).first(), Some(&this));
    }
}
