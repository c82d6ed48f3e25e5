//! A node killed at any moment has everything it acknowledged.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, ensure};
use hearth_tests::node::{Options, TestNode};
use hearth_tests::raw_http::RawClient;
use hearth_tests::skip;
use rusqlite::{Connection, OpenFlags};
use serde_json::Value;

const CLIENTS: usize = 4;
const ROUNDS: usize = 12;
const ROUNDS_LONG: usize = 200;

/// What a client knows of a task: the version and status of the last answer it got.
type Acknowledged = HashMap<String, (i64, String)>;

#[test]
fn a_killed_node_has_every_acknowledged_change_and_no_event_twice() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let rounds = if skip::is_long() { ROUNDS_LONG } else { ROUNDS };
    let mut acknowledged = Acknowledged::new();
    for round in 0..rounds {
        let mut node = TestNode::start_in(folder.path(), &Options::default())?;
        let key = node.owner_key()?;
        let address = node.address().to_owned();
        let is_over = AtomicBool::new(false);
        let rest = Duration::from_millis(20 + random() % 200);

        let new = std::thread::scope(|scope| -> anyhow::Result<Vec<Acknowledged>> {
            let clients: Vec<_> = (0..CLIENTS)
                .map(|client| {
                    let (address, key, is_over) = (&address, &key, &is_over);
                    scope.spawn(move || work(address, key, client, is_over))
                })
                .collect();
            std::thread::park_timeout(rest);
            node.kill()?;
            is_over.store(true, Ordering::Relaxed);
            clients
                .into_iter()
                .map(|client| Ok(client.join().unwrap_or_default()))
                .collect()
        })?;

        acknowledged.extend(new.into_iter().flatten());
        check(folder.path(), &acknowledged)
            .with_context(|| format!("after kill number {}", round + 1))?;
    }
    ensure!(
        acknowledged.len() > rounds,
        "too little was done for the test to say anything"
    );
    eprintln!(
        "{rounds} kills, {} tasks acknowledged, none lost",
        acknowledged.len()
    );
    Ok(())
}

/// Leads tasks through their lives until the node is gone; returns what was acknowledged.
fn work(address: &str, key: &str, client: usize, is_over: &AtomicBool) -> Acknowledged {
    let mut known = Acknowledged::new();
    let Ok(mut http) = RawClient::connect(address, key) else {
        return known;
    };
    while !is_over.load(Ordering::Relaxed) {
        // An error means that the node was killed before it answered.
        if life(&mut http, client, &mut known).is_err() {
            break;
        }
    }
    known
}

fn life(http: &mut RawClient, client: usize, known: &mut Acknowledged) -> anyhow::Result<()> {
    let agent = format!("agent-{client}");
    // A lease that outlasts the test: one that ran out would be a change nobody asked for.
    let task = send(
        http,
        "/api/v1/tasks",
        r#"{"title":"To be killed","labels":["kill"]}"#,
        known,
    )?;
    let path = format!("/api/v1/tasks/{}", task["id"].as_str().unwrap_or_default());
    let held = send(
        http,
        &format!("{path}/claim"),
        &format!(r#"{{"agent":"{agent}","lease_seconds":3600}}"#),
        known,
    )?;
    let hold = format!(r#""agent":"{agent}","fence":{}"#, held["fence"]);
    match random() % 4 {
        0 => send(
            http,
            &format!("{path}/block"),
            &format!(r#"{{{hold},"reason":"which?"}}"#),
            known,
        )?,
        1 => send(
            http,
            &format!("{path}/release"),
            &format!("{{{hold}}}"),
            known,
        )?,
        2 => send(http, &format!("{path}/cancel"), "{}", known)?,
        _ => send(
            http,
            &format!("{path}/complete"),
            &format!(r#"{{{hold},"result":{{"n":1}}}}"#),
            known,
        )?,
    };
    Ok(())
}

fn send(
    http: &mut RawClient,
    path: &str,
    body: &str,
    known: &mut Acknowledged,
) -> anyhow::Result<Value> {
    let (status, body) = http.send("POST", path, body)?;
    let task: Value = serde_json::from_slice(body)?;
    ensure!(
        (200..300).contains(&status),
        "{path} answered {status}: {task}"
    );
    let version = task["version"].as_i64().unwrap_or_default();
    let status = task["status"].as_str().unwrap_or_default().to_owned();
    known.insert(
        task["id"].as_str().unwrap_or_default().to_owned(),
        (version, status),
    );
    Ok(task)
}

/// Looks into the database as the kill left it.
fn check(folder: &std::path::Path, acknowledged: &Acknowledged) -> anyhow::Result<()> {
    let database =
        Connection::open_with_flags(folder.join("hearth.db"), OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let verdict: String = database.query_row("PRAGMA integrity_check", [], |row| row.get(0))?;
    ensure!(verdict == "ok", "integrity: {verdict}");
    let broken = database.prepare("PRAGMA foreign_key_check")?.exists([])?;
    ensure!(!broken, "a row refers to one that is not there");

    let mut rows = database.prepare("SELECT lower(hex(id)), version, status FROM tasks")?;
    let rows = rows.query_map([], |row| Ok((row.get(0)?, (row.get(1)?, row.get(2)?))))?;
    let stored: HashMap<String, (i64, String)> = rows.collect::<Result<_, _>>()?;
    for (id, (version, status)) in acknowledged {
        let found = stored.get(&id.replace('-', ""));
        // One further change may have been stored whose answer the kill swallowed.
        let is_there = found.is_some_and(|(stored_version, stored_status)| {
            (stored_version == version && stored_status == status) || *stored_version == version + 1
        });
        ensure!(
            is_there,
            "task {id} was acknowledged as version {version}, {status}; found {found:?}"
        );
    }

    let (count, first, last): (i64, i64, i64) = database.query_row(
        "SELECT count(*), coalesce(min(seq), 1), coalesce(max(seq), 0) FROM events",
        [],
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
    )?;
    ensure!(
        first == 1 && last == count,
        "the sequence has holes: {count} events from {first} to {last}"
    );
    let ids: i64 = database.query_row("SELECT count(DISTINCT id) FROM events", [], |row| {
        row.get(0)
    })?;
    ensure!(ids == count, "an event is there twice");
    // Each task's events tell of its versions, each once and in order.
    let torn = database
        .prepare(
            "SELECT tasks.number FROM tasks WHERE version <> (
                 SELECT count(*) FROM events WHERE entity_id = tasks.id)
             OR version <> (
                 SELECT max(json_extract(payload, '$.version')) FROM events WHERE entity_id = tasks.id)",
        )?
        .exists([])?;
    ensure!(!torn, "a task and its events tell different stories");
    Ok(())
}

fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}
