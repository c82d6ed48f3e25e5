//! A command that is killed at a moment that only looks random.

use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use anyhow::ensure;

/// Numbers that only look random (splitmix64): the same ones in every run.
#[derive(Debug)]
pub struct Random(pub u64);

impl Random {
    /// Returns a part of `whole`, from nothing to all of it.
    pub fn part_of(&mut self, whole: Duration) -> Duration {
        let micros = u64::try_from(whole.as_micros()).unwrap_or(u64::MAX);
        Duration::from_micros(self.below(micros))
    }

    /// Returns a number from 0 on that is less than `end`; 0 where there is none.
    pub fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        mixed % end.max(1)
    }
}

/// Returns the seed that `HEARTH_SEED` names, in hexadecimal digits, to meet again what a test met;
/// else the test's own.
#[expect(
    clippy::disallowed_methods,
    reason = "named by whoever looks into a failure"
)]
pub fn seed_or(own: u64) -> u64 {
    let named = std::env::var_os("HEARTH_SEED");
    let named = named.as_ref().and_then(|seed| seed.to_str());
    named
        .and_then(|seed| u64::from_str_radix(seed.trim_start_matches("0x"), 16).ok())
        .unwrap_or(own)
}

/// Runs a command to its end, which must be a good one; returns how long it took.
///
/// # Errors
/// Shows what it said.
pub fn run_whole(mut command: Command) -> anyhow::Result<(Duration, Output)> {
    let begun = Instant::now();
    let output = command.stdin(Stdio::null()).output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{said}");
    Ok((begun.elapsed(), output))
}

/// Runs a command and kills it after `rest`, as a power cut would. Returns whether it was killed
/// before its end.
///
/// # Errors
/// It cannot be started.
pub fn run_and_kill(mut command: Command, rest: Duration) -> anyhow::Result<bool> {
    let begun = Instant::now();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    while let Some(left) = rest.checked_sub(begun.elapsed()) {
        if child.try_wait()?.is_some() {
            return Ok(false);
        }
        std::thread::park_timeout(left.min(Duration::from_millis(5)));
    }
    child.kill()?;
    Ok(!child.wait()?.success())
}
