//! How much is heard and spoken at once: a few at work, a few that wait, and no more.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use hearth_domain::Actor;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::VoiceError;

/// How many recordings or texts are held at once in a lane, those that wait included. One more is told to come
/// again.
pub(super) const HELD_MAX: usize = 8;
/// How many of them are worked on at once: an hour as samples takes 230 MB.
const AT_ONCE_MAX: usize = 2;

/// What is waited for. Each has its own places, so that what a person just said never waits for the hours of
/// recordings that a program hands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lane {
    /// Something that a person just said, and waits to have answered.
    Utterance,
    /// A recording to be written down.
    Recording,
    /// A text to be spoken.
    Speech,
}

/// The places of each lane.
#[derive(Default)]
pub(super) struct Seats {
    utterances: Row,
    recordings: Row,
    speeches: Row,
}

/// The places of one lane.
struct Row {
    held: Arc<Semaphore>,
    at_work: Arc<Semaphore>,
}

impl Default for Row {
    fn default() -> Self {
        Self {
            held: Arc::new(Semaphore::new(HELD_MAX)),
            at_work: Arc::new(Semaphore::new(AT_ONCE_MAX)),
        }
    }
}

/// A place, for a caller who may have things heard and spoken. It is free again when this is dropped.
pub struct Seat {
    actor: Actor,
    at_work: Arc<Semaphore>,
    _held: OwnedSemaphorePermit,
}

impl fmt::Debug for Seat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Seat").finish_non_exhaustive()
    }
}

impl Seats {
    /// # Errors
    /// All places of the lane are taken.
    pub(super) fn take(&self, actor: Actor, lane: Lane) -> Result<Seat, VoiceError> {
        let row = match lane {
            Lane::Utterance => &self.utterances,
            Lane::Recording => &self.recordings,
            Lane::Speech => &self.speeches,
        };
        let held = Arc::clone(&row.held).try_acquire_owned();
        Ok(Seat {
            actor,
            at_work: Arc::clone(&row.at_work),
            _held: held.map_err(|_| busy())?,
        })
    }
}

impl Seat {
    /// Whose it is.
    pub(super) fn actor(&self) -> &Actor {
        &self.actor
    }

    /// Does the work when its turn comes; gives up where it takes too long.
    pub(super) async fn run<T>(
        &self,
        within: Duration,
        work: impl Future<Output = Result<T, VoiceError>>,
    ) -> Result<T, VoiceError> {
        let _turn = self.at_work.acquire().await.map_err(|_| busy())?;
        match tokio::time::timeout(within, work).await {
            Ok(done) => done,
            Err(_) => Err(VoiceError::Failed(format!(
                "it took longer than {} minutes and was given up; cut it into parts",
                within.as_secs() / 60
            ))),
        }
    }
}

fn busy() -> VoiceError {
    VoiceError::Busy("too much is being heard and spoken at once; try again in a minute".into())
}
