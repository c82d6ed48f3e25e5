//! What was exported comes back as it was, and what is not whole does not come in.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use rusqlite::Connection;
use rusqlite::types::Value;
use tempfile::TempDir;

use super::tables::{SEQUENCES, TABLES, TEXT_INDEXES};
use super::*;
use crate::CareError;
use crate::backup::Source;
use crate::backup::tests::{add_artifact, filled};
use crate::restore::Destination;
use crate::test_support::{TestStore, add, at, open};

struct Folder {
    dir: TempDir,
}

impl Folder {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        Self { dir }
    }

    fn database(&self) -> PathBuf {
        self.dir.path().join("hearth.db")
    }

    fn import(&self, text: &[u8]) -> Result<Imported, CareError> {
        let destination = Destination {
            database: &self.database(),
            artifacts: &self.dir.path().join("artifacts"),
            staging: &self.dir.path().join("import.staging"),
        };
        import(text, &destination)
    }
}

fn export_of(dir: &TempDir) -> Vec<u8> {
    let source = Source {
        database: &dir.path().join("hearth.db"),
        artifacts: &dir.path().join("artifacts"),
        version: "1.2.3",
        at: at(100),
    };
    let mut out = Vec::new();
    export(&source, &mut out).unwrap();
    out
}

/// Every row of every table that is not made from others.
fn rows(path: &std::path::Path) -> BTreeMap<&'static str, Vec<Vec<Value>>> {
    let conn = Connection::open(path).unwrap();
    let tables = TABLES.iter().chain([&SEQUENCES]);
    tables
        .map(|table| {
            let sql = format!(
                "SELECT * FROM {} ORDER BY {}",
                table.name,
                table.key.join(", ")
            );
            let mut statement = conn.prepare(&sql).unwrap();
            let columns = statement.column_count();
            let rows =
                statement.query_map([], |row| (0..columns).map(|index| row.get(index)).collect());
            let rows = rows.unwrap().collect::<Result<_, _>>().unwrap();
            (table.name, rows)
        })
        .collect()
}

