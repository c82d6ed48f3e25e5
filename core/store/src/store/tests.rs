//! The writer's promises, held against a real file.

use rusqlite::ErrorCode;

use super::*;
use crate::read_tx::Tx;
use crate::test_support::{
    Held, TestStore, add, all_events, at, hold_writer, insert, open, poll_once, queued, seqs,
    task_id, titled,
};
use crate::writer::QUEUE;
use crate::{events, tasks};

fn titles(conn: &Connection) -> Vec<String> {
    let mut statement = conn
        .prepare("SELECT title FROM tasks ORDER BY number")
        .unwrap();
    let titles = statement.query_map([], |row| row.get(0)).unwrap();
    titles.collect::<Result<_, _>>().unwrap()
}

/// Fails unless the full-text index holds just what the tasks hold.
fn check_index(conn: &Connection) {
    conn.execute_batch("INSERT INTO task_text (task_text, rank) VALUES ('integrity-check', 1)")
        .unwrap();
}

/// Receives what was announced until now.
fn announced(bus: &mut broadcast::Receiver<Arc<Event>>) -> Vec<Seq> {
    std::iter::from_fn(|| bus.try_recv().ok())
        .map(|event| event.seq)
        .collect()
}

fn listen(store: &Store) -> broadcast::Receiver<Arc<Event>> {
    store.inner.bus.upgrade().unwrap().subscribe()
}

#[tokio::test]
async fn only_the_good_ones_of_a_batch_survive() {
    let test = TestStore::new();
    let mut bus = listen(&test.store);
    let held = hold_writer(&test.store).await;
    let first = queued(add(&test.store, "first"));
    let refused = queued(test.store.write(|tx| {
        insert(tx, titled("refused"), at(1))?;
        Err::<(), _>(StoreError::Closed)
    }));
    let panicked = queued(test.store.write(|tx| {
        insert(tx, titled("panicked"), at(1))?;
        assert!(!tx.conn().is_autocommit(), "{}", "the test is wrong");
        std::panic::resume_unwind(Box::new("as intended"));
        #[expect(unreachable_code, reason = "tells the type")]
        Ok::<(), StoreError>(())
    }));
    let last = queued(add(&test.store, "last"));
    assert_eq!(test.store.inner.writer.waiting(), 4);

    drop(held);

    assert_eq!(first.await.unwrap().number, 1);
    assert!(matches!(refused.await, Err(StoreError::Closed)));
    assert!(matches!(panicked.await, Err(StoreError::Panicked)));
    assert_eq!(last.await.unwrap().number, 2, "numbers have no hole");
    assert_eq!(titles(&test.outside()), ["first", "last"]);
    assert_eq!(seqs(&all_events(&test.store).await), [1, 2]);
    assert_eq!(announced(&mut bus), [1, 2]);
}

#[tokio::test]
async fn a_write_is_answered_and_announced_only_after_its_commit() {
    let test = TestStore::new();
    let mut bus = listen(&test.store);
    let held = hold_writer(&test.store).await;
    let mut write = queued(add(&test.store, "first"));
    let (started, is_started) = oneshot::channel();
    let (release, wait) = std::sync::mpsc::sync_channel::<()>(1);
    let same_batch = queued(test.store.write(move |_| {
        let _ = started.send(());
        let _ = wait.recv();
        Ok::<_, StoreError>(())
    }));

    drop(held);
    is_started.await.unwrap();

    assert!(poll_once(&mut write).is_pending());
    assert!(titles(&test.outside()).is_empty());
    assert!(announced(&mut bus).is_empty());

    drop(release);

    write.await.unwrap();
    assert_eq!(titles(&test.outside()), ["first"]);
    assert_eq!(announced(&mut bus), [1]);
    same_batch.await.unwrap();
}

#[tokio::test]
async fn every_answered_write_is_seen_by_another_connection() {
    let test = TestStore::new();
    let outside = test.outside();
    for number in 1..=50 {
        add(&test.store, "task").await.unwrap();
        assert_eq!(titles(&outside).len(), number);
    }
}

