//! Sends what waits to go out: in the order of each chat, again where that may help, for a day.
//!
//! That a message is about to be sent is committed before it is sent. So one of which nobody knows what
//! became (the node was killed, or the connection broke, before Telegram answered) is known to be such, and
//! is sent again with a word that it may be there already: one message for each kill at most, because they
//! are sent one at a time. A voice note cannot carry such a word, and says nothing that was not written before
//! it: of that, nothing is sent twice.

use std::sync::Arc;
use std::time::Duration;

use hearth_app::App;
use hearth_app::telegram::{Settled, TelegramMessage};
use hearth_domain::Timestamp;
use hearth_domain::telegram::{Button, Outgoing};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};

use crate::client::Client;
use crate::fault::{CallError, pause};
use crate::split::fitting;
use crate::voice::Voice;

/// For how long a message is tried, and how often at least: a machine that slept for a day has not tried.
const TRIED_FOR: Duration = Duration::from_hours(24);
const TRIES_MIN: u32 = 8;
/// How often a voice note is tried: its words are there already, and others wait behind it.
const VOICE_TRIES: u32 = 5;
/// How often it is looked although nothing woke it.
const REST: Duration = Duration::from_secs(30);
/// How long it may take to speak an answer.
const SPEAK: Duration = Duration::from_mins(2);
/// How long the message under way has when the bridge stops.
const LAST: Duration = Duration::from_secs(5);
/// What stands in front of a message that may be there already.
pub(crate) const AGAIN: &str = "(You may have this already.)\n";

/// Sends what waits.
pub(crate) struct Sender {
    pub(crate) app: App,
    pub(crate) client: Client,
    pub(crate) voice: Option<Arc<dyn Voice>>,
}

