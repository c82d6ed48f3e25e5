//! Voice notes: fetched, written down, and kept as a task where that cannot be done.

use std::time::Duration;

use bytes::Bytes;
use hearth_app::telegram::TelegramUpdate;
use hearth_app::voice::Unheard;
use hearth_app::{App, AppError};
use hearth_domain::Actor;
use hearth_domain::field::{Name, Title, Word};
use tokio_util::sync::CancellationToken;

use crate::client::Client;
use crate::fault::CallError;
use crate::say::once;
use crate::voice::{CannotHear, Said, Voice};

/// How long it may take to write a voice note down.
const TRANSCRIBE: Duration = Duration::from_mins(10);

/// What came of listening.
pub(crate) enum Heard {
    /// This was said.
    Said(Said),
    /// Nothing to be answered was heard; this is to be said of it.
    Nothing(String),
}

/// Why listening failed so that it may be tried again.
#[derive(Debug)]
pub(crate) enum HearError {
    /// Telegram did not hand the note out.
    Call(CallError),
    /// Nobody has time to hear it.
    Later(String),
    /// The store failed.
    App(AppError),
}

/// A voice note as Telegram tells of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Note<'a> {
    pub(crate) file: &'a str,
    pub(crate) seconds: u32,
    pub(crate) bytes: Option<u64>,
}

/// Fetches a voice note and writes it down.
pub(crate) async fn hear(
    app: &App,
    client: &Client,
    voice: Option<&dyn Voice>,
    max_bytes: u64,
    update: &TelegramUpdate,
    note: Note<'_>,
    stop: &CancellationToken,
) -> Result<Heard, HearError> {
    let too_large = || {
        let most = max_bytes / 1024;
        Heard::Nothing(format!(
            "This voice note is larger than {most} KB, which is the most I take. Say it in shorter ones, \
             or write it."
        ))
    };
    if note.bytes.is_some_and(|bytes| bytes > max_bytes) {
        return Ok(too_large());
    }
    let most = usize::try_from(max_bytes).unwrap_or(usize::MAX);
    let bytes = match client.download(note.file, most).await {
        Ok(Some(bytes)) => bytes,
        Ok(None) => return Ok(too_large()),
        Err(CallError::Refused { description, .. }) => {
            return Ok(Heard::Nothing(format!(
                "Telegram does not hand this voice note out ({description}). Please say it again."
            )));
        }
        Err(error) => return Err(HearError::Call(error)),
    };
    if bytes.is_empty() {
        return Ok(Heard::Nothing(
            "This voice note is empty. Please say it again.".into(),
        ));
    }
    let cannot = match voice {
        None => CannotHear::NotSetUp("I cannot hear voice notes yet.".into()),
        Some(voice) => {
            match tokio::time::timeout(TRANSCRIBE, voice.transcribe(bytes.clone())).await {
                Ok(Ok(said)) if said.text.trim().is_empty() => {
                    return Ok(Heard::Nothing("I heard nothing in this voice note.".into()));
                }
                Ok(Ok(said)) => return Ok(Heard::Said(said)),
                Ok(Err(cannot)) => cannot,
                Err(_) => CannotHear::Failed("It took too long to hear this voice note.".into()),
            }
        }
    };
    match cannot {
        // Who hears may be gone before the node is.
        CannotHear::Failed(why) if stop.is_cancelled() => Err(HearError::Later(why)),
        CannotHear::Later(why) => Err(HearError::Later(why)),
        CannotHear::Refused(why) => Ok(Heard::Nothing(why)),
        CannotHear::NotSetUp(why) | CannotHear::Failed(why) => {
            let kept = keep(app, update, note.seconds, bytes).await;
            let number = kept.map_err(HearError::App)?;
            Ok(Heard::Nothing(format!(
                "{why} I kept the recording: it is with task #{number}."
            )))
        }
    }
}

/// Keeps a voice note with a task for the owner, once; returns the task's number.
async fn keep(
    app: &App,
    update: &TelegramUpdate,
    seconds: u32,
    bytes: Bytes,
) -> Result<i64, AppError> {
    let unheard = Unheard {
        recording: bytes,
        media_type: "audio/ogg".parse()?,
        kind: Word::parse("type", "voice-note")?,
        name: Name::parse("name", "voice-note.ogg")?,
        title: Title::parse("title", &format!("Listen to a voice note ({seconds} s)"))?,
    };
    app.keep_unheard(&Actor::Owner, unheard, once(update, "kept"))
        .await
}
