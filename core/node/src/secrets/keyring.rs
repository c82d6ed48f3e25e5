//! The system's keyring, asked with patience that ends.
//!
//! Entries stand under the service `hearth`: the key for a node under the node's origin, such as
//! `http://192.0.2.7:4747`, a secret under `secret:` and its name. A keyring cannot be searched
//! everywhere, so one more entry lists the names of secrets.

use std::io::IsTerminal;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use keyring::{Entry, Error};

use crate::output::note;
use crate::secrets::{Name, Secret};

const SERVICE: &str = "hearth";
/// Holds the names of secrets, with blanks between them.
const NAMES: &str = "secrets";
/// How long a keyring may take: an open one answers in tens of milliseconds.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long it may take beyond that where a person is there, whom it may have asked for its password.
const FOR_A_PERSON: Duration = Duration::from_mins(1);

/// Returns the account under which a secret is kept.
pub fn account(name: &Name) -> String {
    format!("secret:{name}")
}

/// Returns what is kept under an account.
///
/// # Errors
/// Says in one line why the keyring is of no use: there is none, it is locked, or it does not answer.
pub fn get(account: &str) -> anyhow::Result<Option<Secret>> {
    let account = account.to_owned();
    within_patience(move || read(&account))
}

/// Keeps a secret under an account, in the place of an earlier one.
///
/// # Errors
/// See [`get`].
pub fn set(account: &str, secret: &Secret) -> anyhow::Result<()> {
    let (account, secret) = (account.to_owned(), secret.clone());
    within_patience(move || entry(&account)?.set_password(secret.reveal()))
}

/// Removes what is kept under an account; returns whether there was anything.
///
/// # Errors
/// See [`get`].
pub fn remove(account: &str) -> anyhow::Result<bool> {
    let account = account.to_owned();
    within_patience(move || delete(&account))
}

/// Keeps the secret of this name.
///
/// # Errors
/// See [`get`].
pub fn set_named(name: &Name, secret: &Secret) -> anyhow::Result<()> {
    let (name, secret) = (name.clone(), secret.clone());
    within_patience(move || {
        // The name first: one without a secret is not listed, a secret without its name would be lost.
        let mut names = read_names()?;
        if !names.contains(&name) {
            names.push(name.clone());
            write_names(&names)?;
        }
        entry(&account(&name))?.set_password(secret.reveal())
    })
}

/// Removes the secret of this name; returns whether there was one.
///
/// # Errors
/// See [`get`].
pub fn remove_named(name: &Name) -> anyhow::Result<bool> {
    let name = name.clone();
    within_patience(move || {
        let was_there = delete(&account(&name))?;
        let mut names = read_names()?;
        if names.contains(&name) {
            names.retain(|other| *other != name);
            write_names(&names)?;
        }
        Ok(was_there)
    })
}

/// Returns the names of the secrets that are kept.
///
/// # Errors
/// See [`get`].
pub fn names() -> anyhow::Result<Vec<Name>> {
    within_patience(|| {
        let mut names = Vec::new();
        for name in read_names()? {
            // One that was removed by other means is still on the list.
            if read(&account(&name))?.is_some() {
                names.push(name);
            }
        }
        Ok(names)
    })
}

fn entry(account: &str) -> keyring::Result<Entry> {
    Entry::new(SERVICE, account)
}

fn read(account: &str) -> keyring::Result<Option<Secret>> {
    match entry(account)?.get_password() {
        // What is kept there and is no secret of ours is none.
        Ok(text) => Ok(Secret::new(&text).ok()),
        Err(Error::NoEntry) => Ok(None),
        Err(error) => Err(error),
    }
}

fn delete(account: &str) -> keyring::Result<bool> {
    match entry(account)?.delete_credential() {
        Ok(()) => Ok(true),
        Err(Error::NoEntry) => Ok(false),
        Err(error) => Err(error),
    }
}

fn read_names() -> keyring::Result<Vec<Name>> {
    let names = match entry(NAMES)?.get_password() {
        Ok(names) => names,
        Err(Error::NoEntry) => String::new(),
        Err(error) => return Err(error),
    };
    let names = names.split_whitespace();
    Ok(names.filter_map(|name| name.parse().ok()).collect())
}

fn write_names(names: &[Name]) -> keyring::Result<()> {
    let names: Vec<&str> = names.iter().map(Name::as_str).collect();
    if names.is_empty() {
        return delete(NAMES).map(|_| ());
    }
    entry(NAMES)?.set_password(&names.join(" "))
}

/// Does `work` on a thread of its own, which is left behind where the keyring never answers: it ends
/// with the program, and with it the keyring's question to the person.
fn within_patience<T: Send + 'static>(
    work: impl FnOnce() -> keyring::Result<T> + Send + 'static,
) -> anyhow::Result<T> {
    let (sender, receiver) = mpsc::sync_channel(1);
    let asking = std::thread::Builder::new().name("keyring".into());
    asking
        .spawn(move || {
            // Nobody waits any more where it took too long.
            let _ = sender.send(work());
        })
        .context("the keyring cannot be asked")?;
    let mut answer = receiver.recv_timeout(PATIENCE);
    let mut waited = PATIENCE;
    let is_late = matches!(answer, Err(RecvTimeoutError::Timeout));
    if is_late && std::io::stderr().is_terminal() {
        note("waiting for the keyring, which may be asking for its password in a window");
        answer = receiver.recv_timeout(FOR_A_PERSON);
        waited += FOR_A_PERSON;
    }
    match answer {
        Ok(answer) => answer.map_err(|error| said(&error)),
        Err(RecvTimeoutError::Timeout) => bail!(
            "the keyring did not answer in {} s; it may be locked and wait for its password",
            waited.as_secs()
        ),
        Err(RecvTimeoutError::Disconnected) => bail!("the thread that asked the keyring failed"),
    }
}

fn said(error: &Error) -> anyhow::Error {
    let cause = match error {
        Error::PlatformFailure(cause) => cause.to_string(),
        other => other.to_string(),
    };
    if cause.contains("autolaunch") {
        // What its library says of this is for those who build it.
        return anyhow!("no keyring can be used here (there is no D-Bus session)");
    }
    // The Secret Service refuses by this name to add to what is locked.
    let is_locked = cause.contains("org.freedesktop.Secret.Error.IsLocked");
    if is_locked || matches!(error, Error::NoStorageAccess(_)) {
        return anyhow!("the keyring is locked; unlock it and try again");
    }
    anyhow!("no keyring can be used here ({cause})")
}
