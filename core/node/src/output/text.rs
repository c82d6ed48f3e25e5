//! Makes text that others wrote fit for a terminal.

use std::fmt::Display;

use chrono::{DateTime, SecondsFormat, Utc};

/// Whether a character moves the cursor, changes colours or turns the writing around.
fn is_unfit(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Returns text as one line: every run of line breaks and control characters is one blank.
pub fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for part in text
        .split(is_unfit)
        .map(str::trim)
        .filter(|part| !part.is_empty())
    {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(part);
    }
    line
}

/// Returns what a long text says, in a line: where it begins, and where it ends, which is where
/// programs that fail say why.
pub fn gist(text: &str) -> String {
    const PART: usize = 200;
    let lines: Vec<&str> = text
        .lines()
        .filter(|line| !line.trim().is_empty())
        .collect();
    match lines.as_slice() {
        [first, .., last] if lines.len() > 2 => {
            format!("{} … {}", shortened(first, PART), shortened(last, PART))
        }
        _ => shortened(text, 2 * PART),
    }
}

/// Returns text with its lines and tabs, and without what else would move the cursor.
pub fn paragraphs(text: &str) -> String {
    text.chars()
        .filter(|c| matches!(c, '\n' | '\t') || !is_unfit(*c))
        .collect()
}

/// Returns at most `max` characters of a line.
pub fn shortened(text: &str, max: usize) -> String {
    let line = one_line(text);
    if line.chars().count() <= max {
        return line;
    }
    let mut short: String = line.chars().take(max.saturating_sub(1)).collect();
    short.truncate(short.trim_end().len());
    short.push('…');
    short
}

/// Returns a moment to the second.
pub fn moment(rfc3339: &str) -> String {
    DateTime::parse_from_rfc3339(rfc3339).map_or_else(
        |_| one_line(rfc3339),
        |moment| {
            moment
                .with_timezone(&Utc)
                .to_rfc3339_opts(SecondsFormat::Secs, true)
        },
    )
}

/// Returns a size in bytes as people say it.
pub fn size(bytes: u64) -> String {
    const UNITS: [(u64, &str); 3] = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    match UNITS.iter().find(|(unit, _)| bytes >= *unit) {
        None => format!("{bytes} B"),
        Some((unit, name)) => {
            let tenths = u128::from(bytes) * 10 / u128::from(*unit);
            format!("{}.{} {name}", tenths / 10, tenths % 10)
        }
    }
}

/// Returns a word of a command as it is written for a shell.
pub fn quoted(word: impl Display) -> String {
    let text = word.to_string();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:,".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        text
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

/// Returns how many there are of something whose name takes an s: `1 task`, `2 tasks`.
pub fn count(number: u64, name: &str) -> String {
    let ending = if number == 1 { "" } else { "s" };
    format!("{number} {name}{ending}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_traceback_becomes_its_first_and_last_line() {
        let text =
            "step 1 failed: it exited with 1\nTraceback:\n  File \"x\"\nValueError: no garden\n";

        assert_eq!(
            gist(text),
            "step 1 failed: it exited with 1 … ValueError: no garden"
        );
        assert_eq!(gist("which\ncolour?"), "which colour?");
    }

    #[test]
    fn text_of_others_cannot_drive_the_terminal() {
        assert_eq!(one_line("a\x1b[2Jb\r\n c\u{202e}d"), "a [2Jb c d");
        assert_eq!(paragraphs("a\n\tb\x1b[2J"), "a\n\tb[2J");
    }

    #[test]
    fn a_word_is_written_so_that_a_shell_takes_it() {
        assert_eq!(quoted("/a/b-c.db"), "/a/b-c.db");
        assert_eq!(quoted("/a b/it's"), r"'/a b/it'\''s'");
        assert_eq!(quoted(""), "''");
    }

    #[test]
    fn a_long_line_ends_with_an_ellipsis() {
        assert_eq!(shortened("count the words", 9), "count th…");
        assert_eq!(shortened("straße", 6), "straße");
    }

    #[test]
    fn sizes_and_moments_are_rounded_down() {
        assert_eq!(size(1023), "1023 B");
        assert_eq!(size(1536), "1.5 KiB");
        assert_eq!(size(104_857_600), "100.0 MiB");
        assert_eq!(moment("2026-11-23T09:00:00.999Z"), "2026-11-23T09:00:00Z");
        assert_eq!(moment("soon"), "soon");
    }
}
