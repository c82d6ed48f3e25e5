//! Puts the layers together: defaults, file, variables, flags.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, bail};
use toml_edit::{Document, Item, TableLike};

use crate::settings::Settings;
use crate::settings::environment::{self, Environment};
use crate::settings::file;
use crate::settings::nearest::nearest;
use crate::settings::table::{self, Setting, TABLE};
use crate::settings::value::{Given, Value};

/// The file's name in the configuration folder.
const FILE_NAME: &str = "hearth.toml";

/// Where a setting's value came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// Nobody set it.
    Default,
    /// The settings file.
    File,
    /// A variable.
    Environment,
    /// A flag of this command.
    Flag,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Default => "default",
            Self::File => "file",
            Self::Environment => "env",
            Self::Flag => "flag",
        })
    }
}

/// A setting given by a flag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Override {
    /// The setting.
    pub key: &'static str,
    /// The flag as the person wrote it, for messages.
    pub flag: &'static str,
    /// What it was given.
    pub value: String,
}

/// Where settings are read from, kept so that they can be read again.
#[derive(Debug, Clone, Default)]
pub struct Layers {
    /// The variables.
    pub environment: Environment,
    /// The file that a flag names.
    pub config: Option<PathBuf>,
    /// What the command's own flags stand for.
    pub overrides: Vec<Override>,
}

impl Layers {
    /// Reads the settings as they are at this moment.
    ///
    /// # Errors
    /// See [`load()`].
    pub fn load(&self) -> anyhow::Result<Loaded> {
        load(&self.environment, self.config.as_deref(), &self.overrides)
    }

    /// Whether a flag or a variable names the file.
    pub fn names_file(&self) -> bool {
        named_file(&self.environment, self.config.as_deref()).is_some()
    }
}

/// The settings, and where each came from.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The settings.
    pub settings: Settings,
    /// The settings file, which need not exist.
    pub file: Option<PathBuf>,
    sources: BTreeMap<&'static str, Source>,
}

impl Loaded {
    /// Returns what holds where the settings as a whole cannot be used.
    pub fn without_file(data_dir: PathBuf) -> Self {
        Self {
            settings: Settings::defaults(data_dir),
            file: None,
            sources: BTreeMap::new(),
        }
    }

    /// Returns every setting with its value and where that came from.
    pub fn entries(&self) -> impl Iterator<Item = (&'static Setting, Value, Source)> {
        TABLE.iter().map(|setting| {
            let source = self.sources.get(setting.key).copied();
            (
                setting,
                (setting.get)(&self.settings),
                source.unwrap_or(Source::Default),
            )
        })
    }
}

/// Loads the settings. `config` names another file than the usual one.
///
/// # Errors
/// Names the setting or variable that is wrong, where it stands, and what would be right.
pub fn load(
    environment: &Environment,
    config: Option<&Path>,
    overrides: &[Override],
) -> anyhow::Result<Loaded> {
    let data_dir = folders().map(|folders| folders.data_dir().to_owned());
    let is_named = named_file(environment, config).is_some();
    let mut loaded = Loaded {
        settings: Settings::defaults(data_dir.unwrap_or_default()),
        file: settings_file(environment, config)?,
        sources: BTreeMap::new(),
    };
    if let Some(path) = loaded.file.clone() {
        match file::read(&path)? {
            Some(text) => apply_file(&mut loaded, &path, &text)?,
            None if is_named => bail!(
                "there is no settings file {}; `hearth config set` makes one",
                path.display()
            ),
            None => (),
        }
    }
    for setting in TABLE {
        let variable = setting.variable();
        if let Some(value) = environment.get(&variable) {
            let word = absolute_if_folder(setting, value)?;
            apply(
                &mut loaded,
                setting,
                Given::Word(&word),
                Source::Environment,
            )
            .map_err(|problem| anyhow!("{variable} {problem}"))?;
        }
    }
    for given in overrides {
        let Some(setting) = table::find(given.key) else {
            bail!("there is no setting {}", given.key);
        };
        let word = absolute_if_folder(setting, &given.value)?;
        apply(&mut loaded, setting, Given::Word(&word), Source::Flag)
            .map_err(|problem| anyhow!("{} {problem}", given.flag))?;
    }
    if loaded.settings.data_dir.as_os_str().is_empty() {
        bail!("there is no home folder to keep data in; name a folder with --data-dir");
    }
    Ok(loaded)
}

