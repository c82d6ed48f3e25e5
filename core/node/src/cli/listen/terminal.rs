//! The terminal while keys are read from it: as they come, and as it was afterwards.

use std::collections::VecDeque;
use std::io::{Read, Write, stdin, stdout};
use std::time::Duration;

use anyhow::Context;
use rustix::termios::{OptionalActions, OutputModes, Termios, tcgetattr, tcsetattr};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::keys::{KeyEvent, Keys};

/// How long a terminal may take to say what it can; one that says nothing cannot.
const ANSWERS_WITHIN: Duration = Duration::from_secs(1);
/// Asks whether it tells of releases, and after it what every terminal answers.
const ASK: &str = "\x1b[?u\x1b[c";
/// Has it tell of them, for every key.
const TELL: &str = "\x1b[>11u";
/// Takes that back.
const TELL_NO_MORE: &str = "\x1b[<u";

/// A terminal whose keys are read one by one.
pub(super) struct Terminal {
    before: Termios,
    bytes: mpsc::Receiver<Vec<u8>>,
    keys: Keys,
    /// What was read and not taken yet.
    events: VecDeque<KeyEvent>,
    tells: bool,
    terminate: Signal,
}

impl Terminal {
    /// Begins to read keys.
    ///
    /// # Errors
    /// Standard input is no terminal that can be set so.
    pub(super) fn enter() -> anyhow::Result<Self> {
        let terminate = signal(SignalKind::terminate()).context("cannot listen to signals")?;
        let before = tcgetattr(stdin()).context("the keys of this terminal cannot be read")?;
        let mut raw = before.clone();
        raw.make_raw();
        // A line still begins at the left.
        raw.output_modes.insert(OutputModes::OPOST);
        tcsetattr(stdin(), OptionalActions::Flush, &raw)
            .context("the keys of this terminal cannot be read")?;
        // Full is a person who types faster than anything is done: the thread waits then.
        let (sender, bytes) = mpsc::channel(16);
        let terminal = Self {
            before,
            bytes,
            keys: Keys::default(),
            events: VecDeque::new(),
            tells: false,
            terminate,
        };
        std::thread::Builder::new()
            .name("keys".into())
            .spawn(move || read(&sender))
            .context("cannot start a thread for the terminal")?;
        Ok(terminal)
    }

    /// Has the terminal tell of releases; returns whether it can.
    pub(super) async fn tells_of_releases(&mut self) -> bool {
        write(ASK);
        let answer = timeout(ANSWERS_WITHIN, async {
            let mut can = false;
            while let Some(bytes) = self.bytes.recv().await {
                for event in self.keys.push(&bytes) {
                    match event {
                        KeyEvent::Holds => can = true,
                        KeyEvent::Answered => return can,
                        event => self.events.push_back(event),
                    }
                }
            }
            can
        });
        self.tells = answer.await.unwrap_or(false);
        if self.tells {
            write(TELL);
        }
        self.tells
    }

    /// The next key; none where the terminal is gone, or the program is to end.
    pub(super) async fn next(&mut self) -> Option<KeyEvent> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Some(event);
            }
            let bytes = tokio::select! {
                bytes = self.bytes.recv() => bytes?,
                _ = self.terminate.recv() => return None,
            };
            self.events.extend(self.keys.push(&bytes));
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        if self.tells {
            write(TELL_NO_MORE);
        }
        // It may be gone, and then nothing is to be set back.
        let _ = tcsetattr(stdin(), OptionalActions::Flush, &self.before);
    }
}

fn read(sender: &mpsc::Sender<Vec<u8>>) {
    let mut buffer = [0; 256];
    while let Ok(count @ 1..) = stdin().lock().read(&mut buffer) {
        let bytes = buffer.get(..count).unwrap_or_default().to_vec();
        if sender.blocking_send(bytes).is_err() {
            break;
        }
    }
}

fn write(text: &str) {
    let mut out = stdout().lock();
    // A terminal that is gone is noticed when its keys are read.
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}
