//! Care of the data: backups are whole, restores and imports lose nothing, whatever is in the way.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use anyhow::{Context, ensure};
use hearth_tests::data_folder::{
    check_contents, contents_of, copy_folder, copy_of, done, grown_folder, hearth, kept_databases,
    left_over, refused, rows, text,
};
use hearth_tests::database::{check_sound, count_tasks, grow, open};
use hearth_tests::killed::{Random, run_and_kill, run_whole};
use hearth_tests::node::{Options, TestNode};
use hearth_tests::raw_http::RawClient;
use hearth_tests::skip;
use hearth_tests::small_disk::SmallDisk;
use serde_json::{Value, json};

const CLIENTS: usize = 3;
const ROUNDS: usize = 20;
const ROUNDS_LONG: usize = 150;

/// Leads tasks through their lives and stores artifacts until told to stop; returns how many
/// requests were answered well.
fn work(
    address: &str,
    key: &str,
    client: usize,
    is_over: &AtomicBool,
    created: &AtomicU64,
) -> anyhow::Result<u64> {
    let mut http = RawClient::connect(address, key)?;
    let agent = format!("agent-{client}");
    let mut count = 0;
    let mut send = |path: &str, body: Value| -> anyhow::Result<Value> {
        let (status, answer) = http.send("POST", &format!("/api/v1{path}"), &body.to_string())?;
        let answer: Value = serde_json::from_slice(answer)?;
        ensure!((200..300).contains(&status), "{path}: {status} {answer}");
        Ok(answer)
    };
    while !is_over.load(Ordering::Relaxed) {
        let task = send(
            "/tasks",
            json!({"title": format!("Task of {client}"), "labels": ["load"]}),
        )?;
        created.fetch_add(1, Ordering::Relaxed);
        let id = task["id"].as_str().unwrap_or_default().to_owned();
        let held = send(&format!("/tasks/{id}/claim"), json!({"agent": agent}))?;
        let content = format!("{id} ").repeat(count % 50 + 1);
        send(
            "/artifacts",
            json!({"type": "note", "task_id": id, "content": content}),
        )?;
        send(
            &format!("/tasks/{id}/complete"),
            json!({"agent": agent, "fence": held["fence"], "result": {"n": count}}),
        )?;
        count += 1;
    }
    Ok(count as u64)
}

/// Runs `during` while clients work on the node, each of which must be served well.
fn under_load<T>(
    node: &TestNode,
    during: impl FnOnce(&AtomicU64) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let (address, key) = (node.address().to_owned(), node.owner_key()?);
    let is_over = AtomicBool::new(false);
    let created = AtomicU64::new(0);
    std::thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|client| {
                let (address, key, is_over, created) = (&address, &key, &is_over, &created);
                scope.spawn(move || work(address, key, client, is_over, created))
            })
            .collect();
        let result = during(&created);
        is_over.store(true, Ordering::Relaxed);
        for client in clients {
            let served = client.join().ok().context("a client panicked")??;
            ensure!(served > 0, "a client was not served");
        }
        result
    })
}

/// Waits until so many tasks more were made.
fn wait_for_more(created: &AtomicU64, more: u64) {
    let goal = created.load(Ordering::Relaxed) + more;
    while created.load(Ordering::Relaxed) < goal {
        std::thread::yield_now();
    }
}

