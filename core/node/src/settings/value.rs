//! What a setting can be given, and what it shows: text, whole numbers, yes or no, lists of words.

use std::fmt;

use serde_json::json;

/// A setting's value, as it is shown and written to the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Text.
    Text(String),
    /// A whole number.
    Number(u64),
    /// Yes or no.
    Flag(bool),
    /// Words.
    List(Vec<String>),
}

impl Value {
    /// Returns it as JSON.
    pub fn to_json(&self) -> serde_json::Value {
        match self {
            Self::Text(text) => json!(text),
            Self::Number(number) => json!(number),
            Self::Flag(flag) => json!(flag),
            Self::List(words) => json!(words),
        }
    }

    /// Returns it as it stands in `hearth.toml`.
    pub fn to_toml(&self) -> toml_edit::Value {
        match self {
            Self::Text(text) => text.as_str().into(),
            Self::Number(number) => i64::try_from(*number).unwrap_or(i64::MAX).into(),
            Self::Flag(flag) => (*flag).into(),
            Self::List(words) => words.iter().map(String::as_str).collect(),
        }
    }
}

/// Returns a value as people read it, where it came as JSON from a node.
pub fn shown(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::Array(words) if words.is_empty() => "(none)".to_owned(),
        serde_json::Value::Array(words) => {
            let words: Vec<String> = words.iter().map(shown).collect();
            words.join(",")
        }
        serde_json::Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&shown(&self.to_json()))
    }
}

/// What somebody gave for a setting: a word of a flag or a variable, or a value in the file.
#[derive(Debug, Clone, Copy)]
pub enum Given<'a> {
    /// From a flag, a variable or `hearth config set`.
    Word(&'a str),
    /// From the file.
    Toml(&'a toml_edit::Value),
}

impl Given<'_> {
    /// Reads text.
    ///
    /// # Errors
    /// Says what it must be; reads on from the setting's name.
    pub fn text(self) -> Result<String, String> {
        let text = match self {
            Self::Word(word) => word.trim(),
            Self::Toml(value) => value.as_str().ok_or("must be text in quotes")?,
        };
        if text.is_empty() {
            return Err("must not be empty".into());
        }
        Ok(text.to_owned())
    }

    /// Reads text that may be empty.
    ///
    /// # Errors
    /// See [`Self::text`].
    pub fn text_or_none(self) -> Result<String, String> {
        let text = match self {
            Self::Word(word) => word.trim(),
            Self::Toml(value) => value.as_str().ok_or("must be text in quotes")?,
        };
        Ok(text.to_owned())
    }

    /// Reads one of `words`.
    ///
    /// # Errors
    /// See [`Self::text`].
    pub fn one_of(self, words: &[&str]) -> Result<String, String> {
        self.text()
            .ok()
            .filter(|text| words.contains(&text.as_str()))
            .ok_or_else(|| format!("must be one of {}", words.join(", ")))
    }

    /// Reads a whole number from `least` to `most`.
    ///
    /// # Errors
    /// See [`Self::text`].
    pub fn number(self, least: u64, most: u64) -> Result<u64, String> {
        let number = match self {
            Self::Word(word) => word.trim().parse().ok(),
            Self::Toml(value) => value
                .as_integer()
                .and_then(|number| u64::try_from(number).ok()),
        };
        number
            .filter(|number| (least..=most).contains(number))
            .ok_or_else(|| format!("must be a whole number from {least} to {most}"))
    }

    /// Reads yes or no.
    ///
    /// # Errors
    /// See [`Self::text`].
    pub fn flag(self) -> Result<bool, String> {
        let flag = match self {
            Self::Word(word) => word.trim().parse().ok(),
            Self::Toml(value) => value.as_bool(),
        };
        flag.ok_or_else(|| "must be true or false".into())
    }

    /// Reads words: separated by commas in a flag or a variable, an array in the file.
    ///
    /// # Errors
    /// See [`Self::text`].
    pub fn list(self) -> Result<Vec<String>, String> {
        match self {
            Self::Word(word) => Ok(word
                .split(',')
                .map(str::trim)
                .filter(|part| !part.is_empty())
                .map(str::to_owned)
                .collect()),
            Self::Toml(value) => value
                .as_array()
                .and_then(|array| {
                    array
                        .iter()
                        .map(|part| part.as_str().map(str::to_owned))
                        .collect()
                })
                .ok_or_else(|| "must be a list of texts, such as [\"a\", \"b\"]".into()),
        }
    }
}
