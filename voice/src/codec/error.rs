//! Why a recording cannot be used, in words for the person who sent it.

use std::time::Duration;

use crate::resample::RateError;

/// Why a recording could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum CodecError {
    /// No bytes at all.
    #[error("the recording is empty (0 bytes); record or send it again")]
    Empty,
    /// It begins like a recording and holds no sound.
    #[error("the recording holds no sound: {0}; record or send it again")]
    Silent(String),
    /// The bytes are not a recording in a form that is read.
    #[error("this is not a recording that can be read ({0}); use WAV, FLAC, MP3, M4A or Ogg/Opus")]
    Unknown(String),
    /// It is a recording, and broken.
    #[error("the recording is broken: {0}; record or send it again")]
    Broken(String),
    /// It sounds longer than is allowed.
    #[error("the recording is longer than {}, which is the limit; cut it into parts", minutes(.limit))]
    TooLong {
        /// The limit.
        limit: Duration,
    },
    /// It is larger than is allowed.
    #[error(
        "the recording has {bytes} bytes, more than the limit of {limit}; send it compressed or in parts"
    )]
    TooLarge {
        /// What it has.
        bytes: u64,
        /// The limit.
        limit: u64,
    },
    /// The file could not be read.
    #[error("the recording could not be read")]
    File(#[from] std::io::Error),
    /// A rate that no sound is recorded at.
    #[error(transparent)]
    Rate(#[from] RateError),
    /// The encoder refused the sound.
    #[error("the sound could not be encoded: {0}")]
    Encode(String),
}

impl CodecError {
    pub(super) fn broken(reason: impl Into<String>) -> Self {
        Self::Broken(reason.into())
    }
}

fn minutes(limit: &Duration) -> String {
    let seconds = limit.as_secs();
    if seconds >= 120 && seconds.is_multiple_of(60) {
        format!("{} minutes", seconds / 60)
    } else {
        format!("{} seconds", limit.as_secs_f64())
    }
}
