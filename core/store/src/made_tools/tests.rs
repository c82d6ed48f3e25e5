//! Rows of tools that agents made.

use hearth_domain::JsonObject;
use hearth_domain::tool::{Counted, Example, Grants, Origin, roll_back};
use serde_json::json;
use uuid::Uuid;

use super::*;
use crate::Store;
use crate::test_support::{TestStore, add, at, open};

fn definition(name: &str, code: &str) -> Definition {
    Definition {
        name: name.parse().unwrap(),
        description: "Does it.".into(),
        parameters: JsonObject::from_iter([("type".to_owned(), json!("object"))]),
        code: code.into(),
        examples: vec![Example {
            args: JsonObject::new(),
            result: json!({"n": 1}),
            needs_grants: false,
        }],
        grants: Grants {
            network: vec!["example.org".into()],
            ..Grants::default()
        },
    }
}

async fn make(store: &Store, name: &str, version: u32) -> MadeTool {
    let task = add(store, "work").await.unwrap();
    let origin = Origin {
        by: "seed".into(),
        task_id: task.id,
    };
    let id = ToolId(Uuid::from_u128(
        u128::from(version) + name.bytes().map(u128::from).sum::<u128>() * 1000,
    ));
    let definition = definition(name, &format!("def run(): return {version}"));
    let change = MadeTool::create(id, version, definition, origin, at(version.into()));
    store.write(move |tx| insert(tx, change)).await.unwrap()
}

async fn saved(store: &Store, change: Change<MadeTool>, was: ToolStatus) -> MadeTool {
    let save = store.write(move |tx| save(tx, change, was, "owner", at(9)));
    save.await.unwrap()
}

fn word(name: &str) -> Word {
    name.parse().unwrap()
}

#[tokio::test]
async fn a_version_reads_back_as_it_was_made_wherever_it_stands_and_after_a_restart() {
    let test = TestStore::new();
    let store = &test.store;
    let mut kept = vec![
        make(store, "count", 1).await,
        make(store, "count", 2).await,
        make(store, "count", 3).await,
    ];
    let reason = Some("too slow".to_owned());
    let change = kept[0].clone().disable("owner", reason).unwrap();
    kept[0] = saved(store, change, ToolStatus::Enabled).await;
    let Counted::SetAside(change) = (0..2)
        .fold(kept[1].clone(), |tool, _| {
            match tool.fail("KeyError", at(5)) {
                Counted::Noted(tool) => *tool,
                Counted::SetAside(_) => panic!("too early"),
            }
        })
        .fail("KeyError", at(6))
    else {
        panic!("it was not set aside")
    };
    kept[1] = saved(store, *change, ToolStatus::Enabled).await;

    assert_eq!(
        store.read_now(|tx| versions(tx, &word("count"))).unwrap(),
        kept
    );
    for change in roll_back(kept.clone(), Some(2), "owner").unwrap() {
        let place = kept
            .iter()
            .position(|tool| tool.id == change.after.id)
            .unwrap();
        let was = kept[place].state.status();
        kept[place] = saved(store, change, was).await;
    }
    let TestStore { store, dir } = test;
    drop(store);

    let store = open(&dir);
    let found = store.read_now(|tx| versions(tx, &word("count"))).unwrap();
    assert_eq!(found, kept);
    let one = store.read_now(|tx| find(tx, &word("count"), 3)).unwrap();
    assert_eq!(one.as_ref(), Some(&kept[2]));
    let id = kept[2].id;
    assert_eq!(store.read_now(move |tx| get(tx, id)).unwrap(), one);
}

#[tokio::test]
async fn a_change_of_what_stands_elsewhere_by_now_is_refused() {
    let test = TestStore::new();
    let tool = make(&test.store, "count", 1).await;
    let change = || tool.clone().disable("owner", None).unwrap();
    saved(&test.store, change(), ToolStatus::Enabled).await;

    let again = change();
    let again = test
        .store
        .write(move |tx| save(tx, again, ToolStatus::Enabled, "owner", at(9)));

    assert!(matches!(again.await, Err(StoreError::Stale { .. })));
}

#[tokio::test]
async fn no_statement_can_change_what_a_version_is() {
    let test = TestStore::new();
    let tool = make(&test.store, "count", 1).await;

    for column in ["code", "grants", "sha256", "version", "name", "parameters"] {
        let sql = format!("UPDATE made_tools SET {column} = {column}");
        let refused = test.outside().execute(&sql, []).unwrap_err();
        assert!(
            refused.to_string().contains("does not change"),
            "{column}: {refused}"
        );
    }
    let kept = test.store.read_now(|tx| versions(tx, &word("count")));
    assert_eq!(kept.unwrap(), [tool]);
}

#[tokio::test]
async fn callers_learn_of_what_is_current_and_of_what_may_be_called_by_version() {
    let test = TestStore::new();
    let store = &test.store;
    let first = make(store, "count", 1).await;
    let second = make(store, "count", 2).await;
    make(store, "add", 1).await;
    let told = || {
        let heads = store.read_now(|tx| heads(tx)).unwrap();
        let mut told: Vec<(String, u32, bool, ToolStatus)> = heads
            .into_iter()
            .map(|head| {
                (
                    head.name.to_string(),
                    head.version,
                    head.is_current,
                    head.status,
                )
            })
            .collect();
        told.sort();
        told
    };
    let enabled = ToolStatus::Enabled;
    assert_eq!(
        told(),
        [
            ("add".to_owned(), 1, true, enabled),
            ("count".to_owned(), 1, false, enabled),
            ("count".to_owned(), 2, true, enabled),
        ]
    );

    let off = second.disable("owner", None).unwrap();
    saved(store, off, enabled).await;
    let off = first.disable("owner", None).unwrap();
    saved(store, off, enabled).await;

    assert_eq!(
        told(),
        [
            ("add".to_owned(), 1, true, enabled),
            ("count".to_owned(), 2, true, ToolStatus::Disabled),
        ]
    );
    let current = store.read_now(|tx| list_current(tx)).unwrap();
    let names: Vec<&str> = current.iter().map(|tool| tool.name().as_str()).collect();
    assert_eq!(names, ["add", "count"]);
    assert_eq!(store.read_now(|tx| count_names(tx)).unwrap(), 2);
}

#[tokio::test]
async fn uses_are_counted_without_an_event_of_their_own() {
    let test = TestStore::new();
    let tool = make(&test.store, "count", 1).await;
    let before = crate::test_support::all_events(&test.store).await.len();

    let used = tool.succeed(at(5));
    let stored = used.clone();
    let write = test.store.write(move |tx| save_counts(tx, &stored));
    write.await.unwrap();

    let kept = test.store.read_now(|tx| versions(tx, &word("count")));
    assert_eq!(kept.unwrap(), [used]);
    let after = crate::test_support::all_events(&test.store).await.len();
    assert_eq!(after, before);
}
