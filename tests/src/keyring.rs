//! A keyring of the desktop's kind, on a bus of its own, in a folder of its own.

use std::ffi::OsString;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use tempfile::TempDir;

/// How long a busy machine may take until the keyring is there.
const READY: Duration = Duration::from_secs(30);

/// A running keyring, open. Stopped and removed when dropped.
#[derive(Debug)]
pub struct TestKeyring {
    address: String,
    // Stopped in this order.
    _daemon: Running,
    _bus: Running,
    _folder: TempDir,
}

#[derive(Debug)]
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl TestKeyring {
    /// Starts one; `None` where its programs are not installed.
    ///
    /// # Errors
    /// They are, and it does not start.
    pub fn start() -> anyhow::Result<Option<Self>> {
        let daemon = daemon();
        // One that can be started is there, whatever it says of being asked for its version.
        let is_there = |program: &OsString| {
            let mut asked = program_of(program, Path::new("/"));
            asked.arg("--version").output().is_ok()
        };
        if ![daemon.clone(), "dbus-daemon".into(), "dbus-send".into()]
            .iter()
            .all(is_there)
        {
            return Ok(None);
        }
        let folder = tempfile::Builder::new()
            .prefix("hearth-keyring-")
            .tempdir()?;
        let (bus, address) = start_bus(folder.path())?;
        let daemon = start_daemon(&daemon, folder.path(), &address)?;
        let keyring = Self {
            address,
            _daemon: daemon,
            _bus: bus,
            _folder: folder,
        };
        let deadline = Instant::now() + READY;
        while !keyring.is_open() {
            ensure!(Instant::now() < deadline, "the keyring did not open");
            std::thread::park_timeout(Duration::from_millis(20));
        }
        Ok(Some(keyring))
    }

    /// Returns what `DBUS_SESSION_BUS_ADDRESS` is where this keyring is to be used.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Locks it.
    ///
    /// # Errors
    /// It does not answer.
    pub fn lock(&self) -> anyhow::Result<()> {
        let said = self.send(
            "Service.Lock",
            "array:objpath:/org/freedesktop/secrets/aliases/default",
        )?;
        ensure!(said.contains("array"), "the keyring was not locked: {said}");
        Ok(())
    }

    fn is_open(&self) -> bool {
        let said = self.send("Service.ReadAlias", "string:default");
        said.is_ok_and(|said| said.contains("/collection/"))
    }

    /// Sends a message to the keyring; returns what it answers.
    fn send(&self, method: &str, argument: &str) -> anyhow::Result<String> {
        let output = program_of(&"dbus-send".into(), Path::new("/"))
            .env("DBUS_SESSION_BUS_ADDRESS", &self.address)
            .args([
                "--session",
                "--print-reply",
                "--dest=org.freedesktop.secrets",
            ])
            .arg("/org/freedesktop/secrets")
            .arg(format!("org.freedesktop.Secret.{method}"))
            .arg(argument)
            .output()?;
        Ok(String::from_utf8(output.stdout)?)
    }
}

/// Returns the program of the keyring: the one that `./test` fetched, or the system's own.
#[expect(clippy::disallowed_methods, reason = "the program is told by ./test")]
fn daemon() -> OsString {
    std::env::var_os("HEARTH_KEYRING_DAEMON").unwrap_or_else(|| "gnome-keyring-daemon".into())
}

/// Prepares a program that sees nothing of the caller's session and home.
#[expect(clippy::disallowed_methods, reason = "starts the keyring to test with")]
fn program_of(program: &OsString, home: &Path) -> Command {
    let mut command = Command::new(program);
    command.env_clear();
    if let Some(path) = std::env::var_os("PATH") {
        command.env("PATH", path);
    }
    for name in [
        "HOME",
        "XDG_RUNTIME_DIR",
        "XDG_DATA_HOME",
        "XDG_CONFIG_HOME",
        "XDG_CACHE_HOME",
    ] {
        command.env(name, home);
    }
    command.stdin(Stdio::null()).stderr(Stdio::null());
    command
}

fn start_bus(folder: &Path) -> anyhow::Result<(Running, String)> {
    let config = folder.join("bus.conf");
    // No service is started by the bus: what is not there stays away.
    let text = format!(
        "<busconfig><type>session</type><listen>unix:path={}</listen><auth>EXTERNAL</auth>\
         <policy context=\"default\"><allow send_destination=\"*\"/><allow receive_sender=\"*\"/>\
         <allow own=\"*\"/></policy>\
         </busconfig>",
        folder.join("bus").display()
    );
    std::fs::write(&config, text)?;
    let mut bus = program_of(&"dbus-daemon".into(), folder)
        .arg(format!("--config-file={}", config.display()))
        .args(["--nofork", "--nopidfile", "--print-address"])
        .stdout(Stdio::piped())
        .spawn()?;
    let stdout = bus.stdout.take().context("no stdout")?;
    let bus = Running(bus);
    let mut address = String::new();
    BufReader::new(stdout).read_line(&mut address)?;
    ensure!(!address.is_empty(), "the bus did not start");
    Ok((bus, address.trim().to_owned()))
}

fn start_daemon(program: &OsString, folder: &Path, address: &str) -> anyhow::Result<Running> {
    let mut daemon = program_of(program, folder)
        .env("DBUS_SESSION_BUS_ADDRESS", address)
        .args(["--foreground", "--unlock", "--components=secrets"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()?;
    let stdin = daemon.stdin.take();
    let daemon = Running(daemon);
    stdin.context("no stdin")?.write_all(b"a password")?;
    Ok(daemon)
}
