//! Settings of the microphone, the loudspeaker and the recordings that come in, and how they are read.

use std::time::Duration;

use hearth_voice::transport::Local;

use crate::settings::value::Given;

/// Settings of the microphone, the loudspeaker and the recordings that come in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListeningSettings {
    /// The microphone, by its name or a part of it; the default one where none is named.
    pub microphone: Option<String>,
    /// The loudspeaker, by its name or a part of it; the default one where none is named.
    pub loudspeaker: Option<String>,
    /// Whether the node holds the microphone open, so that what is said just before the key goes down is
    /// kept.
    pub keeps_microphone_open: bool,
    /// Whether answers to what is said while the key is held are spoken.
    pub speaks_answers: bool,
    /// The largest recording that is taken.
    pub max_upload_bytes: u64,
    /// How long a recording may sound.
    pub longest: Duration,
}

impl ListeningSettings {
    /// The devices that are named.
    pub(crate) fn local(&self) -> Local {
        Local {
            microphone: self.microphone.clone(),
            loudspeaker: self.loudspeaker.clone(),
        }
    }
}

impl Default for ListeningSettings {
    fn default() -> Self {
        Self {
            microphone: None,
            loudspeaker: None,
            keeps_microphone_open: false,
            speaks_answers: false,
            max_upload_bytes: 50 * 1024 * 1024,
            longest: Duration::from_hours(1),
        }
    }
}

/// Reads the name of a device; nothing stands for the default one.
pub(super) fn device(given: Given<'_>) -> Result<Option<String>, String> {
    let text = given.text_or_none()?;
    if text.chars().count() > 200 || text.chars().any(char::is_control) {
        return Err("must be the name of a device or a part of it, at most 200 characters".into());
    }
    Ok((!text.trim().is_empty()).then(|| text.trim().to_owned()))
}
