//! Stretches of speech, made of what is said of single frames.

use std::time::Duration;

use super::{Activity, ActivityError};
use crate::audio::{Clip, RATE, Segment, duration_of, samples_in};

/// From when on it is speech, and until when.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Policy {
    /// How likely a frame must be for speech to begin.
    pub begins_above: f32,
    /// How unlikely a frame must be to count as silence once somebody speaks. Below the other, so that
    /// speech does not flicker.
    pub ends_below: f32,
    /// So much speech without a pause, and it has begun.
    pub onset: Duration,
    /// So much silence, and it has ended.
    pub hangover: Duration,
    /// A stretch with less speech than this is dropped: a cough, a key, a door.
    pub minimum: Duration,
    /// Added before and after each stretch, as far as there is sound, so that no soft first or last
    /// sound is cut off.
    pub padding: Duration,
}

impl Default for Policy {
    /// For recordings and voice notes. 100 ms of speech in a row is a syllable; pauses inside a sentence
    /// stay under 300 ms.
    fn default() -> Self {
        Self {
            begins_above: 0.5,
            ends_below: 0.35,
            onset: Duration::from_millis(96),
            hangover: Duration::from_millis(300),
            minimum: Duration::from_millis(250),
            padding: Duration::from_millis(200),
        }
    }
}

/// What a [`Detector`] noticed, in time from the beginning of the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Somebody began to speak at this time; known one onset later.
    Began(Duration),
    /// What began has ended, and this is all of it with its padding; known one hangover later.
    Ended(Segment),
    /// What began was too short to be speech.
    Dropped,
}

/// Finds speech in a stream of samples.
pub struct Detector {
    activity: Box<dyn Activity>,
    policy: Policy,
    /// What has come in and does not fill a frame yet.
    waiting: Vec<f32>,
    state: State,
    /// Samples judged so far.
    heard: usize,
    /// Until where stretches were given out; padding never reaches before it.
    given: usize,
}

/// Positions in samples from the beginning of the stream.
#[derive(Clone, Copy)]
enum State {
    Silent,
    /// Speech since `since`, too short so far to be taken for it.
    Rising {
        since: usize,
    },
    /// Speech since `since`, last in the frame that ended at `last`, `spoken` samples of it.
    Speaking {
        since: usize,
        last: usize,
        spoken: usize,
    },
}

impl Detector {
    /// Listens with `activity`, from silence.
    pub fn new(activity: Box<dyn Activity>, policy: Policy) -> Self {
        let waiting = Vec::with_capacity(activity.frame());
        Self {
            activity,
            policy,
            waiting,
            state: State::Silent,
            heard: 0,
            given: 0,
        }
    }

    /// Whether somebody speaks, as far as is known.
    pub fn is_speaking(&self) -> bool {
        matches!(self.state, State::Speaking { .. })
    }

    /// Since when nobody has spoken, in time from the beginning of the stream; none while the last frame held
    /// speech or before any did.
    pub fn silent_since(&self) -> Option<Duration> {
        match self.state {
            State::Speaking { last, .. } if last < self.heard => Some(duration_of(last, RATE)),
            _ => None,
        }
    }

    /// Takes the next 16 kHz mono samples, any number of them, and says what changed.
    ///
    /// # Errors
    /// The model failed.
    pub fn push(&mut self, mut samples: &[f32]) -> Result<Vec<Change>, ActivityError> {
        let frame = self.activity.frame();
        let mut changes = Vec::new();
        while self.waiting.len() + samples.len() >= frame {
            let (now, later) = samples.split_at(frame - self.waiting.len());
            self.waiting.extend_from_slice(now);
            samples = later;
            let probability = self.activity.probability(&self.waiting)?;
            self.waiting.clear();
            self.judge(probability, frame, &mut changes);
        }
        self.waiting.extend_from_slice(samples);
        Ok(changes)
    }

    /// Ends the stream, says what changed by that, and begins anew.
    ///
    /// # Errors
    /// The model failed.
    pub fn finish(&mut self) -> Result<Vec<Change>, ActivityError> {
        let mut changes = Vec::new();
        let end = self.heard + self.waiting.len();
        if !self.waiting.is_empty() {
            // The last piece is heard with silence behind it.
            let frame = self.activity.frame();
            self.waiting.resize(frame, 0.0);
            let probability = self.activity.probability(&self.waiting)?;
            self.judge(probability, frame, &mut changes);
        }
        if let State::Speaking {
            since,
            last,
            spoken,
        } = self.state
        {
            self.end(since, last, spoken, end, &mut changes);
        }
        self.activity.reset();
        self.waiting.clear();
        self.state = State::Silent;
        self.heard = 0;
        self.given = 0;
        Ok(changes)
    }

    fn judge(&mut self, probability: f32, frame: usize, changes: &mut Vec<Change>) {
        let start = self.heard;
        self.heard += frame;
        match self.state {
            State::Silent if probability >= self.policy.begins_above => {
                self.state = State::Rising { since: start };
                self.rise(start, changes);
            }
            State::Silent => {}
            State::Rising { since } if probability >= self.policy.begins_above => {
                self.rise(since, changes);
            }
            State::Rising { .. } => self.state = State::Silent,
            State::Speaking { since, spoken, .. } if probability >= self.policy.ends_below => {
                self.state = State::Speaking {
                    since,
                    last: self.heard,
                    spoken: spoken + frame,
                };
            }
            State::Speaking {
                since,
                last,
                spoken,
            } => {
                if self.heard - last >= samples_in(self.policy.hangover, RATE) {
                    self.end(since, last, spoken, self.heard, changes);
                }
            }
        }
    }

    fn rise(&mut self, since: usize, changes: &mut Vec<Change>) {
        let spoken = self.heard - since;
        if spoken >= samples_in(self.policy.onset, RATE) {
            self.state = State::Speaking {
                since,
                last: self.heard,
                spoken,
            };
            changes.push(Change::Began(duration_of(since, RATE)));
        }
    }

    /// Gives out the stretch from `since` to `last`; there is sound up to `end`.
    fn end(
        &mut self,
        since: usize,
        last: usize,
        spoken: usize,
        end: usize,
        changes: &mut Vec<Change>,
    ) {
        self.state = State::Silent;
        if spoken < samples_in(self.policy.minimum, RATE) {
            changes.push(Change::Dropped);
            return;
        }
        let padding = samples_in(self.policy.padding, RATE);
        let start = since.saturating_sub(padding).max(self.given);
        let end = (last + padding).min(end).max(start);
        self.given = end;
        changes.push(Change::Ended(Segment {
            start: duration_of(start, RATE),
            end: duration_of(end, RATE),
        }));
    }
}

/// The stretches of a whole clip in which somebody speaks, in order; none overlap.
///
/// # Errors
/// The model failed.
pub fn segments(
    clip: &Clip,
    activity: Box<dyn Activity>,
    policy: Policy,
) -> Result<Vec<Segment>, ActivityError> {
    let mut detector = Detector::new(activity, policy);
    let mut changes = detector.push(&clip.samples)?;
    changes.extend(detector.finish()?);
    Ok(changes
        .into_iter()
        .filter_map(|change| match change {
            Change::Ended(segment) => Some(segment),
            Change::Began(_) | Change::Dropped => None,
        })
        .collect())
}
