//! Rows of memories, and how they are found.

use hearth_domain::memory::NewMemory;
use uuid::Uuid;

use super::*;
use crate::Store;
use crate::test_support::{TestStore, add_project, at};

const ALL: Labels = Labels {
    untrusted: true,
    private: true,
};

fn new(text: &str) -> NewMemory {
    NewMemory {
        text: text.into(),
        about: String::new(),
        project_id: None,
        origin: None,
        labels: Labels::default(),
    }
}

async fn keep(store: &Store, new: NewMemory) -> Memory {
    store
        .write(move |tx| {
            let (id, number) = (MemoryId(tx.fresh_uuid()), next_number(tx)?);
            insert(tx, Memory::remember(id, number, new, "seed", at(number)))
        })
        .await
        .unwrap()
}

async fn forget(store: &Store, memory: Memory) -> Result<Memory, StoreError> {
    let change = memory.forget(at(9)).unwrap();
    store
        .write(move |tx| save(tx, change, "owner", at(9)))
        .await
}

fn found_by(store: &Store, query: &str, project: Option<ProjectId>, within: Labels) -> Vec<i64> {
    store
        .read_now(|tx| search(tx, query, project, within, 10))
        .unwrap()
        .iter()
        .map(|memory| memory.number)
        .collect()
}

fn check_index(test: &TestStore) {
    let check = "INSERT INTO memory_text (memory_text, rank) VALUES ('integrity-check', 1)";
    test.outside().execute_batch(check).unwrap();
}

#[tokio::test]
async fn a_memory_comes_back_as_it_was_and_is_found_by_its_words() {
    let test = TestStore::new();
    let tea = NewMemory {
        about: "Ada, drinks".into(),
        labels: Labels {
            untrusted: true,
            private: false,
        },
        ..new("She likes green teas with honey")
    };
    let tea = keep(&test.store, tea).await;
    keep(&test.store, new("The build runs on Fridays")).await;

    let stored = test.store.read_now(|tx| find_by_number(tx, 1)).unwrap();
    assert_eq!(stored, Some(tea));
    for query in [
        "tea",
        "ADA",
        "honey",
        "what tea does ada like?",
        "\"tea\" AND",
    ] {
        assert_eq!(found_by(&test.store, query, None, ALL), [1], "{query}");
    }
    assert_eq!(
        found_by(&test.store, "tea or the builds", None, ALL),
        [2, 1]
    );
    check_index(&test);
}

#[tokio::test]
async fn no_query_is_an_error() {
    let test = TestStore::new();
    keep(&test.store, new("日本語のメモ हिन्दी में नोट plain")).await;
    let odd = [
        "",
        " ",
        "\"",
        "''",
        "*",
        "a*",
        "NEAR(",
        "text:x",
        "^x",
        "-x",
        "{a b}",
        "(",
        "NOT",
        "\0",
        "\u{ad}",
        "\u{301}",
        "🔥",
        "x\u{300}y",
        "ة",
        "AND OR NOT",
        "col : x",
        "ﷺ",
        "a+b",
        "\u{e000}",
        "\u{378}",
        "²",
        "½ cup",
    ];

    for query in odd {
        found_by(&test.store, query, None, ALL);
    }

    assert_eq!(found_by(&test.store, "हिन्दी", None, ALL), [1]);
    assert_eq!(found_by(&test.store, "日本語のメモ", None, ALL), [1]);
    assert_eq!(found_by(&test.store, "🔥 plain", None, ALL), [1]);
}

#[tokio::test]
async fn its_own_project_comes_first_and_no_other_is_seen() {
    let test = TestStore::new();
    let web = add_project(&test.store, 1, "web").await.id;
    let home = add_project(&test.store, 2, "home").await.id;
    for project_id in [None, Some(web), Some(home)] {
        let new = NewMemory {
            project_id,
            ..new("the colour is blue")
        };
        keep(&test.store, new).await;
    }
    let found = |project| found_by(&test.store, "colour", project, ALL);

    assert_eq!(found(Some(web)), [2, 1]);
    assert_eq!(found(Some(home)), [3, 1]);
    assert_eq!(found(None), [1]);
}

