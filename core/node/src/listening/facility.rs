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
                () = tokio::time::sleep(LOOK_EVERY) => self.rest().await,
            }
        }
    }

    pub(super) async fn facility(&self) -> Facility {
        let (hears, speaks) = (self.transcriber().await, self.usual().await);
        // What leaves the machine is told first, whatever else is wrong.
        let mut leaves = Vec::new();
        if let Some(hears) = hears.as_ref().ok().filter(|hears| !hears.is_local()) {
            leaves.push(format!(
                "recordings, with the names of your projects, are sent to {}",
                hears.name()
            ));
        }
        if let Some(whom) = speaks.as_ref().ok().and_then(|speaks| speaks.sends_to()) {
            leaves.push(format!("what is spoken is sent to {whom}"));
        }
        let leaves = leaves.join(", and ");
        let leaves = (!leaves.is_empty()).then(|| format!("{leaves}, away from this machine"));
        let is_heard = hears.is_ok();
        let wrong = hears.err().or(speaks.err());
        let wrong = wrong.or_else(|| self.trouble().clone());
        let (what, remedy) = wrong.as_ref().map(split).unzip();
        let reasons: Vec<String> = leaves.into_iter().chain(what).collect();
        let (reason, remedy) = (reasons.join("; "), remedy.unwrap_or_default());
        if is_heard {
            Facility::hampered(reason, remedy)
        } else {
            Facility::missing(reason, remedy)
        }
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
