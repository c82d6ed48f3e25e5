//! Calls outside runs.

use hearth_domain::money::{CallEnd, Purpose};
use hearth_domain::{CallId, ConversationId};
use uuid::Uuid;

use super::*;
use crate::AppError;
use crate::money::ForWhom;

fn conversation() -> ConversationId {
    ConversationId(Uuid::from_u128(7))
}

fn get(app: &App, id: CallId) -> ModelCall {
    app.store()
        .read_now(|tx| Ok::<_, AppError>(ledger::get(tx, id)?))
        .unwrap()
        .unwrap()
}

async fn reserve(app: &App, usd_micros: u64) -> Result<CallId, AppError> {
    app.reserve_for_chat(
        &Actor::Owner,
        conversation(),
        Purpose::Chat,
        usage(usd_micros),
    )
    .await
}

fn used(usd_micros: u64) -> CallEnd {
    CallEnd::Used {
        provider: "groq".into(),
        model: "big".into(),
        usage: usage(usd_micros),
    }
}

#[tokio::test]
async fn a_chat_counts_in_the_chief_of_staffs_budget_the_days_and_that_of_everything() {
    let test = TestApp::new();
    let id = reserve(&test.app, 500).await.unwrap();
    test.app.settle_call(id, used(30)).await.unwrap();

    for scope in [
        Scope::Agent(agent("cos-agent")),
        Scope::Day(test.app.purse().today),
        Scope::Everything,
    ] {
        let account = account(&test.app, scope, None);
        assert_eq!(account.spent, Charge::turn(usage(30)));
        assert_eq!(account.reserved, Charge::default());
    }
    assert_eq!(get(&test.app, id).call.conversation, Some(conversation()));
}

#[tokio::test]
async fn a_call_is_settled_once_however_often_that_is_said() {
    let test = TestApp::new();
    let id = reserve(&test.app, 500).await.unwrap();

    for cost in [30, 40] {
        test.app.settle_call(id, used(cost)).await.unwrap();
    }
    test.app.settle_call(id, CallEnd::Unknown).await.unwrap();

    let all = account(&test.app, Scope::Everything, None);
    assert_eq!(all.spent.usd_micros, 30);
    let none = CallId(Uuid::from_u128(99));
    assert_eq!(code(test.app.settle_call(none, used(1)).await), "not_found");
}

#[tokio::test]
async fn what_does_not_fit_is_refused_with_what_was_spent_and_what_helps() {
    let test = TestApp::new();
    let mut defaults = no_limits();
    defaults.day.usd_micros = Some(1_000_000);
    set_defaults(&test.app, &defaults);
    let id = reserve(&test.app, 900_000).await.unwrap();

    let refused = reserve(&test.app, 200_000).await.unwrap_err();

    assert_eq!(
        refused.to_string(),
        "The budget of today is used up: $0.90 of $1.00 spent ($0.90 of it set aside for calls under \
         way); the next call may need $0.20. To allow more: hearth budget set day --usd 2"
    );
    assert_eq!(code::<()>(Err(refused)), "over_budget");
    assert_eq!(events(&test.app, "budget.reached").await.len(), 1);
    assert_eq!(account(&test.app, Scope::Everything, None).spent.turns, 1);
    test.app.settle_call(id, CallEnd::NotSent).await.unwrap();
    reserve(&test.app, 200_000).await.unwrap();
}

#[tokio::test]
async fn calls_of_an_earlier_life_count_once_at_their_worst_case() {
    let test = TestApp::new();
    let id = reserve(&test.app, 500).await.unwrap();
    let settled = reserve(&test.app, 70).await.unwrap();
    test.app.settle_call(settled, used(1)).await.unwrap();

    assert_eq!(test.app.settle_cut_off_calls().await.unwrap(), 1);
    assert_eq!(test.app.settle_cut_off_calls().await.unwrap(), 0);

    assert_eq!(get(&test.app, id).status, CallStatus::Unknown);
    let all = account(&test.app, Scope::Everything, None);
    assert_eq!((all.spent.usd_micros, all.reserved.usd_micros), (501, 0));
    check_sums(&test.app).await;
}

#[tokio::test]
async fn a_step_of_a_run_is_not_taken_for_a_call_that_was_cut_off() {
    let bench = Bench::new().await;
    let (hold, view) = bench.up().await;
    let step = bench.go(&hold, view.run.id, turn(1, 500)).await;

    assert_eq!(bench.app().settle_cut_off_calls().await.unwrap(), 0);

    bench.record(&hold, &step, answered(20)).await.unwrap();
    assert_eq!(of_task(&bench).spent.usd_micros, 20);
}

#[tokio::test]
async fn a_call_that_a_tool_makes_counts_with_its_task() {
    let bench = Bench::with(of_dollars(0.0)).await;
    let whom = |name: &str| ForWhom {
        agent: agent(name),
        task: Some(by_id(&bench.task)),
        conversation: None,
    };
    let app = bench.app();
    let seed = Actor::Agent(agent("seed"));
    let reserve = async |name: &str, cost| {
        app.reserve_call(&seed, whom(name), Purpose::Extract, usage(cost))
            .await
    };

    assert_eq!(code(reserve("scout", 0).await), "denied");
    assert_eq!(code(reserve("seed", 1).await), "over_budget");
    let id = reserve("seed", 0).await.unwrap();
    app.settle_call(id, used(0)).await.unwrap();
    assert_eq!(of_task(&bench).spent.tokens, 120);
}

#[tokio::test]
async fn a_viewer_has_no_model_asked() {
    let test = TestApp::new();
    let asked = test
        .app
        .reserve_for_chat(&Actor::Viewer, conversation(), Purpose::Chat, usage(0))
        .await;
    assert_eq!(code(asked), "denied");
}

#[tokio::test]
async fn money_that_comes_back_has_what_waited_for_it_go_on() {
    let bench = Bench::new().await;
    let mut defaults = no_limits();
    defaults.day.usd_micros = Some(1_000_000);
    set_defaults(bench.app(), &defaults);
    let id = reserve(bench.app(), 900_000).await.unwrap();
    let (hold, view) = bench.up().await;
    at_rest(&bench, &hold, view.run.id, turn(1, 200_000)).await;
    let (reason, _) = block(&bench);
    assert!(reason.contains("$0.90 of it set aside"), "{reason}");
    assert_eq!(bench.app().wake_affordable().await.unwrap(), 0);

    bench.app().settle_call(id, used(10)).await.unwrap();

    assert_eq!(bench.app().wake_affordable().await.unwrap(), 1);
    assert_eq!(bench.status(), TaskStatus::Pending);
}
