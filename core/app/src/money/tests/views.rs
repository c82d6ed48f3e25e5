//! What there is to show.

use super::*;
use crate::money::SpendingView;

#[tokio::test]
async fn budgets_are_listed_from_the_widest_to_the_narrowest() {
    let bench = Bench::with(of_dollars(1.0)).await;
    let (hold, view) = bench.up().await;
    let step = bench.go(&hold, view.run.id, turn(1, 500)).await;
    bench.record(&hold, &step, answered(400)).await.unwrap();
    let app = bench.app();
    let scout = Scope::Agent(agent("scout"));
    app.set_budget(&Actor::Owner, scout, vec![(Resource::Turns, Some(3))])
        .await
        .unwrap();

    let views = app.list_budgets().await.unwrap();

    let names: Vec<&str> = views.iter().map(|view| view.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "everything together",
            "each day",
            "today",
            "agent scout",
            "agent seed",
            "task #1"
        ]
    );
    assert_eq!(views[2].account.left(Resource::Usd), Some(4_999_600));
    assert_eq!(views[3].set.turns, Some(3));
    assert!(views[5].set.is_empty(), "it says so itself");
    assert_eq!(views[5].account.limits.usd_micros, Some(1_000_000));
}

#[tokio::test]
async fn a_budget_is_set_changed_and_cleared() {
    let test = TestApp::new();
    let set = async |limit| {
        let changes = vec![(Resource::Usd, limit)];
        let view = test.app.set_budget(&Actor::Owner, Scope::EachDay, changes);
        view.await.unwrap().account.limits.usd_micros
    };

    assert_eq!(set(Some(7_000_000)).await, Some(7_000_000));
    assert_eq!(set(Some(2_000_000)).await, Some(2_000_000));
    assert_eq!(set(None).await, Some(5_000_000), "the settings count again");
    assert_eq!(set(None).await, Some(5_000_000));
    let raised = events(&test.app, "budget.raised").await;
    let lowered = events(&test.app, "budget.lowered").await;
    assert_eq!(
        (raised.len(), lowered.len()),
        (2, 1),
        "and none where nothing changed"
    );
    let unknown = Scope::Project(hearth_domain::ProjectId(uuid::Uuid::from_u128(9)));
    let missing = test.app.set_budget(&Actor::Owner, unknown, Vec::new());
    assert_eq!(code(missing.await), "not_found");
    let huge = vec![(Resource::Tokens, Some(u64::MAX))];
    let huge = test.app.set_budget(&Actor::Owner, Scope::Everything, huge);
    assert_eq!(code(huge.await), "invalid_input");
}

#[tokio::test]
async fn spending_is_summed_by_what_it_was_for_page_by_page() {
    let bench = Bench::new().await;
    let (hold, view) = bench.up().await;
    for (place, model) in [(1, "small"), (2, "big"), (3, "big")] {
        let step = bench.go(&hold, view.run.id, turn(place, 500)).await;
        let outcome = json!({"provider": "groq", "model": model});
        let entry = Entry::Answered(outcome, usage(u64::from(place) * 10));
        bench.record(&hold, &step, entry).await.unwrap();
    }
    bench.go(&hold, view.run.id, turn(4, 500)).await;
    let app = bench.app();
    let rows = async |by| {
        let mut rows: Vec<SpendingView> = Vec::new();
        let mut cursor = None;
        loop {
            let page = app.list_spending(by, None, cursor, 1).await.unwrap();
            assert!(page.items.len() <= 1);
            rows.extend(page.items);
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
        rows.into_iter()
            .map(|row| (row.name, row.calls, row.usd_micros))
            .collect::<Vec<_>>()
    };

    assert_eq!(
        rows(SpendingBy::Model).await,
        [
            ("no answer".into(), 1, 500),
            ("groq/big".into(), 2, 50),
            ("groq/small".into(), 1, 10)
        ]
    );
    assert_eq!(rows(SpendingBy::Task).await, [("#1 work".into(), 4, 560)]);
    assert_eq!(rows(SpendingBy::Agent).await, [("seed".into(), 4, 560)]);
    assert_eq!(
        rows(SpendingBy::Project).await,
        [("no project".into(), 4, 560)]
    );
    assert_eq!(rows(SpendingBy::Day).await, [("1970-01-01".into(), 4, 560)]);
    let later = app.now().after(std::time::Duration::from_secs(1));
    let page = app
        .list_spending(SpendingBy::Task, Some(later), None, 9)
        .await;
    assert_eq!(page.unwrap().items, []);
}

#[tokio::test]
async fn today_is_told_with_its_limit() {
    let test = TestApp::new();
    let today = test.app.spent_today().unwrap();
    assert_eq!(today.day.limits.usd_micros, Some(5_000_000));
    assert_eq!(
        (today.day.spent, today.ever_usd_micros),
        (Charge::default(), 0)
    );
}
