//! Finds the node to talk to, and the key to show it.

use std::path::Path;

use anyhow::{Context, anyhow, bail};
use reqwest::Url;
use reqwest::header::HeaderValue;

use crate::data_dir::{DataDir, Holder};
use crate::secrets::{Secret, file, keyring};
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
/// Returns nothing where none runs on it. Its key is the one in `key_file`, else that in `HEARTH_KEY`,
/// else the one that the keyring holds for it; on the data folder, the owner's in place of that.
///
/// # Errors
/// The address is no address, or there is no key.
pub fn locate(
    environment: &Environment,
    dir: &DataDir,
    url: Option<&str>,
    key_file: Option<&Path>,
) -> anyhow::Result<Option<Target>> {
    locate_with(environment, dir, url, key_file, keyring::get)
}

fn locate_with(
    environment: &Environment,
    dir: &DataDir,
    url: Option<&str>,
    key_file: Option<&Path>,
    keyring: impl FnOnce(&str) -> anyhow::Result<Option<Secret>>,
) -> anyhow::Result<Option<Target>> {
    let given_key = given_key(environment, key_file)?;
    if let Some(url) = named_url(environment, url)? {
        // The owner's key is for the node it belongs to, and this may be any.
        let key = match given_key {
            Some(key) => key,
            None => remembered_key(&url, keyring)?,
        };
        return Ok(Some(Target { url, key }));
    }
    on_folder(dir, given_key)
}

/// Finds the node that runs on the data folder, as its owner, whatever flags and variables say.
///
/// # Errors
/// It is starting, or there is no key.
pub fn own(dir: &DataDir) -> anyhow::Result<Option<Target>> {
    on_folder(dir, None)
}

/// Returns the address that `--url` or `HEARTH_URL` names.
///
/// # Errors
/// It is none.
pub fn named_url(environment: &Environment, url: Option<&str>) -> anyhow::Result<Option<Url>> {
    url.or_else(|| environment.get(environment::URL))
        .map(parse_url)
        .transpose()
}

/// Returns the account in the keyring under which the key for a node is kept: its origin.
pub fn account(url: &Url) -> String {
    url.origin().ascii_serialization()
}

fn remembered_key(
    url: &Url,
    keyring: impl FnOnce(&str) -> anyhow::Result<Option<Secret>>,
) -> anyhow::Result<Key> {
    let account = account(url);
    match keyring(&account) {
        Ok(Some(secret)) => Key::new(secret.reveal())
            .with_context(|| format!("what the keyring holds for {account} is no key")),
        Ok(None) => bail!(
            "there is no key for {account}: put it in HEARTH_KEY, name its file with --key-file, or \
             keep it with `hearth keys remember --url {account}`"
        ),
        Err(error) => bail!(
            "there is no key for {account}: put it in HEARTH_KEY or name its file with --key-file; \
             {error:#}"
        ),
    }
}

fn on_folder(dir: &DataDir, given_key: Option<Key>) -> anyhow::Result<Option<Target>> {
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
            Some(key) => Key::new(key.reveal())?,
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
        let Some(key) = file::read(path).context("the key file cannot be used")? else {
            bail!("there is no key file {}", path.display());
        };
        let named = || format!("{} holds no key", path.display());
        return Key::new(key.reveal()).map(Some).with_context(named);
    }
    environment
        .get(environment::KEY)
        .map(Key::new)
        .transpose()
        .context("HEARTH_KEY is no key")
}

fn parse_url(text: &str) -> anyhow::Result<Url> {
    if text.contains('@') {
        // Not shown: what stands before the sign may be a password.
        bail!("the address of a node has no name or password in it; its key goes into HEARTH_KEY");
    }
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

    /// Finds the key for a node elsewhere, where the keyring answers so.
    fn key_elsewhere(
        variables: &[(&str, &str)],
        key_file: Option<&Path>,
        kept: anyhow::Result<Option<&str>>,
    ) -> Result<HeaderValue, String> {
        let (_folder, dir) = folder();
        dir.write_owner_key("hearth_owner").unwrap();
        let url = Some("http://192.0.2.1:80/");
        let keyring = |account: &str| {
            assert_eq!(account, "http://192.0.2.1");
            kept.map(|key| key.map(|key| Secret::new(key).unwrap()))
        };
        locate_with(&environment(variables), &dir, url, key_file, keyring)
            .map(|target| target.unwrap().key.authorization())
            .map_err(|error| format!("{error:#}"))
    }

    #[test]
    fn the_key_of_another_node_is_the_files_then_the_variables_then_the_keyrings() {
        let (folder, dir) = folder();
        dir.write_owner_key("hearth_file").unwrap();
        let file = folder.path().join("owner.key");
        let variable = [("HEARTH_KEY", "hearth_variable")];
        let kept = || Ok(Some("hearth_kept"));

        let of_file = key_elsewhere(&variable, Some(&file), kept()).unwrap();
        let of_variable = key_elsewhere(&variable, None, kept()).unwrap();
        let of_keyring = key_elsewhere(&[], None, kept()).unwrap();

        assert_eq!(of_file, "Bearer hearth_file");
        assert_eq!(of_variable, "Bearer hearth_variable");
        assert_eq!(of_keyring, "Bearer hearth_kept");
    }

    #[test]
    fn another_node_does_not_get_the_owners_key() {
        assert_eq!(
            key_elsewhere(&[], None, Ok(None)).unwrap_err(),
            "there is no key for http://192.0.2.1: put it in HEARTH_KEY, name its file with \
             --key-file, or keep it with `hearth keys remember --url http://192.0.2.1`"
        );
        assert_eq!(
            key_elsewhere(&[], None, Err(anyhow!("the keyring is locked"))).unwrap_err(),
            "there is no key for http://192.0.2.1: put it in HEARTH_KEY or name its file with \
             --key-file; the keyring is locked"
        );
    }

    #[test]
    fn an_address_with_a_password_is_refused_and_not_repeated() {
        for wrong in ["http://ada:secret@192.0.2.1", "https://ada:secret@x y"] {
            let error = format!("{:#}", parse_url(wrong).unwrap_err());
            assert!(!error.contains("secret"), "{error}");
        }
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
