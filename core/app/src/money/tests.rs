//! Money against runs, crashes, answers and each other.

mod answers;
mod calls;
mod race;
mod views;

use hearth_domain::event_filter::EventFilter;
use hearth_domain::money::{
    Account, CallStatus, Charge, Limits, ModelCall, Resource, Scope, ScopeKind, Usage,
};
use hearth_domain::run::{Repeat, Step, StepState, WaitingFor};
use hearth_domain::task::{Budget, NewTask, Task, TaskState, TaskStatus};
use hearth_domain::{Actor, RunId};
use hearth_store::money as ledger;
use serde_json::json;

use super::{DefaultLimits, SpendingBy};
use crate::App;
use crate::events::Direction;
use crate::holding::Hold;
use crate::runs::journal::{Entry, Intent, Meant, Rest};
use crate::runs::tests::{Bench, action, quiet, speaks};
use crate::test_support::{TestApp, agent, by_id, code, titled};

/// A turn of a model that may cost so many millionths.
pub(super) fn turn(place: u32, usd_micros: u64) -> Meant {
    Meant {
        action: action("model", json!({"turn": place})),
        what: "ask the model".into(),
        repeat: Repeat::Safe,
        worst_case: Some(usage(usd_micros)),
        ..quiet(place)
    }
}

pub(super) fn usage(usd_micros: u64) -> Usage {
    Usage {
        usd_micros,
        input_tokens: 100,
        output_tokens: 20,
    }
}

/// A task with a budget of its own.
pub(super) fn with_budget(budget: Budget) -> NewTask {
    NewTask {
        budget: Some(budget),
        ..titled("work")
    }
}

pub(super) fn of_dollars(usd: f64) -> NewTask {
    with_budget(Budget {
        usd: Some(usd),
        ..Budget::default()
    })
}

/// What a model answers.
pub(super) fn answered(usd_micros: u64) -> Entry {
    let outcome = json!({"text": "hm", "provider": "groq", "model": "big"});
    Entry::Answered(outcome, usage(usd_micros))
}

pub(super) fn set_defaults(app: &App, defaults: DefaultLimits) {
    let config = crate::Config {
        budgets: defaults,
        ..(*app.config()).clone()
    };
    app.configure(config);
}

pub(super) fn no_limits() -> DefaultLimits {
    DefaultLimits {
        everything: Limits::default(),
        day: Limits::default(),
        task: Limits::default(),
    }
}

pub(super) fn account(app: &App, scope: Scope, task: Option<&Task>) -> Account {
    let purse = app.purse();
    app.store()
        .read_now(|tx| purse.account(tx, scope, task))
        .unwrap()
}

pub(super) fn of_task(bench: &Bench) -> Account {
    let task = bench.test.get(&bench.task);
    account(bench.app(), Scope::Task(task.id), Some(&task))
}

pub(super) fn ledger_of(bench: &Bench) -> Vec<ModelCall> {
    let id = bench.task.id;
    bench
        .app()
        .store()
        .read_now(|tx| Ok::<_, crate::AppError>(ledger::calls_of_task(tx, id, 1000)?))
        .unwrap()
}

pub(super) fn block(bench: &Bench) -> (String, Vec<String>) {
    let task = bench.test.get(&bench.task);
    let TaskState::Blocked { block } = task.state else {
        panic!("it is {}", task.status());
    };
    (block.reason, block.options)
}

/// The payloads of events of one type.
pub(super) async fn events(app: &App, type_name: &str) -> Vec<serde_json::Value> {
    let any = EventFilter::default();
    let page = app
        .list_events(any, Direction::Ascending, None, 10_000)
        .await;
    let events = page.unwrap().items.into_iter();
    events
        .filter(|event| event.type_name == type_name)
        .map(|event| serde_json::from_str(event.payload.get()).unwrap())
        .collect()
}

/// What counts everywhere is what the ledger says: nothing twice, nothing lost.
pub(super) async fn check_sums(app: &App) {
    let page = app.list_spending(SpendingBy::Day, None, None, 100).await;
    let sums: Charge = page
        .unwrap()
        .items
        .iter()
        .map(|row| Charge {
            usd_micros: row.usd_micros,
            tokens: row.input_tokens + row.output_tokens,
            turns: row.calls,
            ..Charge::default()
        })
        .fold(Charge::default(), Charge::plus);
    let all = account(app, Scope::Everything, None);
    for what in [Resource::Usd, Resource::Tokens, Resource::Turns] {
        assert_eq!(all.held(what), sums.get(what), "{what}");
    }
}

