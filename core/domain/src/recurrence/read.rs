//! Words to a rule.

use jiff::civil::Time;

use super::weekdays::Weekdays;
use super::{INTERVAL_MAX, Rhythm, Rule};
use crate::when::{
    After, Part, Word, at, begins, clock, from, month_day, number, ordinal, part, part_after_time,
    weekday,
};

/// Reads the longest rule that `words` begin with.
pub(super) fn rule(words: &[Word]) -> Option<(Rule, usize)> {
    let (rhythm, time, took) = start(words)?;
    if matches!(rhythm, Rhythm::Hours(_)) {
        return Some((Rule { rhythm, time: None }, took));
    }
    let (time, took) = match tail(from(words, took), time) {
        Some((time, more)) => (Some(time), took + more),
        None => (time.map(default_time), took),
    };
    Some((Rule { rhythm, time }, took))
}

type Start = (Rhythm, Option<Part>, usize);

fn start(words: &[Word]) -> Option<Start> {
    let rest = from(words, 1);
    let (rhythm, took) = match at(words, 0) {
        "every" => {
            let (rhythm, part, took) = every(rest)?;
            return Some((rhythm, part, took + 1));
        }
        "hourly" => (Rhythm::Hours(1), 0),
        "daily" => (Rhythm::Days(1), 0),
        "weekly" => weeks(1, rest),
        "fortnightly" => weeks(2, rest),
        "monthly" => months(1, rest),
        "yearly" | "annually" => years(1, rest)?,
        _ => return None,
    };
    Some((rhythm, None, took + 1))
}

/// What stands after `every`.
fn every(words: &[Word]) -> Option<Start> {
    if let Some((part, took)) = part(words).filter(|_| at(words, 0) != "in" && at(words, 0) != "at")
    {
        return Some((Rhythm::Days(1), Some(part), took));
    }
    let (interval, lead) = interval(words).unwrap_or((1, 0));
    let after = from(words, lead);
    let rest = from(after, 1);
    let unit = at(after, 0);
    let (rhythm, took) = match unit {
        "hour" | "hours" => (Rhythm::Hours(interval), 0),
        "day" | "days" => (Rhythm::Days(interval), 0),
        "week" | "weeks" => weeks(interval, rest),
        "fortnight" | "fortnights" => weeks(interval.checked_mul(2)?, rest),
        "month" | "months" => months(interval, rest),
        "year" | "years" => years(interval, rest)?,
        _ => {
            let (rhythm, took) = day(words)?;
            return Some((rhythm, None, took));
        }
    };
    let is_in_bounds = (1..=INTERVAL_MAX).contains(&interval_of(rhythm));
    is_in_bounds.then_some((rhythm, None, lead + 1 + took))
}

fn interval_of(rhythm: Rhythm) -> u16 {
    match rhythm {
        Rhythm::Hours(interval)
        | Rhythm::Days(interval)
        | Rhythm::Weeks(interval, _)
        | Rhythm::Months(interval, _)
        | Rhythm::Years(interval, _) => interval,
    }
}

/// `3`, `three`, `other`, `third`.
fn interval(words: &[Word]) -> Option<(u16, usize)> {
    if at(words, 0) == "other" {
        return Some((2, 1));
    }
    let (interval, took) = number(words).or_else(|| ordinal(words))?;
    Some((u16::try_from(interval).ok()?, took))
}

/// What names its days itself: `monday and thursday`, `weekday`, `15th of the month`, `24 december`.
fn day(words: &[Word]) -> Option<(Rhythm, usize)> {
    if at(words, 0) == "other" {
        let (days, took) = weekdays(from(words, 1))?;
        return Some((Rhythm::Weeks(2, days), took + 1));
    }
    if let Some((days, took)) = weekdays(words) {
        return Some((Rhythm::Weeks(1, days), took));
    }
    if let Some(date) = month_date(words) {
        return Some((Rhythm::Years(1, Some(date.0)), date.1));
    }
    let (day, took) = month_day_number(words)?;
    let of = from(words, took);
    let more = [
        "of the month",
        "of month",
        "of each month",
        "of every month",
    ]
    .into_iter()
    .find_map(|phrase| begins(of, phrase));
    // `every 2nd` may go on in any way; `every 2nd of the month` and `every 15th` do not.
    let is_whole = more.is_some() || day > 12 && at(words, 0) != "last";
    is_whole.then_some((Rhythm::Months(1, Some(day)), took + more.unwrap_or(0)))
}

