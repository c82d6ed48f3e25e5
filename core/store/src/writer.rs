//! The writer thread: takes the closures that wait, runs them in one transaction, commits once,
//! then answers. One fsync serves many writes.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;

use hearth_domain::IdSource;
use hearth_domain::event::Event;
use rusqlite::Connection;
use tokio::sync::broadcast;
use tracing::{error, warn};

use crate::error::StoreError;
use crate::write_tx::WriteTx;

/// How many closures may wait. A full queue is answered with [`StoreError::Busy`] at once.
pub(crate) const QUEUE: usize = 256;
/// How many closures share a commit.
const BATCH: usize = 256;

/// What became of a closure inside the transaction, told to its caller after the commit.
type Answer = Box<dyn FnOnce(Result<(), StoreError>) + Send>;

/// A closure on its way to the writer: it runs inside the transaction and returns how to answer.
pub(crate) type Job = Box<dyn FnOnce(&mut WriteTx<'_>) -> Ran + Send>;

/// A closure that has run.
pub(crate) struct Ran {
    /// Whether its changes stay, if the commit succeeds.
    pub(crate) keep: bool,
    /// Tells the caller, with the fate of the commit.
    pub(crate) answer: Answer,
}

/// A message to the writer thread.
enum Message {
    Job(Job),
    Close,
}

/// The way to the writer thread.
pub(crate) struct Writer {
    sender: SyncSender<Message>,
    waiting: Arc<AtomicUsize>,
}

/// What the writer thread works with.
pub(crate) struct WriterParts {
    pub(crate) conn: Connection,
    pub(crate) ids: Arc<dyn IdSource>,
    pub(crate) bus: broadcast::Sender<Arc<Event>>,
    /// Rung after commits, so that the checkpointer looks at the WAL. Full means it was rung.
    pub(crate) checkpoint: SyncSender<()>,
}

impl Writer {
    /// Starts the thread.
    pub(crate) fn start(parts: WriterParts) -> std::io::Result<(Self, JoinHandle<()>)> {
        let (sender, receiver) = sync_channel(QUEUE);
        let waiting = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&waiting);
        let thread = std::thread::Builder::new()
            .name("store-writer".into())
            .spawn(move || run(parts, &receiver, &counter))?;
        Ok((Self { sender, waiting }, thread))
    }

    /// Puts a closure in the queue, or says at once that it is full.
    pub(crate) fn submit(&self, job: Job) -> Result<(), StoreError> {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        self.sender.try_send(Message::Job(job)).map_err(|refused| {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            match refused {
                TrySendError::Full(_) => StoreError::Busy,
                TrySendError::Disconnected(_) => StoreError::Closed,
            }
        })
    }

    /// Ends the thread after what is queued.
    pub(crate) fn close(&self) {
        // An error means that the thread is gone already.
        let _ = self.sender.send(Message::Close);
    }

    /// Returns how many closures wait.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }
}

fn run(mut parts: WriterParts, receiver: &Receiver<Message>, waiting: &AtomicUsize) {
    loop {
        let mut jobs = Vec::new();
        let mut is_closing = false;
        match receiver.recv() {
            Ok(Message::Job(job)) => jobs.push(job),
            Ok(Message::Close) | Err(_) => break,
        }
        while jobs.len() < BATCH {
            match receiver.try_recv() {
                Ok(Message::Job(job)) => jobs.push(job),
                Ok(Message::Close) => {
                    is_closing = true;
                    break;
                }
                Err(_) => break,
            }
        }
        waiting.fetch_sub(jobs.len(), Ordering::Relaxed);
        run_batch(&mut parts, jobs);
        if is_closing {
            break;
        }
    }
    close(&parts.conn);
}