/// Waits with a step that does not fit, at rest.
pub(super) async fn at_rest(bench: &Bench, hold: &Hold, run: RunId, meant: Meant) -> Step {
    let Intent::Waits(step) = bench.intend(hold, run, meant).await.unwrap() else {
        panic!("it fits");
    };
    assert_eq!(step.state, StepState::Waiting(WaitingFor::Budget));
    assert!(bench.rest(hold, run, Rest::Waits).await.unwrap());
    step
}

#[tokio::test]
async fn the_worst_case_is_set_aside_before_and_what_was_used_is_settled_after() {
    let bench = Bench::with(of_dollars(1.0)).await;
    let (hold, view) = bench.up().await;
    let run = view.run.id;

    let step = bench.go(&hold, run, turn(1, 300_000)).await;

    let during = of_task(&bench);
    assert_eq!(during.reserved.usd_micros, 300_000);
    assert_eq!((during.spent.usd_micros, during.spent.turns), (0, 1));
    bench.record(&hold, &step, answered(20_000)).await.unwrap();
    for scope in [
        Scope::Task(bench.task.id),
        Scope::Agent(agent("seed")),
        Scope::Day(bench.app().purse().today),
        Scope::Everything,
    ] {
        let after = account(bench.app(), scope, None);
        assert_eq!(after.reserved, Charge::default());
        assert_eq!(
            after.spent,
            Charge::turn(usage(20_000)),
            "{:?}",
            after.scope
        );
    }
    let call = &ledger_of(&bench)[0];
    assert_eq!(call.status, CallStatus::Settled);
    assert_eq!(call.used, Some(usage(20_000)));
    assert_eq!(call.provider.as_deref(), Some("groq"));
    assert_eq!(call.model.as_deref(), Some("big"));
    check_sums(bench.app()).await;
}

#[tokio::test]
async fn work_in_a_project_counts_there_too() {
    let test = TestApp::new();
    let project = test.project("garden").await;
    let new = NewTask {
        project_id: Some(project.id),
        ..titled("dig")
    };
    let bench = Bench::on(test, new).await;
    let (hold, view) = bench.up().await;

    let step = bench.go(&hold, view.run.id, turn(1, 500)).await;
    bench.record(&hold, &step, answered(400)).await.unwrap();

    let spent = account(bench.app(), Scope::Project(project.id), None).spent;
    assert_eq!((spent.usd_micros, spent.turns), (400, 1));
}

#[tokio::test]
async fn what_does_not_fit_waits_and_nothing_is_set_aside() {
    let bench = Bench::with(of_dollars(1.0)).await;
    let (hold, view) = bench.up().await;
    let run = view.run.id;
    let step = bench.go(&hold, run, turn(1, 980_000)).await;
    bench.record(&hold, &step, answered(980_000)).await.unwrap();

    let waiting = at_rest(&bench, &hold, run, turn(2, 50_000)).await;

    let spent = of_task(&bench);
    assert_eq!((spent.reserved.usd_micros, spent.spent.turns), (0, 1));
    assert!(
        waiting.decision.reason.contains("$0.98 of $1.00"),
        "{waiting:?}"
    );
    let (reason, options) = block(&bench);
    assert!(
        reason.starts_with(
            "The budget of task #1 is used up: $0.98 of $1.00 spent; the next call may need $0.05. \
             Spent so far: 1 turn of groq/big ($0.98)."
        ),
        "{reason}"
    );
    assert_eq!(options, ["raise to $2.00", "stop"]);
    let reached = events(bench.app(), "budget.reached").await;
    assert_eq!(reached.len(), 1);
    assert_eq!(reached[0]["limit"], 1_000_000);
    assert_eq!(reached[0]["asked"], 50_000);
}

#[tokio::test]
async fn what_waits_already_is_not_written_down_twice() {
    let bench = Bench::with(of_dollars(0.0)).await;
    let (hold, view) = bench.up().await;
    let run = view.run.id;
    let Intent::Waits(first) = bench.intend(&hold, run, turn(1, 1)).await.unwrap() else {
        panic!("it fits");
    };

    let again = bench.intend(&hold, run, turn(1, 1)).await.unwrap();
    assert_eq!(again, Intent::Waits(first.clone()));
    // A cheaper one is another question, and a free one none.
    let Intent::Waits(other) = bench.intend(&hold, run, turn(1, 2)).await.unwrap() else {
        panic!("it fits");
    };
    assert_eq!(other.attempt, first.attempt + 1);
    let free = bench.go(&hold, run, turn(1, 0)).await;
    assert_eq!(free.attempt, other.attempt, "it is the one that waited");
    assert_eq!(bench.live(run).await.len(), 1);
}

