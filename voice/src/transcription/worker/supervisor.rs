//! Looks after the worker, on a thread of its own.
//!
//! A thread, because the kernel ends the worker with the thread that started it, and this one lives as long as
//! there is somebody who may want a transcript.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use super::super::{Progress, Segment, Transcript, TranscriptionError};
use super::Config;
use super::message::{Fault, Heard, Order, Report, Task};
use super::model_file::{self, Identity};
use super::process::Process;
use crate::audio::{RATE, duration_of};

/// How long a worker may take to give up a clip. It looks between one step and the next, and the longest, of
/// encoding, takes seconds with a large model: then it is quicker to end it and to load the model anew.
const GIVE_UP: Duration = Duration::from_secs(3);

/// A clip to transcribe.
pub(super) struct Job {
    pub(super) samples: Vec<f32>,
    pub(super) language: Option<String>,
    pub(super) prompt: Option<String>,
    pub(super) wants_times: bool,
    pub(super) progress: Option<Progress>,
    pub(super) cancel: CancellationToken,
    /// Whoever asked may be gone.
    pub(super) answer: oneshot::Sender<Result<Transcript, TranscriptionError>>,
}

/// The node's side of the worker.
pub(super) struct Supervisor {
    config: Config,
    process: Option<Process>,
    /// Shows others which process it is; zero for none.
    shown: Arc<AtomicU32>,
    last_id: u64,
}

/// Why a conversation with the worker ended early.
enum End {
    /// It is gone.
    Died,
    /// It is to be killed, for this reason.
    Kill(TranscriptionError),
}

