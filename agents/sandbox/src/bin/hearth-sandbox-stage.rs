//! The in-sandbox stage as a program of its own, so that this crate's tests need no other crate.

use std::process::ExitCode;

fn main() -> ExitCode {
    hearth_sandbox::stage::main(std::env::args_os().skip(1))
}
