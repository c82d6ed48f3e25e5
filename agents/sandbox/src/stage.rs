//! The processes between the node and the program: one before bubblewrap, one inside it.
//!
//! Both are this one function in a process of its own, so that what they do to themselves (change
//! user, close descriptors, give up rights) needs no code between `fork` and `exec` of a node with
//! many threads. The host must call it first thing, before it starts any thread.

use std::ffi::OsString;
use std::process::ExitCode;

#[cfg(target_os = "linux")]
mod arguments;
#[cfg(target_os = "linux")]
mod descriptors;
#[cfg(target_os = "linux")]
mod files;
#[cfg(target_os = "linux")]
mod folders;
#[cfg(any(target_os = "linux", target_os = "macos"))]
mod guard;
#[cfg(target_os = "linux")]
mod inner;
#[cfg(target_os = "linux")]
mod lifeguard;
#[cfg(target_os = "linux")]
mod listener;
#[cfg(target_os = "linux")]
mod outer;
#[cfg(target_os = "linux")]
mod rlimits;
#[cfg(target_os = "linux")]
mod script;
#[cfg(target_os = "linux")]
mod syscalls;
#[cfg(target_os = "linux")]
mod terminal;

/// The step that watches over commands outside the sandbox.
pub(crate) const GUARD: &str = "guard";

/// The step that watches over runs.
#[cfg(target_os = "linux")]
pub(crate) const LIFEGUARD: &str = "lifeguard";

/// The exit code of a stage that could not raise its walls.
const FAILED: u8 = 125;

/// Which jobs a stage takes.
#[cfg(target_os = "linux")]
#[derive(Debug, Clone, Copy)]
enum Takes {
    /// Those with every wall.
    WholeOnly,
    /// Also those that lack one.
    Any,
}

#[cfg(target_os = "linux")]
impl Takes {
    fn check(self, walls: &crate::Walls) -> std::io::Result<()> {
        match self {
            Self::WholeOnly if !walls.are_whole() => Err(std::io::Error::other(
                "a wall may be left off only by the sandbox's own tests",
            )),
            Self::WholeOnly | Self::Any => Ok(()),
        }
    }
}

/// Becomes the program, or says on standard error why it cannot and returns. A job that is to run
/// without one of the walls is refused.
///
/// `args` are those that follow [`crate::Stage::args`].
#[cfg(target_os = "linux")]
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    run(args, Takes::WholeOnly)
}

/// As [`main`], for `hearth-sandbox-stage` alone, which the tests of this crate run: takes jobs that
/// lack walls too.
#[cfg(target_os = "linux")]
#[doc(hidden)]
pub fn main_with_walls_left_off(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    run(args, Takes::Any)
}

#[cfg(target_os = "linux")]
fn run(args: impl IntoIterator<Item = OsString>, takes: Takes) -> ExitCode {
    let step = args.into_iter().next().unwrap_or_default();
    let result = match step.to_str() {
        Some("outer") => outer::run(takes).map(|never| match never {}),
        Some("inner") => inner::run(takes),
        Some(GUARD) => guard::run(),
        Some(LIFEGUARD) => lifeguard::run(),
        _ => Err(std::io::Error::other("this command is for the node itself")),
    };
    match result {
        Ok(code) => code,
        Err(error) => {
            say(&format!("hearth sandbox: {error}\n"));
            ExitCode::from(FAILED)
        }
    }
}

/// Runs the program to its end, or says on standard error why it cannot.
#[cfg(target_os = "macos")]
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    use std::io::Write;
    let is_guard = args.into_iter().next().is_some_and(|step| step == GUARD);
    let ran = if is_guard {
        guard::run()
    } else {
        crate::macos::stage::run()
    };
    ran.unwrap_or_else(|error| {
        let _ = writeln!(std::io::stderr(), "hearth sandbox: {error}");
        ExitCode::from(FAILED)
    })
}

/// As [`main`]: here no job can lack a wall.
#[cfg(not(target_os = "linux"))]
#[doc(hidden)]
pub fn main_with_walls_left_off(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    main(args)
}

/// Says that there is no sandbox on this system.
#[cfg(not(any(target_os = "linux", target_os = "macos")))]
pub fn main(_args: impl IntoIterator<Item = OsString>) -> ExitCode {
    ExitCode::from(FAILED)
}

/// Writes to standard error; that it fails can be told to nobody.
#[cfg(target_os = "linux")]
fn say(text: &str) {
    use std::io::Write;
    let _ = std::io::stderr().write_all(text.as_bytes());
}

/// Returns the standard input without a buffer, so that exactly what is asked for is taken.
#[cfg(target_os = "linux")]
fn raw_stdin() -> std::io::Result<std::fs::File> {
    use std::os::fd::AsFd;
    Ok(std::io::stdin().as_fd().try_clone_to_owned()?.into())
}

/// Adds what was being done to an error.
#[cfg(target_os = "linux")]
fn doing<E: std::fmt::Display>(what: &'static str) -> impl FnOnce(E) -> std::io::Error {
    move |error| std::io::Error::other(format!("{what}: {error}"))
}
