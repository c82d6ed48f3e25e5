//! `hearth model use`: writes down which model is used, and asks for its key.

use std::io::{IsTerminal, stdin};

use anyhow::{Context, anyhow, ensure};
use clap::Args;
use hearth_runtime::model::{KeyNeed, Preset};
use serde_json::json;

use crate::cli::{Global, Invocation};
use crate::output::{Output, note};
use crate::secrets::{self, input, keyring};
use crate::settings::load::settings_file;
use crate::settings::value::Given;
use crate::settings::{Environment, Settings, edit, table};

/// Uses a model.
#[derive(Debug, Args)]
pub struct Use {
    /// Who serves it: groq, openai, anthropic, openrouter, ollama, llama-server, lmstudio or
    /// openai-compatible; none for no model but those found on this machine
    provider: String,
    /// Its name there; the usual one unless told, or whichever a server of your own has
    name: Option<String>,
    /// Where the server answers, if not at the usual place; openai-compatible needs it
    #[arg(long, value_name = "URL")]
    server: Option<String>,
}

impl Use {
    fn preset(&self) -> anyhow::Result<Option<Preset>> {
        if self.provider == "none" {
            return Ok(None);
        }
        let preset = self.provider.parse();
        preset
            .map(Some)
            .map_err(|words: String| anyhow!("the provider {words}, or none"))
    }

    /// Returns what is to be set, the provider last: with it the rest counts.
    fn settings(&self, preset: Option<Preset>) -> [(&'static str, String); 6] {
        let text = |given: &Option<String>| given.clone().unwrap_or_default();
        [
            ("model.url", text(&self.server)),
            ("model.name", text(&self.name)),
            // What was said of another model is not true of this one.
            ("model.context_tokens", "0".into()),
            ("model.input_price", String::new()),
            ("model.output_price", String::new()),
            ("model.provider", preset.map_or("", Preset::as_str).into()),
        ]
    }
}

/// Does not need the other settings, nor a node.
pub(in crate::cli) fn choose(global: Global, chosen: &Use) -> anyhow::Result<()> {
    let preset = chosen.preset()?;
    check(chosen, preset)?;
    let output = Output::of(global.json);
    let environment = Environment::read()?;
    let path = settings_file(&environment, global.config.as_deref())?
        .context("there is no home folder to keep settings in; name a file with --config")?;
    // The key first: the node reads it when it sees the settings.
    let missing = match preset {
        Some(preset) => ask_for_key(preset, &environment)?,
        None => None,
    };
    let rest = Invocation::new(global, &[]);
    write(&chosen.settings(preset), &path, rest.as_ref().ok())?;
    let name = chosen.name.as_deref();
    let name = name.or(preset.and_then(Preset::default_model));
    let object = json!({
        "provider": preset.map(Preset::as_str),
        "name": name,
        "server": chosen.server,
        "file": path.display().to_string(),
        "needs_key": missing.is_some(),
    });
    output.object(&object, || said(preset, name, missing))?;
    for (key, _) in chosen.settings(preset) {
        let variable = table::find(key).map(table::Setting::variable);
        if let Some(variable) = variable.filter(|name| environment.get(name).is_some()) {
            note(&format!("{variable} is set and goes over the file"));
        }
    }
    if let Err(error) = rest {
        note(&format!(
            "something else in the settings is wrong: {error:#}"
        ));
    }
    Ok(())
}

/// Writes what is not so already.
fn write(
    settings: &[(&str, String)],
    path: &std::path::Path,
    before: Option<&Invocation>,
) -> anyhow::Result<()> {
    for (key, value) in settings {
        let is_so = before.is_some_and(|before| {
            let mut entries = before.loaded.entries();
            entries.any(|(setting, shown, _)| setting.key == *key && shown.to_string() == *value)
        });
        if !is_so {
            edit::set(path, key, value)?;
        }
    }
    Ok(())
}

/// Checks what is given before anything is written or asked.
fn check(chosen: &Use, preset: Option<Preset>) -> anyhow::Result<()> {
    let Some(preset) = preset else {
        ensure!(
            chosen.name.is_none() && chosen.server.is_none(),
            "with none there is no model and no server to name"
        );
        return Ok(());
    };
    ensure!(
        preset.url().is_some() || chosen.server.is_some(),
        "{preset} needs the address of its server: --server https://models.example.org/v1"
    );
    let knows_its_own = preset.is_own() || preset.default_model().is_some();
    ensure!(
        knows_its_own || chosen.name.is_some(),
        "{preset} needs the name of a model: hearth model use {preset} NAME"
    );
    let mut settings = Settings::defaults(std::path::PathBuf::new());
    for (key, value) in chosen.settings(Some(preset)) {
        let setting = table::find(key).with_context(|| format!("there is no setting {key}"))?;
        (setting.set)(&mut settings, Given::Word(&value))
            .map_err(|problem| anyhow!("{key} {problem}"))?;
    }
    Ok(())
}

/// Makes sure that there is a key where one is needed; returns the name of the secret where there is
/// none, and nobody to ask.
fn ask_for_key(preset: Preset, environment: &Environment) -> anyhow::Result<Option<&'static str>> {
    let (KeyNeed::Needed, Some(secret)) = (preset.key(), preset.secret()) else {
        return Ok(None);
    };
    let name: secrets::Name = secret.parse().map_err(anyhow::Error::msg)?;
    // A keyring that gives no answer has no key.
    if let Ok(Some(_)) = secrets::find(environment, &name) {
        return Ok(None);
    }
    if !stdin().is_terminal() {
        return Ok(Some(secret));
    }
    let key = input::read(&format!("your key for {preset}"))?;
    keyring::set_named(&name, &key).with_context(|| {
        let (variable, file) = (name.variable(), name.file_variable());
        format!(
            "the key was not kept; start the node with {variable}, or name its file with {file}, and give \
             this command again with that variable"
        )
    })?;
    Ok(None)
}

fn said(preset: Option<Preset>, name: Option<&str>, missing: Option<&str>) -> String {
    let Some(preset) = preset else {
        return "no language model is used, but those found on this machine".into();
    };
    let named = name.unwrap_or("whichever model it has");
    let next = match missing {
        Some(secret) => format!(
            "it needs a key: hearth config set-secret {secret}, or start the node with HEARTH_SECRET_{}; \
             then: hearth model test",
            secret.to_uppercase()
        ),
        None => "to see whether it works: hearth model test".into(),
    };
    format!("{preset} is used, with {named}; {next}")
}
