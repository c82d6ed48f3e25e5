//! Finds the node to talk to, and the key to show it.

use std::path::Path;

use anyhow::{Context, anyhow, bail};
use reqwest::Url;
use reqwest::header::HeaderValue;

use crate::data_dir::{DataDir, Holder, owner_key};
use crate::settings::environment::{self, Environment};

/// A key. It is never printed, and never given on a command line, where other users could see it.
#[derive(Clone)]
pub struct Key(HeaderValue);

impl Key {
    /// Takes a key.
    ///
    /// # Errors
    /// It holds characters that no key has.
    pub fn new(text: &str) -> anyhow::Result<Self> {
        let text = text.trim();
        if text.is_empty() || !text.chars().all(|c| c.is_ascii_graphic()) {
            bail!(
                "the key must be one word of plain characters, as `hearth keys create` prints it"
            );
        }
        let mut value = HeaderValue::from_str(&format!("Bearer {text}"))?;
        value.set_sensitive(true);
        Ok(Self(value))
    }

    pub(super) fn authorization(&self) -> HeaderValue {
        self.0.clone()
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[redacted]")
    }
}

/// A node, and a key that it knows.
#[derive(Debug, Clone)]
pub struct Target {
    /// Where it is.
    pub url: Url,
    /// What proves who is calling.
    pub key: Key,
}

/// Finds the node: the one at `url` or `HEARTH_URL`, else the one that runs on the data folder.
/// Returns nothing where none runs on it.
///
/// # Errors
/// The address is no address, or there is no key.
pub fn locate(
    environment: &Environment,
    dir: &DataDir,
    url: Option<&str>,
    key_file: Option<&Path>,
) -> anyhow::Result<Option<Target>> {
    let given_key = given_key(environment, key_file)?;
    if let Some(url) = url.or_else(|| environment.get(environment::URL)) {
        let url = parse_url(url)?;
        // The owner's key is for the node it belongs to, and this may be any.
        let key = given_key.with_context(|| {
            format!("put the key for {url} in HEARTH_KEY, or name its file with --key-file")
        })?;
        return Ok(Some(Target { url, key }));
    }
    let shown = dir.root().display();
    let Some(holder) = Holder::find(dir)? else {
        return Ok(None);
    };
    let Some(url) = holder.url else {
        bail!("the node on {shown} is starting; try again in a moment");
    };
    let key = match given_key {
        Some(key) => key,
        None => match dir.read_owner_key()? {
            Some(key) => Key::new(&key)?,
            None => bail!("there is no owner.key in {shown}; put a key in HEARTH_KEY"),
        },
    };
    let url = parse_url(&url)?;
    Ok(Some(Target { url, key }))
}

/// Says that there is no node to talk to.
pub fn not_running(dir: &DataDir) -> anyhow::Error {
    anyhow!(
        "no node is running on {}; start one with `hearth up`",
        dir.root().display()
    )
}

fn given_key(environment: &Environment, file: Option<&Path>) -> anyhow::Result<Option<Key>> {
    if let Some(path) = file {
        let Some(key) = owner_key::read(path)? else {
            bail!("there is no key file {}", path.display());
        };
        return Key::new(&key).map(Some);
    }
    environment
        .get(environment::KEY)
        .map(Key::new)
        .transpose()
        .context("HEARTH_KEY is no key")
}

fn parse_url(text: &str) -> anyhow::Result<Url> {
    let problem =
        || format!("{text:?} is not the address of a node, such as http://127.0.0.1:4747");
    let url = Url::parse(text).with_context(problem)?;
    if url.scheme() == "https" {
        bail!(
            "{text:?} needs TLS, which this program does not speak; reach the node through a tunnel"
        );
    }
    if url.scheme() != "http" || url.host().is_none() || url.query().is_some() {
        bail!(problem());
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data_dir::Lock;

    fn environment(variables: &[(&str, &str)]) -> Environment {
        let variables = variables.iter().map(|(k, v)| ((*k).into(), (*v).into()));
        Environment::from_variables(variables).unwrap()
    }

    fn folder() -> (tempfile::TempDir, DataDir) {
        let folder = tempfile::tempdir().unwrap();
        let dir = DataDir::at(folder.path());
        (folder, dir)
    }

    #[test]
    fn the_node_on_the_data_folder_is_found_with_its_key() {
        let (_folder, dir) = folder();
        dir.write_owner_key("hearth_owner").unwrap();
        assert!(
            locate(&environment(&[]), &dir, None, None)
                .unwrap()
                .is_none()
        );

        let mut lock = Lock::acquire(&dir).unwrap();
        lock.announce("http://127.0.0.1:9").unwrap();
        let target = locate(&environment(&[]), &dir, None, None)
            .unwrap()
            .unwrap();

        assert_eq!(target.url.as_str(), "http://127.0.0.1:9/");
        assert_eq!(target.key.authorization(), "Bearer hearth_owner");
    }

    #[test]
    fn another_node_does_not_get_the_owners_key() {
        let (_folder, dir) = folder();
        dir.write_owner_key("hearth_owner").unwrap();
        let find = |env: &Environment| locate(env, &dir, Some("http://192.0.2.1:1"), None);

        let without = find(&environment(&[])).unwrap_err();
        let with = find(&environment(&[("HEARTH_KEY", "hearth_other")])).unwrap();

        assert_eq!(
            without.to_string(),
            "put the key for http://192.0.2.1:1/ in HEARTH_KEY, or name its file with --key-file"
        );
        assert_eq!(with.unwrap().key.authorization(), "Bearer hearth_other");
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for wrong in ["localhost", "ftp://x", "http://", "https://x"] {
            assert!(parse_url(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_key_is_not_in_its_debug_form() {
        assert_eq!(format!("{:?}", Key::new("hearth_x").unwrap()), "[redacted]");
        assert!(Key::new("two words").is_err());
    }
}
