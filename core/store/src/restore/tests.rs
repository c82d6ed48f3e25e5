//! A restore puts a whole database in the place of another, and loses neither.

use rusqlite::Connection;
use tempfile::TempDir;

use super::*;
use crate::Store;
use crate::backup::tests::{add_artifact, back_up, filled};
use crate::test_support::{TestStore, add, at, config, open};

async fn backup() -> (TempDir, PathBuf) {
    let test = filled().await;
    let out = tempfile::tempdir().unwrap();
    let path = out.path().join("a.tar");
    back_up(&test, &path).unwrap();
    (out, path)
}

fn restore_into(dir: &TempDir, backup: &Path) -> Result<Restored, CareError> {
    let destination = Destination {
        database: &dir.path().join("hearth.db"),
        artifacts: &dir.path().join("artifacts"),
        staging: &dir.path().join("restore.staging"),
    };
    restore(backup, &destination, at(1_000_000_000))
}

fn titles(path: &Path) -> Vec<String> {
    let conn = Connection::open(path).unwrap();
    let mut statement = conn
        .prepare("SELECT title FROM tasks ORDER BY number")
        .unwrap();
    let rows = statement.query_map([], |row| row.get(0)).unwrap();
    rows.collect::<Result<_, _>>().unwrap()
}

/// A folder as a killed node leaves it: with a task that only the log has.
async fn killed() -> TempDir {
    let test = TestStore::new();
    add(&test.store, "in the log").await.unwrap();
    add_artifact(&test, 9, b"of before").await;
    let left = tempfile::tempdir().unwrap();
    for file in ["hearth.db", "hearth.db-wal"] {
        fs::copy(test.dir.path().join(file), left.path().join(file)).unwrap();
    }
    left
}

#[tokio::test]
async fn into_an_empty_folder() {
    let (_out, backup) = backup().await;
    let dir = tempfile::tempdir().unwrap();

    let restored = restore_into(&dir, &backup).unwrap();

    assert_eq!(restored.kept, None);
    let store = open(&dir);
    assert_eq!(store.gauges().unwrap().last_seq, 5);
    assert_eq!(add(&store, "three").await.unwrap().number, 3);
    drop(store);
    assert_eq!(titles(&config(&dir).path), ["one", "two", "three"]);
    assert_eq!(contents(&dir), 2);
    assert!(!dir.path().join("restore.staging").exists());
}

fn contents(dir: &TempDir) -> usize {
    let folders = fs::read_dir(dir.path().join("artifacts")).unwrap();
    folders
        .map(|folder| fs::read_dir(folder.unwrap().path()).unwrap().count())
        .sum()
}

#[tokio::test]
async fn what_was_there_is_kept_with_all_that_its_log_held() {
    let (_out, backup) = backup().await;
    let dir = killed().await;

    let restored = restore_into(&dir, &backup).unwrap();

    let kept = restored.kept.unwrap();
    assert_eq!(
        kept,
        dir.path()
            .join("hearth.db.before-restore-2001-09-09T01-46-40Z")
    );
    assert_eq!(titles(&kept), ["in the log"]);
    assert_eq!(titles(&config(&dir).path), ["one", "two"]);
}

#[tokio::test]
async fn over_a_damaged_database_which_is_kept_with_its_log() {
    for damage in ["", "nonsense of some length, but no database"] {
        let (_out, backup) = backup().await;
        let dir = killed().await;
        let log = fs::read(dir.path().join("hearth.db-wal")).unwrap();
        fs::write(config(&dir).path, damage).unwrap();
        assert!(Store::open(&config(&dir), crate::test_support::ids()).is_err());

        let kept = restore_into(&dir, &backup).unwrap().kept.unwrap();

        assert_eq!(fs::read_to_string(&kept).unwrap(), damage);
        let kept_log = crate::swap::log(&kept, "-wal");
        assert!(fs::read(kept_log).unwrap() == log);
        drop(open(&dir));
        assert_eq!(titles(&config(&dir).path), ["one", "two"]);
    }
}

#[tokio::test]
async fn over_a_database_that_is_overwritten_inside() {
    let (_out, backup) = backup().await;
    let dir = killed().await;
    let mut bytes = fs::read(config(&dir).path).unwrap();
    bytes[100..8192].fill(0xff);
    fs::write(config(&dir).path, &bytes).unwrap();

    let kept = restore_into(&dir, &backup).unwrap().kept.unwrap();

    assert!(kept.exists());
    drop(open(&dir));
    assert_eq!(titles(&config(&dir).path), ["one", "two"]);
}

#[tokio::test]
async fn two_restores_within_a_second_keep_both_databases() {
    let (_out, backup) = backup().await;
    let dir = killed().await;

    let first = restore_into(&dir, &backup).unwrap().kept.unwrap();
    let second = restore_into(&dir, &backup).unwrap().kept.unwrap();

    assert_eq!(titles(&first), ["in the log"]);
    assert_eq!(titles(&second), ["one", "two"]);
}

#[tokio::test]
async fn a_backup_that_is_not_whole_changes_nothing() {
    let (out, backup) = backup().await;
    let bytes = fs::read(&backup).unwrap();
    let cut = out.path().join("cut.tar");
    fs::write(&cut, &bytes[..bytes.len() / 2]).unwrap();
    let dir = killed().await;
    let before = fs::read(config(&dir).path).unwrap();

    let refused = restore_into(&dir, &cut).unwrap_err();

    assert!(matches!(refused, CareError::NotWhole { .. }), "{refused}");
    assert!(fs::read(config(&dir).path).unwrap() == before);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
}

#[tokio::test]
async fn a_database_that_another_program_has_open_is_left_alone() {
    let (_out, backup) = backup().await;
    let dir = killed().await;
    let other = Connection::open(config(&dir).path).unwrap();
    other.execute_batch("BEGIN").unwrap();
    other
        .query_row("SELECT count(*) FROM tasks", [], |_| Ok(()))
        .unwrap();

    let refused = restore_into(&dir, &backup).unwrap_err();

    assert!(matches!(refused, CareError::InUse(_)), "{refused}");
    drop(other);
    assert_eq!(titles(&config(&dir).path), ["in the log"]);
    let names: Vec<_> = fs::read_dir(dir.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .filter(|name| name.to_string_lossy().contains("before"))
        .collect();
    assert!(names.is_empty(), "{names:?}");
}
