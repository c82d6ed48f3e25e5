//! Stretches of speech, made of what is said of single frames.

use std::time::Duration;

use super::{Activity, ActivityError, Thresholds};
use crate::audio::{Clip, RATE, Segment, duration_of, samples_in};

/// How long speech and silence must be to count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// So much speech without a pause, and it has begun, or goes on after one.
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
    thresholds: Thresholds,
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
    /// Speech since this position, too short so far to be taken for it.
    Rising(usize),
    Speaking(Speech),
}

#[derive(Clone, Copy)]
struct Speech {
    since: usize,
    /// The end of the last frame that held speech.
    last: usize,
    /// Samples of speech, pauses left out.
    spoken: usize,
    /// Since when speech seems to go on after a pause, too short so far to be taken for it.
    resumes: Option<usize>,
}

impl Detector {
    /// Listens with `activity`, from silence.
    pub fn new(activity: Box<dyn Activity>, policy: Policy) -> Self {
        let waiting = Vec::with_capacity(activity.frame());
        Self {
            thresholds: activity.thresholds(),
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
        matches!(self.state, State::Speaking(_))
    }

    /// Since when nobody has spoken, in time from the beginning of the stream; none while the last frame held
    /// speech or before any did.
    pub fn silent_since(&self) -> Option<Duration> {
        match self.state {
            State::Speaking(speech) if speech.last < self.heard => {
                Some(duration_of(speech.last, RATE))
            }
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
        if let State::Speaking(speech) = self.state {
            self.end(speech, end, &mut changes);
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
        let is_speech = probability >= self.thresholds.begins_above;
        match self.state {
            State::Silent if is_speech => self.rise(start, changes),
            State::Rising(since) if is_speech => self.rise(since, changes),
            State::Silent | State::Rising(_) => self.state = State::Silent,
            State::Speaking(speech) => self.go_on(speech, start, probability, changes),
        }
    }

    fn rise(&mut self, since: usize, changes: &mut Vec<Change>) {
        self.state = State::Rising(since);
        let spoken = self.heard - since;
        if spoken >= samples_in(self.policy.onset, RATE) {
            self.state = State::Speaking(Speech {
                since,
                last: self.heard,
                spoken,
                resumes: None,
            });
            changes.push(Change::Began(duration_of(since, RATE)));
        }
    }

    /// The frame from `start` on, while somebody speaks or makes a pause.
    fn go_on(
        &mut self,
        mut speech: Speech,
        start: usize,
        probability: f32,
        changes: &mut Vec<Change>,
    ) {
        let is_pause = speech.last < start;
        if !is_pause && probability >= self.thresholds.ends_below {
            speech.last = self.heard;
            speech.spoken += self.heard - start;
        } else if is_pause && probability >= self.thresholds.begins_above {
            let resumes = *speech.resumes.get_or_insert(start);
            let spoken = self.heard - resumes;
            // Noise in a pause is no more speech than noise before one.
            if spoken >= samples_in(self.policy.onset, RATE) {
                speech.last = self.heard;
                speech.spoken += spoken;
                speech.resumes = None;
            }
        } else {
            speech.resumes = None;
        }
        self.state = State::Speaking(speech);
        let silent_until = speech.resumes.unwrap_or(self.heard);
        if silent_until - speech.last >= samples_in(self.policy.hangover, RATE) {
            self.end(speech, self.heard, changes);
            // What seemed to go on may be where the next stretch begins.
            if let Some(since) = speech.resumes {
                self.rise(since, changes);
            }
        }
    }

    /// Gives out a stretch; there is sound up to `end`.
    fn end(&mut self, speech: Speech, end: usize, changes: &mut Vec<Change>) {
        self.state = State::Silent;
        if speech.spoken < samples_in(self.policy.minimum, RATE) {
            changes.push(Change::Dropped);
            return;
        }
        let padding = samples_in(self.policy.padding, RATE);
        let start = speech.since.saturating_sub(padding).max(self.given);
        let end = (speech.last + padding).min(end).max(start);
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
