//! Sentences to phonemes with their punctuation, which a voice needs for its melody.

use super::SpeechError;
use super::espeak::{Espeak, shortened};

/// Marks that a voice knows how to speak.
const MARKS: [char; 6] = ['.', ',', '!', '?', ';', ':'];

/// A sentence as phonemes of the International Phonetic Alphabet, with its punctuation kept.
pub(super) async fn spell(
    espeak: &Espeak,
    sentence: &str,
    voice: &str,
) -> Result<String, SpeechError> {
    let mut spelled = String::new();
    for (text, mark) in clauses(shortened(sentence)) {
        let phonemes = espeak.phonemes(text, voice).await?;
        if phonemes.is_empty() {
            continue;
        }
        if !spelled.is_empty() {
            spelled.push(' ');
        }
        spelled.push_str(&phonemes);
        spelled.extend(mark);
    }
    Ok(spelled)
}

/// The pieces of a sentence between marks, each with the mark behind it. A mark inside a word or number
/// belongs to it.
fn clauses(sentence: &str) -> Vec<(&str, Option<char>)> {
    let mut found = Vec::new();
    let mut start = 0;
    for (at, mark) in sentence.char_indices() {
        if !MARKS.contains(&mark) {
            continue;
        }
        let after = at + mark.len_utf8();
        let rest = &sentence[after..];
        if !rest.is_empty() && !rest.starts_with(|c: char| c.is_whitespace() || MARKS.contains(&c))
        {
            continue;
        }
        found.push((&sentence[start..at], Some(mark)));
        start = after;
    }
    found.push((&sentence[start..], None));
    found.retain(|(text, _)| text.chars().any(char::is_alphanumeric));
    found
}

/// A character as the base and the mark above or below it, where voices learned them apart.
pub(super) fn apart(c: char) -> impl Iterator<Item = char> {
    let (base, mark) = match c {
        'ç' => ('c', Some('\u{327}')),
        'ã' => ('a', Some('\u{303}')),
        'ẽ' => ('e', Some('\u{303}')),
        'ĩ' => ('i', Some('\u{303}')),
        'õ' => ('o', Some('\u{303}')),
        'ũ' => ('u', Some('\u{303}')),
        other => (other, None),
    };
    std::iter::once(base).chain(mark)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_stay_with_the_words_before_them() {
        assert_eq!(
            clauses("Well, it costs 3.50: take it!"),
            [
                ("Well", Some(',')),
                (" it costs 3.50", Some(':')),
                (" take it", Some('!'))
            ]
        );
        assert_eq!(clauses("no mark"), [("no mark", None)]);
        assert_eq!(clauses("what?!"), [("what", Some('?'))]);
    }
}
