//! The microphone of this machine while a key is held, which a shortcut of the desktop presses by the API.
//!
//! One worker holds the microphone and the recorder, another has one recording after the other heard and
//! answered, so that the next can be said meanwhile. The microphone stays open for some minutes after it was
//! used, or always where its owner said so; while it is open, what is said just before the key goes down is
//! kept.

mod answering;
mod state;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use hearth_app::voice::{PttAct, PttFuture, PttState, PushToTalk, VoiceError};
use hearth_voice::device::{DeviceError, Heard};
use hearth_voice::talk::{Around, Recorder, Recording};
use hearth_voice::transport::{AudioInput, Transport};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

pub(crate) use self::answering::{Answers, AppAnswers};
use self::state::Shared;
use super::words;

/// How long the microphone stays open after it was used.
const OPEN_FOR: Duration = Duration::from_mins(5);
/// How often a microphone that is to be open and is not is looked for.
const LOOK_EVERY: Duration = Duration::from_secs(10);
/// How many recordings wait to be answered; the key is refused beyond it.
const WAITING_MAX: usize = 4;
/// How many presses wait to be done. A person makes one at a time.
const PRESSES_MAX: usize = 8;

/// A press, and whom to tell how things are after it.
struct Press {
    act: PttAct,
    done: oneshot::Sender<Result<PttState, VoiceError>>,
}

/// The key, as the operations know it.
pub(crate) struct Key {
    presses: mpsc::Sender<Press>,
    shared: Arc<Shared>,
}

impl PushToTalk for Key {
    fn act(&self, act: PttAct) -> PttFuture<'_> {
        Box::pin(async move {
            let (done, told) = oneshot::channel();
            self.presses
                .try_send(Press { act, done })
                .map_err(|_| busy("the key is pressed faster than it can be followed"))?;
            told.await
                .unwrap_or_else(|_| Err(busy("the node is stopping")))
        })
    }

    fn state(&self) -> PttState {
        self.shared.state()
    }
}

fn busy(what: &str) -> VoiceError {
    VoiceError::Busy(format!("{what}; try again in a moment"))
}

/// The worker that holds the microphone.
pub(crate) struct Listener<T: Transport> {
    transport: T,
    open: Option<T::Input>,
    /// Whether the microphone is always open.
    is_kept_open: bool,
    open_for: Duration,
    recorder: Recorder,
    presses: mpsc::Receiver<Press>,
    recordings: mpsc::Sender<Recording>,
    answers: Arc<dyn Answers>,
    shared: Arc<Shared>,
    /// Why the microphone that is open gives nothing.
    lost: Option<DeviceError>,
    used_at: Instant,
    shutdown: CancellationToken,
}

/// Makes the key, and the two workers behind it.
pub(crate) fn push_to_talk<T: Transport>(
    transport: T,
    is_kept_open: bool,
    answers: Arc<dyn Answers>,
    shutdown: CancellationToken,
) -> (Key, Listener<T>, impl Future<Output = ()> + Send + 'static) {
    let shared = Arc::new(Shared::default());
    let (presses, waiting) = mpsc::channel(PRESSES_MAX);
    // Full is told to whoever presses the key next; see `press`.
    let (recordings, recorded) = mpsc::channel(WAITING_MAX);
    let key = Key {
        presses,
        shared: Arc::clone(&shared),
    };
    let answering = answering::run(
        recorded,
        Arc::clone(&answers),
        Arc::clone(&shared),
        shutdown.clone(),
    );
    let listener = Listener {
        transport,
        open: None,
        is_kept_open,
        open_for: OPEN_FOR,
        recorder: Recorder::new(Around::default()),
        presses: waiting,
        recordings,
        answers,
        shared,
        lost: None,
        used_at: Instant::now(),
        shutdown,
    };
    (key, listener, answering)
}

