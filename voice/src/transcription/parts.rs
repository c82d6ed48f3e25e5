//! A clip cut to its speech, in parts that an engine takes at once.
//!
//! Silence between stretches of speech is left out, so that nothing is made of it. Each part knows where its
//! pieces lay, so that times come out as they are in the clip.

use std::ops::Range;
use std::time::Duration;

use crate::audio::{self, Clip, RATE, duration_of, samples_in};

/// How far back from the limit a cut is looked for where somebody speaks on and on.
const CUT_WITHIN: Duration = Duration::from_secs(4);

/// How much sound is compared to find the quietest place: shorter than a syllable, longer than a period of a
/// deep voice.
const QUIET_SAMPLES: usize = RATE as usize * 30 / 1_000;

/// Some speech, and where it lay.
pub(super) struct Part {
    /// The speech, its pieces one after another.
    pub(super) clip: Clip,
    pieces: Vec<Piece>,
}

/// Positions and lengths in samples.
struct Piece {
    /// Where it begins in the part.
    at: usize,
    /// Where it lay in the whole clip.
    from: usize,
}

impl Part {
    fn new() -> Self {
        Self {
            clip: Clip::default(),
            pieces: Vec::new(),
        }
    }

    fn add(&mut self, clip: &Clip, range: Range<usize>) {
        self.pieces.push(Piece {
            at: self.clip.samples.len(),
            from: range.start,
        });
        self.clip.samples.extend_from_slice(&clip.samples[range]);
    }

    /// When a moment of the part is in the whole clip.
    pub(super) fn original(&self, time: Duration) -> Duration {
        let sample = samples_in(time, RATE).min(self.clip.samples.len());
        let piece = self.pieces.iter().rev().find(|piece| piece.at <= sample);
        let sample = piece.map_or(sample, |piece| piece.from + (sample - piece.at));
        duration_of(sample, RATE)
    }

    /// As [`Part::original`], for the end of something: where two pieces meet, it is the end of the first.
    pub(super) fn original_end(&self, time: Duration) -> Duration {
        let sample = samples_in(time, RATE).min(self.clip.samples.len());
        let piece = self.pieces.iter().rev().find(|piece| piece.at < sample);
        let sample = piece.map_or(sample, |piece| piece.from + (sample - piece.at));
        duration_of(sample, RATE)
    }
}

/// The speech of a clip in parts of at most `longest`.
pub(super) fn parts(clip: &Clip, speech: &[audio::Segment], longest: Duration) -> Vec<Part> {
    let longest = samples_in(longest, RATE).max(1);
    let mut parts = Vec::new();
    let mut part = Part::new();
    for segment in speech {
        let length = clip.samples.len();
        let end = samples_in(segment.end, RATE).min(length);
        let start = samples_in(segment.start, RATE).min(end);
        for range in pieces(clip, start..end, longest) {
            let is_full = part.clip.samples.len() + range.len() > longest;
            if is_full && !part.pieces.is_empty() {
                parts.push(std::mem::replace(&mut part, Part::new()));
            }
            part.add(clip, range);
        }
    }
    if !part.pieces.is_empty() {
        parts.push(part);
    }
    parts
}

/// A stretch of speech in pieces of at most `longest` samples, cut where it is quietest.
fn pieces(clip: &Clip, mut range: Range<usize>, longest: usize) -> Vec<Range<usize>> {
    let mut pieces = Vec::new();
    while range.len() > longest {
        let limit = range.start + longest;
        let from = limit - samples_in(CUT_WITHIN, RATE).min(longest / 2);
        let cut = from + quietest(&clip.samples[from..limit]);
        pieces.push(range.start..cut);
        range.start = cut;
    }
    if !range.is_empty() {
        pieces.push(range);
    }
    pieces
}

/// The middle of the quietest place in some samples.
fn quietest(samples: &[f32]) -> usize {
    let loudness = |at: &usize| -> f32 {
        let window = &samples[*at..*at + QUIET_SAMPLES];
        window.iter().map(|sample| sample * sample).sum()
    };
    let last = samples.len().saturating_sub(QUIET_SAMPLES);
    (0..last)
        .step_by(QUIET_SAMPLES / 3)
        .min_by(|a, b| loudness(a).total_cmp(&loudness(b)))
        .map_or(samples.len(), |at| at + QUIET_SAMPLES / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(start_ms: u64, end_ms: u64) -> audio::Segment {
        audio::Segment {
            start: Duration::from_millis(start_ms),
            end: Duration::from_millis(end_ms),
        }
    }

    fn seconds(count: usize) -> Clip {
        Clip {
            samples: vec![0.5; count * RATE as usize],
        }
    }

    #[test]
    fn silence_between_stretches_is_left_out_and_times_are_kept() {
        let clip = seconds(20);
        let speech = [segment(2_000, 4_000), segment(15_000, 16_000)];

        let parts = parts(&clip, &speech, Duration::from_secs(28));

        assert_eq!(parts.len(), 1);
        assert_eq!(parts[0].clip.duration(), Duration::from_secs(3));
        let original = |ms| parts[0].original(Duration::from_millis(ms)).as_millis();
        assert_eq!(original(0), 2_000);
        assert_eq!(original(1_500), 3_500);
        assert_eq!(original(2_000), 15_000);
        assert_eq!(original(2_500), 15_500);
        // What ends where the first stretch does ends there, and not where the next begins.
        let end = parts[0].original_end(Duration::from_secs(2));
        assert_eq!(end.as_millis(), 4_000);
        // A time beyond the end is the end.
        assert_eq!(original(60_000), 16_000);
    }

    #[test]
    fn a_part_is_full_before_a_stretch_that_does_not_fit() {
        let clip = seconds(60);
        let speech = [
            segment(0, 20_000),
            segment(21_000, 30_000),
            segment(40_000, 45_000),
        ];

        let parts = parts(&clip, &speech, Duration::from_secs(28));

        let lengths: Vec<u64> = parts
            .iter()
            .map(|part| part.clip.duration().as_secs())
            .collect();
        assert_eq!(lengths, [20, 14]);
        assert_eq!(parts[1].original(Duration::ZERO).as_secs(), 21);
    }

    #[test]
    fn somebody_who_never_pauses_is_cut_where_it_is_quietest_and_nothing_is_lost() {
        let mut clip = seconds(70);
        let quiet = 26 * RATE as usize;
        clip.samples[quiet - 400..quiet + 400].fill(0.001);

        let parts = parts(&clip, &[segment(0, 70_000)], Duration::from_secs(28));

        let first = parts[0].clip.samples.len();
        assert!(first.abs_diff(quiet) < 400, "{first}");
        let all: usize = parts.iter().map(|part| part.clip.samples.len()).sum();
        assert_eq!(all, clip.samples.len());
        let longest = parts.iter().map(|part| part.clip.duration()).max();
        assert!(longest <= Some(Duration::from_secs(28)));
    }
}
