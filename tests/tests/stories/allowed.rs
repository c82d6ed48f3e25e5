//! What the owner allows, from the command line: folders and standing permissions, and what there is
//! to say of approvals and runs where none were made.

use anyhow::{Context, ensure};
use hearth_tests::node::{Options, TestNode};
use serde_json::Value;

#[test]
fn folders_and_permissions_are_given_and_taken_back_from_the_command_line() -> anyhow::Result<()> {
    let node = TestNode::start(&Options::default())?;
    let home = tempfile::tempdir()?;
    let notes = home.path().join("My Notes");
    std::fs::create_dir(&notes)?;
    let path = notes.to_str().context("a path")?;

    let opened = node.done(&["folder", "grant", path, "--write"])?;
    ensure!(
        opened.starts_with("folder my-notes is open for reading and writing: "),
        "{opened}"
    );
    let refused = node.hearth(&["folder", "grant", "/etc"])?;
    let said = String::from_utf8(refused.stderr)?;
    ensure!(refused.status.code() == Some(1), "{said}");
    ensure!(said.contains("path is a folder of the system"), "{said}");
    let listed: Value = serde_json::from_str(&node.done(&["--json", "folder", "list"])?)?;
    ensure!(listed["items"][0]["name"] == "my-notes", "{listed}");
    node.done(&["folder", "revoke", "my-notes"])?;
    ensure!(
        node.done(&["folder", "list"])?
            .starts_with("no folder is open")
    );
    ensure!(node.done(&["folder", "list", "--all"])?.contains("closed "));

    let shape = r#"{"url": {"starts_with": "https://example.org/"}}"#;
    node.done(&["project", "add", "web"])?;
    let allow = [
        "approvals",
        "allow",
        "http_get",
        "--shape",
        shape,
        "--project",
        "web",
    ];
    let given = node.done(&allow)?;
    ensure!(given.starts_with("permission 1: http_get {"), "{given}");
    ensure!(node.done(&["approvals", "permissions"])?.contains("valid"));
    node.done(&["approvals", "revoke", "1"])?;
    let none = node.done(&["approvals", "permissions"])?;
    ensure!(none == "nothing is allowed without asking", "{none}");
    ensure!(
        node.done(&["approvals", "permissions", "--all"])?
            .contains("revoked ")
    );
    Ok(())
}

#[test]
fn a_node_without_runs_says_so_and_names_what_is_not_there() -> anyhow::Result<()> {
    let node = TestNode::start(&Options::default())?;
    node.done(&["task", "add", "Paint the fence"])?;

    let nothing = node.done(&["approvals"])?;

    ensure!(nothing == "nothing waits for your approval", "{nothing}");
    ensure!(node.done(&["run", "list", "--task", "1"])?.is_empty());
    let status = node.done(&["status"])?;
    ensure!(
        status.contains("0 failed, 0 running, 0 waiting"),
        "{status}"
    );
    for (args, said) in [
        (&["run", "show", "7"][..], "run 7 not found"),
        (&["run", "follow", "7"], "run 7 not found"),
        (&["run", "retry", "7", "--from", "page"], "run 7 not found"),
        (&["run", "cancel", "7"], "run 7 not found"),
        (&["run", "list", "--task", "7"], "7 is not a task"),
        (&["approvals", "show", "7"], "approval 7 not found"),
        (&["approvals", "approve", "7"], "approval 7 not found"),
        (&["approvals", "deny", "7"], "approval 7 not found"),
        (&["approvals", "revoke", "7"], "permission 7 not found"),
        (&["folder", "revoke", "notes"], "folder notes not found"),
    ] {
        let output = node.hearth(args)?;
        let told = String::from_utf8(output.stderr)?;
        ensure!(output.status.code() == Some(1), "{args:?}: {told}");
        ensure!(told.contains(said), "{args:?}: {told}");
    }
    for args in [
        &["run", "show", "seven"][..],
        &["run", "list", "--status", "paused"],
        &["approvals", "allow", "http_get"],
        &["approvals", "allow", "http_get", "--shape", "[]"],
    ] {
        ensure!(node.hearth(args)?.status.code() == Some(2), "{args:?}");
    }
    Ok(())
}