fn weeks(interval: u16, rest: &[Word]) -> (Rhythm, usize) {
    let on = usize::from(at(rest, 0) == "on");
    match weekdays(from(rest, on)) {
        Some((days, took)) => (Rhythm::Weeks(interval, days), on + took),
        None => (Rhythm::Weeks(interval, Weekdays::default()), 0),
    }
}

fn months(interval: u16, rest: &[Word]) -> (Rhythm, usize) {
    let on = usize::from(at(rest, 0) == "on");
    let the = usize::from(at(rest, on) == "the");
    match month_day_number(from(rest, on + the)).filter(|_| on + the > 0) {
        Some((day, took)) => (Rhythm::Months(interval, Some(day)), on + the + took),
        None => (Rhythm::Months(interval, None), 0),
    }
}

/// Not read at all if the date does not exist, as in `every year on 30 february`.
fn years(interval: u16, rest: &[Word]) -> Option<(Rhythm, usize)> {
    let on = usize::from(at(rest, 0) == "on");
    let rest = from(rest, on);
    if month_day(rest).is_none() {
        return Some((Rhythm::Years(interval, None), 0));
    }
    let (date, took) = month_date(rest)?;
    Some((Rhythm::Years(interval, Some(date)), on + took))
}

/// `15th`, `last day`.
fn month_day_number(words: &[Word]) -> Option<(i8, usize)> {
    if let Some(took) = begins(words, "last day") {
        return Some((31, took));
    }
    let (day, took) = ordinal(words)?;
    Some((i8::try_from(day).ok()?, took))
}

/// A month and a day that some year has.
fn month_date(words: &[Word]) -> Option<((i8, i8), usize)> {
    let (month, day, took) = month_day(words)?;
    let (month, day) = (i8::try_from(month).ok()?, i8::try_from(day).ok()?);
    // 2028 is a leap year.
    jiff::civil::Date::new(2028, month, day).ok()?;
    Some(((month, day), took))
}

/// `monday`, `mon, wed and fri`, `monday to friday`, `weekday`, `weekend`.
fn weekdays(words: &[Word]) -> Option<(Weekdays, usize)> {
    match at(words, 0) {
        "weekday" | "weekdays" | "workday" | "workdays" => return Some((Weekdays::WORKING, 1)),
        "weekend" | "weekends" => return Some((Weekdays::WEEKEND, 1)),
        _ => (),
    }
    let first = plural(at(words, 0))?;
    if matches!(at(words, 1), "to" | "through")
        && let Some(last) = plural(at(words, 2))
    {
        return Some((Weekdays::range(first, last), 3));
    }
    let mut days = Weekdays::default().with(first);
    let mut took = 1;
    loop {
        let and = usize::from(matches!(at(words, took), "and" | "&"));
        let Some(day) = plural(at(words, took + and)) else {
            return Some((days, took));
        };
        days = days.with(day);
        took += and + 1;
    }
}

fn plural(word: &str) -> Option<jiff::civil::Weekday> {
    weekday(word).or_else(|| weekday(word.strip_suffix('s')?))
}

/// The time at the end: `09:00`, `at nine`, `morning`, `at 9 in the evening`.
fn tail(words: &[Word], said: Option<Part>) -> Option<(Time, usize)> {
    let (mut day_part, mut took) = match part(words) {
        Some((part, took)) => (Some(part), took),
        None => (said, 0),
    };
    let marked = usize::from(at(words, took) == "at");
    let after = if marked == 1 {
        After::At
    } else {
        After::Nothing
    };
    let Some((clock, more)) = clock(from(words, took + marked), after) else {
        return day_part
            .filter(|_| took > 0)
            .map(|part| (default_time(part), took));
    };
    took += marked + more;
    if let Some((part, more)) = part_after_time(from(words, took)) {
        day_part = Some(part);
        took += more;
    }
    let (time, _) = clock.time(day_part)?;
    Some((time, took))
}

fn default_time(part: Part) -> Time {
    let hour = match part {
        // What comes every night comes later than what is done tonight.
        Part::Night => 21,
        _ => part.hour(),
    };
    Time::constant(hour, 0, 0, 0)
}