/// Puts a row with a value in every column into every table, whatever tables there are.
fn fill_every_column(conn: &Connection) {
    conn.execute_batch(
        "PRAGMA foreign_keys = OFF;
         INSERT INTO projects (id, name, description, status, metadata, version, created_at, updated_at)
             VALUES (x'00000000000070008000000000000001', 'gärten \"1\"', 'a\nb', 'active', '{\"a\": 1.0,\"big\":12345678901234567890}', 3, 1, 2);
         INSERT INTO tasks (number, id, project_id, title, status, priority, reserved_for, context, has_plan,
                 depends_on, labels, due_at, not_before, attempt, max_attempts, failed_attempts, fence, acceptance,
                 budget_usd, budget_tokens, created_at, updated_at, started_at, created_by, updated_by,
                 blocked_reason, blocked_options, blocked_cause, worker, lease_ms)
             VALUES (5, x'00000000000070008000000000000005', x'00000000000070008000000000000001', 'tidy \u{1f33b}', 'blocked', 3, 'robot',
                 '{\"plan\":[\n1]}', 1, '[\"00000000-0000-7000-8000-000000000001\"]', '[\"web\"]', 10, 11, 2, 3,
                 '[{\"at\":1}]', 7, '{}', 0.1, 9007199254740993, 12, 13, 14, 'owner', 'robot', 'why?', '[\"a\",\"b\"]',
                 'holder', 'robot', 60000);
         INSERT INTO tasks (number, id, parent_id, title, status, priority, max_attempts, result, completed_at,
                 created_at, updated_at, created_by, updated_by)
             VALUES (4, x'00000000000070008000000000000004', x'00000000000070008000000000000005', 'part', 'completed', 0, 1,
                 '{\"n\":1e400}', 9, 1, 2, 'owner', 'owner');
         UPDATE sqlite_sequence SET seq = 12 WHERE name = 'tasks';
         UPDATE tasks SET recurrence = 'every day', series_id = id, occasion_at = 77, estimate_minutes = 20,
                 failed_checks = '[{\"at\":1}]', untrusted = 1, private = 1 WHERE number = 5;
         INSERT INTO conversations VALUES (x'00000000000070008000000000000008', 'owner', '{\"a\":1}', 2, 3, 4);
         INSERT INTO messages VALUES (3, x'00000000000070008000000000000009', x'00000000000070008000000000000008',
                 'person', 'good\nmorning', '[]', 5, 1, 0);
         INSERT INTO telegram_bots VALUES (77, 'hearth_bot', 9, 8, 2);
         INSERT INTO telegram_chats VALUES (-5, x'0000000000007000800000000000001f', 6, 'Ada',
                 x'00000000000070008000000000000008', 7, 1, 9);
         INSERT INTO telegram_refusals VALUES (12, 13);
         INSERT INTO telegram_updates VALUES (3, 77, 9, -5, 6, '{\"kind\":\"other\",\"message\":1}', 8, NULL);
         INSERT INTO telegram_messages VALUES (4, 'update:77:9:0', -5, '{\"kind\":\"voice\",\"text\":\"a\"}', 'dead', 3, 1, 9,
                 'blocked', 8, 10);
         INSERT INTO chat_requests VALUES ('owner', 'once', zeroblob(32), x'00000000000070008000000000000009',
                 x'00000000000070008000000000000009', 6);
         INSERT INTO notices VALUES (9, x'0000000000007000800000000000000a', 'due_soon',
                 x'00000000000070008000000000000005', 'task 5', 'soon', 6, 'desktop', 7, 8, NULL);
         INSERT INTO notices VALUES (10, x'0000000000007000800000000000000f', 'finished',
                 x'00000000000070008000000000000005', 'finished 5', 'done', 6, NULL, NULL, NULL, 9);
         INSERT INTO runs VALUES (2, x'0000000000007000800000000000000b', x'00000000000070008000000000000005', 5, 'seed',
                 '[{\"tool\":\"python\"}]', 3, 'cancelled', 'not wanted', 4, 5, 6, 7);
         INSERT INTO approvals VALUES (3, x'0000000000007000800000000000000c', x'0000000000007000800000000000000b',
                 x'00000000000070008000000000000005', 5, 1, 'run_command', '{\"argv\":[\"ls\"]}', zeroblob(32), 'run ls',
                 'it asks', 1, 'denied', 'owner', 8, 'no', 9, 10);
         INSERT INTO steps VALUES (x'0000000000007000800000000000000b', 1, 2, 'list', 'run_command', '{\"argv\":[\"ls\"]}',
                 'unsafe', '{\"untrusted\":false,\"private\":false}', '{\"verdict\":\"ask\",\"reason\":\"r\"}', 'waiting',
                 'approval', x'0000000000007000800000000000000c', NULL, NULL, NULL, 3, 4, 5, NULL, 7);
         INSERT INTO steps VALUES (x'0000000000007000800000000000000b', 2, 1, 'hand-on', 'delegate', '{}',
                 'safe', '{\"untrusted\":false,\"private\":false}', '{\"verdict\":\"allow\",\"reason\":\"r\"}', 'waiting',
                 'child', NULL, x'00000000000070008000000000000004', NULL, NULL, 3, 4, NULL, NULL, NULL);
         INSERT INTO permissions VALUES (4, x'0000000000007000800000000000000d', 'http_get', '{\"url\":\"any\"}',
                 x'00000000000070008000000000000001', 'owner', 1, 2, 3, 4);
         INSERT INTO folders VALUES (x'0000000000007000800000000000000e', 'notes', '/home/ada/notes', 'read',
                 x'00000000000070008000000000000001', 'owner', 1, 2);
         INSERT INTO model_calls VALUES (x'0000000000007000800000000000000f', 'task', x'0000000000007000800000000000000b', 1, 2,
                 x'00000000000070008000000000000008', x'00000000000070008000000000000005',
                 x'00000000000070008000000000000001', 'seed', 'groq', 'big', 'settled', 50, 60, 70, 5, 6, 7, '2026-11-25', 1, 2);
         INSERT INTO spent VALUES ('task', '00000000-0000-7000-8000-000000000005', 1, 2, 3, 4, 5, 6, 7, 8, 9, 10);
         INSERT INTO budgets VALUES ('day', 'each', '{\"usd_micros\":5}', 'owner', 3);
         UPDATE tasks SET budget_limits = '{\"turns\":7}' WHERE number = 5;
         INSERT INTO made_tools VALUES (x'0000000000007000800000000000000f', 'count', 1, 'Counts.', '{\"type\":\"object\"}',
                 'def run():\n return 1', '[]', '{}', zeroblob(32), 'rolled_back', 'owner', 'why', 2, 3, 2, 1, 9, 'seed',
                 x'00000000000070008000000000000005', 8);
         INSERT INTO memories VALUES (6, x'0000000000007000800000000000000f', 'tea', 'Ada likes tea',
                 x'00000000000070008000000000000001', x'00000000000070008000000000000005', 5,
                 x'0000000000007000800000000000000b', 1, 0, 'seed', 1, NULL);
         INSERT INTO memories VALUES (7, x'00000000000070008000000000000010', '', '', NULL, NULL, NULL, NULL, 0, 1,
                 'owner', 1, 2);
         INSERT INTO pages VALUES (8, 'https://example.org/', 'Otters', 'They sleep', 10,
                 x'00000000000070008000000000000001', 5, 1, 3);
         INSERT INTO task_labels VALUES ('web', 5);
         INSERT INTO task_dependencies VALUES (x'00000000000070008000000000000005', x'00000000000070008000000000000004');
         INSERT INTO agents VALUES (x'00000000000070008000000000000006', 'robot', 'worker', 'idle', '[\"python\"]', '{}', 1, 2, 3);
         INSERT INTO specialists VALUES ('robot', x'00000000000070008000000000000006', 'counts', '[\"python\"]', '[]', '{\"turns\":5}',
                 1, 'other', 'seed', x'00000000000070008000000000000005', 1, 2, 3, 4);
         INSERT INTO api_keys VALUES (x'00000000000070008000000000000007', 'laptop', 'agent', 'robot', zeroblob(32), 1, 2, 3);
         INSERT INTO idempotency_keys VALUES ('owner', 'once', zeroblob(32), x'00000000000070008000000000000005', 4);",
    )
    .unwrap();
}

