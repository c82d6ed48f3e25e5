//! What is said of a model's answer: as much as takes half a minute to say, and at most three
//! questions. The rest is offered in writing.

/// The most words that are said.
pub(crate) const WORDS_MAX: usize = 75;
/// The most questions that are asked at once.
const QUESTIONS_MAX: usize = 3;
/// What is said where something was left out.
pub(crate) const OFFER: &str = "I've put the rest in writing; say \"show the rest\".";
/// The words of that, and one for a break.
const OFFER_WORDS: usize = 11;

/// An answer in two parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Spoken {
    /// What is said.
    pub(crate) text: String,
    /// What is not.
    pub(crate) rest: Option<String>,
}

/// Cuts an answer so that `reserved` further words can be said with it.
pub(crate) fn limited(text: &str, reserved: usize) -> Spoken {
    let text = plain(text);
    let text = text.trim();
    let limit = WORDS_MAX.saturating_sub(reserved);
    let (sentences, _) = sentences(text);
    let asked = sentences.iter().map(|sentence| questions(sentence));
    if words(text) <= limit && asked.sum::<usize>() <= QUESTIONS_MAX {
        return Spoken {
            text: text.to_owned(),
            rest: None,
        };
    }
    let (mut said, rest) = cut(&sentences, limit.saturating_sub(OFFER_WORDS));
    if said.trim().is_empty() {
        // One sentence that does not end: it is cut in the middle.
        let first: Vec<&str> = text.split_whitespace().collect();
        let (head, tail) = first.split_at(first.len().min(limit.saturating_sub(OFFER_WORDS)));
        return Spoken {
            text: format!("{} … {OFFER}", head.join(" ")),
            rest: Some(format!("… {}", tail.join(" "))),
        };
    }
    said.truncate(said.trim_end().len());
    Spoken {
        text: format!("{said} {OFFER}"),
        rest: Some(rest.trim().to_owned()),
    }
}

/// Returns what is certain to be said of a text that goes on.
pub(crate) fn certain(so_far: &str, reserved: usize) -> String {
    let text = plain(so_far);
    let (mut sentences, is_ended) = sentences(text.trim_start());
    if !is_ended {
        sentences.pop();
    }
    let limit = WORDS_MAX.saturating_sub(reserved + OFFER_WORDS);
    let (said, _) = cut(&sentences, limit);
    said.trim_end().to_owned()
}

/// Parts sentences into those that are said and the others: as many as have `limit` words together,
/// and of those that ask, the first three.
fn cut(sentences: &[&str], limit: usize) -> (String, String) {
    let (mut said, mut rest) = (String::new(), String::new());
    let (mut spoken, mut asked, mut is_over) = (0, 0, false);
    for sentence in sentences {
        let asks = questions(sentence);
        is_over |= spoken + words(sentence) > limit;
        if is_over || asked + asks > QUESTIONS_MAX {
            rest.push_str(sentence);
            continue;
        }
        spoken += words(sentence);
        asked += asks;
        said.push_str(sentence);
    }
    (said, rest)
}

/// How many words a text has.
pub(crate) fn words(text: &str) -> usize {
    text.split_whitespace().count()
}

fn questions(text: &str) -> usize {
    text.matches('?').count()
}

/// Takes marks away that are for the eye.
fn plain(text: &str) -> String {
    let lines = text.split_inclusive('\n').map(|line| {
        let bare = line.trim_start_matches('#');
        let is_heading = bare.len() < line.len() && bare.starts_with(' ');
        let line = if is_heading { bare.trim_start() } else { line };
        line.replace("**", "").replace('`', "")
    });
    lines.collect()
}

