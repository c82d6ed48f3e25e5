//! Rows of runs: round trips, one open run of a task, lists.

use hearth_domain::field::AgentName;
use hearth_domain::run::NewRun;
use hearth_domain::task::Task;
use serde_json::json;
use uuid::Uuid;

use super::*;
use crate::Store;
use crate::test_support::{TestStore, add, agent, all_events, at};

pub(crate) fn by() -> AgentName {
    agent("seed")
}

/// Begins a run of a task.
pub(crate) fn begun(tx: &WriteTx<'_>, task: &Task) -> Result<Change<Run>, StoreError> {
    let number = next_number(tx)?;
    let new = NewRun {
        task_id: task.id,
        task_number: task.number,
        agent: by(),
        plan: json!([{"tool": "read_file", "args": {"path": "ü"}}]),
        fence: 3,
    };
    let id = Uuid::from_u128(0xA00 + u128::from(number.unsigned_abs()));
    Ok(Run::begin(RunId(id), number, new, at(number)))
}

/// A task and a run of it.
pub(crate) async fn with_run(store: &Store) -> (Task, Run) {
    let task = add(store, "work").await.unwrap();
    let run = run_of(store, &task).await.unwrap();
    (task, run)
}

async fn run_of(store: &Store, task: &Task) -> Result<Run, StoreError> {
    let task = task.clone();
    store
        .write(move |tx| {
            let change = begun(tx, &task)?;
            insert(tx, change)
        })
        .await
}

async fn saved(store: &Store, change: Change<Run>) -> Result<Run, StoreError> {
    store.write(move |tx| save(tx, change, "owner")).await
}

fn read_back(store: &Store, id: RunId) -> Run {
    store.read_now(|tx| get(tx, id)).unwrap().unwrap()
}

#[tokio::test]
async fn a_run_reads_back_as_it_was_stored_in_every_state() {
    let test = TestStore::new();
    let store = &test.store;
    let (_, run) = with_run(store).await;
    assert_eq!(read_back(store, run.id), run);
    let ways: [fn(Run) -> Change<Run>; 5] = [
        |run| run.wait("approval 1", at(5)).unwrap(),
        |run| run.resume(agent("scout"), 4, at(6)).unwrap(),
        |run| run.fail("step 1 failed\nso", at(7)).unwrap(),
        |run| run.resume(by(), 5, at(8)).unwrap(),
        |run| run.complete(at(9)).unwrap(),
    ];
    let mut run = run;
    for way in ways {
        run = saved(store, way(run)).await.unwrap();
        assert_eq!(read_back(store, run.id), run);
    }
    let (_, other) = with_run(store).await;
    let ended = saved(store, other.cancel("no", at(9)).unwrap())
        .await
        .unwrap();
    assert_eq!(read_back(store, ended.id), ended);
    let by_number = store.read_now(|tx| find_by_number(tx, ended.number));
    assert_eq!(by_number.unwrap(), Some(ended));
}

#[tokio::test]
async fn a_change_of_an_older_version_is_stale_and_leaves_no_event() {
    let test = TestStore::new();
    let (_, run) = with_run(&test.store).await;
    let late = run.clone().fail("late", at(6)).unwrap();
    let first = run.wait("approval 1", at(5)).unwrap();
    let first = saved(&test.store, first).await.unwrap();
    let events = all_events(&test.store).await.len();

    let refused = saved(&test.store, late).await;

    assert!(matches!(
        refused,
        Err(StoreError::Stale { entity: "run", .. })
    ));
    assert_eq!(read_back(&test.store, first.id), first);
    assert_eq!(all_events(&test.store).await.len(), events);
}

#[tokio::test]
async fn a_task_has_one_run_that_can_go_on() {
    let test = TestStore::new();
    let store = &test.store;
    let (task, first) = with_run(store).await;

    assert!(run_of(store, &task).await.is_err());

    let failed = saved(store, first.fail("x", at(5)).unwrap()).await.unwrap();
    assert!(
        run_of(store, &task).await.is_err(),
        "a failed one can go on"
    );
    saved(store, failed.cancel("x", at(6)).unwrap())
        .await
        .unwrap();
    let second = run_of(store, &task).await.unwrap();
    let id = task.id;
    let open = store.read_now(move |tx| open_of(tx, id)).unwrap();
    assert_eq!(open, Some(second));
}

#[tokio::test]
async fn runs_are_listed_newest_first_by_task_and_state_in_pages() {
    let test = TestStore::new();
    let store = &test.store;
    let mut runs = Vec::new();
    for _ in 0..5 {
        runs.push(with_run(store).await);
    }
    for (_, run) in &runs[1..4] {
        let waits = run.clone().wait("x", at(9)).unwrap();
        saved(store, waits).await.unwrap();
    }
    let list = async |status, task, cursor, limit| {
        let filter = RunFilter { status, task };
        let page = store.read(move |tx| list(tx, &filter, cursor, limit)).await;
        let page = page.unwrap();
        let numbers: Vec<i64> = page.items.iter().map(|run| run.number).collect();
        (numbers, page.next)
    };
    let waiting = Some(RunStatus::Waiting);
    let task = Some(runs[2].0.id);

    assert_eq!(list(None, None, None, 2).await, (vec![5, 4], Some(4)));
    assert_eq!(list(None, None, Some(4), 2).await, (vec![3, 2], Some(2)));
    assert_eq!(list(None, None, Some(2), 2).await, (vec![1], None));
    assert_eq!(list(waiting, None, None, 2).await, (vec![4, 3], Some(3)));
    assert_eq!(list(waiting, None, Some(3), 2).await, (vec![2], None));
    assert_eq!(list(None, task, None, 2).await, (vec![3], None));
    assert_eq!(list(waiting, task, None, 2).await, (vec![3], None));
    let running = Some(RunStatus::Running);
    assert_eq!(list(running, task, None, 2).await, (vec![], None));

    let counts = store.read_now(|tx| count_open(tx)).unwrap();
    assert_eq!(counts, [(RunStatus::Running, 2), (RunStatus::Waiting, 3)]);
    assert_eq!(store.read_now(|tx| open_ids(tx)).unwrap().len(), 5);
}
