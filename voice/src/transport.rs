//! Where speech comes from and where it goes: a microphone and a loudspeaker, or in their place whatever else
//! carries a talk.
//!
//! Nothing above knows which: push-to-talk listens to an [`AudioInput`], [`crate::aloud`] speaks to an
//! [`AudioOutput`], and a [`Transport`] opens both. [`Local`] is the one there is, the devices of this machine.

use std::future::Future;

use crate::audio::Sound;
use crate::device::{Capture, DeviceError, Heard, Loudspeaker};

/// Sound as it comes in, 16 kHz and mono, in pieces of any length.
pub trait AudioInput: Send {
    /// The next samples; or that the line is gone, once; or that it is back, once. Never ends. May be dropped and
    /// called again without a loss.
    fn next(&mut self) -> impl Future<Output = Heard> + Send;
}

/// Where sound goes.
pub trait AudioOutput: Send {
    /// Plays a sound of any rate, and returns when all of it was taken: the next can follow without a gap. At most
    /// one sound waits, so that a slow line holds up who speaks and not the memory.
    ///
    /// # Errors
    /// The line is gone, or takes nothing any more.
    fn play(&mut self, sound: Sound) -> impl Future<Output = Result<(), DeviceError>> + Send;

    /// Returns when all that was taken has been heard.
    ///
    /// # Errors
    /// As for [`Self::play`].
    fn finish(&mut self) -> impl Future<Output = Result<(), DeviceError>> + Send;

    /// Throws away what waits to be heard, at once: somebody speaks over it.
    fn hush(&mut self);
}

/// What carries a talk: the two ways of it, opened when they are wanted.
pub trait Transport: Send + Sync + 'static {
    /// What is heard from the other end.
    type Input: AudioInput;
    /// What is heard at the other end.
    type Output: AudioOutput;

    /// Begins to listen.
    ///
    /// # Errors
    /// It cannot be opened.
    fn open_input(&self) -> impl Future<Output = Result<Self::Input, DeviceError>> + Send;

    /// Makes ready to speak.
    ///
    /// # Errors
    /// It cannot be opened.
    fn open_output(&self) -> impl Future<Output = Result<Self::Output, DeviceError>> + Send;
}

/// The microphone and the loudspeaker of this machine.
#[derive(Debug, Clone, Default)]
pub struct Local {
    /// The microphone, by its id or name or a part of it; none for the default one.
    pub microphone: Option<String>,
    /// The loudspeaker, likewise.
    pub loudspeaker: Option<String>,
}

impl Transport for Local {
    type Input = Capture;
    type Output = Loudspeaker;

    async fn open_input(&self) -> Result<Capture, DeviceError> {
        Capture::open(self.microphone.as_deref()).await
    }

    async fn open_output(&self) -> Result<Loudspeaker, DeviceError> {
        Loudspeaker::open(self.loudspeaker.as_deref()).await
    }
}

impl AudioInput for Capture {
    async fn next(&mut self) -> Heard {
        Capture::next(self).await
    }
}

impl AudioOutput for Loudspeaker {
    async fn play(&mut self, sound: Sound) -> Result<(), DeviceError> {
        Loudspeaker::play(self, sound).await
    }

    async fn finish(&mut self) -> Result<(), DeviceError> {
        Loudspeaker::finish(self).await
    }

    fn hush(&mut self) {
        Loudspeaker::hush(self);
    }
}