/// Cuts text into sentences, each with the blanks after it; and says whether the last has ended,
/// whatever else follows.
fn sentences(text: &str) -> (Vec<&str>, bool) {
    let mut found = Vec::new();
    let mut start = 0;
    let mut chars = text.char_indices().peekable();
    let mut has_ended = false;
    while let Some((at, c)) = chars.next() {
        let next = chars.peek().map(|(_, next)| *next);
        match c {
            '\n' => has_ended = true,
            '.' | '?' | '!' | '…' => {
                let word = text.get(start..at).unwrap_or_default();
                let word = word.rsplit(char::is_whitespace).next().unwrap_or_default();
                has_ended |= c != '.' || !is_abbreviated(word);
            }
            '"' | '\'' | ')' | ']' | '\u{201d}' | '\u{2019}' => (),
            c if c.is_whitespace() => (),
            _ => has_ended = false,
        }
        let is_blank = c.is_whitespace();
        let goes_on = next.is_some_and(|next| !next.is_whitespace());
        if has_ended && is_blank && goes_on {
            let end = at + c.len_utf8();
            found.push(text.get(start..end).unwrap_or_default());
            start = end;
            has_ended = false;
        }
    }
    let last = text.get(start..).unwrap_or_default();
    if !last.is_empty() {
        found.push(last);
    }
    (found, has_ended && text.ends_with(char::is_whitespace))
}

/// Whether a full stop after the word does not end a sentence: `1.`, `e.g.`, `Dr.`.
fn is_abbreviated(word: &str) -> bool {
    let is_number = !word.is_empty() && word.chars().all(|c| c.is_ascii_digit());
    let word = word.trim_start_matches(['(', '"']).to_lowercase();
    is_number
        || word.contains('.')
        || matches!(word.as_str(), "dr" | "mr" | "mrs" | "ms" | "st" | "vs")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_short_is_said_as_it_is() {
        let said = limited("I've made **Web** with #3. See `plan`. Shall I begin?", 0);

        assert_eq!(said.text, "I've made Web with #3. See plan. Shall I begin?");
        assert_eq!(said.rest, None);
    }

    #[test]
    fn a_long_answer_ends_with_a_sentence_and_the_rest_is_kept() {
        let sentence = "Six words are in this sentence. ";
        let said = limited(&sentence.repeat(800), 0);

        assert_eq!(words(&said.text), 60 + words(OFFER));
        assert!(said.text.ends_with(&format!("sentence. {OFFER}")));
        assert_eq!(words(&said.rest.unwrap()), 4800 - 60);
    }

    #[test]
    fn a_sentence_without_an_end_is_cut_in_the_middle() {
        let said = limited(&"word ".repeat(300), 0);

        assert!(words(&said.text) <= WORDS_MAX);
        assert!(said.text.ends_with(OFFER));
        assert_eq!(words(&said.rest.unwrap()), 300 - 64 + 1);
    }

    #[test]
    fn the_first_three_questions_are_asked() {
        let said = limited("Who? What? When? Where? Why? How? I begin now.", 0);

        assert_eq!(said.text, format!("Who? What? When? I begin now. {OFFER}"));
        assert_eq!(said.rest.unwrap(), "Where? Why? How?");
    }

    #[test]
    fn a_number_or_an_abbreviation_does_not_end_a_sentence() {
        assert_eq!(
            sentences("1. Ask Dr. Ada, e.g. today.\n2. Done (really!) Yes.").0,
            [
                "1. Ask Dr. Ada, e.g. today.\n",
                "2. Done (really!) ",
                "Yes."
            ]
        );
        assert_eq!(
            sentences("Version 1.2 costs 3.50 now.").0,
            ["Version 1.2 costs 3.50 now."]
        );
    }

    proptest! {
        #[test]
        fn what_is_heard_early_begins_the_answer(text in "([a-z]{1,6}[ ]|[a-z]{1,6}[.?!] |#[0-9]\\. |\\*\\*|\n){0,160}", at in 0_usize..900, reserved in 0_usize..20) {
            let at = (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
            let early = certain(&text[..at], reserved);
            let whole = limited(&text, reserved);
            prop_assert!(whole.text.starts_with(&early), "{early:?} and {:?}", whole.text);
            prop_assert!(words(&whole.text) + reserved <= WORDS_MAX);
            prop_assert!(whole.text.matches('?').count() <= QUESTIONS_MAX);
        }
    }
}
