//! Recordings and voice notes to samples, and back.
//!
//! Reads WAV, FLAC, MP3, M4A and Ogg/Opus of any rate and number of channels; the content decides which it
//! is, never the name. Writes WAV and Ogg/Opus.

mod encode;
mod error;
mod gather;
mod opus;
mod piped;
mod recording;
mod source;
#[cfg(test)]
mod tests;

use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

pub use self::encode::{encode_opus, encode_wav};
pub use self::error::CodecError;
pub use self::source::Source;

use self::gather::Gather;
use crate::audio::Clip;

/// How much is read at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How long a recording may sound. An hour takes 230 MB of memory as a [`Clip`].
    pub duration: Duration,
    /// How large a file may be.
    pub bytes: u64,
}

impl Default for Limits {
    /// Two hours, and two hours of CD quality as WAV with some room.
    fn default() -> Self {
        Self {
            duration: Duration::from_hours(2),
            bytes: 1_500_000_000,
        }
    }
}

/// Whether a recording was all there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It ended where it says that it ends.
    Whole,
    /// It breaks off in the middle; what there is was read.
    Cut,
    /// Whoever listens had enough.
    Stopped,
}

/// Reads a whole recording. One that breaks off gives what there is of it.
///
/// This takes a second of processor time for some minutes of sound: not for a thread that must not wait.
///
/// # Errors
/// Nothing in it, no recording, one in a form that is not read, or one beyond a limit.
pub fn decode(source: impl Into<Source>, limits: &Limits) -> Result<Clip, CodecError> {
    let mut samples = Vec::new();
    decode_into(source, limits, &mut |piece| {
        samples.extend_from_slice(piece);
        ControlFlow::Continue(())
    })?;
    Ok(Clip { samples })
}

/// Reads a recording piece by piece, so that a long one need not fit in memory. Each piece is some 16 kHz mono
/// samples, in order, at most a second of them.
///
/// # Errors
/// As [`decode`]. Pieces may have been handed on before.
pub fn decode_into(
    source: impl Into<Source>,
    limits: &Limits,
    hear: &mut dyn FnMut(&[f32]) -> ControlFlow<()>,
) -> Result<Ending, CodecError> {
    let source = source.into();
    let opened = source.open(limits)?;
    let mut gather = Gather::new(limits.duration, hear);
    // The decoders are other people's, and bytes come from anywhere: one that trips ends this recording only.
    let read = catch_unwind(AssertUnwindSafe(|| {
        if opened.is_ogg() {
            opus::read(opened, &mut gather)
        } else {
            recording::read(opened, &mut gather)
        }
    }));
    let ending = read.unwrap_or_else(|_| Err(CodecError::broken("its decoder gave up")))?;
    gather.finish(ending)
}
