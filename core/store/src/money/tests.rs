//! The ledger and what is kept beside it.

use hearth_domain::CallId;
use hearth_domain::money::{CallEnd, CallStatus, ModelCall, NewCall, Purpose, StepKey, Usage};
use hearth_domain::{ProjectId, RunId, TaskId};
use uuid::Uuid;

use super::*;
use crate::Store;
use crate::test_support::{TestStore, all_events, at};

fn usage(usd_micros: u64) -> Usage {
    Usage {
        usd_micros,
        input_tokens: 10,
        output_tokens: 5,
    }
}

fn new_call(number: u128, worst_case: Usage) -> ModelCall {
    let call = NewCall {
        purpose: Purpose::Task,
        step: Some(StepKey {
            run: RunId(Uuid::from_u128(1)),
            place: 2,
            attempt: u32::try_from(number).unwrap(),
        }),
        conversation: None,
        task: Some(TaskId(Uuid::from_u128(3))),
        project: Some(ProjectId(Uuid::from_u128(4))),
        agent: "seed".parse().unwrap(),
        worst_case,
        day: "2026-11-25".parse().unwrap(),
    };
    ModelCall::reserve(CallId(Uuid::from_u128(number)), call, at(1))
}

fn used(usd_micros: u64) -> CallEnd {
    CallEnd::Used {
        provider: "groq".into(),
        model: "big".into(),
        usage: usage(usd_micros),
    }
}

async fn reserved(store: &Store, call: &ModelCall) {
    let call = call.clone();
    store.write(move |tx| reserve(tx, &call)).await.unwrap();
}

async fn settled(store: &Store, call: &ModelCall, end: CallEnd) -> Result<ModelCall, StoreError> {
    let call = call.clone().end(end, at(2)).unwrap();
    store
        .write(move |tx| settle(tx, &call).map(|()| call))
        .await
}

fn in_scope(store: &Store, scope: &Scope) -> Spent {
    store.read_now(|tx| spent(tx, scope)).unwrap()
}

#[tokio::test]
async fn a_call_counts_in_every_scope_and_reads_back() {
    let test = TestStore::new();
    let call = new_call(1, usage(500));
    reserved(&test.store, &call).await;
    let read = |id| test.store.read_now(|tx| get(tx, id)).unwrap();
    assert_eq!(read(call.id).as_ref(), Some(&call));

    let ended = settled(&test.store, &call, used(30)).await.unwrap();

    assert_eq!(read(call.id), Some(ended));
    let scopes = call.call.scopes();
    assert_eq!(scopes.len(), 5);
    for scope in scopes {
        let spent = in_scope(&test.store, &scope);
        assert_eq!(spent.spent, Charge::turn(usage(30)), "{scope}");
        assert_eq!(spent.reserved, Charge::default());
    }
}

#[tokio::test]
async fn a_call_is_settled_once_and_a_step_reserved_for_once() {
    let test = TestStore::new();
    let call = new_call(1, usage(500));
    reserved(&test.store, &call).await;
    let step = call.call.step.unwrap();
    let open = |step| {
        test.store
            .read_now(|tx| find_open_of_step(tx, step))
            .unwrap()
    };
    assert_eq!(open(step).map(|call| call.id), Some(call.id));
    settled(&test.store, &call, used(30)).await.unwrap();

    let again = settled(&test.store, &call, used(40)).await;

    assert!(matches!(again, Err(StoreError::Stale { .. })), "{again:?}");
    assert_eq!(open(step), None);
    assert_eq!(
        in_scope(&test.store, &Scope::Everything).spent.usd_micros,
        30
    );
    let twin = ModelCall {
        id: CallId(Uuid::from_u128(9)),
        ..call
    };
    let twice = test.store.write(move |tx| reserve(tx, &twin)).await;
    assert!(twice.is_err());
    assert_eq!(in_scope(&test.store, &Scope::Everything).spent.turns, 1);
}

#[tokio::test]
async fn no_number_leaves_what_a_column_holds() {
    let test = TestStore::new();
    let most = Charge {
        usd_micros: u64::MAX,
        tokens: u64::MAX,
        turns: u64::MAX,
        tool_calls: u64::MAX,
        wall_ms: u64::MAX,
        children: u64::MAX,
    };
    for _ in 0..4 {
        test.store
            .write(move |tx| charge(tx, &Scope::Everything, &most, at(1)))
            .await
            .unwrap();
    }
    for number in 1..4 {
        let call = new_call(number, usage(u64::MAX));
        reserved(&test.store, &call).await;
        settled(&test.store, &call, used(u64::MAX)).await.unwrap();
    }

    let spent = in_scope(&test.store, &Scope::Everything).spent;
    assert!(spent.usd_micros > Usage::MOST && spent.children > Usage::MOST);
}

#[tokio::test]
async fn what_nobody_will_settle_is_found() {
    let test = TestStore::new();
    let of_gone_run = new_call(1, usage(5));
    let mut outside = new_call(2, usage(5));
    outside.call.step = None;
    let mut later = new_call(3, usage(5));
    later.call.step = None;
    later.created_at = at(50);
    for call in [&of_gone_run, &outside, &later] {
        reserved(&test.store, call).await;
    }

    let found = test.store.read_now(|tx| cut_off(tx, at(50))).unwrap();

    let mut ids: Vec<CallId> = found.iter().map(|call| call.id).collect();
    ids.sort();
    assert_eq!(ids, [of_gone_run.id, outside.id]);
    assert!(found.iter().all(|call| call.status == CallStatus::Reserved));
}

#[tokio::test]
async fn limits_are_kept_cleared_and_told_of() {
    let test = TestStore::new();
    let scope = Scope::Agent("seed".parse().unwrap());
    let set = async |what, limit, heights| {
        let scope = scope.clone();
        let set = test
            .store
            .write(move |tx| set_limit(tx, &scope, what, limit, heights, "owner", at(1)));
        set.await.unwrap();
    };
    let said = || test.store.read_now(|tx| limits(tx, &scope)).unwrap();
    set(Resource::Usd, Some(5), (None, Some(5))).await;
    set(Resource::Turns, Some(3), (Some(1), Some(3))).await;
    assert_eq!(
        said(),
        Some(Limits {
            usd_micros: Some(5),
            turns: Some(3),
            ..Limits::default()
        })
    );
    set(Resource::Usd, None, (Some(5), None)).await;
    set(Resource::Turns, None, (Some(3), Some(3))).await;
    assert_eq!(said(), None);

    let events = all_events(&test.store).await;
    let types: Vec<&str> = events
        .iter()
        .map(|event| event.type_name.as_str())
        .collect();
    assert_eq!(types, ["budget.lowered", "budget.raised", "budget.raised"]);
    assert!(events.iter().all(|event| event.entity_id == scope.id()));
}

#[tokio::test]
async fn until_when_time_is_counted_is_kept_and_is_no_spending() {
    let test = TestStore::new();
    let scope = Scope::Task(TaskId(Uuid::from_u128(3)));
    for seconds in [5, 7] {
        let scope = scope.clone();
        test.store
            .write(move |tx| count_until(tx, &scope, at(seconds)))
            .await
            .unwrap();
    }

    let spent = in_scope(&test.store, &scope);
    assert_eq!(spent.counted_until, Some(at(7)));
    assert_eq!(spent.spent, Charge::default());
}
