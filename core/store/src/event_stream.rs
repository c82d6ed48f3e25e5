//! One subscriber's events: those stored first, then live ones, without a gap or a repeat.
//!
//! The table is the truth and the bus a doorbell. The stream keeps the position of the last event
//! it has dealt with; whenever the bus skips ahead of it, it reads from the table again.

use std::collections::VecDeque;
use std::sync::Arc;

use hearth_domain::event::{Event, Seq};
use hearth_domain::event_filter::EventFilter;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use crate::error::StoreError;
use crate::events::{self, Direction};
use crate::store::Store;

/// How many events are read from the table at a time.
const PAGE: usize = 256;

/// A subscription. Waiting for the next event may be given up and begun again without loss.
#[derive(Debug)]
pub struct EventStream {
    store: Store,
    live: broadcast::Receiver<Arc<Event>>,
    filter: EventFilter,
    /// Every event up to here was delivered or not wanted.
    cursor: Seq,
    /// Events read from the table and not yet delivered.
    page: VecDeque<Arc<Event>>,
    /// Whether the table may hold events after the cursor that the bus will not bring.
    is_behind: bool,
}

impl EventStream {
    pub(crate) fn new(
        store: Store,
        live: broadcast::Receiver<Arc<Event>>,
        after: Seq,
        filter: EventFilter,
    ) -> Self {
        Self {
            store,
            live,
            filter,
            cursor: after.max(0),
            page: VecDeque::new(),
            is_behind: true,
        }
    }

    /// Returns the position up to which everything was delivered or not wanted.
    pub fn cursor(&self) -> Seq {
        self.cursor
    }

    /// Waits for the next event that is wanted. `None` means the store is closed.
    ///
    /// # Errors
    /// The table cannot be read; asking again goes on from the same position.
    pub async fn next(&mut self) -> Result<Option<Arc<Event>>, StoreError> {
        loop {
            if let Some(event) = self.page.pop_front() {
                self.cursor = event.seq;
                return Ok(Some(event));
            }
            if self.is_behind {
                self.read_page().await?;
                continue;
            }
            match self.live.recv().await {
                Ok(event) if event.seq <= self.cursor => (),
                Ok(event) if event.seq == self.cursor + 1 => {
                    self.cursor = event.seq;
                    if self.filter.matches(&event) {
                        return Ok(Some(event));
                    }
                }
                Ok(_) | Err(RecvError::Lagged(_)) => self.is_behind = true,
                Err(RecvError::Closed) => return Ok(None),
            }
        }
    }

    /// Reads the next page from the table. Where that was the last, everything committed until
    /// then is dealt with, wanted or not.
    async fn read_page(&mut self) -> Result<(), StoreError> {
        let (filter, cursor) = (self.filter.clone(), self.cursor);
        let (page, last) = self
            .store
            .read(move |tx| {
                let last = events::last_seq(tx)?;
                let page = events::list(tx, &filter, Direction::Ascending, Some(cursor), PAGE)?;
                Ok::<_, StoreError>((page, last))
            })
            .await?;
        self.is_behind = page.next.is_some();
        if page.items.is_empty() {
            self.cursor = self.cursor.max(last);
        }
        self.page = page.items.into_iter().map(Arc::new).collect();
        Ok(())
    }
}

#[cfg(test)]
mod tests;
