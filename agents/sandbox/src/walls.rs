//! The walls of the sandbox by name, so that each can be looked at by itself.
//!
//! Everything that is run for anybody has all of them. One is left off only by this crate's own
//! tests, to see what it alone holds back: [`crate::Sandbox::probe`] refuses anything less than all,
//! and so does [`crate::stage::main`], whoever asks.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// One wall.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wall {
    /// A user namespace: the user inside has no rights outside, whatever its number.
    UserNamespace,
    /// A process namespace: processes outside have no number inside, and all inside end with the
    /// first.
    PidNamespace,
    /// A network namespace, with nothing in it but a loopback of its own.
    NetNamespace,
    /// A namespace of shared memory, semaphores and message queues.
    IpcNamespace,
    /// A host name of its own.
    UtsNamespace,
    /// A root of its own for control groups.
    CgroupNamespace,
    /// No namespaces within namespaces.
    NoNestedNamespaces,
    /// A file tree of its own: `/usr`, the workspace and folders in memory.
    MountView,
    /// What is in the tree beside those folders can only be read.
    ReadOnlyRoot,
    /// Folders in memory with a size.
    SizedFolders,
    /// A session of its own, without the node's terminal.
    NewSession,
    /// The end of the node is the end of the run.
    NodeLife,
    /// An environment of a few fixed values.
    ClearedEnvironment,
    /// Bubblewrap's arguments in memory, and in no list of processes.
    HiddenArguments,
    /// No descriptor but the three standard ones.
    ClosedDescriptors,
    /// An unprivileged user, where the node is root.
    SwitchedUser,
    /// Rules for files, for the network and for other processes, by landlock.
    Landlock,
    /// The filter of system calls.
    Seccomp,
    /// Address space of each process.
    AddressSpace,
    /// Number of processes and threads.
    Processes,
    /// Size of each file.
    FileSize,
    /// Number of open descriptors.
    Descriptors,
    /// No core files.
    NoCore,
    /// Memory that is never swapped.
    LockedMemory,
    /// Memory in POSIX message queues.
    MessageQueues,
    /// Queued signals.
    QueuedSignals,
    /// Processor time of each process.
    CpuTime,
    /// The deadline.
    Deadline,
    /// How much output is kept.
    OutputCap,
    /// The measurement of memory.
    MemoryWatch,
    /// The measurement of the workspace.
    GrowthWatch,
    /// The end of the whole run, not of its first process alone.
    KillAll,
}

impl Wall {
    /// All of them, from the outside in.
    pub const ALL: &[Self] = &[
        Self::UserNamespace,
        Self::PidNamespace,
        Self::NetNamespace,
        Self::IpcNamespace,
        Self::UtsNamespace,
        Self::CgroupNamespace,
        Self::NoNestedNamespaces,
        Self::MountView,
        Self::ReadOnlyRoot,
        Self::SizedFolders,
        Self::NewSession,
        Self::NodeLife,
        Self::ClearedEnvironment,
        Self::HiddenArguments,
        Self::ClosedDescriptors,
        Self::SwitchedUser,
        Self::Landlock,
        Self::Seccomp,
        Self::AddressSpace,
        Self::Processes,
        Self::FileSize,
        Self::Descriptors,
        Self::NoCore,
        Self::LockedMemory,
        Self::MessageQueues,
        Self::QueuedSignals,
        Self::CpuTime,
        Self::Deadline,
        Self::OutputCap,
        Self::MemoryWatch,
        Self::GrowthWatch,
        Self::KillAll,
    ];

    /// Returns its name, in words.
    pub fn name(self) -> &'static str {
        match self {
            Self::UserNamespace => "user namespace",
            Self::PidNamespace => "process namespace",
            Self::NetNamespace => "network namespace",
            Self::IpcNamespace => "namespace of shared memory",
            Self::UtsNamespace => "host name of its own",
            Self::CgroupNamespace => "control group namespace",
            Self::NoNestedNamespaces => "no nested namespaces",
            Self::MountView => "file tree of its own",
            Self::ReadOnlyRoot => "read-only root",
            Self::SizedFolders => "sized folders in memory",
            Self::NewSession => "session of its own",
            Self::NodeLife => "bound to the node's life",
            Self::ClearedEnvironment => "cleared environment",
            Self::HiddenArguments => "hidden arguments",
            Self::ClosedDescriptors => "closed descriptors",
            Self::SwitchedUser => "unprivileged user",
            Self::Landlock => "landlock",
            Self::Seccomp => "seccomp",
            Self::AddressSpace => "limit of address space",
            Self::Processes => "limit of processes",
            Self::FileSize => "limit of file size",
            Self::Descriptors => "limit of descriptors",
            Self::NoCore => "no core files",
            Self::LockedMemory => "limit of locked memory",
            Self::MessageQueues => "limit of message queues",
            Self::QueuedSignals => "limit of queued signals",
            Self::CpuTime => "limit of processor time",
            Self::Deadline => "deadline",
            Self::OutputCap => "limit of output",
            Self::MemoryWatch => "watch over memory",
            Self::GrowthWatch => "watch over the workspace",
            Self::KillAll => "end of the whole run",
        }
    }
}

/// Which walls stand.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Walls {
    left_off: BTreeSet<Wall>,
}

impl Walls {
    /// Returns all of them.
    pub fn all() -> Self {
        Self::default()
    }

    /// Leaves one off.
    #[must_use]
    pub fn without(mut self, wall: Wall) -> Self {
        self.left_off.insert(wall);
        self
    }

    /// Returns whether this one stands.
    pub fn has(&self, wall: Wall) -> bool {
        !self.left_off.contains(&wall)
    }

    /// Returns whether every one stands.
    pub fn are_whole(&self) -> bool {
        self.left_off.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_wall_is_listed_once_and_has_a_name_of_its_own() {
        let listed: BTreeSet<_> = Wall::ALL.iter().collect();
        let names: BTreeSet<_> = Wall::ALL.iter().map(|wall| wall.name()).collect();

        // The last variant's number says how many there are.
        assert_eq!(Wall::ALL.len(), Wall::KillAll as usize + 1);
        assert_eq!(listed.len(), Wall::ALL.len());
        assert_eq!(names.len(), Wall::ALL.len());
    }

    #[test]
    fn leaving_one_off_leaves_the_others() {
        let walls = Walls::all().without(Wall::Seccomp);

        assert!(Walls::all().are_whole());
        assert!(!walls.are_whole());
        assert!(!walls.has(Wall::Seccomp));
        assert!(walls.has(Wall::Landlock));
    }
}
