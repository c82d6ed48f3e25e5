//! `hearth models use`: writes down which model is used.

use anyhow::{Context, bail};
use hearth_voice::catalogue::{Entry, Purpose};
use serde_json::json;

use super::is_chosen_by_name;
use crate::cli::Invocation;
use crate::data_dir::Holder;
use crate::output::note;
use crate::settings::load::settings_file;
use crate::settings::{SpeakerChoice, TranscriberChoice, edit, table};
use crate::voice::files::{find, path_of};

pub(super) fn run(invocation: &Invocation, name: &str) -> anyhow::Result<()> {
    let entry = find(name)?;
    if path_of(entry, &invocation.data_dir()).is_none() {
        bail!("{name} is not here; to fetch it: hearth models pull {name}");
    }
    if !is_chosen_by_name(entry.purpose) {
        let line = format!(
            "{name} is used wherever it helps, now that it is here; a node that runs looks for it when it is \
             started again"
        );
        let object = json!({ "name": name, "settings": {} });
        return invocation.output.object(&object, || line);
    }
    let environment = &invocation.layers.environment;
    let path = settings_file(environment, invocation.layers.config.as_deref())?
        .context("there is no home folder to keep settings in; name a file with --config")?;
    let settings = settings(entry, invocation);
    for (key, value) in &settings {
        edit::set(&path, key, value)?;
    }
    let object = json!({
        "name": name,
        "file": path.display().to_string(),
        "settings": settings.iter().copied().collect::<std::collections::BTreeMap<_, _>>(),
    });
    let is_running = Holder::find(&invocation.data_dir())?.is_some();
    let from = if is_running {
        "once the node is started again"
    } else {
        "from here on"
    };
    invocation
        .output
        .object(&object, || format!("{name} is used {from}"))?;
    for (key, _) in settings {
        let variable = table::find(key).map(table::Setting::variable);
        if let Some(variable) = variable.filter(|name| environment.get(name).is_some()) {
            note(&format!("{variable} is set and goes over the file"));
        }
    }
    Ok(())
}

/// Returns what is to be set: the engine too, where another one is.
fn settings<'a>(entry: &'a Entry, invocation: &Invocation) -> Vec<(&'static str, &'a str)> {
    let voice = &invocation.loaded.settings.voice;
    let name = entry.name.as_str();
    if entry.purpose == Purpose::Transcription {
        let is_right = matches!(
            voice.transcriber,
            TranscriberChoice::Auto | TranscriberChoice::Whisper
        );
        let engine = (!is_right).then_some(("voice.transcriber", TranscriberChoice::Auto.as_str()));
        return [("voice.model", name)].into_iter().chain(engine).collect();
    }
    let engine = if name.starts_with("piper-") {
        SpeakerChoice::Piper
    } else {
        SpeakerChoice::Kokoro
    };
    let is_right = voice.speaker == engine || voice.speaker == SpeakerChoice::Auto;
    let engine = (!is_right).then_some(("voice.speaker", engine.as_str()));
    [("voice.voice", name)].into_iter().chain(engine).collect()
}
