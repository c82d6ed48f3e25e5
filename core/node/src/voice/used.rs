//! Which files of the catalogue are used by the settings as they are.

use std::path::PathBuf;

use hearth_voice::catalogue::{self, Entry, Purpose};

use super::files::{onnxruntime, path_of, whisper_model};
use super::speaker::{Found, find_speaker};
use crate::data_dir::DataDir;
use crate::settings::{Environment, SpeakerChoice, TranscriberChoice, VoiceSettings};

/// Whether an entry is here and used.
pub fn is_used(entry: &Entry, settings: &VoiceSettings, data_dir: &DataDir) -> bool {
    let Some(path) = path_of(entry, data_dir) else {
        return false;
    };
    let silero = catalogue::entries()
        .iter()
        .find(|entry| entry.purpose == Purpose::Activity)
        .and_then(|entry| path_of(entry, data_dir));
    match entry.purpose {
        Purpose::Transcription => {
            let is_asked = matches!(
                settings.transcriber,
                TranscriberChoice::Auto | TranscriberChoice::Whisper
            );
            is_asked && matches!(whisper_model(settings, data_dir), Ok(Some(used)) if used == path)
        }
        Purpose::Runtime => {
            let speaks = neural_voice(settings, data_dir).is_some();
            onnxruntime(settings, data_dir) == Some(path) && (speaks || silero.is_some())
        }
        Purpose::Activity => {
            onnxruntime(settings, data_dir).is_some_and(|library| library.exists())
        }
        Purpose::Speech => neural_voice(settings, data_dir) == Some(path),
    }
}

/// The model of the voice that speaks, where it is one of the catalogue.
fn neural_voice(settings: &VoiceSettings, data_dir: &DataDir) -> Option<PathBuf> {
    if settings.speaker == SpeakerChoice::Cartesia {
        return None;
    }
    // Of the environment only a company's voice needs something.
    match find_speaker(settings, data_dir, &Environment::default()).ok()? {
        Found::Piper { model, .. } => Some(model),
        Found::Kokoro { files, .. } => Some(files.model),
        Found::Espeak(_) | Found::Cartesia(_) => None,
    }
}
