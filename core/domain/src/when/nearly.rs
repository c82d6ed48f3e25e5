//! What is wrong with words that are nearly a date phrase.

use super::calendar;
use super::day;
use super::names::{MONTHS, nearest, weekday, weekday_name};
use super::numeric::{self, Written};
use super::phrase::Reader;
use super::words::{Word, at, from};

/// How far into a phrase a wrong word is looked for.
const REACH: usize = 4;

pub(crate) fn nearly(words: &[Word], reader: &Reader<'_>) -> Option<String> {
    let lead = usize::from(matches!(
        at(words, 0),
        "by" | "on" | "at" | "before" | "until" | "the"
    ));
    let rest = from(words, lead);
    in_digits(at(rest, 0))
        .or_else(|| missing_day(rest))
        .or_else(|| wrong_weekday(rest, reader))
        .or_else(|| misspelt(words, reader))
}

/// A date in digits that does not exist or can be read two ways.
fn in_digits(word: &str) -> Option<String> {
    let date = word.split_once('t').map_or(word, |(date, _)| date);
    match numeric::written(date) {
        Some(Written::Full(year, month, day)) => missing(Some(year), month, day),
        Some(Written::Yearless(month, day)) => missing(None, month, day),
        Some(Written::TwoWays(first, second, year)) => Some(format!(
            "{word} can be read two ways; write {year}-{second:02}-{first:02} or {year}-{first:02}-{second:02}"
        )),
        None => in_two_digits(word),
    }
}

/// `27.11` and `27/11`, which are written the same as a version and a fraction.
fn in_two_digits(word: &str) -> Option<String> {
    let (first, second) = word.split_once(['.', '/'])?;
    let (first, second) = (super::words::digits(first)?, super::words::digits(second)?);
    let (day, month) = match (first, second) {
        (1..=31, 1..=12) => (first, second),
        (1..=12, 13..=31) => (second, first),
        _ => return None,
    };
    Some(format!("if {word} is a date, write {day} {}", name(month)?))
}

/// A day that its month does not have: `31 february`.
pub(crate) fn missing_day(words: &[Word]) -> Option<String> {
    let (month, day, took) = day::month_day(words)?;
    missing(day::full_year(at(words, took)), month, day)
}

fn missing(year: Option<u32>, month: u32, day: u32) -> Option<String> {
    let Some(name) = name(month) else {
        return Some(format!("there is no month {month}"));
    };
    // Any leap year serves a date without one.
    if calendar::date(year.unwrap_or(2028), month, day).is_some() {
        return None;
    }
    let Some(first) = calendar::date(year.unwrap_or(2028), month, 1) else {
        return Some("the year must lie between 1970 and 9999".into());
    };
    let days = first.days_in_month();
    Some(match year {
        Some(year) => format!("{name} {year} has {days} days"),
        None => format!("{name} has {days} days"),
    })
}

/// A month's name with its capital.
fn name(month: u32) -> Option<String> {
    let index = usize::try_from(month).ok()?.checked_sub(1)?;
    let (first, rest) = MONTHS.get(index)?.split_at_checked(1)?;
    Some(format!("{}{rest}", first.to_uppercase()))
}

/// A weekday before a date that falls on another.
fn wrong_weekday(words: &[Word], reader: &Reader<'_>) -> Option<String> {
    let said = weekday(at(words, 0))?;
    let (date, _) = day::dated(from(words, 1), reader.today())?;
    let is = date.weekday();
    (is != said).then(|| format!("{date} is a {}", weekday_name(is)))
}

/// A phrase that one other word would make readable.
fn misspelt(words: &[Word], reader: &Reader<'_>) -> Option<String> {
    for index in 0..words.len().min(REACH) {
        let Some(right) = nearest(at(words, index)) else {
            continue;
        };
        let mut corrected = words.to_vec();
        if let Some(word) = corrected.get_mut(index) {
            right.clone_into(word);
        }
        if let Some(phrase) = reader.read(&corrected).filter(|phrase| phrase.took > index) {
            let said = corrected.get(..phrase.took)?.join(" ");
            return Some(format!("did you mean {said}?"));
        }
    }
    None
}
