//! What the text of a file asks for, and what a file is called in a title.

use std::ffi::OsStr;
use std::path::Path;

use hearth_domain::field::{NAME_MAX, TITLE_MAX};

use crate::output::text::shortened;

/// The largest file that is read as a task, in bytes: what a description holds.
pub(super) const TEXT_MAX_BYTES: u64 = 100_000;
/// What stands before a line in Markdown without being part of it.
const MARKS: [&str; 3] = ["- [ ] ", "- ", "* "];

/// How the names of drafts and of halves of downloads end, in lower case.
const ENDINGS_IGNORED: [&str; 12] = [
    ".part",
    ".partial",
    ".crdownload",
    ".opdownload",
    ".download",
    ".aria2",
    ".!qb",
    ".tmp",
    ".swp",
    ".swo",
    ".swx",
    ".filepart",
];

/// A text as it becomes a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Note {
    /// The first line that says something, without what marks it as a heading or an entry.
    pub(super) line: String,
    /// What comes after it.
    pub(super) rest: String,
    /// The whole.
    pub(super) whole: String,
}

impl Note {
    /// Reads a file's bytes; none where they are no text or say nothing.
    pub(super) fn read(bytes: Vec<u8>) -> Option<Self> {
        let text = String::from_utf8(bytes).ok()?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        // Fields take no NUL, and no text has one.
        if text.contains('\0') {
            return None;
        }
        let mut after = text;
        loop {
            let (line, rest) = after.split_once('\n').unwrap_or((after, ""));
            let line = without_mark(line.trim());
            if !line.is_empty() {
                return Some(Self {
                    line: line.to_owned(),
                    rest: without_blank_edges(rest).to_owned(),
                    whole: without_blank_edges(text).to_owned(),
                });
            }
            if rest.is_empty() {
                return None;
            }
            after = rest;
        }
    }

    /// Returns the line as a title, with nothing in it interpreted.
    pub(super) fn literal_title(&self) -> String {
        let title = shortened(&self.line, TITLE_MAX);
        if title.is_empty() {
            "A note".into()
        } else {
            title
        }
    }
}

/// Whether a file's name says that it holds text.
pub(super) fn is_named_as_text(name: &OsStr) -> bool {
    let ending = Path::new(name).extension().and_then(OsStr::to_str);
    ending.is_some_and(|ending| {
        let texts = ["txt", "md", "markdown", "text"];
        texts.iter().any(|text| ending.eq_ignore_ascii_case(text))
    })
}

/// Whether a name is one that editors, office and sync programs and browsers give to what is not a
/// file of the person's: hidden files, locks, drafts, halves of downloads.
pub(crate) fn is_ignored(name: &OsStr) -> bool {
    let bytes = name.as_encoded_bytes().to_ascii_lowercase();
    let is_around = |start: &[u8], end: &[u8]| {
        bytes.starts_with(start) && bytes.ends_with(end) && bytes.len() > start.len() + end.len()
    };
    let endings = ENDINGS_IGNORED.map(str::as_bytes);
    bytes.starts_with(b".")
        // Locks of Microsoft Office, drafts of Word and of Syncthing.
        || [&b"~$"[..], b"~wr", b"~syncthing~"].iter().any(|start| bytes.starts_with(start))
        || bytes.ends_with(b"~")
        // What Emacs saves by itself.
        || is_around(b"#", b"#")
        || endings.iter().any(|ending| is_around(b"", ending))
        || [&b"desktop.ini"[..], b"thumbs.db"].contains(&bytes.as_slice())
}

/// Returns a file's name as people are told it: one line that is never empty and fits an artifact.
pub(super) fn shown(name: &OsStr) -> String {
    let shown = shortened(&name.to_string_lossy(), NAME_MAX);
    if shown.is_empty() {
        "a file without a readable name".into()
    } else {
        shown
    }
}

/// Returns a problem as one line that fits a notice.
pub(super) fn in_short(problem: &str) -> String {
    shortened(problem, NAME_MAX * 2)
}