impl Sender {
    /// Sends until `stop`.
    pub(crate) async fn run(&self, stop: &CancellationToken) {
        loop {
            let rest = match self.send_due(stop).await {
                Ok(rest) => rest,
                Err(error) => {
                    warn!(%error, "nothing is sent for now");
                    REST
                }
            };
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                () = self.app.telegram_outgoing() => (),
                () = tokio::time::sleep(rest) => (),
            }
        }
    }

    /// Sends all that is due; returns when there is more to do.
    async fn send_due(&self, stop: &CancellationToken) -> Result<Duration, hearth_app::AppError> {
        loop {
            let now = self.app.now();
            let next = self.app.next_telegram_messages().await?;
            let (due, later): (Vec<_>, Vec<_>) =
                next.into_iter().partition(|message| message.next_at <= now);
            if due.is_empty() {
                let soonest = later.iter().map(|message| message.next_at).min();
                return Ok(soonest.map_or(REST, |at| at.since(now).min(REST)));
            }
            for message in due {
                if stop.is_cancelled() {
                    return Ok(REST);
                }
                if !self.send(message, stop).await? {
                    return Ok(REST);
                }
            }
        }
    }

    /// Sends one; returns whether others may be sent.
    async fn send(
        &self,
        message: TelegramMessage,
        stop: &CancellationToken,
    ) -> Result<bool, hearth_app::AppError> {
        if message.is_unsure && is_voice(&message) {
            self.settle(message.number, lost_voice()).await?;
            return Ok(true);
        }
        if !self.app.begin_telegram_message(message.number).await? {
            return Ok(true);
        }
        let stopping = async {
            stop.cancelled().await;
            tokio::time::sleep(LAST).await;
        };
        let attempt = tokio::select! {
            biased;
            attempt = self.attempt(&message) => attempt,
            // Begun, and not settled: nobody knows.
            () = stopping => return Ok(false),
        };
        let is_token = matches!(attempt, Err(CallError::Token));
        let settled = settled(&message, attempt, self.app.now());
        self.settle(message.number, settled).await?;
        // Without its token the bot can send nothing.
        Ok(!is_token)
    }

    async fn attempt(&self, message: &TelegramMessage) -> Result<(), CallError> {
        let chat = message.chat;
        match &message.content {
            Outgoing::Text { text, buttons } => {
                let text = if message.is_unsure {
                    format!("{AGAIN}{text}")
                } else {
                    text.clone()
                };
                let mut body = json!({
                    "chat_id": chat, "text": text,
                    "link_preview_options": { "is_disabled": true },
                });
                if !buttons.is_empty() {
                    body["reply_markup"] = json!({ "inline_keyboard": keyboard(buttons) });
                }
                self.client.call::<Value>("sendMessage", &body).await?;
            }
            Outgoing::Edit { message, text } => {
                let body = json!({
                    "chat_id": chat, "message_id": message, "text": fitting(text),
                    "link_preview_options": { "is_disabled": true },
                });
                match self.client.call::<Value>("editMessageText", &body).await {
                    // An earlier attempt did it.
                    Err(CallError::Refused { description, .. })
                        if description.contains("message is not modified") => {}
                    other => {
                        other?;
                    }
                }
            }
            Outgoing::Voice { text } => self.speak(chat, text).await?,
        }
        Ok(())
    }

    /// Sends a text as a voice note. Its words went out before, so that one that cannot be spoken is no
    /// loss.
    async fn speak(&self, chat: i64, text: &str) -> Result<(), CallError> {
        let Some(voice) = &self.voice else {
            return Ok(());
        };
        match tokio::time::timeout(SPEAK, voice.speak(text)).await {
            Ok(Ok(note)) => self.client.send_voice(chat, note).await.map(drop),
            Ok(Err(cannot)) => {
                warn!("an answer was not spoken: {cannot}");
                Ok(())
            }
            Err(_) => {
                warn!("an answer was not spoken: it took too long");
                Ok(())
            }
        }
    }

    /// Notes what became of an attempt. It is tried a few times: else what was taken is sent again.
    async fn settle(&self, number: i64, settled: Settled) -> Result<(), hearth_app::AppError> {
        let mut tries = 0;
        loop {
            tries += 1;
            let noted = self
                .app
                .settle_telegram_message(number, settled.clone())
                .await;
            match noted {
                Err(_) if tries < 3 => tokio::time::sleep(pause(tries)).await,
                other => return other,
            }
        }
    }
}

/// Returns what follows from an attempt.
fn settled(message: &TelegramMessage, attempt: Result<(), CallError>, now: Timestamp) -> Settled {
    let error = match attempt {
        Ok(()) => return Settled::Sent,
        Err(error) => error,
    };
    let (said, is_closed) = (error.to_string(), error.is_closed());
    let tries = message.attempts + 1;
    let (after, is_unsure) = match error {
        CallError::Refused { code, .. } => {
            error!(
                chat = message.chat,
                code, "a message cannot be delivered: {said}"
            );
            return Settled::Dead {
                error: said,
                is_closed,
            };
        }
        CallError::TooMany { after } => (after, false),
        CallError::Passing { is_unsure, .. } => (pause(tries), is_unsure),
        // Nothing is sent until the bot is itself again, and then at once.
        CallError::Token => (Duration::ZERO, false),
        CallError::Elsewhere(_) => (Duration::from_secs(30), false),
    };
    let is_old = now.since(message.created_at) > TRIED_FOR && tries >= TRIES_MIN;
    if is_voice(message) && (is_unsure || tries >= VOICE_TRIES) {
        return lost_voice();
    }
    if is_old {
        return Settled::Dead {
            error: format!("it was not taken for a day; at last: {said}"),
            is_closed: false,
        };
    }
    Settled::Later {
        at: now.after(after),
        // What may have arrived before may have still.
        is_unsure: is_unsure || message.is_unsure,
        error: said,
    }
}

fn is_voice(message: &TelegramMessage) -> bool {
    matches!(message.content, Outgoing::Voice { .. })
}

