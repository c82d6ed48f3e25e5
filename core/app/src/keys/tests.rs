//! Keys: shown once, known by their hash, revocable at once.

use std::sync::Arc;

use super::*;
use crate::test_support::{TestApp, agent, as_agent, code, open};

async fn create(test: &TestApp, grant: Grant) -> (Key, Secret) {
    test.app
        .create_key(&Actor::Owner, "laptop".parse().unwrap(), grant)
        .await
        .unwrap()
}

async fn last_used(test: &TestApp) -> Option<Timestamp> {
    test.app.list_keys(&Actor::Owner).await.unwrap()[0].last_used_at
}

#[tokio::test]
async fn a_key_tells_who_its_holder_is_also_after_a_restart() {
    let test = TestApp::new();
    let (key, secret) = create(&test, Grant::Agent(agent("seed"))).await;
    let TestApp { app, clock, dir } = test;

    let before = app.authenticate(secret.reveal()).unwrap().unwrap();
    drop(app);
    let app = open(
        dir.path(),
        Arc::clone(&clock) as Arc<dyn hearth_domain::Clock>,
    );
    let after = app.authenticate(secret.reveal()).unwrap().unwrap();

    assert_eq!(before.actor, as_agent("seed"));
    assert_eq!(
        (before.key_id, before.key_name.as_str()),
        (key.id, "laptop")
    );
    assert_eq!(after, before);
}

#[tokio::test]
async fn the_key_itself_is_kept_nowhere() {
    let test = TestApp::new();
    let (_, secret) = create(&test, Grant::Admin).await;
    let (_, other) = create(&test, Grant::Admin).await;

    let bytes: Vec<u8> = ["hearth.db", "hearth.db-wal"]
        .iter()
        .flat_map(|file| std::fs::read(test.dir.path().join(file)).unwrap())
        .collect();

    let text = secret.reveal();
    assert!(text.starts_with("hearth_") && text.len() == 50, "{text}");
    assert_ne!(text, other.reveal());
    let needle = text.as_bytes();
    assert!(!bytes.windows(needle.len()).any(|window| window == needle));
    assert_eq!(format!("{secret:?}"), "[redacted]");
}

#[tokio::test]
async fn what_is_no_key_opens_nothing() {
    let test = TestApp::new();
    let (_, secret) = create(&test, Grant::Admin).await;
    let shorter = &secret.reveal()[..secret.reveal().len() - 1];
    for wrong in ["", "hearth_", shorter, &secret.reveal().to_lowercase()] {
        assert_eq!(test.app.authenticate(wrong).unwrap(), None, "{wrong}");
    }
}

#[tokio::test]
async fn a_revoked_key_opens_nothing_from_that_moment_on() {
    let test = TestApp::new();
    let (key, secret) = create(&test, Grant::Viewer).await;
    assert!(test.app.authenticate(secret.reveal()).unwrap().is_some());

    test.app.revoke_key(&Actor::Owner, key.id).await.unwrap();

    assert_eq!(test.app.authenticate(secret.reveal()).unwrap(), None);
    test.app.revoke_key(&Actor::Owner, key.id).await.unwrap();
    assert_eq!(test.event_types().await, ["key.created", "key.revoked"]);
    let missing = KeyId(uuid::Uuid::nil());
    let missing = test.app.revoke_key(&Actor::Owner, missing).await;
    assert_eq!(code(missing), "not_found");
}

#[tokio::test]
async fn the_last_use_is_written_down_to_the_minute() {
    let test = TestApp::new();
    let (_, secret) = create(&test, Grant::Admin).await;
    assert_eq!(last_used(&test).await, None);
    let first = test.app.now();
    test.app.authenticate(secret.reveal()).unwrap();
    assert_eq!(last_used(&test).await, Some(first));

    test.clock.advance_secs(59);
    test.app.authenticate(secret.reveal()).unwrap();
    assert_eq!(last_used(&test).await, Some(first));
    test.clock.advance_secs(1);
    test.app.authenticate(secret.reveal()).unwrap();
    assert_eq!(last_used(&test).await, Some(test.app.now()));
    assert_eq!(test.event_types().await, ["key.created"]);
}

#[tokio::test]
async fn a_use_that_could_not_be_written_down_is_tried_again() {
    let test = TestApp::new();
    let (_, secret) = create(&test, Grant::Admin).await;
    test.app.authenticate(secret.reveal()).unwrap();
    let is_due = || {
        let used = test.app.keys().used.read().unwrap();
        used.values().any(|key| {
            key.stored_ms.load(Ordering::Relaxed) < key.last_used_ms.load(Ordering::Relaxed)
        })
    };

    test.app.store().close();

    assert!(test.app.flush_key_use().await.is_err());
    assert!(is_due());
}
