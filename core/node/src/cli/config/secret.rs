//! Keeps secrets of the settings in the system's keyring.

use anyhow::{Context, bail};
use clap::Args;
use serde_json::json;

use crate::output::{Output, note};
use crate::secrets::{Name, input, keyring};
use crate::settings::Environment;

/// Names a secret.
#[derive(Debug, Args)]
pub struct Named {
    /// Its name, such as telegram_token
    name: Name,
}

pub(super) fn set(output: Output, Named { name }: &Named) -> anyhow::Result<()> {
    let environment = Environment::read()?;
    let secret = input::read(&format!("the secret {name}"))?;
    keyring::set_named(name, &secret).with_context(|| {
        let (variable, file) = (name.variable(), name.file_variable());
        format!("{name} was not kept; put it in {variable}, or name its file with {file}")
    })?;
    let object = json!({ "name": name.as_str(), "source": "keyring" });
    output.object(&object, || format!("the keyring holds {name}"))?;
    for variable in [name.variable(), name.file_variable()] {
        if environment.get(&variable).is_some() {
            note(&format!("{variable} is set and goes over the keyring"));
        }
    }
    Ok(())
}

pub(super) fn forget(output: Output, Named { name }: &Named) -> anyhow::Result<()> {
    if !keyring::remove_named(name).with_context(|| format!("{name} was not removed"))? {
        bail!("the keyring holds no {name}");
    }
    let object = json!({ "name": name.as_str() });
    output.object(&object, || format!("the keyring holds no {name} any more"))
}
