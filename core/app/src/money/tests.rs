//! Money against runs, crashes, answers and each other.

mod answers;
mod calls;
mod ends;
mod limits;
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

pub(super) fn set_defaults(app: &App, defaults: &DefaultLimits) {
    let config = crate::Config {
        budgets: *defaults,
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
