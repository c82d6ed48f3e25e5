//! Standing permissions: given, used, taken back.

use hearth_domain::ProjectId;
use serde_json::{Value, json};
use uuid::Uuid;

use super::*;
use crate::runs::tests::{Bench, speaks};
use crate::test_support::{TestApp, code};

const URL: &str = "https://example.org/";

fn new(shape: Value) -> NewPermission {
    NewPermission {
        tool: "http_get".parse().unwrap(),
        shape: serde_json::from_value(shape).unwrap(),
        project_id: None,
    }
}

#[tokio::test]
async fn a_permission_counts_its_uses_and_no_longer_allows_once_it_is_taken_back() {
    let bench = Bench::new().await;
    let app = bench.app();
    let given = app.grant_permission(&Actor::Owner, new(json!({"url": {"starts_with": URL}})));
    let given = given.await.unwrap();
    let (hold, view) = bench.up().await;
    let id = view.run.id;
    bench.go(&hold, id, speaks(1, &format!("{URL}a"))).await;
    bench.test.clock.advance_secs(5);
    let step = bench.go(&hold, id, speaks(2, &format!("{URL}b"))).await;
    assert!(
        step.decision
            .reason
            .contains(&format!("permission {}", given.number))
    );
    let used = &app.list_permissions(false).await.unwrap()[0];
    assert_eq!((used.uses, used.last_used_at), (2, Some(app.now())));

    app.revoke_permission(&Actor::Owner, given.number)
        .await
        .unwrap();

    bench.wait(&hold, id, speaks(3, &format!("{URL}c"))).await;
    assert_eq!(app.list_permissions(false).await.unwrap(), []);
    let kept = &app.list_permissions(true).await.unwrap()[0];
    assert_eq!((kept.uses, kept.revoked_at.is_some()), (2, true));
    let again = app.revoke_permission(&Actor::Owner, given.number).await;
    assert_eq!(code(again), "already_revoked");
    let unknown = app.revoke_permission(&Actor::Owner, 9).await;
    assert_eq!(code(unknown), "not_found");
}

#[tokio::test]
async fn a_permission_has_bounds_and_a_project_that_there_is() {
    let test = TestApp::new();
    let mut nowhere = new(json!({"url": "any"}));
    nowhere.project_id = Some(ProjectId(Uuid::from_u128(99)));
    for new in [
        new(json!({})),
        new(json!({"url": {"starts_with": ""}})),
        nowhere,
    ] {
        let refused = test.app.grant_permission(&Actor::Owner, new).await;
        assert_eq!(code(refused), "invalid_input");
    }
    assert_eq!(test.app.list_permissions(true).await.unwrap(), []);
}
