//! How a test says that it could not run, so that nobody takes it for one that passed.

use std::io::Write;

/// Says loudly that the test `name` was skipped, and why; `./test` counts it.
#[expect(
    clippy::disallowed_methods,
    reason = "the file to count in is told by ./test"
)]
pub fn skip(name: &str, reason: &str) {
    eprintln!("SKIPPED {name}: {reason}");
    let Some(path) = std::env::var_os("HEARTH_SKIP_LOG") else {
        return;
    };
    let log = std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(path);
    if let Err(error) = log.and_then(|mut log| writeln!(log, "{name}: {reason}")) {
        eprintln!("the skip could not be written down: {error}");
    }
}

/// Whether the long variants of tests are asked for.
#[expect(clippy::disallowed_methods, reason = "the flag is told by ./test")]
pub fn is_long() -> bool {
    std::env::var_os("HEARTH_LONG").is_some()
}
