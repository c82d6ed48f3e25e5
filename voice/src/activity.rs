//! When somebody speaks.
//!
//! An [`Activity`] judges frames one by one; a [`Detector`] makes stretches of speech of what it says.
//! [`Earshot`] is always there; Silero is better where its file and the ONNX Runtime are.

mod detector;
mod earshot;
mod silero;
#[cfg(test)]
mod tests;

pub use self::detector::{Change, Detector, Policy, segments};
pub use self::earshot::Earshot;
pub use self::silero::Silero;

/// Judges how likely each frame of 16 kHz mono sound holds speech. It remembers what came before.
pub trait Activity: Send {
    /// Samples in a frame.
    fn frame(&self) -> usize;

    /// What its probabilities mean.
    fn thresholds(&self) -> Thresholds;

    /// How likely speech is in the next frame, between 0 and 1. The frame has [`Activity::frame`] samples.
    ///
    /// # Errors
    /// The model behind it failed. What came before is then forgotten.
    fn probability(&mut self, frame: &[f32]) -> Result<f32, ActivityError>;

    /// Forgets what came before.
    fn reset(&mut self);
}

/// What the probabilities of a model mean: each has its own scale.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Thresholds {
    /// How likely frames must be for speech to begin, or to go on after a pause.
    pub begins_above: f32,
    /// Below this, a frame in the middle of speech is a pause. Lower than the other, so that speech does not
    /// flicker.
    pub ends_below: f32,
}

/// The model that tells speech from noise failed.
#[derive(Debug, thiserror::Error)]
#[error("the voice activity model {model} failed: {reason}")]
pub struct ActivityError {
    /// Which model.
    pub model: &'static str,
    /// What it said.
    pub reason: String,
}
