//! Artifacts' bytes: once each, whole or not at all, under no name from outside.

use std::path::{Path, PathBuf};

use tokio::io::AsyncReadExt;

use super::*;
use crate::test_support::{ARTIFACT_MAX, TestApp, as_agent, by_id, code, report};

/// Every file under a folder.
fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found
}

fn stored(test: &TestApp) -> Vec<PathBuf> {
    files(&test.dir.path().join("artifacts"))
}

async fn content(test: &TestApp, id: ArtifactId) -> Vec<u8> {
    let (_, mut file) = test.app.open_artifact(id).await.unwrap();
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).await.unwrap();
    bytes
}

#[tokio::test]
async fn equal_bytes_are_stored_once_and_read_back() {
    let test = TestApp::new();
    let mut ids = Vec::new();
    for bytes in [&b"same"[..], b"same", b"other", b""] {
        let blob = test.blob(bytes).await.unwrap();
        let artifact = test
            .app
            .create_artifact(&Actor::Owner, report(None), blob)
            .await
            .unwrap();
        assert_eq!(artifact.size_bytes, bytes.len() as u64);
        ids.push(artifact.id);
    }

    assert_eq!(stored(&test).len(), 3);
    assert_eq!(content(&test, ids[0]).await, b"same");
    assert_eq!(content(&test, ids[1]).await, b"same");
    assert_eq!(content(&test, ids[2]).await, b"other");
    assert_eq!(content(&test, ids[3]).await, b"");
}

#[tokio::test]
async fn bytes_that_arrive_in_pieces_have_the_hash_of_the_whole() {
    let test = TestApp::new();
    let whole = test.blob(b"one two three").await.unwrap();
    let mut writer = test.app.begin_artifact(&Actor::Owner).await.unwrap();
    for piece in [&b"one"[..], b"", b" two ", b"three"] {
        writer.write(piece).await.unwrap();
    }

    assert_eq!(writer.finish().await.unwrap(), whole);
    let expected = "sha256:";
    let artifact = test
        .app
        .create_artifact(&Actor::Owner, report(None), whole)
        .await
        .unwrap();
    assert!(artifact.storage_url().contains(expected));
    let path = stored(&test).remove(0);
    assert_eq!(
        path.file_name().unwrap().to_str().unwrap(),
        whole.hash.to_string()
    );
}

#[tokio::test]
async fn an_artifact_over_the_limit_is_refused_and_leaves_nothing() {
    let test = TestApp::new();
    let limit = usize::try_from(ARTIFACT_MAX).unwrap();
    assert!(test.blob(&vec![1; limit]).await.is_ok());
    let mut writer = test.app.begin_artifact(&Actor::Owner).await.unwrap();
    writer.write(&vec![2; limit]).await.unwrap();

    let refused = writer.write(&[2]).await;

    assert_eq!(code(refused), "too_large");
    assert_eq!(code(writer.write(&[]).await), "too_large");
    drop(writer);
    assert_eq!(stored(&test).len(), 1);
}

#[tokio::test]
async fn an_upload_that_breaks_off_leaves_nothing() {
    let test = TestApp::new();
    let mut writer = test.app.begin_artifact(&Actor::Owner).await.unwrap();
    writer.write(b"half").await.unwrap();
    assert_eq!(stored(&test).len(), 1);

    drop(writer);

    assert!(stored(&test).is_empty());
    let again = test.blob(b"twice").await.unwrap();
    assert_eq!(test.blob(b"twice").await.unwrap(), again);
    assert_eq!(stored(&test).len(), 1);
}

#[tokio::test]
async fn what_a_killed_node_left_half_is_removed_at_the_next_start() {
    let test = TestApp::new();
    let incoming = test.dir.path().join("artifacts").join("incoming");
    std::fs::write(incoming.join("half"), "half").unwrap();
    let TestApp { app, clock, dir } = test;
    drop(app);

    let app = crate::test_support::open(dir.path(), clock.clone());

    let test = TestApp { app, clock, dir };
    assert!(stored(&test).is_empty());
    assert!(test.blob(b"works").await.is_ok());
}

#[tokio::test]
async fn a_name_never_becomes_a_path() {
    let test = TestApp::new();
    for name in ["../../escaped", "/etc/passwd", "..", "C:\\x", "incoming"] {
        let mut new = report(None);
        new.name = Some(name.parse().unwrap());
        let blob = test.blob(name.as_bytes()).await.unwrap();

        let artifact = test
            .app
            .create_artifact(&Actor::Owner, new, blob)
            .await
            .unwrap();

        assert_eq!(artifact.name.unwrap().as_str(), name);
        assert_eq!(content(&test, artifact.id).await, name.as_bytes());
    }
    for path in stored(&test) {
        let name = path.file_name().unwrap().to_str().unwrap();
        let folder = path.parent().unwrap().file_name().unwrap();
        assert!(name.len() == 64 && name.chars().all(|c| c.is_ascii_hexdigit()));
        assert_eq!(folder.to_str().unwrap(), &name[..2]);
    }
    assert!(!test.dir.path().join("escaped").exists());
}

#[tokio::test]
async fn a_file_that_was_cut_short_is_replaced_by_the_whole() {
    let test = TestApp::new();
    let blob = test.blob(b"the whole").await.unwrap();
    std::fs::write(stored(&test).remove(0), "the").unwrap();

    test.blob(b"the whole").await.unwrap();

    let artifact = test
        .app
        .create_artifact(&Actor::Owner, report(None), blob)
        .await
        .unwrap();
    assert_eq!(content(&test, artifact.id).await, b"the whole");
}

#[tokio::test]
async fn an_artifact_belongs_to_a_task_that_is_there() {
    let test = TestApp::new();
    let blob = test.blob(b"x").await.unwrap();
    let lost = test
        .app
        .create_artifact(&Actor::Owner, report(Some(TaskRef::Number(9))), blob)
        .await;
    assert_eq!(code(lost), "not_found");
    let missing = ArtifactId(uuid::Uuid::nil());
    assert_eq!(code(test.app.get_artifact(missing)), "not_found");
    let listed = test.app.list_artifacts(TaskRef::Number(9), None, 5).await;
    assert_eq!(code(listed), "not_found");
}

#[tokio::test]
async fn the_owner_stores_in_an_agents_name_only_what_that_agent_may() {
    let test = TestApp::new();
    let task = test.task("task").await;
    let hold = test.claim(&task, "seed").await;
    let blob = test.blob(b"x").await.unwrap();
    let store = |agent: &str, fence| {
        let mut new = report(Some(by_id(&task)));
        new.agent = Some(agent.parse().unwrap());
        new.fence = Some(fence);
        test.app.create_artifact(&Actor::Owner, new, blob)
    };

    assert_eq!(code(store("scout", 1).await), "denied");
    assert_eq!(code(store("seed", 7).await), "fence_mismatch");
    let artifact = store("seed", hold.fence).await.unwrap();
    assert_eq!(artifact.created_by, "seed");
    let page = test
        .app
        .list_artifacts(by_id(&task), None, 5)
        .await
        .unwrap();
    assert_eq!(page.items, [artifact]);
    let mut forged = report(None);
    forged.agent = Some("scout".parse().unwrap());
    let forged = test
        .app
        .create_artifact(&as_agent("seed"), forged, blob)
        .await;
    assert_eq!(code(forged), "denied");
}