#[test]
fn no_table_and_no_column_of_a_fresh_database_is_forgotten() {
    let dir = tempfile::tempdir().unwrap();
    drop(open(&dir));
    let conn = Connection::open(dir.path().join("hearth.db")).unwrap();
    let text = |sql: &str| -> Vec<String> {
        let mut statement = conn.prepare(sql).unwrap();
        let rows = statement.query_map([], |row| row.get(0)).unwrap();
        rows.collect::<Result<_, _>>().unwrap()
    };

    let virtual_tables: BTreeSet<String> =
        text("SELECT name FROM pragma_table_list WHERE type = 'virtual'")
            .into_iter()
            .collect();
    let tables: BTreeSet<String> = text(
        "SELECT name FROM pragma_table_list WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
    )
    .into_iter()
    .collect();

    let listed: BTreeSet<String> = TABLES.iter().map(|table| table.name.to_owned()).collect();
    assert_eq!(tables, listed);
    let indexes: BTreeSet<String> = TEXT_INDEXES.iter().map(|i| i.name.to_owned()).collect();
    assert_eq!(virtual_tables, indexes);
    for table in TABLES {
        let name = table.name;
        let columns: BTreeSet<String> =
            text(&format!("SELECT name FROM pragma_table_info('{name}')"))
                .into_iter()
                .collect();
        let listed: BTreeSet<String> = table.columns.iter().map(|(n, _)| (*n).into()).collect();
        assert_eq!(columns, listed, "columns of {name}");
        let unique: BTreeSet<Vec<String>> = text(&format!(
            "SELECT name FROM pragma_index_list('{name}') WHERE \"unique\" AND NOT partial"
        ))
        .iter()
        .map(|index| {
            text(&format!(
                "SELECT name FROM pragma_index_info('{index}') ORDER BY seqno"
            ))
        })
        .collect();
        let listed: BTreeSet<Vec<String>> = table
            .unique
            .iter()
            .map(|set| set.iter().map(|name| (*name).to_owned()).collect())
            .collect();
        assert!(unique.is_subset(&listed), "unique in {name}: {unique:?}");
    }
}

