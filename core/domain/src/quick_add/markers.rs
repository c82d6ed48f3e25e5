//! What a word's first character marks: `@project`, `#label`, `!high`, `~30m`.

use super::estimate;
use super::reading::Reading;
use super::tokens::{PUNCTUATION, Token, project_prefix};
use crate::field::Label;
use crate::priority::Priority;

/// Reads the marker at `index`; returns how many tokens it has.
pub(super) fn read(reading: &mut Reading<'_>, index: usize) -> Option<usize> {
    let is_taken = match reading.tokens.get(index)?.clone() {
        Token::Quoted(_) => false,
        Token::Project(name) => reading.set_project(&name, format!("@{name}")),
        Token::Label(name) => label(reading, &name, &format!("#\"{name}\"")),
        Token::Word(word) => marked_word(reading, word),
    };
    is_taken.then_some(1)
}

fn marked_word(reading: &mut Reading<'_>, word: &str) -> bool {
    if let Some(name) = project_prefix(word) {
        let name = name.trim_end_matches(PUNCTUATION);
        // Handles in text, such as `@@`, are no project.
        let is_name = !name.is_empty() && !name.starts_with('@');
        return is_name && reading.set_project(name, word.to_owned());
    }
    if let Some(name) = word.strip_prefix('#') {
        return bare_label(reading, name.trim_end_matches(PUNCTUATION), word);
    }
    if let Some(level) = word.strip_prefix('!') {
        return priority(reading, level.trim_end_matches(PUNCTUATION), word);
    }
    match word.strip_prefix('~') {
        Some(length) => estimate(reading, length.trim_end_matches(PUNCTUATION), word),
        None => false,
    }
}

fn bare_label(reading: &mut Reading<'_>, name: &str, said: &str) -> bool {
    let is_number = name.chars().all(|c| c.is_ascii_digit());
    if is_number || !name.chars().any(char::is_alphanumeric) && name.is_ascii() {
        return false;
    }
    if !is_bare_label(name) {
        let problem = if name.contains(['#', ',']) {
            "must not contain '#' or commas; put the text in quotes if it is none".into()
        } else {
            format!(
                "can be written without quotes from letters, digits, '-' and '_' only; write #\"{name}\", or \"#{name}\" if it is text"
            )
        };
        reading.doubt("labels", said.to_owned(), problem);
        return false;
    }
    label(reading, name, said)
}

/// Whether a label can be written without quotes and read back.
pub(super) fn is_bare_label(name: &str) -> bool {
    let is_label_char =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_') || !c.is_ascii();
    name.chars().any(|c| c.is_alphanumeric() || !c.is_ascii())
        && !name.chars().any(super::tokens::opens)
        && name.chars().all(is_label_char)
}

fn label(reading: &mut Reading<'_>, name: &str, said: &str) -> bool {
    match Label::parse("labels", name) {
        Ok(label) => {
            reading.add_label(label, said.to_owned());
            true
        }
        Err(error) => {
            reading.doubt("labels", said.to_owned(), error.problem);
            false
        }
    }
}

fn priority(reading: &mut Reading<'_>, level: &str, said: &str) -> bool {
    let level = level.to_lowercase();
    let priority = match level.as_str() {
        "1" => Some(Priority::Critical),
        "2" => Some(Priority::High),
        "3" => Some(Priority::Medium),
        "4" => Some(Priority::Low),
        word => word.parse().ok(),
    };
    if let Some(priority) = priority {
        reading.set_priority(priority, said.to_owned());
        return true;
    }
    // `!=` and `!important();` are text; a lone word or number was meant as a priority.
    let is_word = !level.is_empty() && level.chars().all(char::is_alphabetic);
    let is_number = !level.is_empty() && level.chars().all(|c| c.is_ascii_digit());
    if (is_word || is_number) && reading.may_doubt() {
        let problem = match nearest_level(&level) {
            Some(nearest) => format!("is not a known word; did you mean !{nearest}?"),
            None => "is not a known word; write !critical, !high, !medium or !low, or !1 to !4, and put text in quotes".into(),
        };
        reading.doubt("priority", said.to_owned(), problem);
    }
    false
}

fn nearest_level(word: &str) -> Option<Priority> {
    // No level is longer, even with two letters too many.
    if word.len() > 10 {
        return None;
    }
    let is_start = |level: &Priority| word.len() > 1 && level.as_str().starts_with(word);
    Priority::ALL.into_iter().find(is_start).or_else(|| {
        let distance = |level: Priority| strsim::damerau_levenshtein(word, level.as_str());
        let nearest = Priority::ALL
            .into_iter()
            .min_by_key(|level| distance(*level))?;
        let limit = nearest.as_str().len() / 2;
        (distance(nearest) <= limit.min(2)).then_some(nearest)
    })
}

fn estimate(reading: &mut Reading<'_>, length: &str, said: &str) -> bool {
    // `~/notes` and `~tilde` are text.
    if !length.starts_with(|c: char| c.is_ascii_digit()) {
        return false;
    }
    let Some(minutes) = estimate::read(length) else {
        let problem =
            "is not a length of time; write ~30m, ~2h, ~1h30m or ~1d, and put text in quotes";
        reading.doubt("estimate_minutes", said.to_owned(), problem);
        return false;
    };
    match reading.line.estimate_minutes {
        Some(first) if first != minutes => {
            let problem = format!(
                "was given as {} and as {}; keep one",
                estimate::show(first),
                estimate::show(minutes)
            );
            reading.doubt("estimate_minutes", said.to_owned(), problem);
        }
        _ => reading.line.estimate_minutes = Some(minutes),
    }
    true
}
