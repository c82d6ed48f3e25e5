//! What is said between the press of a key and its release, and how loud it is. No device and no clock: time
//! is the number of samples.

use std::collections::VecDeque;
use std::time::Duration;

use crate::audio::{Clip, RATE, samples_in};

/// How much around the press and the release is kept, and how much in all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Around {
    /// Kept from before the press: people begin to speak as they press.
    pub before: Duration,
    /// Kept from after the release: people release as they end.
    pub after: Duration,
    /// The longest recording; it ends by itself there.
    pub longest: Duration,
}

impl Default for Around {
    fn default() -> Self {
        Self {
            before: Duration::from_millis(450),
            after: Duration::from_millis(200),
            longest: Duration::from_mins(5),
        }
    }
}

/// What was said.
#[derive(Clone, Debug, PartialEq)]
pub struct Recording {
    /// All of it, with what is kept around.
    pub clip: Clip,
    /// It ended because it was as long as is allowed, and not by a release.
    pub is_cut: bool,
}

/// Records between a press and a release. It must hear all the time while listening is armed, so that it has
/// what came before the press.
pub struct Recorder {
    around: Around,
    before: VecDeque<f32>,
    taken: Vec<f32>,
    state: State,
    meter: Meter,
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    Idle,
    Held,
    /// Released; so many samples are still taken.
    Ending(usize),
}

impl Recorder {
    /// Hears nothing yet.
    pub fn new(around: Around) -> Self {
        Self {
            before: VecDeque::with_capacity(samples_in(around.before, RATE)),
            around,
            taken: Vec::new(),
            state: State::Idle,
            meter: Meter::default(),
        }
    }

    /// The key went down. In the moment after a release the same recording goes on.
    pub fn press(&mut self) {
        if self.state == State::Idle {
            self.taken = self.before.drain(..).collect();
        }
        self.state = State::Held;
    }

    /// The key went up. Nothing where it was not down.
    pub fn release(&mut self) {
        if self.state == State::Held {
            self.state = State::Ending(samples_in(self.around.after, RATE));
        }
    }

    /// Throws away what was recorded.
    pub fn cancel(&mut self) {
        self.state = State::Idle;
        self.taken.clear();
    }

    /// Whether something is being recorded.
    pub fn is_recording(&self) -> bool {
        self.state != State::Idle
    }

    /// How loud it is, between 0 and 1, for a meter.
    pub fn level(&self) -> f32 {
        self.meter.level()
    }

    /// Takes the next 16 kHz mono samples. Returns a recording with the piece that ends it; more than one
    /// cannot end in a piece.
    pub fn push(&mut self, samples: &[f32]) -> Option<Recording> {
        self.meter.hear(samples);
        if self.state == State::Idle {
            self.keep_before(samples);
            return None;
        }
        let room = samples_in(self.around.longest, RATE).saturating_sub(self.taken.len());
        let wanted = match self.state {
            State::Ending(left) => left,
            State::Idle | State::Held => usize::MAX,
        };
        let count = samples.len().min(room).min(wanted);
        let (now, later) = samples.split_at(count);
        self.taken.extend_from_slice(now);
        if let State::Ending(left) = self.state {
            self.state = State::Ending(left - count);
        }
        let is_cut = count == room && self.state == State::Held;
        if !is_cut && self.state != State::Ending(0) && count < room {
            return None;
        }
        let samples = std::mem::take(&mut self.taken);
        self.state = State::Idle;
        self.keep_before(later);
        Some(Recording {
            clip: Clip { samples },
            is_cut,
        })
    }

    /// Ends at once, for a device that was lost: what was recorded so far, if anything was.
    pub fn finish(&mut self) -> Option<Recording> {
        self.before.clear();
        let samples = std::mem::take(&mut self.taken);
        let was_recording = std::mem::replace(&mut self.state, State::Idle) != State::Idle;
        (was_recording && !samples.is_empty()).then_some(Recording {
            clip: Clip { samples },
            is_cut: true,
        })
    }

    fn keep_before(&mut self, samples: &[f32]) {
        let size = samples_in(self.around.before, RATE);
        let samples = &samples[samples.len().saturating_sub(size)..];
        let excess = (self.before.len() + samples.len()).saturating_sub(size);
        self.before.drain(..excess);
        self.before.extend(samples);
    }
}

/// How loud it is, for the eye: up at once, down slowly.
#[derive(Clone, Debug, Default)]
pub struct Meter {
    level: f32,
}

impl Meter {
    /// This quiet, in decibels below the loudest there is, and the meter stands at 0.
    const FLOOR: f32 = -60.0;

    /// How much it falls in a second of silence.
    const FALL: f32 = 1.5;

    /// Takes the next 16 kHz mono samples.
    pub fn hear(&mut self, samples: &[f32]) {
        if samples.is_empty() {
            return;
        }
        let power = samples.iter().map(|s| s * s).sum::<f32>() / samples.len() as f32;
        let decibels = 10.0 * (power + 1e-12).log10();
        let now = (1.0 - decibels / Self::FLOOR).clamp(0.0, 1.0);
        let fallen = self.level - Self::FALL * samples.len() as f32 / RATE as f32;
        self.level = now.max(fallen);
    }

