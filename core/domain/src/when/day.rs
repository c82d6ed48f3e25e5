//! Phrases that name a day: `tomorrow`, `next friday`, `the 27th of november`, `end of month`.

use jiff::civil::{Date, Weekday};

use super::calendar;
use super::clock_time::Part;
use super::names::{month, weekday};
use super::numeric;
use super::span::{self, Length};
use super::words::{self, Word, at, begins, digits, from, number, ordinal};

/// A day as it was said, perhaps with a part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Day {
    pub(super) date: Date,
    pub(super) part: Option<Part>,
    /// Whether it can only be a date on the calendar or a weekday's name, which a title may hold
    /// as well.
    pub(super) is_name: bool,
}

impl Day {
    fn relative(date: Date) -> Self {
        Self {
            date,
            part: None,
            is_name: false,
        }
    }

    fn named(date: Date) -> Self {
        Self {
            is_name: true,
            ..Self::relative(date)
        }
    }
}

/// Reads the longest phrase for a day.
pub(super) fn day(words: &[Word], today: Date) -> Option<(Day, usize)> {
    let readings = [
        simple(words, today),
        this_or_next(words, today),
        edge(words, today),
        length(words, today),
        weekday_with(words, today).map(named),
        dated(words, today).map(named),
    ];
    // The first of the longest, so that the order above decides between equals.
    readings
        .into_iter()
        .flatten()
        .reduce(|best, next| if next.1 > best.1 { next } else { best })
}

fn named((date, took): (Date, usize)) -> (Day, usize) {
    (Day::named(date), took)
}

fn simple(words: &[Word], today: Date) -> Option<(Day, usize)> {
    let tomorrow = today.tomorrow().ok()?;
    let (date, took) = match at(words, 0) {
        "today" | "eod" => (today, 1),
        "tonight" => {
            let tonight = Day {
                part: Some(Part::Night),
                ..Day::relative(today)
            };
            return Some((tonight, 1));
        }
        "tomorrow" | "tmrw" | "tmr" => (tomorrow, 1),
        // In a title this tells of the past: `review what broke yesterday`.
        "yesterday" => return Some((Day::named(today.yesterday().ok()?), 1)),
        _ => {
            let article = usize::from(at(words, 0) == "the");
            let took = begins(from(words, article), "day after tomorrow")?;
            (tomorrow.tomorrow().ok()?, article + took)
        }
    };
    Some((Day::relative(date), took))
}

/// `this afternoon`, `this friday`, `coming monday`, `next week`, `the weekend`.
fn this_or_next(words: &[Word], today: Date) -> Option<(Day, usize)> {
    let article = usize::from(at(words, 0) == "the");
    let (which, name) = match at(words, article) {
        word @ ("this" | "next" | "coming") => (word, article + 1),
        _ => ("", article),
    };
    let word = at(words, name);
    let took = name + 1;
    if word == "weekend" {
        let date = match which {
            "next" => calendar::weekday_of_week(today, 1, Weekday::Saturday),
            "" => return Some((Day::named(weekend(today)), took)),
            _ => weekend(today),
        };
        return Some((Day::relative(date), took));
    }
    let date = match (which, word) {
        ("this", "morning") => return Some(part_of(today, Part::Morning, took)),
        ("this", "afternoon") => return Some(part_of(today, Part::Afternoon, took)),
        ("this", "evening") => return Some(part_of(today, Part::Evening, took)),
        ("this", "week") => calendar::weekday_from(today, Weekday::Sunday),
        ("this", "month") => today.last_of_month(),
        ("this", "year") => today.last_of_year(),
        ("next" | "coming", "week") => {
            let monday = calendar::weekday_of_week(today, 1, Weekday::Monday);
            let on = usize::from(at(words, took) == "on");
            return Some(match weekday(at(words, took + on)) {
                Some(day) => (
                    Day::relative(calendar::weekday_from(monday, day)),
                    took + on + 1,
                ),
                None => (Day::relative(monday), took),
            });
        }
        ("next" | "coming", "month") => calendar::first_of_month(today, 1),
        ("next" | "coming", "year") => calendar::date(u32::try_from(today.year()).ok()? + 1, 1, 1)?,
        ("this", word) => calendar::weekday_from(today, weekday(word)?),
        ("coming", word) => calendar::weekday_after(today, weekday(word)?),
        ("next", word) => calendar::weekday_of_week(today, 1, weekday(word)?),
        _ => return None,
    };
    Some((Day::relative(date), took))
}

fn part_of(date: Date, part: Part, took: usize) -> (Day, usize) {
    let day = Day {
        part: Some(part),
        ..Day::relative(date)
    };
    (day, took)
}

fn weekend(today: Date) -> Date {
    match today.weekday() {
        Weekday::Sunday => today,
        _ => calendar::weekday_from(today, Weekday::Saturday),
    }
}

