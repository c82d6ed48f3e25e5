//! The `HEARTH_*` variables, and the few others that a command outside the sandbox is given: the only
//! place where the environment is read.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;

use anyhow::bail;

use crate::secrets;
use crate::settings::nearest::nearest;
use crate::settings::table::TABLE;

/// Returns what a command that its owner approved finds in its environment: enough to find programs
/// and the home folder, and nothing that may be a secret.
#[expect(
    clippy::disallowed_methods,
    reason = "this is where the environment is read"
)]
pub fn for_outside() -> hearth_sandbox::outside::Environment {
    let or = |name: &str, usual: &str| std::env::var(name).unwrap_or_else(|_| usual.to_owned());
    hearth_sandbox::outside::Environment {
        path: or("PATH", "/usr/local/bin:/usr/bin:/bin"),
        home: or("HOME", "/"),
        lang: or("LANG", "C.UTF-8"),
        user: or("USER", ""),
    }
}

/// Returns where programs are looked for.
#[expect(
    clippy::disallowed_methods,
    reason = "this is where the environment is read"
)]
pub fn search_path() -> OsString {
    std::env::var_os("PATH").unwrap_or_else(|| "/usr/local/bin:/usr/bin:/bin".into())
}

/// What every variable of ours begins with.
const PREFIX: &str = "HEARTH_";

/// Names the settings file.
pub const CONFIG: &str = "HEARTH_CONFIG";
/// Names the node to talk to.
pub const URL: &str = "HEARTH_URL";
/// Holds the key to show it.
pub const KEY: &str = "HEARTH_KEY";

/// Variables that are no settings, but that a command reads.
const OTHERS: [&str; 3] = [CONFIG, URL, KEY];
/// Variables of the tests, which run this program and leave theirs in its environment.
const FOR_TESTS: [&str; 7] = [
    "HEARTH_AIMOCK",
    "HEARTH_KEYRING_DAEMON",
    "HEARTH_LONG",
    "HEARTH_ONNXRUNTIME",
    "HEARTH_SCHEMATHESIS",
    "HEARTH_SKIP_LOG",
    "HEARTH_TEST_WHISPER_MODEL",
];

/// The `HEARTH_*` variables. An empty one counts as not set.
#[derive(Clone, Default)]
pub struct Environment {
    variables: BTreeMap<String, String>,
}

impl std::fmt::Debug for Environment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Some of the values are secrets.
        f.debug_set().entries(self.variables.keys()).finish()
    }
}

impl Environment {
    /// Reads the environment of this process.
    ///
    /// # Errors
    /// Names a variable of ours that nothing reads, and the one it may have been meant to be.
    pub fn read() -> anyhow::Result<Self> {
        Self::from_variables(std::env::vars_os())
    }

    /// Reads what is known of the environment of this process and passes over what is wrong, for
    /// those who look for what is wrong.
    pub fn read_what_is_right() -> Self {
        let is_right =
            |variable: &(OsString, OsString)| Self::from_variables([variable.clone()]).is_ok();
        Self::from_variables(std::env::vars_os().filter(is_right)).unwrap_or_default()
    }

    /// Takes variables from elsewhere.
    ///
    /// # Errors
    /// See [`Self::read`].
    pub fn from_variables(
        all: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> anyhow::Result<Self> {
        let settings: Vec<String> = TABLE.iter().map(super::table::Setting::variable).collect();
        let mut variables = BTreeMap::new();
        for (name, value) in all {
            let Some(name) = name.to_str().filter(|name| name.starts_with(PREFIX)) else {
                continue;
            };
            if FOR_TESTS.contains(&name) {
                continue;
            }
            let mut known = settings.iter().map(String::as_str).chain(OTHERS);
            if name.starts_with(secrets::PREFIX) {
                if let Err(problem) = secrets::Name::of_variable(name) {
                    bail!("{name} is for no secret: {problem}");
                }
            } else if !known.any(|known| known == name) {
                let known = settings.iter().map(String::as_str).chain(OTHERS);
                let nearest = nearest(name, known).unwrap_or(CONFIG);
                bail!("unknown variable {name}; did you mean {nearest}?");
            }
            let Ok(value) = value.into_string() else {
                bail!("{name} must be UTF-8 text");
            };
            if !value.is_empty() {
                variables.insert(name.to_owned(), value);
            }
        }
        Ok(Self { variables })
    }

    /// Returns the names of the secrets that a variable holds or names a file of.
    pub fn secrets(&self) -> BTreeSet<secrets::Name> {
        let variables = self.variables.keys();
        variables
            .filter(|variable| variable.starts_with(secrets::PREFIX))
            .filter_map(|variable| secrets::Name::of_variable(variable).ok())
            .collect()
    }

    /// Returns a variable's value.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &str, value: &str) -> Result<Environment, String> {
        Environment::from_variables([(name.into(), value.into())])
            .map_err(|error| error.to_string())
    }

    #[test]
    fn an_unknown_variable_is_refused_with_the_nearest_right_one() {
        assert_eq!(
            read("HEARTH_LISTN", "x").unwrap_err(),
            "unknown variable HEARTH_LISTN; did you mean HEARTH_LISTEN?"
        );
    }

    #[test]
    fn variables_of_others_and_of_the_tests_are_left_alone() {
        for name in ["PATH", "HEARTH_LONG", "HEARTHSTONE"] {
            assert_eq!(read(name, "1").unwrap().get(name), None);
        }
    }

    #[test]
    fn an_empty_variable_counts_as_not_set() {
        assert_eq!(read("HEARTH_URL", "").unwrap().get("HEARTH_URL"), None);
    }

    #[test]
    fn the_key_is_not_in_the_debug_form() {
        let environment = read("HEARTH_KEY", "hearth_secret").unwrap();

        assert_eq!(format!("{environment:?}"), r#"{"HEARTH_KEY"}"#);
    }
}
