//! Settings that change while the node runs.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use hearth_tests::node::{Options, TestNode, command};
use serde_json::{Value, json};

/// How long a busy machine may take.
const LIMIT: Duration = Duration::from_mins(1);

fn file(node: &TestNode) -> PathBuf {
    node.data_dir().join("hearth.toml")
}

/// Puts a file with this text in the place of the settings file, as editors do.
fn replace(node: &TestNode, text: &str) -> anyhow::Result<()> {
    let draft = node.data_dir().join("hearth.toml.draft");
    std::fs::write(&draft, text)?;
    Ok(std::fs::rename(draft, file(node))?)
}

async fn until_logged(node: &TestNode, what: &str) -> anyhow::Result<()> {
    let deadline = Instant::now() + LIMIT;
    while !node.log().contains(what) {
        ensure!(Instant::now() < deadline, "{what} is not in {}", node.log());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

fn set(node: &TestNode, key: &str, value: &str) -> anyhow::Result<String> {
    let output = node.hearth(&["config", "set", key, value])?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{said}");
    Ok(String::from_utf8(output.stdout)?)
}

#[tokio::test]
async fn limits_zone_and_level_change_while_the_node_runs() -> anyhow::Result<()> {
    let node = TestNode::start(&Options::default())?;
    let api = node.api()?;
    let upload = json!({"type": "note", "content": "x".repeat(2000)});
    ensure!(api.send("POST", "/artifacts", Some(&upload)).await?.status == 201);

    let said = set(&node, "artifacts.max_bytes", "1000")?;
    ensure!(
        said.ends_with("(the running node takes it at once)\n"),
        "{said}"
    );
    until_logged(&node, "artifacts.max_bytes is now 1000").await?;
    let refused = api.send("POST", "/artifacts", Some(&upload)).await?;
    ensure!(refused.body["code"] == "too_large", "{refused:?}");

    set(&node, "http.max_body_bytes", "1024")?;
    until_logged(&node, "http.max_body_bytes is now 1024").await?;
    let large = json!({"title": "x".repeat(1024)});
    let refused = api.send("POST", "/tasks", Some(&large)).await?;
    ensure!(refused.status == 413, "{refused:?}");

    // Where the sun rises first, the same evening is another moment.
    let evening = json!({"text": "Call Ann due 2030-01-01 18:00"});
    let due = |task: Value| task["task"]["due_at"].as_str().map(str::to_owned);
    set(&node, "time_zone", "America/New_York")?;
    until_logged(&node, "time_zone is now America/New_York").await?;
    let west = due(api.post("/tasks/quick-add", evening.clone()).await?);
    replace(&node, "time_zone = \"Asia/Tokyo\"\n")?;
    until_logged(&node, "time_zone is now Asia/Tokyo").await?;
    let east = due(api.post("/tasks/quick-add", evening).await?);
    ensure!(
        west.as_deref() == Some("2030-01-01T23:00:00.000Z"),
        "{west:?}"
    );
    ensure!(
        east.as_deref() == Some("2030-01-01T09:00:00.000Z"),
        "{east:?}"
    );
    // The line for the limit is gone, and with it the limit.
    until_logged(&node, "artifacts.max_bytes is now 104857600").await?;

    set(&node, "log.level", "error")?;
    until_logged(&node, "log.level is now error").await?;
    let before = node.log();
    set(&node, "artifacts.max_bytes", "1000")?;
    let deadline = Instant::now() + LIMIT;
    while api.send("POST", "/artifacts", Some(&upload)).await?.status == 201 {
        ensure!(Instant::now() < deadline, "the limit did not change");
    }
    ensure!(node.log() == before, "it logs what is no error");
    set(&node, "log.level", "info")?;
    until_logged(&node, "log.level is now info").await
}

#[test]
fn a_setting_written_beside_a_wrong_one_is_not_said_to_count() -> anyhow::Result<()> {
    let node = TestNode::start(&Options::default())?;
    replace(&node, "listen = 3\n")?;

    let output = node.hearth(&["config", "set", "log.level", "debug"])?;

    let said = String::from_utf8(output.stdout)?;
    ensure!(
        said.ends_with("(once the rest of the settings is right)\n"),
        "{said}"
    );
    let noted = String::from_utf8(output.stderr)?;
    ensure!(
        noted.starts_with("something else is wrong: listen in "),
        "{noted}"
    );
    Ok(())
}

#[test]
fn a_node_whose_data_folder_is_changed_is_still_known_to_run() -> anyhow::Result<()> {
    let node = TestNode::start(&Options::default())?;
    let elsewhere = tempfile::tempdir()?;
    let path = elsewhere.path().to_str().context("a path")?;
    let folder = node.data_dir().to_str().context("a path")?;
    std::fs::write(file(&node), format!("data_dir = \"{folder}\"\n"))?;

    // As it is for most: the file says where the data is, and no variable.
    let output = command(node.data_dir())?
        .env_remove("HEARTH_DATA_DIR")
        .args(["config", "set", "data_dir", path])
        .output()?;

    let said = String::from_utf8(output.stdout)?;
    ensure!(
        said.ends_with("(takes effect when the node is started again)\n"),
        "{said}"
    );
    let noted = String::from_utf8(output.stderr)?;
    ensure!(noted.contains(&format!("--data-dir {folder}")), "{noted}");
    Ok(())
}

#[tokio::test]
async fn what_needs_a_restart_says_so_and_variables_go_over_the_file() -> anyhow::Result<()> {
    let options = Options {
        env: vec![("HEARTH_ARTIFACTS_MAX_BYTES".into(), "3000".into())],
        ..Options::default()
    };
    let mut node = TestNode::start(&options)?;
    let api = node.api()?;

    let said = set(&node, "http.max_connections", "50")?;
    ensure!(
        said.ends_with("(takes effect when the node is started again)\n"),
        "{said}"
    );
    until_logged(&node, "http.max_connections: 50 takes effect").await?;
    set(&node, "artifacts.max_bytes", "1000")?;
    set(&node, "log.level", "debug")?;
    until_logged(&node, "log.level is now debug").await?;
    let upload = json!({"type": "note", "content": "x".repeat(2000)});
    ensure!(api.send("POST", "/artifacts", Some(&upload)).await?.status == 201);

    let shown = node.hearth(&["--json", "config", "show"])?;
    let shown: Value = serde_json::from_slice(&shown.stdout)?;
    let counts = |key: &str| shown["settings"][key]["applies_at_once"].clone();
    ensure!(counts("log.level") == true && counts("listen") == false);
    let waits = |key: &str| shown["settings"][key]["waits_for_restart"].clone();
    ensure!(waits("http.max_connections") == true && waits("log.level") == false);
    let waiting = json!([{"setting": "http.max_connections", "running": 1024, "at_restart": 50}]);
    ensure!(shown["restart_for"] == waiting, "{shown}");
    for command in [["status"].as_slice(), &["config", "show"]] {
        let output = node.hearth(command)?;
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8(said)?;
        let expected = "http.max_connections (50 in place of 1024); do this: stop the node and start \
                        it again: hearth up";
        ensure!(said.contains(expected), "{said}");
    }

    // What is taken back waits no more.
    set(&node, "http.max_connections", "1024")?;
    let is_done = |status: &Value| status["restart_for"] == json!([]);
    api.wait_for("/status", LIMIT, is_done).await?;

    ensure!(node.stop()? == Some(0), "{}", node.log());
    let said = set(&node, "log.level", "info")?;
    ensure!(said.ends_with("(for the next start)\n"), "{said}");
    Ok(())
}

#[tokio::test]
async fn a_bad_file_leaves_the_settings_as_they_were() -> anyhow::Result<()> {
    let node = TestNode::start(&Options::default())?;
    let api = node.api()?;
    set(&node, "artifacts.max_bytes", "1000")?;
    until_logged(&node, "artifacts.max_bytes is now 1000").await?;

    for _ in 0..2 {
        let text = "[artifacts]\nmax_bytes = 5000\n[log]\nlevel = \"loud\"\n";
        replace(&node, text)?;
        api.wait_for("/status", LIMIT, |status| {
            status["facilities"]["settings"]["is_available"] == false
        })
        .await?;
    }
    let upload = json!({"type": "note", "content": "x".repeat(2000)});
    let refused = api.send("POST", "/artifacts", Some(&upload)).await?;
    ensure!(refused.body["code"] == "too_large", "{refused:?}");
    let warnings = node.log().matches("the settings stay as they were").count();
    ensure!(warnings == 1, "{}", node.log());
    let output = node.hearth(&["status"])?;
    let shown = String::from_utf8(output.stdout)?;
    let line = shown.lines().find(|line| line.starts_with("settings"));
    let line = line.unwrap_or_default();
    let mends = format!(
        "do this: hearth --config {} config set log.level info",
        file(&node).display()
    );
    for part in ["not ok: ", "line 4", "must be one of", &mends] {
        ensure!(line.contains(part), "{shown}");
    }

    // What it says mends it.
    set(&node, "log.level", "info")?;
    until_logged(&node, "artifacts.max_bytes is now 5000").await?;
    let status = api.get("/status").await?;
    ensure!(status["facilities"]["settings"]["is_available"] == true);
    Ok(())
}

#[tokio::test]
async fn whatever_takes_the_place_of_the_file_is_told_and_changes_nothing() -> anyhow::Result<()> {
    let node = TestNode::start(&Options::default())?;
    let api = node.api()?;
    set(&node, "artifacts.max_bytes", "1000")?;
    until_logged(&node, "artifacts.max_bytes is now 1000").await?;
    let path = file(&node);
    let good = std::fs::read(&path)?;
    let upload = json!({"type": "note", "content": "x".repeat(2000)});

    for (what, said) in [
        ("nothing", "there is no settings file"),
        ("a folder", "it is not a file"),
        ("a pipe", "it is not a file"),
        ("noise", "it is not UTF-8 text"),
        ("no toml", "is not valid TOML, line 1"),
        ("another name", "did you mean artifacts.max_bytes?"),
    ] {
        std::fs::remove_file(&path)?;
        match what {
            "a folder" => std::fs::create_dir(&path)?,
            "a pipe" => nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU)?,
            "noise" => std::fs::write(&path, b"\xff\x00\xfe")?,
            "no toml" => std::fs::write(&path, "max bytes: 5000\n")?,
            "another name" => std::fs::write(&path, "[artifacts]\nmax_byte = 5000\n")?,
            _ => (),
        }
        let is_told = |status: &Value| {
            let settings = &status["facilities"]["settings"];
            settings["reason"].as_str().is_some_and(|reason| {
                settings["is_available"] == false && reason.contains(said) && !reason.contains('\n')
            })
        };
        api.wait_for("/status", LIMIT, is_told).await?;
        let refused = api.send("POST", "/artifacts", Some(&upload)).await?;
        ensure!(refused.body["code"] == "too_large", "{what}: {refused:?}");

        if path.is_dir() {
            std::fs::remove_dir(&path)?;
        }
        replace(&node, std::str::from_utf8(&good)?)?;
        let is_well = |status: &Value| status["facilities"]["settings"]["is_available"] == true;
        api.wait_for("/status", LIMIT, is_well).await?;
    }
    Ok(())
}
