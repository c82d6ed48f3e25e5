//! A voice in the ONNX Runtime: numbers in, sound out, on a thread that may take its time.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use super::SpeechError;
use crate::audio::Sound;
use crate::onnx::{Input, Model, OnnxError, Runtime, Stop};

/// Threads that one sentence is made on. More than two gain little on voices of this size.
const THREADS: usize = 2;

/// The most that one sentence may sound, in seconds.
const LONGEST_SOUND: usize = 180;

#[derive(Clone)]
pub(super) struct VoiceModel {
    name: &'static str,
    rate: u32,
    // Guards a session, which works on one sentence at a time. Held while it does, on a blocking thread.
    model: Arc<Mutex<Model>>,
}

impl VoiceModel {
    pub(super) fn open(
        name: &'static str,
        runtime: &Runtime,
        path: &Path,
        rate: u32,
    ) -> Result<Self, OnnxError> {
        let model = Arc::new(Mutex::new(Model::open(runtime, path, THREADS)?));
        Ok(Self { name, rate, model })
    }

    pub(super) fn expect_inputs(&self, names: &[&str]) -> Result<(), OnnxError> {
        let model = self.model.lock().unwrap_or_else(PoisonError::into_inner);
        model.expect_inputs(names)
    }

    pub(super) fn has_input(&self, name: &str) -> bool {
        let model = self.model.lock().unwrap_or_else(PoisonError::into_inner);
        model.has_input(name)
    }

    /// Makes sound. Dropped, it stops the model at its next step.
    pub(super) async fn run(&self, inputs: Vec<Input>) -> Result<Sound, SpeechError> {
        let stop = Stop::new();
        let _stopped_when_dropped = StopOnDrop(stop.clone());
        let model = Arc::clone(&self.model);
        let work = move || {
            let mut model = model.lock().unwrap_or_else(PoisonError::into_inner);
            model.run(inputs, &stop)
        };
        let failed = |reason: &str| SpeechError::Failed {
            voice: self.name,
            reason: reason.to_owned(),
        };
        let outputs = tokio::task::spawn_blocking(work)
            .await
            .map_err(|_| failed("its thread ended"))??;
        let (_, samples) = outputs
            .into_iter()
            .next()
            .ok_or_else(|| failed("the model gave no sound"))?;
        if samples.is_empty() || samples.len() > LONGEST_SOUND * self.rate as usize {
            return Err(failed("the model gave no sound that fits a sentence"));
        }
        let samples = samples
            .into_iter()
            .map(|sample| {
                if sample.is_finite() {
                    sample.clamp(-1.0, 1.0)
                } else {
                    0.0
                }
            })
            .collect();
        Ok(Sound {
            rate: self.rate,
            samples,
        })
    }
}

struct StopOnDrop(Stop);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.stop();
    }
}

/// Reads a small file of a voice.
pub(super) fn read_file(
    voice: &'static str,
    field: &'static str,
    path: &Path,
    limit: u64,
) -> Result<Vec<u8>, SpeechError> {
    let refused = |reason: String| SpeechError::Setting {
        voice,
        field,
        reason: format!("{}: {reason}", path.display()),
    };
    let length = std::fs::metadata(path)
        .map_err(|error| refused(error.to_string()))?
        .len();
    if length > limit {
        return Err(refused(format!("{length} bytes are too many for it")));
    }
    std::fs::read(path).map_err(|error| refused(error.to_string()))
}
