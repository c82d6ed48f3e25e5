//! Numbers as people say and write them: `12`, `#12`, `twelve`, `the second one`.

use super::super::words::{Said, Span};

const ONES: [&str; 20] = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
];
const TENS: [&str; 8] = [
    "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety",
];
const ORDINALS: [&str; 5] = ["first", "second", "third", "fourth", "fifth"];

/// Reads a number at the start of `span`; returns it and how many words it took.
pub(super) fn number(span: Span<'_>) -> Option<(i64, usize)> {
    let first = span.at(0);
    if let Some(number) = digits(first) {
        return Some((number, 1));
    }
    let (hundreds, took) = match (below_hundred(span), span.at(0)) {
        (Some((count, took)), _) if span.at(took) == "hundred" && count < 10 => {
            (count * 100, took + 1)
        }
        (None, "a") if span.at(1) == "hundred" => (100, 2),
        (found, _) => return found,
    };
    let and = usize::from(span.at(took) == "and");
    match below_hundred(span.skip(took + and)) {
        Some((rest, more)) => Some((hundreds + rest, took + and + more)),
        None => Some((hundreds, took)),
    }
}

/// Reads a message that is a number and nothing else.
pub(in super::super) fn whole_number(text: &str) -> Option<i64> {
    let said = Said::new(text);
    let mut span = said.point();
    while matches!(span.at(0), "number" | "task" | "no") && span.len() > 1 {
        span = span.skip(1);
    }
    let (number, took) = number(span)?;
    (took == span.len()).then_some(number)
}

/// Reads which one of several is meant, from 0: `the first one`, `number two`, `the last`.
pub(in super::super) fn position(span: Span<'_>, count: usize) -> Option<usize> {
    let mut span = span;
    for lead in ["i", "mean", "meant", "the", "option", "choice"] {
        if span.at(0) == lead {
            span = span.skip(1);
        }
    }
    if span.len() > 1 && matches!(span.at(span.len() - 1), "one" | "option" | "task") {
        span = span.take(span.len() - 1);
    }
    if span.len() != 1 {
        return None;
    }
    let place = match span.at(0) {
        "last" | "latter" => count.checked_sub(1)?,
        "former" => 0,
        word => ORDINALS.iter().position(|ordinal| *ordinal == word)?,
    };
    (place < count).then_some(place)
}

fn digits(word: &str) -> Option<i64> {
    let word = word.strip_prefix('#').unwrap_or(word);
    let is_number =
        (1..=12).contains(&word.len()) && word.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| word.parse().ok()).flatten()
}

fn below_hundred(span: Span<'_>) -> Option<(i64, usize)> {
    let first = span.at(0);
    if let Some(ones) = place(&ONES, first) {
        return Some((ones, 1));
    }
    if let Some((ten, one)) = first.split_once('-') {
        let one = place(&ONES, one).filter(|one| (1..=9).contains(one))?;
        return Some((tens(ten)? + one, 1));
    }
    let ten = tens(first)?;
    match place(&ONES, span.at(1)) {
        Some(one @ 1..=9) => Some((ten + one, 2)),
        Some(_) | None => Some((ten, 1)),
    }
}

fn tens(word: &str) -> Option<i64> {
    place(&TENS, word).map(|index| (index + 2) * 10)
}

fn place(list: &[&str], word: &str) -> Option<i64> {
    let index = list.iter().position(|known| *known == word)?;
    i64::try_from(index).ok()
}
