//! `hearth sandbox check` and `shell`: the sandbox as it is here. Both work without a node running.

mod check;
mod shell;
mod terminal;

use std::process::ExitCode;

use clap::Subcommand;

use crate::cli::Global;

/// The walls around what agents run.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Say of every wall whether it stands here, and how to mend what does not
    Check,
    /// Open a shell where agents run things, for an hour at most
    Shell(shell::Shell),
}

pub(super) fn run(global: Global, command: Command) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let code = match command {
        Command::Check => runtime.block_on(check::run(&global)),
        Command::Shell(shell) => runtime.block_on(shell::run(global, &shell)),
    };
    runtime.shutdown_background();
    code
}
