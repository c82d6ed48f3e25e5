//! Keys and secrets in the system's keyring.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, ensure};
use hearth_tests::keyring::TestKeyring;
use hearth_tests::node::{Options, TestNode, command, no_bus};
use hearth_tests::skip::skip;
use serde_json::{Value, json};

/// A value that must show nowhere.
const SECRET: &str = "s3cret-token";

/// A folder that no node runs on, and the bus on which a keyring may be.
struct Ground {
    folder: tempfile::TempDir,
    bus: String,
}

/// What a command did.
#[derive(Debug)]
struct Done {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl Done {
    fn json(&self) -> anyhow::Result<Value> {
        serde_json::from_str(&self.stdout).with_context(|| format!("{self:?}"))
    }

    /// Whether it was refused in one line with all these parts.
    fn is_refused(&self, parts: &[&str]) -> anyhow::Result<()> {
        let is_line = self.stderr.lines().count() == 1 && self.stdout.is_empty();
        let has_parts = parts.iter().all(|part| self.stderr.contains(part));
        ensure!(self.code == Some(1) && is_line && has_parts, "{self:?}");
        Ok(())
    }
}

impl Ground {
    fn with_bus(bus: &str) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let bus = bus.to_owned();
        Ok(Self { folder, bus })
    }

    fn without_keyring() -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let bus = no_bus(folder.path());
        Ok(Self { folder, bus })
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn hearth(&self, args: &[&str], input: &str, env: &[(&str, &str)]) -> anyhow::Result<Done> {
        let mut child = command(self.path())?
            .env("DBUS_SESSION_BUS_ADDRESS", &self.bus)
            .envs(env.iter().copied())
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        // One that does not read its input is gone before it came.
        let _ = child
            .stdin
            .take()
            .context("no stdin")?
            .write_all(input.as_bytes());
        let output = child.wait_with_output()?;
        let done = Done {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout)?,
            stderr: String::from_utf8(output.stderr)?,
        };
        let said = [done.stdout.as_str(), done.stderr.as_str()];
        let is_shown = |text: &str| !text.is_empty() && said.iter().any(|said| said.contains(text));
        ensure!(
            !is_shown(input.trim()),
            "what is secret was shown: {done:?}"
        );
        Ok(done)
    }
}

/// Starts a keyring, or says that the test `name` is skipped.
fn keyring_or_skip(name: &str) -> anyhow::Result<Option<TestKeyring>> {
    let keyring = TestKeyring::start()?;
    if keyring.is_none() {
        skip(
            name,
            "gnome-keyring-daemon, dbus-daemon or dbus-send is not installed",
        );
    }
    Ok(keyring)
}

#[test]
fn a_key_is_remembered_for_a_node_used_and_forgotten() -> anyhow::Result<()> {
    let Some(keyring) = keyring_or_skip("a_key_is_remembered_for_a_node_used_and_forgotten")?
    else {
        return Ok(());
    };
    let node = TestNode::start(&Options::default())?;
    let ground = Ground::with_bus(keyring.address())?;
    let (url, key) = (node.base_url(), node.owner_key()?);
    let status = ["--url", url, "status"];
    let remember = ["--json", "keys", "remember", "--url", url];

    let wrong = ground.hearth(&remember, "hearth_wrong\n", &[])?;
    wrong.is_refused(&[url, "was not kept"])?;
    ground
        .hearth(&status, "", &[])?
        .is_refused(&["HEARTH_KEY", "--key-file", "keys remember"])?;

    let kept = ground.hearth(&remember, &format!("{key}\n"), &[])?.json()?;
    ensure!(kept == json!({"url": url, "is_checked": true, "role": "admin", "agent": null}));
    let by_flag = ground.hearth(&status, "", &[])?;
    ensure!(by_flag.code == Some(0), "{by_flag:?}");
    let by_variable = ground.hearth(&["status"], "", &[("HEARTH_URL", url)])?;
    ensure!(by_variable.code == Some(0), "{by_variable:?}");

    // What the caller names goes over what is remembered.
    let unknown = ground.hearth(&status, "", &[("HEARTH_KEY", "hearth_wrong")])?;
    unknown.is_refused(&["key"])?;
    let file = ground.path().join("a.key");
    std::fs::write(&file, "hearth_wrong")?;
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600))?;
    let file = file.to_str().context("a path")?;
    ground
        .hearth(&["--key-file", file, "--url", url, "status"], "", &[])?
        .is_refused(&["key"])?;

    let forget = ["keys", "forget", "--url", url];
    let forgotten = ground.hearth(&forget, "", &[])?;
    ensure!(forgotten.code == Some(0), "{forgotten:?}");
    ground
        .hearth(&status, "", &[])?
        .is_refused(&["keys remember"])?;
    ground
        .hearth(&forget, "", &[])?
        .is_refused(&["holds no key"])
}

#[test]
fn a_key_for_a_node_that_does_not_answer_is_kept_untried() -> anyhow::Result<()> {
    let Some(keyring) = keyring_or_skip("a_key_for_a_node_that_does_not_answer_is_kept_untried")?
    else {
        return Ok(());
    };
    let ground = Ground::with_bus(keyring.address())?;
    let closed = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let url = format!("http://{closed}");

    let kept = ground.hearth(
        &["--json", "keys", "remember", "--url", &url],
        "hearth_x",
        &[],
    )?;

    ensure!(
        kept.json()?["is_checked"] == false && kept.stderr.contains("not tried"),
        "{kept:?}"
    );
    let used = ground.hearth(&["--url", &url, "status"], "", &[])?;
    used.is_refused(&["no node answers"])
}

