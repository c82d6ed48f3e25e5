//! Opening, reading, writing, closing.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use hearth_domain::IdSource;
use hearth_domain::event::{Event, Seq};
use hearth_domain::event_filter::EventFilter;
use r2d2_sqlite::SqliteConnectionManager;
use rusqlite::{Connection, OpenFlags};
use tokio::sync::{Semaphore, broadcast, oneshot};
use tracing::error;

use crate::checkpoint;
use crate::error::{OpenError, StoreError};
use crate::event_stream::EventStream;
use crate::migrate::{self, Prepared};
use crate::pragmas;
use crate::read_tx::ReadTx;
use crate::write_tx::{Shield, WriteTx};
use crate::writer::{Job, Ran, Since, Writer, WriterParts};

/// How many events a subscriber may be behind before it reads from the table again.
const BUS_EVENTS: usize = 1024;
/// Connections for reading: more than cores, since one may wait for the disk.
const READERS: u32 = 4;
/// Reads that may run on threads of their own at once; the other connections stay free for
/// [`Store::read_now`].
const SLOW_READS: usize = 3;

/// How to open a store.
#[derive(Debug, Clone)]
pub struct Config {
    /// The database file; its folder exists.
    pub path: PathBuf,
}

/// Gauges for whoever measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoreGauges {
    /// Closures that wait for the writer.
    pub writes_waiting: usize,
    /// The last committed event.
    pub last_seq: Seq,
}

/// The database of one node. Cheap to clone; the last clone dropped, or [`Store::close`], ends it.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    writer: Writer,
    readers: r2d2::Pool<SqliteConnectionManager>,
    slow_reads: Arc<Semaphore>,
    /// Weak, so that the bus ends with the writer and tells its listeners so.
    bus: broadcast::WeakSender<Arc<Event>>,
    path: PathBuf,
    /// Joined at the end. A mutex because closing takes them through a shared reference.
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store")
            .field("path", &self.inner.path)
            .finish_non_exhaustive()
    }
}

impl Store {
    /// Opens the database at `config.path`; makes it, or migrates it, where needed.
    ///
    /// # Errors
    /// See [`OpenError`]; whatever the error, the file is as it was.
    pub fn open(config: &Config, ids: Arc<dyn IdSource>) -> Result<Self, OpenError> {
        open_with(config, ids, migrate::MIGRATIONS)
    }