/// Returns the data folder where the settings as a whole cannot be used: the one that a flag or a
/// variable names, else the usual one. What the settings file says of it is not looked at.
pub fn data_dir_without_file(environment: &Environment, flag: Option<&Path>) -> PathBuf {
    let variable = environment.get("HEARTH_DATA_DIR").map(Path::new);
    let named = flag.or(variable).map(Path::to_owned);
    let usual = || folders().map(|folders| folders.data_dir().to_owned());
    named.or_else(usual).unwrap_or_default()
}

/// Returns the settings file, which need not exist; none where there is no home folder.
///
/// # Errors
/// The name it was given is no path.
pub fn settings_file(
    environment: &Environment,
    config: Option<&Path>,
) -> anyhow::Result<Option<PathBuf>> {
    match named_file(environment, config) {
        Some(path) => std::path::absolute(path)
            .map(Some)
            .with_context(|| format!("cannot find {}", path.display())),
        None => Ok(folders().map(|folders| folders.config_dir().join(FILE_NAME))),
    }
}

/// Returns the settings file that a flag or a variable names.
fn named_file<'a>(environment: &'a Environment, config: Option<&'a Path>) -> Option<&'a Path> {
    config.or_else(|| environment.get(environment::CONFIG).map(Path::new))
}

fn folders() -> Option<directories::ProjectDirs> {
    directories::ProjectDirs::from("", "", "hearth")
}

fn apply(
    loaded: &mut Loaded,
    setting: &'static Setting,
    given: Given<'_>,
    source: Source,
) -> Result<(), String> {
    (setting.set)(&mut loaded.settings, given)?;
    loaded.sources.insert(setting.key, source);
    Ok(())
}

/// A folder in a flag or a variable is meant from where the command is given.
fn absolute_if_folder(setting: &Setting, word: &str) -> anyhow::Result<String> {
    if setting.key != "data_dir" {
        return Ok(word.to_owned());
    }
    let path = std::path::absolute(word).with_context(|| format!("cannot find {word}"))?;
    path.into_os_string()
        .into_string()
        .map_err(|_| anyhow!("the path of the data folder must be UTF-8 text"))
}

fn apply_file(loaded: &mut Loaded, path: &Path, text: &str) -> anyhow::Result<()> {
    let document = parse(path, text)?;
    let mut leaves = Vec::new();
    collect(document.as_table(), "", &mut leaves);
    for (key, item) in leaves {
        let place = place(path, text, item);
        let Some(setting) = table::find(&key) else {
            bail!("unknown setting {key} in {place}; {}", meant(&key));
        };
        let Some(value) = item.as_value() else {
            bail!("{key} in {place} must be a single value");
        };
        apply(loaded, setting, Given::Toml(value), Source::File)
            .map_err(|problem| anyhow!("{key} in {place} {problem}"))?;
    }
    Ok(())
}

/// Reads the settings file's text.
///
/// # Errors
/// Says in one line where it is no TOML.
pub(super) fn parse(path: &Path, text: &str) -> anyhow::Result<Document<String>> {
    Document::parse(text.to_owned()).map_err(|error| {
        let line = error.span().map_or(1, |span| line_of(text, span.start));
        let problem = error.message().replace('\n', ", ");
        anyhow!(
            "{} is not valid TOML, line {line}: {problem}",
            path.display()
        )
    })
}

/// Says what a wrong name was meant to be.
pub(super) fn meant(key: &str) -> String {
    let keys = TABLE.iter().map(|setting| setting.key);
    nearest(key, keys).map_or_else(String::new, |key| format!("did you mean {key}?"))
}

/// Lists what is set, with the sections written before a dot.
fn collect<'a>(table: &'a dyn TableLike, prefix: &str, leaves: &mut Vec<(String, &'a Item)>) {
    for (name, item) in table.iter() {
        let key = format!("{prefix}{name}");
        match item.as_table_like() {
            Some(section) if is_section(&key) || !section.is_empty() => {
                collect(section, &format!("{key}."), leaves);
            }
            _ => leaves.push((key, item)),
        }
    }
}

fn is_section(key: &str) -> bool {
    TABLE.iter().any(|setting| {
        setting
            .key
            .split_once('.')
            .is_some_and(|(section, _)| section == key)
    })
}

fn place(path: &Path, text: &str, item: &Item) -> String {
    let path = path.display();
    match item.span() {
        Some(span) => format!("{path}, line {}", line_of(text, span.start)),
        None => path.to_string(),
    }
}

fn line_of(text: &str, offset: usize) -> usize {
    1 + text.get(..offset).unwrap_or(text).matches('\n').count()
}

#[cfg(test)]
mod tests;
