//! Rows of approvals: round trips, one answer, lists, and when they run out.

use hearth_domain::approval::{ANSWER_WITHIN, NewApproval, USE_WITHIN};
use hearth_domain::run::Run;
use serde_json::json;
use uuid::Uuid;

use super::*;
use crate::Store;
use crate::runs::tests::with_run;
use crate::test_support::{TestStore, at};

async fn asked(store: &Store, run: &Run, seconds: i64) -> Approval {
    let run = run.clone();
    let ask = store.write(move |tx| {
        let number = next_number(tx)?;
        let new = NewApproval {
            run_id: run.id,
            task_id: run.task_id,
            task_number: run.task_number,
            place: 2,
            action: Action {
                tool: "http_get".parse().unwrap(),
                args: serde_json::from_value(json!({"url": "ü", "n": 1.5})).unwrap(),
            },
            what: "fetch it".into(),
            why: "it leaves".into(),
            is_once: number % 2 == 0,
        };
        let id = ApprovalId(Uuid::from_u128(0xB00 + u128::from(number.unsigned_abs())));
        insert(tx, Approval::request(id, number, new, at(seconds)), "seed")
    });
    ask.await.unwrap()
}

async fn saved(
    store: &Store,
    change: Change<Approval>,
    was: ApprovalStatus,
) -> Result<Approval, StoreError> {
    let save = store.write(move |tx| save(tx, change, was, "owner", at(9)));
    save.await
}

fn read_back(store: &Store, id: ApprovalId) -> Approval {
    store.read_now(move |tx| get(tx, id)).unwrap().unwrap()
}

#[tokio::test]
async fn an_approval_reads_back_as_it_was_stored_in_every_state() {
    type Way = fn(Approval, Option<String>, Timestamp) -> Change<Approval>;
    let test = TestStore::new();
    let store = &test.store;
    let (_, run) = with_run(store).await;
    let note = || Some("so".to_owned());
    let end = at(1).after(ANSWER_WITHIN);
    let ways: [Way; 4] = [
        |one, note, _| one.approve("owner", note, at(5)).unwrap(),
        |one, note, _| one.deny("owner", note, at(5)).unwrap(),
        |one, _, end| one.expire(end).unwrap(),
        |one, _, _| one.withdraw("its run has ended").unwrap(),
    ];
    for way in ways {
        let pending = asked(store, &run, 1).await;
        assert_eq!(read_back(store, pending.id), pending);
        let change = way(pending, note(), end);
        let stored = saved(store, change, ApprovalStatus::Pending).await.unwrap();
        assert_eq!(read_back(store, stored.id), stored);
        if stored.status == ApprovalStatus::Approved {
            let used = stored.clone().use_for(stored.action.hash(), at(6)).unwrap();
            let used = saved(store, used, ApprovalStatus::Approved).await.unwrap();
            assert_eq!(read_back(store, used.id), used);
        }
    }
    let id = run.id;
    let all = store.read_now(move |tx| of_run(tx, id)).unwrap();
    let numbers: Vec<i64> = all.iter().map(|one| one.number).collect();
    assert_eq!(numbers, [1, 2, 3, 4]);
    let last = store.read_now(|tx| find_by_number(tx, 4)).unwrap();
    assert_eq!(last.as_ref(), all.last());
}

#[tokio::test]
async fn two_answers_or_two_uses_at_once_are_one() {
    let test = TestStore::new();
    let store = &test.store;
    let (_, run) = with_run(store).await;
    let pending = asked(store, &run, 1).await;
    let no = pending.clone().deny("owner", None, at(5)).unwrap();
    let yes = pending.approve("owner", None, at(5)).unwrap();
    let yes = saved(store, yes, ApprovalStatus::Pending).await.unwrap();

    let second = saved(store, no, ApprovalStatus::Pending).await;

    assert!(matches!(second, Err(StoreError::Stale { .. })));
    let using = yes.clone().use_for(yes.action.hash(), at(6)).unwrap();
    let again = yes.clone().use_for(yes.action.hash(), at(6)).unwrap();
    saved(store, using, ApprovalStatus::Approved).await.unwrap();
    assert!(saved(store, again, ApprovalStatus::Approved).await.is_err());
}

#[tokio::test]
async fn approvals_are_listed_newest_first_by_state_in_pages() {
    let test = TestStore::new();
    let store = &test.store;
    let (_, run) = with_run(store).await;
    for _ in 0..4 {
        let one = asked(store, &run, 1).await;
        if one.number == 2 {
            let no = one.deny("owner", None, at(5)).unwrap();
            saved(store, no, ApprovalStatus::Pending).await.unwrap();
        }
    }
    let list = async |status, cursor| {
        let page = store
            .read(move |tx| list(tx, status, cursor, 2))
            .await
            .unwrap();
        let numbers: Vec<i64> = page.items.iter().map(|one| one.number).collect();
        (numbers, page.next)
    };
    let pending = Some(ApprovalStatus::Pending);

    assert_eq!(list(None, None).await, (vec![4, 3], Some(3)));
    assert_eq!(list(None, Some(3)).await, (vec![2, 1], None));
    assert_eq!(list(pending, None).await, (vec![4, 3], Some(3)));
    assert_eq!(list(pending, Some(3)).await, (vec![1], None));
    assert_eq!(store.read_now(|tx| count_pending(tx)).unwrap(), 3);
}

#[tokio::test]
async fn what_is_open_runs_out_and_what_is_settled_does_not() {
    let test = TestStore::new();
    let store = &test.store;
    assert_eq!(store.read_now(|tx| next_expiry(tx)).unwrap(), None);
    let (_, run) = with_run(store).await;
    let denied = asked(store, &run, 1)
        .await
        .deny("owner", None, at(2))
        .unwrap();
    saved(store, denied, ApprovalStatus::Pending).await.unwrap();
    let pending = asked(store, &run, 3).await;
    let yes = asked(store, &run, 4)
        .await
        .approve("owner", None, at(5))
        .unwrap();
    let yes = saved(store, yes, ApprovalStatus::Pending).await.unwrap();
    let over = |now| {
        let over = store.read_now(move |tx| run_out(tx, now)).unwrap();
        over.iter().map(|one| one.number).collect::<Vec<_>>()
    };

    assert_eq!(yes.expires_at, at(5).after(USE_WITHIN));
    assert_eq!(
        store.read_now(|tx| next_expiry(tx)).unwrap(),
        Some(yes.expires_at)
    );
    assert_eq!(
        over(Timestamp::from_millis(yes.expires_at.as_millis() - 1)),
        [0; 0]
    );
    assert_eq!(over(yes.expires_at), [yes.number]);
    assert_eq!(over(pending.expires_at).len(), 2);
}
