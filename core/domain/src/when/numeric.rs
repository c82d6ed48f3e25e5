//! Dates in digits: `2026-11-27`, `27.11.`, `27/11/2026`.

use jiff::civil::{Date, DateTime, Time};

use super::calendar;
use super::words::digits;

/// A date in digits as it was written, whether or not there is such a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Written {
    /// Year, month, day.
    Full(u32, u32, u32),
    /// Month and day: `27.11.`.
    Yearless(u32, u32),
    /// Two numbers, either of which can be the month, and the year.
    TwoWays(u32, u32, u32),
}

/// Takes a date in digits apart.
pub(super) fn written(word: &str) -> Option<Written> {
    year_first(word, '-')
        .or_else(|| year_first(word, '/'))
        .or_else(|| dotted(word))
        .or_else(|| year_last(word, '/'))
        .or_else(|| year_last(word, '-'))
}

/// Reads a date in digits; `None` too if it can be read two ways or there is no such day.
pub(super) fn read(word: &str, today: Date) -> Option<Date> {
    match written(word)? {
        Written::Full(year, month, day) => calendar::date(year, month, day),
        Written::Yearless(month, day) => calendar::coming(today, month, day),
        Written::TwoWays(..) => None,
    }
}

/// A date and a time in one word, as RFC 3339 writes them, perhaps with an offset in minutes.
pub(super) fn date_time(word: &str) -> Option<(DateTime, Option<i32>)> {
    let (date, time) = word.split_once('t')?;
    let Written::Full(year, month, day) = year_first(date, '-')? else {
        return None;
    };
    let date = calendar::date(year, month, day)?;
    let (time, offset) = match time.find(['z', '+', '-']) {
        Some(index) => (time.get(..index)?, Some(offset(time.get(index..)?)?)),
        None => (time, None),
    };
    // A fraction of a second is let go, as seconds are.
    let time = time.split_once('.').map_or(time, |(time, _)| time);
    let mut parts = time.split(':').map(two);
    let hour = parts.next()??;
    let minute = parts.next()??;
    if let Some(second) = parts.next() {
        second.filter(|second| *second <= 60)?;
    }
    if parts.next().is_some() {
        return None;
    }
    Some((
        date.to_datetime(Time::new(hour, minute, 0, 0).ok()?),
        offset,
    ))
}

fn offset(word: &str) -> Option<i32> {
    if word == "z" {
        return Some(0);
    }
    let (sign, rest) = match word.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, word.strip_prefix('+')?),
    };
    let (hours, minutes) = rest.split_once(':').or_else(|| rest.split_at_checked(2))?;
    let minutes = if minutes.is_empty() { 0 } else { two(minutes)? };
    let (hours, minutes) = (i32::from(two(hours)?), i32::from(minutes));
    (hours < 24 && minutes < 60).then_some(sign * (hours * 60 + minutes))
}

fn two(word: &str) -> Option<i8> {
    digits(word)
        .filter(|_| word.len() == 2)
        .and_then(|number| i8::try_from(number).ok())
}

/// One or two digits.
fn small(word: &str) -> Option<u32> {
    digits(word).filter(|_| word.len() <= 2)
}

/// A year of two or four digits.
fn year(word: &str) -> Option<u32> {
    match word.len() {
        2 => digits(word).map(|year| 2000 + year),
        4 => digits(word),
        _ => None,
    }
}

fn three(word: &str, separator: char) -> Option<(&str, &str, &str)> {
    let (first, rest) = word.split_once(separator)?;
    let (second, third) = rest.split_once(separator)?;
    Some((first, second, third))
}

fn year_first(word: &str, separator: char) -> Option<Written> {
    let (first, second, third) = three(word, separator)?;
    let year = digits(first).filter(|_| first.len() == 4)?;
    Some(Written::Full(year, small(second)?, small(third)?))
}

/// `27.11.`, `27.11.2026`, `27.11.26`; without the last dot a version or an amount looks the same.
fn dotted(word: &str) -> Option<Written> {
    let (day, month, rest) = three(word, '.')?;
    let (day, month) = (small(day)?, small(month)?);
    let rest = rest.strip_suffix('.').unwrap_or(rest);
    if rest.is_empty() {
        return Some(Written::Yearless(month, day));
    }
    Some(Written::Full(year(rest)?, month, day))
}

fn year_last(word: &str, separator: char) -> Option<Written> {
    let (first, second, third) = three(word, separator)?;
    let year = digits(third).filter(|_| third.len() == 4)?;
    let (first, second) = (small(first)?, small(second)?);
    Some(match (first, second) {
        (13.., _) => Written::Full(year, second, first),
        (_, 13..) => Written::Full(year, first, second),
        _ if first == second => Written::Full(year, first, second),
        _ => Written::TwoWays(first, second, year),
    })
}
