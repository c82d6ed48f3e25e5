//! What an ear takes for speech though it only stays as it is: a fan that begins at once, chords, a ringing.
//!
//! Speech never stays: syllables rise and fall, and the mouth changes its sound many times in a second.

use std::f32::consts::TAU;

use crate::audio::RATE;

/// How much sound has one loudness: some periods of a deep hum.
const LOUDNESS_SAMPLES: usize = RATE as usize * 40 / 1_000;

/// Less than this between loud and soft is noise: of hiss it is one decibel, of a word more than ten.
const LEAST_DECIBELS: f32 = 3.0;

/// Samples of a spectrum, 32 ms.
const FRAME: usize = 512;

/// Which of its frequencies are compared: every second one from 94 to 4,000 Hz, where tones and voices are.
const FIRST: usize = 3;
const LAST: usize = 129;
const STEP: usize = 2;

/// How far the compared spectra are apart, 64 ms: longer than most sounds of speech stay as they are.
const APART: usize = 2;

/// Spectra as alike as this are the same sound.
const ALIKE: f32 = 0.95;

/// Where more than this share of a stretch is the same sound as just before, nobody speaks. Of chords, scales
/// and tones it was 0.60 and more; of recorded and machine-made speech, single words included, 0.13 at most.
const MOST_ALIKE: f32 = 0.35;

/// Spectra softer than this part of the loudest say nothing.
const LEAST_LOUD: f32 = 0.02;

/// Whether a stretch of sound only stays as it is.
pub(super) fn is_steady(samples: &[f32]) -> bool {
    is_even(samples) || is_tonal(samples)
}

/// Whether it stays as loud as it is.
fn is_even(samples: &[f32]) -> bool {
    let mut decibels: Vec<f32> = samples
        .chunks_exact(LOUDNESS_SAMPLES)
        .map(|piece| piece.iter().map(|one| one * one).sum::<f32>() / LOUDNESS_SAMPLES as f32)
        .map(|power| 10.0 * (power + 1e-9).log10())
        .collect();
    decibels.sort_by(f32::total_cmp);
    // Without the loudest and the softest, which may be a click or a gap.
    match decibels.as_slice() {
        [_, softest, .., loudest, _] => loudest - softest < LEAST_DECIBELS,
        _ => false,
    }
}

/// Whether it is made of tones that are held.
fn is_tonal(samples: &[f32]) -> bool {
    let wave = Wave::new();
    let spectra: Vec<Spectrum> = samples
        .chunks_exact(FRAME)
        .map(|frame| wave.spectrum(frame))
        .collect();
    let loudest = spectra.iter().map(|one| one.loudness).fold(0.0, f32::max);
    let is_heard = |one: &Spectrum| one.loudness > loudest * LEAST_LOUD;
    let pairs = spectra.iter().zip(spectra.iter().skip(APART));
    let (mut alike, mut compared) = (0, 0);
    for (one, other) in pairs.filter(|(one, other)| is_heard(one) && is_heard(other)) {
        compared += 1;
        alike += usize::from(one.likeness(other) > ALIKE);
    }
    compared > 0 && alike as f32 / compared as f32 > MOST_ALIKE
}

/// How loud each frequency is in a frame.
struct Spectrum {
    magnitudes: Vec<f32>,
    loudness: f32,
}

impl Spectrum {
    /// 1 where both have the same frequencies in the same proportions, 0 where they have none in common.
    fn likeness(&self, other: &Self) -> f32 {
        let pairs = self.magnitudes.iter().zip(&other.magnitudes);
        pairs.map(|(a, b)| a * b).sum::<f32>() / (self.loudness * other.loudness)
    }
}

/// One wave, from which those of all frequencies are read.
struct Wave {
    cosines: Vec<f32>,
    /// Fades a frame in and out, so that its edges do not sound.
    window: Vec<f32>,
}

impl Wave {
    fn new() -> Self {
        let cosines: Vec<f32> = (0..FRAME)
            .map(|n| (TAU * n as f32 / FRAME as f32).cos())
            .collect();
        let window = cosines.iter().map(|cosine| 0.5 - 0.5 * cosine).collect();
        Self { cosines, window }
    }

    fn spectrum(&self, frame: &[f32]) -> Spectrum {
        let faded: Vec<f32> = frame
            .iter()
            .zip(&self.window)
            .map(|(sample, fade)| sample * fade)
            .collect();
        let frequencies = (FIRST..LAST).step_by(STEP);
        let magnitudes: Vec<f32> = frequencies
            .map(|frequency| self.magnitude(&faded, frequency))
            .collect();
        let power: f32 = magnitudes.iter().map(|one| one * one).sum();
        Spectrum {
            magnitudes,
            loudness: power.sqrt(),
        }
    }

    fn magnitude(&self, frame: &[f32], frequency: usize) -> f32 {
        let (mut real, mut imaginary) = (0.0, 0.0);
        for (n, sample) in frame.iter().enumerate() {
            let at = n * frequency;
            real += sample * self.cosines[at % FRAME];
            // A sine is a cosine a quarter later.
            imaginary += sample * self.cosines[(at + FRAME - FRAME / 4) % FRAME];
        }
        (real * real + imaginary * imaginary).sqrt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::{Clip, Segment};
    use crate::codec::{Limits, decode};
    use crate::test_support::{Noise, shared, tone};
    use std::time::Duration;

    #[test]
    fn a_tone_and_a_hiss_only_stay_as_they_are() {
        let hiss: Vec<f32> = Noise::new(5).take(8_000).map(|one| one * 0.1).collect();
        let mut fading = tone(330.0, 0.5, RATE);
        for (age, sample) in fading.iter_mut().enumerate() {
            *sample *= (-(age as f32) / 3_000.0).exp();
        }

        assert!(is_even(&hiss) && !is_tonal(&hiss));
        assert!(is_tonal(&fading) && !is_even(&fading));
        assert!(!is_steady(&[]) && !is_steady(&[0.1; 100]));
    }

    #[test]
    fn no_stretch_of_real_speech_does() {
        let test = "no_stretch_of_real_speech_does";
        let (Some(president), Some(readers)) =
            (shared(test, "jfk.wav"), shared(test, "silero_test.wav"))
        else {
            return;
        };
        for recording in [president, readers] {
            let clip: Clip = decode(recording, &Limits::default()).unwrap();
            let found = crate::activity::segments(
                &clip,
                Box::new(crate::activity::Earshot::new()),
                crate::activity::Policy {
                    padding: Duration::ZERO,
                    ..crate::activity::Policy::default()
                },
            );
            let found: Vec<Segment> = found.unwrap();

            assert!(found.len() >= 2);
            for segment in found {
                assert!(!is_steady(clip.slice(segment)), "{segment:?}");
            }
        }
    }
}
