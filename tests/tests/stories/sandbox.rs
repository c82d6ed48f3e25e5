//! The sandbox as its owner meets it: looked at wall by wall, and from inside.

use std::io::Write;
use std::path::Path;
use std::process::{Output, Stdio};

use anyhow::{Context, ensure};
use hearth_sandbox::{Config, Job, Program, Sandbox, Stage, Wall, Walls, Workspace};
use hearth_tests::node::{command, program};
use hearth_tests::skip;
use serde_json::{Value, json};

/// Runs a command of the program with something on its standard input.
fn run(data: &Path, args: &[&str], stdin: &[u8]) -> anyhow::Result<Output> {
    let mut child = command(data)?
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    child
        .stdin
        .take()
        .context("no standard input")?
        .write_all(stdin)?;
    Ok(child.wait_with_output()?)
}

/// Whether the sandbox works here at all; where it does not, says so and skips the test.
fn works(test: &str, data: &Path) -> anyhow::Result<bool> {
    let output = run(data, &["sandbox", "check", "--json"], b"")?;
    let checked: Value = serde_json::from_slice(&output.stdout)?;
    let holds = checked["holds"] == true;
    ensure!(output.status.code() == Some(i32::from(!holds)), "{checked}");
    if !holds {
        skip::skip(test, &checked["reason"].to_string());
    }
    Ok(holds)
}

#[test]
fn every_wall_is_named_with_how_it_was_found() -> anyhow::Result<()> {
    let data = tempfile::tempdir()?;
    if !works("every_wall_is_named_with_how_it_was_found", data.path())? {
        return Ok(());
    }

    let output = run(data.path(), &["sandbox", "check"], b"")?;

    let said = String::from_utf8(output.stdout)?;
    let (walls, end) = said.trim().rsplit_once('\n').context("one line")?;
    ensure!(end.starts_with("every wall stands"), "{said}");
    ensure!(walls.lines().count() == 32, "{said}");
    ensure!(
        walls.lines().all(|line| ["seen", "kept", "not needed"]
            .iter()
            .any(|word| line.starts_with(word))),
        "{said}"
    );
    Ok(())
}

#[test]
fn a_shell_reads_its_commands_where_there_is_no_terminal() -> anyhow::Result<()> {
    let data = tempfile::tempdir()?;
    if !works(
        "a_shell_reads_its_commands_where_there_is_no_terminal",
        data.path(),
    )? {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let folder = folder.path().to_str().context("a path that is no text")?;

    let args = ["sandbox", "shell", "--workspace", folder];
    let output = run(data.path(), &args, b"pwd; echo kept >file; exit 7")?;
    let refused = run(data.path(), &["sandbox", "shell", "--workspace", "/"], b"")?;

    ensure!(output.status.code() == Some(7), "{output:?}");
    ensure!(output.stdout == b"/workspace\n", "{output:?}");
    ensure!(std::fs::read(Path::new(folder).join("file"))? == b"kept\n");
    let said = String::from_utf8(output.stderr)?;
    ensure!(said.lines().count() == 1 && said.contains(folder), "{said}");
    let said = String::from_utf8(refused.stderr)?;
    ensure!(
        refused.status.code() == Some(1) && said.contains("--workspace /"),
        "{said}"
    );
    Ok(())
}

#[test]
fn a_shell_on_a_terminal_is_as_any_other_and_leaves_it_as_it_was() -> anyhow::Result<()> {
    let data = tempfile::tempdir()?;
    if !works(
        "a_shell_on_a_terminal_is_as_any_other_and_leaves_it_as_it_was",
        data.path(),
    )? {
        return Ok(());
    }
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/stories/terminal.py");
    // Left, told to end, and its terminal gone.
    for (signal, status) in [("0", 5), ("15", 1), ("1", 1)] {
        // Only for the folder and the environment that a command has.
        let prepared = command(data.path())?;
        #[expect(clippy::disallowed_methods, reason = "somebody at a terminal")]
        let mut person = std::process::Command::new("python3");
        for (name, value) in prepared.get_envs() {
            match value {
                Some(value) => person.env(name, value),
                None => person.env_remove(name),
            };
        }
        let output = person
            .args(["-I", script, signal])
            .arg(program()?)
            .args(prepared.get_args())
            .args(["sandbox", "shell"])
            .stdin(Stdio::null())
            .output()?;

        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let seen: Value = serde_json::from_slice(&output.stdout).context(said)?;
        let expected = json!({ "is_raw": true, "is_restored": true, "status": status });
        ensure!(seen == expected, "signal {signal}: {seen}");
    }
    Ok(())
}

/// The stage is the only way into bubblewrap, and this program's takes no job that lacks a wall.
#[tokio::test]
async fn no_job_without_a_wall_is_taken() -> anyhow::Result<()> {
    for wall in Wall::ALL {
        let config = Config {
            walls: Walls::all().without(*wall),
            ..Config::new(Stage {
                program: program()?,
                args: vec!["sandbox-stage".into()],
            })
        };
        let argv = vec!["true".into()];
        let job = Job::new(Program::Command { argv }, Workspace::Scratch);

        let refused = Sandbox::with_walls_left_off(config)
            .run(job, std::future::pending())
            .await;

        let said = format!("{refused:?}");
        ensure!(
            said.contains("only by the sandbox's own tests"),
            "{}: {said}",
            wall.name()
        );
    }
    Ok(())
}
