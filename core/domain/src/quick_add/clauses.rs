//! What a word says together with those after it: `due friday`, `every monday`, `after #12`,
//! `for seed`, `high priority`, `in project web`, `labelled design`.

use super::markers::is_bare_label;
use super::reading::Reading;
use super::tokens::PUNCTUATION;
use crate::field::{AgentName, LIST_MAX, Label, OWNER};
use crate::priority::Priority;
use crate::recurrence::Rule;
use crate::when::{is_date_word, nearest, nearly_words, number};

/// The most words of a project's name that are looked for in speech.
const PROJECT_WORDS: usize = 8;

/// How many words a doubt repeats.
const SAID_WORDS: usize = 3;

/// Reads the clause at `index`; returns how many tokens it has.
pub(super) fn read(reading: &mut Reading<'_>, index: usize) -> Option<usize> {
    match reading.word(index) {
        "due" | "due:" => due(reading, index),
        "every" => every(reading, index),
        "after" => after(reading, index),
        "for" => assignee(reading, index),
        "in" => project(reading, index),
        "labelled" | "labeled" | "tagged" => label(reading, index),
        "priority" | "priority:" => {
            let level = reading.word(index + 1).parse().ok()?;
            Some(set_priority(reading, level, index, 2))
        }
        "with" => {
            let level = level_before_priority(reading, index + 1)?;
            Some(set_priority(reading, level, index, 3))
        }
        _ => {
            let level = level_before_priority(reading, index)?;
            Some(set_priority(reading, level, index, 2))
        }
    }
}

fn level_before_priority(reading: &Reading<'_>, index: usize) -> Option<Priority> {
    let level = reading.word(index).parse().ok()?;
    (reading.word(index + 1) == "priority").then_some(level)
}

fn set_priority(reading: &mut Reading<'_>, level: Priority, index: usize, took: usize) -> usize {
    let said = reading.said(index, took);
    reading.set_priority(level, said);
    took
}

fn due(reading: &mut Reading<'_>, index: usize) -> Option<usize> {
    if let Some(phrase) = reading.dates.read(reading.window(index + 1)) {
        let took = phrase.took + 1;
        let said = reading.said(index, took);
        reading.set_due(phrase.when, said);
        goes_on(reading, "due", index + took);
        return Some(took);
    }
    let is_text = matches!(
        reading.word(index + 1),
        "to" | "diligence" | "process" | "date" | "dates" | "course" | "care"
    );
    if !is_text && reading.may_doubt() {
        let problem = match nearly_words(reading.window(index + 1), &reading.dates) {
            Some(hint) => format!("is not clear: {hint}"),
            None => "is followed by no date; write due friday, due 27 nov or due 2026-11-27, and put text in quotes".into(),
        };
        let said = reading.said(index, SAID_WORDS);
        reading.doubt("due", said, problem);
    }
    None
}

fn every(reading: &mut Reading<'_>, index: usize) -> Option<usize> {
    if let Some((rule, took)) = Rule::read_words(reading.window(index)) {
        let said = reading.said(index, took);
        reading.set_recurrence(rule, said);
        goes_on(reading, "recurrence", index + took);
        return Some(took);
    }
    if reading.may_doubt() {
        let problem = match Rule::nearly_words(reading.window(index)) {
            Some(hint) => format!("is not clear: {hint}"),
            None => "has no known rhythm; write every day, every monday 09:00 or every 2 weeks, and put text in quotes".into(),
        };
        let said = reading.said(index, SAID_WORDS);
        reading.doubt("recurrence", said, problem);
    }
    None
}

/// Doubts a phrase that was understood up to a slip: `every week on fryday`.
fn goes_on(reading: &mut Reading<'_>, field: &'static str, end: usize) {
    if !matches!(reading.word(end), "on" | "at") || !reading.may_doubt() {
        return;
    }
    if let Some(right) = nearest(reading.word(end + 1)) {
        let said = reading.said(end, 2);
        let problem = format!("goes on with \"{said}\", which is not clear: did you mean {right}?");
        reading.doubt(field, said, problem);
    }
}

