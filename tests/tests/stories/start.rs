//! Starting and stopping: what a person sees when something is in the way.

use std::process::Stdio;
use std::time::Duration;

use anyhow::ensure;
use hearth_tests::node::{Options, TestNode, command};
use rusqlite::Connection;

#[test]
fn a_node_asked_to_stop_ends_well_and_leaves_one_whole_file() -> anyhow::Result<()> {
    let mut node = TestNode::start(&Options {
        agents: true,
        ..Options::default()
    })?;

    ensure!(node.stop()? == Some(0), "{}", node.log());

    let wal = std::fs::metadata(node.data_dir().join("hearth.db-wal"));
    ensure!(
        wal.map_or(0, |wal| wal.len()) == 0,
        "the WAL was not folded in"
    );
    Ok(())
}

#[test]
fn a_second_node_on_the_same_folder_says_who_holds_it() -> anyhow::Result<()> {
    let node = TestNode::start(&Options::default())?;

    let output = command(node.data_dir())?
        .args(["up", "--listen", "127.0.0.1:0"])
        .output()?;

    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(
        output.status.code() == Some(1),
        "exit {:?}",
        output.status.code()
    );
    ensure!(
        said.contains(&node.pid().to_string()) && said.contains(node.base_url()),
        "{said}"
    );
    ensure!(output.stdout.is_empty(), "it said that it was ready");
    Ok(())
}

#[test]
fn a_file_that_is_no_database_stops_the_node_and_is_left_alone() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let database = folder.path().join("hearth.db");
    std::fs::write(&database, "years of work, in another format")?;

    let output = command(folder.path())?
        .args(["up", "--listen", "127.0.0.1:0"])
        .output()?;

    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(
        output.status.code() == Some(1),
        "exit {:?}",
        output.status.code()
    );
    ensure!(
        said.contains("hearth.db") && said.contains("left as it is"),
        "{said}"
    );
    ensure!(std::fs::read_to_string(&database)? == "years of work, in another format");
    Ok(())
}

#[test]
fn a_database_of_a_newer_release_stops_the_node_and_is_left_alone() -> anyhow::Result<()> {
    let mut node = TestNode::start(&Options::default())?;
    node.stop()?;
    let database = node.data_dir().join("hearth.db");
    Connection::open(&database)?.pragma_update(None, "user_version", 1000)?;
    let before = std::fs::read(&database)?;

    let output = command(node.data_dir())?
        .args(["up", "--listen", "127.0.0.1:0"])
        .output()?;

    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(
        output.status.code() == Some(1),
        "exit {:?}",
        output.status.code()
    );
    ensure!(said.contains("schema 1000"), "{said}");
    ensure!(
        std::fs::read(&database)? == before,
        "the database was touched"
    );
    Ok(())
}

#[test]
fn a_taken_port_is_one_clear_line() -> anyhow::Result<()> {
    let taken = std::net::TcpListener::bind("127.0.0.1:0")?;
    let address = taken.local_addr()?.to_string();
    let folder = tempfile::tempdir()?;

    let output = command(folder.path())?
        .args(["up", "--listen", &address])
        .output()?;

    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(
        output.status.code() == Some(1),
        "exit {:?}",
        output.status.code()
    );
    ensure!(said.contains(&address), "{said}");
    Ok(())
}

#[test]
fn keys_are_made_and_revoked_with_and_without_a_running_node() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let output = command(folder.path())?
        .args(["keys", "create", "--name", "laptop", "--role", "viewer"])
        .stdin(Stdio::null())
        .output()?;
    ensure!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let made_offline = String::from_utf8(output.stdout)?.trim().to_owned();

    let node = TestNode::start_in(folder.path(), &Options::default())?;
    let output = node.hearth(&[
        "keys", "create", "--name", "robot", "--role", "agent", "--agent", "robot",
    ])?;
    ensure!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let made_online = String::from_utf8(output.stdout)?.trim().to_owned();

    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let owner = node.api()?;
        for (key, role) in [(&made_offline, "viewer"), (&made_online, "agent")] {
            let me = owner.with_key(key).get("/me").await?;
            ensure!(me["role"] == role, "{me}");
        }
        let keys = owner.all("/keys").await?;
        let robot = keys
            .iter()
            .find(|key| key["name"] == "robot")
            .cloned()
            .unwrap_or_default();
        let id = robot["id"].as_str().unwrap_or_default();
        ensure!(node.hearth(&["keys", "revoke", id])?.status.success());
        let refused = owner
            .with_key(&made_online)
            .send("GET", "/me", None)
            .await?;
        ensure!(refused.status == 401, "a revoked key was taken");
        anyhow::Ok(())
    })
}

#[test]
fn a_command_without_a_node_says_how_to_start_one() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;

    let output = command(folder.path())?.args(["task", "list"]).output()?;

    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(
        output.status.code() == Some(1),
        "exit {:?}",
        output.status.code()
    );
    ensure!(
        said.lines().count() == 1 && said.contains("hearth up"),
        "{said}"
    );
    Ok(())
}

#[tokio::test]
async fn an_agent_not_heard_from_is_offline_until_it_is() -> anyhow::Result<()> {
    let env = vec![(
        "HEARTH_AGENTS_OFFLINE_AFTER_SECONDS".to_owned(),
        "1".to_owned(),
    )];
    let node = TestNode::start(&Options {
        env,
        ..Options::default()
    })?;
    let api = node.api()?;
    api.post(
        "/agents/register",
        serde_json::json!({"name": "robot", "type": "worker"}),
    )
    .await?;

    let limit = Duration::from_secs(20);
    api.wait_for("/agents/robot", limit, |agent| agent["status"] == "offline")
        .await?;
    api.post(
        "/agents/robot/heartbeat",
        serde_json::json!({"status": "idle"}),
    )
    .await?;

    let events = api.all("/events?type=agent.*").await?;
    let types: Vec<&str> = events
        .iter()
        .filter(|event| event["payload"]["name"] == "robot")
        .filter_map(|event| event["type"].as_str())
        .collect();
    ensure!(
        types.starts_with(&["agent.registered", "agent.offline", "agent.online"]),
        "{types:?}"
    );
    Ok(())
}
