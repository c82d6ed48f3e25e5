//! A stretch of sound as samples, and a stretch of time in one.

use std::time::Duration;

use crate::resample::{self, RateError};

/// Samples in a second wherever speech is listened to: what every model of speech here expects.
pub const RATE: u32 = 16_000;

/// Mono sound to listen to: [`RATE`] samples in a second, each between -1 and 1.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Clip {
    /// The samples, oldest first.
    pub samples: Vec<f32>,
}

impl Clip {
    /// How long it sounds.
    pub fn duration(&self) -> Duration {
        duration_of(self.samples.len(), RATE)
    }

    /// The samples between two times, cut to what is there.
    pub fn slice(&self, segment: Segment) -> &[f32] {
        let length = self.samples.len();
        let start = samples_in(segment.start, RATE).min(length);
        let end = samples_in(segment.end, RATE).clamp(start, length);
        &self.samples[start..end]
    }
}

/// Mono sound to be heard, at the rate it was made at, each sample between -1 and 1.
#[derive(Clone, Debug, PartialEq)]
pub struct Sound {
    /// Samples in a second.
    pub rate: u32,
    /// The samples, oldest first.
    pub samples: Vec<f32>,
}

impl Sound {
    /// How long it sounds.
    pub fn duration(&self) -> Duration {
        duration_of(self.samples.len(), self.rate)
    }

    /// The same sound at another rate.
    ///
    /// # Errors
    /// A rate that no sound is recorded at.
    pub fn at_rate(self, rate: u32) -> Result<Self, RateError> {
        let samples = resample::convert(self.samples, self.rate, rate)?;
        Ok(Self { rate, samples })
    }

    /// The same sound at [`RATE`], to listen to.
    ///
    /// # Errors
    /// A rate that no sound is recorded at.
    pub fn into_clip(self) -> Result<Clip, RateError> {
        let samples = self.at_rate(RATE)?.samples;
        Ok(Clip { samples })
    }
}

impl From<Clip> for Sound {
    fn from(clip: Clip) -> Self {
        Self {
            rate: RATE,
            samples: clip.samples,
        }
    }
}

/// A stretch of a clip in which somebody speaks, in time from its beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// When it begins.
    pub start: Duration,
    /// When it ends, never before the start.
    pub end: Duration,
}

impl Segment {
    /// How long it is.
    pub fn duration(&self) -> Duration {
        self.end.saturating_sub(self.start)
    }
}

/// How long so many samples sound.
pub fn duration_of(samples: usize, rate: u32) -> Duration {
    let nanos = samples as u128 * 1_000_000_000 / u128::from(rate.max(1));
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

/// How many samples sound so long.
pub fn samples_in(duration: Duration, rate: u32) -> usize {
    let samples = duration.as_nanos() * u128::from(rate) / 1_000_000_000;
    usize::try_from(samples).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clip_knows_how_long_it_sounds() {
        let clip = Clip {
            samples: vec![0.0; 24_000],
        };

        assert_eq!(clip.duration(), Duration::from_millis(1_500));
    }

    #[test]
    fn a_slice_never_reaches_beyond_its_clip() {
        let clip = Clip {
            samples: vec![0.5; 16_000],
        };
        let beyond = Segment {
            start: Duration::from_millis(900),
            end: Duration::from_secs(5),
        };

        assert_eq!(clip.slice(beyond).len(), 1_600);
    }
}