#[test]
fn a_backup_under_load_is_the_database_of_one_moment_with_all_artifacts() -> anyhow::Result<()> {
    let mut node = TestNode::start(&Options::default())?;
    let out = tempfile::tempdir()?;
    let file = |number: usize| out.path().join(format!("{number}.tar"));
    let backups = 3;

    let acknowledged = under_load(&node, |created| {
        let mut acknowledged = Vec::new();
        for number in 0..backups {
            wait_for_more(created, 20);
            acknowledged.push(created.load(Ordering::Relaxed));
            done(node.data_dir(), &["backup", text(&file(number))?])?;
        }
        wait_for_more(created, 5);
        Ok(acknowledged)
    })?;
    ensure!(node.stop()? == Some(0), "{}", node.log());
    let live = rows(node.data_dir())?;

    for (number, acknowledged) in acknowledged.into_iter().enumerate() {
        let elsewhere = tempfile::tempdir()?;
        let verified = done(
            elsewhere.path(),
            &["backup", "--verify", text(&file(number))?],
        )?;
        let restored = done(elsewhere.path(), &["restore", text(&file(number))?])?;
        ensure!(verified["backup"] == restored["backup"], "{restored}");
        ensure!(restored["kept"].is_null(), "{restored}");

        let database = elsewhere.path().join("hearth.db");
        check_sound(&database)?;
        let artifacts = check_contents(elsewhere.path())?;
        ensure!(restored["backup"]["counts"]["artifacts"] == artifacts);
        let found = rows(elsewhere.path())?;
        let events = found["events"].values.len();
        ensure!(restored["backup"]["last_seq"] == events);
        ensure!(
            live["events"].values[..events] == found["events"].values,
            "the events are not those of the node up to {events}"
        );
        ensure!(u64::try_from(count_tasks(&database)?)? >= acknowledged);
        check_tasks_are_told(&database)?;
        ensure!(left_over(elsewhere.path())?.is_empty());
    }
    ensure!(std::fs::read_dir(out.path())?.count() == backups);
    Ok(())
}

/// Checks that each task is where its events say: nothing in a backup is half done.
fn check_tasks_are_told(database: &Path) -> anyhow::Result<()> {
    let torn = open(database)?
        .prepare(
            "SELECT tasks.number FROM tasks WHERE version <> (
                 SELECT max(json_extract(payload, '$.version')) FROM events WHERE entity_id = tasks.id)",
        )?
        .exists([])?;
    ensure!(!torn, "a task and its events tell different stories");
    Ok(())
}

#[test]
fn an_export_under_load_comes_back_as_it_was_once_and_twice() -> anyhow::Result<()> {
    let node = TestNode::start(&Options::default())?;
    let out = tempfile::tempdir()?;
    let file = out.path().join("all.jsonl");
    let file = text(&file)?;
    under_load(&node, |created| {
        wait_for_more(created, 30);
        done(node.data_dir(), &["export", file]).map(drop)
    })?;
    let elsewhere = tempfile::tempdir()?;

    let first = done(elsewhere.path(), &["import", file])?;
    let again = done(elsewhere.path(), &["import", file])?;

    ensure!(again["added"] == 0, "{again}");
    ensure!(first["contents"] == again["contents"], "{first}, {again}");
    let database = elsewhere.path().join("hearth.db");
    check_sound(&database)?;
    check_contents(elsewhere.path())?;
    check_tasks_are_told(&database)?;
    let (_, exported) = run_whole(hearth(elsewhere.path(), &["export"])?)?;
    let body = |text: &str| -> Vec<String> {
        let lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines[1..lines.len() - 1].to_vec()
    };
    let exported = String::from_utf8(exported.stdout)?;
    ensure!(
        body(&exported) == body(&std::fs::read_to_string(file)?),
        "the export of the import is another"
    );
    // Search works there, too.
    let moved = TestNode::start_in(elsewhere.path(), &Options::default())?;
    let found = moved.hearth(&["--json", "task", "list", "--search", "client"])?;
    let none: Value = serde_json::from_slice(&found.stdout)?;
    let found = moved.hearth(&["--json", "task", "list", "--search", "task of"])?;
    let found: Value = serde_json::from_slice(&found.stdout)?;
    let counts = [&none, &found].map(|page| page["items"].as_array().map_or(0, Vec::len));
    ensure!(counts[0] == 0 && counts[1] > 0, "{counts:?}");
    Ok(())
}

#[test]
fn nothing_is_restored_or_imported_under_a_running_node() -> anyhow::Result<()> {
    let node = TestNode::start(&Options::default())?;
    let out = tempfile::tempdir()?;
    let (backup, export) = (out.path().join("a.tar"), out.path().join("a.jsonl"));
    done(node.data_dir(), &["backup", text(&backup)?])?;
    done(node.data_dir(), &["export", text(&export)?])?;

    for args in [
        ["restore", text(&backup)?].as_slice(),
        &["import", text(&export)?],
        &["migrate"],
    ] {
        let said = refused(node.data_dir(), args)?;

        let pid = node.pid().to_string();
        ensure!(
            said.contains("stop it first") && said.contains(&format!("kill {pid}")),
            "{said}"
        );
    }
    Ok(())
}

