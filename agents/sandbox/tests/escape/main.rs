//! Every way out of the sandbox that we know of, tried for real.
//!
//! An attack is judged by its effect on the host, and proves something only where it was seen to
//! work: each is first carried out outside. Then all of them are carried out inside, and at last
//! again and again with one wall left off, which shows what each wall is good for.
//!
//! The suite needs a process of its own, with a terminal, a keyring and secrets to be stolen, and a
//! user; so this program starts itself again for each mode, and has no harness.
//!
//! Reading order: [`attack`] and `attacks/`, [`host`] and [`effect`], [`outside`], [`inside`],
//! [`suite`], [`ablation`] with [`expected`], [`modes`].
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod ablation;
mod attack;
mod attacks;
mod effect;
mod expected;
mod host;
mod inside;
mod modes;
mod outside;
mod processes;
mod suite;
mod surroundings;

use std::process::ExitCode;

fn main() -> ExitCode {
    modes::main()
}
