//! What the owner's answer does, and what nobody else's does.

use super::*;
use crate::tasks::UpdateTask;
use hearth_domain::task::TaskPatch;

/// A run at rest whose second turn does not fit into a dollar.
async fn short_of_money(bench: &Bench) -> RunId {
    let (hold, view) = bench.up().await;
    let run = view.run.id;
    let step = bench.go(&hold, run, turn(1, 980_000)).await;
    bench.record(&hold, &step, answered(980_000)).await.unwrap();
    at_rest(bench, &hold, run, turn(2, 50_000)).await;
    run
}

async fn limit_after(answer: &str) -> Option<u64> {
    let bench = Bench::with(of_dollars(1.0)).await;
    let run = short_of_money(&bench).await;
    bench.answer(answer).await.unwrap();
    assert_eq!(bench.status(), TaskStatus::Pending);
    let (hold, _) = bench.up().await;
    let step = bench.go(&hold, run, turn(2, 50_000)).await;
    bench.record(&hold, &step, answered(10)).await.unwrap();
    check_sums(bench.app()).await;
    of_task(&bench).limits.usd_micros
}

#[tokio::test]
async fn one_answer_raises_the_limit_and_the_step_is_made() {
    for (answer, limit) in [
        ("raise to $2.00", 2_000_000),
        ("raise", 2_000_000),
        ("yes", 2_000_000),
        ("$5", 5_000_000),
        ("5 dollars", 5_000_000),
        ("3", 3_000_000),
    ] {
        assert_eq!(limit_after(answer).await, Some(limit), "{answer}");
    }
}

#[tokio::test]
async fn a_raise_is_told_of_in_an_event() {
    let bench = Bench::with(of_dollars(1.0)).await;
    short_of_money(&bench).await;

    bench.answer("$5").await.unwrap();

    let raised = events(bench.app(), "budget.raised").await;
    assert_eq!(raised.len(), 1);
    assert_eq!(
        (&raised[0]["was"], &raised[0]["limit"]),
        (&json!(1_000_000), &json!(5_000_000))
    );
}

#[tokio::test]
async fn anything_else_stops_the_step() {
    for words in ["stop", "no", "perhaps later", "raise the roof"] {
        let bench = Bench::with(of_dollars(1.0)).await;
        let run = short_of_money(&bench).await;

        bench.answer(words).await.unwrap();

        let view = bench.view(run).await;
        let last = view.steps.last().unwrap();
        let error = format!("stopped by owner: {words}");
        assert_eq!(last.state, StepState::Failed { error });
        assert!(last.is_stopped());
        assert_eq!(of_task(&bench).limits.usd_micros, Some(1_000_000));
    }
}

#[tokio::test]
async fn an_amount_that_would_not_do_is_refused_with_what_would() {
    let bench = Bench::with(of_dollars(1.0)).await;
    short_of_money(&bench).await;

    for (answer, said) in [
        ("$1.02", "must be at least $1.03"),
        ("5000 tokens", "names tokens, and what is used up is usd"),
    ] {
        let refused = bench.answer(answer).await.unwrap_err().to_string();
        assert!(refused.contains(said), "{refused}");
        assert_eq!(bench.status(), TaskStatus::Blocked);
    }
    assert_eq!(of_task(&bench).limits.usd_micros, Some(1_000_000));
}

#[tokio::test]
async fn an_agents_word_raises_nothing() {
    let bench = Bench::with(of_dollars(1.0)).await;
    let run = short_of_money(&bench).await;
    let app = bench.app();
    let id = by_id(&bench.task);
    for actor in [
        Actor::Agent(agent("seed")),
        Actor::Agent(agent("owner-like")),
        Actor::Viewer,
        Actor::System,
    ] {
        let raise = Some("raise to $2.00".to_owned());
        let answered = app.answer_task(&actor, id, raise, None).await;
        assert_eq!(code(answered), "denied", "{actor:?}");
    }
    let changes = || vec![(Resource::Usd, Some(9_000_000))];
    let seed = Actor::Agent(agent("seed"));
    let scope = || Scope::Task(bench.task.id);
    assert_eq!(
        code(app.set_budget(&seed, scope(), changes()).await),
        "denied"
    );
    assert_eq!(bench.status(), TaskStatus::Blocked);
    assert_eq!(of_task(&bench).limits.usd_micros, Some(1_000_000));
    // By another way that does not know of budgets: it goes on, and waits again.
    let task = bench.test.get(&bench.task);
    let now = app.now();
    let answered = app.store().write(move |tx| {
        let change = task.answer(Some("raise".into()), &Actor::System, now)?;
        crate::notices::save_task(tx, change)
    });
    answered.await.unwrap();
    let (hold, _) = bench.up().await;
    let Intent::Waits(_) = bench.intend(&hold, run, turn(2, 50_000)).await.unwrap() else {
        panic!("it was raised");
    };
}

