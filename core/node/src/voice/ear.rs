//! What tells speech from noise: Silero where it and its library are there, else the one that always is.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use hearth_voice::activity::{Activity, Earshot, Silero};
use hearth_voice::catalogue;
use hearth_voice::onnx::Runtime;
use hearth_voice::transcription::Ear;
use tracing::warn;

use super::files;
use crate::data_dir::DataDir;
use crate::settings::VoiceSettings;

/// Returns what is listened with. Loading the library takes a moment, and is left to the first clip.
pub(super) fn ear(settings: &VoiceSettings, data_dir: &DataDir) -> Ear {
    let model = catalogue::find("silero-v6").and_then(|entry| files::path_of(entry, data_dir));
    let (Some(model), Some(library)) = (model, files::onnxruntime(settings, data_dir)) else {
        return Arc::new(|| Box::new(Earshot::new()));
    };
    // It is not tried again: this node has the files that it has.
    let has_failed = AtomicBool::new(false);
    Arc::new(move || {
        if has_failed.load(Ordering::Relaxed) {
            return Box::new(Earshot::new());
        }
        let silero = Runtime::load(&library).and_then(|runtime| Silero::open(&runtime, &model));
        match silero {
            Ok(silero) => Box::new(silero) as Box<dyn Activity>,
            Err(error) => {
                has_failed.store(true, Ordering::Relaxed);
                warn!(%error, "Silero cannot be used; speech is told from noise without it");
                Box::new(Earshot::new())
            }
        }
    })
}
