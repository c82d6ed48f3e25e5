//! A text that is heard from a loudspeaker, each sentence as soon as it is made.

use std::time::Duration;

use crate::device::{DeviceError, Loudspeaker};
use crate::speech::{Speech, SpeechError};

/// Why a text is not heard to its end.
#[derive(Debug, thiserror::Error)]
pub enum AloudError {
    /// No sound was made of it.
    #[error(transparent)]
    Speech(#[from] SpeechError),
    /// The loudspeaker did not take it.
    #[error(transparent)]
    Device(#[from] DeviceError),
}

/// Plays what is said, and returns when its last word has sounded, with how long it sounds. Dropped before, it
/// makes no more sound; what the loudspeaker has taken already is for [`Loudspeaker::quiet`] to stop.
///
/// # Errors
/// See [`AloudError`]; what came before it was heard.
pub async fn play(
    speech: &mut Speech,
    loudspeaker: &mut Loudspeaker,
) -> Result<Duration, AloudError> {
    let mut length = Duration::ZERO;
    while let Some(sound) = speech.next().await {
        let sound = sound?;
        length += sound.duration();
        loudspeaker.play(sound).await?;
    }
    loudspeaker.finish().await?;
    Ok(length)
}
