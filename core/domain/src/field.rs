//! Field values with a form: text of bounded length, names, labels, JSON objects.
//!
//! A value of one of these types has been checked; nothing below the edge checks it again.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A JSON object, such as a task's context.
pub type JsonObject = serde_json::Map<String, serde_json::Value>;

/// A field was given something it does not take.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{field} {problem}")]
pub struct InvalidField {
    /// The field's name as the caller wrote it, such as `title` or `labels[3]`.
    pub field: String,
    /// What is wrong and what would be right; reads on from the field's name.
    pub problem: String,
}

impl InvalidField {
    /// Says that `field` has `problem`.
    pub fn new(field: impl Into<String>, problem: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            problem: problem.into(),
        }
    }
}

/// The longest title, in characters: a line on a screen, with room to spare.
pub const TITLE_MAX: usize = 500;
/// The longest description, in characters: about thirty printed pages.
pub const DESCRIPTION_MAX: usize = 100_000;
/// The longest reason, question or answer, in characters.
pub const REASON_MAX: usize = 10_000;
/// The longest name of a project, key or file, in characters.
pub const NAME_MAX: usize = 200;
/// The longest agent name, in characters.
pub const AGENT_NAME_MAX: usize = 64;
/// The longest label, in characters.
pub const LABEL_MAX: usize = 50;
/// The most labels, dependencies or options one thing carries.
pub const LIST_MAX: usize = 50;
/// The largest context, result or metadata, in bytes of JSON.
pub const JSON_MAX_BYTES: usize = 256 * 1024;

/// Checks a line of text: not blank, no line breaks or control characters, at most `max`
/// characters. Returns it without the blanks around it.
pub fn line(field: &str, text: &str, max: usize) -> Result<String, InvalidField> {
    let text = text.trim();
    if text.is_empty() {
        return Err(InvalidField::new(field, "must not be empty"));
    }
    if text.chars().any(char::is_control) {
        return Err(InvalidField::new(
            field,
            "must be one line without control characters",
        ));
    }
    within(field, text, max)?;
    Ok(text.to_owned())
}

/// Checks running text: at most `max` characters, no NUL.
pub fn prose(field: &str, text: &str, max: usize) -> Result<String, InvalidField> {
    if text.contains('\0') {
        return Err(InvalidField::new(
            field,
            "must not contain the NUL character",
        ));
    }
    within(field, text, max)?;
    Ok(text.to_owned())
}

/// Checks a JSON value's size as it will be stored.
pub fn json_within(field: &str, value: &impl Serialize) -> Result<(), InvalidField> {
    let mut counter = ByteCounter(0);
    let written = serde_json::to_writer(&mut counter, value);
    if written.is_err() || counter.0 > JSON_MAX_BYTES {
        return Err(InvalidField::new(
            field,
            format!(
                "must be at most {JSON_MAX_BYTES} bytes of JSON; store larger content as an artifact"
            ),
        ));
    }
    Ok(())
}

/// Checks that a list has at most [`LIST_MAX`] entries.
pub fn list_within<T>(field: &str, list: &[T]) -> Result<(), InvalidField> {
    if list.len() > LIST_MAX {
        return Err(InvalidField::new(
            field,
            format!("must have at most {LIST_MAX} entries"),
        ));
    }
    Ok(())
}

fn within(field: &str, text: &str, max: usize) -> Result<(), InvalidField> {
    // Bytes bound characters from above, which spares the count for nearly every text.
    if text.len() > max && text.chars().count() > max {
        return Err(InvalidField::new(
            field,
            format!("must be at most {max} characters"),
        ));
    }
    Ok(())
}

struct ByteCounter(usize);

