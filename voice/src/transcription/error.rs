//! Why nothing was written down, in words for the person who spoke.

use std::path::PathBuf;
use std::time::Duration;

use crate::activity::ActivityError;

/// Why there is no transcript. The sound is as it was, for another try.
#[derive(Debug, thiserror::Error)]
pub enum TranscriptionError {
    /// Nothing that transcribes is set up, or a program for it is not installed. Says what to do.
    #[error("{0}")]
    Missing(String),
    /// The model's file is not there.
    #[error(
        "there is no model to transcribe with at {}; `hearth models pull whisper-base.en` fetches one", .path.display()
    )]
    NoModel {
        /// Where it should be.
        path: PathBuf,
    },
    /// The model's file is there and cannot be used.
    #[error(
        "the model at {} is broken: {reason}; `hearth models verify` says more, and pulling it again mends it", .path.display()
    )]
    ModelBroken {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A setting is wrong. Names it.
    #[error("{field}: {reason}")]
    Setting {
        /// Which.
        field: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// The process that transcribes ended in the middle.
    #[error(
        "the process that transcribes ended ({reason}); only this transcript is lost, try again"
    )]
    WorkerDied {
        /// How it ended.
        reason: String,
    },
    /// The clip is longer than is transcribed.
    #[error("the recording is longer than {} minutes, which is the limit; cut it into parts", .limit.as_secs() / 60)]
    TooLong {
        /// The limit.
        limit: Duration,
    },
    /// The process that transcribes reached its limit of memory.
    #[error(
        "transcribing needs more than the {} MiB of memory it may have; use a smaller model, or raise voice.memory_mb",
        .limit_bytes / (1024 * 1024)
    )]
    OutOfMemory {
        /// The limit.
        limit_bytes: u64,
    },
    /// It took longer than it may.
    #[error("transcribing took longer than {} seconds and was given up; use a smaller model", .limit.as_secs())]
    TimedOut {
        /// The limit.
        limit: Duration,
    },
    /// Too many wait already.
    #[error("{waiting} recordings wait to be transcribed already; try again in a minute")]
    Busy {
        /// How many.
        waiting: usize,
    },
    /// Whoever asked does not want it any more.
    #[error("transcribing was cancelled")]
    Cancelled,
    /// The machine cannot run the engine.
    #[error(
        "this machine's processor lacks {missing}, which Whisper is built for here; set voice.transcriber to groq or pocketsphinx"
    )]
    UnsupportedProcessor {
        /// What it lacks.
        missing: String,
    },
    /// The engine is there and failed, or refused.
    #[error("{engine} could not transcribe: {reason}")]
    Failed {
        /// Its name.
        engine: &'static str,
        /// What it said.
        reason: String,
        /// Whether another try may succeed.
        is_transient: bool,
    },
    /// The model that tells speech from noise failed.
    #[error(transparent)]
    Activity(#[from] ActivityError),
}

impl TranscriptionError {
    /// Whether the same may succeed a little later.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::WorkerDied { .. } | Self::Busy { .. } | Self::TimedOut { .. } => true,
            Self::Failed { is_transient, .. } => *is_transient,
            Self::Missing(_)
            | Self::NoModel { .. }
            | Self::ModelBroken { .. }
            | Self::Setting { .. }
            | Self::TooLong { .. }
            | Self::OutOfMemory { .. }
            | Self::Cancelled
            | Self::UnsupportedProcessor { .. }
            | Self::Activity(_) => false,
        }
    }
}
