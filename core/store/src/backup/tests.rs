//! A backup is whole or it is not there, and one that is not whole is not taken for one.

use std::fs;

use hearth_domain::artifact::{Artifact, MediaType, NewArtifact};
use hearth_domain::policy::Labels;
use hearth_domain::{Actor, ArtifactId, JsonObject};
use tempfile::TempDir;
use uuid::Uuid;

use super::*;
use crate::artifacts;
use crate::contents::place;
use crate::test_support::{TestStore, add, at};

/// A store with two tasks and three artifacts, two of which have the same content.
pub(crate) async fn filled() -> TestStore {
    let test = TestStore::new();
    add(&test.store, "one").await.unwrap();
    add(&test.store, "two").await.unwrap();
    for (id, content) in [(1, "first"), (2, "second"), (3, "first")] {
        add_artifact(&test, id, content.as_bytes()).await;
    }
    test
}

pub(crate) async fn add_artifact(test: &TestStore, id: u128, content: &[u8]) -> ContentHash {
    let (hash, size_bytes) = hash(content).unwrap();
    let path = place(&test.dir.path().join("artifacts"), hash);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
    let new = NewArtifact {
        task_id: None,
        kind: "report".parse().unwrap(),
        name: None,
        media_type: MediaType::plain_text(),
        size_bytes,
        hash,
        metadata: JsonObject::new(),
        labels: Labels::default(),
    };
    let change = Artifact::create(ArtifactId(Uuid::from_u128(id)), new, &Actor::Owner, at(1));
    test.store
        .write(move |tx| artifacts::insert(tx, change))
        .await
        .unwrap();
    hash
}

pub(crate) fn back_up(test: &TestStore, target: &Path) -> Result<Written, CareError> {
    let dir = test.dir.path();
    let source = Source {
        database: &dir.join("hearth.db"),
        artifacts: &dir.join("artifacts"),
        version: "1.2.3",
        at: at(100),
    };
    write(&source, target)
}

fn names(dir: &TempDir) -> Vec<String> {
    let entries = fs::read_dir(dir.path()).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// Checks that these bytes are refused with this.
fn check_refused(bytes: &[u8], expected: &str) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("old.tar");
    fs::write(&path, bytes).unwrap();

    let refused = verify(&path, &dir.path().join("scratch")).unwrap_err();

    assert!(refused.to_string().contains(expected), "{refused}");
    assert_eq!(names(&dir), ["old.tar"]);
}

