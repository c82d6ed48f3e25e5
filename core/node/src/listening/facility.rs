//! Whether the node hears and speaks, as its status tells.

use std::time::Duration;

use hearth_app::voice::VoiceError;
use hearth_app::{App, Facility};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::NodeVoice;

/// How often it is looked whether what was missing is there.
const LOOK_EVERY: Duration = Duration::from_secs(10);

impl NodeVoice {
    /// Tells whether the node hears and speaks, whenever that changes.
    pub(crate) async fn watch(self, app: App, shutdown: CancellationToken) {
        loop {
            let found = tokio::select! {
                biased;
                () = shutdown.cancelled() => return,
                found = self.facility() => found,
            };
            if app.facilities().voice != found {
                let (reason, remedy) = (found.reason_in_detail(), found.remedy.clone());
                if found.is_available {
                    info!(reason, "recordings can be heard");
                } else {
                    warn!(reason, remedy, "recordings cannot be heard: {reason}");
                }
                app.change_facilities(|facilities| facilities.voice = found);
            }
            tokio::select! {
                biased;
                () = shutdown.cancelled() => return,
                () = tokio::time::sleep(LOOK_EVERY) => (),
            }
        }
    }

    pub(super) async fn facility(&self) -> Facility {
        let transcriber = match self.transcriber().await {
            Ok(transcriber) => transcriber,
            Err(error) => {
                let (reason, remedy) = split(&error);
                return Facility::missing(reason, remedy);
            }
        };
        if let Err(error) = self.speaker(None).await {
            let (reason, remedy) = split(&error);
            return Facility::hampered(reason, remedy);
        }
        if !transcriber.is_local() {
            let whom = transcriber.name();
            return Facility::hampered(
                format!("recordings are sent to {whom}, away from this machine"),
                "",
            );
        }
        Facility::works()
    }
}

/// Cuts what is wrong from the command that mends it.
fn split(error: &VoiceError) -> (String, String) {
    let text = error.to_string();
    let Some((reason, rest)) = text.split_once("; ") else {
        return (text, String::new());
    };
    let command = ["hearth ", "apt install"]
        .into_iter()
        .find_map(|start| rest.find(start));
    let remedy = command.map_or(rest, |at| &rest[at..]);
    (reason.to_owned(), remedy.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_mends_it_is_the_command_alone() {
        let told = |text: &str| split(&VoiceError::NotSetUp(text.into()));

        assert_eq!(
            told("there is no model; to have it here: hearth models pull whisper-base.en"),
            (
                "there is no model".into(),
                "hearth models pull whisper-base.en".into()
            )
        );
        assert_eq!(told("off"), ("off".into(), String::new()));
    }
}
