//! What the end of a line says without a marker: `... by friday`, `... tomorrow at 3pm`, `... daily`.
//!
//! A weekday or a date on the calendar needs `by`, `on`, `before` or `until` before it, or a time with
//! it: `Read Friday` is a title. After `for`, `about` and the like a date belongs to the title.

use super::reading::Reading;
use crate::recurrence::Rule;
use crate::when::{Reader, WINDOW, When, Word, at, from};

/// Reads at most one rule and one date off the end, in either order.
pub(super) fn read(reading: &mut Reading<'_>) {
    // The rule first: `weekly on monday` ends in a date.
    let has_rule = rule(reading);
    let has_date = date(reading);
    if has_date && !has_rule {
        rule(reading);
    }
}

/// The places of the last words that are in no field, up to a quotation.
fn last_words(reading: &Reading<'_>) -> Vec<usize> {
    let mut places: Vec<usize> = (0..reading.tokens.len())
        .rev()
        .filter(|index| reading.is_taken.get(*index) == Some(&false))
        .take_while(|index| reading.written(*index).is_some())
        .take(WINDOW)
        .collect();
    places.reverse();
    places
}

fn take(reading: &mut Reading<'_>, places: &[usize]) {
    for place in places {
        reading.take(*place, 1);
    }
}

fn said(reading: &Reading<'_>, places: &[usize]) -> String {
    let words: Vec<_> = places
        .iter()
        .filter_map(|place| reading.written(*place))
        .collect();
    words.join(" ")
}

/// Whether something was read; if so it is no part of the title any more.
fn date(reading: &mut Reading<'_>) -> bool {
    let places = last_words(reading);
    let words: Vec<Word> = places
        .iter()
        .map(|place| reading.word(*place).to_owned())
        .collect();
    // The furthest start that reads to the end is the longest phrase.
    let found = (0..words.len()).find_map(|start| {
        // The time in `daily at 9 by friday` is the rule's.
        let before = from(&words, start.saturating_sub(1));
        if Rule::read_words(before).is_some_and(|(_, took)| took > 1 && start > 0) {
            return None;
        }
        let when = whole(&reading.dates, from(&words, start))?;
        Some((start, places.get(start..)?, when))
    });
    let Some((start, places, when)) = found else {
        return false;
    };
    if start > 0 && belongs_to_what_follows(at(&words, start - 1)) {
        return false;
    }
    let said = said(reading, places);
    if !reading.set_due(when, said) {
        return false;
    }
    take(reading, places);
    true
}

/// Whether a word makes what follows it a part of the title: `slides for next week`.
fn belongs_to_what_follows(word: &str) -> bool {
    matches!(
        word,
        "for"
            | "about"
            | "of"
            | "from"
            | "since"
            | "with"
            | "and"
            | "or"
            | "to"
            | "than"
            | "during"
            | "between"
    )
}

/// Reads words that are a date and nothing else, and say so themselves.
fn whole(dates: &Reader<'_>, words: &[Word]) -> Option<When> {
    let all = |words: &[Word]| {
        dates
            .read(words)
            .filter(|phrase| phrase.took == words.len())
    };
    let rest = from(words, 1);
    let phrase = match at(words, 0) {
        "by" | "until" | "till" | "before" => all(words)?,
        // `turn the heating on tonight` ends in `tonight`.
        "on" if !matches!(
            at(rest, 0),
            "today" | "tonight" | "tomorrow" | "tmrw" | "tmr" | "in" | "noon" | "midnight"
        ) =>
        {
            all(words)?
        }
        // `at 3` may be anything, `at 3pm` and `at 3 tomorrow` may not.
        "at" => all(words).filter(|phrase| phrase.stands_alone || all(rest).is_some())?,
        "on" => return None,
        _ => all(words).filter(|phrase| phrase.stands_alone)?,
    };
    Some(phrase.when)
}

fn rule(reading: &mut Reading<'_>) -> bool {
    let places = last_words(reading);
    let words: Vec<Word> = places
        .iter()
        .map(|place| reading.word(*place).to_owned())
        .collect();
    let found = (0..words.len()).find_map(|start| {
        let words = from(&words, start);
        if at(words, 0) == "every" {
            return None;
        }
        let (rule, took) = Rule::read_words(words)?;
        (took == words.len()).then(|| Some((places.get(start..)?, rule)))?
    });
    let Some((places, rule)) = found else {
        return false;
    };
    let said = said(reading, places);
    if !reading.set_recurrence(rule, said) {
        return false;
    }
    take(reading, places);
    true
}