#[tokio::test]
async fn what_was_exported_comes_back_as_it_was() {
    let test = filled().await;
    let long: Vec<u8> = (0..=PART * 2)
        .map(|n| u8::try_from(n % 251).unwrap())
        .collect();
    add_artifact(&test, 20, &long).await;
    add_artifact(&test, 21, b"").await;
    fill_every_column(&test.outside());
    let exported = export_of(&test.dir);

    let other = Folder::new();
    let first = other.import(&exported).unwrap();
    let again = other.import(&exported).unwrap();

    // The last numbers of tasks, runs, approvals, permissions, memories, pages and both directions of
    // Telegram are lines that count as known.
    assert_eq!((first.known, first.contents), (8, 4));
    assert_eq!((again.added, again.known), (0, first.added + 8));
    let mut before = rows(&test.dir.path().join("hearth.db"));
    // A line break between tokens is a blank in an export.
    for value in before.get_mut("tasks").unwrap().iter_mut().flatten() {
        if *value == Value::Text("{\"plan\":[\n1]}".into()) {
            *value = Value::Text("{\"plan\":[ 1]}".into());
        }
    }
    assert_eq!(rows(&other.database()), before);
    let count = exported.split(|byte| *byte == b'\n').count() - 1;
    assert_eq!(first.added, count as u64 - 2 - 8 - 6, "rows but no parts");
    let lines = |text: &[u8]| -> Vec<Vec<u8>> {
        let lines = text.split(|byte| *byte == b'\n').map(<[u8]>::to_vec);
        lines.collect()
    };
    assert!(lines(&export_of(&other.dir))[1..count - 1] == lines(&exported)[1..count - 1]);
    let store = open(&other.dir);
    assert_eq!(add(&store, "next").await.unwrap().number, 13);
    drop(store);
    let conn = Connection::open(other.database()).unwrap();
    for (index, word, number) in [
        ("task_text", "tidy", 5),
        ("memory_text", "tea", 6),
        ("page_text", "otter", 8),
    ] {
        let sql = format!("SELECT rowid FROM {index} WHERE {index} MATCH '{word}'");
        let found: i64 = conn.query_row(&sql, [], |row| row.get(0)).unwrap();
        assert_eq!(found, number, "{index}");
    }
}

#[tokio::test]
async fn an_export_that_is_cut_or_changed_is_refused_and_changes_nothing() {
    let test = filled().await;
    let whole = export_of(&test.dir);
    let target = TestStore::new();
    add(&target.store, "of before").await.unwrap();
    let TestStore { store, dir } = target;
    drop(store);
    let folder = Folder { dir };
    let before = rows(&folder.database());

    let step = whole.len() / 60;
    for place in (0..whole.len()).step_by(step) {
        assert!(folder.import(&whole[..place]).is_err(), "cut at {place}");
        let mut changed = whole.clone();
        changed[place] ^= 1;
        assert!(folder.import(&changed).is_err(), "changed at {place}");
    }

    assert_eq!(rows(&folder.database()), before);
    assert!(!folder.dir.path().join("import.staging").exists());
}

/// An export of these lines, with the end that belongs to them.
fn sealed(lines: &[&str]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut writer = line::LineWriter::new(&mut out);
    for text in lines {
        writer.write(text.as_bytes()).unwrap();
    }
    let (count, hash) = writer.summary();
    let end = End {
        kind: "end".into(),
        rows: count - 1,
        sha256: hash.to_string(),
    };
    writer.write_json(&end).unwrap();
    out
}

/// Checks that an export with one line more or another is refused with this.
fn check_refused(lines: &[&str], expected: &str) {
    let folder = Folder::new();
    let refused = folder.import(&sealed(lines)).unwrap_err();

    assert_eq!(refused.to_string(), expected);
    assert_eq!(fs::read_dir(folder.dir.path()).unwrap().count(), 0);
}

const HEADER: &str = r#"{"kind":"hearth-export","format":1,"schema":1,"version":"0.1.0","created_at":"2026-11-24T00:00:00.000Z"}"#;
const PROJECT: &str = r#"{"kind":"project","id":"00000000-0000-7000-8000-000000000001","name":"web","created_at":"2026-11-24T00:00:00.000Z","updated_at":"2026-11-24T00:00:00.000Z"}"#;

