//! Any rate of samples to any other, as a stream.

use audioadapter_buffers::direct::SequentialSlice;
use rubato::{Fft, FixedSync, Indexing, Resampler as _};

/// The rates that sound is recorded at, from the worst telephone to the best studio.
pub const RATES: std::ops::RangeInclusive<u32> = 1_000..=384_000;

/// Samples taken at once: short enough that a stream lags by a few hundredths of a second only.
const CHUNK: usize = 1_024;

/// A rate that no sound is recorded at.
#[derive(Debug, thiserror::Error)]
#[error(
    "{rate} samples in a second is no rate to work with; between {} and {} are",
    RATES.start(),
    RATES.end()
)]
pub struct RateError {
    rate: u32,
}

/// Turns a stream of mono samples at one rate into the same sound at another.
///
/// What comes out has the length of what went in, and lies at the same times.
pub struct Resampler {
    /// None where both rates are the same.
    filter: Option<Filter>,
}

struct Filter {
    fft: Fft<f32>,
    from: u32,
    to: u32,
    /// What has come in and does not fill a chunk yet.
    waiting: Vec<f32>,
    chunk: Vec<f32>,
    /// What the filter gives at its start is no sound yet.
    skip: usize,
    taken: u64,
    given: u64,
}

impl Resampler {
    /// # Errors
    /// A rate that no sound is recorded at.
    pub fn new(from: u32, to: u32) -> Result<Self, RateError> {
        for rate in [from, to] {
            if !RATES.contains(&rate) {
                return Err(RateError { rate });
            }
        }
        if from == to {
            return Ok(Self { filter: None });
        }
        let fft = Fft::new(from as usize, to as usize, CHUNK, 1, FixedSync::Input)
            .map_err(|_| RateError { rate: from })?;
        let skip = fft.output_delay();
        let chunk = vec![0.0; fft.output_frames_max()];
        Ok(Self {
            filter: Some(Filter {
                fft,
                from,
                to,
                waiting: Vec::with_capacity(CHUNK),
                chunk,
                skip,
                taken: 0,
                given: 0,
            }),
        })
    }

    /// Takes samples in and appends to `out` what is ready.
    pub fn push(&mut self, samples: &[f32], out: &mut Vec<f32>) {
        match &mut self.filter {
            None => out.extend_from_slice(samples),
            Some(filter) => filter.push(samples, out),
        }
    }

    /// Appends to `out` what is left, and begins anew.
    pub fn finish(&mut self, out: &mut Vec<f32>) {
        if let Some(filter) = &mut self.filter {
            filter.finish(out);
        }
    }
}

impl Filter {
    fn push(&mut self, mut samples: &[f32], out: &mut Vec<f32>) {
        self.taken += samples.len() as u64;
        while self.waiting.len() + samples.len() >= CHUNK {
            let (now, later) = samples.split_at(CHUNK - self.waiting.len());
            self.waiting.extend_from_slice(now);
            samples = later;
            self.turn(out, u64::MAX);
        }
        self.waiting.extend_from_slice(samples);
    }

    fn finish(&mut self, out: &mut Vec<f32>) {
        let due = (self.taken * u64::from(self.to)).div_ceil(u64::from(self.from));
        while self.given < due {
            self.turn(out, due);
        }
        self.fft.reset();
        self.skip = self.fft.output_delay();
        self.taken = 0;
        self.given = 0;
    }

    /// Puts what waits through the filter, with silence behind it where it fills no chunk.
    fn turn(&mut self, out: &mut Vec<f32>, due: u64) {
        let partial =
            (self.waiting.len() < CHUNK).then(|| Indexing::new().partial_len(self.waiting.len()));
        let ready = self.fft.output_frames_next();
        let written = {
            let (Ok(input), Ok(mut output)) = (
                SequentialSlice::new(&self.waiting, 1, self.waiting.len()),
                SequentialSlice::new_mut(&mut self.chunk, 1, ready),
            ) else {
                unreachable!("both are as long as they say");
            };
            self.fft
                .process_into_buffer(&input, &mut output, partial.as_ref())
        };
        self.waiting.clear();
        let Ok((_, written)) = written else {
            unreachable!("the lengths are those that the filter asked for");
        };
        let skipped = self.skip.min(written);
        self.skip -= skipped;
        let room = usize::try_from(due - self.given).unwrap_or(usize::MAX);
        let end = skipped + (written - skipped).min(room);
        out.extend_from_slice(&self.chunk[skipped..end]);
        self.given += (end - skipped) as u64;
    }
}

/// Samples at one rate as samples at another.
///
/// # Errors
/// A rate that no sound is recorded at.
pub fn convert(samples: Vec<f32>, from: u32, to: u32) -> Result<Vec<f32>, RateError> {
    let mut resampler = Resampler::new(from, to)?;
    if from == to {
        return Ok(samples);
    }
    let mut out = Vec::new();
    resampler.push(&samples, &mut out);
    resampler.finish(&mut out);
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Half a second of a tone.
    fn tone(hertz: f32, rate: u32) -> Vec<f32> {
        (0..rate / 2)
            .map(|n| (n as f32 * hertz * std::f32::consts::TAU / rate as f32).sin() * 0.5)
            .collect()
    }

    /// How far two stretches are apart, away from their ends, where a filter rings.
    fn distance(one: &[f32], other: &[f32]) -> f32 {
        let inner = 800..one.len().min(other.len()) - 800;
        one[inner.clone()]
            .iter()
            .zip(&other[inner])
            .map(|(a, b)| (a - b).abs())
            .fold(0.0, f32::max)
    }

    #[test]
    fn a_tone_stays_the_same_tone_at_the_same_time_from_any_rate() {
        for rate in [
            8_000, 11_025, 22_050, 24_000, 44_100, 44_101, 48_000, 96_000,
        ] {
            let wanted = tone(440.0, 16_000);

            let got = convert(tone(440.0, rate), rate, 16_000).unwrap();

            assert!(
                got.len().abs_diff(wanted.len()) <= 2,
                "{rate}: {}",
                got.len()
            );
            // One sample to the side, 60 millionths of a second, is as much as this.
            let apart = distance(&got, &wanted);
            assert!(apart < 0.09, "{rate}: {apart}");
        }
    }

    #[test]
    fn pieces_of_any_length_give_what_the_whole_gives() {
        let whole = tone(300.0, 44_100);
        let at_once = convert(whole.clone(), 44_100, 16_000).unwrap();

        let mut resampler = Resampler::new(44_100, 16_000).unwrap();
        let mut in_pieces = Vec::new();
        for piece in whole.chunks(317) {
            resampler.push(piece, &mut in_pieces);
        }
        resampler.finish(&mut in_pieces);

        assert_eq!(in_pieces, at_once);
    }

    #[test]
    fn what_lies_above_the_new_rate_is_gone_and_does_not_fold_back() {
        let got = convert(tone(11_000.0, 48_000), 48_000, 16_000).unwrap();

        let loudest = got[800..got.len() - 800]
            .iter()
            .fold(0.0f32, |a, b| a.max(b.abs()));
        assert!(loudest < 0.001, "{loudest}");
    }

    #[test]
    fn a_rate_that_nothing_is_recorded_at_is_refused() {
        let error = convert(vec![0.0], 12, 16_000).unwrap_err();

        assert!(error.to_string().starts_with("12 samples in a second"));
    }
}
