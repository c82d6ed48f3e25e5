//! Whisper, in a process of its own.
//!
//! whisper.cpp is C++ that reads files of others: it may crash, and with a large model it takes hundreds of
//! megabytes. So the program starts itself again as a worker that does nothing else. It is started when
//! something is to be transcribed, stopped when it has been idle, bounded in memory and time, and gone when the
//! node is. What happens to it fails the one transcript it was at, and the next starts another.
//!
//! Reading order: [`Config`], [`Whisper`], `supervisor` (the node's side), `process`, `message` (what goes
//! between), [`stage`] (the worker's side), `hear` (whisper.cpp itself), `model_file`, `processor`.

mod hear;
mod message;
mod model_file;
mod process;
mod processor;
pub mod stage;
mod supervisor;

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use self::supervisor::{Job, Supervisor};
use super::{Options, SpeechOnly, Transcriber, Transcribing, Transcript, TranscriptionError};
use crate::audio::{Clip, samples_in};

/// What Whisper hears at once: it always works on 30 seconds, and what is longer it cuts without looking.
const LONGEST_PART: Duration = Duration::from_secs(28);

/// The most that is sent to the worker at once.
const LONGEST_CLIP: Duration = Duration::from_mins(5);

/// How the worker is started and held.
#[derive(Clone, Debug)]
pub struct Config {
    /// The program that becomes the worker: this one, where `args` make it call [`stage::main`].
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<OsString>,
    /// The model's file, in the form of whisper.cpp.
    pub model: PathBuf,
    /// Threads it computes with.
    pub threads: usize,
    /// How much memory it may have, as address space. The smallest model wants some 720 MiB of it with the
    /// program, its libraries and what it computes with, most of which is never touched.
    pub memory_bytes: u64,
    /// How long it stays when there is nothing to do.
    pub idle: Duration,
    /// How long it may take to load the model.
    pub start_limit: Duration,
    /// How long it may take for any part of a clip, up to 28 seconds of speech.
    pub part_limit: Duration,
    /// How many parts wait at most; more are refused with [`TranscriptionError::Busy`].
    pub queue: usize,
    /// Whether a model without weights is taken. It hears nothing; it is there to test everything around it.
    pub accepts_no_weights: bool,
}

impl Config {
    /// The usual limits: 3 GiB, 5 idle minutes, 2 minutes to load, 5 minutes for a part, 32 waiting.
    pub fn new(program: PathBuf, args: Vec<OsString>, model: PathBuf) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self {
            program,
            args,
            model,
            // More than eight make it no faster.
            threads: cores.min(8),
            memory_bytes: 3 * 1024 * 1024 * 1024,
            idle: Duration::from_mins(5),
            start_limit: Duration::from_mins(2),
            part_limit: Duration::from_mins(5),
            queue: 32,
            accepts_no_weights: false,
        }
    }
}

/// Transcribes by whisper.cpp. Dropped, it ends the worker.
///
/// On its own it hears at most five minutes, and writes words for silence: [`Whisper::speech_only`] is what is
/// wanted nearly always.
pub struct Whisper {
    jobs: mpsc::Sender<Job>,
    config: Config,
    worker: Arc<AtomicU32>,
}

impl Whisper {
    /// Prepares it. No process is started before there is something to transcribe.
    ///
    /// # Errors
    /// No thread can be started.
    pub fn new(config: Config) -> std::io::Result<Self> {
        // Full means that the engine is far behind: whoever asks is told so.
        let (jobs, waiting) = mpsc::channel(config.queue.max(1));
        let worker = Arc::new(AtomicU32::new(0));
        Supervisor::start(config.clone(), waiting, Arc::clone(&worker))?;
        Ok(Self {
            jobs,
            config,
            worker,
        })
    }

    /// The same behind an ear that lets nothing but speech through, part by part.
    ///
    /// # Errors
    /// No thread can be started.
    pub fn speech_only(config: Config) -> std::io::Result<SpeechOnly<Self>> {
        Ok(SpeechOnly::new(Self::new(config)?, LONGEST_PART))
    }

    /// The identifier of the worker's process; none while there is none.
    pub fn worker_id(&self) -> Option<u32> {
        let id = self.worker.load(Ordering::Acquire);
        (id != 0).then_some(id)
    }

    async fn ask(&self, clip: &Clip, options: &Options) -> Result<Transcript, TranscriptionError> {
        processor::check()?;
        if clip.samples.len() > samples_in(LONGEST_CLIP, crate::audio::RATE) {
            return Err(TranscriptionError::TooLong {
                limit: LONGEST_CLIP,
            });
        }
        if clip.samples.is_empty() {
            return Ok(Transcript::silence(Duration::ZERO));
        }
        let (answer, answered) = oneshot::channel();
        // Dropping this future cancels the work; the guard goes with it.
        let cancel = options.cancel.child_token();
        let _guard = cancel.clone().drop_guard();
        let job = Job {
            samples: clip.samples.clone(),
            language: options.language()?,
            prompt: options.prompt(),
            wants_times: options.wants_times,
            progress: options.progress.clone(),
            cancel,
            answer,
        };
        self.jobs.try_send(job).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => TranscriptionError::Busy {
                waiting: self.config.queue,
            },
            mpsc::error::TrySendError::Closed(_) => gone(),
        })?;
        tokio::select! {
            biased;
            () = options.cancel.cancelled() => Err(TranscriptionError::Cancelled),
            answer = answered => answer.unwrap_or_else(|_| Err(gone())),
        }
    }
}

fn gone() -> TranscriptionError {
    TranscriptionError::WorkerDied {
        reason: "nobody looks after it any more; restart Hearth".to_owned(),
    }
}

impl Transcriber for Whisper {
    fn name(&self) -> &'static str {
        "whisper"
    }

    fn transcribe<'a>(&'a self, clip: &'a Clip, options: &'a Options) -> Transcribing<'a> {
        Box::pin(self.ask(clip, options))
    }
}