impl<T: Transport> Listener<T> {
    /// Follows the key until the node stops. What is being said then is kept, as is what waits.
    pub(crate) async fn run(mut self) {
        let mut look_at = Instant::now();
        loop {
            let is_open = self.open.is_some();
            let may_close = is_open && !self.is_kept_open && !self.recorder.is_recording();
            let close_at = self.used_at + self.open_for;
            tokio::select! {
                biased;
                () = self.shutdown.cancelled() => {
                    if let Some(recording) = self.recorder.finish() {
                        self.hand_over(recording);
                    }
                    return;
                }
                press = self.presses.recv() => match press {
                    Some(press) => self.follow(press).await,
                    None => return,
                },
                heard = next(self.open.as_mut()) => self.hear(heard),
                () = sleep_until(close_at), if may_close => self.close(),
                () = sleep_until(look_at), if !is_open && self.is_kept_open => {
                    // What is wrong is in the state; the next look may find it mended.
                    let _ = self.open().await;
                    look_at = Instant::now() + LOOK_EVERY;
                }
            }
        }
    }

    async fn follow(&mut self, press: Press) {
        let act = match press.act {
            PttAct::Toggle if self.recorder.is_recording() => PttAct::Up,
            PttAct::Toggle => PttAct::Down,
            act => act,
        };
        let done = match act {
            PttAct::Down => self.press().await,
            PttAct::Up => {
                self.recorder.release();
                Ok(())
            }
            PttAct::Cancel | PttAct::Toggle => {
                self.recorder.cancel();
                self.answers.hush();
                Ok(())
            }
        };
        self.used_at = Instant::now();
        self.tell();
        // Whoever pressed may be gone.
        let _ = press.done.send(done.map(|()| self.shared.state()));
    }

    async fn press(&mut self) -> Result<(), VoiceError> {
        // People speak over what is being spoken to be heard.
        self.answers.hush();
        if self.recordings.capacity() == 0 {
            return Err(busy("several recordings wait to be answered already"));
        }
        if self.open.is_none() {
            self.open().await.map_err(VoiceError::NotSetUp)?;
        }
        if let Some(error) = &self.lost {
            return Err(VoiceError::NotSetUp(told(error)));
        }
        self.recorder.press();
        self.tell();
        // Once more: an answer that came while the microphone was opened.
        self.answers.hush();
        Ok(())
    }

    async fn open(&mut self) -> Result<(), String> {
        match self.transport.open_input().await {
            Ok(open) => {
                self.open = Some(open);
                self.lost = None;
                self.shared.set_problem("");
                self.tell();
                Ok(())
            }
            Err(error) => {
                let problem = told(&error);
                if self.shared.set_problem(&problem) {
                    warn!("{problem}");
                }
                Err(problem)
            }
        }
    }

    fn close(&mut self) {
        self.open = None;
        self.lost = None;
        // What was heard before is no part of what is said after.
        self.recorder = Recorder::new(Around::default());
        self.tell();
    }

    fn hear(&mut self, heard: Heard) {
        let recording = match heard {
            Heard::Samples(samples) => self.recorder.push(&samples),
            Heard::Lost(error) => {
                let problem = told(&error);
                warn!("{problem}");
                self.shared.set_problem(&problem);
                self.lost = Some(error);
                // What was said until then is not lost with it.
                self.recorder.finish()
            }
            Heard::Back => {
                info!("the microphone is there again");
                self.shared.set_problem("");
                self.lost = None;
                None
            }
        };
        if let Some(recording) = recording {
            self.used_at = Instant::now();
            self.hand_over(recording);
        }
        self.tell();
    }

    fn hand_over(&mut self, recording: Recording) {
        self.shared.waits();
        // There was room when it was begun, and nobody else fills it.
        if self.recordings.try_send(recording).is_err() {
            self.shared.was_not_taken();
            let problem = "what was said last was not heard, because too much waits; say it again";
            self.shared.set_problem(problem);
        }
    }

    fn tell(&self) {
        let is_armed = self.open.is_some() && self.lost.is_none();
        self.shared.listens(
            self.recorder.is_recording(),
            is_armed,
            self.recorder.level(),
        );
    }
}

/// The next thing that an open microphone gives; nothing ever where none is open.
async fn next(open: Option<&mut impl AudioInput>) -> Heard {
    match open {
        Some(open) => open.next().await,
        None => std::future::pending().await,
    }
}

fn told(error: &DeviceError) -> String {
    words::of_device(error, "voice.microphone")
}
