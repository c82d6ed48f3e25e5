//! The checkpointer: moves pages from the WAL into the database on a thread of its own, so that no
//! write waits for it.

use std::path::{Path, PathBuf};
use std::sync::mpsc::Receiver;
use std::thread::JoinHandle;

use rusqlite::Connection;
use tracing::warn;

/// The WAL is left alone while it is smaller: copying each page once for many changes is the gain.
const WAL_SMALL_BYTES: u64 = 4 << 20;
/// Above this the writer is made to wait until the WAL can begin anew, so that it cannot grow for
/// as long as writes keep coming.
const WAL_LARGE_BYTES: u64 = 64 << 20;

/// Starts the thread; it ends when the sender of `wake` is dropped.
pub(crate) fn start(
    conn: Connection,
    database: &Path,
    wake: Receiver<()>,
) -> std::io::Result<JoinHandle<()>> {
    let wal = wal_path(database);
    std::thread::Builder::new()
        .name("store-checkpoint".into())
        .spawn(move || {
            while wake.recv().is_ok() {
                if let Err(error) = checkpoint(&conn, &wal) {
                    warn!(%error, "a checkpoint failed; the next one tries again");
                }
            }
        })
}

fn checkpoint(conn: &Connection, wal: &Path) -> rusqlite::Result<()> {
    let size = std::fs::metadata(wal).map_or(0, |meta| meta.len());
    let mode = match size {
        ..WAL_SMALL_BYTES => return Ok(()),
        WAL_SMALL_BYTES..WAL_LARGE_BYTES => "PASSIVE",
        WAL_LARGE_BYTES.. => "TRUNCATE",
    };
    conn.query_row(&format!("PRAGMA wal_checkpoint({mode})"), [], |_| Ok(()))
}

fn wal_path(database: &Path) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push("-wal");
    name.into()
}
