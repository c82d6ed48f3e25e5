//! Changes one setting in the file and leaves everything else in it as it was.

use std::path::Path;

use anyhow::{Context, anyhow, bail};
use toml_edit::{DocumentMut, Item, Table};

use crate::data_dir::replace;
use crate::settings::load::{meant, parse};
use crate::settings::value::{Given, Value};
use crate::settings::{Settings, file, table};

/// Sets `key` to `word` in the settings file at `path`, which is made where it is missing.
/// Returns the value as it was understood.
///
/// # Errors
/// An unknown name, a value that does not fit, a file that is no TOML or cannot be written.
pub fn set(path: &Path, key: &str, word: &str) -> anyhow::Result<Value> {
    let Some(setting) = table::find(key) else {
        bail!("unknown setting {key}; {}", meant(key));
    };
    let mut settings = Settings::defaults(std::path::PathBuf::new());
    (setting.set)(&mut settings, Given::Word(word))
        .map_err(|problem| anyhow!("{key} {problem}"))?;
    let value = (setting.get)(&settings);

    let text = file::read(path)?.unwrap_or_default();
    let mut document = parse(path, &text)?.into_mut();
    put(&mut document, key, &value).with_context(|| format!("cannot change {}", path.display()))?;
    write(path, document.to_string().as_bytes())
        .with_context(|| format!("cannot write {}", path.display()))?;
    Ok(value)
}

fn put(document: &mut DocumentMut, key: &str, value: &Value) -> anyhow::Result<()> {
    let (table, name) = match key.split_once('.') {
        None => (
            document.as_table_mut() as &mut dyn toml_edit::TableLike,
            key,
        ),
        Some((section, name)) => {
            let item = document
                .entry(section)
                .or_insert_with(|| Item::Table(Table::new()));
            let table = item
                .as_table_like_mut()
                .ok_or_else(|| anyhow!("{section} in it is a value, and must be a section"))?;
            (table, name)
        }
    };
    let mut new = value.to_toml();
    // The comment at the end of the line belongs to the old value's decoration.
    if let Some(old) = table.get(name).and_then(Item::as_value) {
        *new.decor_mut() = old.decor().clone();
    }
    match table.get_mut(name) {
        Some(item) => *item = Item::Value(new),
        None => {
            table.insert(name, Item::Value(new));
        }
    }
    Ok(())
}

/// Writes the settings file, with the rights that it has.
fn write(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    // The file itself, where `path` is a link to it: it is what is replaced.
    let path = &path.canonicalize().unwrap_or_else(|_| path.to_owned());
    std::fs::create_dir_all(path.parent().unwrap_or(Path::new(".")))?;
    replace(path, bytes, |draft| {
        let file = std::fs::File::create(draft)?;
        if let Ok(old) = std::fs::metadata(path) {
            file.set_permissions(old.permissions())?;
        }
        Ok(file)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(text: &str, key: &str, word: &str) -> Result<String, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hearth.toml");
        std::fs::write(&path, text).unwrap();
        set(&path, key, word).map_err(|error| format!("{error:#}"))?;
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        Ok(std::fs::read_to_string(&path).unwrap())
    }

    #[test]
    fn other_lines_and_comments_stay_as_they_were() {
        let text =
            "# my node\nlisten = \"127.0.0.1:1\"  # at home\n\n[log]\n# loud\nlevel=\"debug\"\n";

        assert_eq!(
            after(text, "listen", "127.0.0.1:9").unwrap(),
            "# my node\nlisten = \"127.0.0.1:9\"  # at home\n\n[log]\n# loud\nlevel=\"debug\"\n"
        );
        assert_eq!(
            after(text, "log.format", "json").unwrap(),
            format!("{text}format = \"json\"\n")
        );
    }

    #[test]
    fn a_missing_section_is_added() {
        assert_eq!(
            after("", "agents.builtin", "false").unwrap(),
            "[agents]\nbuiltin = false\n"
        );
        assert_eq!(
            after("[log]\nlevel = \"warn\"\n", "allowed_hosts", "a.lan, b.lan").unwrap(),
            "allowed_hosts = [\"a.lan\", \"b.lan\"]\n[log]\nlevel = \"warn\"\n"
        );
    }

    #[test]
    fn a_wrong_name_or_value_changes_nothing() {
        assert_eq!(
            after("", "loglevel", "debug").unwrap_err(),
            "unknown setting loglevel; did you mean log.level?"
        );
        assert_eq!(
            after("", "sandbox.processes", "many").unwrap_err(),
            "sandbox.processes must be a whole number from 1 to 4096"
        );
        assert_eq!(
            after("log = 1\n", "log.level", "debug")
                .unwrap_err()
                .split(": ")
                .last(),
            Some("log in it is a value, and must be a section")
        );
    }

    #[test]
    fn a_missing_file_is_made_with_its_folder() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/hearth.toml");

        let value = set(&path, "log.level", "debug").unwrap();

        assert_eq!(value, Value::Text("debug".into()));
        assert_eq!(
            std::fs::read_to_string(path).unwrap(),
            "[log]\nlevel = \"debug\"\n"
        );
    }
}
