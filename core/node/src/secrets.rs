//! Secrets: what they are called, and where each is looked for.
//!
//! A secret stands in the environment, in a file that a variable names, or in the system's keyring,
//! and never in the settings file or on a command line. No text that this program prints holds one.
//!
//! Reading order: [`Secret`], [`Name`], [`find`], [`keyring`], [`mod@file`], [`input`].

pub mod file;
pub mod input;
pub mod keyring;

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use anyhow::bail;

use crate::settings::Environment;

/// What the variables of secrets begin with.
pub const PREFIX: &str = "HEARTH_SECRET_";
/// What the variable ends with that names a file.
const FILE_SUFFIX: &str = "_FILE";
/// More than any key or token has; a longer text is something else.
pub const MAX_BYTES: u64 = 4096;

/// A text that is shown to nobody.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Takes a secret; blanks and line ends around it are not part of it.
    ///
    /// # Errors
    /// It is empty, longer than [`MAX_BYTES`], or more than one line. Reads on from what it is.
    pub fn new(text: &str) -> anyhow::Result<Self> {
        let text = text.trim();
        if text.is_empty() {
            bail!("is empty");
        }
        if text.len() as u64 > MAX_BYTES {
            bail!("is longer than {MAX_BYTES} bytes");
        }
        if text.chars().any(char::is_control) {
            bail!("must be one line of plain characters");
        }
        Ok(Self(text.to_owned()))
    }

    /// Returns the text, for the one who needs it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// What a secret is called, such as `telegram_token`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Name(String);

impl Name {
    /// Returns the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the variable that holds it: `HEARTH_SECRET_TELEGRAM_TOKEN`.
    pub fn variable(&self) -> String {
        format!("{PREFIX}{}", self.0.to_uppercase())
    }

    /// Returns the variable that names its file: `HEARTH_SECRET_TELEGRAM_TOKEN_FILE`.
    pub fn file_variable(&self) -> String {
        format!("{}{FILE_SUFFIX}", self.variable())
    }

    /// Returns the secret's name that a variable is for, either of the two.
    ///
    /// # Errors
    /// What follows the prefix is no name.
    pub fn of_variable(variable: &str) -> Result<Self, String> {
        let name = variable.strip_prefix(PREFIX).unwrap_or(variable);
        if name.chars().any(char::is_lowercase) {
            return Err("must be in capitals".into());
        }
        let name = name.strip_suffix(FILE_SUFFIX).unwrap_or(name);
        name.to_lowercase().parse()
    }
}

impl FromStr for Name {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let is_char = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        let is_name = text.len() <= 64
            && text.starts_with(|c: char| c.is_ascii_lowercase())
            && text.chars().all(is_char);
        // `x_file` would read its variable where `x` looks for a file's name.
        if !is_name || text.ends_with("_file") {
            return Err(
                "a secret is named like telegram_token: at most 64 of a-z, 0-9 and _, a letter \
                 first, and not with _file last"
                    .into(),
            );
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where a secret is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// A variable.
    Environment,
    /// A file that a variable names.
    File,
    /// The system's keyring.
    Keyring,
}

impl Source {
    /// Returns the word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Environment => "env",
            Self::File => "file",
            Self::Keyring => "keyring",
        }
    }
}

/// Looks for a secret: in its variable, in the file that its other variable names, in the keyring.
/// The first that there is counts; a file that cannot be used is an error and is not passed over.
///
/// # Errors
/// The file is missing or others can read it, or the keyring gives no answer.
pub fn find(environment: &Environment, name: &Name) -> anyhow::Result<Option<(Secret, Source)>> {
    find_with(environment, name, keyring::get)
}

fn find_with(
    environment: &Environment,
    name: &Name,
    keyring: impl FnOnce(&str) -> anyhow::Result<Option<Secret>>,
) -> anyhow::Result<Option<(Secret, Source)>> {
    if let Some(given) = find_given(environment, name)? {
        return Ok(Some(given));
    }
    let kept = keyring(&keyring::account(name))?;
    Ok(kept.map(|secret| (secret, Source::Keyring)))
}

fn find_given(environment: &Environment, name: &Name) -> anyhow::Result<Option<(Secret, Source)>> {
    let variable = name.variable();
    if let Some(value) = environment.get(&variable) {
        let secret = Secret::new(value).map_err(|problem| problem.context(variable))?;
        return Ok(Some((secret, Source::Environment)));
    }
    let variable = name.file_variable();
    let Some(path) = environment.get(&variable) else {
        return Ok(None);
    };
    match file::read(Path::new(path)).map_err(|problem| problem.context(variable.clone()))? {
        Some(secret) => Ok(Some((secret, Source::File))),
        None => bail!("{variable}: there is no file {path}"),
    }
}

/// A secret that there is, or that is named but cannot be used.
#[derive(Debug)]
pub struct Listed {
    /// Its name.
    pub name: Name,
    /// Where it comes from.
    pub source: Source,
    /// Why it cannot be used.
    pub problem: Option<String>,
}

/// Lists the secrets there are, by name, and says what kept the keyring's from being listed.
pub fn list(environment: &Environment) -> (Vec<Listed>, Option<anyhow::Error>) {
    let mut listed = list_given(environment);
    let (kept, trouble) = match keyring::names() {
        Ok(kept) => (kept, None),
        Err(trouble) => (Vec::new(), Some(trouble)),
    };
    for name in kept {
        if listed.iter().all(|given| given.name != name) {
            listed.push(Listed {
                name,
                source: Source::Keyring,
                problem: None,
            });
        }
    }
    listed.sort_by(|a, b| a.name.cmp(&b.name));
    (listed, trouble)
}

fn list_given(environment: &Environment) -> Vec<Listed> {
    let is_given = |variable: &str| environment.get(variable).is_some();
    let names = environment.secrets();
    let listed = names.into_iter().map(|name| Listed {
        source: if is_given(&name.variable()) {
            Source::Environment
        } else {
            Source::File
        },
        problem: find_given(environment, &name)
            .err()
            .map(|problem| format!("{problem:#}")),
        name,
    });
    listed.collect()
}

#[cfg(test)]
mod tests;
