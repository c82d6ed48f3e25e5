//! A real node: the program itself, in a process and a folder of its own, on a port of its own.

use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use serde_json::Value;
use tempfile::TempDir;

/// How long a node may take until it is ready; a busy machine is slow.
const READY: Duration = Duration::from_secs(30);
/// How long a node may take to stop when asked.
const STOP: Duration = Duration::from_secs(20);

/// How a node is started.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Whether its own agents run.
    pub agents: bool,
    /// Further variables.
    pub env: Vec<(String, String)>,
    /// Further arguments of `hearth up`.
    pub args: Vec<String>,
}

impl Options {
    /// With the node's own agents at work.
    pub fn with_agents() -> Self {
        Self {
            agents: true,
            ..Self::default()
        }
    }
}

/// A running node. Killed when dropped.
#[derive(Debug)]
pub struct TestNode {
    child: Child,
    base_url: String,
    data_dir: PathBuf,
    /// Removed with the node; none where the caller owns the folder.
    folder: Option<TempDir>,
}

/// Returns the program under test, which lies beside the test programs.
///
/// # Errors
/// It was not built.
pub fn program() -> anyhow::Result<PathBuf> {
    let own = std::env::current_exe()?;
    let candidates = own
        .ancestors()
        .skip(1)
        .take(2)
        .map(|folder| folder.join("hearth"));
    candidates
        .into_iter()
        .find(|path| path.is_file())
        .with_context(|| {
            format!(
                "no program hearth beside {}; build it: cargo build --workspace",
                own.display()
            )
        })
}

/// Prepares `hearth` for a folder, with nothing of the caller's settings.
///
/// # Errors
/// The program was not built.
#[expect(clippy::disallowed_methods, reason = "starts the program under test")]
pub fn command(data_dir: &Path) -> anyhow::Result<Command> {
    let mut command = Command::new(program()?);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("HEARTH_") {
            command.env_remove(&name);
        }
    }
    // A node keeps its folder to itself, and refuses one with other things in it that is open.
    std::fs::set_permissions(data_dir, std::fs::Permissions::from_mode(0o700))?;
    let settings = data_dir.join("hearth.toml");
    if !settings.exists() {
        // Whether it is morning is for the test to say.
        std::fs::write(&settings, "[morning]\nat = \"off\"\n")?;
    }
    command
        .env("HEARTH_DATA_DIR", data_dir)
        .env("HEARTH_CONFIG", settings)
        // What else runs on this machine is none of a test's business.
        .env("HEARTH_MODEL_FIND_LOCAL", "false")
        // Nor of the caller's keyring, where one might be asked: there is no bus here.
        .env("DBUS_SESSION_BUS_ADDRESS", no_bus(data_dir));
    Ok(command)
}

/// Returns the address of a bus that is not there, as on a machine without a keyring.
pub fn no_bus(data_dir: &Path) -> String {
    format!("unix:path={}", data_dir.join("no-bus").display())
}

impl TestNode {
    /// Starts a node in a fresh folder.
    ///
    /// # Errors
    /// It did not become ready.
    pub fn start(options: &Options) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("hearth-test-").tempdir()?;
        let mut node = Self::start_in(folder.path(), options)?;
        node.folder = Some(folder);
        Ok(node)
    }

    /// Starts a node in a folder of the caller's.
    ///
    /// # Errors
    /// It did not become ready.
    pub fn start_in(data_dir: &Path, options: &Options) -> anyhow::Result<Self> {
        let mut command = command(data_dir)?;
        command.args(["up", "--listen", "127.0.0.1:0"]);
        if !options.agents {
            command.arg("--no-agents");
        }
        command
            .args(&options.args)
            .envs(options.env.iter().cloned());
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(data_dir.join("node.log"))?;
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()?;
        match ready_line(&mut child) {
            Ok(base_url) => Ok(Self {
                child,
                base_url,
                data_dir: data_dir.to_owned(),
                folder: None,
            }),
            Err(error) => {
                let _ = child.kill();
                let _ = child.wait();
                let log = std::fs::read_to_string(data_dir.join("node.log")).unwrap_or_default();
                Err(error.context(log))
            }
        }
    }

    /// Returns `http://HOST:PORT`.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// Returns `HOST:PORT`.
    pub fn address(&self) -> &str {
        self.base_url.trim_start_matches("http://")
    }

    /// Returns the process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Returns the data folder.
    pub fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// Returns the owner's key.
    ///
    /// # Errors
    /// The node left none.
    pub fn owner_key(&self) -> anyhow::Result<String> {
        let path = self.data_dir.join("owner.key");
        Ok(std::fs::read_to_string(&path)
            .with_context(|| path.display().to_string())?
            .trim()
            .to_owned())
    }

    /// Returns a client that shows the owner's key.
    ///
    /// # Errors
    /// The node left no key.
    pub fn api(&self) -> anyhow::Result<Api> {
        Ok(Api {
            client: client()?,
            base_url: self.base_url.clone(),
            key: self.owner_key()?,
        })
    }

    /// Runs `hearth` against this node; returns its output.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn hearth(&self, args: &[&str]) -> anyhow::Result<std::process::Output> {
        Ok(command(&self.data_dir)?
            .args(args)
            .stdin(Stdio::null())
            .output()?)
    }

    /// Runs a command to a good end; returns what it said.
    ///
    /// # Errors
    /// It ended otherwise: what it said then.
    pub fn done(&self, args: &[&str]) -> anyhow::Result<String> {
        let output = self.hearth(args)?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{args:?}: {said}");
        Ok(String::from_utf8(output.stdout)?.trim_end().to_owned())
    }

    /// Runs a command that is refused; returns why.
    ///
    /// # Errors
    /// It was not refused.
    pub fn refused(&self, args: &[&str]) -> anyhow::Result<String> {
        let output = self.hearth(args)?;
        ensure!(!output.status.success(), "{args:?} was not refused");
        Ok(String::from_utf8(output.stderr)?)
    }

    /// Kills the node as a power cut would.
    ///
    /// # Errors
    /// It is not there any more.
    pub fn kill(&mut self) -> anyhow::Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Asks the node to stop, and returns its exit code.
    ///
    /// # Errors
    /// It did not stop in time.
    pub fn stop(&mut self) -> anyhow::Result<Option<i32>> {
        let pid = i32::try_from(self.child.id())?;
        nix::sys::signal::kill(
            nix::unistd::Pid::from_raw(pid),
            nix::sys::signal::Signal::SIGTERM,
        )?;
        let deadline = Instant::now() + STOP;
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status.code());
            }
            std::thread::park_timeout(Duration::from_millis(10));
        }
        bail!("the node did not stop in {} s", STOP.as_secs())
    }

    /// Waits for the program's end; returns whether it came.
    pub fn ends_within(&mut self, limit: Duration) -> bool {
        let deadline = Instant::now() + limit;
        while Instant::now() < deadline {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return true;
            }
            std::thread::park_timeout(Duration::from_millis(5));
        }
        false
    }

    /// Returns what the node logged.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.data_dir.join("node.log")).unwrap_or_default()
    }
}

