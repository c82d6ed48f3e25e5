//! The real clock and the real source of identifiers: the one place where either is asked.

use hearth_domain::{Clock, IdSource, Timestamp};
use jiff::tz::TimeZone;
use uuid::Uuid;

/// The system's clock.
#[derive(Debug, Clone, Default)]
pub struct SystemClock {
    /// The zone that the settings name; the system's own where they name none.
    pub zone: Option<TimeZone>,
}

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the clock that is handed to everybody else"
    )]
    fn now(&self) -> Timestamp {
        let since_1970 = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap_or_default();
        Timestamp::from_millis(i64::try_from(since_1970.as_millis()).unwrap_or(i64::MAX))
    }

    fn zone(&self) -> TimeZone {
        // Asked each time, because a laptop travels. The answer is kept for some minutes by jiff.
        self.zone.clone().unwrap_or_else(TimeZone::system)
    }
}

/// UUIDs of version 7, ascending within the process.
#[derive(Debug, Clone, Copy, Default)]
pub struct UuidSource;

impl IdSource for UuidSource {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the source that is handed to everybody else"
    )]
    fn next_uuid(&self) -> Uuid {
        Uuid::now_v7()
    }
}
