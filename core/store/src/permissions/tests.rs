//! Rows of standing permissions.

use hearth_domain::permission::{NewPermission, Shape};
use serde_json::json;
use uuid::Uuid;

use super::*;
use crate::Store;
use crate::test_support::{TestStore, add_project, at};

async fn given(store: &Store, tool: &str, project_id: Option<ProjectId>) -> Permission {
    let shape: Shape = serde_json::from_value(json!({
        "argv": {"items": [{"is": "git"}, {"starts_with": "p"}, "any"]}
    }))
    .unwrap();
    let new = NewPermission {
        tool: tool.parse().unwrap(),
        shape,
        project_id,
    };
    let give = store.write(move |tx| {
        let number = next_number(tx)?;
        let id = PermissionId(Uuid::from_u128(0xC00 + u128::from(number.unsigned_abs())));
        insert(tx, Permission::grant(id, number, new, "owner", at(1)))
    });
    give.await.unwrap()
}

#[tokio::test]
async fn a_permission_reads_back_with_its_uses_until_and_after_it_is_revoked() {
    let test = TestStore::new();
    let store = &test.store;
    let project = add_project(store, 7, "web").await;
    let given = given(store, "run_command", Some(project.id)).await;
    let read_back = || store.read_now(|tx| find_by_number(tx, 1)).unwrap().unwrap();
    assert_eq!(read_back(), given);

    for seconds in [4, 5] {
        let used = store.write(move |tx| touch(tx, 1, at(seconds)));
        used.await.unwrap();
    }
    let revoke = || {
        let change = read_back().revoke(at(6));
        store.write(move |tx| save(tx, change.unwrap(), "owner", at(6)))
    };
    let late = revoke();
    let revoked = revoke().await.unwrap();

    assert_eq!((revoked.uses, revoked.last_used_at), (2, Some(at(5))));
    assert_eq!(read_back(), revoked);
    assert!(matches!(late.await, Err(StoreError::Stale { .. })));
}

#[tokio::test]
async fn what_is_in_force_is_found_by_its_tool() {
    let test = TestStore::new();
    let store = &test.store;
    for tool in ["http_get", "run_command", "http_get"] {
        given(store, tool, None).await;
    }
    let revoked = store.read_now(|tx| find_by_number(tx, 1)).unwrap();
    let change = revoked.unwrap().revoke(at(2)).unwrap();
    let revoked = store.write(move |tx| save(tx, change, "owner", at(2)));
    revoked.await.unwrap();
    let numbers = |found: Vec<Permission>| -> Vec<i64> {
        found.iter().map(|permission| permission.number).collect()
    };

    let tool: Word = "http_get".parse().unwrap();
    let found = store.read_now(move |tx| for_tool(tx, &tool)).unwrap();
    assert_eq!(numbers(found), [3]);
    assert_eq!(
        numbers(store.read_now(|tx| list(tx, false)).unwrap()),
        [2, 3]
    );
    assert_eq!(
        numbers(store.read_now(|tx| list(tx, true)).unwrap()),
        [1, 2, 3]
    );
}