    /// Between 0 and 1.
    pub fn level(&self) -> f32 {
        self.level
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// So many milliseconds of a value that says where they come from.
    fn piece(millis: usize, value: f32) -> Vec<f32> {
        vec![value; millis * 16]
    }

    fn millis(samples: &[f32], value: f32) -> usize {
        samples.iter().filter(|s| **s == value).count() / 16
    }

    #[test]
    fn what_was_said_just_before_the_press_and_after_the_release_is_kept() {
        let mut recorder = Recorder::new(Around::default());
        assert_eq!(recorder.push(&piece(1_000, 0.1)), None);

        recorder.press();
        assert_eq!(recorder.push(&piece(2_000, 0.2)), None);
        recorder.release();
        let recording = recorder.push(&piece(500, 0.3)).unwrap();

        let samples = &recording.clip.samples;
        assert_eq!(millis(samples, 0.1), 450);
        assert_eq!(millis(samples, 0.2), 2_000);
        assert_eq!(millis(samples, 0.3), 200);
        assert!(!recording.is_cut);
    }

    #[test]
    fn what_was_recorded_once_is_not_recorded_again() {
        let mut recorder = Recorder::new(Around::default());
        recorder.press();
        recorder.push(&piece(1_000, 0.2));
        recorder.release();
        recorder.push(&piece(300, 0.3)).unwrap();

        recorder.press();
        recorder.release();
        let second = recorder.push(&piece(200, 0.4)).unwrap();

        assert_eq!(millis(&second.clip.samples, 0.2), 0);
        assert_eq!(millis(&second.clip.samples, 0.3), 100);
        assert_eq!(millis(&second.clip.samples, 0.4), 200);
    }

    #[test]
    fn a_press_right_after_a_release_goes_on() {
        let mut recorder = Recorder::new(Around::default());
        recorder.press();
        recorder.push(&piece(500, 0.2));
        recorder.release();
        assert_eq!(recorder.push(&piece(100, 0.3)), None);
        recorder.press();
        recorder.push(&piece(500, 0.2));
        recorder.release();

        let recording = recorder.push(&piece(200, 0.3)).unwrap();

        assert_eq!(millis(&recording.clip.samples, 0.2), 1_000);
        assert_eq!(millis(&recording.clip.samples, 0.3), 300);
    }

    #[test]
    fn a_key_that_is_held_for_ever_ends_at_the_limit() {
        let mut recorder = Recorder::new(Around {
            longest: Duration::from_secs(1),
            ..Around::default()
        });
        recorder.press();

        let recording = recorder.push(&piece(1_500, 0.2)).unwrap();

        assert!(recording.is_cut);
        assert_eq!(recording.clip.duration(), Duration::from_secs(1));
        assert!(!recorder.is_recording());
    }

    #[test]
    fn a_cancelled_recording_and_a_stray_release_give_nothing() {
        let mut recorder = Recorder::new(Around::default());
        recorder.release();
        assert_eq!(recorder.push(&piece(500, 0.1)), None);
        recorder.press();
        recorder.cancel();

        assert_eq!(recorder.push(&piece(500, 0.1)), None);
        assert_eq!(recorder.finish(), None);
    }

    #[test]
    fn a_lost_device_gives_what_was_recorded() {
        let mut recorder = Recorder::new(Around::default());
        recorder.press();
        recorder.push(&piece(700, 0.2));

        let recording = recorder.finish().unwrap();

        assert_eq!(millis(&recording.clip.samples, 0.2), 700);
    }

    #[test]
    fn the_meter_rises_at_once_and_falls_slowly() {
        let mut meter = Meter::default();
        meter.hear(&piece(20, 0.5));
        let loud = meter.level();
        meter.hear(&piece(100, 0.0));
        let after = meter.level();
        meter.hear(&piece(2_000, 0.0));

        assert!(loud > 0.85, "{loud}");
        assert!(after < loud && after > loud - 0.2, "{after}");
        assert_eq!(meter.level(), 0.0);
    }

    proptest! {
        #[test]
        fn no_piece_size_changes_what_is_recorded(sizes in prop::collection::vec(1usize..3_000, 1..40)) {
            let mut recorder = Recorder::new(Around::default());
            recorder.push(&piece(1_000, 0.1));
            recorder.press();
            for size in &sizes {
                prop_assert!(recorder.push(&vec![0.2; *size]).is_none());
            }
            recorder.release();
            let mut recording = None;
            for size in sizes.iter().cycle() {
                recording = recorder.push(&vec![0.3; *size]);
                if recording.is_some() {
                    break;
                }
            }

            let total: usize = sizes.iter().sum();
            prop_assert_eq!(recording.unwrap().clip.samples.len(), 450 * 16 + total + 200 * 16);
        }
    }
}
