//! Time, and where it and fresh identifiers come from. Both are handed in, so that tests decide them.

use std::fmt;
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::field::InvalidField;

/// A moment: milliseconds since 1970 in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// The last millisecond of the year 9999, the last that RFC 3339 can write.
const LATEST_MS: i64 = 253_402_300_799_999;

impl Timestamp {
    /// Takes milliseconds since 1970, held between 1970 and 9999 so that it can always be written.
    pub fn from_millis(millis: i64) -> Self {
        Self(millis.clamp(0, LATEST_MS))
    }

    /// Returns milliseconds since 1970.
    pub fn as_millis(self) -> i64 {
        self.0
    }

    /// Returns the moment `duration` later.
    #[must_use]
    pub fn after(self, duration: Duration) -> Self {
        Self::from_millis(
            self.0
                .saturating_add(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)),
        )
    }

    /// Returns how long after `earlier` this is; zero if it is not after.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// Reads RFC 3339, in any offset.
    ///
    /// # Errors
    /// Names `field` when the text is something else, or outside 1970 to 9999.
    pub fn parse(field: &'static str, text: &str) -> Result<Self, InvalidField> {
        let problem = "is not a date and time; write it as 2026-11-23T09:00:00Z";
        let millis = DateTime::parse_from_rfc3339(text)
            .map_err(|_| InvalidField::new(field, problem))?
            .timestamp_millis();
        if (0..=LATEST_MS).contains(&millis) {
            Ok(Self(millis))
        } else {
            Err(InvalidField::new(
                field,
                "must lie between the years 1970 and 9999",
            ))
        }
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time: DateTime<Utc> = DateTime::from_timestamp_millis(self.0).unwrap_or_default();
        f.write_str(&time.to_rfc3339_opts(SecondsFormat::Millis, true))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse("timestamp", &text).map_err(serde::de::Error::custom)
    }
}

/// Tells the time.
pub trait Clock: Send + Sync + 'static {
    /// Returns the present moment.
    fn now(&self) -> Timestamp;

    /// Returns the time zone the person is in: whose Friday is meant.
    fn zone(&self) -> TimeZone;
}

/// Makes identifiers that nobody has used.
pub trait IdSource: Send + Sync + 'static {
    /// Returns a fresh UUID; successive ones ascend.
    fn next_uuid(&self) -> Uuid;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<&str>) {
        let read = Timestamp::parse("due_at", text).ok();
        assert_eq!(
            read.map(|time| time.to_string()).as_deref(),
            expected,
            "{text}"
        );
    }

    #[test]
    fn rfc_3339_is_read_in_any_offset_and_written_in_utc() {
        check("2026-11-23T09:00:00Z", Some("2026-11-23T09:00:00.000Z"));
        check(
            "2026-11-23T09:00:00.1239+02:00",
            Some("2026-11-23T07:00:00.123Z"),
        );
        check("1970-01-01T00:00:00Z", Some("1970-01-01T00:00:00.000Z"));
        check("9999-12-31T23:59:59.999Z", Some("9999-12-31T23:59:59.999Z"));
        check("2016-12-31T23:59:60Z", Some("2017-01-01T00:00:00.000Z"));
    }

    #[test]
    fn other_text_and_other_years_are_refused_by_the_name_of_the_field() {
        for bad in [
            "",
            "tomorrow",
            "2026-11-23",
            "2026-11-23T09:00:00",
            "2026-13-01T00:00:00Z",
        ] {
            check(bad, None);
        }
        check("1969-12-31T23:59:59.999Z", None);
        check("9999-12-31T23:59:59.999-01:00", None);
        assert_eq!(
            Timestamp::parse("due_at", "soon").unwrap_err().field,
            "due_at"
        );
    }

    #[test]
    fn a_moment_outside_what_can_be_written_is_held_at_the_edge() {
        assert_eq!(Timestamp::from_millis(-1).as_millis(), 0);
        let last = Timestamp::from_millis(i64::MAX);
        assert_eq!(last.to_string(), "9999-12-31T23:59:59.999Z");
        assert_eq!(last.after(Duration::MAX), last);
    }

    #[test]
    fn time_that_went_backwards_counts_as_none() {
        let (early, late) = (Timestamp::from_millis(1000), Timestamp::from_millis(3500));
        assert_eq!(late.since(early), Duration::from_millis(2500));
        assert_eq!(early.since(late), Duration::ZERO);
        assert_eq!(early.after(Duration::from_millis(2500)), late);
    }

    #[test]
    fn json_reads_back() {
        let time = Timestamp::from_millis(1_795_424_400_123);
        let text = serde_json::to_string(&time).unwrap();
        assert_eq!(serde_json::from_str::<Timestamp>(&text).unwrap(), time);
    }
}
