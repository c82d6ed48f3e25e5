//! A line cut into words, quoted text and quoted names.

use std::borrow::Cow;

/// A piece of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// A word as it was written.
    Word(&'a str),
    /// Text in quotes, without them: it is never interpreted.
    Quoted(String),
    /// `@"two words"` or `project:"two words"`.
    Project(String),
    /// `#"c++"`.
    Label(String),
}

impl Token<'_> {
    /// The text it gives to a title.
    pub(super) fn text(&self) -> Cow<'_, str> {
        match self {
            Self::Word(word) => Cow::Borrowed(word),
            Self::Quoted(text) => Cow::Borrowed(text),
            Self::Project(name) => Cow::Owned(format!("@{name}")),
            Self::Label(name) => Cow::Owned(format!("#{name}")),
        }
    }
}

/// The prefix that names a project in words.
pub(super) const PROJECT: &str = "project:";

/// The punctuation that may follow a marker.
pub(super) const PUNCTUATION: [char; 7] = [',', ';', '.', ':', '!', '?', ')'];

/// Whether `c` opens a quotation at the start of a word.
pub(super) fn opens(c: char) -> bool {
    !closers(c).is_empty()
}

fn closers(open: char) -> &'static [char] {
    match open {
        '"' => &['"'],
        '\u{201c}' => &['\u{201d}'],
        '\u{201e}' => &['\u{201c}', '\u{201d}'],
        _ => &[],
    }
}

/// Cuts a line. A quotation that is not closed is text.
pub(super) fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut rest = text;
    // Quotations that are not closed from here on; they are not looked for twice.
    let mut unclosed = Vec::new();
    loop {
        rest = rest.trim_start_matches(is_blank);
        if rest.is_empty() {
            return tokens;
        }
        let (token, after) = next(rest, &mut unclosed);
        tokens.extend(token);
        rest = after;
    }
}

fn next<'a>(text: &'a str, unclosed: &mut Vec<char>) -> (Option<Token<'a>>, &'a str) {
    if let Some((quoted, after)) = quotation(text, unclosed) {
        // What touches the closing mark belongs to it: `"Hello", she said`.
        let (tail, after) = word(after);
        return (Some(Token::Quoted(quoted + tail)), after);
    }
    let named = project_prefix(text)
        .map(|name| (name, Token::Project as fn(String) -> Token<'a>))
        .or_else(|| {
            Some((
                text.strip_prefix('#')?,
                Token::Label as fn(String) -> Token<'a>,
            ))
        });
    if let Some((name, token)) = named
        && let Some((name, after)) = quotation(name, unclosed)
    {
        return (Some(token(name)), after.trim_start_matches(PUNCTUATION));
    }
    let (word, after) = word(text);
    (Some(Token::Word(word)), after)
}

/// What follows `@` or `project:`.
pub(super) fn project_prefix(text: &str) -> Option<&str> {
    text.strip_prefix('@').or_else(|| {
        let (prefix, name) = text.split_at_checked(PROJECT.len())?;
        prefix.eq_ignore_ascii_case(PROJECT).then_some(name)
    })
}

fn is_blank(c: char) -> bool {
    c.is_whitespace() || c.is_control()
}

fn word(text: &str) -> (&str, &str) {
    text.split_at(text.find(is_blank).unwrap_or(text.len()))
}

/// Takes a quotation off the start of `text`: what it holds, and what comes after it.
fn quotation<'a>(text: &'a str, unclosed: &mut Vec<char>) -> Option<(String, &'a str)> {
    let open = text.chars().next().filter(|open| opens(*open))?;
    if unclosed.contains(&open) {
        return None;
    }
    let mut held = String::new();
    let mut chars = text.char_indices().skip(1).peekable();
    while let Some((index, c)) = chars.next() {
        if closers(open).contains(&c) {
            return Some((held, text.get(index + c.len_utf8()..)?));
        }
        let escaped = chars.next_if(|(_, next)| c == '\\' && is_escapable(*next));
        let c = escaped.map_or(c, |(_, next)| next);
        held.push(if c.is_control() { ' ' } else { c });
    }
    unclosed.push(open);
    None
}

/// A backslash before these is left out of a quotation.
pub(super) fn is_escapable(c: char) -> bool {
    matches!(c, '\\' | '"' | '\u{201c}' | '\u{201d}')
}
