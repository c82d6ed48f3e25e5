//! An answer as server-sent events, while it is made.

use std::convert::Infallible;
use std::fmt::Write;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream;
use hearth_app::chat::{Answered, Saying};
use hearth_app::{App, AppError};
use hearth_domain::Actor;
use http::{HeaderValue, header};
use serde_json::json;
use tokio::sync::watch;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at, sleep};

use super::super::tasks::IDEMPOTENT_REPLAYED;
use super::EVENT_STREAM;
use crate::problem::Problem;
use crate::wire::chat::ChatAnswer;

/// How long a refusal can still become a status of its own; then the answer begins.
const BEGINS_AFTER: Duration = Duration::from_secs(2);
/// How often a sign of life is sent while the model is silent.
const SIGN_EVERY: Duration = Duration::from_secs(15);

type Answering = Pin<Box<dyn Future<Output = Result<Answered, AppError>> + Send>>;

/// Answers with events.
pub(super) async fn answer(
    app: App,
    actor: Actor,
    mut saying: Saying,
) -> Result<Response, Problem> {
    // Holds only the latest: whoever reads slowly gets larger pieces.
    let (sender, mut heard) = watch::channel(String::new());
    saying.listener = Some(Arc::new(move |so_far: &str| {
        sender.send_replace(so_far.to_owned());
    }));
    let mut answering: Answering = Box::pin(async move { app.say(&actor, saying).await });
    tokio::select! {
        biased;
        answer = &mut answering => return whole(&answer?),
        Ok(()) = heard.changed() => heard.mark_changed(),
        () = sleep(BEGINS_AFTER) => (),
    }
    let mut signs = interval_at(Instant::now() + SIGN_EVERY, SIGN_EVERY);
    signs.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let live = Live {
        answering: Some(answering),
        heard,
        sent: String::new(),
        signs,
    };
    let pieces = stream::unfold(live, |mut live| async move {
        let piece = live.next().await?;
        Some((Ok::<_, Infallible>(Bytes::from(piece)), live))
    });
    Ok((kind(), Body::from_stream(pieces)).into_response())
}

/// An answer that is there already, all at once.
fn whole(answer: &Answered) -> Result<Response, Problem> {
    let text = finish("", answer).map_err(Problem::internal)?;
    let mut response = (kind(), Body::from(text)).into_response();
    if answer.is_repeat {
        let headers = response.headers_mut();
        headers.insert(IDEMPOTENT_REPLAYED, HeaderValue::from_static("true"));
    }
    Ok(response)
}

fn kind() -> [(header::HeaderName, &'static str); 2] {
    [
        (header::CONTENT_TYPE, EVENT_STREAM),
        (header::CACHE_CONTROL, "no-cache"),
    ]
}

/// An answer that is being made. Dropped when the reader goes away; the answer is made all the same.
struct Live {
    /// None when it has ended.
    answering: Option<Answering>,
    heard: watch::Receiver<String>,
    /// What was sent of the text.
    sent: String,
    signs: Interval,
}

impl Live {
    /// Waits for what is to be sent next; `None` after the end.
    async fn next(&mut self) -> Option<String> {
        loop {
            let answering = self.answering.as_mut()?;
            tokio::select! {
                biased;
                Ok(()) = self.heard.changed() => {
                    let so_far = self.heard.borrow_and_update().clone();
                    let text = advance(&self.sent, &so_far);
                    self.sent = so_far;
                    if !text.is_empty() {
                        return Some(text);
                    }
                }
                answer = answering => {
                    self.answering = None;
                    return Some(self.last(answer));
                }
                _ = self.signs.tick() => return Some(": still at it\n\n".into()),
            }
        }
    }

    fn last(&self, answer: Result<Answered, AppError>) -> String {
        let finished = match answer {
            Ok(answer) => finish(&self.sent, &answer).map_err(Problem::internal),
            Err(error) => Err(error.into()),
        };
        finished.unwrap_or_else(|problem| {
            let mut text = String::new();
            push(&mut text, "error", &problem.into_event().to_string());
            text
        })
    }
}

/// The events that lead from what was sent to what is certain.
fn advance(sent: &str, so_far: &str) -> String {
    let mut text = String::new();
    let more = so_far.strip_prefix(sent).unwrap_or_else(|| {
        push(&mut text, "reset", "{}");
        so_far
    });
    for piece in more.split_inclusive(['.', '?', '!', '\n']) {
        push(&mut text, "delta", &json!({ "text": piece }).to_string());
    }
    text
}

/// The last events of an answer.
fn finish(sent: &str, answer: &Answered) -> serde_json::Result<String> {
    let mut text = advance(sent, &answer.message.text);
    let whole = serde_json::to_string(&ChatAnswer::from(&answer.message))?;
    push(&mut text, "done", &whole);
    Ok(text)
}

/// Adds one event; JSON has no line breaks of its own.
fn push(text: &mut String, name: &str, data: &str) {
    // Writing to a string does not fail.
    let _ = write!(text, "event: {name}\ndata: {data}\n\n");
}
