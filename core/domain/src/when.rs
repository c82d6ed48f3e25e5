//! Dates as people say them: `tomorrow at 3pm`, `next friday`, `27.11.`, to a moment in a zone.
//!
//! English only. Lower case and missing punctuation are fine, as speech recognition writes.
//! What a phrase is taken to mean, where people differ:
//!
//! - The week begins on Monday. `friday` is the next Friday strictly after today; on a Friday it is
//!   seven days away. `coming friday` is the same. `this friday` may be today. `next friday` is the
//!   Friday of the next calendar week.
//! - `next week`, `next month` and `next year` are their first day. `this week` and `end of week`
//!   are Sunday. `weekend` is Saturday, and on a Sunday that very day.
//! - A date without a year that is past is next year's.
//! - A time alone is today's if it is ahead, and tomorrow's otherwise.
//! - An hour without minutes or am or pm, as in `at 3`, is in the afternoon from 1 to 6 and as said
//!   from 7 to 12. A time with a colon is on the 24-hour clock.
//! - `midnight` and `24:00` end the day they are said with; `00:00` begins it.
//! - `27/11/2026` is read only when one of the numbers cannot be a month.
//! - A time that a clock change skips moves on by the length of the gap; of a time that comes
//!   twice, the first is meant.
//!
//! Words that are not understood are never skipped over: a phrase ends before them.

use jiff::ToSpan;
use jiff::civil;
use jiff::tz::TimeZone;

use crate::clock::Timestamp;

mod calendar;
mod clock_time;
mod day;
mod names;
mod nearly;
mod numeric;
mod phrase;
mod span;
mod words;

pub(crate) use calendar::{from_monday, monday, plus_days};
pub(crate) use clock_time::{After, Part, clock, part, part_after_time};
pub(crate) use day::month_day;
pub(crate) use names::{MONTHS, is_date_word, nearest, weekday, weekday_name};
pub(crate) use nearly::{missing_day, nearly as nearly_words};
pub(crate) use phrase::Reader;
pub(crate) use words::{WINDOW, Word, at, begins, from, number, ordinal, plain, plain_word};

/// A day or a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct When {
    /// The moment; of a day, its last second.
    pub at: Timestamp,
    /// Whether a day or a moment is meant.
    pub precision: Precision,
}

/// How exactly a date was said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Precision {
    /// The day. It is due at the day's last second where the person is.
    Day,
    /// The minute.
    Minute,
}

impl When {
    /// Returns the day `date`; `None` outside 1970 to 9999.
    pub fn day(date: civil::Date, zone: &TimeZone) -> Option<Self> {
        // One second before the next day begins: in some zones a clock change takes 23:59:59 away.
        let next = date.tomorrow().ok()?.to_zoned(zone.clone()).ok()?;
        let last = next.timestamp().checked_sub(1.second()).ok()?;
        Some(Self {
            at: stamp(last)?,
            precision: Precision::Day,
        })
    }

    /// Returns the moment when the clocks in `zone` show `at`, to the minute; `None` outside 1970
    /// to 9999.
    pub fn moment(at: civil::DateTime, zone: &TimeZone) -> Option<Self> {
        let minute = at.date().at(at.hour(), at.minute(), 0, 0);
        let zoned = minute.to_zoned(zone.clone()).ok()?;
        Some(Self {
            at: stamp(zoned.timestamp())?,
            precision: Precision::Minute,
        })
    }

    /// Returns what a stored due moment stands for: the last second of a day is that day.
    pub fn of_due(at: Timestamp, zone: &TimeZone) -> Self {
        let here = local(at, zone);
        let after = local(Timestamp::from_millis(at.as_millis() + 1000), zone);
        let is_last_second = at.as_millis() % 1000 == 0 && here.date() < after.date();
        Self {
            at,
            precision: if is_last_second {
                Precision::Day
            } else {
                Precision::Minute
            },
        }
    }

    /// Returns the date as it is shown to people: `Fri 27 Nov 2026` or `Fri 27 Nov 2026, 15:00`.
    pub fn show(&self, zone: &TimeZone) -> String {
        let format = match self.precision {
            Precision::Day => "%a %-d %b %Y",
            Precision::Minute => "%a %-d %b %Y, %H:%M",
        };
        local(self.at, zone).strftime(format).to_string()
    }

    /// Returns the text that reads back as this: `2026-11-27` or `2026-11-27 15:00`, and with the
    /// offset for the second of two times that look the same.
    pub fn to_line(&self, zone: &TimeZone) -> String {
        let here = local(self.at, zone);
        match self.precision {
            Precision::Day => here.strftime("%Y-%m-%d").to_string(),
            Precision::Minute => {
                let first = Self::moment(here.datetime(), zone);
                let is_first = first.is_some_and(|first| first.at <= self.at)
                    && first
                        .is_some_and(|first| self.at.as_millis() - first.at.as_millis() < 60_000);
                let format = if is_first {
                    "%Y-%m-%d %H:%M"
                } else {
                    "%Y-%m-%dT%H:%M%:z"
                };
                here.strftime(format).to_string()
            }
        }
    }
}

/// Reads the longest date phrase that `words` begin with; returns it and how many words it took.
///
/// The phrase may begin with `by`, `on`, `at`, `before` or `until`.
pub fn read_prefix(words: &[&str], now: Timestamp, zone: &TimeZone) -> Option<(When, usize)> {
    let phrase = Reader::new(now, zone).read(&plain(words))?;
    Some((phrase.when, phrase.took))
}

/// Reads `text` as one date phrase; `None` if a word is left over.
pub fn read(text: &str, now: Timestamp, zone: &TimeZone) -> Option<When> {
    // One word more than a phrase can have is enough to see that one is left over.
    let words: Vec<&str> = text.split_whitespace().take(WINDOW + 1).collect();
    let (when, took) = read_prefix(&words, now, zone)?;
    (took == words.len()).then_some(when)
}

/// Returns what is wrong with words that are nearly a date phrase, such as `did you mean friday?`
/// or `February 2026 has 28 days`.
pub fn nearly(words: &[&str], now: Timestamp, zone: &TimeZone) -> Option<String> {
    nearly::nearly(&plain(words), &Reader::new(now, zone))
}

/// The clocks in `zone` at a moment.
pub(crate) fn local(at: Timestamp, zone: &TimeZone) -> jiff::Zoned {
    let at = jiff::Timestamp::from_millisecond(at.as_millis()).unwrap_or(jiff::Timestamp::MAX);
    at.to_zoned(zone.clone())
}

/// A moment as we keep it; `None` outside 1970 to 9999.
fn stamp(at: jiff::Timestamp) -> Option<Timestamp> {
    let millis = at.as_millisecond();
    (millis >= 0).then(|| Timestamp::from_millis(millis))
}

#[cfg(test)]
mod tests;
