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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::TestApp;

    #[tokio::test]
    async fn without_a_position_only_what_comes_is_streamed() {
        let test = TestApp::new();
        test.task("before").await;
        let any = EventFilter::default;
        let mut live = test.app.subscribe(None, any()).unwrap();
        let mut all = test.app.subscribe(Some(0), any()).unwrap();
        test.task("after").await;

        assert_eq!(live.next().await.unwrap().unwrap().seq, 2);
        assert_eq!(all.next().await.unwrap().unwrap().seq, 1);
        let page = test
            .app
            .list_events(any(), Direction::Descending, None, 1)
            .await
            .unwrap();
        assert_eq!((page.items[0].seq, page.next), (2, Some(2)));
    }
}
