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
#![cfg_attr(
    target_os = "linux",
    expect(clippy::unwrap_used, reason = "a test that cannot go on fails")
)]

#[cfg(target_os = "linux")]
mod ablation;
#[cfg(target_os = "linux")]
mod attack;
#[cfg(target_os = "linux")]
mod attacks;
#[cfg(target_os = "linux")]
mod effect;
#[cfg(target_os = "linux")]
mod expected;
#[cfg(target_os = "linux")]
mod host;
#[cfg(target_os = "linux")]
mod inside;
#[cfg(target_os = "linux")]
mod listeners;
#[cfg(target_os = "linux")]
mod modes;
#[cfg(target_os = "linux")]
mod outside;
#[cfg(target_os = "linux")]
mod processes;
#[cfg(target_os = "linux")]
mod suite;
#[cfg(target_os = "linux")]
mod surroundings;

#[cfg(target_os = "linux")]
fn main() -> std::process::ExitCode {
    modes::main()
}

#[cfg(not(target_os = "linux"))]
fn main() {}
