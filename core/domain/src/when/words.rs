//! Words prepared for reading, and the numbers among them.

/// The longest phrase, in words. No grammar rule looks further ahead.
pub(crate) const WINDOW: usize = 14;

/// The longest word that can be part of a phrase, in bytes: an RFC 3339 moment, and room to spare.
const WORD_MAX: usize = 40;

/// A word in lower case, without the punctuation after it. Empty if it can be part of no phrase.
pub(crate) type Word = String;

/// Prepares the words at the start of `words` for reading, as far as a phrase can reach.
pub(crate) fn plain(words: &[&str]) -> Vec<Word> {
    words
        .iter()
        .take(WINDOW + 1)
        .map(|word| plain_word(word))
        .collect()
}

/// Prepares one word for reading.
pub(crate) fn plain_word(word: &str) -> Word {
    if word.len() > WORD_MAX {
        return Word::new();
    }
    let word = word.to_lowercase().replace('\u{2019}', "'");
    let word = word.trim_end_matches([',', ';', '!', '?']);
    // `27.11.` keeps its last dot, which makes it a date.
    let is_dotted = word.chars().all(|c| c.is_ascii_digit() || c == '.');
    let word = if is_dotted {
        word
    } else {
        word.trim_end_matches('.')
    };
    match word {
        "o'clock" => return "oclock".into(),
        "" => return Word::new(),
        _ => (),
    }
    if word.ends_with("a.m") || word.ends_with("p.m") {
        return word.replace(".m", "m");
    }
    word.to_owned()
}

/// The word at `index`, or an empty one past the end.
pub(crate) fn at(words: &[Word], index: usize) -> &str {
    words.get(index).map_or("", String::as_str)
}

/// The words from `index` on.
pub(crate) fn from(words: &[Word], index: usize) -> &[Word] {
    words.get(index..).unwrap_or_default()
}

/// Whether `words` begin with the words of `phrase`; returns their count.
pub(crate) fn begins(words: &[Word], phrase: &str) -> Option<usize> {
    let mut took = 0;
    for word in phrase.split(' ') {
        if at(words, took) != word {
            return None;
        }
        took += 1;
    }
    Some(took)
}

/// The numbers to nineteen.
pub(super) const ONES: [&str; 20] = [
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

/// The tens from twenty on.
pub(super) const TENS: [&str; 8] = [
    "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety",
];

const ORDINALS: [&str; 20] = [
    "zeroth",
    "first",
    "second",
    "third",
    "fourth",
    "fifth",
    "sixth",
    "seventh",
    "eighth",
    "ninth",
    "tenth",
    "eleventh",
    "twelfth",
    "thirteenth",
    "fourteenth",
    "fifteenth",
    "sixteenth",
    "seventeenth",
    "eighteenth",
    "nineteenth",
];

fn place(list: &[&str], word: &str) -> Option<u32> {
    list.iter()
        .position(|known| *known == word)
        .and_then(|index| u32::try_from(index).ok())
}

fn tens(word: &str) -> Option<u32> {
    place(&TENS, word).map(|index| (index + 2) * 10)
}

/// Reads digits, at most four of them.
pub(super) fn digits(word: &str) -> Option<u32> {
    let is_number = (1..=4).contains(&word.len()) && word.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| word.parse().ok()).flatten()
}

/// Reads a number of up to four digits, or in words up to ninety-nine.
pub(crate) fn number(words: &[Word]) -> Option<(u32, usize)> {
    let first = at(words, 0);
    if let Some(number) = digits(first).or_else(|| place(&ONES, first)) {
        return Some((number, 1));
    }
    if let Some((ten, one)) = first.split_once('-') {
        let one = place(&ONES, one).filter(|one| (1..=9).contains(one))?;
        return Some((tens(ten)? + one, 1));
    }
    let ten = tens(first)?;
    match place(&ONES, at(words, 1)) {
        Some(one @ 1..=9) => Some((ten + one, 2)),
        _ => Some((ten, 1)),
    }
}

/// Reads `27th`, `first`, `twenty-seventh` or `twenty seventh`, up to thirty-first.
pub(crate) fn ordinal(words: &[Word]) -> Option<(u32, usize)> {
    let first = at(words, 0);
    let (value, took) = ordinal_digits(first)
        .or_else(|| place(&ORDINALS, first))
        .map(|value| (value, 1))
        .or_else(|| ordinal_tens(first, at(words, 1)))?;
    (1..=31).contains(&value).then_some((value, took))
}

fn ordinal_digits(word: &str) -> Option<u32> {
    ["st", "nd", "rd", "th"]
        .iter()
        .find_map(|ending| digits(word.strip_suffix(ending)?))
}

fn ordinal_tens(first: &str, second: &str) -> Option<(u32, usize)> {
    match first {
        "twentieth" => return Some((20, 1)),
        "thirtieth" => return Some((30, 1)),
        _ => (),
    }
    if let Some((ten, one)) = first.split_once('-') {
        return Some((tens(ten)? + place(&ORDINALS, one)?, 1))
            .filter(|_| place(&ORDINALS, one) < Some(10));
    }
    let one = place(&ORDINALS, second).filter(|one| (1..=9).contains(one))?;
    Some((tens(first)? + one, 2))
}
