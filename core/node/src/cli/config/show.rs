//! Shows every setting, what waits for a restart, and which secrets there are.

use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::cli::Invocation;
use crate::cli::words::restart_for;
use crate::client::wire::{Settings, WaitingSetting};
use crate::output::table::table;
use crate::output::{Output, note};
use crate::secrets::{self, Listed};
use crate::settings::Loaded;
use crate::settings::table::Applies;

/// How long a running node is asked what waits for a restart; the rest is shown without it.
const PATIENCE: Duration = Duration::from_secs(2);

pub(super) fn run(invocation: &Invocation) -> anyhow::Result<()> {
    let Invocation { loaded, output, .. } = invocation;
    let waiting = waiting(invocation);
    let (listed, trouble) = secrets::list(&invocation.layers.environment);
    let trouble = trouble.map(|error| format!("{error:#}"));
    let file = loaded.file.as_ref().map(|path| path.display().to_string());
    let object = json!({
        "file": file,
        "settings": settings(loaded, &waiting),
        "restart_for": waiting.iter().map(wire).collect::<Vec<_>>(),
        "secrets": listed.iter().map(secret).collect::<Map<_, _>>(),
        "keyring_problem": trouble,
    });
    output.object(&object, || {
        let secrets = secret_rows(&listed);
        let gap = if secrets.is_empty() { "" } else { "\n\n" };
        format!("{}{gap}{secrets}", rows(loaded, &waiting))
    })?;
    if *output == Output::Json {
        return Ok(());
    }
    if let Some(file) = file {
        note(&format!("the settings file is {file}"));
    }
    if !waiting.is_empty() {
        note(&format!(
            "a restart is needed for {}",
            restart_for(&waiting)
        ));
    }
    if let Some(trouble) = trouble {
        note(&format!("secrets in the keyring are not shown: {trouble}"));
    }
    Ok(())
}

/// Asks the node on the data folder which settings wait for a restart; one that runs elsewhere has
/// other settings. Empty where no node runs or it does not say.
fn waiting(invocation: &Invocation) -> Vec<WaitingSetting> {
    let ask = || -> anyhow::Result<Settings> {
        let Some(client) = invocation.own_client()? else {
            return Ok(Settings::default());
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let asked = async { tokio::time::timeout(PATIENCE, client.get(&["status"], &[])).await };
        runtime.block_on(asked)??.read()
    };
    match ask() {
        Ok(settings) => settings.restart_for,
        Err(error) => {
            note(&format!(
                "the running node does not say what waits for a restart: {error:#}"
            ));
            Vec::new()
        }
    }
}

fn find<'a>(waiting: &'a [WaitingSetting], key: &str) -> Option<&'a WaitingSetting> {
    waiting.iter().find(|waiting| waiting.setting == key)
}

fn wire(waiting: &WaitingSetting) -> Value {
    json!({
        "setting": waiting.setting,
        "running": waiting.running,
        "at_restart": waiting.at_restart,
    })
}

fn settings(loaded: &Loaded, waiting: &[WaitingSetting]) -> Map<String, Value> {
    let settings = loaded.entries().map(|(setting, value, source)| {
        let entry = json!({
            "value": value.to_json(),
            "source": source.to_string(),
            "applies_at_once": setting.applies == Applies::AtOnce,
            "waits_for_restart": find(waiting, setting.key).is_some(),
        });
        (setting.key.to_owned(), entry)
    });
    settings.collect()
}

fn rows(loaded: &Loaded, waiting: &[WaitingSetting]) -> String {
    let rows: Vec<[String; 5]> = loaded
        .entries()
        .map(|(setting, value, source)| {
            let counts = match find(waiting, setting.key) {
                Some(_) => "WAITS FOR A RESTART",
                None => setting.applies.as_str(),
            };
            [
                setting.key.to_owned(),
                value.to_string(),
                source.to_string(),
                counts.to_owned(),
                setting.doc.to_owned(),
            ]
        })
        .collect();
    table(["setting", "value", "from", "counts", "what it is"], &rows)
}

fn secret(listed: &Listed) -> (String, Value) {
    let entry = json!({ "source": listed.source.as_str(), "problem": listed.problem });
    (listed.name.to_string(), entry)
}

fn secret_rows(listed: &[Listed]) -> String {
    let rows: Vec<[String; 3]> = listed
        .iter()
        .map(|listed| {
            [
                listed.name.to_string(),
                listed.source.as_str().to_owned(),
                listed.problem.clone().unwrap_or_default(),
            ]
        })
        .collect();
    table(["secret", "from", "problem"], &rows)
}