fn run_batch(parts: &mut WriterParts, jobs: Vec<Job>) {
    let size = u32::try_from(jobs.len()).unwrap_or(u32::MAX);
    metrics::histogram!("hearth_store_commit_batch_size").record(f64::from(size));
    let mut answers: Vec<Answer> = Vec::with_capacity(jobs.len());
    let mut events: Vec<Arc<Event>> = Vec::with_capacity(jobs.len());
    let mut jobs = jobs.into_iter();
    while let Some(job) = jobs.next() {
        // Begun here and not before the loop: an error may have ended the transaction.
        if parts.conn.is_autocommit()
            && let Err(failure) = begin(&parts.conn)
        {
            let text = failure.to_string();
            fail(answers, &failure);
            run_none(job, &parts.conn, &text);
            jobs.for_each(|job| run_none(job, &parts.conn, &text));
            return;
        }
        let ids = Arc::clone(&parts.ids);
        let mut next_id = move || ids.next_uuid();
        let mut tx = WriteTx::new(&parts.conn, &mut next_id);
        let ran = catch_unwind(AssertUnwindSafe(|| job(&mut tx)));
        let kept = match ran {
            Ok(Ran { keep: true, answer }) => match tx.keep() {
                Ok(mut new) => {
                    events.append(&mut new);
                    answers.push(answer);
                    Ok(())
                }
                Err(failure) => {
                    answer(Err(copy(&failure)));
                    Err(failure)
                }
            },
            Ok(Ran {
                keep: false,
                answer,
            }) => {
                let undone = tx.undo();
                answers.push(answer);
                undone
            }
            Err(_) => {
                // The caller learns of it by its answer being dropped.
                error!("a write panicked and was rolled back");
                tx.undo()
            }
        };
        if let Err(failure) = kept {
            error!(error = %failure, "a savepoint could not be ended, the transaction is rolled back");
            rollback(&parts.conn);
        }
        if parts.conn.is_autocommit() {
            // The transaction is gone, and with it what the earlier closures wrote.
            fail(std::mem::take(&mut answers), &StoreError::NoRoom);
            events.clear();
        }
    }
    commit(parts, answers, events);
}

fn commit(parts: &WriterParts, answers: Vec<Answer>, events: Vec<Arc<Event>>) {
    if !parts.conn.is_autocommit() {
        let done = parts
            .conn
            .prepare_cached("COMMIT")
            .and_then(|mut statement| statement.execute([]));
        if let Err(failure) = done {
            let failure = StoreError::from(failure);
            warn!(error = %failure, "a commit failed and was rolled back");
            rollback(&parts.conn);
            fail(answers, &failure);
            return;
        }
    }
    let has_changed = !events.is_empty();
    for event in events {
        // An error means that nobody listens.
        let _ = parts.bus.send(event);
    }
    answers.into_iter().for_each(|answer| answer(Ok(())));
    if has_changed {
        let _ = parts.checkpoint.try_send(());
    }
}

fn begin(conn: &Connection) -> Result<(), StoreError> {
    conn.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
    Ok(())
}

fn rollback(conn: &Connection) {
    if !conn.is_autocommit()
        && let Err(failure) = conn.execute_batch("ROLLBACK")
    {
        error!(error = %failure, "a rollback failed");
    }
}

fn fail(answers: Vec<Answer>, failure: &StoreError) {
    answers
        .into_iter()
        .for_each(|answer| answer(Err(copy(failure))));
}

/// Fails a closure that never ran, because no transaction could be begun.
fn run_none(job: Job, _conn: &Connection, problem: &str) {
    warn!(
        problem,
        "a write was dropped because no transaction could be begun"
    );
    // Dropping the closure drops its answer, which its caller sees as a failed write.
    drop(job);
}

/// The shared failure of a commit, once for each who shared it.
fn copy(failure: &StoreError) -> StoreError {
    match failure {
        StoreError::NoRoom => StoreError::NoRoom,
        StoreError::Busy => StoreError::Busy,
        other => StoreError::Commit(other.to_string()),
    }
}

fn close(conn: &Connection) {
    // 400 rows of each index tell the planner enough; the default would read them all.
    let tidied = conn.execute_batch(
        "PRAGMA analysis_limit = 400; PRAGMA optimize; PRAGMA wal_checkpoint(TRUNCATE);",
    );
    if let Err(failure) = tidied {
        warn!(error = %failure, "the last checkpoint failed; the next start does it");
    }
}
