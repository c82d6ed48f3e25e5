//! The checkpointer: moves pages from the WAL into the database on a thread of its own, so that
//! writes wait for little of it.

use std::sync::mpsc::Receiver;
use std::thread::JoinHandle;

use rusqlite::Connection;
use tracing::warn;

/// Starts the thread; it ends when the sender of `due` is dropped.
pub(crate) fn start(conn: Connection, due: Receiver<()>) -> std::io::Result<JoinHandle<()>> {
    std::thread::Builder::new()
        .name("store-checkpoint".into())
        .spawn(move || {
            while due.recv().is_ok() {
                if let Err(error) = checkpoint(&conn) {
                    warn!(%error, "a checkpoint failed; the next one tries again");
                }
            }
        })
}

/// The bulk is copied while writing goes on; then the writer waits for the rest, so that it begins
/// the WAL anew. Without that the WAL grows for as long as writes keep coming. It keeps its blocks:
/// writing over them is cheaper than having the file system find others.
fn checkpoint(conn: &Connection) -> rusqlite::Result<()> {
    for mode in ["PASSIVE", "RESTART"] {
        conn.query_row(&format!("PRAGMA wal_checkpoint({mode})"), [], |_| Ok(()))?;
    }
    Ok(())
}
