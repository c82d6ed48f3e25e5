//! Deals with what came in: each update once, in the order of its chat, and what is said of it is
//! committed together with the update's end.
//!
//! Presses of buttons do not wait for what is being said in the same chat.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use hearth_app::telegram::TelegramUpdate;
use hearth_app::{App, AppError};
use hearth_domain::ConversationId;
use hearth_domain::telegram::{Arrival, Outgoing};
use serde_json::{Value, json};
use tokio::task::{Id, JoinSet};
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};

use crate::bridge::Config;
use crate::client::Client;
use crate::command::{self, Request};
use crate::fault::pause;
use crate::hear::{HearError, Heard, Note, hear};
use crate::lists;
use crate::press::press;
use crate::prompt::plain;
use crate::say::say;
use crate::split::fitting;
use crate::voice::Said;

/// How many updates are looked at, at once.
const LOOKED_AT: usize = 100;
/// How many are dealt with at once.
const LANES_MAX: usize = 16;
/// How often one is tried that fails for a reason of the node's own that may pass: for five minutes.
const TRIES: u32 = 10;
/// How often one is tried that cannot be fetched, or that nobody has time to hear: for an hour. It is somebody's
/// words, and those after it in its chat wait for it.
const VOICE_TRIES: u32 = 65;
/// How long what is under way has when the bridge stops; then it is taken up again at the next start.
const LAST: Duration = Duration::from_secs(3);
/// After how long the person is shown that something is written: what is quick needs no such sign.
const TYPING_AFTER: Duration = Duration::from_millis(700);
/// How often that is said again: Telegram shows it for five seconds.
const TYPING_AGAIN: Duration = Duration::from_millis(4500);

/// What is dealt with one after the other: what is said in a chat, and the presses in it.
type Lane = (i64, bool);

/// Everything an update is dealt with by.
#[derive(Clone)]
pub(crate) struct Hands {
    pub(crate) app: App,
    pub(crate) client: Client,
    pub(crate) bot_name: Arc<str>,
    pub(crate) config: Config,
    /// What is left undone then is taken up again at the next start.
    pub(crate) stop: CancellationToken,
}

impl Hands {
    /// Waits after so many tries; returns whether there is to be another, which is not so where the bridge stops.
    async fn rest(&self, tried: u32) -> bool {
        let resting = tokio::time::sleep(pause(tried));
        self.stop.run_until_cancelled(resting).await.is_some()
    }
}

/// What is to be said of an update, and in which conversation it was said.
type Answer = (Vec<Outgoing>, Option<ConversationId>);

/// Why an update was not dealt with.
#[derive(Debug)]
enum Undone {
    /// It may work a moment later.
    Later {
        /// What is in the way.
        why: String,
        /// How often it is tried in all.
        tries: u32,
    },
    /// It will not.
    Never(String),
}

/// Deals with updates until the bridge stops.
pub(crate) async fn run(hands: &Hands) {
    let mut at_work: JoinSet<()> = JoinSet::new();
    let mut lanes: HashMap<Id, (Lane, TelegramUpdate)> = HashMap::new();
    loop {
        match hands.app.next_telegram_updates(LOOKED_AT).await {
            Ok(waiting) => begin(hands, waiting, &mut at_work, &mut lanes),
            Err(error) => warn!(%error, "what came in over Telegram waits"),
        }
        tokio::select! {
            biased;
            () = hands.stop.cancelled() => break,
            Some(ended) = at_work.join_next_with_id() => {
                end(hands, ended, &mut at_work, &mut lanes);
            }
            () = hands.app.telegram_arrived() => (),
            // A wake-up that was lost costs no more.
            () = tokio::time::sleep(Duration::from_secs(10)) => (),
        }
    }
    let finish = async { while at_work.join_next().await.is_some() {} };
    // What is cut off here is found again with its update.
    let _ = tokio::time::timeout(LAST, finish).await;
}