fn without_mark(line: &str) -> &str {
    let heading = line.trim_start_matches('#');
    if heading.len() < line.len() && (heading.is_empty() || heading.starts_with([' ', '\t'])) {
        return heading.trim_start();
    }
    // Without its last blank, which the edge of the line took away.
    if ["-", "*", "- [ ]"].contains(&line) {
        return "";
    }
    let unmarked = MARKS.iter().find_map(|mark| line.strip_prefix(mark));
    unmarked.unwrap_or(line).trim_start()
}

/// Takes away blank lines before the text and blanks after it; its first line keeps its indent.
fn without_blank_edges(text: &str) -> &str {
    let mut text = text.trim_end();
    while let Some((line, rest)) = text.split_once('\n') {
        if !line.trim().is_empty() {
            break;
        }
        text = rest;
    }
    text
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStrExt;

    use super::*;

    fn read(text: &str) -> Option<(String, String)> {
        Note::read(text.as_bytes().to_vec()).map(|note| (note.line, note.rest))
    }

    fn check(text: &str, line: &str, rest: &str) {
        assert_eq!(read(text), Some((line.into(), rest.into())), "{text:?}");
    }

    #[test]
    fn the_first_line_that_says_something_is_the_task() {
        check("Call Ann", "Call Ann", "");
        check(
            "\n \r\n# Call Ann due friday\r\n\r\n  She knows.\nBring cake.\n",
            "Call Ann due friday",
            "  She knows.\nBring cake.",
        );
        check("\u{feff}#\n## Plan\n- a\n", "Plan", "- a");
        check("- [ ] Buy milk", "Buy milk", "");
        check("- Buy milk", "Buy milk", "");
        check("* Buy milk\n* Buy eggs", "Buy milk", "* Buy eggs");
        check("#garden water it", "#garden water it", "");
    }

    #[test]
    fn what_says_nothing_or_is_no_text_is_no_note() {
        assert_eq!(read(""), None);
        assert_eq!(read(" \n\n# \n- \n"), None);
        assert_eq!(read("a\0b"), None);
        assert_eq!(Note::read(vec![0xff, 0xfe, b'a']), None);
    }

    #[test]
    fn a_literal_title_fits_and_is_one_line() {
        let note = Note::read(format!("a\tb\u{1b} {}", "ö".repeat(600)).into_bytes()).unwrap();

        let title = note.literal_title();

        assert!(title.starts_with("a b ö"), "{title}");
        assert_eq!(title.chars().count(), TITLE_MAX);
        assert!(title.parse::<hearth_domain::field::Title>().is_ok());
    }

    #[test]
    fn drafts_and_halves_of_downloads_are_ignored() {
        let drafts = [
            ".hidden",
            ".~lock.letter.odt#",
            ".#notes.md",
            ".notes.md.Xy12Zw",
            "~$letter.docx",
            "~WRL0001.tmp",
            "~syncthing~a.txt",
            "#notes.md#",
            "a~",
            "a.PART",
            "a.txt.tmp",
            "a.pdf.crdownload",
            "a.swp",
            "Thumbs.db",
            "desktop.ini",
        ];
        for name in drafts {
            assert!(is_ignored(OsStr::new(name)), "{name}");
        }
        for name in [
            "a.txt",
            "tmp",
            "part",
            "a.swp.txt",
            "~a.txt",
            "#1 plan.md",
            "#",
            "a.db",
        ] {
            assert!(!is_ignored(OsStr::new(name)), "{name}");
        }
    }

    #[test]
    fn every_name_can_be_shown() {
        let names: [&[u8]; 5] = [
            "🦀 rétro.pdf".as_bytes(),
            "שלום\u{202e}fdp.exe".as_bytes(),
            b"two\nlines",
            b"\xff\xfe.bin",
            &[b'x'; 255],
        ];
        for name in names {
            let shown = shown(OsStr::from_bytes(name));
            let is_name = shown.parse::<hearth_domain::field::Name>().is_ok();
            assert!(is_name, "{shown:?}");
        }
        assert_eq!(shown(OsStr::new("\n")), "a file without a readable name");
    }
}