#[tokio::test]
async fn a_full_queue_is_busy_at_once_and_loses_nothing() {
    let test = TestStore::new();
    let held = hold_writer(&test.store).await;
    let writes: Vec<_> = (0..QUEUE)
        .map(|_| queued(add(&test.store, "task")))
        .collect();

    let refused = poll_once(&mut Box::pin(add(&test.store, "too many")));

    assert!(matches!(
        refused,
        std::task::Poll::Ready(Err(StoreError::Busy))
    ));
    assert_eq!(test.store.gauges().unwrap().writes_waiting, QUEUE);
    drop(held);
    for write in writes {
        write.await.unwrap();
    }
    assert_eq!(titles(&test.outside()).len(), QUEUE);
    assert_eq!(test.store.gauges().unwrap().writes_waiting, 0);
}

#[tokio::test]
async fn a_caller_that_went_away_leaves_its_change() {
    let test = TestStore::new();
    let held = hold_writer(&test.store).await;
    drop(queued(add(&test.store, "first")));
    drop(held);

    add(&test.store, "last").await.unwrap();

    assert_eq!(titles(&test.outside()), ["first", "last"]);
}

#[tokio::test]
async fn closing_finishes_what_is_queued_and_refuses_what_comes_later() {
    let test = TestStore::new();
    let held = hold_writer(&test.store).await;
    let before = queued(add(&test.store, "before"));
    test.store.inner.writer.close();
    let behind = queued(add(&test.store, "behind"));

    drop(held);

    assert!(before.await.is_ok());
    assert!(matches!(behind.await, Err(StoreError::Closed)));
    test.store.close();
    let after = add(&test.store, "after").await;
    assert!(matches!(after, Err(StoreError::Closed)));
    test.store.close();
    assert_eq!(titles(&test.outside()), ["before"]);
}

#[tokio::test]
async fn a_closed_store_has_everything_in_its_one_file() {
    let test = TestStore::new();
    add(&test.store, "task").await.unwrap();

    drop(test.store);

    let copy = tempfile::tempdir().unwrap();
    std::fs::copy(
        test.dir.path().join("hearth.db"),
        copy.path().join("hearth.db"),
    )
    .unwrap();
    assert_eq!(open(&copy).gauges().unwrap().last_seq, 1);
}

#[tokio::test]
async fn what_was_written_is_there_after_reopening() {
    let test = TestStore::new();
    let task = add(&test.store, "task").await.unwrap();
    let TestStore { store, dir } = test;
    drop(store);

    let store = open(&dir);

    let found = store.read_now(|tx| tasks::get(tx, task.id)).unwrap();
    assert_eq!(found, Some(task));
    assert_eq!(seqs(&all_events(&store).await), [1]);
}

/// Lets the database grow by `pages` from where it is.
async fn leave_room(store: &Store, pages: i64) {
    store
        .write(move |tx| {
            let used: i64 = tx
                .conn()
                .query_row("PRAGMA page_count", [], |row| row.get(0))?;
            let sql = format!("PRAGMA max_page_count = {}", used + pages);
            tx.conn().query_row(&sql, [], |_| Ok(()))?;
            Ok::<_, StoreError>(())
        })
        .await
        .unwrap();
}

fn large(title: &str) -> hearth_domain::task::NewTask {
    let mut new = titled(title);
    new.description = "x".repeat(100_000);
    new
}

#[tokio::test]
async fn a_full_disk_fails_that_write_only_and_the_store_recovers() {
    let test = TestStore::new();
    add(&test.store, "before").await.unwrap();
    leave_room(&test.store, 4).await;

    let failed = test
        .store
        .write(|tx| insert(tx, large("large"), at(1)))
        .await;

    assert!(matches!(failed, Err(StoreError::NoRoom)), "{failed:?}");
    let found = test.store.read_now(|tx| tasks::get(tx, task_id(1)));
    assert_eq!(found.unwrap().unwrap().title.as_str(), "before");
    leave_room(&test.store, 1000).await;
    test.store
        .write(|tx| insert(tx, large("after"), at(1)))
        .await
        .unwrap();
    assert_eq!(titles(&test.outside()), ["before", "after"]);
    assert_eq!(seqs(&all_events(&test.store).await), [1, 2]);
}

