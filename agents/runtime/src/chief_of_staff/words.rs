//! A message as words: in lower case, without accents and punctuation, each with its place in the
//! text, so that titles and reasons are taken as they were written.

use std::ops::Range;

/// A word of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Word {
    /// In lower case, without accents and the punctuation around it.
    pub(super) text: String,
    /// Where it stands in the message, punctuation left out but for what opens a quotation.
    pub(super) place: Range<usize>,
    /// Whether a colon follows.
    pub(super) has_colon: bool,
}

/// A message, cut into words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Said {
    text: String,
    words: Vec<Word>,
}

/// Words of a message that follow each other.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span<'a> {
    said: &'a Said,
    from: usize,
    to: usize,
}

/// What people say before they come to the point.
const LEADS: [&str; 32] = [
    "hey",
    "hi",
    "hello",
    "okay",
    "ok",
    "so",
    "um",
    "uh",
    "uhm",
    "er",
    "well",
    "oh",
    "and",
    "also",
    "now",
    "then",
    "just",
    "please",
    "alright",
    "actually",
    "hearth",
    "chief of staff",
    "chief",
    "can you",
    "could you",
    "would you",
    "will you",
    "i want you to",
    "i would like you to",
    "i need you to",
    "let us",
    "go ahead and",
];

/// What people say after it.
const TAILS: [&str; 6] = [
    "please",
    "thanks",
    "thank you",
    "thank you very much",
    "would you",
    "will you",
];

impl Said {
    /// Cuts a message into words. Control characters and marks of direction become blanks.
    pub(super) fn new(message: &str) -> Self {
        let text: String = message
            .chars()
            .map(|c| if is_unseen(c) { ' ' } else { c })
            .collect();
        let mut words = Vec::new();
        let mut start = None;
        for (index, c) in text.char_indices().chain([(text.len(), ' ')]) {
            match (c.is_whitespace(), start) {
                (true, Some(from)) => {
                    push(&mut words, &text, from..index);
                    start = None;
                }
                (false, None) => start = Some(index),
                (true, None) | (false, Some(_)) => (),
            }
        }
        Self { text, words }
    }

    /// All its words.
    pub(super) fn all(&self) -> Span<'_> {
        Span {
            said: self,
            from: 0,
            to: self.words.len(),
        }
    }

    /// Its words without the courtesies around them; all of them where it has nothing else.
    pub(super) fn point(&self) -> Span<'_> {
        let mut span = self.all();
        while let Some(took) = LEADS.iter().find_map(|lead| span.begins(lead)) {
            span = span.skip(took);
        }
        while let Some(took) = TAILS.iter().find_map(|tail| span.ends(tail)) {
            span.to -= took;
        }
        if span.is_empty() { self.all() } else { span }
    }
}

impl<'a> Span<'a> {
    pub(super) fn len(self) -> usize {
        self.to - self.from
    }

    pub(super) fn is_empty(self) -> bool {
        self.from >= self.to
    }