#[tokio::test]
async fn a_backup_of_an_open_store_is_whole_and_says_what_is_in_it() {
    let test = filled().await;
    let out = tempfile::tempdir().unwrap();
    let target = out.path().join("hearth.tar");

    let written = back_up(&test, &target).unwrap();

    assert_eq!(names(&out), ["hearth.tar"]);
    let manifest = &written.manifest;
    assert_eq!((manifest.counts.tasks, manifest.counts.artifacts), (2, 3));
    assert_eq!((manifest.contents, manifest.content_bytes), (2, 11));
    assert_eq!(manifest.last_seq, 5);
    assert_eq!(written.bytes, target.metadata().unwrap().len());
    assert_eq!(
        verify(&target, &out.path().join("scratch")).unwrap(),
        written
    );
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = target.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

#[tokio::test]
async fn a_file_that_is_there_is_not_written_over() {
    let test = filled().await;
    let out = tempfile::tempdir().unwrap();
    let target = out.path().join("hearth.tar");
    fs::write(&target, "holiday pictures").unwrap();

    let refused = back_up(&test, &target).unwrap_err();

    assert!(matches!(refused, CareError::Exists(_)), "{refused}");
    assert_eq!(fs::read_to_string(&target).unwrap(), "holiday pictures");
}

#[tokio::test]
async fn what_a_killed_backup_left_is_written_over() {
    let test = filled().await;
    let out = tempfile::tempdir().unwrap();
    for left in ["a.tar.partial", "a.tar.partial-db"] {
        fs::write(out.path().join(left), "half").unwrap();
    }

    back_up(&test, &out.path().join("a.tar")).unwrap();

    assert_eq!(names(&out), ["a.tar"]);
}

#[tokio::test]
async fn an_artifact_without_its_bytes_ends_the_backup_and_nothing_remains() {
    for (damage, expected) in [
        (None, "is missing"),
        (Some("other"), "is damaged"),
        (Some("longer than it was"), "has 18 bytes of 5"),
    ] {
        let test = filled().await;
        let hash = hash(&b"first"[..]).unwrap().0;
        let path = place(&test.dir.path().join("artifacts"), hash);
        match damage {
            None => fs::remove_file(&path).unwrap(),
            Some(text) => fs::write(&path, text).unwrap(),
        }
        let out = tempfile::tempdir().unwrap();

        let failed = back_up(&test, &out.path().join("a.tar")).unwrap_err();

        assert!(failed.to_string().contains(expected), "{failed}");
        assert!(names(&out).is_empty());
    }
}

#[tokio::test]
async fn a_backup_that_is_cut_anywhere_is_refused() {
    let test = filled().await;
    let out = tempfile::tempdir().unwrap();
    let target = out.path().join("a.tar");
    back_up(&test, &target).unwrap();
    let whole = fs::read(&target).unwrap();
    // The end of an archive is two empty blocks, and without them nothing is lost.
    let end = whole.len() - 1024;

    for kept in [1, 511, 512, 700, 1024, 3000, end / 2, end - 513, end - 1] {
        check_refused(&whole[..kept], "is not a whole backup of Hearth");
    }
}

#[tokio::test]
async fn a_backup_with_a_byte_changed_anywhere_is_refused() {
    let test = filled().await;
    let out = tempfile::tempdir().unwrap();
    let target = out.path().join("a.tar");
    back_up(&test, &target).unwrap();
    let whole = fs::read(&target).unwrap();
    let path = out.path().join("changed.tar");

    let step = whole.len() / 41;
    for place in (0..whole.len() - 2048).step_by(step) {
        let mut changed = whole.clone();
        changed[place] ^= 0x20;
        fs::write(&path, &changed).unwrap();

        let read = verify(&path, &out.path().join("scratch"));

        // What fills a block up says nothing; all else tells.
        let is_filling = whole[place] == 0;
        assert!(read.is_err() || is_filling, "byte {place} was changed");
    }
}

#[test]
fn what_is_no_backup_is_refused() {
    check_refused(b"", "it is empty");
    check_refused(b"my shopping list", "it is no archive, or is cut short");
    check_refused(&b"my shopping list".repeat(100), "it is no archive");

    let mut other = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(5);
    other
        .append_data(&mut header, "letter.txt", &b"hello"[..])
        .unwrap();
    check_refused(
        &other.into_inner().unwrap(),
        "it is an archive of something else",
    );
}

#[test]
fn a_backup_of_a_later_program_is_refused_by_its_name() {
    for (text, expected) in [
        (
            r#"{"kind":"hearth-backup","format":2,"version":"9.0.0"}"#,
            "was made by Hearth 9.0.0 and has backup format 2",
        ),
        (
            r#"{"kind":"hearth-backup","format":1,"version":"9.0.0","schema":1000,
                "created_at":"2026-11-24T00:00:00.000Z","last_seq":0,"contents":0,"content_bytes":0,
                "counts":{"projects":0,"tasks":0,"artifacts":0,"events":0},
                "database":{"size_bytes":0,"sha256":""}}"#,
            "was made by Hearth 9.0.0 and has schema 1000",
        ),
    ] {
        let mut archive = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        archive
            .append_data(&mut header, "manifest.json", text.as_bytes())
            .unwrap();

        check_refused(&archive.into_inner().unwrap(), expected);
    }
}
