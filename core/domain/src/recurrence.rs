//! Rules for what comes again: `every monday 09:00`, `every 2 weeks on monday, thursday`.
//!
//! - The shortest rhythm is one hour. Hours pass whatever the clocks do; a rule of days keeps its
//!   time of the day across a clock change.
//! - A rule without a time gives days, each due at its last second.
//! - A rule that names no day, such as `every week` or `every 3 days`, counts from the occasion
//!   before. Its first is as soon as can be: today, if there is something of the day left.
//! - A day that a month does not have is that month's last: `every month on the 31st` is
//!   `every last day of month`.
//! - `every morning` is at 9:00, `every afternoon` at 15:00, `every evening` at 18:00, `every night`
//!   at 21:00. Midnight begins the day.

use std::fmt;
use std::str::FromStr;

use jiff::civil::Time;
use jiff::tz::TimeZone;

use self::weekdays::Weekdays;
use crate::clock::Timestamp;
use crate::field::InvalidField;
use crate::when::{MONTHS, WINDOW, When, Word, plain};

mod nearly;
mod occasions;
mod read;
mod weekdays;

/// The longest interval: a thousand days is nearly three years.
const INTERVAL_MAX: u16 = 1000;

/// A rhythm and perhaps a time of the day. It displays as the text it is read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    rhythm: Rhythm,
    /// Never set with [`Rhythm::Hours`].
    time: Option<Time>,
}

/// How often: an interval of 1 to [`INTERVAL_MAX`], and on which day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rhythm {
    Hours(u16),
    Days(u16),
    /// Without weekdays, the weekday of the occasion before.
    Weeks(u16, Weekdays),
    /// Without a day, the day of the occasion before. 31 is the last day.
    Months(u16, Option<i8>),
    /// Without month and day, those of the occasion before.
    Years(u16, Option<(i8, i8)>),
}

impl Rule {
    /// Reads the longest rule that `words` begin with; returns it and how many words it took.
    ///
    /// The first word is `every`, `hourly`, `daily`, `weekly`, `fortnightly`, `monthly`, `yearly` or
    /// `annually`.
    pub fn read_prefix(words: &[&str]) -> Option<(Self, usize)> {
        read::rule(&plain(words))
    }

    /// Reads prepared words as [`Rule::read_prefix`] does.
    pub(crate) fn read_words(words: &[Word]) -> Option<(Self, usize)> {
        read::rule(words)
    }

    /// Returns what is wrong with words that are nearly a rule, such as `did you mean every monday?`
    pub fn nearly(words: &[&str]) -> Option<String> {
        nearly::nearly(&plain(words))
    }

    /// Says of prepared words what [`Rule::nearly`] does.
    pub(crate) fn nearly_words(words: &[Word]) -> Option<String> {
        nearly::nearly(words)
    }

    /// Returns the first occasion after `moment`.
    pub fn first(&self, moment: Timestamp, zone: &TimeZone) -> When {
        occasions::first(self, moment, zone)
    }

    /// Returns the occasion after `last`, from which an interval of more than one counts.
    ///
    /// It is later than `last`, except at the end of the year 9999, after which nothing comes.
    pub fn next(&self, last: Timestamp, zone: &TimeZone) -> When {
        occasions::next(self, last, zone)
    }

    /// Returns the first occasion after `now` that follows `last`, and how many occasions after
    /// `last` and up to `now` were passed over.
    ///
    /// It is found by arithmetic: years of sleep cost no more than a night.
    pub fn catch_up(&self, last: Timestamp, now: Timestamp, zone: &TimeZone) -> (When, u64) {
        occasions::catch_up(self, last, now, zone)
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("every ")?;
        match self.rhythm {
            Rhythm::Hours(interval) => write_interval(f, interval, "hour")?,
            Rhythm::Days(interval) => write_interval(f, interval, "day")?,
            Rhythm::Weeks(interval, days) if days.is_empty() => {
                write_interval(f, interval, "week")?;
            }
            Rhythm::Weeks(1, days) => f.write_str(&days.name())?,
            Rhythm::Weeks(interval, days) => write!(f, "{interval} weeks on {}", days.list())?,
            Rhythm::Months(interval, None) => write_interval(f, interval, "month")?,
            Rhythm::Months(1, Some(31)) => f.write_str("last day of month")?,
            Rhythm::Months(interval, Some(day)) => {
                write_interval(f, interval, "month")?;
                match day {
                    31 => f.write_str(" on the last day")?,
                    day => write!(f, " on the {day}{}", ending(day))?,
                }
            }
            Rhythm::Years(interval, date) => {
                write_interval(f, interval, "year")?;
                if let Some((month, day)) = date {
                    let index = usize::try_from(month - 1).unwrap_or(0);
                    write!(f, " on {day} {}", MONTHS.get(index).unwrap_or(&""))?;
                }
            }
        }
        match self.time {
            Some(time) => write!(f, " {:02}:{:02}", time.hour(), time.minute()),
            None => Ok(()),
        }
    }
}

fn write_interval(f: &mut fmt::Formatter<'_>, interval: u16, unit: &str) -> fmt::Result {
    match interval {
        1 => f.write_str(unit),
        _ => write!(f, "{interval} {unit}s"),
    }
}

fn ending(day: i8) -> &'static str {
    match day {
        11..=13 => "th",
        _ => match day % 10 {
            1 => "st",
            2 => "nd",
            3 => "rd",
            _ => "th",
        },
    }
}

impl FromStr for Rule {
    type Err = InvalidField;

    fn from_str(text: &str) -> Result<Self, InvalidField> {
        // A rule has fewer words than this; one more shows that something is left over.
        let words: Vec<&str> = text.split_whitespace().take(WINDOW + 1).collect();
        match Self::read_prefix(&words) {
            Some((rule, took)) if took == words.len() => Ok(rule),
            _ => Err(InvalidField::new(
                "recurrence",
                match Self::nearly(&words) {
                    Some(hint) => format!("is not a rule: {hint}"),
                    None => {
                        "is not a rule; write it as every day, every monday 09:00 or every 2 weeks"
                            .into()
                    }
                },
            )),
        }
    }
}

#[cfg(test)]
mod tests;
