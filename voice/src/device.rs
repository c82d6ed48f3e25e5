//! Microphones and loudspeakers of this machine.
//!
//! A machine without a sound card may still name a default one. So a microphone counts as there when it can be
//! opened and samples arrive within two seconds, and a loudspeaker when it takes some.

mod capture;
mod error;
mod list;
mod microphone;
mod opening;
mod output;

#[cfg(test)]
mod tests;

pub use self::capture::{Capture, Heard};
pub use self::error::{DeviceError, Kind};
pub use self::list::{Device, loudspeakers, microphones};
pub use self::microphone::Microphone;
pub use self::output::Loudspeaker;