#[test]
fn what_is_not_a_whole_backup_or_export_changes_nothing() -> anyhow::Result<()> {
    let data = grown_folder(2)?;
    let out = tempfile::tempdir()?;
    let (backup, export) = (out.path().join("a.tar"), out.path().join("a.jsonl"));
    done(data.path(), &["backup", text(&backup)?])?;
    done(data.path(), &["export", text(&export)?])?;
    let cut = |whole: &Path| -> anyhow::Result<PathBuf> {
        let bytes = std::fs::read(whole)?;
        let cut = whole.with_extension("cut");
        std::fs::write(&cut, &bytes[..bytes.len() / 2])?;
        Ok(cut)
    };
    let (cut_backup, cut_export) = (cut(&backup)?, cut(&export)?);
    let foreign = out.path().join("letter.txt");
    std::fs::write(&foreign, "Dear Sir,\n".repeat(200))?;
    let before = rows(data.path())?;

    for (args, expected) in [
        (
            ["restore", text(&cut_backup)?].as_slice(),
            "is not a whole backup of Hearth",
        ),
        (
            &["backup", "--verify", text(&cut_backup)?],
            "is not a whole backup of Hearth",
        ),
        (&["restore", text(&foreign)?], "it is no archive"),
        (&["restore", text(&export)?], "it is no archive"),
        (&["import", text(&cut_export)?], "cut short"),
        (
            &["import", text(&foreign)?],
            "line 1: this is no export of Hearth",
        ),
        (&["import", text(&backup)?], "line 1: "),
        (
            &["backup", text(&backup)?],
            "is there already; name another file",
        ),
        (
            &["export", text(&export)?],
            "is there already; name another file",
        ),
        (&["restore", "/nowhere/a.tar"], "cannot read /nowhere/a.tar"),
    ] {
        let said = refused(data.path(), args)?;

        ensure!(said.contains(expected), "{args:?}: {said}");
    }
    ensure!(rows(data.path())? == before);
    ensure!(left_over(data.path())?.is_empty() && left_over(out.path())?.is_empty());
    Ok(())
}

#[test]
fn a_backup_onto_a_disk_that_is_full_or_read_only_leaves_nothing() -> anyhow::Result<()> {
    let Some(disk) = SmallDisk::mount(4)? else {
        skip::skip(
            "a_backup_onto_a_disk_that_is_full_or_read_only_leaves_nothing",
            "a small file system cannot be mounted here; it takes root",
        );
        return Ok(());
    };
    let data = grown_folder(60)?;
    let mut node = TestNode::start_in(data.path(), &Options::default())?;
    let target = disk.path().join("a.tar");
    let size = |args: &[&str]| -> anyhow::Result<u64> {
        let out = tempfile::tempdir()?;
        let file = out.path().join("whole");
        done(data.path(), &[args, &[text(&file)?]].concat())?;
        Ok(file.metadata()?.len())
    };
    ensure!(size(&["backup"])? > 4 << 20, "it would fit");

    let full = refused(data.path(), &["backup", text(&target)?])?;
    ensure!(
        full.contains("make room on that disk") && full.contains("the data is untouched"),
        "{full}"
    );
    let full = refused(data.path(), &["export", text(&target)?])?;
    ensure!(full.contains("make room on that disk"), "{full}");
    ensure!(std::fs::read_dir(disk.path())?.count() == 0);
    disk.make_read_only()?;
    let read_only = refused(data.path(), &["backup", text(&target)?])?;
    ensure!(
        read_only.contains("Read-only file system") && read_only.contains("the data is untouched"),
        "{read_only}"
    );

    let said = node.hearth(&["task", "add", "Goes on"])?;
    ensure!(said.status.success(), "the node was harmed");
    ensure!(node.stop()? == Some(0), "{}", node.log());
    Ok(())
}

