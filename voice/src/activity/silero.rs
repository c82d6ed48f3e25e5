//! Silero's voice activity, version 5 or 6, in the ONNX Runtime.

use std::path::Path;

use super::{Activity, ActivityError, Thresholds};
use crate::audio::RATE;
use crate::onnx::{Input, Model, OnnxError, Runtime, Stop};

/// Samples judged at once, 32 ms.
const FRAME: usize = 512;

/// Samples of the frame before that the model wants in front of each. Without them it answers all the same,
/// and wrongly.
const CONTEXT: usize = 64;

/// Numbers that the model remembers between frames.
const STATE: [usize; 3] = [2, 1, 128];

/// The voice activity of a Silero model.
pub struct Silero {
    model: Model,
    context: Vec<f32>,
    state: Vec<f32>,
    /// Some of its files work at one rate only and do not ask for it.
    asks_for_rate: bool,
    stop: Stop,
}

impl Silero {
    /// Opens a model file such as `silero_vad.onnx`.
    ///
    /// # Errors
    /// No such file, or a model for something else.
    pub fn open(runtime: &Runtime, path: &Path) -> Result<Self, OnnxError> {
        // A frame takes a tenth of a millisecond: a second thread would cost more than it saves.
        let model = Model::open(runtime, path, 1)?;
        model.expect_inputs(&["input", "state"])?;
        let mut silero = Self {
            asks_for_rate: model.has_input("sr"),
            model,
            context: Vec::new(),
            state: Vec::new(),
            stop: Stop::new(),
        };
        silero.reset();
        Ok(silero)
    }

    fn run(&mut self, frame: &[f32]) -> Result<f32, OnnxError> {
        let mut samples = std::mem::take(&mut self.context);
        samples.extend_from_slice(frame);
        self.context = samples[samples.len() - CONTEXT..].to_vec();
        let state = std::mem::take(&mut self.state);
        let mut inputs = vec![
            Input::floats("input", &[1, CONTEXT + FRAME], samples),
            Input::floats("state", &STATE, state),
        ];
        if self.asks_for_rate {
            inputs.push(Input::integers("sr", &[], vec![i64::from(RATE)]));
        }
        let outputs = self.model.run(inputs, &self.stop)?;
        let mut probability = None;
        for (name, values) in outputs {
            match name.as_str() {
                "output" => probability = values.first().copied(),
                "stateN" => self.state = values,
                _ => {}
            }
        }
        if self.state.len() != STATE.iter().product::<usize>() {
            return Err(OnnxError::Run("it gave no new state".to_owned()));
        }
        probability.ok_or_else(|| OnnxError::Run("it gave no probability".to_owned()))
    }
}

impl Activity for Silero {
    fn frame(&self) -> usize {
        FRAME
    }

    /// Those that the model comes with.
    fn thresholds(&self) -> Thresholds {
        Thresholds {
            begins_above: 0.5,
            ends_below: 0.35,
        }
    }

    fn probability(&mut self, frame: &[f32]) -> Result<f32, ActivityError> {
        self.run(frame).map_err(|error| {
            self.reset();
            ActivityError {
                model: "silero",
                reason: error.to_string(),
            }
        })
    }

    fn reset(&mut self) {
        self.context = vec![0.0; CONTEXT];
        self.state = vec![0.0; STATE.iter().product()];
    }
}