/// `end of month`, `the beginning of next week`, `end of november`, `eow`.
fn edge(words: &[Word], today: Date) -> Option<(Day, usize)> {
    let short = match at(words, 0) {
        "eow" => Some(calendar::weekday_from(today, Weekday::Sunday)),
        "eom" => Some(today.last_of_month()),
        "eoy" => Some(today.last_of_year()),
        _ => None,
    };
    if let Some(date) = short {
        return Some((Day::relative(date), 1));
    }
    let article = usize::from(at(words, 0) == "the");
    let is_end = match at(words, article) {
        "end" => true,
        "start" | "beginning" => false,
        _ => return None,
    };
    // `end month` is said as well as `end of the month`.
    let mut took = article + 1;
    took += usize::from(at(words, took) == "of");
    took += usize::from(matches!(at(words, took), "the" | "this"));
    let ahead = i64::from(at(words, took) == "next");
    took += usize::from(ahead == 1);
    let unit = at(words, took);
    took += 1;
    let date = match (unit, is_end) {
        ("day", true) if ahead == 0 => today,
        ("week", true) => calendar::weekday_of_week(today, ahead, Weekday::Sunday),
        ("week", false) => calendar::weekday_of_week(today, ahead, Weekday::Monday),
        ("month", true) => calendar::first_of_month(today, ahead).last_of_month(),
        ("month", false) => calendar::first_of_month(today, ahead),
        ("year", true) => calendar::first_of_month(today, ahead * 12).last_of_year(),
        ("year", false) => calendar::first_of_month(today, ahead * 12).first_of_year(),
        (name, _) => {
            let (first, more) = month_edge(month(name)?, from(words, took), today, is_end)?;
            return Some((Day::named(first), took + more));
        }
    };
    Some((Day::named(date), took))
}

fn month_edge(month: i8, rest: &[Word], today: Date, is_end: bool) -> Option<(Date, usize)> {
    let edge = |year: i16| {
        let first = Date::new(year, month, 1).ok()?;
        Some(if is_end { first.last_of_month() } else { first })
    };
    if let Some(year) = full_year(at(rest, 0)) {
        return Some((edge(i16::try_from(year).ok()?)?, 1));
    }
    let date = [today.year(), today.year() + 1]
        .into_iter()
        .find_map(|year| edge(year).filter(|date| *date >= today))?;
    Some((date, 0))
}

/// `in two weeks`, `3 days from now`, `a week from friday`, `two days after tomorrow`.
fn length(words: &[Word], today: Date) -> Option<(Day, usize)> {
    let lead = usize::from(at(words, 0) == "in");
    let (length, mut took) = span::length(from(words, lead))?;
    took += lead;
    if matches!(length, Length::Minutes(_)) {
        return None;
    }
    if lead == 1 {
        return Some((Day::relative(length.after(today)?), took));
    }
    if !matches!(at(words, took), "from" | "after" | "on") {
        return None;
    }
    took += 1;
    if matches!(at(words, took), "now" | "today") {
        return Some((Day::relative(length.after(today)?), took + 1));
    }
    let rest = from(words, took);
    let (start, more) = simple(rest, today)
        .or_else(|| this_or_next(rest, today))
        .or_else(|| weekday_with(rest, today).map(named))
        .or_else(|| dated(rest, today).map(named))?;
    Some((Day::relative(length.after(start.date)?), took + more))
}

/// `friday`, `friday next week`, `fri 27 nov 2026` if that is a Friday.
fn weekday_with(words: &[Word], today: Date) -> Option<(Date, usize)> {
    let day = weekday(at(words, 0))?;
    let rest = from(words, 1);
    for (phrase, weeks) in [
        ("next week", 1),
        ("of next week", 1),
        ("this week", 0),
        ("of this week", 0),
    ] {
        if let Some(more) = begins(rest, phrase) {
            return Some((calendar::weekday_of_week(today, weeks, day), 1 + more));
        }
    }
    let the = usize::from(at(rest, 0) == "the");
    if let Some((date, more)) = dated(from(rest, the), today) {
        return (date.weekday() == day).then_some((date, 1 + the + more));
    }
    Some((calendar::weekday_after(today, day), 1))
}

/// A date on the calendar.
pub(super) fn dated(words: &[Word], today: Date) -> Option<(Date, usize)> {
    if let Some(date) = numeric::read(at(words, 0), today) {
        return Some((date, 1));
    }
    if let Some((month, day, took)) = month_day(words) {
        return match full_year(at(words, took)) {
            Some(year) => Some((calendar::date(year, month, day)?, took + 1)),
            None => Some((calendar::coming(today, month, day)?, took)),
        };
    }
    let the = usize::from(at(words, 0) == "the");
    let rest = from(words, the);
    // `first` alone is no date, `the first` is.
    let (day, took) = ordinal(rest)
        .filter(|_| the == 1 || at(rest, 0).starts_with(|c: char| c.is_ascii_digit()))?;
    Some((calendar::coming_day(today, day)?, the + took))
}

/// Reads a month and a day in either order: `27 nov`, `the 27th of november`, `november 27th`.
pub(crate) fn month_day(words: &[Word]) -> Option<(u32, u32, usize)> {
    if let Some(month) = month(at(words, 0)) {
        let the = usize::from(at(words, 1) == "the");
        let (day, took) = day_number(from(words, 1 + the))?;
        return Some((u32::try_from(month).ok()?, day, 1 + the + took));
    }
    let the = usize::from(at(words, 0) == "the");
    let (day, mut took) = day_number(from(words, the))?;
    took += the;
    took += usize::from(at(words, took) == "of");
    let month = month(at(words, took))?;
    Some((u32::try_from(month).ok()?, day, took + 1))
}

fn day_number(words: &[Word]) -> Option<(u32, usize)> {
    if let Some(day) = ordinal(words) {
        return Some(day);
    }
    let first = at(words, 0);
    if let Some(day) = first
        .strip_suffix('.')
        .and_then(digits)
        .filter(|day| (1..=31).contains(day))
    {
        return Some((day, 1));
    }
    number(words).filter(|(day, _)| (1..=31).contains(day))
}

/// A year of four digits that we can keep.
pub(super) fn full_year(word: &str) -> Option<u32> {
    words::digits(word).filter(|year| (1970..=9999).contains(year))
}
