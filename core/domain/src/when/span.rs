//! Lengths of time from a day or from this moment: `in two weeks`, `3 hours from now`.

use jiff::ToSpan;
use jiff::civil::Date;

use super::words::{Word, at, begins, digits, from, number};

/// A length of time as it was said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Length {
    /// Minutes that pass, whatever the clocks do.
    Minutes(i64),
    /// Days on the calendar.
    Days(i64),
    /// Months on the calendar.
    Months(i64),
}

impl Length {
    /// The day this long after `date`; `None` for a length in minutes or past the calendar's end.
    pub(super) fn after(self, date: Date) -> Option<Date> {
        let span = match self {
            Self::Minutes(_) => return None,
            Self::Days(days) => days.days(),
            Self::Months(months) => months.months(),
        };
        date.checked_add(span).ok()
    }
}

/// Reads a length: `two weeks`, `half an hour`, `an hour and a half`, `1 hour 30 minutes`, `2h`.
pub(super) fn length(words: &[Word]) -> Option<(Length, usize)> {
    let (first, took) = one(words)?;
    let Length::Minutes(minutes) = first else {
        return Some((first, took));
    };
    let and = usize::from(at(words, took) == "and");
    let rest = from(words, took + and);
    if minutes % 60 == 0 && and == 1 && begins(rest, "a half").is_some() {
        return Some((Length::Minutes(minutes + 30), took + 3));
    }
    match one(rest) {
        Some((Length::Minutes(more), took_more)) if minutes % 60 == 0 && more < 60 => {
            Some((Length::Minutes(minutes + more), took + and + took_more))
        }
        _ => Some((first, took)),
    }
}

fn one(words: &[Word]) -> Option<(Length, usize)> {
    for (phrase, minutes) in [
        ("half an hour", 30),
        ("half hour", 30),
        ("a half hour", 30),
        ("a quarter of an hour", 15),
    ] {
        if let Some(took) = begins(words, phrase) {
            return Some((Length::Minutes(minutes), took));
        }
    }
    if let Some(length) = compact(at(words, 0)) {
        return Some((length, 1));
    }
    let (count, mut took) = count(words)?;
    let half = begins(from(words, took), "and a half");
    if let Some(more) = half {
        let is_hours = matches!(at(words, took + more), "hour" | "hours");
        return is_hours.then_some((Length::Minutes(count * 60 + 30), took + more + 1));
    }
    let length = of(count, at(words, took))?;
    took += 1;
    Some((length, took))
}

fn count(words: &[Word]) -> Option<(i64, usize)> {
    for (phrase, count) in [
        ("a couple of", 2),
        ("a couple", 2),
        ("couple of", 2),
        ("another", 1),
        ("a", 1),
        ("an", 1),
    ] {
        if let Some(took) = begins(words, phrase) {
            return Some((count, took));
        }
    }
    let (count, took) = number(words)?;
    Some((i64::from(count), took))
}

fn of(count: i64, unit: &str) -> Option<Length> {
    Some(match unit {
        "minute" | "minutes" | "min" | "mins" => Length::Minutes(count),
        "hour" | "hours" | "hr" | "hrs" => Length::Minutes(count * 60),
        "day" | "days" => Length::Days(count),
        "week" | "weeks" | "wk" | "wks" => Length::Days(count * 7),
        "fortnight" | "fortnights" => Length::Days(count * 14),
        "month" | "months" => Length::Months(count),
        "year" | "years" | "yr" | "yrs" => Length::Months(count * 12),
        _ => return None,
    })
}

/// `2h`, `30min`, `3d`, `2w`.
fn compact(word: &str) -> Option<Length> {
    let split = word.find(|c: char| !c.is_ascii_digit())?;
    let (count, unit) = word.split_at_checked(split)?;
    let count = i64::from(digits(count)?);
    let unit = match unit {
        "m" => "min",
        "h" => "hour",
        "d" => "day",
        "w" => "week",
        "y" => "year",
        other => other,
    };
    of(count, unit)
}
