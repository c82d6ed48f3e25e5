//! Voice activity that is always there: a small network, its weights inside the program.

use std::collections::VecDeque;

use super::{Activity, ActivityError, Thresholds};

/// Samples that the network looks at, 16 ms.
const FRAME: usize = 256;

/// The voice activity of the `earshot` crate, deaf to noise that stays as it is.
pub struct Earshot {
    network: Box<earshot::Detector>,
    loudness: Loudness,
}

impl Earshot {
    /// Starts with nothing heard.
    pub fn new() -> Self {
        Self {
            network: earshot::Detector::default_boxed(),
            loudness: Loudness::default(),
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

    /// Hiss that begins at once reaches 0.6 for some frames; speech 0.9.
    fn thresholds(&self) -> Thresholds {
        Thresholds {
            begins_above: 0.6,
            ends_below: 0.45,
        }
    }

    fn probability(&mut self, frame: &[f32]) -> Result<f32, ActivityError> {
        self.loudness.hear(frame);
        let probability = self.network.predict_f32(frame);
        Ok(if self.loudness.is_steady() {
            0.0
        } else {
            probability
        })
    }

    fn reset(&mut self) {
        self.network.reset();
        self.loudness = Loudness::default();
    }
}

/// How loud the last second was, 64 ms by 64 ms.
///
/// The network takes a loud fan, or loud hiss, for speech. But speech has syllables: in a second of it, loud
/// and soft stretches are at least 5 decibels apart, mostly more than 15; of a fan or hiss they are less than 4.
#[derive(Default)]
struct Loudness {
    decibels: VecDeque<f32>,
    power: f32,
    frames: usize,
}

impl Loudness {
    /// Frames in a stretch, 64 ms: long enough to even out a low rumble.
    const FRAMES: usize = 4;

    /// Stretches looked at, about a second.
    const STRETCHES: usize = 16;

    /// Less than this between loud and soft is noise.
    const LEAST_RANGE: f32 = 4.0;

    fn hear(&mut self, frame: &[f32]) {
        self.power += frame.iter().map(|sample| sample * sample).sum::<f32>();
        self.frames += 1;
        if self.frames < Self::FRAMES {
            return;
        }
        let power = self.power / (Self::FRAMES * FRAME) as f32;
        self.power = 0.0;
        self.frames = 0;
        if self.decibels.len() == Self::STRETCHES {
            self.decibels.pop_front();
        }
        self.decibels.push_back(10.0 * (power + 1e-9).log10());
    }

    fn is_steady(&self) -> bool {
        if self.decibels.len() < Self::STRETCHES {
            return false;
        }
        let mut sorted: Vec<f32> = self.decibels.iter().copied().collect();
        sorted.sort_by(f32::total_cmp);
        // Without the loudest and the softest, which may be a click or a gap.
        sorted[Self::STRETCHES - 2] - sorted[1] < Self::LEAST_RANGE
    }
}
