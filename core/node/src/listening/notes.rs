//! Voice notes of Telegram, heard and spoken as everything else is.

use bytes::Bytes;
use hearth_app::voice::{Lane, Speech, SpeechFormat, Wanted};
use hearth_app::{App, AppError, UnavailableCause};
use hearth_domain::Actor;
use hearth_telegram::voice::{Said, VoiceFuture};
use hearth_telegram::{CannotHear, Voice};

/// Hears and speaks for the bridge, in the owner's name: only whoever the owner allowed comes so far.
pub(crate) struct Notes(pub(crate) App);

impl Voice for Notes {
    fn transcribe(&self, note: Bytes) -> VoiceFuture<'_, Said> {
        Box::pin(async move {
            let cannot = |error: AppError| cannot(&error);
            let seat = self.0.take_seat(&Actor::Owner, Lane::Utterance);
            let seat = seat.map_err(cannot)?;
            let heard = self.0.transcribe(&seat, note, Wanted::default());
            let heard = heard.await.map_err(cannot)?;
            // Nothing said is an empty text.
            Ok(Said {
                text: heard.text,
                is_cut: heard.is_cut,
            })
        })
    }

    fn speak<'a>(&'a self, text: &'a str) -> VoiceFuture<'a, Bytes> {
        Box::pin(async move {
            let speech = Speech {
                text: text.to_owned(),
                format: SpeechFormat::Opus,
                voice: None,
                speed: 1.0,
            };
            let spoken = self.0.speak(&Actor::Owner, speech);
            spoken.await.map_err(|error| cannot(&error))
        })
    }
}

fn cannot(error: &AppError) -> CannotHear {
    let text = error.to_string();
    match error {
        AppError::Unavailable {
            cause: UnavailableCause::NoVoice,
            ..
        } => CannotHear::NotSetUp(text),
        AppError::Unavailable {
            cause: UnavailableCause::Busy | UnavailableCause::Stopping,
            ..
        } => CannotHear::Later(text),
        AppError::InvalidInput { problem, .. } => {
            let why = problem.strip_prefix("cannot be used: ").unwrap_or(problem);
            CannotHear::Refused(why.to_owned())
        }
        AppError::NotFound { .. }
        | AppError::InvalidTransition { .. }
        | AppError::Conflict { .. }
        | AppError::Denied(_)
        | AppError::Unavailable { .. }
        | AppError::Store(_) => CannotHear::Failed(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_heard_says_whether_it_is_the_note_or_the_machine() {
        let broken = AppError::InvalidInput {
            code: "invalid_audio",
            field: "file".into(),
            problem: "cannot be used: the recording is broken".into(),
            unaccepted: None,
        };
        let missing = AppError::Unavailable {
            cause: UnavailableCause::NoVoice,
            detail: "there is no model".into(),
        };

        assert_eq!(
            cannot(&broken),
            CannotHear::Refused("the recording is broken".into())
        );
        assert_eq!(
            cannot(&missing),
            CannotHear::NotSetUp("there is no model".into())
        );
    }
}