    pub(super) fn words(self) -> &'a [Word] {
        self.said.words.get(self.from..self.to).unwrap_or_default()
    }

    /// The word at `index`, or an empty one past the end.
    pub(super) fn at(self, index: usize) -> &'a str {
        self.words().get(index).map_or("", |word| &word.text)
    }

    /// The words from `index` on.
    pub(super) fn skip(self, index: usize) -> Self {
        Self {
            from: (self.from + index).min(self.to),
            ..self
        }
    }

    /// The first `count` words.
    pub(super) fn take(self, count: usize) -> Self {
        Self {
            to: (self.from + count).min(self.to),
            ..self
        }
    }

    /// Whether the words begin with `phrase`; returns how many words that is.
    pub(super) fn begins(self, phrase: &str) -> Option<usize> {
        let mut count = 0;
        for word in phrase.split(' ') {
            if self.at(count) != word {
                return None;
            }
            count += 1;
        }
        Some(count)
    }

    /// Whether the words end with `phrase`; returns how many words that is.
    pub(super) fn ends(self, phrase: &str) -> Option<usize> {
        let count = phrase.split(' ').count();
        let start = self.len().checked_sub(count)?;
        self.skip(start).begins(phrase)
    }

    /// Whether `word` is among the words.
    pub(super) fn has(self, word: &str) -> bool {
        self.words().iter().any(|other| other.text == word)
    }

    /// The words in lower case, a blank between them.
    pub(super) fn plain(self) -> String {
        let words: Vec<&str> = self.words().iter().map(|word| word.text.as_str()).collect();
        words.join(" ")
    }

    /// The text as it was written, without the punctuation at its end and quotes around it.
    pub(super) fn written(self) -> &'a str {
        let (Some(first), Some(last)) = (self.words().first(), self.words().last()) else {
            return "";
        };
        let text = self.said.text.get(first.place.start..last.place.end);
        unquoted(text.unwrap_or_default())
    }

    /// The text as it was written to the end of the message, where the words reach that far.
    pub(super) fn line(self) -> &'a str {
        let Some(first) = self.words().first() else {
            return "";
        };
        let end = if self.to == self.said.words.len() {
            self.said.text.len()
        } else {
            self.words().last().map_or(0, |last| last.place.end)
        };
        let text = self
            .said
            .text
            .get(first.place.start..end)
            .unwrap_or_default();
        let text = text.trim();
        // The last dot of `27.11.` is part of the date.
        let is_date = text.rsplit(' ').next().is_some_and(|word| {
            word.starts_with(|c: char| c.is_ascii_digit()) && word.matches('.').count() > 1
        });
        if is_date {
            text
        } else {
            text.trim_end_matches(['.', ',', ';', ':', '!'])
        }
    }
}

fn push(words: &mut Vec<Word>, text: &str, place: Range<usize>) {
    let Some(raw) = text.get(place.clone()) else {
        return;
    };
    let has_colon = raw.ends_with(':');
    let left = raw.trim_start_matches(is_opening);
    let body = left.trim_end_matches(is_closing);
    if body.is_empty() {
        // A dash or a smiley between words parts them like a colon.
        if let (Some(last), true) = (words.last_mut(), matches!(raw, "-" | "–" | "—" | ":")) {
            last.has_colon = true;
        }
        return;
    }
    let end = place.start + raw.trim_end_matches(is_ending).len();
    let plain = fold(body);
    let (first, second) = parted(&plain);
    words.push(Word {
        text: first.to_owned(),
        place: place.start..end,
        has_colon: has_colon && second.is_empty(),
    });
    if !second.is_empty() {
        words.push(Word {
            text: second.to_owned(),
            place: place.start..end,
            has_colon,
        });
    }
}

/// Two words that are written as one: `what's`, `dont`.
fn parted(word: &str) -> (&str, &str) {
    match word {
        "im" => ("i", "am"),
        "ive" => ("i", "have"),
        "dont" => ("do", "not"),
        "doesnt" => ("does", "not"),
        "isnt" => ("is", "not"),
        "gimme" => ("give", "me"),
        "cant" | "can't" => ("can", "not"),
        "won't" => ("will", "not"),
        "lets" | "let's" => ("let", "us"),
        "it's" => ("it", "is"),
        "thats" | "that's" => ("that", "is"),
        "theres" | "there's" => ("there", "is"),
        "whats" | "what's" => ("what", "is"),
        "whos" | "who's" => ("who", "is"),
        "hows" | "how's" => ("how", "is"),
        "wheres" | "where's" => ("where", "is"),
        "when's" => ("when", "is"),
        _ => {
            let parts = [
                ("'m", "am"),
                ("'ve", "have"),
                ("'d", "would"),
                ("'re", "are"),
                ("n't", "not"),
            ];
            parts
                .iter()
                .find_map(|(ending, second)| Some((word.strip_suffix(ending)?, *second)))
                .filter(|(first, _)| !first.is_empty())
                .unwrap_or((word, ""))
        }
    }
}

/// Puts text in lower case, without accents, with straight apostrophes.
pub(super) fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_ascii() {
            folded.push(c.to_ascii_lowercase());
        } else {
            c.to_lowercase().for_each(|c| fold_char(c, &mut folded));
        }
    }
    folded
}

