//! Voice activity that is always there: a small network, its weights inside the program.

use super::{Activity, ActivityError};

/// Samples that the network looks at, 16 ms.
const FRAME: usize = 256;

/// The voice activity of the `earshot` crate.
pub struct Earshot {
    network: Box<earshot::Detector>,
}

impl Earshot {
    /// Starts with nothing heard.
    pub fn new() -> Self {
        Self {
            network: earshot::Detector::default_boxed(),
        }
    }
}

impl Default for Earshot {
    fn default() -> Self {
        Self::new()
    }
}

impl Activity for Earshot {
    fn frame(&self) -> usize {
        FRAME
    }

    fn probability(&mut self, frame: &[f32]) -> Result<f32, ActivityError> {
        Ok(self.network.predict_f32(frame))
    }

    fn reset(&mut self) {
        self.network.reset();
    }
}
