//! Processes of a run, as the host sees them.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// Returns the living processes that work below `folder`, or have something below it mounted as
/// their workspace.
pub(crate) fn below(folder: &Path) -> Vec<Pid> {
    let name = folder.file_name().unwrap().to_str().unwrap();
    fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .map(Pid::from_raw)
        .filter(|process| is_below(*process, folder, name))
        .collect()
}

fn is_below(process: Pid, folder: &Path, name: &str) -> bool {
    let works_there =
        fs::read_link(format!("/proc/{process}/cwd")).is_ok_and(|cwd| cwd.starts_with(folder));
    let sees_it = || {
        fs::read_to_string(format!("/proc/{process}/mountinfo")).is_ok_and(|mounts| {
            let is_workspace = |line: &str| line.contains(name) && line.contains(" /workspace ");
            mounts.lines().any(is_workspace)
        })
    };
    (works_there || sees_it()) && !matches!(state(process), None | Some('Z' | 'X'))
}

/// Returns the letter of a process's state.
pub(crate) fn state(process: Pid) -> Option<char> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.chars().next()
}

/// Kills what is left below a folder, until nothing is.
pub(crate) fn clear(folder: &Path) {
    let is_gone = until(Duration::from_secs(5), || {
        let left = below(folder);
        for process in &left {
            let _ = kill(*process, Signal::SIGKILL);
        }
        left.is_empty()
    });
    assert!(is_gone, "processes cannot be ended: {:?}", below(folder));
}

/// Waits until something is so; returns whether it came about in time.
pub(crate) fn until(at_most: Duration, mut is_so: impl FnMut() -> bool) -> bool {
    let start = Instant::now();
    loop {
        if is_so() {
            return true;
        }
        if start.elapsed() > at_most {
            return false;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}