impl std::io::Write for ByteCounter {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 += bytes.len();
        if self.0 > JSON_MAX_BYTES {
            return Err(std::io::Error::other("too large"));
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

macro_rules! checked_text {
    ($(#[$doc:meta] $name:ident($field:literal, $check:expr)),* $(,)?) => {$(
        #[$doc]
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Checks `text`; the error names `field`.
            pub fn parse(field: &str, text: &str) -> Result<Self, InvalidField> {
                let check: fn(&str, &str) -> Result<String, InvalidField> = $check;
                check(field, text).map(Self)
            }

            /// Takes text that was checked before it was stored.
            pub fn from_stored(text: String) -> Self {
                Self(text)
            }

            /// Returns the text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = InvalidField;

            fn from_str(text: &str) -> Result<Self, InvalidField> {
                Self::parse($field, text)
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidField;

            fn try_from(text: String) -> Result<Self, InvalidField> {
                Self::parse($field, &text)
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.0
            }
        }
    )*};
}

checked_text! {
    /// A task's title: one line.
    Title("title", |field, text| line(field, text, TITLE_MAX)),
    /// A name people give: of a project, a key, a file. One line; never used as a path.
    Name("name", |field, text| line(field, text, NAME_MAX)),
    /// An agent's name, or `owner` for the person.
    AgentName("agent", agent_name),
    /// A label on a task.
    Label("labels", label),
    /// A word for the sort of a thing, such as `report` for an artifact or `orchestrator` for an agent.
    Word("type", word),
}

/// The name that stands for the person whose node this is. No agent may take it.
pub const OWNER: &str = "owner";

/// The name under which the node itself acts, such as when a lease runs out.
pub const SYSTEM: &str = "system";

impl AgentName {
    /// Whether this is the person rather than an agent.
    pub fn is_owner(&self) -> bool {
        self.0 == OWNER
    }

    /// Whether this name is kept for the person or the node.
    pub fn is_reserved(&self) -> bool {
        self.is_owner() || self.0 == SYSTEM
    }
}

fn is_word_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')
}

fn agent_name(field: &str, text: &str) -> Result<String, InvalidField> {
    let starts_well = text.starts_with(|c: char| c.is_ascii_alphanumeric());
    if starts_well && text.chars().all(is_word_char) && text.len() <= AGENT_NAME_MAX {
        return Ok(text.to_owned());
    }
    Err(InvalidField::new(
        field,
        format!(
            "must be 1 to {AGENT_NAME_MAX} letters, digits, '-', '_' or '.', starting with a letter or digit"
        ),
    ))
}

fn label(field: &str, text: &str) -> Result<String, InvalidField> {
    let text = text.trim_start_matches('#');
    if text
        .chars()
        .any(|c| c.is_whitespace() || c == ',' || c == '#')
    {
        return Err(InvalidField::new(
            field,
            "must not contain blanks, commas or '#'",
        ));
    }
    line(field, text, LABEL_MAX)
}

fn word(field: &str, text: &str) -> Result<String, InvalidField> {
    if !text.is_empty() && text.len() <= LABEL_MAX && text.chars().all(is_word_char) {
        return Ok(text.to_owned());
    }
    Err(InvalidField::new(
        field,
        format!(
            "must be one word of 1 to {LABEL_MAX} letters, digits, '-', '_' or '.', such as report"
        ),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_trimmed_and_bounded_in_characters() {
        assert_eq!(
            Title::parse("title", "  Buy milk ").unwrap().as_str(),
            "Buy milk"
        );
        assert!(Title::parse("title", &"é".repeat(TITLE_MAX)).is_ok());
        assert!(Title::parse("title", &"é".repeat(TITLE_MAX + 1)).is_err());
        assert!(Title::parse("title", " \t ").is_err());
        assert!(Title::parse("title", "two\nlines").is_err());
    }

    #[test]
    fn an_agent_name_cannot_be_a_path() {
        for bad in ["", "../seed", "-x", "a b", "a/b", "ü", &"a".repeat(65)] {
            assert!(AgentName::parse("agent", bad).is_err(), "{bad:?} was taken");
        }
        assert!(AgentName::parse("agent", "cos-agent").is_ok());
    }

    #[test]
    fn a_context_over_its_size_is_refused_by_name() {
        let mut context = JsonObject::new();
        context.insert("text".into(), "x".repeat(JSON_MAX_BYTES).into());
        assert_eq!(
            json_within("context", &context).unwrap_err().field,
            "context"
        );
    }

    #[test]
    fn running_text_may_have_lines_but_no_nul() {
        assert!(prose("reason", "two\nlines\tand a tab", REASON_MAX).is_ok());
        assert!(prose("reason", "", REASON_MAX).is_ok());
        assert!(prose("reason", "a\0b", REASON_MAX).is_err());
        assert!(prose("reason", &"\u{1f525}".repeat(REASON_MAX), REASON_MAX).is_ok());
        assert!(prose("reason", &"x".repeat(REASON_MAX + 1), REASON_MAX).is_err());
    }

    #[test]
    fn a_list_has_at_most_fifty_entries() {
        assert!(list_within("labels", &[0; LIST_MAX]).is_ok());
        assert_eq!(
            list_within("labels", &[0; LIST_MAX + 1]).unwrap_err().field,
            "labels"
        );
    }

    #[test]
    fn a_label_loses_its_hash_and_takes_any_script() {
        for (text, expected) in [
            ("#design", "design"),
            ("web", "web"),
            ("été", "été"),
            ("買い物", "買い物"),
        ] {
            assert_eq!(Label::parse("labels", text).unwrap().as_str(), expected);
        }
        for bad in [
            "",
            "#",
            "a b",
            "a,b",
            "a#b",
            "a\u{7}",
            &"x".repeat(LABEL_MAX + 1),
        ] {
            assert!(Label::parse("labels[0]", bad).is_err(), "{bad:?} was taken");
        }
    }

    #[test]
    fn a_type_is_one_plain_word() {
        assert!(Word::parse("type", "report_v1.2-x").is_ok());
        for bad in ["", "a b", "a/b", "ü", &"x".repeat(LABEL_MAX + 1)] {
            assert!(Word::parse("type", bad).is_err(), "{bad:?} was taken");
        }
    }

    #[test]
    fn the_person_and_the_node_have_names_of_their_own() {
        let name = |text: &str| AgentName::parse("agent", text).unwrap();
        assert!(name(OWNER).is_owner() && name(OWNER).is_reserved());
        assert!(!name(SYSTEM).is_owner() && name(SYSTEM).is_reserved());
        assert!(!name("seed").is_reserved());
    }

    #[test]
    fn json_is_checked_as_it_is_read() {
        assert!(serde_json::from_str::<Title>("\" \"").is_err());
        assert!(serde_json::from_str::<AgentName>("\"../x\"").is_err());
        let name: Name = serde_json::from_str("\" Notes \"").unwrap();
        assert_eq!(serde_json::to_string(&name).unwrap(), "\"Notes\"");
    }

    #[test]
    fn an_invalid_field_reads_as_a_sentence() {
        let error = Title::parse("title", "").unwrap_err();
        assert_eq!(error.to_string(), "title must not be empty");
    }
}
