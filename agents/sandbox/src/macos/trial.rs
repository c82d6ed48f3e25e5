//! What a program could do in the sandbox of macOS, wall by wall.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::survey::{Stands, Survey};
use crate::{Limits, Wall};

/// Prints what it could do, as one JSON object: [`Seen`].
pub(super) const TRIAL: &str = include_str!("trial.py");

/// What the trial saw.
#[derive(Debug, Deserialize)]
pub(super) struct Seen {
    version: String,
    refused: Vec<String>,
    environment: Vec<String>,
    descriptors: u64,
    /// Hard limits; below zero where there is none.
    limits: BTreeMap<String, i64>,
}

impl Seen {
    pub(super) fn into_survey(self, limits: &Limits) -> Survey {
        let walls = Wall::ALL
            .iter()
            .map(|wall| (*wall, self.stands(*wall, limits)))
            .collect();
        Survey {
            python_version: self.version,
            walls,
            note: Some("the sandbox of macOS is untested on a real Mac"),
        }
    }

    fn stands(&self, wall: Wall, limits: &Limits) -> Stands {
        let is_refused = |what: &str| self.refused.iter().any(|refused| refused == what);
        let is_limited = |what: &str, at_most: u64| {
            let hard = self.limits.get(what).copied().unwrap_or(-1);
            u64::try_from(hard).is_ok_and(|hard| hard <= at_most)
        };
        let is_standing = match wall {
            Wall::MountView => is_refused("list_users") && is_refused("read_accounts"),
            Wall::ReadOnlyRoot => is_refused("write"),
            Wall::NetNamespace => is_refused("connect"),
            Wall::Processes => is_refused("fork"),
            Wall::Landlock => is_refused("pipe"),
            Wall::ClearedEnvironment => {
                let known = ["HOME", "LANG", "PATH", "PWD", "TMPDIR"];
                self.environment
                    .iter()
                    .all(|name| known.contains(&name.as_str()))
            }
            Wall::ClosedDescriptors => self.descriptors == 0,
            Wall::FileSize => is_limited("file", limits.file_bytes),
            Wall::Descriptors => is_limited("descriptors", limits.descriptors),
            Wall::NoCore => is_limited("core", 0),
            Wall::CpuTime => is_limited("cpu", limits.cpu.as_secs() + 1),
            Wall::NodeLife => return Stands::Kept("the stage ends with the node"),
            Wall::Deadline | Wall::OutputCap | Wall::KillAll => {
                return Stands::Kept("the node does it");
            }
            Wall::MemoryWatch => return Stands::Kept("the node looks every 250 ms"),
            Wall::GrowthWatch => return Stands::Kept("the node looks every 25 ms"),
            Wall::UserNamespace
            | Wall::PidNamespace
            | Wall::IpcNamespace
            | Wall::UtsNamespace
            | Wall::CgroupNamespace
            | Wall::NoNestedNamespaces
            | Wall::SizedFolders
            | Wall::NewSession
            | Wall::HiddenArguments
            | Wall::SwitchedUser
            | Wall::Seccomp
            | Wall::AddressSpace
            | Wall::LockedMemory
            | Wall::MessageQueues
            | Wall::QueuedSignals => {
                return Stands::NotNeeded("macOS has none; the profile stands in its place");
            }
        };
        if is_standing {
            Stands::Seen
        } else {
            Stands::Missing("report it with the version of macOS: the profile does not hold there")
        }
    }
}
