//! No start loses a database: what cannot be used is left as it is, what is migrated is kept.

use std::collections::BTreeMap;
use std::fs;

use tempfile::TempDir;

use super::*;
use crate::Store;
use crate::test_support::{TestStore, add, add_project, config, ids, insert, open, titled};

const ADD_COLUMN: &str = "ALTER TABLE tasks ADD COLUMN colour TEXT NOT NULL DEFAULT 'blue';";
const FAIL: &str = "ALTER TABLE tasks ADD COLUMN colour TEXT; CREATE TABLE tasks (id INTEGER);";
/// Leaves tasks that refer to a project which is not there.
const BREAK: &str = "UPDATE tasks SET project_id = zeroblob(16);";
/// The way to change what ALTER TABLE cannot: build anew, copy, drop, rename.
const REBUILD: &str = "
    CREATE TABLE projects_new (
        id BLOB NOT NULL PRIMARY KEY, name TEXT NOT NULL UNIQUE, description TEXT NOT NULL,
        status TEXT NOT NULL, metadata TEXT NOT NULL, version INTEGER NOT NULL,
        created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL
    ) STRICT;
    INSERT INTO projects_new SELECT * FROM projects;
    DROP TABLE projects;
    ALTER TABLE projects_new RENAME TO projects;";

/// The migrations of a release to come: those there are, and one more.
fn with(next: &'static str) -> Vec<&'static str> {
    [MIGRATIONS, &[next]].concat()
}

/// The name of a database that a migration to that release kept.
fn kept_name() -> String {
    format!("hearth.db.schema-{}", schema_version())
}

/// Every file of a folder, with its bytes.
fn files(dir: &TempDir) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(dir.path()).unwrap();
    entries
        .map(|entry| {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            (name, fs::read(entry.path()).unwrap())
        })
        .collect()
}

/// The names of its files, apart from those of an empty log.
fn names(dir: &TempDir) -> Vec<String> {
    let is_log = |(name, bytes): &(String, Vec<u8>)| {
        name.ends_with("-shm") || name.ends_with("-wal") && bytes.is_empty()
    };
    let files = files(dir).into_iter();
    files
        .filter(|file| !is_log(file))
        .map(|(name, _)| name)
        .collect()
}

/// A folder with a database of one task in one project, closed.
async fn old_database() -> TempDir {
    let TestStore { store, dir } = TestStore::new();
    let project = add_project(&store, 7, "notes").await;
    store
        .write(move |tx| {
            let mut new = titled("kept");
            new.project_id = Some(project.id);
            insert(tx, new, crate::test_support::at(1))
        })
        .await
        .unwrap();
    drop(store);
    dir
}

fn open_with(dir: &TempDir, migrations: &[&str]) -> Result<Store, OpenError> {
    crate::store::open_with(&config(dir), ids(), migrations)
}

fn count_tasks(dir: &TempDir) -> i64 {
    let conn = Connection::open(config(dir).path).unwrap();
    conn.query_row("SELECT count(*) FROM tasks", [], |row| row.get(0))
        .unwrap()
}

#[test]
fn a_start_without_a_database_makes_one_and_the_next_finds_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = config(&dir).path;

    assert_eq!(prepare(&path, MIGRATIONS).unwrap(), Prepared::Made);

    assert_eq!(names(&dir), ["hearth.db"]);
    assert_eq!(prepare(&path, MIGRATIONS).unwrap(), Prepared::Present);
}

/// Checks that a folder with these files is refused and left as it is.
fn check_refused(dir: &TempDir, expected: &str) {
    let before = files(dir);

    let refused = Store::open(&config(dir), ids()).unwrap_err();

    let text = refused.to_string();
    assert!(text.contains(expected), "{text}");
    assert!(matches!(refused, OpenError::Unreadable { .. }), "{text}");
    assert!(files(dir) == before, "files were changed: {:?}", names(dir));
}

#[test]
fn what_is_no_database_is_refused_and_left_as_it_is() {
    for content in [
        "",
        "my shopping list",
        &"SQLite format 4".repeat(100),
        "SQLite format 3\0",
    ] {
        let dir = tempfile::tempdir().unwrap();
        fs::write(config(&dir).path, content).unwrap();

        check_refused(&dir, "cannot be read as a Hearth database");
    }
}

