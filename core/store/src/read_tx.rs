//! What a read closure gets.

use rusqlite::Connection;

/// A transaction that can be read from: a [`ReadTx`] or a [`crate::WriteTx`].
pub trait Tx {
    /// Returns the connection, for this crate's own queries.
    #[doc(hidden)]
    fn conn(&self) -> &Connection;
}

/// One snapshot of the database.
#[derive(Debug)]
pub struct ReadTx<'a> {
    conn: &'a Connection,
}

impl<'a> ReadTx<'a> {
    pub(crate) fn new(conn: &'a Connection) -> Self {
        Self { conn }
    }
}

impl Tx for ReadTx<'_> {
    fn conn(&self) -> &Connection {
        self.conn
    }
}
