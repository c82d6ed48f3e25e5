//! The sweep: takes back tasks whose lease ran out, notes agents that fell silent, makes the tasks
//! and reminders that the calendar asks for and the morning's summary, lets approvals run out, forgets what need not be kept. It
//! sleeps until the next of these is due.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use hearth_domain::agent::Agent;
use hearth_domain::event::ReleaseCause;
use hearth_domain::{Change, Timestamp};
use hearth_store::{agents, chat_requests, idempotency, tasks};
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::app::App;
use crate::calendar::Kept;
use crate::error::AppError;
use crate::notices::save_task;
use crate::tasks::IDEMPOTENCY_KEPT;

/// The longest sleep: what only grows old is looked at this often.
const LONGEST_SLEEP: Duration = Duration::from_mins(10);
/// The shortest sleep, so that a clock that stands still cannot make the sweep spin.
const SHORTEST_SLEEP: Duration = Duration::from_millis(10);
/// How often it is looked whether there is more of a budget that something waits for.
const BUDGET_LOOK: Duration = Duration::from_mins(1);
/// How long after a failure the sweep tries again.
const RETRY: Duration = Duration::from_secs(1);
/// How far the wall clock may get ahead of the sleep before the machine counts as having slept.
const SLEPT: Duration = Duration::from_secs(5);
/// How long holders get after the machine slept, to be heard from before their leases count.
const GRACE: Duration = Duration::from_secs(15);

/// When the sweep wakes next.
#[derive(Debug)]
pub(crate) struct Alarm {
    /// The moment it is set for, in milliseconds. Kept beside `woken` so that the thousands of
    /// leases that end later than the next one wake nobody.
    set_for_ms: AtomicI64,
    woken: Notify,
}

impl Default for Alarm {
    fn default() -> Self {
        Self {
            set_for_ms: AtomicI64::new(i64::MAX),
            woken: Notify::new(),
        }
    }
}

impl Alarm {
    /// Makes sure that the sweep looks at `moment` or before.
    pub(crate) fn set_no_later_than(&self, moment: Timestamp) {
        let before = self
            .set_for_ms
            .fetch_min(moment.as_millis(), Ordering::Relaxed);
        if moment.as_millis() < before {
            self.woken.notify_one();
        }
    }
}

/// What one sweep did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Swept {
    /// Tasks taken back.
    pub reclaimed: usize,
    /// Agents found silent.
    pub offline: usize,
}

impl App {
    /// Takes back every task whose lease ran out, and notes every agent that fell silent.
    ///
    /// # Errors
    /// The store failed; the next sweep does what is left.
    pub async fn sweep(&self) -> Result<Swept, AppError> {
        let now = self.now();
        let mut swept = Swept::default();
        loop {
            let reclaimed = self
                .store()
                .write(move |tx| {
                    let expired = tasks::expired(tx, now)?;
                    let count = expired.len();
                    for task in expired {
                        save_task(tx, task.reclaim(ReleaseCause::LeaseExpired, now)?)?;
                    }
                    Ok::<_, AppError>(count)
                })
                .await?;
            swept.reclaimed += reclaimed;
            if reclaimed == 0 {
                break;
            }
        }
        // Milliseconds before `now`; nobody was heard from before 1970.
        let offline_ms = i64::try_from(self.config().offline_after.as_millis()).unwrap_or(i64::MAX);
        let silent_since = Timestamp::from_millis(now.as_millis().saturating_sub(offline_ms));
        loop {
            let silent = self
                .store()
                .write(move |tx| {
                    let silent = agents::silent_since(tx, silent_since)?;
                    let count = silent.len();
                    for change in silent.into_iter().filter_map(Agent::fall_silent) {
                        let Change { after, event } = change;
                        agents::save(tx, after, Some(&event), now)?;
                    }
                    Ok::<_, AppError>(count)
                })
                .await?;
            swept.offline += silent;
            if silent == 0 {
                break;
            }
        }
        Ok(swept)
    }