#[test]
fn a_database_of_another_program_is_refused_and_left_as_it_is() {
    for journal_mode in ["DELETE", "WAL"] {
        let dir = tempfile::tempdir().unwrap();
        let conn = Connection::open(config(&dir).path).unwrap();
        conn.pragma_update(None, "journal_mode", journal_mode)
            .unwrap();
        conn.execute_batch("CREATE TABLE recipes (name TEXT); PRAGMA user_version = 1;")
            .unwrap();
        drop(conn);

        check_refused(&dir, "it is a database of another program");
    }
}

#[tokio::test]
async fn a_database_that_is_cut_short_is_refused_and_left_as_it_is() {
    let dir = old_database().await;
    let path = config(&dir).path;
    let whole = fs::read(&path).unwrap();
    for kept in [
        100,
        4096,
        whole.len() - 4096,
        whole.len() / 2,
        whole.len() - 1,
    ] {
        fs::write(&path, &whole[..kept]).unwrap();

        check_refused(&dir, &format!("it has {kept} bytes of {}", whole.len()));
    }
}

#[tokio::test]
async fn a_database_that_is_overwritten_inside_is_refused_and_its_bytes_are_left() {
    let dir = old_database().await;
    let path = config(&dir).path;
    let mut bytes = fs::read(&path).unwrap();
    bytes[100..4096].fill(0xff);
    fs::write(&path, &bytes).unwrap();

    let refused = Store::open(&config(&dir), ids()).unwrap_err();

    assert!(matches!(refused, OpenError::Unreadable { .. }), "{refused}");
    assert!(fs::read(&path).unwrap() == bytes);
}

#[tokio::test]
async fn a_newer_database_is_refused_and_left_as_it_is() {
    let dir = old_database().await;
    drop(open_with(&dir, &with(ADD_COLUMN)).unwrap());
    drop(open_with(&dir, &with(ADD_COLUMN)).unwrap());
    let before = files(&dir);

    let refused = Store::open(&config(&dir), ids()).unwrap_err();

    let is_right = matches!(
        refused,
        OpenError::NewerSchema {
            found,
            known,
            ..
        } if (found, known) == (schema_version() + 1, schema_version())
    );
    assert!(is_right, "{refused}");
    assert!(files(&dir) == before, "{:?}", names(&dir));
}

#[tokio::test]
async fn what_an_interrupted_build_left_is_ignored() {
    let dir = old_database().await;
    for suffix in ["", "-journal", "-wal", "-shm"] {
        let left = dir.path().join(format!("hearth.db.new{suffix}"));
        fs::write(left, "half a database").unwrap();
    }

    let store = open_with(&dir, &with(ADD_COLUMN)).unwrap();

    drop(store);
    assert_eq!(names(&dir), ["hearth.db".to_owned(), kept_name()]);
    assert_eq!(count_tasks(&dir), 1);
}

#[tokio::test]
async fn a_migration_keeps_the_old_database_until_the_next_good_start() {
    let dir = old_database().await;
    let before = files(&dir);

    drop(open_with(&dir, &with(ADD_COLUMN)).unwrap());

    let after = files(&dir);
    assert!(after[&kept_name()] == before["hearth.db"]);
    let conn = Connection::open(config(&dir).path).unwrap();
    let colour: String = conn
        .query_row("SELECT colour FROM tasks", [], |row| row.get(0))
        .unwrap();
    assert_eq!(colour, "blue");
    drop(conn);

    drop(open_with(&dir, &with(ADD_COLUMN)).unwrap());

    assert_eq!(names(&dir), ["hearth.db"]);
}

#[tokio::test]
async fn the_kept_database_still_works_with_the_old_program() {
    let dir = old_database().await;
    drop(open_with(&dir, &with(ADD_COLUMN)).unwrap());
    let kept = dir.path().join(kept_name());
    fs::rename(kept, config(&dir).path).unwrap();

    let store = open(&dir);

    assert_eq!(add(&store, "another").await.unwrap().number, 2);
}

