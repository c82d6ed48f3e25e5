//! Looks at the sandbox from inside.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use serde::Deserialize;

use super::{Stands, Survey};
use crate::probe::{INSTALL_BWRAP, LANDLOCK};
use crate::{Job, Limits, Program, Wall, Workspace};

/// Prints what it sees as one JSON object, [`Facts`].
const TRIAL: &str = include_str!("trial.py");

/// The environment inside; the last is the shell's, which bubblewrap sets where it changes folders.
const ENVIRONMENT: &[&str] = &["HOME", "LANG", "PATH", "PWD", "TMPDIR"];

/// What may be seen in `/`.
const ROOT: &[&str] = &[
    "bin",
    "dev",
    "etc",
    "lib",
    "lib32",
    "lib64",
    "libx32",
    "proc",
    "run",
    "sbin",
    "tmp",
    "usr",
    "workspace",
];

impl Survey {
    pub(crate) fn limits() -> Limits {
        Limits {
            time: Duration::from_secs(20),
            ..Limits::default()
        }
    }

    pub(crate) fn job() -> Job {
        let program = Program::Python { code: TRIAL.into() };
        Job {
            limits: Self::limits(),
            ..Job::new(program, Workspace::Scratch)
        }
    }

    /// Reads what the trial printed; none where that is not what it prints.
    pub(crate) fn read(stdout: &[u8], is_root: bool) -> Option<Self> {
        let facts: Facts = serde_json::from_slice(stdout).ok()?;
        let walls = Wall::ALL
            .iter()
            .map(|wall| (*wall, facts.stands(*wall, is_root)))
            .collect();
        Some(Self {
            python_version: facts.version,
            walls,
            note: None,
        })
    }
}

/// What the trial saw.
#[derive(Debug, Deserialize)]
struct Facts {
    version: String,
    namespaces: BTreeMap<String, String>,
    root: Vec<String>,
    root_is_read_only: bool,
    folder_sizes: Vec<u64>,
    environment: Vec<String>,
    first_arguments: String,
    descriptors: u64,
    status: String,
    limits: String,
    /// What was tried and not allowed.
    refused: Vec<String>,
}

impl Facts {
    fn stands(&self, wall: Wall, is_root: bool) -> Stands {
        let limits = Survey::limits();
        let is_standing = match wall {
            Wall::UserNamespace => self.has_own("user"),
            Wall::PidNamespace => self.has_own("pid"),
            Wall::NetNamespace => self.has_own("net"),
            Wall::IpcNamespace => self.has_own("ipc"),
            Wall::UtsNamespace => self.has_own("uts"),
            Wall::CgroupNamespace if own_namespace("cgroup").is_none() => {
                return Stands::NotNeeded("this kernel has no control groups to be seen");
            }
            Wall::CgroupNamespace => self.has_own("cgroup"),
            Wall::NoNestedNamespaces => {
                return Stands::Kept("bubblewrap starts nothing where it cannot refuse them");
            }
            Wall::MountView => self.root.iter().all(|name| ROOT.contains(&name.as_str())),
            Wall::ReadOnlyRoot => self.root_is_read_only,
            Wall::SizedFolders => self
                .folder_sizes
                .iter()
                .all(|size| *size > 0 && *size <= limits.tmp_bytes),
            Wall::NewSession => self.is_refused("terminal"),
            Wall::NodeLife => return Stands::Kept("the kernel was asked for it"),
            Wall::ClearedEnvironment => self.environment == ENVIRONMENT,
            Wall::HiddenArguments => self.first_arguments.contains("\0--args\0"),
            Wall::ClosedDescriptors => self.descriptors == 0,
            Wall::SwitchedUser if is_root => {
                return Stands::Kept("nothing is started before the user is changed");
            }
            Wall::SwitchedUser => return Stands::NotNeeded("the node is not root"),
            Wall::Landlock => self.is_refused("pipe"),
            Wall::Seccomp => {
                self.is_refused("socket")
                    && self.has_status("Seccomp:\t2")
                    && self.has_status("NoNewPrivs:\t1")
            }
            Wall::AddressSpace => self.is_limited("Max address space", limits.address_bytes),
            Wall::Processes => self.is_limited("Max processes", limits.processes),
            Wall::FileSize => self.is_limited("Max file size", limits.file_bytes),
            Wall::Descriptors => self.is_limited("Max open files", limits.descriptors),
            Wall::NoCore => self.is_limited("Max core file size", 1),
            Wall::LockedMemory => self.is_limited("Max locked memory", 64 * 1024),
            Wall::MessageQueues => self.is_limited("Max msgqueue size", 0),
            Wall::QueuedSignals => self.is_limited("Max pending signals", 1024),
            Wall::CpuTime => self.is_limited("Max cpu time", limits.cpu.as_secs() + 1),
            Wall::Deadline | Wall::OutputCap | Wall::KillAll => {
                return Stands::Kept("the node does it");
            }
            Wall::MemoryWatch | Wall::GrowthWatch => {
                return Stands::Kept("the node looks every 25 ms");
            }
        };
        if is_standing {
            Stands::Seen
        } else {
            Stands::Missing(remedy_for(wall))
        }
    }