#[tokio::test]
async fn on_a_full_disk_an_answer_of_success_is_a_row_on_disk() {
    let test = TestStore::new();
    let mut bus = listen(&test.store);
    leave_room(&test.store, 4).await;
    let held = hold_writer(&test.store).await;
    let mut writes = Vec::new();
    for number in 0..40 {
        let title = format!("task {number}");
        let new = if number % 3 == 1 {
            large(&title)
        } else {
            titled(&title)
        };
        writes.push(queued(test.store.write(move |tx| insert(tx, new, at(1)))));
    }

    drop(held);

    let mut acknowledged = Vec::new();
    for write in writes {
        match write.await {
            Ok(task) => acknowledged.push(task.title.as_str().to_owned()),
            Err(error) => assert!(matches!(error, StoreError::NoRoom), "{error:?}"),
        }
    }
    assert_eq!(titles(&test.outside()), acknowledged);
    let expected: Vec<Seq> = (1..).take(acknowledged.len()).collect();
    assert_eq!(seqs(&all_events(&test.store).await), expected);
    assert_eq!(announced(&mut bus), expected);
}

#[tokio::test]
async fn a_transaction_lost_in_the_middle_of_a_batch_is_acknowledged_to_nobody() {
    let test = TestStore::new();
    let mut bus = listen(&test.store);
    let held = hold_writer(&test.store).await;
    let before = queued(add(&test.store, "before"));
    // Some errors make SQLite end the whole transaction by itself.
    let culprit = queued(test.store.write(|tx| {
        insert(tx, titled("culprit"), at(1))?;
        tx.conn().execute_batch("ROLLBACK")?;
        Err::<(), _>(StoreError::Panicked)
    }));
    let after = queued(add(&test.store, "after"));
    // It swallows the error; what it writes afterwards must not look acknowledged.
    let careless = queued(test.store.write(|tx| {
        insert(tx, titled("careless"), at(1))?;
        tx.conn().execute_batch("ROLLBACK")?;
        Ok::<(), StoreError>(())
    }));
    let last = queued(add(&test.store, "last"));

    drop(held);

    assert!(matches!(before.await, Err(StoreError::NoRoom)));
    assert!(matches!(culprit.await, Err(StoreError::Panicked)));
    assert!(after.await.is_err());
    assert!(careless.await.is_err());
    assert!(last.await.is_ok());
    assert_eq!(titles(&test.outside()), ["last"]);
    check_index(&test.outside());
    assert_eq!(seqs(&all_events(&test.store).await), [1]);
    assert_eq!(announced(&mut bus), [1]);
}

#[tokio::test]
async fn a_write_that_finds_no_transaction_is_told_why() {
    let test = TestStore::new();
    let other = test.outside();
    test.store
        .write(|tx| {
            tx.conn().busy_timeout(Duration::ZERO)?;
            Ok::<_, StoreError>(())
        })
        .await
        .unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();

    let refused = add(&test.store, "refused").await;

    assert!(matches!(refused, Err(StoreError::Busy)), "{refused:?}");
    other.execute_batch("ROLLBACK").unwrap();
    add(&test.store, "taken").await.unwrap();
}

#[tokio::test]
async fn a_reader_cannot_write() {
    let test = TestStore::new();
    add(&test.store, "task").await.unwrap();
    let attempt = |tx: &ReadTx<'_>| {
        tx.conn()
            .execute("UPDATE tasks SET title = 'changed'", [])
            .map_err(StoreError::from)
    };
    let is_refused = |outcome: Result<usize, StoreError>| {
        matches!(outcome, Err(StoreError::Sqlite(error))
            if error.sqlite_error_code() == Some(ErrorCode::ReadOnly))
    };

    assert!(is_refused(test.store.read(attempt).await));
    assert!(is_refused(test.store.read_now(attempt)));
    assert_eq!(titles(&test.outside()), ["task"]);
}

#[tokio::test]
async fn a_read_sees_one_snapshot() {
    let test = TestStore::new();
    add(&test.store, "first").await.unwrap();
    let (looked, has_looked) = oneshot::channel();
    let (go_on, wait) = std::sync::mpsc::sync_channel::<()>(1);
    let store = test.store.clone();
    let read = tokio::spawn(async move {
        let counts = store.read(move |tx| {
            let before = events::last_seq(tx)?;
            let _ = looked.send(());
            let _ = wait.recv();
            Ok::<_, StoreError>((before, events::last_seq(tx)?))
        });
        counts.await
    });
    has_looked.await.unwrap();

    add(&test.store, "second").await.unwrap();
    drop(go_on);

    assert_eq!(read.await.unwrap().unwrap(), (1, 1));
    assert_eq!(test.store.gauges().unwrap().last_seq, 2);
}

