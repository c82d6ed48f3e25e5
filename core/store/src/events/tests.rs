//! Events stay, and lists of them agree with the filter that subscribers use.

use super::*;
use hearth_domain::event_filter::Channel;

use crate::test_support::{
    Random, TestStore, add, add_project, agent, all_events, at, insert, seqs, titled,
};
use crate::{Store, tasks};

async fn some_events(store: &Store) {
    add_project(store, 77, "notes").await;
    store
        .write(|tx| {
            for number in 0..40 {
                let task = insert(tx, titled("task"), at(number))?;
                if number % 2 == 0 {
                    let name = agent(if number % 4 == 0 { "seed" } else { "scout" });
                    let lease = std::time::Duration::from_mins(1);
                    let task = task.claim(name.clone(), lease, 0, at(number)).unwrap();
                    let task = tasks::save(tx, task)?;
                    if number % 8 == 0 {
                        let done = hearth_domain::task::Completion::default();
                        let done = task.complete(&name, 1, done, &[], &[], at(number)).unwrap();
                        tasks::save(tx, done)?;
                    }
                }
            }
            Ok::<_, StoreError>(())
        })
        .await
        .unwrap();
}

#[tokio::test]
async fn an_event_is_never_changed_and_never_deleted() {
    let test = TestStore::new();
    add(&test.store, "task").await.unwrap();
    let before = all_events(&test.store).await;

    for sql in [
        "UPDATE events SET agent_name = 'nobody'",
        "UPDATE events SET seq = 7",
        "DELETE FROM events",
    ] {
        let refused = test
            .store
            .write(move |tx| tx.execute(sql, []))
            .await
            .unwrap_err();
        let StoreError::Sqlite(source) = refused else {
            panic!("{refused:?}")
        };
        assert!(source.to_string().contains("events are never"), "{source}");
    }

    assert_eq!(
        format!("{:?}", all_events(&test.store).await),
        format!("{before:?}")
    );
}

#[tokio::test]
async fn an_event_reads_back_as_it_was_announced() {
    let test = TestStore::new();
    let mut stream = test.store.subscribe(0, EventFilter::default());
    let task = add(&test.store, "task").await.unwrap();

    let live = stream.next().await.unwrap().unwrap();

    let stored = all_events(&test.store).await.remove(0);
    assert_eq!(format!("{stored:?}"), format!("{live:?}"));
    assert_eq!(stored.entity_id, task.id.0);
    assert_eq!(stored.timestamp, at(1));
    assert_eq!(stored.agent_name, "owner");
    let EventKind::TaskCreated { task: facts, .. } = stored.kind().unwrap() else {
        panic!("{stored:?}")
    };
    assert_eq!(facts, task.facts());
}

#[tokio::test]
async fn a_list_holds_what_the_filter_wants_in_both_directions() {
    let test = TestStore::new();
    some_events(&test.store).await;
    let every = all_events(&test.store).await;
    assert_eq!(seqs(&every), (1..=66).collect::<Vec<_>>());
    let mut random = Random(1);

    for round in 0..400 {
        let mut filter = EventFilter::default();
        if random.one_in(3) {
            filter.channel = Some(*random.pick(&Channel::ALL));
        }
        for pattern in [
            "task.*",
            "*",
            "project.created",
            "task.claimed",
            "task.c",
            "nothing.*",
        ] {
            if random.one_in(6) {
                // `task.c` is not a type, and no pattern either matches it.
                filter.types.extend(pattern.parse());
            }
        }
        if random.one_in(3) {
            filter.entity_ids.push(random.pick(&every).entity_id);
            filter.entity_ids.push(random.pick(&every).entity_id);
        }
        if random.one_in(4) {
            filter.entity_types.push("task".into());
        }
        if random.one_in(3) {
            filter.agent_names.push("seed".into());
            filter.agent_names.push("owner".into());
        }
        let mut wanted = seqs(every.iter().filter(|event| filter.matches(event)));
        let direction = if round % 2 == 0 {
            Direction::Ascending
        } else {
            wanted.reverse();
            Direction::Descending
        };
        let limit = 1 + random.below(30);

        let mut found = Vec::new();
        let mut cursor = None;
        loop {
            let page = test
                .store
                .read_now(|tx| list(tx, &filter, direction, cursor, limit))
                .unwrap();
            assert!(page.items.len() <= limit);
            found.extend(seqs(&page.items));
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }

        assert_eq!(found, wanted, "{filter:?}");
    }
}