#[tokio::test]
async fn with_no_dollars_what_is_free_goes_on() {
    let bench = Bench::with(of_dollars(0.0)).await;
    let (hold, view) = bench.up().await;

    let step = bench.go(&hold, view.run.id, turn(1, 0)).await;

    bench.record(&hold, &step, answered(0)).await.unwrap();
    assert_eq!(of_task(&bench).spent.tokens, 120);
}

#[tokio::test]
async fn a_plan_stops_at_its_calls_of_tools() {
    let bench = Bench::with(with_budget(Budget {
        tool_calls: Some(2),
        ..Budget::default()
    }))
    .await;
    let (hold, view) = bench.up().await;
    let run = view.run.id;
    bench.done(&hold, run, quiet(1)).await;
    bench.done(&hold, run, quiet(2)).await;

    at_rest(&bench, &hold, run, quiet(3)).await;

    let (reason, options) = block(&bench);
    assert!(
        reason.contains("2 tool calls of 2 tool calls spent"),
        "{reason}"
    );
    assert_eq!(options, ["raise to 4 tool calls", "stop"]);
    bench.answer("raise to 4 tool calls").await.unwrap();
    let (hold, _) = bench.up().await;
    bench.done(&hold, run, quiet(3)).await;
    assert_eq!(of_task(&bench).spent.tool_calls, 3);
}

#[tokio::test]
async fn a_refused_call_and_one_that_is_asked_about_cost_nothing() {
    let bench = Bench::new().await;
    let (hold, view) = bench.up().await;
    let run = view.run.id;

    let approval = bench
        .wait(&hold, run, speaks(1, "https://example.org/"))
        .await;
    assert_eq!(of_task(&bench).spent, Charge::default());

    bench.rest(&hold, run, Rest::Waits).await.unwrap();
    bench.approve(&approval).await;
    let (hold, _) = bench.up().await;
    bench
        .go(&hold, run, speaks(1, "https://example.org/"))
        .await;
    assert_eq!(of_task(&bench).spent.tool_calls, 1);
}

#[tokio::test]
async fn a_yes_outlasts_the_wait_for_a_budget() {
    let bench = Bench::with(with_budget(Budget {
        tool_calls: Some(0),
        ..Budget::default()
    }))
    .await;
    let (hold, view) = bench.up().await;
    let run = view.run.id;
    let call = || speaks(1, "https://example.org/");
    let approval = bench.wait(&hold, run, call()).await;
    bench.rest(&hold, run, Rest::Waits).await.unwrap();
    bench.approve(&approval).await;
    let (hold, _) = bench.up().await;
    at_rest(&bench, &hold, run, call()).await;

    bench.answer("raise").await.unwrap();

    let (hold, _) = bench.up().await;
    let step = bench.go(&hold, run, call()).await;
    assert_eq!(step.decision.approval, Some(1), "nobody is asked again");
    assert_eq!(bench.live(run).await, [(1, 1, "intended")]);
}

#[tokio::test]
async fn a_turn_that_was_never_sent_costs_its_turn_alone() {
    let bench = Bench::new().await;
    let (hold, view) = bench.up().await;
    let run = view.run.id;
    let step = bench.go(&hold, run, turn(1, 500)).await;

    let failed = Entry::Failed("no model answers".into());
    bench.record(&hold, &step, failed).await.unwrap();

    let spent = of_task(&bench);
    assert_eq!((spent.reserved.usd_micros, spent.spent.usd_micros), (0, 0));
    assert_eq!(spent.spent.turns, 1);
    assert_eq!(ledger_of(&bench)[0].status, CallStatus::Settled);
}

#[tokio::test]
async fn a_turn_that_failed_after_it_was_sent_costs_what_it_used() {
    let bench = Bench::new().await;
    let (hold, view) = bench.up().await;
    let run = view.run.id;
    let known = bench.go(&hold, run, turn(1, 500)).await;
    let unknown = bench.go(&hold, run, turn(2, 700)).await;

    let after = |usage| Entry::FailedAfter("cut short".into(), usage);
    bench
        .record(&hold, &known, after(Some(usage(30))))
        .await
        .unwrap();
    bench.record(&hold, &unknown, after(None)).await.unwrap();

    assert_eq!(of_task(&bench).spent.usd_micros, 30 + 700);
    let statuses: Vec<_> = ledger_of(&bench).iter().map(|call| call.status).collect();
    assert!(statuses.contains(&CallStatus::Unknown) && statuses.contains(&CallStatus::Settled));
}

