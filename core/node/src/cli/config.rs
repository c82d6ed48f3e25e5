//! `hearth config`: the settings. Works with no node running, too.

use anyhow::Context;
use clap::{Args, Subcommand};
use serde_json::{Map, json};

use crate::cli::{Global, Invocation};
use crate::data_dir::{DataDir, Holder};
use crate::output::Output;
use crate::output::note;
use crate::output::table::table;
use crate::settings::load::{data_dir_without_file, settings_file};
use crate::settings::table::Applies;
use crate::settings::{Environment, Layers, Loaded, edit, table as settings_table};

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
            let entry = json!({
                "value": value.to_json(),
                "source": source.to_string(),
                "applies_at_once": setting.applies == Applies::AtOnce,
            });
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
    let rows: Vec<[String; 5]> = loaded
        .entries()
        .map(|(setting, value, source)| {
            [
                setting.key.to_owned(),
                value.to_string(),
                source.to_string(),
                setting.applies.as_str().to_owned(),
                setting.doc.to_owned(),
            ]
        })
        .collect();
    table(["setting", "value", "from", "counts", "what it is"], &rows)
}

/// Does not read the other settings, so that one can be put right while another is wrong.
fn change(global: &Global, set: &Set) -> anyhow::Result<()> {
    let environment = Environment::read()?;
    let path = settings_file(&environment, global.config.as_deref())?
        .context("there is no home folder to keep settings in; name a file with --config")?;
    let value = edit::set(&path, &set.key, &set.value)?;
    let is_running = is_node_running(global, &environment);
    let applies =
        settings_table::find(&set.key).map_or(Applies::AtRestart, |setting| setting.applies);
    let counts = match (is_running, applies) {
        (false, _) => "for the next start",
        (true, Applies::AtOnce) => "the running node takes it at once",
        (true, Applies::AtRestart) => "takes effect when the node is started again",
    };
    let object = json!({
        "key": set.key,
        "value": value.to_json(),
        "file": path.display().to_string(),
        "is_node_running": is_running,
        "needs_restart": is_running && applies == Applies::AtRestart,
    });
    let output = if global.json {
        Output::Json
    } else {
        Output::Human
    };
    output.object(&object, || {
        let file = path.display();
        format!("{} is now {value} in {file} ({counts})", set.key)
    })?;
    let variable = settings_table::find(&set.key).map(settings_table::Setting::variable);
    if let Some(variable) = variable.filter(|variable| environment.get(variable).is_some()) {
        note(&format!("{variable} is set and goes over the file"));
    }
    Ok(())
}

/// Whether a node runs on the data folder. Where the other settings cannot be read, it is the folder
/// that would hold without them.
fn is_node_running(global: &Global, environment: &Environment) -> bool {
    let layers = Layers {
        environment: environment.clone(),
        config: global.config.clone(),
        overrides: Vec::new(),
    };
    let flag = global.data_dir.as_deref();
    let folder = match layers.load() {
        Ok(loaded) if flag.is_none() => loaded.settings.data_dir,
        Ok(_) | Err(_) => data_dir_without_file(environment, flag),
    };
    // One that is starting counts: it may have read the file already.
    !matches!(Holder::find(&DataDir::at(folder)), Ok(None))
}