#[tokio::test]
async fn a_migration_that_fails_leaves_the_old_database_as_it_was() {
    for (bad, expected) in [
        (FAIL, "already exists"),
        (BREAK, "a row of tasks refers to one that is not there"),
    ] {
        let dir = old_database().await;
        let before = files(&dir);

        let failed = open_with(&dir, &with(bad)).unwrap_err();

        let text = failed.to_string();
        let to_next = schema_version() + 1;
        assert!(matches!(failed, OpenError::Migration { to, .. } if to == to_next));
        assert!(text.contains(expected), "{text}");
        assert!(files(&dir)["hearth.db"] == before["hearth.db"]);
        drop(open(&dir));
        assert_eq!(count_tasks(&dir), 1);
        assert_eq!(names(&dir), ["hearth.db"]);
    }
}

#[tokio::test]
async fn a_table_can_be_rebuilt_without_losing_what_refers_to_it() {
    let dir = old_database().await;

    drop(open_with(&dir, &with(REBUILD)).unwrap());

    assert_eq!(count_tasks(&dir), 1);
}

#[tokio::test]
async fn what_only_the_log_holds_is_migrated_too() {
    let TestStore { store, dir } = TestStore::new();
    add(&store, "in the log").await.unwrap();
    // What a killed process leaves.
    let left = tempfile::tempdir().unwrap();
    for file in ["hearth.db", "hearth.db-wal"] {
        fs::copy(dir.path().join(file), left.path().join(file)).unwrap();
    }
    drop(store);

    drop(open_with(&left, &with(ADD_COLUMN)).unwrap());

    assert_eq!(count_tasks(&left), 1);
    let kept = Connection::open(left.path().join(kept_name())).unwrap();
    let count: i64 = kept
        .query_row("SELECT count(*) FROM tasks", [], |row| row.get(0))
        .unwrap();
    assert_eq!(count, 1, "the kept database is whole by itself");
}

#[tokio::test]
async fn the_log_of_a_database_that_was_moved_away_is_not_read_into_a_new_one() {
    let TestStore { store, dir } = TestStore::new();
    add(&store, "old").await.unwrap();
    let left = tempfile::tempdir().unwrap();
    fs::copy(
        dir.path().join("hearth.db-wal"),
        left.path().join("hearth.db-wal"),
    )
    .unwrap();
    drop(store);

    let store = open(&left);

    assert_eq!(store.gauges().unwrap().last_seq, 0);
    assert_eq!(add(&store, "new").await.unwrap().number, 1);
    drop(store);
    assert_eq!(names(&left), ["hearth.db", "hearth.db.orphaned-wal"]);
}

#[test]
fn a_folder_that_is_not_there_is_an_error_of_its_file() {
    let dir = tempfile::tempdir().unwrap();
    let missing = dir.path().join("missing").join("hearth.db");

    assert!(prepare(&missing, MIGRATIONS).is_err());
}

#[test]
fn numbers_of_deleted_tasks_stay_used_through_a_rebuild() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("hearth.db");
    let first = &MIGRATIONS[..1];
    prepare(&path, first).unwrap();
    let conn = Connection::open(&path).unwrap();
    let insert = "INSERT INTO tasks (id, title, status, priority, max_attempts, created_at, updated_at, \
        created_by, updated_by) VALUES (randomblob(16), 't', 'pending', 1, 3, 0, 0, 'owner', 'owner')";
    for _ in 0..3 {
        conn.execute(insert, []).unwrap();
    }
    conn.execute("DELETE FROM tasks WHERE number = 3", [])
        .unwrap();
    drop(conn);

    prepare(&path, MIGRATIONS).unwrap();

    let conn = Connection::open(&path).unwrap();
    let used: i64 = conn
        .query_row(
            "SELECT seq FROM sqlite_sequence WHERE name = 'tasks'",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(used, 3);
    conn.execute(insert, []).unwrap();
    assert_eq!(conn.last_insert_rowid(), 4);
}

