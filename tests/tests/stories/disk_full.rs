//! A full disk: writes are refused, reads go on, and the node recovers when there is room.

use anyhow::{Context, ensure};
use hearth_tests::node::{Options, TestNode};
use hearth_tests::skip;
use hearth_tests::small_disk::SmallDisk;
use serde_json::json;

#[tokio::test]
async fn on_a_full_disk_writes_are_refused_reads_go_on_and_room_heals() -> anyhow::Result<()> {
    let Some(disk) = SmallDisk::mount(6)? else {
        skip::skip(
            "on_a_full_disk_writes_are_refused_reads_go_on_and_room_heals",
            "a small file system cannot be mounted here; it takes root",
        );
        return Ok(());
    };
    let node = TestNode::start_in(disk.path(), &Options::default())?;
    let api = node.api()?;
    api.post("/tasks", json!({"title": "Before"})).await?;
    let filler = disk.fill()?;

    let mut refused = None;
    for number in 0..2000 {
        let body = json!({"title": format!("Task {number}"), "description": "x".repeat(20_000)});
        let answer = api.send("POST", "/tasks", Some(&body)).await?;
        if answer.status != 201 {
            refused = Some(answer);
            break;
        }
    }

    let refused = refused.context("the disk never was full")?;
    ensure!(
        refused.status == 507 && refused.body["code"] == "no_room",
        "{refused:?}"
    );
    let upload = json!({"type": "note", "content": "x".repeat(500_000)});
    let upload = api.send("POST", "/artifacts", Some(&upload)).await?;
    ensure!(upload.status == 507, "{upload:?}");
    ensure!(
        api.get("/tasks/1").await?["title"] == "Before",
        "reads ended"
    );
    std::fs::remove_file(&filler)?;
    ensure!(
        api.send("POST", "/tasks", Some(&json!({"title": "After"})))
            .await?
            .status
            == 201,
        "it did not heal"
    );
    let events = api.all("/events").await?;
    let numbers: Vec<i64> = events
        .iter()
        .filter_map(|event| event["seq"].as_i64())
        .collect();
    ensure!(
        (1..).zip(&numbers).all(|(expected, seq)| expected == *seq),
        "the sequence has holes"
    );
    Ok(())
}
