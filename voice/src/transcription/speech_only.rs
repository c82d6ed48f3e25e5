//! Lets an engine hear speech and nothing else.
//!
//! Engines write words for silence and noise. So nothing is given to one in which no voice is heard, and what
//! is given is cut to the speech, with a little around it.

use std::sync::Arc;
use std::time::Duration;

use super::parts::{Part, parts};
use super::steady::is_steady;
use super::{Options, Segment, Transcriber, Transcribing, Transcript, TranscriptionError};
use crate::activity::{Activity, Change, Detector, Earshot, Policy};
use crate::audio::{self, Clip, RATE};

/// Makes what tells speech from noise, anew for each clip. It may load files, and is called where that holds up
/// nobody.
pub type Ear = Arc<dyn Fn() -> Box<dyn Activity> + Send + Sync>;

/// The longest clip that is transcribed.
const LONGEST: Duration = Duration::from_hours(2);

/// An engine that hears speech only.
pub struct SpeechOnly<T> {
    engine: T,
    ear: Ear,
    longest_part: Duration,
}

impl<T: Transcriber> SpeechOnly<T> {
    /// Puts an engine behind the ear that is always there. The engine gets at most `longest_part` at once, cut
    /// at pauses; longer clips are given to it part by part.
    pub fn new(engine: T, longest_part: Duration) -> Self {
        Self {
            engine,
            ear: Arc::new(|| Box::new(Earshot::new())),
            longest_part,
        }
    }

    /// The same with another ear.
    #[must_use]
    pub fn with_ear(self, ear: Ear) -> Self {
        Self { ear, ..self }
    }

    /// The engine behind it.
    pub fn engine(&self) -> &T {
        &self.engine
    }

    async fn listen(
        &self,
        clip: &Clip,
        options: &Options,
    ) -> Result<Transcript, TranscriptionError> {
        if clip.duration() > LONGEST {
            return Err(TranscriptionError::TooLong { limit: LONGEST });
        }
        let speech = self.speech(clip, options).await?;
        let parts = parts(clip, &speech, self.longest_part);
        let total: usize = parts.iter().map(|part| part.clip.samples.len()).sum();
        let mut heard = 0;
        let mut segments = Vec::new();
        let mut language = None;
        for part in &parts {
            let share = Share {
                before: fraction(heard, total),
                of: fraction(part.clip.samples.len(), total),
            };
            let transcript = self.hear(part, options, share).await?;
            language = language.or(transcript.language);
            let timed = transcript.segments.into_iter();
            segments.extend(timed.map(|segment| Segment {
                start: part.original(segment.start),
                end: part.original_end(segment.end),
                text: segment.text,
            }));
            heard += part.clip.samples.len();
            options.tell(fraction(heard, total));
        }
        options.tell(1.0);
        Ok(Transcript::of(segments, language, clip.duration()))
    }

    async fn hear(
        &self,
        part: &Part,
        options: &Options,
        share: Share,
    ) -> Result<Transcript, TranscriptionError> {
        let progress = options.progress.clone().map(|tell| -> super::Progress {
            Arc::new(move |done| tell(share.before + share.of * done))
        });
        let options = Options {
            progress,
            ..options.clone()
        };
        self.engine.transcribe(&part.clip, &options).await
    }

    /// The stretches in which somebody speaks. Judged a second at a time, so that it neither holds up others
    /// nor goes on for nobody.
    async fn speech(
        &self,
        clip: &Clip,
        options: &Options,
    ) -> Result<Vec<audio::Segment>, TranscriptionError> {
        let policy = Policy {
            padding: Duration::ZERO,
            ..Policy::default()
        };
        let ear = Arc::clone(&self.ear);
        let made = tokio::task::spawn_blocking(move || ear()).await;
        let activity = made.unwrap_or_else(|_| Box::new(Earshot::new()));
        let mut detector = Detector::new(activity, policy);
        let mut speech: Vec<audio::Segment> = Vec::new();
        let mut take = |changes: Vec<Change>| {
            for change in changes {
                match change {
                    Change::Ended(segment) if !is_steady(clip.slice(segment)) => {
                        speech.push(padded(segment, speech.last()));
                    }
                    Change::Ended(_) | Change::Began(_) | Change::Dropped => {}
                }
            }
        };
        for second in clip.samples.chunks(RATE as usize) {
            if options.cancel.is_cancelled() {
                return Err(TranscriptionError::Cancelled);
            }
            take(detector.push(second)?);
            tokio::task::yield_now().await;
        }
        take(detector.finish()?);
        Ok(speech)
    }
}

impl<T: Transcriber> Transcriber for SpeechOnly<T> {
    fn name(&self) -> &'static str {
        self.engine.name()
    }

    fn is_local(&self) -> bool {
        self.engine.is_local()
    }

    fn transcribe<'a>(&'a self, clip: &'a Clip, options: &'a Options) -> Transcribing<'a> {
        Box::pin(async move {
            let work = self.listen(clip, options);
            let done = options.cancel.run_until_cancelled(work).await;
            done.unwrap_or(Err(TranscriptionError::Cancelled))
        })
    }
}

/// A stretch with what is kept around it, so that no soft first or last sound is lost.
fn padded(segment: audio::Segment, before: Option<&audio::Segment>) -> audio::Segment {
    let padding = Policy::default().padding;
    let free = before.map_or(Duration::ZERO, |before| before.end);
    audio::Segment {
        start: segment.start.saturating_sub(padding).max(free),
        end: segment.end + padding,
    }
}

/// Which share of the whole a part is.
#[derive(Clone, Copy)]
struct Share {
    before: f32,
    of: f32,
}

fn fraction(of: usize, whole: usize) -> f32 {
    of as f32 / whole.max(1) as f32
}