#[tokio::test]
async fn a_turn_that_was_cut_off_counts_once_at_its_worst_case() {
    let bench = Bench::new().await;
    let (hold, view) = bench.up().await;
    let run = view.run.id;
    let step = bench.go(&hold, run, turn(1, 500)).await;

    bench.kill().await;

    let spent = of_task(&bench);
    assert_eq!(
        (spent.reserved.usd_micros, spent.spent.usd_micros),
        (0, 500)
    );
    assert_eq!(ledger_of(&bench)[0].status, CallStatus::Unknown);
    // The worker that was given up says nothing more, and the turn that is made again is its own.
    assert!(bench.record(&hold, &step, answered(1)).await.is_err());
    let (hold, _) = bench.up().await;
    let again = bench.go(&hold, run, turn(1, 500)).await;
    bench.record(&hold, &again, answered(40)).await.unwrap();
    assert_eq!(of_task(&bench).spent.usd_micros, 540);
    check_sums(bench.app()).await;
}

#[tokio::test]
async fn a_turn_that_was_recorded_is_not_paid_again_after_a_crash() {
    let bench = Bench::new().await;
    let (hold, view) = bench.up().await;
    let run = view.run.id;
    let step = bench.go(&hold, run, turn(1, 500)).await;
    bench.record(&hold, &step, answered(40)).await.unwrap();

    bench.kill().await;
    let (hold, view) = bench.up().await;

    let step = view.steps[0].clone();
    assert!(matches!(step.state, StepState::Acted { .. }));
    let end = Entry::Done(hearth_domain::run::StepEnd::default());
    bench.record(&hold, &step, end).await.unwrap();
    let spent = of_task(&bench);
    assert_eq!((spent.spent.usd_micros, spent.spent.turns), (40, 1));
    assert_eq!(spent.reserved, Charge::default());
}

#[tokio::test]
async fn a_cancelled_task_leaves_nothing_set_aside() {
    let bench = Bench::new().await;
    let (hold, view) = bench.up().await;
    bench.go(&hold, view.run.id, turn(1, 500)).await;

    bench
        .app()
        .cancel_task(&Actor::Owner, by_id(&bench.task), None, None)
        .await
        .unwrap();

    assert_eq!(of_task(&bench).reserved, Charge::default());
    assert_eq!(ledger_of(&bench)[0].status, CallStatus::Unknown);
}

#[tokio::test]
async fn four_fifths_are_told_once_for_each_height() {
    let bench = Bench::with(of_dollars(1.0)).await;
    let (hold, view) = bench.up().await;
    let run = view.run.id;
    let low = async || {
        let notices = bench
            .app()
            .list_notices(&Actor::Owner, None, 50)
            .await
            .unwrap();
        let texts = notices.items.into_iter().map(|notice| notice.text);
        texts
            .filter(|text| text.starts_with("More than 80%"))
            .collect::<Vec<_>>()
    };
    let step = bench.go(&hold, run, turn(1, 900_000)).await;
    assert_eq!(low().await, [""; 0], "it is only set aside");
    bench.record(&hold, &step, answered(810_000)).await.unwrap();
    let told = "More than 80% of the budget of task #1 is spent: $0.81 of $1.00.";
    assert_eq!(low().await, [told]);

    let step = bench.go(&hold, run, turn(2, 100_000)).await;
    bench.record(&hold, &step, answered(50_000)).await.unwrap();
    assert_eq!(low().await.len(), 1, "once for this height");
    assert_eq!(events(bench.app(), "budget.low").await.len(), 1);

    at_rest(&bench, &hold, run, turn(3, 500_000)).await;
    bench.answer("raise to $1.40").await.unwrap();
    let (hold, _) = bench.up().await;
    let step = bench.go(&hold, run, turn(3, 500_000)).await;
    bench.record(&hold, &step, answered(400_000)).await.unwrap();
    assert_eq!(low().await.len(), 2, "and once for the next");
}

