//! Leases and agents against the clock.

use std::sync::Arc;

use hearth_domain::agent::{AgentStatus, Presence, Registration};
use hearth_domain::event_filter::EventFilter;
use hearth_domain::field::AgentName;
use hearth_domain::task::TaskStatus;
use hearth_domain::{Actor, Clock, JsonObject};

use super::*;
use crate::holding::Claim;
use crate::tasks::{Among, Once};
use crate::test_support::{TestApp, agent, as_agent, by_id, open, titled};

async fn register(app: &App, name: &str) {
    let new = Registration {
        name: agent(name),
        kind: "worker".parse().unwrap(),
        capabilities: vec![],
        metadata: JsonObject::new(),
    };
    app.register_agent(&as_agent(name), new).await.unwrap();
}

fn status(app: &App, name: &str) -> AgentStatus {
    let name: AgentName = agent(name);
    app.get_agent(&name).unwrap().status
}

#[tokio::test]
async fn an_agent_not_heard_from_goes_offline_and_comes_back_with_a_heartbeat() {
    let test = TestApp::new();
    register(&test.app, "seed").await;
    register(&test.app, "scout").await;
    test.clock.advance_secs(59);
    test.app
        .heartbeat_agent(&as_agent("scout"), agent("scout"), Some(Presence::Idle))
        .await
        .unwrap();
    assert_eq!(test.app.sweep().await.unwrap(), Swept::default());
    test.clock.advance_secs(1);

    let swept = test.app.sweep().await.unwrap();

    assert_eq!(swept.offline, 1);
    assert_eq!(status(&test.app, "seed"), AgentStatus::Offline);
    assert_eq!(status(&test.app, "scout"), AgentStatus::Idle);
    assert_eq!(test.app.sweep().await.unwrap(), Swept::default());
    assert_eq!(test.app.gauges().unwrap().agents_online, 1);
    test.app
        .heartbeat_agent(&as_agent("seed"), agent("seed"), None)
        .await
        .unwrap();
    assert_eq!(status(&test.app, "seed"), AgentStatus::Active);
    assert_eq!(
        test.event_types().await,
        [
            "agent.registered",
            "agent.registered",
            "agent.offline",
            "agent.online"
        ]
    );
}

#[tokio::test]
async fn a_sweep_takes_back_every_expired_lease_however_many() {
    let test = TestApp::new();
    for number in 0..250 {
        let task = test.task(&format!("task {number}")).await;
        test.claim(&task, "seed").await;
    }
    assert_eq!(test.app.gauges().unwrap().agents_working, 1);
    test.clock.advance_secs(60);

    let swept = test.app.sweep().await.unwrap();

    assert_eq!(swept.reclaimed, 250);
    assert_eq!(test.app.gauges().unwrap().agents_working, 0);
}

#[tokio::test]
async fn a_silent_agent_and_its_task_are_noted_however_many_there_are() {
    let test = TestApp::new();
    for number in 0..150 {
        register(&test.app, &format!("agent-{number}")).await;
    }
    test.clock.advance_secs(60);

    assert_eq!(test.app.sweep().await.unwrap().offline, 150);
}

#[tokio::test]
async fn the_next_sweep_is_due_with_the_first_lease_or_the_first_silence() {
    let test = TestApp::new();
    assert_eq!(test.app.next_sweep().await.unwrap(), None);
    let start = test.app.now();
    register(&test.app, "seed").await;
    let offline = start.after(Duration::from_mins(1));
    assert_eq!(test.app.next_sweep().await.unwrap(), Some(offline));

    let task = test.task("task").await;
    let claim = Claim {
        agent: agent("seed"),
        lease: Duration::from_secs(10),
    };
    test.app
        .claim_task(&as_agent("seed"), by_id(&task), claim, None)
        .await
        .unwrap();

    let expiry = start.after(Duration::from_secs(10));
    assert_eq!(test.app.next_sweep().await.unwrap(), Some(expiry));
}

#[tokio::test]
async fn requests_are_forgotten_after_a_week_however_many() {
    let test = TestApp::new();
    let ask = |number: u32| Once {
        // However it begins, it is not a file's.
        key: format!("inbox:{number}"),
        among: Among::Callers,
        request: [1; 32],
    };
    for number in 0..600 {
        test.app
            .create_task(&Actor::Owner, titled("task"), Some(ask(number)))
            .await
            .unwrap();
    }
    test.clock.advance(IDEMPOTENCY_KEPT);
    test.app.forget_old_requests().await.unwrap();
    let create = |number| {
        test.app
            .create_task(&Actor::Owner, titled("task"), Some(ask(number)))
    };
    assert!(create(0).await.unwrap().is_repeat);
    test.clock.advance(Duration::from_millis(1));

    test.app.forget_old_requests().await.unwrap();

    assert!(!create(0).await.unwrap().is_repeat);
    assert!(!create(599).await.unwrap().is_repeat);
}