#[tokio::test]
async fn an_agent_does_not_allow_the_task_it_holds_more() {
    let bench = Bench::with(of_dollars(0.5)).await;
    let hold = bench.test.claim(&bench.task, "seed").await;
    let seed = Actor::Agent(agent("seed"));
    let give = async |budget: Option<Budget>| {
        let update = UpdateTask {
            patch: TaskPatch {
                budget: Some(budget),
                ..TaskPatch::default()
            },
            fence: Some(hold.fence),
            ..UpdateTask::default()
        };
        let id = by_id(&bench.task);
        bench.app().update_task(&seed, id, update, None).await
    };
    let dollars = |usd| {
        Some(Budget {
            usd: Some(usd),
            ..Budget::default()
        })
    };

    assert_eq!(code(give(dollars(0.6)).await), "denied");
    assert_eq!(code(give(None).await), "denied", "the usual dollar is more");
    assert!(give(dollars(0.4)).await.is_ok());
    let new = of_dollars(1.5);
    let made = bench.app().create_task(&seed, new, None).await;
    assert_eq!(code(made), "denied", "more than a task usually has");
}

#[tokio::test]
async fn one_answer_raises_all_that_is_in_the_way() {
    let bench = Bench::with(with_budget(Budget {
        usd: Some(1.0),
        turns: Some(1),
        ..Budget::default()
    }))
    .await;
    let mut defaults = no_limits();
    defaults.day.usd_micros = Some(1_000_000);
    set_defaults(bench.app(), &defaults);
    let run = short_of_money(&bench).await;
    let (reason, options) = block(&bench);
    assert_eq!(options, ["raise all", "stop"]);
    assert!(
        reason.contains(
            "Shall I raise today to $2.00, and task #1 to $2.00, and task #1 to 2 turns?"
        ),
        "{reason}"
    );
    assert!(reason.contains("$0.98 on task #1"), "{reason}");

    bench.answer("raise all").await.unwrap();

    let today = bench.app().purse().today;
    let day = account(bench.app(), Scope::Day(today), None);
    assert_eq!(day.limits.usd_micros, Some(2_000_000));
    let each = account(bench.app(), Scope::EachDay, None);
    assert_eq!(each.limits.usd_micros, Some(1_000_000), "today alone");
    assert_eq!(of_task(&bench).limits.turns, Some(2));
    let (hold, _) = bench.up().await;
    bench.go(&hold, run, turn(2, 50_000)).await;
}

#[tokio::test]
async fn a_plain_unblocking_goes_on_if_there_is_enough_by_now() {
    let bench = Bench::with(of_dollars(1.0)).await;
    let run = short_of_money(&bench).await;
    let unblock = async || {
        let id = by_id(&bench.task);
        let done = bench.app().answer_task(&Actor::Owner, id, None, None).await;
        done.unwrap();
        bench.up().await.0
    };
    let hold = unblock().await;
    at_rest(&bench, &hold, run, turn(2, 50_000)).await;

    let hold = unblock().await;

    bench.go(&hold, run, turn(2, 0)).await;
}

#[tokio::test]
async fn a_higher_budget_has_what_waits_for_it_go_on() {
    let bench = Bench::with(of_dollars(1.0)).await;
    short_of_money(&bench).await;
    let app = bench.app();

    let scope = Scope::Task(bench.task.id);
    let more = vec![(Resource::Usd, Some(1_020_000))];
    app.set_budget(&Actor::Owner, scope.clone(), more)
        .await
        .unwrap();
    assert_eq!(bench.status(), TaskStatus::Blocked, "it is not enough");

    let more = vec![(Resource::Usd, Some(1_030_000))];
    app.set_budget(&Actor::Owner, scope, more).await.unwrap();
    assert_eq!(bench.status(), TaskStatus::Pending);
}

#[tokio::test]
async fn the_next_day_has_a_budget_of_its_own() {
    let bench = Bench::new().await;
    let mut defaults = no_limits();
    defaults.day.usd_micros = Some(1_000_000);
    set_defaults(bench.app(), &defaults);
    short_of_money(&bench).await;
    assert_eq!(bench.app().wake_affordable().await.unwrap(), 0);

    bench.test.clock.advance_secs(24 * 3600);

    assert_eq!(bench.app().wake_affordable().await.unwrap(), 1);
    assert_eq!(bench.status(), TaskStatus::Pending);
}

#[tokio::test]
async fn a_run_that_stops_for_good_asks_for_no_budget_any_more() {
    let bench = Bench::with(of_dollars(0.0)).await;
    let (hold, view) = bench.up().await;
    let run = view.run.id;
    bench.intend(&hold, run, turn(1, 5)).await.unwrap();

    let failed = Rest::Failed("b: not there".into());
    bench.rest(&hold, run, failed).await.unwrap();

    assert_eq!(bench.live(run).await, []);
    assert_eq!(bench.app().wake_affordable().await.unwrap(), 0);
}

#[tokio::test]
async fn a_question_comes_before_a_budget() {
    let bench = Bench::with(of_dollars(0.0)).await;
    let (hold, view) = bench.up().await;
    let run = view.run.id;
    bench.intend(&hold, run, turn(1, 5)).await.unwrap();
    let question = Meant {
        action: action("ask_owner", json!({"question": "Which?"})),
        ..quiet(2)
    };
    bench
        .ask(&hold, run, question, WaitingFor::Answer)
        .await
        .unwrap();
    bench.rest(&hold, run, Rest::Waits).await.unwrap();
    assert_eq!(block(&bench).0, "Which?");

    bench.answer("yes").await.unwrap();

    assert_eq!(
        of_task(&bench).limits.usd_micros,
        Some(0),
        "that was the answer to it"
    );
    let (hold, _) = bench.up().await;
    at_rest(&bench, &hold, run, turn(1, 5)).await;
    bench.answer("yes").await.unwrap();
    assert_eq!(of_task(&bench).limits.usd_micros, Some(50_000));
}
