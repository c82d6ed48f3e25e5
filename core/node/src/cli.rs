//! The command line: what can be said, and who does it.
//!
//! Exit codes: 0 done, 1 refused or failed with one line on standard error (and the evidence below it
//! where a completion did not pass), 2 wrong usage.

pub mod agent;
pub mod approvals;
pub mod artifact;
pub mod backup;
pub mod budget;
pub mod catalogue;
pub mod chat;
pub mod config;
pub mod doctor;
pub mod dump;
pub mod events;
pub mod folder;
mod invocation;
pub mod keys;
pub mod listen;
pub mod memory;
pub mod migrate;
pub mod model;
pub mod project;
pub mod ptt;
pub mod run;
pub mod sandbox;
pub mod say;
pub mod status;
pub mod task;
pub mod telegram;
pub mod tool;
pub mod transcribe;
mod words;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::client::problem::NotAccepted;
use crate::output::{OutputClosed, note, note_below};
use crate::settings::Override;
use crate::up;

pub use invocation::Invocation;

/// Keeps your projects and tasks, and has agents do the work, on this machine.
#[derive(Debug, Parser)]
#[command(name = "hearth", version, arg_required_else_help = true)]
pub struct Cli {
    /// What every command takes.
    #[command(flatten)]
    pub global: Global,
    /// The command.
    #[command(subcommand)]
    pub command: Command,
}

/// What every command takes.
#[derive(Debug, Clone, Args)]
pub struct Global {
    /// The folder that holds everything the node keeps [env: HEARTH_DATA_DIR]
    #[arg(long, global = true, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// Print the node's own JSON, alone
    #[arg(long, global = true)]
    pub json: bool,
    /// The settings file [env: HEARTH_CONFIG]
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The node to talk to, if not the one on the data folder [env: HEARTH_URL]
    #[arg(long, global = true, value_name = "URL")]
    pub url: Option<String>,
    /// A file with the key to show the node; HEARTH_KEY holds the key itself
    #[arg(long, global = true, value_name = "FILE")]
    pub key_file: Option<PathBuf>,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the node in the foreground
    Up(UpFlags),
    /// Talk to the chief of staff
    Chat(chat::Chat),
    /// Give work, see it, and steer it
    #[command(subcommand)]
    Task(task::Command),
    /// The work on tasks, step by step
    #[command(subcommand)]
    Run(run::Command),
    /// What plans can do, and the tools that agents made
    #[command(subcommand)]
    Tool(tool::Command),
    /// What waits for your yes or no, and what is allowed without asking
    Approvals(approvals::Approvals),
    /// What may be used up, and what was
    #[command(subcommand)]
    Budget(budget::Command),
    /// Folders of this machine that agents may use
    #[command(subcommand)]
    Folder(folder::Command),
    /// What agents and you want known later
    #[command(subcommand)]
    Memory(memory::Command),
    /// Bodies of work
    #[command(subcommand)]
    Project(project::Command),
    /// Who works
    #[command(subcommand)]
    Agent(agent::Command),
    /// What was handed in and what came of it
    #[command(subcommand)]
    Artifact(artifact::Command),
    /// What happened
    Events(events::Events),
    /// Who may call the node (works without one running)
    #[command(subcommand)]
    Keys(keys::Command),
    /// The settings (works without a node running)
    #[command(subcommand)]
    Config(config::Command),
    /// The language models: which answers, whether it works, which to use
    #[command(subcommand)]
    Model(model::Command),
    /// Talking over Telegram: pair a chat, list and remove those that may talk
    #[command(subcommand)]
    Telegram(telegram::Command),
    /// Models to listen and speak with (works without a node running)
    #[command(subcommand)]
    Models(catalogue::Command),
    /// Talk to the chief of staff: hold the space bar and speak
    Listen(listen::Listen),
    /// The key of the running node, for a shortcut of the desktop
    #[command(subcommand)]
    Ptt(ptt::Command),
    /// Write down what is said in recordings (works without a node running)
    Transcribe(transcribe::Transcribe),
    /// Speak a text, or write it to a file as sound (works without a node running)
    Say(say::Say),
    /// The state of the node
    Status,
    /// Write everything to one file, and read it back (works without a node running)
    Backup(backup::Backup),
    /// Put a backup in the place of what is there, which is kept (works without a node running)
    Restore(backup::Restore),
    /// Bring the database to the schema of this program (works without a node running)
    Migrate,
    /// Look for what is wrong, and say how to mend it (works without a node running)
    Doctor(doctor::Doctor),
    /// The walls around what agents run (works without a node running)
    #[command(subcommand)]
    Sandbox(sandbox::Command),
    /// Write everything as JSON Lines (works without a node running)
    Export(dump::Export),
    /// Take in what an export wrote (works without a node running)
    Import(dump::Import),
    /// A stage of the sandbox; for the node itself
    // Taken by `crate::run` before this is read; it stands here so that the name is reserved.
    #[command(name = crate::SANDBOX_STAGE, hide = true)]
    SandboxStage,
    /// The process that transcribes; for the node itself
    #[command(name = crate::VOICE_WORKER, hide = true)]
    VoiceWorker,
}

/// What `hearth up` takes.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct UpFlags {
    /// Where to listen; port 0 picks a free one [env: HEARTH_LISTEN]
    #[arg(long, value_name = "ADDR")]
    pub listen: Option<String>,
    /// Run without the built-in agents
    #[arg(long)]
    pub no_agents: bool,
}

