//! What a person or an agent looks for, as an expression of a full-text index that keeps positions.
//!
//! Each word is quoted, so that no text is read as syntax; one that the index takes for several is
//! a phrase of them, which such an index finds.

/// The most words that are looked for, and the longest, in characters.
const WORDS_MAX: usize = 32;
const WORD_MAX: usize = 64;

/// Returns an expression that asks for every word, and one that asks for any of them; nothing where
/// there is no word. Short words are left out where there are longer ones: half of all texts have
/// them.
pub(crate) fn expressions(query: &str) -> Option<(String, String)> {
    let is_border = |c: char| c.is_whitespace() || c.is_control() || c.is_ascii_punctuation();
    let mut words: Vec<String> = Vec::new();
    for word in query.split(is_border) {
        let word: String = word.chars().take(WORD_MAX).collect();
        let word = word.to_lowercase();
        if word.chars().any(char::is_alphanumeric) && !words.contains(&word) {
            words.push(word);
        }
        if words.len() == WORDS_MAX {
            break;
        }
    }
    let is_long = |word: &String| word.len() > 2;
    if words.iter().any(is_long) {
        words.retain(is_long);
    }
    if words.is_empty() {
        return None;
    }
    let quoted: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
    Some((quoted.join(" AND "), quoted.join(" OR ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_and_nothing_else_is_left() {
        let all = |query| expressions(query).map(|(all, _)| all);

        assert_eq!(all("Ada's tea!").as_deref(), Some("\"ada\" AND \"tea\""));
        assert_eq!(all("x\" OR *").as_deref(), Some("\"x\" AND \"or\""));
        assert_eq!(all("a of b").as_deref(), Some("\"a\" AND \"of\" AND \"b\""));
        assert_eq!(all("हिन्दी 日本").as_deref(), Some("\"हिन्दी\" AND \"日本\""));
        assert_eq!(all("?! \u{0} \"\" -"), None);
        assert_eq!(expressions("tea milk").unwrap().1, "\"tea\" OR \"milk\"");
    }

    #[test]
    fn a_long_query_is_cut() {
        let many: Vec<String> = (0..1000).map(|number| format!("word{number}")).collect();
        let (all, _) = expressions(&many.join(" ")).unwrap();
        assert_eq!(all.matches('"').count(), 2 * WORDS_MAX);

        let (all, _) = expressions(&"x".repeat(10_000)).unwrap();
        assert_eq!(all.len(), WORD_MAX + 2);
    }
}
