//! Rows of the journal: round trips of every state, and what an end ends.

use hearth_domain::ArtifactId;
use hearth_domain::approval::{Approval, NewApproval};
use hearth_domain::policy::{Decision, Labels, Verdict};
use hearth_domain::run::{NewStep, Repeat, StepEnd};
use serde_json::json;
use uuid::Uuid;

use super::*;
use crate::Store;
use crate::runs::tests::with_run;
use crate::test_support::{TestStore, all_events, at};

fn new(place: u32) -> NewStep {
    NewStep {
        place,
        attempt: 1,
        name: "fetch".parse().unwrap(),
        action: Action {
            tool: "http_get".parse().unwrap(),
            args: serde_json::from_value(json!({"url": "https://example.org/ü"})).unwrap(),
        },
        repeat: Repeat::Restored,
        brings: Labels {
            untrusted: true,
            private: false,
        },
        decision: Decision {
            permission: Some(4),
            is_once: true,
            ..Decision::new(Verdict::Change, "less time")
        },
    }
}

async fn inserted(store: &Store, run: &Run, change: Change<Step>) -> Step {
    let run = run.clone();
    let stored = store.write(move |tx| insert(tx, change, &run, at(2))).await;
    stored.unwrap()
}

async fn saved(store: &Store, run: &Run, change: Change<Step>) -> Result<Step, StoreError> {
    let run = run.clone();
    let save = store.write(move |tx| save(tx, change, &run, "owner", at(3)));
    save.await
}

fn read_back(store: &Store, step: &Step) -> Step {
    let (run, place, attempt) = (step.run_id, step.place, step.attempt);
    let found = store.read_now(move |tx| get(tx, run, place, attempt));
    found.unwrap().unwrap()
}

/// An approval of a run, which steps may wait for.
async fn asked(store: &Store, run: &Run) -> ApprovalId {
    let (id, action) = (ApprovalId(Uuid::from_u128(0xB)), new(1).action);
    let new = NewApproval {
        run_id: run.id,
        task_id: run.task_id,
        task_number: run.task_number,
        place: 1,
        action,
        what: "fetch it".into(),
        why: "it leaves".into(),
        is_once: false,
    };
    let change = Approval::request(id, 1, new, at(2));
    let asked = store.write(move |tx| crate::approvals::insert(tx, change, "seed"));
    asked.await.unwrap();
    id
}

#[tokio::test]
async fn an_attempt_reads_back_as_it_was_stored_in_every_state() {
    let test = TestStore::new();
    let store = &test.store;
    let (_, run) = with_run(store).await;
    let approval = WaitingFor::Approval(asked(store, &run).await);
    let end = StepEnd {
        result: serde_json::from_value(json!({"n": [1, null]})).unwrap(),
        artifacts: vec![ArtifactId(Uuid::from_u128(7))],
        note: "finished".into(),
        brings: Labels::PRIVATE,
    };
    let intended = || Step::intend(new(1), &run, at(2)).after;
    let acted = || intended().act(json!("text"), &run, at(3)).after;
    let decision = Decision::new(Verdict::Deny, "denied");
    let waiting = |waits_for| Step::wait(new(1), waits_for, &run, at(2)).after;
    let private = Labels {
        private: true,
        untrusted: false,
    };
    let states = [
        intended(),
        acted(),
        acted().complete(end, &run, at(4)).after,
        acted().complete(StepEnd::default(), &run, at(4)).after,
        intended().fail("it broke\n".into(), &run, at(4)).after,
        intended().interrupt(&run, at(4)).after,
        waiting(approval),
        waiting(WaitingFor::Answer),
        waiting(WaitingFor::Doubt),
        waiting(WaitingFor::Budget),
        waiting(WaitingFor::Child(run.task_id)),
        waiting(approval).deny(decision, &run, at(4)).after,
        waiting(approval).proceed(new(1).decision, &run).after,
        waiting(approval)
            .hand_on(new(1).decision, run.task_id, &run)
            .after,
        waiting(WaitingFor::Child(run.task_id))
            .deliver(StepEnd::default(), private, &run, at(4))
            .after,
    ];
    for (place, state) in (1..).zip(states) {
        let first = inserted(store, &run, Step::intend(new(place), &run, at(2))).await;
        let step = Step {
            place,
            ..state.clone()
        };
        let event = first.clone().interrupt(&run, at(4)).event;
        let change = Change { after: step, event };
        let stored = saved(store, &run, change).await.unwrap();
        assert_eq!(read_back(store, &first), stored, "{state:?}");
        if !stored.has_ended() {
            let discarded = stored.discard(&run, at(5));
            let discarded = saved(store, &run, discarded).await.unwrap();
            assert_eq!(read_back(store, &first), discarded);
        }
    }
    let id = run.id;
    let all = store.read_now(move |tx| of_run(tx, id)).unwrap();
    let places: Vec<u32> = all.iter().map(|step| step.place).collect();
    assert_eq!(places, (1..=15).collect::<Vec<_>>());
    let folded = |steps: &[Step]| {
        let none = Labels::default();
        steps
            .iter()
            .fold(none, |labels, step| labels.and(step.brought()))
    };
    let brought = store.read_now(move |tx| brought(tx, id)).unwrap();
    assert_eq!(brought, folded(&all));
    assert_eq!(brought, Labels::UNTRUSTED.and(Labels::PRIVATE));
}

