//! Old databases: every one that a release left is brought up by the program of today and has all
//! that it had, and a migration that is killed leaves the old or the new one whole.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use hearth_store::migrate::schema_version;
use hearth_tests::database::{all_rows, check_sound, count_tasks, grow};
use hearth_tests::killed::{Random, run_and_kill, run_whole};
use hearth_tests::node::{Options, TestNode, command};
use hearth_tests::skip;
use serde_json::Value;

const ROUNDS: usize = 30;
const ROUNDS_LONG: usize = 150;
/// Copies of the kept tasks and events: enough for a migration to take some tenths of a second.
const COPIES: u32 = 1200;

#[test]
fn every_kept_database_is_brought_up_with_all_it_had() -> anyhow::Result<()> {
    let kept = kept_databases()?;
    ensure!(!kept.is_empty(), "there is no kept database");
    for (schema, file) in kept {
        bring_up(schema, &file).with_context(|| file.display().to_string())?;
    }
    Ok(())
}

fn bring_up(schema: i64, file: &Path) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let database = folder.path().join("hearth.db");
    std::fs::copy(file, &database)?;
    let before = all_rows(&database, &BTreeMap::new())?;

    let said = hearth(folder.path(), &["--json", "migrate"])?;

    let said: Value = serde_json::from_str(&said)?;
    ensure!(
        said["from"] == schema && said["to"] == schema_version(),
        "{said}"
    );
    ensure!(check_sound(&database)? == schema_version());
    let columns = before
        .iter()
        .map(|(table, rows)| (table.clone(), rows.columns.clone()))
        .collect();
    let after = all_rows(&database, &columns)?;
    for (table, rows) in &before {
        let found = after.get(table);
        ensure!(found == Some(rows), "{table}: {found:?}\nbefore: {rows:?}");
    }
    if let Some(old) = said["kept"].as_str() {
        let old = all_rows(Path::new(old), &BTreeMap::new())?;
        ensure!(old == before, "the old database is not as it was");
    }
    let again = hearth(folder.path(), &["migrate"])?;
    ensure!(
        again.trim() == format!("already at schema {}", schema_version()),
        "{again}"
    );

    // The program works with it, and goes on where it left off.
    let mut node = TestNode::start_in(folder.path(), &Options::default())?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let tasks = runtime.block_on(async {
        let api = node.api()?;
        api.post("/tasks", serde_json::json!({"title": "Goes on"}))
            .await?;
        api.all("/tasks").await
    })?;
    ensure!(tasks.len() == before["tasks"].values.len() + 1);
    ensure!(node.stop()? == Some(0), "{}", node.log());
    Ok(())
}

#[test]
fn a_migration_killed_at_any_moment_leaves_the_old_or_the_new_database_whole() -> anyhow::Result<()>
{
    let rounds = if skip::is_long() { ROUNDS_LONG } else { ROUNDS };
    let (schema, file) = kept_databases()?
        .into_iter()
        .next()
        .context("there is no kept database")?;
    ensure!(schema < schema_version(), "there is nothing to migrate");
    let folder = tempfile::tempdir()?;
    let large = folder.path().join("large.db");
    std::fs::copy(file, &large)?;
    grow(&large, COPIES)?;
    let tasks = count_tasks(&large)?;
    let fresh = || -> anyhow::Result<tempfile::TempDir> {
        let data = tempfile::tempdir()?;
        std::fs::copy(&large, data.path().join("hearth.db"))?;
        Ok(data)
    };
    let whole = fresh()?;
    let (takes, _) = run_whole(migrate(whole.path())?)?;

    let mut random = Random(0xCA7E);
    let mut old = 0;
    for round in 0..rounds {
        let data = fresh()?;
        // Somewhat beyond the end, because no two runs take equally long.
        let rest = random.part_of(takes * 5 / 4);
        run_and_kill(migrate(data.path())?, rest)?;

        let found = check(data.path(), schema, tasks)
            .with_context(|| format!("round {round}, killed after {rest:?}"))?;
        old += usize::from(found == schema);
    }

    eprintln!(
        "{rounds} kills within {takes:?}, {tasks} tasks: {old} times the old database, {} times the new one",
        rounds - old
    );
    Ok(())
}

/// Looks at what a killed migration left, and has it done again. Returns the schema that was there.
fn check(data: &Path, schema: i64, tasks: i64) -> anyhow::Result<i64> {
    let database = data.join("hearth.db");
    let found = check_sound(&database)?;
    ensure!(found == schema || found == schema_version());
    ensure!(count_tasks(&database)? == tasks);
    let doctor = command(data)?.args(["--json", "doctor"]).output()?;
    let doctor: Value = serde_json::from_slice(&doctor.stdout)?;
    let told = doctor["checks"]
        .as_array()
        .and_then(|checks| checks.iter().find(|check| check["name"] == "database"))
        .and_then(|check| check["found"].as_str())
        .unwrap_or_default();
    ensure!(
        told.starts_with(&format!("schema {found}, {tasks} tasks")),
        "the doctor says {told:?}"
    );

    let said = hearth(data, &["--json", "migrate"])?;

    let said: Value = serde_json::from_str(&said)?;
    ensure!(said["from"] == found, "it was schema {found}: {said}");
    ensure!(check_sound(&database)? == schema_version());
    ensure!(count_tasks(&database)? == tasks);
    ensure!(!data.join("hearth.db.new").exists(), "a build was left");
    Ok(found)
}

fn migrate(data: &Path) -> anyhow::Result<std::process::Command> {
    let mut command = command(data)?;
    command.arg("migrate");
    Ok(command)
}

fn hearth(data: &Path, args: &[&str]) -> anyhow::Result<String> {
    let mut command = command(data)?;
    command.args(args);
    Ok(String::from_utf8(run_whole(command)?.1.stdout)?)
}

/// The kept databases with their schemas, oldest first.
fn kept_databases() -> anyhow::Result<Vec<(i64, PathBuf)>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("compat");
    let mut kept = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let schema = path
            .file_name()
            .and_then(|name| name.to_str())
            .and_then(|name| name.strip_prefix("schema-")?.strip_suffix(".db"))
            .and_then(|schema| schema.parse().ok());
        if let Some(schema) = schema {
            kept.push((schema, path));
        }
    }
    kept.sort();
    Ok(kept)
}
