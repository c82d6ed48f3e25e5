//! Limits of other things than money, and who is told.

use super::*;

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
async fn settings_count_at_once_where_nothing_else_was_said() {
    let bench = Bench::new().await;
    let own = Bench::with(of_dollars(3.0)).await;
    let mut defaults = no_limits();
    defaults.task.usd_micros = Some(7);
    for app in [bench.app(), own.app()] {
        set_defaults(app, &defaults);
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