#[tokio::test]
async fn labels_are_those_in_reach_and_bound_what_is_found() {
    let test = TestStore::new();
    let web = add_project(&test.store, 1, "web").await.id;
    let untrusted = Labels {
        untrusted: true,
        private: false,
    };
    let labelled = |labels, project_id| NewMemory {
        labels,
        project_id,
        ..new("the colour is blue")
    };
    let reach = |project| test.store.read_now(move |tx| labels(tx, project)).unwrap();
    keep(&test.store, labelled(Labels::default(), None)).await;
    assert_eq!(reach(Some(web)), Labels::default());

    let private = keep(&test.store, labelled(ALL, Some(web))).await;
    keep(&test.store, labelled(untrusted, None)).await;

    assert_eq!((reach(Some(web)), reach(None)), (ALL, untrusted));
    let found = |within| found_by(&test.store, "colour", Some(web), within);
    assert_eq!(found(Labels::default()), [1]);
    assert_eq!(found(untrusted), [3, 1]);
    assert_eq!(found(ALL), [2, 3, 1]);
    forget(&test.store, private).await.unwrap();
    assert_eq!(reach(Some(web)), untrusted);
}

#[tokio::test]
async fn what_is_forgotten_is_in_no_column_and_no_index() {
    let test = TestStore::new();
    let memory = keep(&test.store, new("a secret thing")).await;

    let gone = forget(&test.store, memory.clone()).await.unwrap();

    assert_eq!(found_by(&test.store, "secret", None, ALL), [0; 0]);
    assert!(matches!(
        forget(&test.store, memory).await,
        Err(StoreError::Stale { .. })
    ));
    let list = |with_forgotten| {
        let filter = MemoryFilter {
            with_forgotten,
            ..MemoryFilter::default()
        };
        let listed = test.store.read_now(|tx| list(tx, &filter, None, 10));
        listed.unwrap().items
    };
    assert_eq!((list(false), list(true)), (vec![], vec![gone]));
    assert_eq!(test.store.read_now(|tx| count(tx)).unwrap(), 0);
    check_index(&test);
}

#[tokio::test]
async fn memories_go_with_their_project_and_pages_of_a_list_hold_together() {
    let test = TestStore::new();
    let project = add_project(&test.store, 1, "web").await;
    for number in 1..=5 {
        let new = NewMemory {
            project_id: (number % 2 == 0).then_some(project.id),
            ..new(&format!("thing {number}"))
        };
        keep(&test.store, new).await;
    }
    let page = |cursor| {
        let filter = MemoryFilter::default();
        let page = test.store.read_now(|tx| list(tx, &filter, cursor, 2));
        let page = page.unwrap();
        let numbers: Vec<i64> = page.items.iter().map(|memory| memory.number).collect();
        (numbers, page.next)
    };
    assert_eq!(page(None), (vec![5, 4], Some(4)));
    assert_eq!(page(Some(2)), (vec![1], None));

    let gone = project.delete(0);
    let by = hearth_domain::Actor::Owner;
    let delete = move |tx: &mut WriteTx<'_>| crate::projects::delete(tx, gone, &by, at(9));
    test.store.write(delete).await.unwrap();

    assert_eq!(page(None), (vec![5, 3], Some(3)));
    assert_eq!(found_by(&test.store, "thing", None, ALL), [5, 3, 1]);
    check_index(&test);
}

#[tokio::test]
async fn what_a_run_remembered_is_known_again() {
    let test = TestStore::new();
    let run = RunId(Uuid::from_u128(5));
    let same = |text: &'static str| test.store.read_now(|tx| find_same(tx, run, text)).unwrap();

    assert_eq!(same("x"), None);
}
