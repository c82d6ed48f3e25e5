//! Which pages are kept, and how they are found.

use super::*;
use crate::Store;
use crate::test_support::{TestStore, at};

fn page(url: &str, title: &str, text: &str, seconds: i64) -> WebPage {
    WebPage {
        url: url.into(),
        title: title.into(),
        text: text.into(),
        project_id: None,
        task_number: Some(12),
        is_private: false,
        fetched_at: at(seconds),
    }
}

async fn keep(store: &Store, page: WebPage, room: Room) -> usize {
    store.write(move |tx| put(tx, &page, room)).await.unwrap()
}

fn found(store: &Store, query: &str, with_private: bool) -> Vec<FoundPage> {
    store
        .read_now(|tx| search(tx, query, with_private, 10))
        .unwrap()
}

fn urls(store: &Store, query: &str) -> Vec<String> {
    let found = found(store, query, false);
    found.into_iter().map(|page| page.url).collect()
}

fn check_index(test: &TestStore) {
    let check = "INSERT INTO page_text (page_text, rank) VALUES ('integrity-check', 1)";
    test.outside().execute_batch(check).unwrap();
}

#[tokio::test]
async fn a_page_is_found_with_the_words_around_and_where_it_came_from() {
    let test = TestStore::new();
    let long = format!(
        "{} the otter sleeps {}",
        "before ".repeat(200),
        "after ".repeat(200)
    );
    let kept = page("https://example.org/a", "Otters", &long, 5);
    keep(&test.store, kept, Room::default()).await;

    let found = found(&test.store, "sleep otter", false);

    assert_eq!(found.len(), 1);
    assert_eq!(
        (found[0].task_number, found[0].fetched_at),
        (Some(12), at(5))
    );
    let snippet = &found[0].snippet;
    assert!(
        snippet.contains("the otter sleeps") && snippet.len() < 400,
        "{snippet}"
    );
    check_index(&test);
}

#[tokio::test]
async fn a_page_that_is_read_again_takes_its_own_place() {
    let test = TestStore::new();
    let url = "https://example.org/a";
    keep(&test.store, page(url, "Old", "herons", 1), Room::default()).await;

    keep(&test.store, page(url, "New", "otters", 2), Room::default()).await;

    assert_eq!(urls(&test.store, "heron"), [""; 0]);
    assert_eq!(urls(&test.store, "otter"), [url]);
    check_index(&test);
}

#[tokio::test]
async fn the_oldest_make_room() {
    let test = TestStore::new();
    let room = Room {
        pages: 3,
        bytes: 100,
    };
    for number in 1..=4 {
        let url = format!("https://example.org/{number}");
        keep(&test.store, page(&url, "t", "otters", number), room).await;
    }
    let mut kept = urls(&test.store, "otter");
    kept.sort();
    let all = [2, 3, 4].map(|number| format!("https://example.org/{number}"));
    assert_eq!(kept, all);

    // One that is too large by itself is kept alone.
    let large = page("https://example.org/large", "t", &"heron ".repeat(30), 9);
    assert_eq!(keep(&test.store, large, room).await, 3);

    assert_eq!(urls(&test.store, "heron"), ["https://example.org/large"]);
    assert_eq!(urls(&test.store, "otter"), [""; 0]);
    check_index(&test);
}

#[tokio::test]
async fn what_a_run_with_private_data_read_is_found_by_such_runs_only() {
    let test = TestStore::new();
    let private = WebPage {
        is_private: true,
        ..page("https://example.org/?q=secret", "t", "otters", 1)
    };
    keep(&test.store, private, Room::default()).await;

    assert_eq!(found(&test.store, "otter", false), []);
    assert_eq!(found(&test.store, "otter", true).len(), 1);
    assert_eq!(found(&test.store, "\" OR *", true), []);
}