/// `after #12`, `after #12 and #13`, `after number twelve`, `after tasks 12, 13 and 14`.
fn after(reading: &mut Reading<'_>, index: usize) -> Option<usize> {
    let mut took = 1;
    let mut is_plural = false;
    loop {
        let and = usize::from(took > 1 && matches!(reading.word(index + took), "and" | "&"));
        let next = index + took + and;
        let noun = reading.word(next);
        is_plural |= noun == "tasks";
        let is_named = matches!(noun, "number" | "task" | "tasks");
        let found = if is_named {
            task_number(reading, next + 1, Bare::Allowed).map(|(number, more)| (number, more + 1))
        } else {
            let bare = if is_plural && took > 1 {
                Bare::Allowed
            } else {
                Bare::Text
            };
            task_number(reading, next, bare)
        };
        let Some((number, more)) = found else {
            break;
        };
        took += and + more;
        if reading.line.after.contains(&number) {
            continue;
        }
        if reading.line.after.len() == LIST_MAX {
            let said = reading.said(next, more);
            reading.doubt(
                "after",
                said,
                format!("must have at most {LIST_MAX} entries"),
            );
        } else {
            reading.line.after.push(number);
        }
    }
    (took > 1).then_some(took)
}

/// Whether a number without `#` is a task's.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Bare {
    Allowed,
    Text,
}

fn task_number(reading: &Reading<'_>, index: usize, bare: Bare) -> Option<(i64, usize)> {
    let word = reading.word(index);
    let digits = word
        .strip_prefix('#')
        .or((bare == Bare::Allowed).then_some(word))?;
    let digits = digits.trim_end_matches(PUNCTUATION);
    if digits.bytes().all(|byte| byte.is_ascii_digit())
        && let Ok(number) = digits.parse()
    {
        return (number > 0).then_some((number, 1));
    }
    let (number, took) = number(reading.window(index)).filter(|_| bare == Bare::Allowed)?;
    (number > 0).then_some((i64::from(number), took))
}

fn assignee(reading: &mut Reading<'_>, index: usize) -> Option<usize> {
    let written = reading.written(index + 1)?;
    // A name may end with a full stop.
    let name = reading
        .agent(written)
        .or_else(|| reading.agent(written.trim_end_matches(PUNCTUATION)))
        .or(match reading.word(index + 1) {
            "me" | "myself" | OWNER => Some(OWNER),
            _ => None,
        })?;
    // `for me and Anna` and `for me to read` go on.
    if matches!(reading.word(index + 2), "and" | "or" | "to" | "&") {
        return None;
    }
    let name = AgentName::parse("assigned_to", name).ok()?;
    match &reading.line.assigned_to {
        Some(first) if *first != name => {
            let problem = format!("was given as {first} and as {name}; keep one");
            let said = reading.said(index, 2);
            reading.doubt("assigned_to", said, problem);
        }
        _ => reading.line.assigned_to = Some(name),
    }
    Some(2)
}

/// `in project web`, `in the web project`, for known projects.
fn project(reading: &mut Reading<'_>, index: usize) -> Option<usize> {
    if reading.known.projects.is_empty() {
        return None;
    }
    let is_before = match reading.word(index + 1) {
        "project" => true,
        "the" => false,
        _ => return None,
    };
    let words = reading.window(index + 2);
    let (name, count) = (1..=PROJECT_WORDS.min(words.len()))
        .rev()
        .find_map(|count| {
            let is_whole = is_before || words.get(count).is_some_and(|word| word == "project");
            let name = reading
                .project(&words.get(..count)?.join(" "))
                .filter(|_| is_whole)?;
            Some((name.to_owned(), count))
        })?;
    let took = 2 + count + usize::from(!is_before);
    let said = reading.said(index, took);
    reading.set_project(&name, said).then_some(took)
}

fn label(reading: &mut Reading<'_>, index: usize) -> Option<usize> {
    let as_ = usize::from(reading.word(index + 1) == "as");
    let written = reading
        .written(index + 1 + as_)?
        .trim_end_matches(PUNCTUATION);
    let word = reading.word(index + 1 + as_);
    // `photos tagged by mom` is text.
    if is_date_word(word)
        || matches!(word, "and" | "as" | "for" | "with")
        || !is_bare_label(written)
    {
        return None;
    }
    let label = Label::parse("labels", written).ok()?;
    let took = 2 + as_;
    let said = reading.said(index, took);
    reading.add_label(label, said);
    Some(took)
}