impl Supervisor {
    pub(super) fn start(
        config: Config,
        jobs: mpsc::Receiver<Job>,
        shown: Arc<AtomicU32>,
    ) -> std::io::Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let supervisor = Self {
            config,
            process: None,
            shown,
            last_id: 0,
        };
        let thread = std::thread::Builder::new().name("voice-worker".to_owned());
        thread.spawn(move || runtime.block_on(supervisor.run(jobs)))?;
        Ok(())
    }

    async fn run(mut self, mut jobs: mpsc::Receiver<Job>) {
        while let Some(job) = self.next(&mut jobs).await {
            let result = if job.cancel.is_cancelled() {
                Err(TranscriptionError::Cancelled)
            } else {
                self.serve(&job).await
            };
            // Whoever asked may be gone.
            let _ = job.answer.send(result);
        }
        self.stop().await;
    }

    /// Waits for something to do, and stops a worker that has had nothing to do for long.
    async fn next(&mut self, jobs: &mut mpsc::Receiver<Job>) -> Option<Job> {
        loop {
            let Some(process) = &mut self.process else {
                return jobs.recv().await;
            };
            tokio::select! {
                biased;
                job = jobs.recv() => return job,
                () = sleep(self.config.idle) => {
                    debug!("the transcribing process was idle and is stopped");
                    self.stop().await;
                }
                // Nothing is asked of it, so that it has nothing to say but its end.
                _ = process.report() => {
                    warn!("the transcribing process ended while it was idle");
                    self.stop().await;
                }
            }
        }
    }

    async fn stop(&mut self) {
        if let Some(process) = self.process.take() {
            process.stop().await;
        }
        self.shown.store(0, Ordering::Release);
    }

    async fn serve(&mut self, job: &Job) -> Result<Transcript, TranscriptionError> {
        let model = Identity::of(&self.config.model)?;
        let is_other = |process: &Process| process.model != model;
        if self.process.as_ref().is_some_and(is_other) {
            debug!("the model's file has changed; the transcribing process loads it anew");
            self.stop().await;
        }
        let mut process = match self.process.take() {
            Some(process) => process,
            None => self.load(model, job).await?,
        };
        let ended = match self.talk(&mut process, job).await {
            Ok(result) => {
                self.process = Some(process);
                return result;
            }
            Err(End::Died) => process.end(self.config.memory_bytes).await,
            Err(End::Kill(error)) => {
                process.kill().await;
                error
            }
        };
        self.shown.store(0, Ordering::Release);
        Err(ended)
    }

    /// Starts a worker and has it load the model.
    async fn load(&mut self, model: Identity, job: &Job) -> Result<Process, TranscriptionError> {
        model_file::check(&self.config.model, self.config.accepts_no_weights)?;
        let mut process = Process::start(&self.config, model)?;
        self.shown.store(process.id(), Ordering::Release);
        let order = Order::Load {
            model: self.config.model.clone(),
            memory_bytes: self.config.memory_bytes,
        };
        let ready = async {
            process.order(&order, &[]).await.map_err(|_| End::Died)?;
            match process.report().await {
                Some(Report::Ready) => Ok(()),
                Some(Report::Failed { fault, reason, .. }) => {
                    Err(End::Kill(self.failure(fault, reason)))
                }
                Some(_) => Err(End::Kill(nonsense())),
                None => Err(End::Died),
            }
        };
        let limit = self.config.start_limit;
        let ready = tokio::select! {
            biased;
            () = job.cancel.cancelled() => Err(End::Kill(TranscriptionError::Cancelled)),
            () = sleep(limit) => Err(End::Kill(TranscriptionError::TimedOut { limit })),
            ready = ready => ready,
        };
        let ended = match ready {
            Ok(()) => return Ok(process),
            Err(End::Died) => process.end(self.config.memory_bytes).await,
            Err(End::Kill(error)) => {
                process.kill().await;
                error
            }
        };
        self.shown.store(0, Ordering::Release);
        Err(ended)
    }

    /// Has one clip transcribed. Where it returns a result, the worker is fit for the next one.
    async fn talk(
        &mut self,
        process: &mut Process,
        job: &Job,
    ) -> Result<Result<Transcript, TranscriptionError>, End> {
        self.last_id += 1;
        let id = self.last_id;
        let order = Order::Transcribe(Task {
            id,
            language: job.language.clone(),
            prompt: job.prompt.clone(),
            wants_times: job.wants_times,
            threads: self.config.threads,
            samples: u32::try_from(job.samples.len()).unwrap_or(u32::MAX),
        });
        let limit = self.config.part_limit;
        let work = async {
            process
                .order(&order, &job.samples)
                .await
                .map_err(|_| End::Died)?;
            tokio::select! {
                biased;
                () = job.cancel.cancelled() => give_up(process, id).await,
                result = self.result(process, job, id) => result,
            }
        };
        timeout(limit, work)
            .await
            .unwrap_or(Err(End::Kill(TranscriptionError::TimedOut { limit })))
    }

    async fn result(
        &self,
        process: &mut Process,
        job: &Job,
        id: u64,
    ) -> Result<Result<Transcript, TranscriptionError>, End> {
        loop {
            match process.report().await.ok_or(End::Died)? {
                Report::Progress { id: of, percent } if of == id => {
                    if let Some(progress) = &job.progress {
                        progress(f32::from(percent.min(100)) / 100.0);
                    }
                }
                Report::Done {
                    id: of,
                    segments,
                    language,
                } if of == id => {
                    let duration = duration_of(job.samples.len(), RATE);
                    let segments = segments.into_iter().map(timed).collect();
                    return Ok(Ok(Transcript::of(segments, language, duration)));
                }
                Report::Failed {
                    id: Some(of),
                    fault,
                    reason,
                } if of == id => return Ok(Err(self.failure(fault, reason))),
                _ => return Err(End::Kill(nonsense())),
            }
        }
    }

    fn failure(&self, fault: Fault, reason: String) -> TranscriptionError {
        match fault {
            Fault::Model => TranscriptionError::ModelBroken {
                path: self.config.model.clone(),
                reason,
            },
            Fault::Memory => TranscriptionError::OutOfMemory {
                limit_bytes: self.config.memory_bytes,
            },
            Fault::Language => TranscriptionError::Setting {
                field: "language",
                reason,
            },
            Fault::Cancelled => TranscriptionError::Cancelled,
            Fault::Engine => TranscriptionError::Failed {
                engine: "whisper",
                reason,
                is_transient: false,
            },
        }
    }
}

/// Has the worker give up a clip, and waits until it has.
async fn give_up(
    process: &mut Process,
    id: u64,
) -> Result<Result<Transcript, TranscriptionError>, End> {
    let order = Order::Cancel { id };
    let given_up = async {
        process.order(&order, &[]).await.map_err(|_| End::Died)?;
        loop {
            match process.report().await.ok_or(End::Died)? {
                Report::Done { id: of, .. } | Report::Failed { id: Some(of), .. } if of == id => {
                    return Ok(Err(TranscriptionError::Cancelled));
                }
                Report::Progress { .. } => {}
                _ => return Err(End::Kill(nonsense())),
            }
        }
    };
    let given_up = timeout(GIVE_UP, given_up).await;
    given_up.unwrap_or(Err(End::Kill(TranscriptionError::Cancelled)))
}

fn timed(heard: Heard) -> Segment {
    Segment {
        start: Duration::from_millis(heard.start_ms),
        end: Duration::from_millis(heard.end_ms),
        text: heard.text,
    }
}

fn nonsense() -> TranscriptionError {
    TranscriptionError::WorkerDied {
        reason: "it said something else than was asked, and was ended".to_owned(),
    }
}
