//! A server of language models, of the npm package `@copilotkit/aimock`: it speaks as OpenAI, Anthropic
//! and Ollama do, answers from a list of fixtures, and keeps a journal of what it was asked.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use anyhow::Context;
use serde_json::{Value, json};
use tempfile::TempDir;

/// How long a busy machine may take until it listens.
const READY: Duration = Duration::from_secs(30);

/// A running server. Killed when dropped.
#[derive(Debug)]
pub struct AiMock {
    url: String,
    client: reqwest::Client,
    child: Child,
    _folder: TempDir,
}

impl Drop for AiMock {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl AiMock {
    /// Starts one that answers from `fixtures`, the first that matches: each an object with `match` (such
    /// as `{"userMessage": "part of it"}`, `{"sequenceIndex": 0}`, `{"hasToolResult": true}`, or `{}` for
    /// anything) and `response` (`{"content": ...}`, `{"toolCalls": [{"name", "arguments"}]}`, or
    /// `{"error": {"message"}, "status": 429}`), and beside them `truncateAfterChunks`, `latency` and
    /// more. `None` where it is not installed, which is said as a skip of the test `name`.
    ///
    /// # Errors
    /// It is installed, and does not start.
    pub fn start(name: &str, fixtures: &Value) -> anyhow::Result<Option<Self>> {
        let Some(program) = program() else {
            crate::skip::skip(name, "aimock is not installed; ./test fetches it");
            return Ok(None);
        };
        let folder = tempfile::Builder::new()
            .prefix("hearth-aimock-")
            .tempdir()?;
        let file = folder.path().join("fixtures.json");
        std::fs::write(&file, json!({ "fixtures": fixtures }).to_string())?;
        #[expect(clippy::disallowed_methods, reason = "starts the server to test with")]
        let mut child = Command::new(program)
            .args([
                "--host",
                "127.0.0.1",
                "--port",
                "0",
                "--log-level",
                "info",
                "--strict",
                "--fixtures",
            ])
            .arg(&file)
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let url = listening(&mut child);
        if url.is_err() {
            let _ = child.kill();
            let _ = child.wait();
        }
        let client = reqwest::Client::builder()
            .no_proxy()
            .timeout(READY)
            .build()?;
        Ok(Some(Self {
            url: url?,
            client,
            child,
            _folder: folder,
        }))
    }

    /// Returns `http://HOST:PORT`: what Ollama's address would be.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Returns the address for whoever speaks as to OpenAI or to Anthropic.
    pub fn v1(&self) -> String {
        format!("{}/v1", self.url)
    }

    /// What tells a node to ask it.
    pub fn env(&self) -> Vec<(String, String)> {
        let settings = [
            ("PROVIDER", "openai-compatible"),
            ("NAME", "script"),
            ("URL", &self.v1()),
            ("FIND_LOCAL", "false"),
            ("CONTEXT_TOKENS", "32000"),
            ("INPUT_PRICE", "0.10"),
            ("OUTPUT_PRICE", "0.40"),
        ];
        let settings =
            settings.map(|(name, value)| (format!("HEARTH_MODEL_{name}"), value.to_owned()));
        settings.into()
    }

    /// Returns the bodies of what it was asked, in order.
    ///
    /// # Errors
    /// It does not answer.
    pub async fn asked(&self) -> anyhow::Result<Vec<Value>> {
        let url = format!("{}/__aimock/journal", self.url);
        let bytes = self.client.get(url).send().await?.bytes().await?;
        let journal: Vec<Value> = serde_json::from_slice(&bytes)?;
        Ok(journal
            .into_iter()
            .map(|mut entry| entry["body"].take())
            .collect())
    }
}

#[expect(clippy::disallowed_methods, reason = "the program is told by ./test")]
fn program() -> Option<std::ffi::OsString> {
    std::env::var_os("HEARTH_AIMOCK")
}

/// Waits for the line that says where it listens; goes on reading, so that it never blocks.
fn listening(child: &mut Child) -> anyhow::Result<String> {
    let stdout = child.stdout.take().context("no stdout")?;
    let (sender, receiver) = mpsc::sync_channel(1);
    std::thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            if let Some((_, url)) = line.split_once("listening on ") {
                // Nobody waits any more where it took too long.
                let _ = sender.try_send(url.trim().to_owned());
            }
        }
    });
    receiver
        .recv_timeout(READY)
        .context("aimock did not say where it listens")
}
