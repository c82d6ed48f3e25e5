//! Which devices there are, and which one is meant.

use cpal::traits::{DeviceTrait, HostTrait};

use super::{DeviceError, Kind};

/// A microphone or loudspeaker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// What it is chosen by; stays the same over restarts.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// Whether it is taken where none is chosen.
    pub is_default: bool,
}

/// The microphones there are. Waits for the sound system.
///
/// # Errors
/// The sound system failed.
pub fn microphones() -> Result<Vec<Device>, DeviceError> {
    list(Kind::Microphone)
}

/// The loudspeakers there are. Waits for the sound system.
///
/// # Errors
/// The sound system failed.
pub fn loudspeakers() -> Result<Vec<Device>, DeviceError> {
    list(Kind::Loudspeaker)
}

fn list(kind: Kind) -> Result<Vec<Device>, DeviceError> {
    let _quiet = quiet();
    let default = default_of(kind).and_then(|device| device.id().ok());
    let mut found = Vec::new();
    for device in all(kind)? {
        let Ok(id) = device.id() else { continue };
        let name = match device.description() {
            Ok(description) => description.name().to_owned(),
            Err(_) => id.to_string(),
        };
        found.push(Device {
            is_default: default.as_ref() == Some(&id),
            id: id.to_string(),
            name,
        });
    }
    Ok(found)
}

fn all(kind: Kind) -> Result<Vec<cpal::Device>, DeviceError> {
    let host = cpal::default_host();
    let failed = |error: cpal::Error| DeviceError::opening(kind, &error);
    Ok(match kind {
        Kind::Microphone => host.input_devices().map_err(failed)?.collect(),
        Kind::Loudspeaker => host.output_devices().map_err(failed)?.collect(),
    })
}

fn default_of(kind: Kind) -> Option<cpal::Device> {
    let host = cpal::default_host();
    match kind {
        Kind::Microphone => host.default_input_device(),
        Kind::Loudspeaker => host.default_output_device(),
    }
}

/// The device of this id or name, or the default one. A part of a name is enough where it fits one device.
pub(super) fn find(kind: Kind, choice: Option<&str>) -> Result<cpal::Device, DeviceError> {
    let Some(choice) = choice else {
        return default_of(kind).ok_or(DeviceError::None(kind));
    };
    let mut named = Vec::new();
    for device in all(kind)? {
        let Ok(id) = device.id() else { continue };
        let name = match device.description() {
            Ok(description) => description.name().to_owned(),
            Err(_) => id.to_string(),
        };
        named.push((device, id.to_string(), name));
    }
    let names: Vec<(String, String)> = named
        .iter()
        .map(|(_, id, name)| (id.clone(), name.clone()))
        .collect();
    let chosen = choose(&names, choice);
    match chosen {
        Some(index) => Ok(named.swap_remove(index).0),
        None => Err(DeviceError::Unknown {
            kind,
            asked: choice.to_owned(),
            there: names.into_iter().map(|(_, name)| name).collect(),
        }),
    }
}

/// Which of some ids and names is meant.
pub(super) fn choose(there: &[(String, String)], choice: &str) -> Option<usize> {
    let exact = there
        .iter()
        .position(|(id, name)| id == choice || name == choice);
    exact.or_else(|| {
        let wanted = choice.to_lowercase();
        let mut fitting = there
            .iter()
            .enumerate()
            .filter(|(_, (_, name))| name.to_lowercase().contains(&wanted));
        let (first, _) = fitting.next()?;
        fitting.next().is_none().then_some(first)
    })
}

/// While it lives, ALSA does not write on the terminal what it tries and fails; the errors say it.
#[cfg(target_os = "linux")]
pub(super) fn quiet() -> impl Sized {
    alsa::Output::local_error_handler()
}

/// Other systems are quiet by themselves.
#[cfg(not(target_os = "linux"))]
pub(super) fn quiet() {}