#[test]
fn rows_from_before_the_labels_are_trusted_as_far_as_their_owner_wrote_them() {
    let dir = tempfile::tempdir().unwrap();
    let path = config(&dir).path;
    let before_labels = MIGRATIONS
        .iter()
        .position(|sql| sql.contains("ADD COLUMN untrusted"))
        .unwrap();
    prepare(&path, &MIGRATIONS[..before_labels]).unwrap();
    let conn = Connection::open(&path).unwrap();
    conn.execute_batch(
        "INSERT INTO tasks (number, id, title, status, priority, max_attempts, created_at, updated_at,
             created_by, updated_by, series_id, occasion_at, blocked_reason)
         VALUES (1, x'00000000000070008000000000000001', 'mine', 'pending', 1, 3, 1, 1, 'owner', 'owner', NULL, NULL, NULL),
                (2, x'00000000000070008000000000000002', 'an agent''s', 'blocked', 1, 3, 1, 1, 'scout', 'scout',
                 x'00000000000070008000000000000002', 1, 'why?'),
                (3, x'00000000000070008000000000000003', 'the next of it', 'pending', 1, 3, 1, 1, 'system', 'system',
                 x'00000000000070008000000000000002', 2, NULL),
                (4, x'00000000000070008000000000000004', 'said in chat', 'pending', 1, 3, 1, 1, 'cos-agent', 'owner', NULL, NULL, NULL),
                (5, x'00000000000070008000000000000005', 'from a file', 'pending', 1, 3, 1, 1, 'owner', 'owner', NULL, NULL, NULL);
         INSERT INTO idempotency_keys VALUES ('inbox:', 'k', zeroblob(32), x'00000000000070008000000000000005', 1);
         INSERT INTO runs (number, id, task_id, task_number, agent, plan, fence, status, version, started_at, updated_at)
         VALUES (1, x'00000000000070008000000000000010', x'00000000000070008000000000000001', 1, 'seed', '[]', 1,
                 'waiting', 1, 1, 1);
         INSERT INTO steps (run_id, place, attempt, name, tool, args, repeat, brings, decision, status, outcome,
                 fence, created_at, ended_at)
         VALUES (x'00000000000070008000000000000010', 1, 1, 'read', 'read_file', '{}', 'safe',
                 '{\"untrusted\":false,\"private\":true}', '{}', 'done', '{}', 1, 1, 1);
         INSERT INTO artifacts (id, task_id, type, media_type, size_bytes, sha256, metadata, created_by, created_at)
         VALUES (x'00000000000070008000000000000020', x'00000000000070008000000000000001', 'file', 'text/plain', 1,
                 zeroblob(32), '{}', 'owner', 1),
                (x'00000000000070008000000000000021', x'00000000000070008000000000000001', 'output', 'text/plain', 1,
                 zeroblob(32), '{}', 'seed', 1);
         INSERT INTO notices (number, id, kind, task_id, about, text, created_at)
         VALUES (1, x'00000000000070008000000000000030', 'blocked', x'00000000000070008000000000000001', 'a', 'old', 7),
                (2, x'00000000000070008000000000000031', 'blocked', x'00000000000070008000000000000002', 'b', 'open', 7);",
    )
    .unwrap();
    drop(conn);

    prepare(&path, MIGRATIONS).unwrap();

    let conn = Connection::open(&path).unwrap();
    let flags = |sql: &str| -> Vec<bool> {
        let mut statement = conn.prepare(sql).unwrap();
        let found = statement.query_map([], |row| row.get(0)).unwrap();
        found.collect::<Result<_, _>>().unwrap()
    };
    assert_eq!(
        flags("SELECT untrusted FROM tasks ORDER BY number"),
        [false, true, true, false, true]
    );
    assert_eq!(
        flags("SELECT untrusted FROM artifacts ORDER BY id"),
        [true, true]
    );
    assert_eq!(
        flags("SELECT private FROM artifacts ORDER BY id"),
        [false, true]
    );
    // What was answered before anybody told of it is not told.
    assert_eq!(
        flags("SELECT withdrawn_at IS NOT NULL FROM notices ORDER BY number"),
        [true, false]
    );
}