#[test]
fn a_line_that_does_not_belong_is_refused_by_its_number() {
    check_refused(&["my shopping list"], "line 1: this is no export of Hearth");
    check_refused(
        &[r#"{"kind":"hearth-export","format":2}"#],
        "line 1: the export has format 2, which this program does not know: use the version of Hearth that made it, or a newer one",
    );
    check_refused(
        &[&HEADER.replace("\"schema\":1", "\"schema\":1000")],
        "line 1: the export has schema 1000, which this program does not know: use the version of Hearth that made it, or a newer one",
    );
    check_refused(&[HEADER, "eggs"], "line 2: it is no JSON object");
    check_refused(
        &[HEADER, PROJECT, r#"{"kind":"recipe"}"#],
        "line 3: this program knows no kind \"recipe\"",
    );
    check_refused(
        &[HEADER, &PROJECT.replace("\"name\"", "\"nmae\"")],
        "line 2: project has no field \"nmae\"",
    );
    check_refused(
        &[HEADER, &PROJECT.replace("\"web\"", "7")],
        "line 2: name must be text",
    );
    check_refused(
        &[HEADER, PROJECT, &PROJECT.replace("web", "garden")],
        "line 3: the project with this id is there already, with another name: an export goes into an empty data folder, or into the one it came from",
    );
    check_refused(
        &[
            HEADER,
            PROJECT,
            &PROJECT.replace("000000000001", "000000000002"),
        ],
        "line 3: the project with this name is there already, with another id: an export goes into an empty data folder, or into the one it came from",
    );
    check_refused(
        &[HEADER, r#"{"kind":"task_label","label":"web","number":9}"#],
        "line 3: the export is not whole: a row of task_labels refers to one of tasks that is not there",
    );
}

#[test]
fn a_row_that_breaks_a_rule_of_its_table_is_refused() {
    let wrong = PROJECT.replace("\"name\"", "\"status\":\"sleeping\",\"name\"");
    let missing = PROJECT.replace("\"name\":\"web\",", "");
    for (line, expected) in [(wrong, "CHECK"), (missing, "NOT NULL")] {
        let folder = Folder::new();
        let refused = folder.import(format!("{HEADER}\n{line}\n").as_bytes());

        let text = refused.unwrap_err().to_string();
        let begins = text.starts_with("line 2: the project breaks a rule of its table: ");
        assert!(begins && text.contains(expected), "{text}");
    }
}

#[tokio::test]
async fn a_content_that_lacks_a_part_is_refused() {
    let test = TestStore::new();
    let long: Vec<u8> = (0..=PART).map(|n| u8::try_from(n % 251).unwrap()).collect();
    add_artifact(&test, 1, &long).await;
    let whole = String::from_utf8(export_of(&test.dir)).unwrap();
    let lines: Vec<&str> = whole.lines().collect();
    let (end, parts) = (lines.len() - 1, lines.len() - 3);
    let without = |skipped: &[usize]| -> Vec<&str> {
        let kept = (0..end).filter(|index| !skipped.contains(index));
        kept.map(|index| lines[index]).collect()
    };
    let hash = crate::contents::hash(long.as_slice()).unwrap().0;

    check_refused(
        &without(&[parts]),
        &format!(
            "line {}: part 1 of 2 of the content {hash} should stand here",
            parts + 1
        ),
    );
    check_refused(
        &without(&[parts + 1]),
        &format!("the export is not whole: of the content {hash} there are 1 parts of 2"),
    );
    check_refused(
        &without(&[parts, parts + 1]),
        &format!("the export is not whole: the content {hash} is not in it"),
    );
}

#[tokio::test]
async fn a_row_that_is_there_otherwise_refuses_all_of_the_import() {
    let test = filled().await;
    let exported = export_of(&test.dir);
    let other = TestStore::new();
    add(&other.store, "mine").await.unwrap();
    let TestStore { store, dir } = other;
    drop(store);
    let folder = Folder { dir };
    let before = rows(&folder.database());

    let refused = folder.import(&exported).unwrap_err().to_string();

    assert_eq!(
        refused,
        "line 2: the task with this number is there already, with another title: an export goes into an empty data folder, or into the one it came from"
    );
    assert_eq!(rows(&folder.database()), before);
}

#[test]
fn an_export_that_knows_no_labels_is_trusted_as_far_as_its_owner_wrote_it() {
    let task = |number: i64, by: &str| {
        format!(
            r#"{{"kind":"task","number":{number},"id":"00000000-0000-7000-8000-00000000000{number}","title":"t","status":"pending","priority":1,"max_attempts":3,"created_at":"2026-11-24T00:00:00.000Z","updated_at":"2026-11-24T00:00:00.000Z","created_by":"{by}","updated_by":"owner"}}"#
        )
    };
    let (mine, other) = (task(1, "owner"), task(2, "robot"));
    let export = sealed(&[HEADER, &mine, &other]);
    let folder = Folder::new();

    folder.import(&export).unwrap();
    // Once more, over what is there: it says nothing else of it.
    folder.import(&export).unwrap();

    let conn = Connection::open(folder.database()).unwrap();
    let mut statement = conn
        .prepare("SELECT untrusted FROM tasks ORDER BY number")
        .unwrap();
    let found = statement
        .query_map([], |row| row.get::<_, bool>(0))
        .unwrap();
    assert_eq!(found.collect::<Result<Vec<_>, _>>().unwrap(), [false, true]);
}