/// Begins with the first that waits in each lane in which nothing is under way.
fn begin(
    hands: &Hands,
    waiting: Vec<TelegramUpdate>,
    at_work: &mut JoinSet<()>,
    lanes: &mut HashMap<Id, (Lane, TelegramUpdate)>,
) {
    let mut busy: HashSet<Lane> = lanes.values().map(|(lane, _)| *lane).collect();
    for update in waiting {
        let lane = (update.chat, matches!(update.arrival, Arrival::Press { .. }));
        if lanes.len() >= LANES_MAX {
            return;
        }
        if busy.insert(lane) {
            let (hands, work) = (hands.clone(), update.clone());
            let task = at_work.spawn(async move { deal_with(&hands, &work).await });
            lanes.insert(task.id(), (lane, update));
        }
    }
}

/// Frees a lane. Where dealing with an update panicked, the update is ended, or it would do so for ever.
fn end(
    hands: &Hands,
    ended: Result<(Id, ()), tokio::task::JoinError>,
    at_work: &mut JoinSet<()>,
    lanes: &mut HashMap<Id, (Lane, TelegramUpdate)>,
) {
    let (id, has_failed) = match ended {
        Ok((id, ())) => (id, false),
        Err(failed) => (failed.id(), failed.is_panic()),
    };
    let Some((lane, update)) = lanes.remove(&id) else {
        return;
    };
    if has_failed {
        error!(
            update = update.update_id,
            "an update could not be dealt with"
        );
        let sorry = plain("Something went wrong here, and I did not get to the end of that.");
        let (hands, ended) = (hands.clone(), update.clone());
        let task = at_work.spawn(async move { finish(&hands, &ended, (sorry, None)).await });
        lanes.insert(task.id(), (lane, update));
    }
}

/// Deals with an update to its end.
async fn deal_with(hands: &Hands, update: &TelegramUpdate) {
    let mut tried = 0;
    let answer = loop {
        tried += 1;
        match with_typing(hands, update, answer(hands, update)).await {
            Ok(answer) => break answer,
            Err(Undone::Later { why, tries }) if tried < tries => {
                warn!(update = update.update_id, "an update waits: {why}");
                if !hands.rest(tried).await {
                    return;
                }
            }
            Err(Undone::Later { why, .. } | Undone::Never(why)) => {
                break (plain(&format!("I could not do that: {why}")), None);
            }
        }
    };
    finish(hands, update, answer).await;
}

/// Notes that an update was dealt with, as often as it takes. Where the node ends before, it is dealt with
/// again: what it did is known by its key.
async fn finish(hands: &Hands, update: &TelegramUpdate, (outgoing, conversation): Answer) {
    let mut tried = 0;
    loop {
        let finished = hands
            .app
            .finish_telegram_update(update, conversation, outgoing.clone());
        let Err(error) = finished.await else {
            return;
        };
        tried += 1;
        warn!(update = update.update_id, %error, "an answer is not kept yet");
        if !hands.rest(tried).await {
            return;
        }
    }
}

/// Shows that something is written while `work` goes on.
async fn with_typing<T>(
    hands: &Hands,
    update: &TelegramUpdate,
    work: impl Future<Output = T>,
) -> T {
    let typing = async {
        tokio::time::sleep(TYPING_AFTER).await;
        loop {
            let body = json!({ "chat_id": update.chat, "action": "typing" });
            // It is a courtesy.
            let _: Result<Value, _> = hands.client.call("sendChatAction", &body).await;
            tokio::time::sleep(TYPING_AGAIN).await;
        }
    };
    tokio::select! {
        biased;
        done = work => done,
        () = typing => unreachable!("it types until the work is done"),
    }
}

