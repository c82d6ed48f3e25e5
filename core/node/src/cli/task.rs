//! `hearth task`: gives work, shows it, and steers it.

mod accept;
mod add;
mod budget;
mod decide;
mod draft;
mod hold;
mod list;
mod show;
mod update;
mod watch;

use clap::Subcommand;

pub(super) use accept::evidence;

use crate::cli::Invocation;
use crate::cli::words::task_ref;

/// What can be done with tasks.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Give work
    Add(Box<add::Add>),
    /// List tasks
    List(Box<list::List>),
    /// Show one task
    Show(Named),
    /// Take a task, the best pending one if none is named
    Claim(hold::Claim),
    /// Say that a task is done
    Complete(hold::Complete),
    /// Say that a task needs somebody
    Block(hold::Block),
    /// Give a task back
    Release(hold::Release),
    /// Answer a blocked task, or just let it go on
    Answer(decide::Answer),
    /// Say that a task is no longer wanted
    Cancel(decide::Cancel),
    /// Want an ended task again
    Reopen(decide::Reopen),
    /// Change a task's fields
    Update(Box<update::Update>),
    /// Follow a task until it ends, or every task
    Watch(watch::Watch),
}

/// One task.
#[derive(Debug, clap::Args)]
pub struct Named {
    /// The task's number or UUID
    #[arg(value_name = "N", value_parser = task_ref)]
    task: String,
}

pub(super) async fn run(invocation: &Invocation, command: Command) -> anyhow::Result<()> {
    match command {
        Command::Add(add) => add::run(invocation, *add).await,
        Command::List(list) => list::run(invocation, *list).await,
        Command::Show(named) => show::run(invocation, &named.task).await,
        Command::Claim(claim) => hold::claim(invocation, claim).await,
        Command::Complete(complete) => hold::complete(invocation, complete).await,
        Command::Block(block) => hold::block(invocation, block).await,
        Command::Release(release) => hold::release(invocation, release).await,
        Command::Answer(answer) => decide::answer(invocation, answer).await,
        Command::Cancel(cancel) => decide::cancel(invocation, cancel).await,
        Command::Reopen(reopen) => decide::reopen(invocation, reopen).await,
        Command::Update(update) => update::run(invocation, *update).await,
        Command::Watch(watch) => watch::run(invocation, watch).await,
    }
}
