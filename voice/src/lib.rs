//! Audio in, transcript out; text in, audio out. All of it on the device, unless its owner says otherwise.
//!
//! It knows nothing of tasks, keeps no state, and reads neither settings nor the environment: whoever uses
//! it hands in every path, key and limit. Each part has a floor that always works and a better one where its
//! files are there.
//!
//! Reading order:
//!
//! - [`audio`]: a stretch of sound, and a place in one
//! - [`resample`]: any rate of samples to any other, as a stream
//! - [`codec`]: recordings and voice notes to samples, and back
//! - [`onnx`]: a library of others that runs models
//! - [`activity`]: when somebody speaks
//! - [`speech`]: text to sound, sentence by sentence
//! - [`transcription`]: sound to text, in a process of its own
//! - [`catalogue`]: the models and libraries that can be had
//! - [`talk`]: what is said between the press of a key and its release
//! - [`device`]: microphones and loudspeakers
//! - [`transport`]: what carries a talk: those devices, or something in their place
//! - [`aloud`]: a text that is heard at once

#![expect(
    clippy::cast_precision_loss,
    reason = "numbers of samples become numbers with a fraction, and are far below where that loses any"
)]
#![cfg_attr(
    test,
    expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::float_cmp,
        reason = "sound of tests is made by small numbers, and compared where it must be the same"
    )
)]

pub mod activity;
pub mod aloud;
pub mod audio;
pub mod catalogue;
pub mod codec;
pub mod device;
pub mod onnx;
pub mod resample;
pub mod speech;
pub mod talk;
pub mod transcription;
pub mod transport;

#[cfg(test)]
mod test_support;
