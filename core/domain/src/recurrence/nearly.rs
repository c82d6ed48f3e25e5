//! What is wrong with words that are nearly a rule.

use super::{INTERVAL_MAX, read};
use crate::when::{
    Word, at, begins, from, missing_day, nearest, number, ordinal, weekday, weekday_name,
};

/// How far into a rule a wrong word is looked for.
const REACH: usize = 5;

pub(super) fn nearly(words: &[Word]) -> Option<String> {
    let rest = from(words, usize::from(at(words, 0) == "every"));
    // `every year on 30 february` and `every 30 february`.
    let on = begins(rest, "year on").unwrap_or(0);
    too_often(rest)
        .or_else(|| interval_out_of_bounds(rest))
        .or_else(|| two_ways(rest))
        .or_else(|| missing_day(from(rest, on)))
        .or_else(|| misspelt(words))
}

fn too_often(words: &[Word]) -> Option<String> {
    let lead = number(words).map_or(0, |(_, took)| took);
    let is_minutes = matches!(
        at(words, lead),
        "minute" | "minutes" | "min" | "mins" | "seconds"
    );
    let is_half = begins(words, "half hour").is_some() || begins(words, "half an hour").is_some();
    (is_minutes || is_half).then(|| "the shortest rhythm is every hour".into())
}

fn interval_out_of_bounds(words: &[Word]) -> Option<String> {
    let (interval, took) = number(words)?;
    let is_unit = matches!(
        at(words, took).trim_end_matches('s'),
        "hour" | "day" | "week" | "fortnight" | "month" | "year"
    );
    let is_within = (1..=u32::from(INTERVAL_MAX)).contains(&interval);
    (is_unit && !is_within).then(|| format!("the interval must be 1 to {INTERVAL_MAX}"))
}

/// `every second monday`: every two weeks, or of the month?
fn two_ways(words: &[Word]) -> Option<String> {
    let (interval, took) = ordinal(words)?;
    let day = weekday_name(weekday(at(words, took))?);
    Some(format!("days such as the first {day} of a month are not known; write every {interval} weeks on {day}")
        .replace("every 1 weeks on", "every"))
}

/// A rule that one other word would make readable.
fn misspelt(words: &[Word]) -> Option<String> {
    for index in 0..words.len().min(REACH) {
        let Some(right) = nearest(at(words, index)) else {
            continue;
        };
        let mut corrected = words.to_vec();
        if let Some(word) = corrected.get_mut(index) {
            right.clone_into(word);
        }
        if let Some((_, took)) = read::rule(&corrected).filter(|(_, took)| *took > index) {
            return Some(format!(
                "did you mean {}?",
                corrected.get(..took)?.join(" ")
            ));
        }
    }
    None
}
