//! `hearth config`: the settings. Works with no node running, too.

use anyhow::Context;
use clap::{Args, Subcommand};
use serde_json::{Map, json};

use crate::cli::{Global, Invocation};
use crate::output::Output;
use crate::output::note;
use crate::output::table::table;
use crate::settings::load::settings_file;
use crate::settings::{Environment, Loaded, edit, table as settings_table};

/// What can be done with settings.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show every setting, and where it came from
    Show,
    /// Change one setting in the file
    Set(Set),
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
    match command {
        Command::Show => {
            let invocation = Invocation::new(global, &[])?;
            show(&invocation.loaded, invocation.output)
        }
        Command::Set(set) => change(&global, &set),
    }
}

fn show(loaded: &Loaded, output: Output) -> anyhow::Result<()> {
    let file = loaded.file.as_ref().map(|path| path.display().to_string());
    let settings: Map<_, _> = loaded
        .entries()
        .map(|(setting, value, source)| {
            let entry = json!({ "value": value.to_json(), "source": source.to_string() });
            (setting.key.to_owned(), entry)
        })
        .collect();
    let object = json!({ "file": file, "settings": settings });
    output.object(&object, || rows(loaded))?;
    if let (Output::Human, Some(file)) = (output, file) {
        note(&format!("the settings file is {file}"));
    }
    Ok(())
}

fn rows(loaded: &Loaded) -> String {
    let rows: Vec<[String; 4]> = loaded
        .entries()
        .map(|(setting, value, source)| {
            [
                setting.key.to_owned(),
                value.to_string(),
                source.to_string(),
                setting.doc.to_owned(),
            ]
        })
        .collect();
    table(["setting", "value", "from", "what it is"], &rows)
}

/// Does not read the other settings, so that one can be put right while another is wrong.
fn change(global: &Global, set: &Set) -> anyhow::Result<()> {
    let environment = Environment::read()?;
    let path = settings_file(&environment, global.config.as_deref())?
        .context("there is no home folder to keep settings in; name a file with --config")?;
    let value = edit::set(&path, &set.key, &set.value)?;
    let object = json!({
        "key": set.key,
        "value": value.to_json(),
        "file": path.display().to_string(),
        "needs_restart": true,
    });
    let output = if global.json {
        Output::Json
    } else {
        Output::Human
    };
    output.object(&object, || {
        format!(
            "{} is now {value} in {}; a node that runs takes it up when it is started again",
            set.key,
            path.display()
        )
    })?;
    let variable = settings_table::find(&set.key).map(settings_table::Setting::variable);
    if let Some(variable) = variable.filter(|variable| environment.get(variable).is_some()) {
        note(&format!("{variable} is set and goes over the file"));
    }
    Ok(())
}
