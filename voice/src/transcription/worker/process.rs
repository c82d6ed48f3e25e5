//! The worker as a process: started, spoken with, ended.

use std::collections::VecDeque;
use std::io;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tracing::{debug, info, warn};

use super::super::TranscriptionError;
use super::Config;
use super::message::{self, Order, Report};
use super::model_file::Identity;

/// How many reports wait at most; then the worker waits.
const REPORTS: usize = 16;
/// How many lines of its log are kept, to say why it died.
const KEPT_LINES: usize = 8;
/// The longest line of its log.
const LINE_BYTES: u64 = 1_000;
/// How long it may take to end by itself.
const END: Duration = Duration::from_secs(2);

/// The last lines of the worker's log.
type Notes = Arc<Mutex<VecDeque<String>>>;

/// A worker that runs. Dropped, it is killed.
pub(super) struct Process {
    child: Child,
    id: u32,
    stdin: ChildStdin,
    reports: mpsc::Receiver<Report>,
    notes: Notes,
    log: JoinHandle<()>,
    /// The model that it loads.
    pub(super) model: Identity,
}

impl Process {
    /// # Errors
    /// The program cannot be started.
    pub(super) fn start(config: &Config, model: Identity) -> Result<Self, TranscriptionError> {
        let failed = |error: io::Error| TranscriptionError::WorkerDied {
            reason: format!("it could not be started: {error}"),
        };
        #[expect(clippy::disallowed_methods, reason = "the program's own worker")]
        let mut child = Command::new(&config.program)
            .args(&config.args)
            // It needs nothing of the node's environment, where secrets may be.
            .env_clear()
            // Otherwise ggml starts a debugger when it gives up, where there is one.
            .env("GGML_NO_BACKTRACE", "1")
            // Each thread would set 64 MiB of address space aside, which counts against the limit.
            .env("MALLOC_ARENA_MAX", "1")
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // What the terminal's keys end is the node, and the node ends its worker.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(failed)?;
        let (Some(stdin), Some(stdout), Some(stderr)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(failed(io::Error::other("it has no pipes")));
        };
        let (sender, reports) = mpsc::channel(REPORTS);
        let notes = Notes::default();
        tokio::spawn(read_reports(stdout, sender));
        let log = tokio::spawn(read_log(stderr, Arc::clone(&notes)));
        Ok(Self {
            id: child.id().unwrap_or_default(),
            child,
            stdin,
            reports,
            notes,
            log,
            model,
        })
    }

    pub(super) fn id(&self) -> u32 {
        self.id
    }

    /// # Errors
    /// It is gone.
    pub(super) async fn order(&mut self, order: &Order, samples: &[f32]) -> io::Result<()> {
        self.stdin.write_all(&message::encode(order)?).await?;
        self.stdin
            .write_all(&message::encode_samples(samples))
            .await?;
        self.stdin.flush().await
    }

    /// Waits for what it says next; none when it is gone, or says what nobody understands.
    pub(super) async fn report(&mut self) -> Option<Report> {
        self.reports.recv().await
    }

    /// Asks it to end, and sees to it.
    pub(super) async fn stop(self) {
        let Self {
            mut child, stdin, ..
        } = self;
        drop(stdin);
        if timeout(END, child.wait()).await.is_err() {
            let _ = child.kill().await;
        }
    }

    pub(super) async fn kill(mut self) {
        let _ = self.child.kill().await;
    }

    /// Says how it ended.
    pub(super) async fn end(mut self, memory_bytes: u64) -> TranscriptionError {
        let Ok(status) = timeout(END, self.child.wait()).await else {
            let _ = self.child.kill().await;
            return died("it said nothing that can be understood, and was ended".to_owned());
        };
        // What it wrote last is still on the way.
        let _ = timeout(END, &mut self.log).await;
        let notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
        if notes.iter().any(|line| is_about_memory(line)) {
            return TranscriptionError::OutOfMemory {
                limit_bytes: memory_bytes,
            };
        }
        let how = status.map_or_else(|error| error.to_string(), how);
        match notes.back() {
            Some(line) => died(format!("{how}; it last said: {line}")),
            None => died(how),
        }
    }
}

fn died(reason: String) -> TranscriptionError {
    TranscriptionError::WorkerDied { reason }
}

/// The words of C++, of Rust and of ggml for it. An exception of C++ that reaches Rust is one too: those that
/// whisper.cpp and its library throw, where a file has the right form, are for memory that they did not get.
pub(super) fn is_about_memory(line: &str) -> bool {
    [
        "bad_alloc",
        "memory allocation of",
        "failed to allocate",
        "foreign exception",
    ]
    .iter()
    .any(|words| line.contains(words))
}

#[cfg(unix)]
fn how(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt;
    match (status.signal(), status.code()) {
        (Some(signal), _) => format!("signal {signal}"),
        (None, Some(code)) => format!("exit code {code}"),
        (None, None) => status.to_string(),
    }
}

#[cfg(not(unix))]
fn how(status: ExitStatus) -> String {
    status.to_string()
}

async fn read_reports(mut stdout: ChildStdout, reports: mpsc::Sender<Report>) {
    loop {
        match message::receive(&mut stdout).await {
            Ok(Some(report)) => {
                if reports.send(report).await.is_err() {
                    return;
                }
            }
            Ok(None) => return,
            Err(error) => {
                warn!(%error, "the transcribing process says what cannot be understood");
                return;
            }
        }
    }
}

/// Passes the worker's log on, line by line, in ours.
async fn read_log(stderr: ChildStderr, notes: Notes) {
    let mut lines = BufReader::new(stderr);
    loop {
        let mut line = Vec::new();
        let mut head = (&mut lines).take(LINE_BYTES);
        match head.read_until(b'\n', &mut line).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        let line = String::from_utf8_lossy(&line);
        let line = line.trim();
        if line.is_empty() {
            continue;
        }
        let (level, text) = line.split_once(": ").unwrap_or(("", line));
        match level {
            "info" => {
                debug!(target: "whisper", "{text}");
                continue;
            }
            "warn" => info!(target: "whisper", "{text}"),
            "error" => warn!(target: "whisper", "{text}"),
            _ => warn!(target: "whisper", "{line}"),
        }
        let mut notes = notes.lock().unwrap_or_else(PoisonError::into_inner);
        if notes.len() == KEPT_LINES {
            notes.pop_front();
        }
        notes.push_back(line.to_owned());
    }
}
