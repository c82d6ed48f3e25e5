//! What the owner is told without asking: handed to the outbox, each once.

use std::time::Duration;

use hearth_app::notices::Presence;
use hearth_app::telegram::channel;
use hearth_app::{App, AppError, EventStream};
use hearth_domain::Actor;
use hearth_domain::event_filter::{EventFilter, TypePattern};
use hearth_domain::notice::{Notice, NoticeKind};
use hearth_domain::telegram::Outgoing;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::health::Health;
use crate::prompt::{block, find, plain, questions};

/// How often it is looked although no event woke it: quiet hours end, and what another channel took and
/// did not tell waits again.
const REST: Duration = Duration::from_mins(1);
/// How much may wait to go out before nothing is added by itself.
const WAITING_MAX: u64 = 500;

/// Tells notices until `stop`.
pub(crate) async fn run(app: &App, health: &Health, stop: &CancellationToken) {
    let mut events = subscribe(app);
    loop {
        if let Err(error) = tell_all(app, health).await {
            warn!(%error, "notices are not told for now");
        }
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            () = next(&mut events) => (),
            () = app.telegram_reachable() => (),
            () = tokio::time::sleep(REST) => (),
        }
    }
}

fn subscribe(app: &App) -> Option<EventStream> {
    let filter = EventFilter {
        types: vec![TypePattern::Exact("notice.created".into())],
        ..EventFilter::default()
    };
    app.subscribe(None, filter).ok()
}

/// Waits for an event; for ever where there are none to be had.
async fn next(events: &mut Option<EventStream>) {
    let is_there = match events {
        Some(events) => matches!(events.next().await, Ok(Some(_))),
        None => false,
    };
    if !is_there {
        *events = None;
        std::future::pending::<()>().await;
    }
}

async fn tell_all(app: &App, health: &Health) -> Result<(), AppError> {
    let may_tell = health.is_well()
        && app.can_tell_by_telegram()?
        && app.count_telegram_messages()?.waiting < WAITING_MAX;
    if !may_tell {
        return Ok(());
    }
    let taken = app
        .take_notices(&Actor::Owner, channel(), Presence::Unknown)
        .await?;
    for notice in &taken.notices {
        let outgoing = compose(app, notice).await?;
        app.tell_by_telegram(notice, outgoing).await?;
    }
    Ok(())
}

/// Puts a notice into messages; a question comes with its buttons.
async fn compose(app: &App, notice: &Notice) -> Result<Vec<Outgoing>, AppError> {
    if notice.kind == NoticeKind::Blocked
        && let Some(id) = notice.task_id
        && let Some(view) = find(app, id)?
        && let Some(block) = block(&view)
    {
        return questions(app, &view.task, block, &notice.text).await;
    }
    Ok(plain(&notice.text))
}
