//! The real clock and the real source of identifiers: the one place where either is asked.

use std::sync::{Arc, PoisonError, RwLock};

use hearth_domain::{Clock, IdSource, Timestamp};
use jiff::tz::TimeZone;
use uuid::Uuid;

/// The system's clock.
#[derive(Debug, Clone, Default)]
pub struct SystemClock {
    /// The zone that the settings name; the system's own where they name none. A lock of the standard
    /// library, held for a copy: the owner may name another one while the clock is in use.
    zone: Arc<RwLock<Option<TimeZone>>>,
}

impl SystemClock {
    /// A clock for a person in a zone.
    pub fn in_zone(zone: Option<TimeZone>) -> Self {
        Self {
            zone: Arc::new(RwLock::new(zone)),
        }
    }

    /// Moves the person to another zone, for this clock and its clones.
    pub fn set_zone(&self, zone: Option<TimeZone>) {
        *self.zone.write().unwrap_or_else(PoisonError::into_inner) = zone;
    }
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
        let named = self.zone.read().unwrap_or_else(PoisonError::into_inner);
        named.clone().unwrap_or_else(TimeZone::system)
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
