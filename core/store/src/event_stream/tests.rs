//! Replay and live in one stream: no gap, no repeat, whatever happens meanwhile.

use hearth_domain::event_filter::Channel;

use super::*;
use crate::test_support::{TestStore, add, all_events, at, insert, poll_once, seqs, titled};

/// More than the bus holds.
const FLOOD: i64 = 1500;

async fn flood(store: &Store, count: i64) {
    store
        .write(move |tx| {
            for _ in 0..count {
                insert(tx, titled("task"), at(1))?;
            }
            Ok::<_, StoreError>(())
        })
        .await
        .unwrap();
}

async fn take(stream: &mut EventStream, count: usize) -> Vec<Seq> {
    let mut seqs = Vec::new();
    while seqs.len() < count {
        seqs.push(stream.next().await.unwrap().unwrap().seq);
    }
    seqs
}

fn all() -> EventFilter {
    EventFilter::default()
}

#[tokio::test]
async fn stored_events_come_first_then_live_ones_under_concurrent_writers() {
    let test = TestStore::new();
    flood(&test.store, 300).await;
    let mut writers = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let store = test.store.clone();
        writers.spawn(async move {
            for _ in 0..50 {
                add(&store, "task").await.unwrap();
            }
        });
    }
    let mut stream = test.store.subscribe(0, all());

    let seqs = take(&mut stream, 700).await;

    assert_eq!(seqs, (1..=700).collect::<Vec<_>>());
    writers.join_all().await;
    assert_eq!(stream.cursor(), 700);
}

#[tokio::test]
async fn a_stream_begins_after_the_position_it_was_given() {
    let test = TestStore::new();
    flood(&test.store, 5).await;

    let mut stream = test.store.subscribe(3, all());
    add(&test.store, "live").await.unwrap();

    assert_eq!(take(&mut stream, 3).await, [4, 5, 6]);
}

#[tokio::test]
async fn a_reader_that_lagged_catches_up_from_the_table() {
    let test = TestStore::new();
    let mut stream = test.store.subscribe(0, all());
    add(&test.store, "first").await.unwrap();
    assert_eq!(take(&mut stream, 1).await, [1]);

    flood(&test.store, FLOOD).await;
    flood(&test.store, FLOOD).await;

    let expected: Vec<Seq> = (2..=1 + 2 * FLOOD).collect();
    assert_eq!(take(&mut stream, expected.len()).await, expected);
    add(&test.store, "live again").await.unwrap();
    assert_eq!(take(&mut stream, 1).await, [2 + 2 * FLOOD]);
}

#[tokio::test]
async fn a_filter_passes_over_the_rest_without_losing_its_place() {
    let test = TestStore::new();
    let filter = EventFilter {
        channel: Some(Channel::Tasks),
        agent_names: vec!["seed".into()],
        ..EventFilter::default()
    };
    let mut stream = test.store.subscribe(0, filter.clone());
    let mut expected = Vec::new();
    for round in 0..6 {
        flood(&test.store, 400 * round).await;
        let claimed = test
            .store
            .write(|tx| {
                let task = insert(tx, titled("task"), at(1))?;
                let lease = std::time::Duration::from_mins(1);
                let claim = task.claim("seed".parse().unwrap(), lease, 0, at(2));
                crate::tasks::save(tx, claim.unwrap())
            })
            .await
            .unwrap();
        let event = stream.next().await.unwrap().unwrap();
        assert_eq!(event.entity_id, claimed.id.0);
        expected.push(event.seq);
    }

    let wanted: Vec<_> = all_events(&test.store).await;
    let wanted = wanted.iter().filter(|event| filter.matches(event));
    assert_eq!(seqs(wanted), expected);
}

#[tokio::test]
async fn giving_up_on_the_next_event_loses_none_and_repeats_none() {
    let test = TestStore::new();
    flood(&test.store, 600).await;
    let mut stream = test.store.subscribe(0, all());
    let store = test.store.clone();
    let writer = tokio::spawn(async move {
        for _ in 0..200 {
            add(&store, "task").await.unwrap();
        }
        flood(&store, FLOOD).await;
    });
    let total = 800 + FLOOD;

    let mut received = Vec::new();
    while received.last() != Some(&total) {
        // Given up after one to three looks, then waited for.
        for looks in 1..=3 {
            let mut next = Box::pin(stream.next());
            for _ in 0..looks {
                tokio::task::yield_now().await;
                if let std::task::Poll::Ready(event) = poll_once(&mut next) {
                    received.push(event.unwrap().unwrap().seq);
                    break;
                }
            }
        }
        if received.last() == Some(&total) {
            break;
        }
        tokio::select! {
            biased;
            () = std::future::ready(()) => (),
            event = stream.next() => received.push(event.unwrap().unwrap().seq),
        }
        if received.last() != Some(&total) {
            received.push(stream.next().await.unwrap().unwrap().seq);
        }
    }

    assert_eq!(received, (1..=total).collect::<Vec<_>>());
    writer.await.unwrap();
}

#[tokio::test]
async fn a_stream_ends_with_the_store_after_what_it_has() {
    let test = TestStore::new();
    flood(&test.store, 2).await;
    let mut stream = test.store.subscribe(0, all());

    test.store.close();

    assert_eq!(take(&mut stream, 2).await, [1, 2]);
    assert!(stream.next().await.unwrap().is_none());
    let mut late = test.store.subscribe(2, all());
    assert!(late.next().await.unwrap().is_none());
}