impl UpFlags {
    /// Returns the settings that the flags stand for.
    fn overrides(&self) -> Vec<Override> {
        let listen = self.listen.clone().map(|value| Override {
            key: "listen",
            flag: "--listen",
            value,
        });
        let agents = self.no_agents.then(|| Override {
            key: "agents.builtin",
            flag: "--no-agents",
            value: "false".into(),
        });
        listen.into_iter().chain(agents).collect()
    }
}

/// Does what the command line says; `args` begins with the program's own name.
pub fn run(args: Vec<OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => {
            // Where nobody reads it, there is nobody to tell.
            let _ = error.print();
            return u8::try_from(error.exit_code()).map_or(ExitCode::FAILURE, ExitCode::from);
        }
    };
    match execute(cli) {
        Ok(code) => code,
        Err(error) if error.is::<OutputClosed>() => ExitCode::SUCCESS,
        Err(error) => {
            note(&format!("hearth: {error:#}"));
            if let Some(refused) = error.downcast_ref::<NotAccepted>() {
                note_below(&task::evidence(&refused.evidence));
            }
            ExitCode::FAILURE
        }
    }
}

fn execute(cli: Cli) -> anyhow::Result<ExitCode> {
    let command = match cli.command {
        Command::Up(flags) => {
            let invocation = Invocation::new(cli.global, &flags.overrides())?;
            return up::run(invocation.loaded, invocation.layers);
        }
        Command::Config(command) => {
            config::run(cli.global, command)?;
            return Ok(ExitCode::SUCCESS);
        }
        Command::Doctor(doctor) => return doctor::run(&cli.global, &doctor),
        Command::Sandbox(command) => return sandbox::run(cli.global, command),
        Command::Model(model::Command::Use(chosen)) => {
            model::choose(cli.global, &chosen)?;
            return Ok(ExitCode::SUCCESS);
        }
        command => command,
    };
    let invocation = match &command {
        Command::Status => Invocation::whatever_the_settings(cli.global)?,
        _ => Invocation::new(cli.global, &[])?,
    };
    // A command waits for one thing at a time.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(call(&invocation, command))?;
    // Does not wait for a read of standard input or a lookup that nobody needs any more.
    runtime.shutdown_background();
    Ok(ExitCode::SUCCESS)
}

async fn call(invocation: &Invocation, command: Command) -> anyhow::Result<()> {
    match command {
        Command::Chat(chat) => chat::run(invocation, chat).await,
        Command::Task(command) => task::run(invocation, command).await,
        Command::Run(command) => run::run(invocation, command).await,
        Command::Approvals(approvals) => approvals::run(invocation, approvals).await,
        Command::Budget(command) => budget::run(invocation, command).await,
        Command::Folder(command) => folder::run(invocation, command).await,
        Command::Memory(command) => memory::run(invocation, command).await,
        Command::Project(command) => project::run(invocation, command).await,
        Command::Agent(command) => agent::run(invocation, command).await,
        Command::Artifact(command) => artifact::run(invocation, command).await,
        Command::Events(command) => events::run(invocation, command).await,
        Command::Keys(command) => keys::run(invocation, command).await,
        Command::Model(command) => model::run(invocation, command).await,
        Command::Telegram(command) => telegram::run(invocation, command).await,
        Command::Models(command) => catalogue::run(invocation, command).await,
        Command::Listen(listen) => listen::run(invocation, listen).await,
        Command::Ptt(command) => ptt::run(invocation, command).await,
        Command::Transcribe(given) => transcribe::run(invocation, given).await,
        Command::Say(say) => say::run(invocation, say).await,
        Command::Status => status::run(invocation).await,
        Command::Backup(backup) => backup::run(invocation, &backup),
        Command::Restore(restore) => backup::restore(invocation, &restore),
        Command::Tool(command) => tool::run(invocation, &command).await,
        Command::Migrate => migrate::run(invocation),
        Command::Export(export) => dump::export(invocation, &export),
        Command::Import(import) => dump::import(invocation, &import),
        Command::Up(_)
        | Command::Config(_)
        | Command::Doctor(_)
        | Command::Sandbox(_)
        | Command::SandboxStage
        | Command::VoiceWorker => {
            anyhow::bail!("this command is for the node itself")
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definitions_hold_together() {
        Cli::command().debug_assert();
    }

    #[test]
    fn flags_for_every_command_stand_before_or_after_it() {
        for args in [
            ["hearth", "--json", "status"],
            ["hearth", "status", "--json"],
        ] {
            assert!(Cli::try_parse_from(args).unwrap().global.json);
        }
    }

    #[test]
    fn wrong_usage_exits_with_two_and_help_with_none() {
        let code = |args: &[&str]| Cli::try_parse_from(args).unwrap_err().exit_code();

        assert_eq!(code(&["hearth", "task", "add"]), 2);
        assert_eq!(
            code(&["hearth", "task", "add", "x", "--priority", "hgih"]),
            2
        );
        assert_eq!(code(&["hearth", "task", "show", "twelve"]), 2);
        assert_eq!(code(&["hearth", "--help"]), 0);
    }

    #[test]
    fn no_agents_is_a_setting() {
        let flags = UpFlags {
            listen: Some("127.0.0.1:0".into()),
            no_agents: true,
        };

        let keys: Vec<_> = flags.overrides().iter().map(|given| given.key).collect();

        assert_eq!(keys, ["listen", "agents.builtin"]);
    }
}
