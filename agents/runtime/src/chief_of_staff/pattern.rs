//! Shapes of sentences: `mark|set {task} [as] done`.
//!
//! `a|b` is one of these words, `[a]` one that may be left out, `{name}` one word or more, `:` a
//! colon after the word before.

use super::words::Span;

/// The longest part of a sentence that is followed by another, in words. It keeps matching linear
/// in the length of a message.
const PART_MAX: usize = 40;

/// Returns the parts of `span` in the braces of `pattern`, if it has that shape.
pub(super) fn parts<'a>(pattern: &str, span: Span<'a>) -> Option<Vec<Span<'a>>> {
    let shapes: Vec<&str> = pattern.split(' ').collect();
    let mut found = Vec::new();
    fits(&shapes, span, 0, &mut found).then_some(found)
}

/// Whether `span` has the shape of one of `patterns` that have no braces.
pub(super) fn is_any(patterns: &[&str], span: Span<'_>) -> bool {
    patterns
        .iter()
        .any(|pattern| parts(pattern, span).is_some())
}

fn fits<'a>(shapes: &[&str], span: Span<'a>, at: usize, found: &mut Vec<Span<'a>>) -> bool {
    let Some((shape, rest)) = shapes.split_first() else {
        return at == span.len();
    };
    if shape.starts_with('{') {
        return fits_part(rest, span, at, found);
    }
    if *shape == ":" {
        let has_colon = at
            .checked_sub(1)
            .and_then(|before| span.words().get(before))
            .is_some_and(|word| word.has_colon);
        return has_colon && fits(rest, span, at, found);
    }
    let word = span.at(at);
    let is_optional = shape.starts_with('[');
    let words = shape.trim_start_matches('[').trim_end_matches(']');
    let is_there = !word.is_empty() && words.split('|').any(|known| known == word);
    (is_there && fits(rest, span, at + 1, found)) || (is_optional && fits(rest, span, at, found))
}

fn fits_part<'a>(rest: &[&str], span: Span<'a>, at: usize, found: &mut Vec<Span<'a>>) -> bool {
    if at >= span.len() {
        return false;
    }
    if rest.is_empty() {
        found.push(span.skip(at));
        return true;
    }
    let known = found.len();
    for end in at + 1..=span.len().min(at + PART_MAX) {
        found.push(span.skip(at).take(end - at));
        if fits(rest, span, end, found) {
            return true;
        }
        found.truncate(known);
    }
    false
}

#[cfg(test)]
mod tests {
    use super::super::words::Said;
    use super::*;

    fn check(pattern: &str, text: &str, expected: Option<&[&str]>) {
        let said = Said::new(text);
        let found = parts(pattern, said.all());
        let found: Option<Vec<&str>> =
            found.map(|parts| parts.iter().map(|part| part.written()).collect());
        assert_eq!(found.as_deref(), expected, "{pattern} on {text}");
    }

    #[test]
    fn words_options_and_parts() {
        check(
            "mark|set {t} [as] done",
            "Mark the Page as done.",
            Some(&["the Page"]),
        );
        check("mark|set {t} [as] done", "set it done", Some(&["it"]));
        check("mark|set {t} [as] done", "mark done", None);
        check(
            "block {t} because {r}",
            "block 12 because of rain",
            Some(&["12", "of rain"]),
        );
        check(
            "answer {t} : {a}",
            "answer 7: the red one",
            Some(&["7", "the red one"]),
        );
        check("answer {t} : {a}", "answer 7 the red one", None);
        check("undo", "undo it", None);
    }
}