    /// Runs `work` on one snapshot, on a thread where it may take its time.
    ///
    /// # Errors
    /// Whatever `work` returns, or that no connection came free.
    pub async fn read<T, E>(
        &self,
        work: impl FnOnce(&ReadTx<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let permit = Arc::clone(&self.inner.slow_reads)
            .acquire_owned()
            .await
            .map_err(|_| StoreError::Closed)?;
        let inner = Arc::clone(&self.inner);
        let task = tokio::task::spawn_blocking(move || {
            // Given back when the connection is, though the caller may have gone before.
            let _permit = permit;
            let mut conn = inner.readers.get().map_err(StoreError::from)?;
            let tx = conn.transaction().map_err(StoreError::from)?;
            work(&ReadTx::new(&tx))
        });
        task.await.map_err(|_| StoreError::Panicked)?
    }

    /// Runs `work`, one or two look-ups by key, on the calling thread: a few microseconds, less
    /// than handing them to another thread would take. The look-ups share no snapshot.
    ///
    /// # Errors
    /// Whatever `work` returns, or that no connection came free.
    pub fn read_now<T, E: From<StoreError>>(
        &self,
        work: impl FnOnce(&ReadTx<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let conn = self.inner.readers.get().map_err(StoreError::from)?;
        work(&ReadTx::new(&conn))
    }

    /// Runs `work` on the writer thread, and answers when its change is on disk. If it returns an
    /// error, nothing it wrote remains. It must not wait for anything.
    ///
    /// # Errors
    /// Whatever `work` returns; [`StoreError::Busy`] at once when the queue is full;
    /// [`StoreError::NoRoom`] when the disk is.
    pub async fn write<T, E>(
        &self,
        work: impl FnOnce(&mut WriteTx<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        self.submit(Shield::Savepoint, work).await
    }

    /// As [`Store::write`], for `work` that refuses before its first write if it refuses at all: a
    /// third faster. Where a write fails all the same, the others of its transaction fail too, with
    /// [`StoreError::Busy`], and nothing of any of them remains.
    ///
    /// # Errors
    /// As [`Store::write`].
    pub async fn write_checked<T, E>(
        &self,
        work: impl FnOnce(&mut WriteTx<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        self.submit(Shield::CheckedFirst, work).await
    }

    async fn submit<T, E>(
        &self,
        shield: Shield,
        work: impl FnOnce(&mut WriteTx<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let (sender, receiver) = oneshot::channel();
        let run = move |tx: Result<&mut WriteTx<'_>, StoreError>| {
            // Caught, so that one panic does not end all writes for the life of the process.
            let run = AssertUnwindSafe(|| tx.map_err(E::from).and_then(work));
            let outcome = catch_unwind(run).unwrap_or_else(|_| {
                error!("a write panicked and was rolled back");
                Err(StoreError::Panicked.into())
            });
            Ran {
                keep: outcome.is_ok(),
                answer: Box::new(move |commit| {
                    let answer = match commit {
                        Ok(()) => outcome,
                        // What it refused stays refused, whatever became of the others.
                        Err(failure) => outcome.and(Err(failure.into())),
                    };
                    // An error means that the caller went away; the change stands all the same.
                    let _ = sender.send(answer);
                }),
            }
        };
        self.inner.writer.submit(Job {
            shield,
            run: Box::new(run),
        })?;
        receiver.await.map_err(|_| StoreError::Closed)?
    }

    /// Streams every event after `after` that `filter` wants: those stored first, then live ones.
    pub fn subscribe(&self, after: Seq, filter: EventFilter) -> EventStream {
        let live = match self.inner.bus.upgrade() {
            Some(bus) => bus.subscribe(),
            None => broadcast::channel(1).1,
        };
        EventStream::new(self.clone(), live, after, filter)
    }

    /// Returns what can be measured at any moment.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn gauges(&self) -> Result<StoreGauges, StoreError> {
        let last_seq = self.read_now(|tx| crate::events::last_seq(tx))?;
        Ok(StoreGauges {
            writes_waiting: self.inner.writer.waiting(),
            last_seq,
        })
    }

    /// Returns the database file.
    pub fn path(&self) -> &Path {
        &self.inner.path
    }

    /// Finishes what is queued, tidies the database up and ends the threads. Later writes fail
    /// with [`StoreError::Closed`].
    pub fn close(&self) {
        self.inner.close();
    }
}

impl Inner {
    fn close(&self) {
        self.writer.close();
        let threads =
            std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        for thread in threads {
            // A thread that panicked has said so; there is nothing left to save.
            let _ = thread.join();
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.close();
    }
}

/// Opens with a list of migrations, so that tests can add one.
pub(crate) fn open_with(
    config: &Config,
    ids: Arc<dyn IdSource>,
    migrations: &[&str],
) -> Result<Store, OpenError> {
    pragmas::check_sqlite_version()?;
    let prepared = migrate::prepare(&config.path, migrations)?;
    let sqlite = |act| move |source| OpenError::Sqlite { act, source };

    let conn = open_existing(&config.path).map_err(sqlite("open the database for writing"))?;
    pragmas::for_writer(&conn).map_err(sqlite("set up the database for writing"))?;
    let checkpointer =
        open_existing(&config.path).map_err(sqlite("open the database for checkpoints"))?;
    pragmas::for_checkpointer(&checkpointer).map_err(sqlite("set up checkpoints"))?;

    let manager = SqliteConnectionManager::file(&config.path)
        .with_flags(OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)
        .with_init(|conn| pragmas::for_reader(conn));
    let readers = r2d2::Pool::builder()
        .max_size(READERS)
        .min_idle(Some(1))
        .test_on_check_out(false)
        .connection_timeout(Duration::from_secs(5))
        .build(manager)?;

    let (bus, _) = broadcast::channel(BUS_EVENTS);
    // One place: a second ring while the first waits says nothing new.
    let (ring, wake) = std::sync::mpsc::sync_channel(1);
    let thread = |source| OpenError::File {
        act: "start a thread for",
        path: config.path.clone(),
        source,
    };
    let checkpoints = checkpoint::start(checkpointer, wake).map_err(thread)?;
    let parts = WriterParts {
        conn,
        ids,
        bus,
        checkpoint: ring,
        since: Since::default(),
    };
    let bus = parts.bus.downgrade();
    let (writer, writes) = Writer::start(parts).map_err(thread)?;
    if prepared == Prepared::Present {
        migrate::forget_old(&config.path, migrations)?;
    }
    Ok(Store {
        inner: Arc::new(Inner {
            writer,
            readers,
            slow_reads: Arc::new(Semaphore::new(SLOW_READS)),
            bus,
            path: config.path.clone(),
            threads: Mutex::new(vec![writes, checkpoints]),
        }),
    })
}

/// Opens a file that must be there: a blank database is never made by accident.
pub(crate) fn open_existing(path: &Path) -> rusqlite::Result<Connection> {
    Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )
}

#[cfg(test)]
mod tests;
