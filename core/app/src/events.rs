//! Operations on events.

use hearth_domain::event::{Event, Seq};
use hearth_domain::event_filter::EventFilter;
use hearth_store::{EventStream, Page, events};

pub use hearth_store::events::Direction;

use crate::app::App;
use crate::error::AppError;

impl App {
    /// Returns a page of events.
    ///
    /// # Errors
    /// The store failed.
    pub async fn list_events(
        &self,
        filter: EventFilter,
        direction: Direction,
        cursor: Option<Seq>,
        limit: usize,
    ) -> Result<Page<Event, Seq>, AppError> {
        self.store()
            .read(move |tx| Ok(events::list(tx, &filter, direction, cursor, limit)?))
            .await
    }

    /// Streams events after `after`, stored ones first, then live ones; without it, live ones only.
    ///
    /// # Errors
    /// The store failed.
    pub fn subscribe(
        &self,
        after: Option<Seq>,
        filter: EventFilter,
    ) -> Result<EventStream, AppError> {
        let after = match after {
            Some(seq) => seq,
            None => self.store().read_now(|tx| events::last_seq(tx))?,
        };
        Ok(self.store().subscribe(after, filter))
    }
}