impl Drop for TestNode {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn client() -> anyhow::Result<reqwest::Client> {
    Ok(reqwest::Client::builder()
        .no_proxy()
        .timeout(Duration::from_mins(1))
        .build()?)
}

/// Waits for the line that says where the node listens; goes on reading, so that it never blocks.
fn ready_line(child: &mut Child) -> anyhow::Result<String> {
    let stdout = child.stdout.take().context("no stdout")?;
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            // The receiver is gone once the line was seen.
            let _ = sender.send(line);
        }
    });
    let line = receiver
        .recv_timeout(READY)
        .context("the node did not become ready")?;
    line.strip_prefix("ready ")
        .map(str::to_owned)
        .with_context(|| format!("unexpected first line: {line}"))
}

/// A client of the API with one key.
#[derive(Debug, Clone)]
pub struct Api {
    client: reqwest::Client,
    base_url: String,
    key: String,
}

/// An answer: its status and its JSON, null where there is none.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The body.
    pub body: Value,
}

impl Answer {
    /// Returns the body of a successful answer.
    ///
    /// # Errors
    /// Shows the problem where it was none.
    pub fn ok(self) -> anyhow::Result<Value> {
        if (200..300).contains(&self.status) {
            return Ok(self.body);
        }
        bail!("{}: {}", self.status, self.body)
    }
}

impl Api {
    /// Returns the same client with another key.
    #[must_use]
    pub fn with_key(&self, key: &str) -> Self {
        Self {
            key: key.to_owned(),
            ..self.clone()
        }
    }

    /// Returns the key it shows.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Sends a request to a path below `/api/v1`.
    ///
    /// # Errors
    /// No answer came.
    pub async fn send(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> anyhow::Result<Answer> {
        let url = format!("{}/api/v1{path}", self.base_url);
        let mut request = self
            .client
            .request(method.parse()?, url)
            .bearer_auth(&self.key);
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request.send().await?;
        let status = response.status().as_u16();
        let bytes = response.bytes().await?;
        let body = serde_json::from_slice(&bytes)
            .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&bytes).into_owned()));
        Ok(Answer {
            status,
            body: if bytes.is_empty() { Value::Null } else { body },
        })
    }

    /// Gets a path.
    ///
    /// # Errors
    /// No answer, or no success.
    pub async fn get(&self, path: &str) -> anyhow::Result<Value> {
        self.send("GET", path, None).await?.ok()
    }

    /// Posts to a path.
    ///
    /// # Errors
    /// No answer, or no success.
    pub async fn post(&self, path: &str, body: Value) -> anyhow::Result<Value> {
        self.send("POST", path, Some(&body)).await?.ok()
    }

    /// Returns every item of a list, page by page.
    ///
    /// # Errors
    /// No answer, or no success.
    pub async fn all(&self, path: &str) -> anyhow::Result<Vec<Value>> {
        let mut items = Vec::new();
        let mut cursor: Option<String> = None;
        loop {
            let sign = if path.contains('?') { '&' } else { '?' };
            let more = cursor.map_or_else(String::new, |cursor| format!("&cursor={cursor}"));
            let page = self.get(&format!("{path}{sign}limit=500{more}")).await?;
            items.extend(page["items"].as_array().cloned().unwrap_or_default());
            match page["next_cursor"].as_str() {
                Some(next) => cursor = Some(next.to_owned()),
                None => return Ok(items),
            }
        }
    }

    /// Waits until `GET path` answers something that `is_there` accepts.
    ///
    /// # Errors
    /// It did not within `limit`; shows the last answer.
    pub async fn wait_for(
        &self,
        path: &str,
        limit: Duration,
        is_there: impl Fn(&Value) -> bool,
    ) -> anyhow::Result<Value> {
        let deadline = Instant::now() + limit;
        loop {
            let answer = self.get(path).await?;
            if is_there(&answer) {
                return Ok(answer);
            }
            if Instant::now() > deadline {
                bail!("{path} did not become what it should: {answer}");
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}