#[test]
fn a_secret_is_kept_listed_and_never_shown() -> anyhow::Result<()> {
    let Some(keyring) = keyring_or_skip("a_secret_is_kept_listed_and_never_shown")? else {
        return Ok(());
    };
    let ground = Ground::with_bus(keyring.address())?;
    let list = |env: &[_]| -> anyhow::Result<Value> {
        let shown = ground.hearth(&["--json", "config", "show"], "", env)?;
        ensure!(!shown.stdout.contains(SECRET), "{shown:?}");
        Ok(shown.json()?["secrets"].clone())
    };
    let file = ground.path().join("token");
    std::fs::write(&file, SECRET)?;
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600))?;
    let file = file.to_str().context("a path")?;

    for name in ["telegram_token", "model_key"] {
        let kept = ground.hearth(&["config", "set-secret", name], SECRET, &[])?;
        ensure!(kept.code == Some(0), "{kept:?}");
    }
    let kept = json!({"source": "keyring", "problem": null});
    ensure!(list(&[])? == json!({"model_key": kept, "telegram_token": kept}));
    let given = [
        ("HEARTH_SECRET_TELEGRAM_TOKEN", SECRET),
        ("HEARTH_SECRET_MODEL_KEY_FILE", file),
    ];
    let listed = list(&given)?;
    ensure!(listed["telegram_token"]["source"] == "env", "{listed}");
    ensure!(listed["model_key"] == json!({"source": "file", "problem": null}));

    let forget = ["config", "forget-secret", "model_key"];
    ensure!(ground.hearth(&forget, "", &[])?.code == Some(0));
    ensure!(list(&[])? == json!({"telegram_token": kept}));
    ground
        .hearth(&forget, "", &[])?
        .is_refused(&["holds no model_key"])
}

#[test]
fn a_locked_keyring_is_one_line_and_no_wait_without_end() -> anyhow::Result<()> {
    let Some(keyring) = keyring_or_skip("a_locked_keyring_is_one_line_and_no_wait_without_end")?
    else {
        return Ok(());
    };
    let ground = Ground::with_bus(keyring.address())?;
    let url = "http://127.0.0.1:9";
    let kept = ground.hearth(&["keys", "remember", "--url", url], "hearth_x", &[])?;
    ensure!(kept.code == Some(0), "{kept:?}");

    keyring.lock()?;

    let status = ground.hearth(&["--url", url, "status"], "", &[])?;
    status.is_refused(&["HEARTH_KEY", "--key-file", "locked"])?;
    let set = ground.hearth(&["config", "set-secret", "telegram_token"], SECRET, &[])?;
    set.is_refused(&["locked", "HEARTH_SECRET_TELEGRAM_TOKEN_FILE"])
}

#[test]
fn without_a_keyring_each_command_says_what_to_do_instead() -> anyhow::Result<()> {
    check_unusable(&Ground::without_keyring()?)
}

#[test]
fn a_keyring_that_never_answers_is_given_up() -> anyhow::Result<()> {
    // It takes the connection and says nothing.
    let folder = tempfile::tempdir()?;
    let socket = folder.path().join("bus");
    let _silent = std::os::unix::net::UnixListener::bind(&socket)?;
    let ground = Ground::with_bus(&format!("unix:path={}", socket.display()))?;

    let status = ground.hearth(&["--url", "http://127.0.0.1:9", "status"], "", &[])?;

    status.is_refused(&["HEARTH_KEY", "--key-file", "did not answer in 5 s"])
}

#[test]
fn what_is_typed_at_a_terminal_is_not_shown() -> anyhow::Result<()> {
    let ground = Ground::without_keyring()?;
    let terminal = nix::pty::openpty(None, None)?;
    let mut keyboard = std::fs::File::from(terminal.master);
    let mut child = command(ground.path())?
        .args(["config", "set-secret", "telegram_token"])
        .stdin(Stdio::from(terminal.slave))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let mut said = BufReader::new(child.stderr.take().context("no stderr")?).lines();

    let asked = said.next().context("it asks")??;
    ensure!(asked.contains("which is not shown"), "{asked}");
    keyboard.write_all(format!("{SECRET}\n").as_bytes())?;

    // It was read: without a keyring it cannot be kept.
    let refused = said.next().context("it answers")??;
    ensure!(refused.contains("no keyring"), "{refused}");
    child.wait()?;
    let mut screen = Vec::new();
    // A terminal that nobody has open any more is an error once all was read.
    let _ = keyboard.read_to_end(&mut screen);
    let screen = String::from_utf8_lossy(&screen);
    ensure!(!screen.contains(SECRET), "{screen}");
    Ok(())
}

fn check_unusable(ground: &Ground) -> anyhow::Result<()> {
    let url = "http://127.0.0.1:9";
    let status = ground.hearth(&["--url", url, "status"], "", &[])?;
    status.is_refused(&["HEARTH_KEY", "--key-file", "no keyring"])?;
    let remember = ground.hearth(&["keys", "remember", "--url", url], "hearth_x", &[])?;
    remember.is_refused(&["HEARTH_KEY", "--key-file", "no keyring"])?;
    let set = ground.hearth(&["config", "set-secret", "telegram_token"], SECRET, &[])?;
    set.is_refused(&["HEARTH_SECRET_TELEGRAM_TOKEN", "no keyring"])?;

    let given = [("HEARTH_SECRET_TELEGRAM_TOKEN", SECRET)];
    let shown = ground.hearth(&["--json", "config", "show"], "", &given)?;
    let object = shown.json()?;
    ensure!(
        object["secrets"]["telegram_token"]["source"] == "env",
        "{object}"
    );
    ensure!(
        object["keyring_problem"]
            .as_str()
            .is_some_and(|said| said.contains("no keyring"))
    );
    ensure!(!shown.stdout.contains(SECRET), "{shown:?}");
    Ok(())
}
