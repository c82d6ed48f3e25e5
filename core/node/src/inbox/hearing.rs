//! Recordings in the inbox: heard one at a time, beside the other files, since one may take minutes.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::Read;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use hearth_app::voice::{Lane, Wanted};
use hearth_app::{AppError, UnavailableCause};
use hearth_domain::Actor;
use tracing::warn;

use super::Inbox;
use super::folder::Stamp;
use super::taking::{Failure, open, unreadable};
use crate::media_type::media_type;

/// How often a recording is tried that ends whoever hears it. Then it becomes a task for its owner.
const TRIES: u32 = 3;

/// What came of hearing a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    /// This was said.
    Said {
        /// The words.
        text: String,
        /// Whether the recording breaks off in the middle.
        is_cut: bool,
    },
    /// Nobody speaks in it.
    Silence,
    /// It was not heard, for this reason: nothing is there to hear it with, or it is no recording.
    Nothing(String),
}

/// The recordings that are being heard, and those that were.
#[derive(Debug, Default)]
pub(super) struct Hearing {
    /// Shared with the task that hears. Held for a copy only.
    shared: Arc<Mutex<Known>>,
}

#[derive(Debug, Default)]
struct Known {
    /// The one that is being heard.
    at_work: Option<OsString>,
    /// What came of those whose task is not made yet.
    heard: HashMap<OsString, (Stamp, Outcome)>,
    /// How often those were tried that failed.
    tries: HashMap<OsString, (Stamp, u32)>,
}

impl Hearing {
    fn lock(&self) -> std::sync::MutexGuard<'_, Known> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets a file whose task is made.
    pub(super) fn forget(&self, name: &OsStr) {
        let mut known = self.lock();
        known.heard.remove(name);
        known.tries.remove(name);
    }
}

/// Whether a file's name says that it is a recording.
pub(super) fn is_recording(name: &OsStr) -> bool {
    media_type(name.as_ref()).starts_with("audio/")
}

impl Inbox {
    /// What was heard in a file that is in the state `before`. Where that is not known yet, hearing it is
    /// begun; the inbox is woken when it has ended.
    pub(super) async fn heard(&self, name: &OsStr, before: Stamp) -> Result<Outcome, Failure> {
        {
            let mut known = self.hearing.lock();
            match known.heard.get(name) {
                Some((stamp, heard)) if stamp.is_same_content(&before) => return Ok(heard.clone()),
                Some(_) => drop(known.heard.remove(name)),
                None => (),
            }
            if known.at_work.is_some() {
                return Err(Failure::BeingHeard);
            }
        }
        if before.size > self.app.config().artifact_max_bytes {
            // Refused with the reason, as any file is that is too large.
            return Ok(Outcome::Nothing("it is too large".into()));
        }
        let own = name.to_owned();
        let opened = self.blocking(move |folder| {
            let opened = open(folder, &own, before)?;
            Ok((read(opened.file, opened.stamp)?, opened.stamp))
        });
        let (recording, stamp) = opened
            .await
            .map_err(|error| Failure::Later(self.folder.unreadable(&error)))??;
        self.hear(name.to_owned(), stamp, recording);
        Err(Failure::BeingHeard)
    }

    fn hear(&self, name: OsString, stamp: Stamp, recording: Bytes) {
        self.hearing.lock().at_work = Some(name.clone());
        let (app, wake) = (self.app.clone(), Arc::clone(&self.wake));
        let shared = Arc::clone(&self.hearing.shared);
        tokio::spawn(async move {
            // Whatever becomes of it, the next one may be heard, and the inbox looks again.
            let guard = Ended { shared, wake };
            let transcribed = async {
                let seat = app.take_seat(&Actor::Owner, Lane::Recording)?;
                app.transcribe(&seat, recording, Wanted::default()).await
            };
            let transcribed = transcribed.await;
            let mut known = guard.shared.lock().unwrap_or_else(PoisonError::into_inner);
            let heard = match transcribed {
                Ok(transcript) if transcript.is_silence => Some(Outcome::Silence),
                Ok(transcript) => Some(Outcome::Said {
                    text: transcript.text,
                    is_cut: transcript.is_cut,
                }),
                Err(error) => known.failed(&name, stamp, &error),
            };
            if let Some(heard) = heard {
                known.heard.insert(name, (stamp, heard));
            }
        });
    }
}

impl Known {
    /// What it means that a file was not heard; nothing where it is to be tried again.
    fn failed(&mut self, name: &OsStr, stamp: Stamp, error: &AppError) -> Option<Outcome> {
        let is_tried_again = match error {
            AppError::Unavailable { cause, .. } => match cause {
                UnavailableCause::NoVoice => false,
                // It may be this recording that it cannot stand.
                UnavailableCause::VoiceFailed => {
                    let tries = self.tries.entry(name.to_owned()).or_insert((stamp, 0));
                    if !tries.0.is_same_content(&stamp) {
                        *tries = (stamp, 0);
                    }
                    tries.1 += 1;
                    tries.1 < TRIES
                }
                UnavailableCause::Busy
                | UnavailableCause::NoRoom
                | UnavailableCause::Stopping
                | UnavailableCause::NoSandbox
                | UnavailableCause::NoModel => true,
            },
            AppError::Store(_) => true,
            AppError::NotFound { .. }
            | AppError::InvalidInput { .. }
            | AppError::InvalidTransition { .. }
            | AppError::Conflict { .. }
            | AppError::Denied(_) => false,
        };
        if is_tried_again {
            warn!(%error, "a recording in the inbox was not heard, and is tried again");
            return None;
        }
        let said = error.to_string();
        let said = said
            .strip_prefix("file ")
            .map_or(said.clone(), |rest| format!("it {rest}"));
        Some(Outcome::Nothing(said))
    }
}

/// Ends the turn of a recording when it is dropped.
struct Ended {
    shared: Arc<Mutex<Known>>,
    wake: Arc<tokio::sync::Notify>,
}

impl Drop for Ended {
    fn drop(&mut self) {
        let mut known = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        known.at_work = None;
        drop(known);
        self.wake.notify_one();
    }
}

fn read(mut file: File, stamp: Stamp) -> Result<Bytes, Failure> {
    let mut bytes = Vec::new();
    let read = (&mut file).take(stamp.size + 1).read_to_end(&mut bytes);
    read.map_err(|error| unreadable(stamp, &error))?;
    if bytes.len() as u64 == stamp.size {
        Ok(bytes.into())
    } else {
        Err(Failure::Changed)
    }
}