#[test]
fn a_restore_onto_a_full_disk_changes_nothing_and_works_when_there_is_room() -> anyhow::Result<()> {
    let Some(disk) = SmallDisk::mount(16)? else {
        skip::skip(
            "a_restore_onto_a_full_disk_changes_nothing_and_works_when_there_is_room",
            "a small file system cannot be mounted here; it takes root",
        );
        return Ok(());
    };
    let (out, less) = (tempfile::tempdir()?, grown_folder(1)?);
    let more = copy_of(less.path())?;
    grow(&more.path().join("hearth.db"), 20)?;
    let (backup, export) = (out.path().join("a.tar"), out.path().join("a.jsonl"));
    done(more.path(), &["backup", text(&backup)?])?;
    done(more.path(), &["export", text(&export)?])?;
    let target = disk.path().join("data");
    copy_folder(less.path(), &target)?;
    let count = |data: &Path| count_tasks(&data.join("hearth.db"));
    let before = count(&target)?;
    let filler = disk.fill()?;

    for args in [["restore", text(&backup)?], ["import", text(&export)?]] {
        let said = refused(&target, &args)?;
        ensure!(said.contains("make room on"), "{said}");
        ensure!(left_over(&target)?.is_empty());
        check_sound(&target.join("hearth.db"))?;
        ensure!(count(&target)? == before);
    }

    std::fs::remove_file(filler)?;
    done(&target, &["restore", text(&backup)?])?;
    ensure!(count(&target)? == count(more.path())?);
    check_contents(&target)?;
    Ok(())
}

#[test]
fn artifacts_that_cannot_be_read_end_a_backup_and_are_named_by_the_doctor() -> anyhow::Result<()> {
    let data = grown_folder(1)?;
    let out = tempfile::tempdir()?;
    let target = out.path().join("a.tar");
    let content = contents_of(data.path())?.remove(0);
    let bytes = std::fs::read(&content)?;

    for damage in ["missing", "unreadable", "changed"] {
        std::fs::remove_file(&content)?;
        match damage {
            "missing" => (),
            // Stands for a disk that fails: the system refuses to open it.
            "unreadable" => std::os::unix::fs::symlink(&content, &content)?,
            _ => std::fs::write(&content, vec![0; bytes.len()])?,
        }

        let said = refused(data.path(), &["backup", text(&target)?])?;

        ensure!(
            said.contains(text(&content)?) && said.contains("the data is untouched"),
            "{said}"
        );
        ensure!(std::fs::read_dir(out.path())?.count() == 0);
        let doctor = hearth(data.path(), &["doctor", "--deep"])?.output()?;
        let doctor_said = String::from_utf8(doctor.stdout)?;
        let line = doctor_said
            .lines()
            .find(|line| line.contains(" artifacts "))
            .unwrap_or_default();
        ensure!(doctor.status.code() == Some(1));
        ensure!(
            line.starts_with("fault") && line.contains(text(&content)?),
            "{doctor_said}"
        );
        let _ = std::fs::remove_file(&content);
        std::fs::write(&content, &bytes)?;
    }
    done(data.path(), &["backup", text(&target)?])?;
    Ok(())
}

#[test]
fn the_doctor_looks_at_a_running_node_and_at_settings_that_are_wrong() -> anyhow::Result<()> {
    let node = TestNode::start(&Options::default())?;
    let look = || -> anyhow::Result<BTreeMap<String, Value>> {
        let output = node.hearth(&["--json", "doctor"])?;
        let object: Value = serde_json::from_slice(&output.stdout)?;
        let checks = object["checks"].as_array().cloned().unwrap_or_default();
        let has_fault = checks.iter().any(|check| check["state"] == "fault");
        ensure!(
            output.status.code() == Some(i32::from(has_fault)),
            "{object}"
        );
        let name = |check: &Value| check["name"].as_str().unwrap_or_default().to_owned();
        Ok(checks
            .into_iter()
            .map(|check| (name(&check), check))
            .collect())
    };

    let checks = look()?;
    for name in [
        "settings",
        "data",
        "lock",
        "database",
        "artifacts",
        "owner.key",
        "sandbox",
        "clock",
        "inbox",
        "leftovers",
    ] {
        ensure!(checks.contains_key(name), "{checks:?}");
    }
    for name in [
        "settings",
        "lock",
        "database",
        "artifacts",
        "owner.key",
        "clock",
    ] {
        ensure!(checks[name]["state"] == "ok", "{}", checks[name]);
    }
    let lock = checks["lock"]["found"].as_str().unwrap_or_default();
    ensure!(lock.contains(node.base_url()), "{lock}");

    std::fs::write(node.data_dir().join("hearth.toml"), "lisen = \"x\"\n")?;
    let checks = look()?;
    let found = checks["settings"]["found"].as_str().unwrap_or_default();
    ensure!(checks["settings"]["state"] == "fault");
    ensure!(found.contains("did you mean listen?"), "{found}");
    ensure!(checks["lock"]["state"] == "ok", "the folder was not found");
    Ok(())
}

