//! The in-sandbox stage as a program of its own, so that this crate's tests need no other crate. It
//! is part of no installation: it takes jobs that lack walls, which the node's stage refuses.

use std::process::ExitCode;

fn main() -> ExitCode {
    hearth_sandbox::stage::main_with_walls_left_off(std::env::args_os().skip(1))
}
