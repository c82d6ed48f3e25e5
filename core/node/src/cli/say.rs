//! `hearth say`: speaks a text, or writes it to a file as sound. Works with no node running.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, bail};
use clap::Args;
use hearth_voice::aloud;
use hearth_voice::audio::Sound;
use hearth_voice::codec::{encode_opus, encode_wav};
use hearth_voice::device::Loudspeaker;
use hearth_voice::speech::{Speaker, speak};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::cli::Invocation;
use crate::output::note;
use crate::settings::SpeakerChoice;
use crate::voice::find_speaker;

/// Speaks a text.
#[derive(Debug, Args)]
pub struct Say {
    /// What is said
    #[arg(required = true)]
    text: Vec<String>,
    /// Write it to a file that ends in .wav, .ogg or .opus, and play nothing
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// The voice: a name in `hearth models list`, or one of espeak-ng such as en-gb
    #[arg(long, value_name = "NAME")]
    voice: Option<String>,
    /// The loudspeaker, by its name or part of it; the default one unless told
    #[arg(long, value_name = "NAME")]
    device: Option<String>,
}

/// The form of a file of sound.
#[derive(Clone, Copy)]
enum Form {
    Wav,
    Opus,
}

pub(super) async fn run(invocation: &Invocation, say: Say) -> anyhow::Result<()> {
    let form = say.out.as_deref().map(form).transpose()?;
    let mut settings = invocation.loaded.settings.voice.clone();
    if let Some(voice) = say.voice {
        settings.voice = voice;
        // A voice is one of some engine's: that it is another than the usual one must not be in the way.
        if settings.speaker != SpeakerChoice::Cartesia {
            settings.speaker = SpeakerChoice::Auto;
        }
    }
    let text = say.text.join(" ");
    if text.trim().is_empty() {
        bail!("there is nothing to say");
    }
    let data_dir = invocation.data_dir();
    let environment = invocation.layers.environment.clone();
    let speaker = tokio::task::spawn_blocking(move || {
        find_speaker(&settings, &data_dir, &environment)?.open()
    })
    .await??;
    if !speaker.is_local() {
        note(&format!(
            "the text is sent to {}, away from this machine",
            speaker.name()
        ));
    }
    let name = speaker.name().to_owned();
    let Some((path, form)) = say.out.zip(form) else {
        let seconds = play(speaker, &text, say.device.as_deref()).await?;
        let object = json!({ "speaker": name, "seconds": seconds });
        return invocation.output.object(&object, String::new);
    };
    let sound = whole(speaker, &text).await?;
    let bytes = match form {
        Form::Wav => encode_wav(&sound)?,
        Form::Opus => encode_opus(&sound)?,
    };
    std::fs::write(&path, bytes).with_context(|| format!("cannot write {}", path.display()))?;
    let seconds = sound.duration().as_secs_f64();
    let object = json!({ "speaker": name, "seconds": seconds, "file": path.display().to_string() });
    invocation.output.object(&object, || {
        format!("{} has {seconds:.1} seconds of speech", path.display())
    })
}

fn form(path: &std::path::Path) -> anyhow::Result<Form> {
    let ending = path.extension().and_then(|ending| ending.to_str());
    match ending.map(str::to_lowercase).as_deref() {
        Some("wav") => Ok(Form::Wav),
        Some("ogg" | "opus") => Ok(Form::Opus),
        _ => bail!("--out must end in .wav, .ogg or .opus"),
    }
}

/// Plays each sentence as soon as it is made; returns how many seconds were heard.
async fn play(speaker: Arc<dyn Speaker>, text: &str, device: Option<&str>) -> anyhow::Result<f64> {
    let mut loudspeaker = Loudspeaker::open(device)
        .await
        .context("nothing can be heard here; --out FILE.wav writes it to a file")?;
    let mut speech = speak(speaker, text)?;
    let length = aloud::play(&mut speech, &mut loudspeaker, &CancellationToken::new()).await?;
    Ok(length.as_secs_f64())
}

/// All of it as one sound.
async fn whole(speaker: Arc<dyn Speaker>, text: &str) -> anyhow::Result<Sound> {
    let mut speech = speak(speaker, text)?;
    let mut whole: Option<Sound> = None;
    while let Some(sound) = speech.next().await {
        let sound = sound?;
        match &mut whole {
            None => whole = Some(sound),
            Some(whole) => {
                let sound = sound.at_rate(whole.rate)?;
                whole.samples.extend(sound.samples);
            }
        }
    }
    whole.context("nothing in the text can be said")
}
