//! `hearth config`: the settings and their secrets. Works with no node running, too.

mod secret;
mod show;

use anyhow::Context;
use clap::{Args, Subcommand};
use serde_json::json;

use crate::cli::{Global, Invocation};
use crate::data_dir::{DataDir, Holder};
use crate::output::text::quoted;
use crate::output::{Output, note};
use crate::settings::load::{data_dir_without_file, settings_file};
use crate::settings::table::Applies;
use crate::settings::{Environment, edit, table as settings_table};

/// What can be done with settings.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show every setting, which secrets there are, and where each came from
    Show,
    /// Change one setting in the file
    Set(Set),
    /// Keep a secret in the system's keyring; it is read from standard input
    SetSecret(secret::Named),
    /// Remove a secret from the system's keyring
    ForgetSecret(secret::Named),
}

/// Changes one setting in the file.
#[derive(Debug, Args)]
pub struct Set {
    /// Its name, such as log.level
    key: String,
    /// Its value; several are separated by commas
    #[arg(allow_hyphen_values = true)]
    value: String,
}

pub(super) fn run(global: Global, command: Command) -> anyhow::Result<()> {
    let output = Output::of(global.json);
    match command {
        Command::Show => show::run(&Invocation::new(global, &[])?),
        Command::Set(set) => change(global, &set),
        Command::SetSecret(named) => secret::set(output, &named),
        Command::ForgetSecret(named) => secret::forget(output, &named),
    }
}

/// Does not need the other settings, so that one can be put right while another is wrong.
fn change(global: Global, set: &Set) -> anyhow::Result<()> {
    let environment = Environment::read()?;
    let path = settings_file(&environment, global.config.as_deref())?
        .context("there is no home folder to keep settings in; name a file with --config")?;
    let setting = settings_table::find(&set.key);
    // Before the change: afterwards the file may name another data folder.
    let running_on = folder_of_running_node(&global, &environment);
    let is_running = running_on.is_some();
    let value = edit::set(&path, &set.key, &set.value)?;
    let output = Output::of(global.json);
    let rest = Invocation::new(global, &[]);
    let needs_restart = setting.is_some_and(|setting| setting.applies == Applies::AtRestart);
    let counts = match (&rest, is_running) {
        (Err(_), _) => "once the rest of the settings is right",
        (Ok(_), false) => "for the next start",
        (Ok(_), true) if needs_restart => "takes effect when the node is started again",
        (Ok(_), true) => "the running node takes it at once",
    };
    let problem = rest.as_ref().err().map(|error| format!("{error:#}"));
    let object = json!({
        "key": set.key,
        "value": value.to_json(),
        "file": path.display().to_string(),
        "is_node_running": is_running,
        "needs_restart": is_running && needs_restart,
        "problem": problem,
    });
    output.object(&object, || {
        let file = path.display();
        format!("{} is now {value} in {file} ({counts})", set.key)
    })?;
    if let (Output::Human, Some(problem)) = (output, problem) {
        note(&format!("something else is wrong: {problem}"));
    }
    if let (Some(old), Ok(rest)) = (running_on, rest)
        && old != rest.data_dir()
    {
        let old = quoted(old.root().display());
        note(&format!(
            "until then, --data-dir {old} reaches the running node"
        ));
    }
    let variable = setting.map(settings_table::Setting::variable);
    if let Some(variable) = variable.filter(|variable| environment.get(variable).is_some()) {
        note(&format!("{variable} is set and goes over the file"));
    }
    Ok(())
}

/// Returns the data folder where a node runs on it. Where the settings cannot be read, it is the folder
/// that would hold without them.
fn folder_of_running_node(global: &Global, environment: &Environment) -> Option<DataDir> {
    let flag = global.data_dir.as_deref();
    let folder = match Invocation::new(global.clone(), &[]) {
        Ok(invocation) => invocation.data_dir(),
        Err(_) => DataDir::at(data_dir_without_file(environment, flag)),
    };
    // One that is starting counts: it may have read the file already.
    (!matches!(Holder::find(&folder), Ok(None))).then_some(folder)
}