#[tokio::test]
async fn a_refused_attempt_is_stored_with_its_end() {
    let test = TestStore::new();
    let (_, run) = with_run(&test.store).await;

    let step = inserted(&test.store, &run, Step::refuse(new(1), &run, at(2))).await;

    assert!(step.has_ended());
    assert_eq!(read_back(&test.store, &step), step);
}

#[tokio::test]
async fn an_attempt_that_ended_changes_no_more_but_may_be_discarded_once() {
    let test = TestStore::new();
    let store = &test.store;
    let (_, run) = with_run(store).await;
    let step = inserted(store, &run, Step::intend(new(1), &run, at(2))).await;
    let done = step.clone().complete(StepEnd::default(), &run, at(3));
    let done = saved(store, &run, done).await.unwrap();
    let events = all_events(store).await.len();
    let late = || {
        [
            step.clone().act(json!(1), &run, at(4)),
            step.clone().complete(StepEnd::default(), &run, at(4)),
            step.clone().fail("late".into(), &run, at(4)),
            step.clone().interrupt(&run, at(4)),
        ]
    };
    for change in late() {
        let refused = saved(store, &run, change).await;
        assert!(matches!(
            refused,
            Err(StoreError::Stale { entity: "step", .. })
        ));
    }
    assert_eq!(read_back(store, &step), done);
    assert_eq!(all_events(store).await.len(), events);
    // Discarding is no way to change what came of it.
    let other = step
        .clone()
        .interrupt(&run, at(4))
        .after
        .discard(&run, at(5));
    assert!(saved(store, &run, other).await.is_err());

    let discarded = done.clone().discard(&run, at(5));
    let discarded = saved(store, &run, discarded).await.unwrap();

    assert_eq!(read_back(store, &step), discarded);
    assert!(saved(store, &run, done.discard(&run, at(6))).await.is_err());
    for change in late() {
        assert!(saved(store, &run, change).await.is_err());
    }
}

#[tokio::test]
async fn an_attempt_that_was_discarded_before_its_end_stays_discarded() {
    let test = TestStore::new();
    let store = &test.store;
    let (_, run) = with_run(store).await;
    let waits = Step::wait(new(1), WaitingFor::Answer, &run, at(2));
    let step = inserted(store, &run, waits).await;
    let discarded = step.clone().discard(&run, at(3));
    let discarded = saved(store, &run, discarded).await.unwrap();

    let answered = step.complete(StepEnd::default(), &run, at(4));
    let refused = saved(store, &run, answered).await;

    assert!(matches!(refused, Err(StoreError::Stale { .. })));
    assert_eq!(read_back(store, &discarded), discarded);
}
