//! The writer thread: takes the closures that wait, runs them in one transaction, commits once,
//! then answers. One fsync serves many writes.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use hearth_domain::IdSource;
use hearth_domain::event::Event;
use rusqlite::Connection;
use tokio::sync::broadcast;
use tracing::{error, warn};

use crate::error::StoreError;
use crate::text_index::{self, TextChange};
use crate::write_tx::{Shield, WriteTx};

/// How many closures may wait. A full queue is answered with [`StoreError::Busy`] at once.
pub(crate) const QUEUE: usize = 256;
/// How many closures share a commit.
const BATCH: usize = 256;

/// How long the writer gives others to come: a part of what a flush takes.
const GATHER: Duration = Duration::from_micros(100);
/// How many closures share a flush well enough.
const ENOUGH: usize = 64;
/// After how many commits a checkpoint is due: some ten megabytes of WAL when each is small.
const COMMITS_PER_CHECKPOINT: u64 = 256;
/// After how many changed rows it is due at the latest: as much when commits are large.
const CHANGES_PER_CHECKPOINT: u64 = 10_000;

/// What was written since the last checkpoint was asked for.
#[derive(Debug, Default)]
pub(crate) struct Since {
    commits: u64,
    /// As the connection counts them, since it was opened.
    changes_before: u64,
}

/// What became of a closure inside the transaction, told to its caller after the commit.
type Answer = Box<dyn FnOnce(Result<(), StoreError>) + Send>;

/// A closure on its way to the writer: it runs inside the transaction, or takes why there is none,
/// and returns how to answer. It does not panic. Dropped unrun, it means that the writer has ended.
pub(crate) type Closure = Box<dyn FnOnce(Result<&mut WriteTx<'_>, StoreError>) -> Ran + Send>;

/// A closure, and how the others are shielded from its failure.
pub(crate) struct Job {
    pub(crate) shield: Shield,
    pub(crate) run: Closure,
}

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
    /// Rung when a checkpoint is due. Full means that it was rung already.
    pub(crate) checkpoint: SyncSender<()>,
    /// Since it was last rung.
    pub(crate) since: Since,
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
    let mut served = 0;
    loop {
        let mut jobs = Vec::new();
        match receiver.recv() {
            Ok(Message::Job(job)) => jobs.push(job),
            Ok(Message::Close) | Err(_) => break,
        }
        let mut is_closing = drain(receiver, &mut jobs);
        if !is_closing {
            is_closing = gather(receiver, &mut jobs, served);
        }
        served = jobs.len();
        waiting.fetch_sub(jobs.len(), Ordering::Relaxed);
        run_batch(&mut parts, jobs);
        if is_closing {
            break;
        }
    }
    close(&parts.conn);
}

/// Takes what waits, up to a batch; returns whether the thread is to end.
fn drain(receiver: &Receiver<Message>, jobs: &mut Vec<Job>) -> bool {
    while jobs.len() < BATCH {
        match receiver.try_recv() {
            Ok(Message::Job(job)) => jobs.push(job),
            Ok(Message::Close) => return true,
            Err(_) => return false,
        }
    }
    false
}

/// Gives those whom the last commit served a moment to ask again, so that one commit serves them
/// and those who waited meanwhile; otherwise the two take turns, each paying for a flush. A lone
/// caller is never held up. Returns whether the thread is to end.
fn gather(receiver: &Receiver<Message>, jobs: &mut Vec<Job>, served: usize) -> bool {
    let is_alone = jobs.len() + served <= 2;
    if is_alone || jobs.len() >= ENOUGH {
        return false;
    }
    // Asleep rather than at the channel, where each arrival would wake the thread.
    std::thread::sleep(GATHER);
    drain(receiver, jobs)
}

fn run_batch(parts: &mut WriterParts, jobs: Vec<Job>) {
    let size = u32::try_from(jobs.len()).unwrap_or(u32::MAX);
    metrics::histogram!("hearth_store_commit_batch_size").record(f64::from(size));
    let mut answers: Vec<Answer> = Vec::with_capacity(jobs.len());
    let mut events: Vec<Arc<Event>> = Vec::with_capacity(jobs.len());
    let mut texts: Vec<TextChange> = Vec::new();
    let mut jobs = jobs.into_iter();
    while let Some(job) = jobs.next() {
        // Begun here and not before the loop: an error may have ended the transaction.
        if parts.conn.is_autocommit()
            && let Err(failure) = begin(&parts.conn)
        {
            warn!(error = %failure, "no transaction could be begun, writes are refused");
            fail(answers, &failure);
            refuse(job, &failure);
            jobs.for_each(|job| refuse(job, &failure));
            return;
        }
        let ids = Arc::clone(&parts.ids);
        let mut next_id = move || ids.next_uuid();
        let mut tx = WriteTx::new(&parts.conn, &mut next_id, job.shield);
        let kept = match (job.run)(Ok(&mut tx)) {
            Ran { keep: true, answer } => match tx.keep() {
                Ok(mut kept) => {
                    events.append(&mut kept.events);
                    texts.append(&mut kept.texts);
                    answers.push(answer);
                    Ok(())
                }
                Err(failure) => {
                    answer(Err(copy(&failure)));
                    Err(failure)
                }
            },
            Ran {
                keep: false,
                answer,
            } => {
                let undone = tx.undo();
                answers.push(answer);
                undone
            }
        };
        // A full disk ends the transaction by itself; so does giving it up here.
        let failure = match kept {
            Ok(()) => StoreError::NoRoom,
            Err(failure) => {
                warn!(error = %failure, "a transaction was given up and rolled back");
                rollback(&parts.conn);
                failure
            }
        };
        if parts.conn.is_autocommit() {
            // The transaction is gone, and with it what the earlier closures wrote.
            fail(std::mem::take(&mut answers), &failure);
            events.clear();
            texts.clear();
        }
    }
    commit(parts, answers, events, &texts);
}

fn commit(
    parts: &mut WriterParts,
    answers: Vec<Answer>,
    events: Vec<Arc<Event>>,
    texts: &[TextChange],
) {
    if !parts.conn.is_autocommit() {
        let done = text_index::apply(&parts.conn, texts)
            .and_then(|()| parts.conn.prepare_cached("COMMIT")?.execute([]));
        if let Err(failure) = done {
            let failure = StoreError::from(failure);
            warn!(error = %failure, "a commit failed and was rolled back");
            rollback(&parts.conn);
            fail(answers, &failure);
            return;
        }
    }
    for event in events {
        // An error means that nobody listens.
        let _ = parts.bus.send(event);
    }
    for answer in answers {
        answer(Ok(()));
    }
    parts.since.commits += 1;
    let changes = parts.conn.total_changes();
    let is_due = parts.since.commits >= COMMITS_PER_CHECKPOINT
        || changes - parts.since.changes_before >= CHANGES_PER_CHECKPOINT;
    if is_due {
        parts.since = Since {
            commits: 0,
            changes_before: changes,
        };
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
    for answer in answers {
        answer(Err(copy(failure)));
    }
}

/// Fails a closure that does not get to run.
fn refuse(job: Job, failure: &StoreError) {
    ((job.run)(Err(copy(failure))).answer)(Ok(()));
}

/// The shared failure of a transaction, once for each who shared it.
fn copy(failure: &StoreError) -> StoreError {
    match failure {
        StoreError::NoRoom => StoreError::NoRoom,
        StoreError::Busy => StoreError::Busy,
        StoreError::Closed => StoreError::Closed,
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