/// Kills a command at moments that only look random, each time on a folder as `fresh` makes it;
/// `check` looks at what is left, and says whether it is the new state.
fn kill_often(
    seed: u64,
    args: &[&str],
    fresh: impl Fn() -> anyhow::Result<tempfile::TempDir>,
    check: impl Fn(&Path) -> anyhow::Result<bool>,
) -> anyhow::Result<()> {
    let rounds = if skip::is_long() { ROUNDS_LONG } else { ROUNDS };
    let whole = fresh()?;
    let (takes, _) = run_whole(hearth(whole.path(), args)?)?;
    ensure!(check(whole.path())?, "a whole run leaves the old state");
    let mut random = Random(seed);
    let mut new = 0;
    for round in 0..rounds {
        let data = fresh()?;
        // Somewhat beyond the end, because no two runs take equally long.
        let rest = random.part_of(takes * 5 / 4);
        run_and_kill(hearth(data.path(), args)?, rest)?;
        let context = || format!("round {round}, killed after {rest:?}");
        new += usize::from(check(data.path()).with_context(context)?);
        // It can be done again, and leaves nothing behind.
        run_whole(hearth(data.path(), args)?).with_context(context)?;
        ensure!(check(data.path())?, "{}", context());
        ensure!(left_over(data.path())?.is_empty(), "{}", context());
    }
    eprintln!(
        "{}: {rounds} kills within {takes:?}, {new} times the new state",
        args[0]
    );
    Ok(())
}

#[test]
fn a_restore_killed_at_any_moment_leaves_the_old_or_the_new_database_whole() -> anyhow::Result<()> {
    let (before, after, out) = (grown_folder(40)?, grown_folder(80)?, tempfile::tempdir()?);
    let backup = out.path().join("a.tar");
    done(after.path(), &["backup", text(&backup)?])?;
    let count = |data: &Path| count_tasks(&data.join("hearth.db"));
    let (old, new) = (count(before.path())?, count(after.path())?);

    kill_often(
        0x2E57,
        &["restore", text(&backup)?],
        || copy_of(before.path()),
        |data| {
            check_sound(&data.join("hearth.db"))?;
            check_contents(data)?;
            let found = count(data)?;
            ensure!(found == old || found == new, "{found} tasks");
            if found == new {
                let kept = kept_databases(data)?;
                let has_old = kept.iter().any(|kept| count_tasks(kept).ok() == Some(old));
                ensure!(has_old, "the old database is gone: {kept:?}");
            }
            Ok(found == new)
        },
    )
}

#[test]
fn an_import_killed_at_any_moment_takes_in_all_or_nothing() -> anyhow::Result<()> {
    let (before, after, out) = (
        grown_folder(10)?,
        tempfile::tempdir()?,
        tempfile::tempdir()?,
    );
    let export = out.path().join("a.jsonl");
    // The same life, and more of it.
    let database = after.path().join("hearth.db");
    std::fs::copy(before.path().join("hearth.db"), &database)?;
    copy_folder(
        &before.path().join("artifacts"),
        &after.path().join("artifacts"),
    )?;
    grow(&database, 3)?;
    done(after.path(), &["export", text(&export)?])?;
    let count = |data: &Path| count_tasks(&data.join("hearth.db"));
    let (old, new) = (count(before.path())?, count(after.path())?);

    kill_often(
        0x1390,
        &["import", text(&export)?],
        || copy_of(before.path()),
        |data| {
            check_sound(&data.join("hearth.db"))?;
            check_contents(data)?;
            let found = count(data)?;
            ensure!(found == old || found == new, "{found} tasks");
            Ok(found == new)
        },
    )
}
