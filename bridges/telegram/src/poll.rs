//! Long polling: updates are fetched, committed, and only then does the next call let Telegram forget
//! them.

use std::time::Duration;

use hearth_app::App;
use hearth_app::telegram::{Bot, UPDATES_MAX};
use serde_json::{Value, json};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use crate::client::{CALL, Client};
use crate::fault::{CallError, pause};
use crate::health::Health;
use crate::update;

/// How long Telegram holds a call open while nothing comes.
const HOLD: Duration = Duration::from_secs(30);
/// How many updates come at once, at most; Telegram's own limit.
const BATCH: usize = 100;
/// How long another program that receives the bot's messages is left alone: less than [`HOLD`], so that two
/// nodes of one bot go on disturbing each other, and each knows that the other is there.
const ELSEWHERE: Duration = Duration::from_secs(10);
/// How long is waited where too much waits to be dealt with.
const FULL: Duration = Duration::from_secs(1);

/// Why polling ended.
pub(crate) enum Ended {
    /// It was asked to.
    Stopped,
    /// The token is not taken any more.
    Token,
}

/// Fetches updates until `stop`, or until the token is refused.
pub(crate) async fn run(
    app: &App,
    client: &Client,
    health: &Health,
    bot: &Bot,
    stop: &CancellationToken,
) -> Ended {
    let mut failures = 0;
    // When another program took the bot's messages last.
    let mut disturbed: Option<Instant> = None;
    loop {
        // After a failure it is not held open, so that it is soon known to be over; what another program takes
        // is known by holding it open alone.
        let hold = if failures == 0 || disturbed.is_some() {
            HOLD
        } else {
            Duration::ZERO
        };
        let fetched = tokio::select! {
            biased;
            () = stop.cancelled() => return Ended::Stopped,
            fetched = fetch(app, client, hold) => fetched,
        };
        let rest = match fetched {
            Ok(Some(updates)) => {
                disturbed = disturbed.filter(|at| at.elapsed() < HOLD);
                if disturbed.is_none() {
                    health.works();
                }
                failures = 0;
                // Not to be cut off: what is committed is then known to be.
                keep(app, bot, updates).await
            }
            Ok(None) => FULL,
            Err(CallError::Token) => return Ended::Token,
            Err(error) => {
                failures += 1;
                // One lost call is no news.
                if failures > 1 || !error.is_transient() {
                    health.failed(&error);
                }
                match error {
                    CallError::Elsewhere(_) => {
                        disturbed = Some(Instant::now());
                        ELSEWHERE
                    }
                    CallError::TooMany { after } => after,
                    _ => pause(failures),
                }
            }
        };
        tokio::select! {
            biased;
            () = stop.cancelled() => return Ended::Stopped,
            () = tokio::time::sleep(rest) => (),
        }
    }
}

/// Fetches the next updates; `None` where as many wait here as may.
async fn fetch(
    app: &App,
    client: &Client,
    hold: Duration,
) -> Result<Option<Vec<Value>>, CallError> {
    let failed = |error: hearth_app::AppError| CallError::passing(error.to_string(), false);
    if app.count_telegram_updates().map_err(failed)? >= UPDATES_MAX {
        return Ok(None);
    }
    let position = app.telegram_position(client.bot()).map_err(failed)?;
    let mut body = json!({
        "timeout": hold.as_secs(),
        "limit": BATCH,
        "allowed_updates": update::KINDS,
    });
    if let Some(position) = position {
        body["offset"] = json!(position);
    }
    let updates = client.call_within(hold + CALL, "getUpdates", &body).await?;
    Ok(Some(updates))
}

/// Commits updates; returns how long to wait before the next are fetched.
async fn keep(app: &App, bot: &Bot, updates: Vec<Value>) -> Duration {
    let read: Vec<_> = updates
        .iter()
        .filter_map(|update| update::read(update, bot))
        .collect();
    if read.is_empty() {
        // Those without a number would be handed out again at once.
        return if updates.is_empty() {
            Duration::ZERO
        } else {
            FULL
        };
    }
    match app.take_telegram_updates(bot.id, read).await {
        Ok(taken) => {
            debug!(?taken, "updates came in");
            Duration::ZERO
        }
        Err(error) => {
            warn!(%error, "what came in over Telegram is not kept yet; it is fetched again");
            FULL
        }
    }
}
