//! Rows of granted folders.

use hearth_domain::folder::{Access, NewGrantedFolder};
use uuid::Uuid;

use super::*;
use crate::Store;
use crate::test_support::{TestStore, add_project, at};

async fn granted(
    store: &Store,
    id: u128,
    access: Access,
    project_id: Option<ProjectId>,
) -> Result<GrantedFolder, StoreError> {
    let new = NewGrantedFolder {
        name: "notes".parse().unwrap(),
        path: "/home/ada/nötes".into(),
        access,
        project_id,
    };
    let change = GrantedFolder::grant(FolderId(Uuid::from_u128(id)), new, "owner", at(1));
    store.write(move |tx| insert(tx, change)).await
}

#[tokio::test]
async fn a_name_means_one_open_folder_and_closed_ones_are_kept() {
    let test = TestStore::new();
    let store = &test.store;
    let project = add_project(store, 7, "web").await;
    let first = granted(store, 1, Access::Write, Some(project.id))
        .await
        .unwrap();
    let found = || {
        let name: Word = "notes".parse().unwrap();
        store.read_now(move |tx| find_by_name(tx, &name)).unwrap()
    };
    assert_eq!(found(), Some(first.clone()));
    assert!(granted(store, 2, Access::Read, None).await.is_err());

    let change = || first.clone().revoke(at(2)).unwrap();
    let close = async |change| {
        let close = store.write(move |tx| save(tx, change, "owner", at(2)));
        close.await
    };
    let closed = close(change()).await.unwrap();
    assert_eq!(found(), None);
    assert!(matches!(
        close(change()).await,
        Err(StoreError::Stale { .. })
    ));
    let second = granted(store, 3, Access::Read, None).await.unwrap();

    assert_eq!(found(), Some(second.clone()));
    let list = |with_revoked| store.read_now(move |tx| list(tx, with_revoked)).unwrap();
    assert_eq!(list(false), list(true)[1..]);
    assert_eq!(list(true), [closed, second]);
}
