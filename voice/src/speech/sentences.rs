//! Text to sentences, each short enough to be spoken while the next is made.

/// The longest sentence, in bytes. A longer one is cut at a comma or between words.
pub const LONGEST_SENTENCE: usize = 400;

/// The first sentence is cut at a comma beyond this, so that the first sound comes early.
const LONGEST_FIRST: usize = 90;

/// What is said before a comma must have some length, or it sounds hasty.
const SHORTEST_FIRST: usize = 25;

/// Words with a full stop at their end that do not end a sentence.
const ABBREVIATIONS: [&str; 22] = [
    "mr", "mrs", "ms", "dr", "prof", "sr", "jr", "st", "vs", "etc", "e.g", "i.e", "no", "nos",
    "approx", "fig", "inc", "ltd", "z.b", "d.h", "bzw", "ca",
];

/// The sentences of a text in order, without the marks that only a screen shows. None has more than
/// [`LONGEST_SENTENCE`] bytes.
pub fn sentences(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for line in text.lines() {
        let line = plain(line);
        let mut start = 0;
        for end in ends(&line) {
            push(&mut found, &line[start..end]);
            start = end;
        }
        push(&mut found, &line[start..]);
    }
    hasten(&mut found);
    found
}

/// A line without the marks of Markdown and the addresses of links, and with spaces instead of control
/// characters.
fn plain(line: &str) -> String {
    let mut line = line.trim();
    while !is_number_sign(line)
        && let Some(rest) = line.strip_prefix(['#', '>', '-', '*', ' '])
    {
        line = rest;
    }
    let words: Vec<String> = without_targets(line)
        .split(|c: char| c.is_whitespace() || c.is_control())
        .map(|word| with_number(&without_path(word)))
        .collect();
    let line = words.join(" ");
    line.chars()
        .filter(|c| !matches!(c, '*' | '`' | '_' | '~' | '|'))
        .collect()
}

/// `[the plan](https://example.org/plan)` as `the plan`.
fn without_targets(line: &str) -> String {
    let mut plain = String::new();
    let mut rest = line;
    while let Some((before, target)) = rest.split_once("](") {
        let (Some((before, text)), Some((_, after))) =
            (before.rsplit_once('['), target.split_once(')'))
        else {
            break;
        };
        plain.extend([before, text]);
        rest = after;
    }
    plain.push_str(rest);
    plain
}

/// `https://www.example.org/a/b?c` as `example.org`: nobody listens to the rest.
fn without_path(word: &str) -> String {
    let Some((scheme, rest)) = word.split_once("://") else {
        return word.to_owned();
    };
    let before = scheme.trim_end_matches(|c: char| c.is_ascii_alphanumeric());
    let host = rest
        .split(['/', '?', '#', ')', '>'])
        .next()
        .unwrap_or_default();
    let mark = word
        .chars()
        .last()
        .filter(|c| matches!(c, '.' | ',' | '!' | '?'));
    let host = host
        .trim_start_matches("www.")
        .trim_end_matches(['.', ',', '!']);
    before.chars().chain(host.chars()).chain(mark).collect()
}

/// Whether a text begins with a number as it is written on a screen, such as `#12`.
fn is_number_sign(text: &str) -> bool {
    let mut characters = text.chars();
    characters.next() == Some('#') && characters.next().is_some_and(|c| c.is_ascii_digit())
}

/// `(#12,` as `(number 12,`: a voice would call the sign a hash.
fn with_number(word: &str) -> String {
    let begin = word.find('#').unwrap_or(word.len());
    let is_alone = word[..begin].chars().all(|c| matches!(c, '(' | '"' | '“'));
    if is_alone && is_number_sign(&word[begin..]) {
        format!("{}number {}", &word[..begin], &word[begin + 1..])
    } else {
        word.to_owned()
    }
}

/// Where sentences end, behind their marks.
fn ends(line: &str) -> Vec<usize> {
    let mut found = Vec::new();
    let mut characters = line.char_indices().peekable();
    while let Some((at, mark)) = characters.next() {
        if !matches!(mark, '.' | '!' | '?' | '…' | '。' | '！' | '？') {
            continue;
        }
        let mut end = at + mark.len_utf8();
        while let Some((at, next)) = characters.peek().copied() {
            if !matches!(
                next,
                '.' | '!' | '?' | '…' | '"' | '\'' | ')' | ']' | '”' | '’' | '»'
            ) {
                break;
            }
            end = at + next.len_utf8();
            characters.next();
        }
        let is_wide = matches!(mark, '。' | '！' | '？');
        let is_followed = line[end..].starts_with(char::is_whitespace);
        let goes_on = mark == '.'
            && (line[end..].trim_start().starts_with(char::is_lowercase)
                || is_abbreviation(&line[..at]));
        if is_wide || (is_followed && !goes_on) {
            found.push(end);
        }
    }
    found
}

/// Whether what stands before a full stop is an abbreviation, an initial or the number of a list.
fn is_abbreviation(before: &str) -> bool {
    let word = before
        .rsplit(|c: char| c.is_whitespace() || matches!(c, '(' | '"'))
        .next()
        .unwrap_or_default();
    let is_initial =
        word.chars().count() == 1 && word.chars().all(char::is_alphabetic) && word != "I";
    let is_number = !word.is_empty() && word.len() <= 2 && word.chars().all(|c| c.is_ascii_digit());
    let is_list = is_number && before.trim() == word;
    is_initial || is_list || ABBREVIATIONS.contains(&word.to_lowercase().as_str())
}

