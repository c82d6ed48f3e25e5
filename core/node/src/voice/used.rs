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
    match entry.purpose {
        Purpose::Transcription => {
            let is_asked = matches!(
                settings.transcriber,
                TranscriberChoice::Auto | TranscriberChoice::Whisper
            );
            is_asked && matches!(whisper_model(settings, data_dir), Ok(Some(used)) if used == path)
        }
        Purpose::Runtime => {
            let is_needed = neural_voice(settings, data_dir).is_some() || has_silero(data_dir);
            onnxruntime(settings, data_dir) == Some(path) && is_needed
        }
        Purpose::Activity => {
            onnxruntime(settings, data_dir).is_some_and(|library| library.exists())
        }
        Purpose::Speech => neural_voice(settings, data_dir) == Some(path),
    }
}

fn has_silero(data_dir: &DataDir) -> bool {
    let mut entries = catalogue::entries().iter();
    let silero = entries.find(|entry| entry.purpose == Purpose::Activity);
    silero.is_some_and(|entry| path_of(entry, data_dir).is_some())
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
