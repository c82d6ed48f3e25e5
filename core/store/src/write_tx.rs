//! What a write closure gets: a transaction, and the events to announce once it is committed.

use std::cell::Cell;
use std::sync::Arc;

use hearth_domain::event::{Event, EventKind};
use hearth_domain::{EventId, Timestamp};
use rusqlite::{Connection, Params};
use uuid::Uuid;

use crate::error::StoreError;
use crate::events;
use crate::read_tx::Tx;

/// One closure's part of the transaction under way.
pub struct WriteTx<'a> {
    conn: &'a Connection,
    next_event_id: &'a mut dyn FnMut() -> Uuid,
    events: Vec<Arc<Event>>,
    /// Whether the savepoint that shields the others from this closure was set. It is set by the
    /// first write, so that a closure which only looks and refuses costs none.
    has_savepoint: Cell<bool>,
}

impl Tx for WriteTx<'_> {
    fn conn(&self) -> &Connection {
        self.conn
    }
}

impl<'a> WriteTx<'a> {
    pub(crate) fn new(conn: &'a Connection, next_event_id: &'a mut dyn FnMut() -> Uuid) -> Self {
        Self {
            conn,
            next_event_id,
            events: Vec::new(),
            has_savepoint: Cell::new(false),
        }
    }

    /// Runs one statement that changes rows; returns how many.
    pub(crate) fn execute(&self, sql: &str, params: impl Params) -> Result<usize, StoreError> {
        if !self.has_savepoint.get() {
            self.conn.prepare_cached("SAVEPOINT closure")?.execute([])?;
            self.has_savepoint.set(true);
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

    /// Keeps what the closure wrote; returns its events.
    pub(crate) fn keep(self) -> Result<Vec<Arc<Event>>, StoreError> {
        if self.has_savepoint.get() {
            self.conn.prepare_cached("RELEASE closure")?.execute([])?;
        }
        Ok(self.events)
    }

    /// Undoes what the closure wrote, and nothing else.
    pub(crate) fn undo(self) -> Result<(), StoreError> {
        // Some errors, a full disk among them, end the whole transaction by themselves.
        if self.has_savepoint.get() && !self.conn.is_autocommit() {
            self.conn
                .prepare_cached("ROLLBACK TO closure")?
                .execute([])?;
            self.conn.prepare_cached("RELEASE closure")?.execute([])?;
        }
        Ok(())
    }
}