fn push(found: &mut Vec<String>, sentence: &str) {
    let mut rest = sentence.trim();
    while rest.len() > LONGEST_SENTENCE {
        let (now, later) = cut(rest, LONGEST_SENTENCE);
        found.push(now.trim().to_owned());
        rest = later.trim();
    }
    // What has no letter and no digit is not spoken.
    if rest.chars().any(char::is_alphanumeric) {
        found.push(rest.to_owned());
    }
}

/// Cuts at the last comma before a limit, or else between words, or else anywhere.
fn cut(text: &str, limit: usize) -> (&str, &str) {
    let within = &text[..floor(text, limit)];
    let comma = within.rfind([',', ';', ':']).filter(|at| *at > limit / 4);
    let at = comma
        .map(|at| at + 1)
        .or_else(|| within.rfind(char::is_whitespace).filter(|at| *at > 0))
        .unwrap_or(within.len());
    text.split_at(at)
}

/// The nearest place at or before a limit where a character begins.
fn floor(text: &str, limit: usize) -> usize {
    (0..=limit.min(text.len()))
        .rev()
        .find(|at| text.is_char_boundary(*at))
        .unwrap_or(0)
}

/// Cuts a long first sentence at its first comma.
fn hasten(found: &mut Vec<String>) {
    let Some(first) = found.first().filter(|first| first.len() > LONGEST_FIRST) else {
        return;
    };
    let comma = first
        .match_indices([',', ';', ':', '–', '—'])
        .map(|(at, mark)| at + mark.len())
        .find(|at| *at >= SHORTEST_FIRST && first[*at..].starts_with(char::is_whitespace));
    if let Some(at) = comma {
        let (now, later) = first.split_at(at);
        let parts = [now.to_owned(), later.trim().to_owned()];
        found.splice(..1, parts);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(text: &str, expected: &[&str]) {
        assert_eq!(sentences(text), expected);
    }

    #[test]
    fn each_sentence_stands_alone() {
        check(
            "I moved it to Friday. Is that fine? Good!",
            &["I moved it to Friday.", "Is that fine?", "Good!"],
        );
        check("One line\nand another", &["One line", "and another"]);
        check(
            "Ready… Go \"now.\" Then stop.",
            &["Ready…", "Go \"now.\"", "Then stop."],
        );
        check("好的。明天見。", &["好的。", "明天見。"]);
    }

    #[test]
    fn not_every_full_stop_ends_a_sentence() {
        check(
            "Dr. Smith pays 3.50 at 5.30 p.m. today.",
            &["Dr. Smith pays 3.50 at 5.30 p.m. today."],
        );
        check(
            "Call J. F. Kennedy, e.g. today.",
            &["Call J. F. Kennedy, e.g. today."],
        );
        check("1. Buy milk", &["1. Buy milk"]);
        check("It is 12. Come!", &["It is 12.", "Come!"]);
    }

    #[test]
    fn marks_of_a_screen_are_not_spoken() {
        check("## **Done**\n- `build` it\n---\n", &["Done", "build it"]);
    }

    #[test]
    fn numbers_of_tasks_are_called_numbers() {
        check(
            "#3 Paint the fence is done. I've made #4 (#5 waits) in C#6.",
            &[
                "number 3 Paint the fence is done.",
                "I've made number 4 (number 5 waits) in C#6.",
            ],
        );
        check("# 3 things\n- #4, #x", &["3 things", "number 4, #x"]);
    }

    #[test]
    fn addresses_are_not_read_out() {
        check(
            "See [the plan](https://example.org/p?q=1) today. It is at https://www.example.org/a/b.",
            &["See the plan today.", "It is at example.org."],
        );
        check("A list [1] and (two)](x", &["A list [1] and (two)](x"]);
    }

    #[test]
    fn a_long_first_sentence_is_begun_before_it_is_all_made() {
        let text = "I looked through all the tasks of the week, and the one that worries me most is the \
                    landing page, because nobody has it.";

        let found = sentences(text);

        assert_eq!(found[0], "I looked through all the tasks of the week,");
        assert_eq!(found.join(" "), text);
    }

    #[test]
    fn nothing_to_say_is_nothing() {
        check(" \n *** \n ... ", &[]);
    }

    proptest! {
        #[test]
        fn no_sentence_is_too_long_and_no_word_is_lost(words in prop::collection::vec("[a-zäß]{1,30}[,.!?;]?", 0..200)) {
            let text = words.join(" ");

            let found = sentences(&text);

            prop_assert!(found.iter().all(|sentence| sentence.len() <= LONGEST_SENTENCE));
            let back: Vec<&str> = found.iter().flat_map(|sentence| sentence.split(' ')).collect();
            prop_assert_eq!(back, words);
        }

        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,900}") {
            for sentence in sentences(&text) {
                prop_assert!(sentence.len() <= LONGEST_SENTENCE);
            }
        }
    }
}