#[tokio::test]
async fn a_workers_time_counts_and_waiting_for_the_owner_does_not() {
    let bench = Bench::with(with_budget(Budget {
        wall_seconds: Some(90),
        ..Budget::default()
    }))
    .await;
    let wall = || of_task(&bench).spent.wall_ms;
    let (hold, view) = bench.up().await;
    let run = view.run.id;
    bench.test.clock.advance_secs(20);
    bench.done(&hold, run, quiet(1)).await;
    assert_eq!(wall(), 20_000);
    let question = Meant {
        action: action("ask_owner", json!({"question": "Which?"})),
        ..quiet(2)
    };
    bench.test.clock.advance_secs(10);
    bench
        .ask(&hold, run, question, WaitingFor::Answer)
        .await
        .unwrap();
    bench.rest(&hold, run, Rest::Waits).await.unwrap();
    assert_eq!(wall(), 30_000);

    bench.test.clock.advance_secs(3600);
    bench.answer("this").await.unwrap();
    let (hold, _) = bench.up().await;
    bench.test.clock.advance_secs(5);
    bench.done(&hold, run, quiet(3)).await;
    assert_eq!(wall(), 35_000);

    // A worker that is heard from counts whole; one that was not, because the machine slept, a minute.
    for _ in 0..2 {
        bench.test.clock.advance_secs(15);
        bench
            .app()
            .heartbeat_task(&Actor::Owner, by_id(&bench.task), hold.clone(), None)
            .await
            .unwrap();
    }
    assert_eq!(wall(), 65_000);
    bench.test.clock.advance_secs(50_000);
    bench
        .app()
        .heartbeat_task(&Actor::Owner, by_id(&bench.task), hold.clone(), None)
        .await
        .unwrap();
    assert_eq!(wall(), 125_000);
    at_rest(&bench, &hold, run, turn(4, 0)).await;
    let (reason, options) = block(&bench);
    assert!(reason.contains("2 minutes of 1 minute spent"), "{reason}");
    assert_eq!(options, ["raise to 3 minutes", "stop"]);
}

#[tokio::test]
async fn a_crash_does_not_count_the_time_the_node_was_off() {
    let bench = Bench::new().await;
    let (hold, view) = bench.up().await;
    bench.test.clock.advance_secs(8);
    bench.done(&hold, view.run.id, quiet(1)).await;

    bench.test.clock.advance_secs(40_000);
    bench.kill().await;
    let (hold, _) = bench.up().await;
    bench.test.clock.advance_secs(2);
    bench.done(&hold, view.run.id, quiet(2)).await;

    assert_eq!(of_task(&bench).spent.wall_ms, 10_000);
}

#[tokio::test]
async fn a_child_is_counted_with_its_making_and_the_last_allowed_one_is_the_last() {
    let bench = Bench::with(with_budget(Budget {
        children: Some(1),
        ..Budget::default()
    }))
    .await;
    let (purse, now) = (bench.app().purse(), bench.app().now());
    let make = async || {
        let task = bench.test.get(&bench.task);
        let made = bench
            .app()
            .store()
            .write(move |tx| super::charge_child(tx, &purse, &agent("seed"), &task, now));
        made.await.unwrap()
    };
    assert_eq!(make().await, []);

    let over = make().await;

    assert_eq!((over[0].what, over[0].limit), (Resource::Children, 1));
    assert_eq!(of_task(&bench).spent.children, 1);
    // The step that would hand a task on asks before it is made.
    let (hold, view) = bench.up().await;
    let delegate = Meant {
        action: action("delegate", json!({"title": "dig"})),
        ..quiet(1)
    };
    at_rest(&bench, &hold, view.run.id, delegate).await;
    assert_eq!(block(&bench).1, ["raise to 2 child tasks", "stop"]);
}

#[tokio::test]
async fn settings_count_at_once_where_nothing_else_was_said() {
    let bench = Bench::new().await;
    let own = Bench::with(of_dollars(3.0)).await;
    let mut defaults = no_limits();
    defaults.task.usd_micros = Some(7);
    for app in [bench.app(), own.app()] {
        set_defaults(app, defaults);
    }

    assert_eq!(of_task(&bench).limits.usd_micros, Some(7));
    assert_eq!(of_task(&own).limits.usd_micros, Some(3_000_000));
    let scope = Scope::Task(bench.task.id);
    bench
        .app()
        .set_budget(&Actor::Owner, scope, vec![(Resource::Usd, Some(9))])
        .await
        .unwrap();
    assert_eq!(of_task(&bench).limits.usd_micros, Some(9));
    assert_eq!(bench.status(), TaskStatus::Pending);
    assert_eq!(ScopeKind::Task, Scope::Task(bench.task.id).kind());
}