    fn is_refused(&self, what: &str) -> bool {
        self.refused.iter().any(|refused| refused == what)
    }

    fn has_own(&self, name: &str) -> bool {
        let inside = self.namespaces.get(name);
        inside.is_some() && inside.map(String::as_str) != own_namespace(name).as_deref()
    }

    fn has_status(&self, line: &str) -> bool {
        self.status.lines().any(|found| found == line)
    }

    /// Returns whether the hard limit is no higher; the name fills the line's first 26 places.
    fn is_limited(&self, name: &str, at_most: u64) -> bool {
        self.limits
            .lines()
            .find_map(|line| line.strip_prefix(name))
            .and_then(|values| values.split_whitespace().nth(1))
            .and_then(|hard| hard.parse().ok())
            .is_some_and(|hard: u64| hard <= at_most)
    }
}

/// Returns what helps where a wall does not stand although the others could be raised.
fn remedy_for(wall: Wall) -> &'static str {
    match wall {
        Wall::Landlock => LANDLOCK,
        Wall::Seccomp => "use a kernel with CONFIG_SECCOMP_FILTER, as every distribution's is",
        _ => INSTALL_BWRAP,
    }
}

fn own_namespace(name: &str) -> Option<String> {
    let link = fs::read_link(format!("/proc/self/ns/{name}")).ok()?;
    Some(link.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a program sees that no wall stands around.
    fn bare() -> String {
        let namespaces: BTreeMap<_, _> = ["user", "pid", "net", "ipc", "uts", "cgroup"]
            .into_iter()
            .map(|name| (name, own_namespace(name)))
            .collect();
        serde_json::json!({
            "version": "3.11.2",
            "namespaces": namespaces,
            "root": ["usr", "home"],
            "root_is_read_only": false,
            "folder_sizes": [u64::MAX],
            "environment": ["SECRET"],
            "first_arguments": "bwrap\0--bind\0/home\0",
            "descriptors": 1,
            "status": "Seccomp:\t0\nNoNewPrivs:\t0\n",
            "limits": fs::read_to_string("/proc/self/limits").unwrap().replace(char::is_numeric, "9"),
            "refused": [],
        })
        .to_string()
    }

    #[test]
    fn without_walls_none_that_can_be_seen_is_said_to_stand() {
        let survey = Survey::read(bare().as_bytes(), false).unwrap();

        for (wall, stands) in &survey.walls {
            assert_ne!(*stands, Stands::Seen, "{}", wall.name());
        }
        let first = survey.missing().map(|(wall, _)| wall);
        assert_eq!(first, Some(Wall::UserNamespace));
    }

    #[test]
    fn something_else_than_the_trial_prints_is_no_survey() {
        assert!(Survey::read(b"3.11.2\n", false).is_none());
    }
}
