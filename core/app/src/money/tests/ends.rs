//! How turns end, and what they cost then.

use std::sync::Arc;

use hearth_domain::money::Purpose;
use hearth_domain::{Clock, ConversationId};

use super::*;
use crate::test_support::reopen;

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
async fn a_killed_node_finds_the_money_counted_once_when_it_comes_back() {
    let bench = Bench::new().await;
    let (hold, view) = bench.up().await;
    let run = view.run.id;
    let known = bench.go(&hold, run, turn(1, 500)).await;
    bench.record(&hold, &known, answered(40)).await.unwrap();
    bench.go(&hold, run, turn(2, 700)).await;
    let talk = ConversationId(uuid::Uuid::from_u128(7));
    let worst = usage(9000);
    let said = bench
        .app()
        .reserve_for_chat(&Actor::Owner, talk, Purpose::Chat, worst);
    said.await.unwrap();
    bench.app().store().close();

    let clock = Arc::clone(&bench.test.clock) as Arc<dyn Clock>;
    let app = reopen(bench.test.dir.path(), clock);
    for settled in [1, 0] {
        assert_eq!(app.settle_cut_off_calls().await.unwrap(), settled);
        app.reclaim_after_restart(agent("seed")).await.unwrap();
        let all = account(&app, Scope::Everything, None);
        assert_eq!(all.reserved, Charge::default());
        assert_eq!(all.spent.usd_micros, 40 + 700 + 9000);
        assert_eq!(all.spent.turns, 3);
        check_sums(&app).await;
    }
}
