//! Beside the runs: ends those that are under way with the node, however that ends.

use std::collections::BTreeSet;
use std::io::{self, BufRead};
use std::process::ExitCode;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use super::{descriptors, doing};

/// Reads which groups come (`+123`) and go (`-123`), until the other end of standard input is closed,
/// which only the node has; then kills those that are left.
pub(super) fn run() -> io::Result<ExitCode> {
    descriptors::close_inherited().map_err(doing("closing descriptors"))?;
    let mut groups = BTreeSet::new();
    for line in io::stdin().lock().lines() {
        let Ok(line) = line else { break };
        match line.split_at_checked(1) {
            Some(("+", group)) => groups.extend(group.parse::<i32>().ok()),
            Some(("-", group)) => {
                if let Ok(group) = group.parse() {
                    groups.remove(&group);
                }
            }
            _ => (),
        }
    }
    for group in groups.into_iter().filter(|group| *group > 1) {
        let _ = killpg(Pid::from_raw(group), Signal::SIGKILL);
    }
    Ok(ExitCode::SUCCESS)
}
