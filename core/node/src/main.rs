//! The program `hearth`.

use std::process::ExitCode;

fn main() -> ExitCode {
    hearth_node::run(std::env::args_os().collect())
}