    /// Returns when the next lease runs out, the next agent may count as silent, or the calendar
    /// asks for something.
    async fn next_sweep(&self) -> Result<Option<Timestamp>, AppError> {
        let expiry = self
            .store()
            .read_now(|tx| Ok::<_, AppError>(tasks::next_expiry(tx)?))?;
        let silent = self
            .store()
            .read_now(|tx| Ok::<_, AppError>(agents::oldest_sign_of_life(tx)?))?;
        let offline = silent.map(|seen| seen.after(self.config().offline_after));
        let calendar = self.next_by_calendar().await?;
        let approvals = self.next_expiring_approval()?;
        // A day's budget is there again with the next day.
        let budget = self
            .is_budget_waited_for()?
            .then(|| self.now().after(BUDGET_LOOK));
        let moments = expiry
            .into_iter()
            .chain(offline)
            .chain(calendar)
            .chain(budget);
        Ok(moments.chain(approvals).min())
    }

    async fn forget_old_requests(&self) -> Result<(), AppError> {
        let kept_ms = i64::try_from(IDEMPOTENCY_KEPT.as_millis()).unwrap_or(i64::MAX);
        let moment = Timestamp::from_millis(self.now().as_millis().saturating_sub(kept_ms));
        loop {
            let forgotten = self
                .store()
                .write(move |tx| {
                    let forgotten = idempotency::forget_before(tx, moment)?;
                    Ok::<_, AppError>(forgotten + chat_requests::forget_before(tx, moment)?)
                })
                .await?;
            if forgotten == 0 {
                return Ok(());
            }
        }
    }
}

/// Sweeps until `shutdown`. A wake-up only means "look again": what to do is read from the store.
pub async fn run(app: App, shutdown: CancellationToken) {
    let mut last_housekeeping: Option<Instant> = None;
    let mut grace_until: Option<Instant> = None;
    let (mut looked_at, mut wall_at) = (Instant::now(), app.now());
    loop {
        // The monotonic clock stands still while the machine sleeps, the wall clock does not.
        // Compared before every look, whatever was under way when it went to sleep.
        let jump = app.now().since(wall_at).saturating_sub(looked_at.elapsed());
        (looked_at, wall_at) = (Instant::now(), app.now());
        if jump > SLEPT {
            info!(
                seconds = jump.as_secs(),
                "the machine slept; leases run on for a moment"
            );
            grace_until = Some(Instant::now() + GRACE);
        }
        // Anything set from here on wakes the sleep below.
        app.alarm().set_for_ms.store(i64::MAX, Ordering::Relaxed);
        let is_in_grace = grace_until.is_some_and(|end| Instant::now() < end);
        let sleep = match look(&app, is_in_grace).await {
            Ok(sleep) => sleep,
            Err(error) => {
                warn!(%error, "the sweep failed and will be tried again");
                RETRY
            }
        };
        if last_housekeeping.is_none_or(|last| last.elapsed() >= LONGEST_SLEEP) {
            last_housekeeping = Some(Instant::now());
            if let Err(error) = app.forget_old_requests().await {
                warn!(%error, "old idempotency keys were not removed and will be tried again");
            }
        }
        if let Err(error) = app.flush_key_use().await {
            warn!(%error, "the last use of keys was not written down and will be tried again");
        }
        tokio::select! {
            biased;
            () = shutdown.cancelled() => return,
            () = app.alarm().woken.notified() => (),
            () = tokio::time::sleep(sleep) => (),
        }
    }
}

/// Sweeps once, unless holders still have time to be heard from; returns how long to sleep.
async fn look(app: &App, is_in_grace: bool) -> Result<Duration, AppError> {
    if is_in_grace {
        return Ok(Duration::from_secs(1));
    }
    let swept = app.sweep().await?;
    if swept != Swept::default() {
        info!(
            tasks = swept.reclaimed,
            agents = swept.offline,
            "took back tasks, noted silent agents"
        );
    }
    let kept = app.keep_calendar().await?;
    if kept != Kept::default() {
        info!(
            tasks = kept.made,
            reminders = kept.reminded,
            "made recurring tasks and reminders"
        );
    }
    if app.tell_morning().await? {
        info!("made the morning's summary");
    }
    let expired = app.expire_approvals().await?;
    if expired > 0 {
        info!(approvals = expired, "let approvals run out");
    }
    let woken = app.wake_affordable().await?;
    if woken > 0 {
        info!(tasks = woken, "there is more of a budget; tasks go on");
    }
    let Some(next) = app.next_sweep().await? else {
        return Ok(LONGEST_SLEEP);
    };
    app.alarm()
        .set_for_ms
        .fetch_min(next.as_millis(), Ordering::Relaxed);
    Ok(next.since(app.now()).clamp(SHORTEST_SLEEP, LONGEST_SLEEP))
}

#[cfg(test)]
mod tests;
