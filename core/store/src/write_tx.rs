//! What a write closure gets: a transaction, and the events to announce once it is committed.

use std::cell::Cell;
use std::sync::Arc;

use hearth_domain::event::{Event, EventKind};
use hearth_domain::{EventId, Timestamp};
use rusqlite::{Connection, OptionalExtension, Params};
use uuid::Uuid;

use crate::error::StoreError;
use crate::events;
use crate::read_tx::Tx;
use crate::text_index::TextChange;

/// How the others in a transaction are shielded from a closure that fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shield {
    /// By a savepoint: the closure may fail at any point.
    Savepoint,
    /// The closure checks everything before its first write. If a write fails all the same, the
    /// database is in trouble, and the whole transaction is given up. A savepoint costs about a
    /// third of a small write.
    CheckedFirst,
}

/// What is left to do for a closure whose changes stay.
pub(crate) struct Kept {
    /// To be announced after the commit.
    pub(crate) events: Vec<Arc<Event>>,
    /// To be made right before the commit.
    pub(crate) texts: Vec<TextChange>,
}

/// One closure's part of the transaction under way.
pub struct WriteTx<'a> {
    conn: &'a Connection,
    next_event_id: &'a mut dyn FnMut() -> Uuid,
    events: Vec<Arc<Event>>,
    texts: Vec<TextChange>,
    shield: Shield,
    /// Whether anything was written. The first write sets the savepoint, so that a closure which
    /// only looks and refuses costs none.
    has_written: Cell<bool>,
}

impl Tx for WriteTx<'_> {
    fn conn(&self) -> &Connection {
        self.conn
    }
}

impl<'a> WriteTx<'a> {
    pub(crate) fn new(
        conn: &'a Connection,
        next_event_id: &'a mut dyn FnMut() -> Uuid,
        shield: Shield,
    ) -> Self {
        Self {
            conn,
            next_event_id,
            events: Vec::new(),
            texts: Vec::new(),
            shield,
            has_written: Cell::new(false),
        }
    }

    /// Runs one statement that changes rows; returns how many.
    pub(crate) fn execute(&self, sql: &str, params: impl Params) -> Result<usize, StoreError> {
        if !self.has_written.replace(true) && self.shield == Shield::Savepoint {
            self.conn.prepare_cached("SAVEPOINT closure")?.execute([])?;
        }
        Ok(self.conn.prepare_cached(sql)?.execute(params)?)
    }

    /// Appends an event about the thing `entity_id`, caused by `agent_name`.
    pub(crate) fn append(
        &mut self,
        entity_id: Uuid,
        agent_name: &str,
        at: Timestamp,
        kind: &EventKind,
    ) -> Result<(), StoreError> {
        let id = EventId((self.next_event_id)());
        let event = events::insert(self, id, entity_id, agent_name, at, kind)?;
        self.events.push(Arc::new(event));
        Ok(())
    }

    /// Returns an identifier that nobody has used.
    pub fn fresh_uuid(&mut self) -> Uuid {
        (self.next_event_id)()
    }

    /// Returns the number that the next row of a table gets. Numbers are never used again.
    pub(crate) fn next_number(&self, table: &'static str) -> Result<i64, StoreError> {
        let last: Option<i64> = self
            .conn
            .prepare_cached("SELECT seq FROM sqlite_sequence WHERE name = ?1")?
            .query_row([table], |row| row.get(0))
            .optional()?;
        Ok(last.unwrap_or(0) + 1)
    }

    /// Notes a change for the full-text index, to be made right before the commit.
    pub(crate) fn index_text(&mut self, change: TextChange) {
        self.texts.push(change);
    }

    /// Keeps what the closure wrote; returns what is left to do with the commit.
    pub(crate) fn keep(self) -> Result<Kept, StoreError> {
        if self.has_written.get() && self.shield == Shield::Savepoint {
            self.conn.prepare_cached("RELEASE closure")?.execute([])?;
        }
        Ok(Kept {
            events: self.events,
            texts: self.texts,
        })
    }

    /// Undoes what the closure wrote, and nothing else; fails where only the whole transaction can
    /// be undone.
    pub(crate) fn undo(self) -> Result<(), StoreError> {
        // Some errors, a full disk among them, end the whole transaction by themselves.
        if !self.has_written.get() || self.conn.is_autocommit() {
            return Ok(());
        }
        match self.shield {
            Shield::Savepoint => {
                self.conn
                    .prepare_cached("ROLLBACK TO closure")?
                    .execute([])?;
                self.conn.prepare_cached("RELEASE closure")?.execute([])?;
                Ok(())
            }
            Shield::CheckedFirst => Err(StoreError::Busy),
        }
    }
}