fn fold_char(c: char, folded: &mut String) {
    let plain = match c {
        '\u{2019}' | '\u{2018}' => "'",
        'à' | 'á' | 'â' | 'ã' | 'ä' | 'å' | 'ā' | 'ă' | 'ą' => "a",
        'ç' | 'ć' | 'č' | 'ĉ' | 'ċ' => "c",
        'ď' | 'đ' | 'ð' => "d",
        'è' | 'é' | 'ê' | 'ë' | 'ē' | 'ĕ' | 'ė' | 'ę' | 'ě' => "e",
        'ĝ' | 'ğ' | 'ġ' | 'ģ' => "g",
        'ì' | 'í' | 'î' | 'ï' | 'ĩ' | 'ī' | 'į' | 'ı' => "i",
        'ł' | 'ĺ' | 'ļ' | 'ľ' => "l",
        'ñ' | 'ń' | 'ņ' | 'ň' => "n",
        'ò' | 'ó' | 'ô' | 'õ' | 'ö' | 'ø' | 'ō' | 'ő' => "o",
        'ŕ' | 'ř' => "r",
        'ś' | 'ş' | 'š' | 'ș' => "s",
        'ţ' | 'ť' | 'ț' => "t",
        'ù' | 'ú' | 'û' | 'ü' | 'ũ' | 'ū' | 'ů' | 'ű' => "u",
        'ý' | 'ÿ' => "y",
        'ź' | 'ż' | 'ž' => "z",
        'ß' => "ss",
        'æ' => "ae",
        'œ' => "oe",
        // The marks that stand by themselves after a letter.
        '\u{0300}'..='\u{036f}' => "",
        other => {
            folded.push(other);
            return;
        }
    };
    folded.push_str(plain);
}

/// Takes the quotes off text that is in quotes.
pub(super) fn unquoted(text: &str) -> &str {
    let text = text.trim();
    for (open, close) in [
        ('"', '"'),
        ('\u{201c}', '\u{201d}'),
        ('\'', '\''),
        ('«', '»'),
        ('\u{201e}', '\u{201c}'),
        ('\u{2018}', '\u{2019}'),
    ] {
        let inner = text
            .strip_prefix(open)
            .and_then(|rest| rest.strip_suffix(close));
        if let Some(inner) = inner.filter(|inner| !inner.trim().is_empty()) {
            return inner.trim();
        }
    }
    text
}

/// What shows nothing, but changes how what is around it shows.
fn is_unseen(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

fn is_opening(c: char) -> bool {
    matches!(
        c,
        '"' | '\''
            | '('
            | '['
            | '\u{201c}'
            | '\u{201e}'
            | '\u{2018}'
            | '«'
            | '¿'
            | '¡'
            | '-'
            | '–'
            | '—'
            | '*'
            | '•'
            | ','
            | '.'
            | '…'
            | ':'
            | ';'
    )
}

fn is_closing(c: char) -> bool {
    is_ending(c)
        || matches!(
            c,
            '"' | '\''
                | ')'
                | ']'
                | '\u{201d}'
                | '\u{201c}'
                | '\u{2019}'
                | '»'
                | '?'
                | '-'
                | '–'
                | '—'
                | '*'
        )
}

/// What ends a sentence or a part of it and is no part of a title.
fn is_ending(c: char) -> bool {
    matches!(
        c,
        '.' | ',' | ';' | ':' | '!' | '…' | '\u{61f}' | '\u{60c}' | '。'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(message: &str, expected: &str) {
        assert_eq!(Said::new(message).point().plain(), expected, "{message}");
    }

    #[test]
    fn courtesies_punctuation_and_short_forms_make_no_difference() {
        check("What\u{2019}s blocked?", "what is blocked");
        check("whats blocked", "what is blocked");
        check("Hey, can you please complete #12. Thanks!", "complete #12");
        check("  okay  ", "okay");
        check(
            "Müller\u{2019}s \u{201c}Café\u{201d} — yes…",
            "muller's cafe yes",
        );
        check("don't", "do not");
        check("\u{202e}add\u{0} milk\u{7}", "add milk");
        check("?!", "");
    }

    #[test]
    fn text_is_taken_as_it_was_written() {
        let said = Said::new("please rename 12 to “Große Seite!”.");
        let span = said.point();
        assert_eq!(span.skip(3).written(), "Große Seite!");
        let said = Said::new("add call Ann by 27.11.");
        assert_eq!(said.point().skip(1).line(), "call Ann by 27.11.");
        let said = Said::new("add call Ann, please!");
        assert_eq!(said.point().skip(1).line(), "call Ann");
    }
}
