//! The names that dates are made of, and the nearest right one to a wrong one.

use jiff::civil::Weekday;

use super::words::{ONES, TENS};

/// Every weekday with its full name and the ways to shorten it, Monday first.
const WEEKDAYS: [(Weekday, &[&str]); 7] = [
    (Weekday::Monday, &["monday", "mon"]),
    (Weekday::Tuesday, &["tuesday", "tue", "tues"]),
    (Weekday::Wednesday, &["wednesday", "wed", "weds"]),
    (Weekday::Thursday, &["thursday", "thu", "thur", "thurs"]),
    (Weekday::Friday, &["friday", "fri"]),
    (Weekday::Saturday, &["saturday", "sat"]),
    (Weekday::Sunday, &["sunday", "sun"]),
];

/// Reads a weekday's name or its short form.
pub(crate) fn weekday(word: &str) -> Option<Weekday> {
    WEEKDAYS
        .iter()
        .find(|(_, names)| names.contains(&word))
        .map(|(day, _)| *day)
}

/// A weekday's full name in lower case.
pub(crate) fn weekday_name(day: Weekday) -> &'static str {
    match day {
        Weekday::Monday => "monday",
        Weekday::Tuesday => "tuesday",
        Weekday::Wednesday => "wednesday",
        Weekday::Thursday => "thursday",
        Weekday::Friday => "friday",
        Weekday::Saturday => "saturday",
        Weekday::Sunday => "sunday",
    }
}

/// The months' names in lower case.
pub(crate) const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

/// Reads a month's name or its first three letters; `sept` too.
pub(super) fn month(word: &str) -> Option<i8> {
    let word = if word == "sept" { "sep" } else { word };
    let is_month = |name: &&str| *name == word || (word.len() == 3 && name.starts_with(word));
    let index = MONTHS.iter().position(is_month)?;
    i8::try_from(index + 1).ok()
}

/// The other words of the grammar, for the nearest right word to a wrong one.
const OTHERS: [&str; 36] = [
    "today",
    "tonight",
    "tomorrow",
    "yesterday",
    "morning",
    "afternoon",
    "evening",
    "night",
    "noon",
    "midnight",
    "this",
    "next",
    "coming",
    "weekend",
    "end",
    "week",
    "weeks",
    "month",
    "months",
    "year",
    "years",
    "day",
    "days",
    "hour",
    "hours",
    "minute",
    "minutes",
    "fortnight",
    "half",
    "quarter",
    "past",
    "after",
    "from",
    "weekday",
    "other",
    "last",
];

/// Returns the word of the grammar that `word` was probably meant to be. A word of the grammar is
/// its own nearest and gives none.
pub(crate) fn nearest(word: &str) -> Option<&'static str> {
    if is_date_word(word) {
        return None;
    }
    let limit = match word.chars().count() {
        0..=2 => return None,
        3..=5 => 1,
        _ => 2,
    };
    let names = WEEKDAYS.iter().map(|(day, _)| weekday_name(*day));
    let known = names.chain(MONTHS).chain(OTHERS).chain(ONES).chain(TENS);
    // Of a short word most neighbours are other words: `soon` is not `noon`.
    let is_short = word.len() <= 4;
    known
        .filter(|known| known.len().abs_diff(word.len()) <= limit)
        .filter(|known| !is_short || known.chars().next() == word.chars().next())
        .map(|known| (strsim::damerau_levenshtein(word, known), known))
        .min_by_key(|(distance, _)| *distance)
        .filter(|(distance, _)| (1..=limit).contains(distance))
        .map(|(_, known)| known)
}

/// Whether a date phrase can hold this word other than as a number.
pub(crate) fn is_date_word(word: &str) -> bool {
    const MORE: [&str; 26] = [
        "by",
        "on",
        "at",
        "before",
        "until",
        "in",
        "a",
        "an",
        "the",
        "am",
        "pm",
        "oclock",
        "eod",
        "eow",
        "eom",
        "eoy",
        "tmrw",
        "tmr",
        "midday",
        "start",
        "beginning",
        "couple",
        "second",
        "first",
        "third",
        "to",
    ];
    weekday(word).is_some()
        || month(word).is_some()
        || OTHERS.contains(&word)
        || MORE.contains(&word)
}