#[tokio::test]
async fn reads_whose_callers_went_away_leave_connections_for_look_ups() {
    let test = TestStore::new();
    let (go_on, wait) = std::sync::mpsc::sync_channel::<()>(1);
    let wait = Arc::new(Mutex::new(wait));
    for _ in 0..SLOW_READS {
        let (started, is_started) = oneshot::channel();
        let wait = Arc::clone(&wait);
        let read = test.store.read(move |_| {
            let _ = started.send(());
            let _ = wait.lock().unwrap().recv();
            Ok::<_, StoreError>(())
        });
        let read = queued(read);
        is_started.await.unwrap();
        drop(read);
    }

    let mut one_more = Box::pin(test.store.read(|tx| events::last_seq(tx)));

    assert!(poll_once(&mut one_more).is_pending());
    assert_eq!(test.store.inner.slow_reads.available_permits(), 0);
    assert_eq!(test.store.gauges().unwrap().last_seq, 0);
    drop(go_on);
    assert_eq!(one_more.await.unwrap(), 0);
}

#[tokio::test]
async fn a_read_that_panics_is_an_error_and_the_store_lives_on() {
    let test = TestStore::new();

    let outcome = test
        .store
        .read(|_| -> Result<(), StoreError> { std::panic::resume_unwind(Box::new("intended")) })
        .await;

    assert!(matches!(outcome, Err(StoreError::Panicked)));
    assert!(add(&test.store, "task").await.is_ok());
}

#[tokio::test]
async fn what_was_answered_survives_without_a_tidy_end() {
    let test = TestStore::new();
    for number in 0..20 {
        add(&test.store, &format!("task {number}")).await.unwrap();
    }
    let held: Held = hold_writer(&test.store).await;
    // What a killed process leaves: the file and its log as they are.
    let left = tempfile::tempdir().unwrap();
    for file in ["hearth.db", "hearth.db-wal"] {
        std::fs::copy(test.dir.path().join(file), left.path().join(file)).unwrap();
    }
    drop(held);

    let store = open(&left);

    assert_eq!(store.gauges().unwrap().last_seq, 20);
    let again = add(&store, "one more").await.unwrap();
    assert_eq!(again.number, 21);
}

#[tokio::test]
async fn a_checked_write_that_refuses_first_costs_the_others_nothing() {
    let test = TestStore::new();
    let held = hold_writer(&test.store).await;
    let before = queued(
        test.store
            .write_checked(|tx| insert(tx, titled("before"), at(1))),
    );
    let refused = queued(
        test.store
            .write_checked(|_| Err::<(), _>(StoreError::Panicked)),
    );
    let after = queued(
        test.store
            .write_checked(|tx| insert(tx, titled("after"), at(1))),
    );

    drop(held);

    assert!(before.await.is_ok());
    assert!(matches!(refused.await, Err(StoreError::Panicked)));
    assert!(after.await.is_ok());
    assert_eq!(titles(&test.outside()), ["before", "after"]);
}

#[tokio::test]
async fn a_checked_write_that_fails_late_leaves_nothing_and_no_false_answer() {
    let test = TestStore::new();
    let mut bus = listen(&test.store);
    let held = hold_writer(&test.store).await;
    let before = queued(add(&test.store, "before"));
    let late = queued(test.store.write_checked(|tx| {
        insert(tx, titled("late"), at(1))?;
        Err::<(), _>(StoreError::Panicked)
    }));
    let after = queued(add(&test.store, "after"));

    drop(held);

    assert!(matches!(before.await, Err(StoreError::Busy)));
    assert!(matches!(late.await, Err(StoreError::Panicked)));
    assert!(after.await.is_ok());
    assert_eq!(titles(&test.outside()), ["after"]);
    check_index(&test.outside());
    assert_eq!(announced(&mut bus), [1]);
}

#[tokio::test]
async fn only_what_stays_is_found_by_its_words() {
    let test = TestStore::new();
    let held = hold_writer(&test.store).await;
    let writes = [
        queued(add(&test.store, "kept one")),
        queued(add(&test.store, "kept two")),
    ];
    let refused = queued(test.store.write(|tx| {
        insert(tx, titled("kept never"), at(1))?;
        Err::<(), _>(StoreError::Panicked)
    }));

    drop(held);

    for write in writes {
        write.await.unwrap();
    }
    assert!(refused.await.is_err());
    let outside = test.outside();
    let found: i64 = outside
        .query_row(
            "SELECT count(*) FROM task_text WHERE task_text MATCH 'kept'",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(found, 2);
    check_index(&outside);
}
