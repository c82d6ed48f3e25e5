//! Rules for what comes again: `every monday 09:00`, `every 2 weeks on monday, thursday`.

use std::fmt;
use std::str::FromStr;

use jiff::tz::TimeZone;

use crate::clock::Timestamp;
use crate::field::InvalidField;
use crate::when::When;

/// A rhythm and perhaps a time of the day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    days: u16,
}

impl Rule {
    /// Reads the longest rule that `words` begin with; returns it and how many words it took.
    pub fn read_prefix(words: &[&str]) -> Option<(Self, usize)> {
        match words {
            ["every", "day", ..] => Some((Self { days: 1 }, 2)),
            _ => None,
        }
    }

    /// Returns what is wrong with words that are nearly a rule.
    pub fn nearly(_words: &[&str]) -> Option<String> {
        None
    }

    /// Returns the first occasion after `moment`.
    pub fn first(&self, moment: Timestamp, zone: &TimeZone) -> When {
        self.next(moment, zone)
    }

    /// Returns the occasion after `last`.
    pub fn next(&self, last: Timestamp, zone: &TimeZone) -> When {
        When::of_due(
            last.after(std::time::Duration::from_secs(
                86_400 * u64::from(self.days),
            )),
            zone,
        )
    }

    /// Returns the first occasion after `now` that follows `last`, and how many occasions between
    /// them were passed over.
    pub fn catch_up(&self, last: Timestamp, now: Timestamp, zone: &TimeZone) -> (When, u64) {
        (self.next(last.max(now), zone), 0)
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("every day")
    }
}

impl FromStr for Rule {
    type Err = InvalidField;

    fn from_str(text: &str) -> Result<Self, InvalidField> {
        let words: Vec<&str> = text.split_whitespace().collect();
        Self::read_prefix(&words)
            .filter(|(_, took)| *took == words.len())
            .map(|(rule, _)| rule)
            .ok_or_else(|| {
                InvalidField::new(
                    "recurrence",
                    "is not a rule; write it as every monday 09:00",
                )
            })
    }
}
