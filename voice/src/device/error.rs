//! Why a microphone or loudspeaker cannot be used, and what to do.

use cpal::ErrorKind;

/// Which way sound goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// In.
    Microphone,
    /// Out.
    Loudspeaker,
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Microphone => "microphone",
            Self::Loudspeaker => "loudspeaker",
        })
    }
}

/// Why a device cannot be used. Each says what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeviceError {
    /// There is none at all.
    #[error("there is no {0}; plug one in, or turn it on in the settings of the system")]
    None(Kind),
    /// There is none of the name that was asked for.
    #[error("there is no {kind} named {asked}; there are: {}", names_of(.there))]
    Unknown {
        /// Which way sound goes.
        kind: Kind,
        /// The name that was asked for.
        asked: String,
        /// The names there are.
        there: Vec<String>,
    },
    /// Another program has it.
    #[error("the {0} is in use by another program; close that, or choose another {0}")]
    Busy(Kind),
    /// This program may not use it.
    #[error(
        "Hearth may not use the {0}; allow it in the settings of the system (on Linux: join the group audio)"
    )]
    Denied(Kind),
    /// It has no form of sound that is known here.
    #[error("the {kind} cannot be used ({reason}); choose another {kind}")]
    Unfit {
        /// Which way sound goes.
        kind: Kind,
        /// What it lacks.
        reason: String,
    },
    /// It was opened, and no sound passes.
    #[error(
        "the {0} was opened and nothing comes of it for two seconds; unmute it, or choose another {0}"
    )]
    Silent(Kind),
    /// It was there and is gone.
    #[error("the {0} is gone; plug it in again, or choose another {0}")]
    Lost(Kind),
    /// The sound system of this machine failed.
    #[error(
        "the sound system failed at the {kind}: {reason}; restart it, or choose another {kind}"
    )]
    Failed {
        /// Which way sound goes.
        kind: Kind,
        /// What it said.
        reason: String,
    },
}

impl DeviceError {
    /// What a complaint of the sound system means before anything has passed.
    pub(super) fn opening(kind: Kind, error: &cpal::Error) -> Self {
        match error.kind() {
            ErrorKind::DeviceNotAvailable | ErrorKind::HostUnavailable => Self::None(kind),
            ErrorKind::DeviceBusy => Self::Busy(kind),
            ErrorKind::PermissionDenied => Self::Denied(kind),
            ErrorKind::UnsupportedConfig
            | ErrorKind::UnsupportedOperation
            | ErrorKind::InvalidInput => Self::Unfit {
                kind,
                reason: error.to_string(),
            },
            _ => Self::Failed {
                kind,
                reason: error.to_string(),
            },
        }
    }

    /// What a complaint means while sound passes; none where sound goes on.
    pub(super) fn running(kind: Kind, error: &cpal::Error) -> Option<Self> {
        match error.kind() {
            // A gap, another route, or less urgency: the sound goes on.
            ErrorKind::Xrun | ErrorKind::DeviceChanged | ErrorKind::RealtimeDenied => None,
            ErrorKind::PermissionDenied => Some(Self::Denied(kind)),
            _ => Some(Self::Lost(kind)),
        }
    }
}

fn names_of(names: &[String]) -> String {
    if names.is_empty() {
        return "none".to_owned();
    }
    names.join(", ")
}