/// What becomes of a voice note of which nobody knows whether it arrived.
fn lost_voice() -> Settled {
    Settled::Dead {
        error: "the voice note may not have arrived; its words are in the chat".into(),
        is_closed: false,
    }
}

fn keyboard(buttons: &[Vec<Button>]) -> Value {
    let row = |row: &Vec<Button>| -> Value {
        row.iter()
            .map(|button| json!({"text": button.label, "callback_data": button.data}))
            .collect()
    };
    buttons.iter().map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(is_unsure: bool) -> TelegramMessage {
        TelegramMessage {
            number: 1,
            chat: 5,
            content: Outgoing::Text {
                text: "a".into(),
                buttons: Vec::new(),
            },
            attempts: 1,
            is_unsure,
            next_at: Timestamp::from_millis(0),
            created_at: Timestamp::from_millis(0),
        }
    }

    fn after(attempt: Result<(), CallError>, was_unsure: bool) -> Settled {
        settled(&message(was_unsure), attempt, Timestamp::from_millis(1000))
    }

    #[test]
    fn what_telegram_puts_off_is_sent_when_it_says() {
        let error = CallError::TooMany {
            after: Duration::from_secs(7),
        };

        let Settled::Later { at, is_unsure, .. } = after(Err(error), false) else {
            panic!("it is to be tried again")
        };

        assert_eq!((at, is_unsure), (Timestamp::from_millis(8000), false));
    }

    #[test]
    fn what_may_have_arrived_stays_so() {
        let unsure = |attempt, was| match after(Err(attempt), was) {
            Settled::Later { is_unsure, .. } => is_unsure,
            other => panic!("{other:?}"),
        };

        assert!(unsure(CallError::passing("broke off", true), false));
        assert!(!unsure(CallError::passing("not reached", false), false));
        assert!(unsure(CallError::passing("not reached", false), true));
        assert!(unsure(CallError::Token, true));
    }

    #[test]
    fn what_is_refused_is_given_up() {
        let refused = CallError::Refused {
            code: 403,
            description: "bot was blocked by the user".into(),
        };

        let Settled::Dead { error, is_closed } = after(Err(refused), false) else {
            panic!("it is given up")
        };

        assert!(
            error.contains("blocked by the user") && is_closed,
            "{error}"
        );
        assert_eq!(after(Ok(()), true), Settled::Sent);
        let too_long = CallError::Refused {
            code: 400,
            description: "message is too long".into(),
        };
        let given_up = after(Err(too_long), false);
        assert!(
            matches!(
                given_up,
                Settled::Dead {
                    is_closed: false,
                    ..
                }
            ),
            "{given_up:?}"
        );
    }

    #[test]
    fn after_a_day_it_is_given_up_once_it_was_tried_often_enough() {
        let days = |days: u64| Timestamp::from_millis(0).after(Duration::from_hours(days * 24));
        let tried = |attempts, now| {
            let message = TelegramMessage {
                attempts,
                ..message(false)
            };
            let failed = Err(CallError::passing("not reached", false));
            matches!(settled(&message, failed, now), Settled::Dead { .. })
        };

        assert!(!tried(50, days(1)));
        assert!(!tried(0, days(3)), "the machine slept");
        assert!(tried(7, days(3)));
    }

    #[test]
    fn a_voice_note_is_not_sent_again_where_it_may_have_arrived() {
        let spoken = |attempts| TelegramMessage {
            content: Outgoing::Voice { text: "a".into() },
            attempts,
            ..message(false)
        };
        let now = Timestamp::from_millis(1);
        let failed = |attempts, is_unsure| {
            let error = CallError::passing("broke off", is_unsure);
            matches!(
                settled(&spoken(attempts), Err(error), now),
                Settled::Dead { .. }
            )
        };

        assert!(failed(0, true));
        assert!(!failed(0, false));
        assert!(failed(VOICE_TRIES - 1, false));
    }
}
