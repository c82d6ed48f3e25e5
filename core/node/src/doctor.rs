//! Looks for what is wrong with a node and what it stands on, and says how to mend it. Changes
//! nothing, and works whether a node is running or not.

mod database;
mod folder;
mod running;
pub(crate) mod sandbox;

use jiff::tz::TimeZone;
use serde::Serialize;

use crate::data_dir::DataDir;
use crate::settings::{Loaded, Settings, TranscriberChoice};

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Nothing is wrong.
    Ok,
    /// It works, and something is to be looked at.
    Warning,
    /// Something does not work, or soon will not.
    Fault,
}

impl State {
    /// Returns the word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Fault => "fault",
        }
    }
}

/// What was found out about one thing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What was looked at.
    pub name: &'static str,
    /// How bad it is.
    pub state: State,
    /// What was found.
    pub found: String,
    /// What mends it.
    pub remedy: Option<String>,
}

impl Check {
    fn ok(name: &'static str, found: impl Into<String>) -> Self {
        Self {
            name,
            state: State::Ok,
            found: found.into(),
            remedy: None,
        }
    }

    fn warning(name: &'static str, found: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            name,
            state: State::Warning,
            found: found.into(),
            remedy: Some(remedy.into()),
        }
    }

    fn fault(name: &'static str, found: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            state: State::Fault,
            ..Self::warning(name, found, remedy)
        }
    }
}

/// How closely contents are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// Each is there, with its size.
    Sizes,
    /// Each is read, and has the hash that is its name.
    Hashes,
}

/// What is to be looked at.
#[derive(Debug)]
pub struct Patient {
    /// The settings, or why they cannot be used.
    pub settings: Result<Loaded, String>,
    /// The data folder.
    pub data: DataDir,
    /// How closely.
    pub depth: Depth,
}

/// Looks at everything, one thing after the other.
pub async fn examine(patient: &Patient) -> Vec<Check> {
    let data = &patient.data;
    let mut checks = vec![settings(&patient.settings), folder::rights_and_room(data)];
    let running = running::check(data).await;
    checks.push(running.check);
    checks.extend(database::check(data, patient.depth));
    checks.push(folder::owner_key(data));
    checks.push(sandbox::check().await);
    checks.push(database::clock(data, zone(patient)));
    checks.push(running.inbox.unwrap_or_else(|| folder::inbox(data)));
    let is_chosen = of(patient, |settings| settings.model.provider.is_some());
    checks.extend(running.model.map(|check| of_choice(is_chosen, check)));
    let is_chosen = of(patient, |settings| {
        let voice = &settings.voice;
        !voice.model.is_empty()
            || !matches!(
                voice.transcriber,
                TranscriberChoice::Auto | TranscriberChoice::Off
            )
    });
    checks.extend(running.voice.map(|check| of_choice(is_chosen, check)));
    checks.extend(running.telegram);
    checks.push(folder::leftovers(data, running.is_held));
    checks
}

fn settings(loaded: &Result<Loaded, String>) -> Check {
    const NAME: &str = "settings";
    match loaded {
        Err(problem) => Check::fault(
            NAME,
            problem,
            "put that right in the file, with `hearth config set`, or in the environment",
        ),
        Ok(Loaded {
            file: Some(file), ..
        }) if file.exists() => Check::ok(NAME, format!("{} is valid", file.display())),
        Ok(_) => Check::ok(NAME, "there is no settings file; the defaults hold"),
    }
}

/// Whether the settings are so; where they cannot be read, they may be.
fn of(patient: &Patient, is_so: impl FnOnce(&Settings) -> bool) -> bool {
    let loaded = patient.settings.as_ref().ok();
    loaded.is_none_or(|loaded| is_so(&loaded.settings))
}

/// Where none was chosen, that there is none is nothing to look at.
fn of_choice(is_chosen: bool, check: Check) -> Check {
    if is_chosen || check.state == State::Ok {
        return check;
    }
    let how = check
        .remedy
        .map(|remedy| format!("; to have one: {remedy}"));
    Check::ok(check.name, check.found + &how.unwrap_or_default())
}

/// The zone that the settings name, else the machine's; none where neither is known.
fn zone(patient: &Patient) -> Option<TimeZone> {
    let named = patient.settings.as_ref().ok();
    named
        .and_then(|loaded| loaded.settings.time_zone.clone())
        .or_else(|| TimeZone::try_system().ok())
}

#[cfg(test)]
mod tests;
