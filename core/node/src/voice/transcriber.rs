//! What turns speech into text, by the settings.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, anyhow, bail};
use hearth_voice::speech::find_program;
use hearth_voice::transcription::worker::Config;
use hearth_voice::transcription::{Groq, PocketSphinx, Transcriber, Whisper};

use super::{client, ear::ear, files};
use crate::data_dir::DataDir;
use crate::secrets::{self, Name};
use crate::settings::environment::search_path;
use crate::settings::{Environment, TranscriberChoice, VoiceSettings};

/// What the key of Groq is called; the same as for its language models.
const GROQ_KEY: &str = "groq_key";

/// What to do where nothing transcribes.
const REMEDY: &str = "to have it done on this machine: hearth models pull whisper-base.en";

/// Returns what turns speech into text, and lets nothing but speech through. Nothing is started or sent yet.
///
/// # Errors
/// Nothing is set up for it; says what to do.
pub fn transcriber(
    settings: &VoiceSettings,
    data_dir: &DataDir,
    environment: &Environment,
) -> anyhow::Result<Arc<dyn Transcriber>> {
    match settings.transcriber {
        TranscriberChoice::Off => bail!(
            "nothing turns speech into text, because voice.transcriber is off; to change it: \
             hearth config set voice.transcriber auto"
        ),
        TranscriberChoice::Auto | TranscriberChoice::Whisper => {
            let model = files::whisper_model(settings, data_dir)?;
            let model = model.ok_or_else(|| {
                anyhow!("there is no model that turns speech into text; {REMEDY}")
            })?;
            whisper(settings, data_dir, model)
        }
        TranscriberChoice::PocketSphinx => pocketsphinx(settings, data_dir),
        TranscriberChoice::Groq => groq(settings, data_dir, environment),
    }
}

fn whisper(
    settings: &VoiceSettings,
    data_dir: &DataDir,
    model: PathBuf,
) -> anyhow::Result<Arc<dyn Transcriber>> {
    let program = std::env::current_exe().context("cannot find the program's own file")?;
    let config = Config {
        idle: settings.idle,
        memory_bytes: settings.memory_bytes,
        ..Config::new(program, vec![crate::VOICE_WORKER.into()], model)
    };
    let whisper = Whisper::speech_only(config).context("the transcribing process has no thread")?;
    Ok(Arc::new(whisper.with_ear(ear(settings, data_dir))))
}

fn pocketsphinx(
    settings: &VoiceSettings,
    data_dir: &DataDir,
) -> anyhow::Result<Arc<dyn Transcriber>> {
    if settings.grammar.is_empty() {
        bail!(
            "pocketsphinx needs a grammar; to name one: hearth config set voice.grammar /PATH/OF.jsgf"
        );
    }
    let path = search_path();
    let mut names = PocketSphinx::PROGRAMS.iter();
    let program = names.find_map(|name| find_program(name, &path)).context(
        "pocketsphinx is not installed; on Debian: apt install pocketsphinx pocketsphinx-en-us",
    )?;
    let engine = PocketSphinx::speech_only(&program, Path::new(&settings.grammar))?;
    Ok(Arc::new(engine.with_ear(ear(settings, data_dir))))
}

fn groq(
    settings: &VoiceSettings,
    data_dir: &DataDir,
    environment: &Environment,
) -> anyhow::Result<Arc<dyn Transcriber>> {
    let name: Name = GROQ_KEY.parse().map_err(anyhow::Error::msg)?;
    let (key, _) = secrets::find(environment, &name)?
        .with_context(|| format!("groq needs a key: hearth config set-secret {GROQ_KEY}"))?;
    let groq = Groq::new(client()?, key.reveal());
    let groq = match settings.groq_url.as_str() {
        "" => groq,
        url => groq.at(url),
    };
    Ok(Arc::new(
        groq.speech_only().with_ear(ear(settings, data_dir)),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(settings: &VoiceSettings, folder: &Path) -> String {
        let environment = Environment::default();
        match transcriber(settings, &DataDir::at(folder), &environment) {
            Ok(found) => format!("{} {}", found.name(), found.is_local()),
            Err(error) => format!("{error:#}"),
        }
    }

    #[test]
    fn without_a_model_it_says_how_to_get_one() {
        let folder = tempfile::tempdir().unwrap();
        let settings = VoiceSettings::default();

        assert!(said(&settings, folder.path()).contains("hearth models pull whisper-base.en"));
    }

    #[test]
    fn what_is_set_and_not_there_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let with = |model: &str| VoiceSettings {
            model: model.into(),
            ..VoiceSettings::default()
        };

        let missing = said(&with("whisper-tiny"), folder.path());
        assert!(
            missing.contains("hearth models pull whisper-tiny"),
            "{missing}"
        );
        let unknown = said(&with("whisper-tinny"), folder.path());
        assert!(unknown.contains("did you mean whisper-tiny?"), "{unknown}");
        let other = said(&with("kokoro"), folder.path());
        assert!(other.contains("is for speech"), "{other}");
        let path = said(&with("/nowhere/ggml.bin"), folder.path());
        assert!(path.contains("no such file"), "{path}");
    }

    #[test]
    fn a_company_is_asked_only_where_it_is_set_and_has_a_key() {
        let folder = tempfile::tempdir().unwrap();
        let settings = VoiceSettings {
            transcriber: TranscriberChoice::Groq,
            ..VoiceSettings::default()
        };
        let key = [("HEARTH_SECRET_GROQ_KEY".into(), "gsk_x".into())];
        let environment = Environment::from_variables(key).unwrap();

        let found = transcriber(&settings, &DataDir::at(folder.path()), &environment).unwrap();

        assert_eq!((found.name(), found.is_local()), ("groq", false));
    }

    #[test]
    fn pocketsphinx_wants_a_grammar_and_off_is_off() {
        let folder = tempfile::tempdir().unwrap();
        let with = |transcriber| VoiceSettings {
            transcriber,
            ..VoiceSettings::default()
        };

        let sphinx = said(&with(TranscriberChoice::PocketSphinx), folder.path());
        assert!(sphinx.contains("voice.grammar"), "{sphinx}");
        let off = said(&with(TranscriberChoice::Off), folder.path());
        assert!(off.contains("voice.transcriber is off"), "{off}");
    }
}
