//! Long polling: updates are fetched, committed, and only then does the next call let Telegram forget
//! them.

use std::time::Duration;

use hearth_app::App;
use hearth_app::telegram::{Rules, UPDATES_MAX};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use crate::client::{CALL, Client};
use crate::fault::{CallError, pause};
use crate::health::Health;
use crate::update;

/// How long Telegram holds a call open while nothing comes.
const HOLD: Duration = Duration::from_secs(50);
/// How many updates come at once, at most; Telegram's own limit.
const BATCH: usize = 100;
/// How long another program that receives the bot's messages is left alone.
const ELSEWHERE: Duration = Duration::from_secs(20);
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
    rules: &Rules,
    stop: &CancellationToken,
) -> Ended {
    let mut failures = 0;
    loop {
        let fetched = tokio::select! {
            biased;
            () = stop.cancelled() => return Ended::Stopped,
            // After a failure it is not held open, so that it is soon known to be over.
            fetched = fetch(app, client, if failures == 0 { HOLD } else { Duration::ZERO }) => fetched,
        };
        let rest = match fetched {
            Ok(Some(updates)) => {
                health.works();
                failures = 0;
                // Not to be cut off: what is committed is then known to be.
                keep(app, client, rules, updates).await
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
                    CallError::Elsewhere(_) => ELSEWHERE,
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
async fn keep(app: &App, client: &Client, rules: &Rules, updates: Vec<Value>) -> Duration {
    let read: Vec<_> = updates.iter().filter_map(update::read).collect();
    if read.is_empty() {
        // Those without a number would be handed out again at once.
        return if updates.is_empty() {
            Duration::ZERO
        } else {
            FULL
        };
    }
    match app
        .take_telegram_updates(client.bot(), rules.clone(), read)
        .await
    {
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