async fn answer(hands: &Hands, update: &TelegramUpdate) -> Result<Answer, Undone> {
    match &update.arrival {
        Arrival::Text { text, .. } => written(hands, update, text).await,
        Arrival::Voice {
            file,
            seconds,
            bytes,
            ..
        } => {
            let note = Note {
                file,
                seconds: *seconds,
                bytes: *bytes,
            };
            spoken(hands, update, note).await
        }
        Arrival::Press {
            query,
            message,
            said,
            data,
        } => pressed(hands, (query, data), (*message, said)).await,
        Arrival::Other { .. } => {
            let sorry = "I read text and voice notes, and nothing else yet.";
            Ok((plain(sorry), None))
        }
    }
}

async fn written(hands: &Hands, update: &TelegramUpdate, text: &str) -> Result<Answer, Undone> {
    let app = &hands.app;
    match command::read(text, &hands.bot_name) {
        Request::Nothing => Ok((Vec::new(), None)),
        Request::Reply(text) => Ok((plain(&text), None)),
        Request::Status => Ok((lists::status(app).await?, None)),
        Request::Blocked => Ok((lists::blocked(app).await?, None)),
        Request::Projects => Ok((lists::projects(app).await?, None)),
        Request::Say(text) => {
            let answer = say(app, update, text).await?;
            Ok((plain(&answer.text), Some(answer.conversation_id)))
        }
    }
}

async fn spoken(hands: &Hands, update: &TelegramUpdate, note: Note<'_>) -> Result<Answer, Undone> {
    let Config {
        voice,
        max_voice_bytes,
        answer_by_voice,
        ..
    } = &hands.config;
    let voice = voice.as_deref();
    let heard = hear(
        &hands.app,
        &hands.client,
        voice,
        *max_voice_bytes,
        update,
        note,
        &hands.stop,
    );
    let later = |why| Undone::Later {
        why,
        tries: VOICE_TRIES,
    };
    let Said { text, is_cut } = match heard.await {
        Ok(Heard::Said(said)) => said,
        Ok(Heard::Nothing(why)) => return Ok((plain(&why), None)),
        Err(HearError::App(error)) => return Err(error.into()),
        Err(HearError::Call(error)) => {
            return Err(later(format!(
                "the voice note could not be fetched ({error}); please send it again."
            )));
        }
        Err(HearError::Later(why)) => return Err(later(why)),
    };
    let text = text.trim();
    let answer = say(&hands.app, update, text.to_owned()).await?;
    let cut = if is_cut {
        " (The voice note breaks off there.)"
    } else {
        ""
    };
    let mut outgoing = plain(&format!("You said: {text}{cut}\n\n{}", answer.text));
    if *answer_by_voice && voice.is_some() {
        outgoing.push(Outgoing::Voice { text: answer.text });
    }
    Ok((outgoing, Some(answer.conversation_id)))
}

async fn pressed(
    hands: &Hands,
    (query, data): (&str, &str),
    (message, said): (Option<i64>, &str),
) -> Result<Answer, Undone> {
    let outcome = press(&hands.app, data, said).await?;
    let body = json!({ "callback_query_id": query, "text": short(&outcome) });
    // It only stops the button from spinning, and is taken for a few minutes alone.
    let _: Result<Value, _> = hands.client.call("answerCallbackQuery", &body).await;
    let outgoing = match message {
        Some(message) => {
            let room = fitting(said);
            let text = format!("{}\n\n{outcome}", room.trim_end());
            // The outcome is what matters where both are too long.
            let text = if fitting(&text).len() < text.len() {
                outcome
            } else {
                text
            };
            vec![Outgoing::Edit { message, text }]
        }
        None => plain(&outcome),
    };
    Ok((outgoing, None))
}

/// Returns as much as Telegram shows over a button.
fn short(text: &str) -> String {
    text.chars().take(190).collect()
}

impl From<AppError> for Undone {
    fn from(error: AppError) -> Self {
        let why = match error {
            AppError::Unavailable { .. } => error.to_string(),
            AppError::Store(_) => "my own database failed; the node's log says how".into(),
            other => return Self::Never(format!("{other}.")),
        };
        Self::Later { why, tries: TRIES }
    }
}