/// The wall clock as tokio's own time, which tests turn, and what the machine slept besides.
struct TokioClock {
    start: Instant,
    slept_ms: AtomicI64,
}

impl TokioClock {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            start: Instant::now(),
            slept_ms: AtomicI64::new(0),
        })
    }
}

impl Clock for TokioClock {
    fn now(&self) -> Timestamp {
        let slept = self.slept_ms.load(Ordering::SeqCst);
        Timestamp::from_millis(1_000_000 + slept).after(self.start.elapsed())
    }

    fn zone(&self) -> jiff::tz::TimeZone {
        jiff::tz::TimeZone::UTC
    }
}

/// Keeps tokio from turning its paused clock while threads of the store work. Dropped, time runs on.
struct TimeStands {
    _go_on: std::sync::mpsc::SyncSender<()>,
}

fn time_stands() -> TimeStands {
    let (go_on, wait) = std::sync::mpsc::sync_channel::<()>(1);
    tokio::task::spawn_blocking(move || wait.recv());
    TimeStands { _go_on: go_on }
}

struct RunningSweep {
    test: TestApp,
    clock: Arc<TokioClock>,
    stop: CancellationToken,
    sweep: tokio::task::JoinHandle<()>,
}

impl RunningSweep {
    /// Starts the sweep, and waits until it sleeps.
    async fn start() -> Self {
        let mut test = TestApp::new();
        let clock = TokioClock::new();
        let dir = tempfile::tempdir().unwrap();
        test.app = open(dir.path(), Arc::clone(&clock) as Arc<dyn Clock>);
        test.dir = dir;
        let stop = CancellationToken::new();
        // Due at once: when the agent is offline, the sweep has looked.
        register(&test.app, "canary").await;
        tokio::time::advance(Duration::from_mins(1)).await;
        let mut events = test.app.subscribe(None, EventFilter::default()).unwrap();
        let sweep = tokio::spawn(run(test.app.clone(), stop.clone()));
        let event = events.next().await.unwrap().unwrap();
        assert_eq!(event.type_name, "agent.offline");
        // Each of these gives the sweep a turn; it needs a few until it has gone to sleep.
        for _ in 0..10 {
            test.task("other").await;
        }
        Self {
            test,
            clock,
            stop,
            sweep,
        }
    }

    async fn next_event(&self, after: i64) -> Arc<hearth_domain::event::Event> {
        let mut events = self
            .test
            .app
            .subscribe(Some(after), EventFilter::default())
            .unwrap();
        events.next().await.unwrap().unwrap()
    }

    async fn end(self) {
        self.stop.cancel();
        self.sweep.await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_sweeping_node_wakes_for_a_lease_that_was_claimed_while_it_slept() {
    let still = time_stands();
    let running = RunningSweep::start().await;
    let test = &running.test;
    let task = test.task("task").await;
    test.claim(&task, "seed").await;
    let expiry = test.get(&task).lease().unwrap().expires_at;

    let seen = test.event_types().await.len();
    drop(still);
    let event = running.next_event(i64::try_from(seen).unwrap()).await;

    assert_eq!(event.type_name, "task.released");
    let late = event.timestamp.since(expiry);
    assert!(
        late < Duration::from_secs(2),
        "{late:?} after the lease ran out"
    );
    running.end().await;
}

#[tokio::test(start_paused = true)]
async fn after_the_machine_slept_holders_get_a_moment_to_be_heard_from() {
    let still = time_stands();
    let running = RunningSweep::start().await;
    let test = &running.test;
    let (kept, lost) = (test.task("kept").await, test.task("lost").await);
    let hold = test.claim(&kept, "seed").await;
    test.claim(&lost, "scout").await;
    running.clock.slept_ms.store(3_600_000, Ordering::SeqCst);
    // A claim wakes the sweep, which notices that the machine slept.
    let other = test.task("other").await;
    let woke_at = test.app.now();
    let claim = Claim {
        agent: agent("seed"),
        lease: Duration::from_secs(5),
    };
    test.app
        .claim_task(&as_agent("seed"), by_id(&other), claim, None)
        .await
        .unwrap();
    test.app
        .heartbeat_task(&as_agent("seed"), by_id(&kept), hold, None)
        .await
        .unwrap();
    let seen = test.event_types().await.len();

    drop(still);
    let event = running.next_event(i64::try_from(seen).unwrap()).await;

    assert_eq!(event.type_name, "task.released");
    assert!(event.timestamp.since(woke_at) >= Duration::from_secs(10));
    assert_eq!(test.get(&kept).status(), TaskStatus::InProgress);
    running.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_sweep_that_is_told_to_stop_stops() {
    let running = RunningSweep::start().await;
    running.end().await;
}
