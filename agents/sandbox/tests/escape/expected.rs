//! What each wall is good for, as it was measured; the ablation holds it against what it sees.

use hearth_sandbox::Wall;

/// What becomes of the attacks where a wall is left off.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Worth {
    /// These work.
    Alone(&'static [&'static str]),
    /// None works, because other walls stop them too; without those, this one still stops it.
    Beside(&'static [Wall], &'static str),
    /// None works, for this reason.
    Never(&'static str),
}

/// For whom a row holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Who {
    Both,
    PlainUser,
    Root,
}

pub(crate) type Row = (Wall, Who, Worth);

use Wall::{
    AddressSpace, CgroupNamespace, ClearedEnvironment, ClosedDescriptors, CpuTime, Deadline,
    Descriptors, FileSize, GrowthWatch, HiddenArguments, IpcNamespace, KillAll, Landlock,
    LockedMemory, MemoryWatch, MessageQueues, MountView, NetNamespace, NewSession, NoCore,
    NoNestedNamespaces, NodeLife, OutputCap, PidNamespace, Processes, QueuedSignals, ReadOnlyRoot,
    Seccomp, SizedFolders, SwitchedUser, UserNamespace, UtsNamespace,
};
use Who::{Both, PlainUser, Root};
use Worth::{Alone, Beside, Never};

pub(crate) const TABLE: &[Row] = &[
    (
        UserNamespace,
        Both,
        Never(
            "bubblewrap makes one all the same, because a user without rights gets every other \
             namespace only in one of those; naming it allows the options that need it",
        ),
    ),
    (
        PidNamespace,
        Both,
        Alone(&[
            "fork bomb",
            "memory of many processes",
            "memory in sockets",
            "a daemon that outlives its run",
            "a daemon that keeps the output open",
            "reading the arguments of the host's processes",
        ]),
    ),
    // Seccomp makes no sockets but those of the machine itself, and landlock reaches none outside.
    (
        NetNamespace,
        Both,
        Beside(&[Landlock], "a socket by a name without a path"),
    ),
    (NetNamespace, Both, Beside(&[Seccomp, Landlock], "TCP")),
    (NetNamespace, Both, Beside(&[Seccomp], "UDP")),
    (
        IpcNamespace,
        Both,
        Alone(&["listing the host's shared memory"]),
    ),
    (UtsNamespace, Both, Alone(&["reading the host's name"])),
    (
        CgroupNamespace,
        Both,
        Alone(&["reading where the host keeps it"]),
    ),
    // The filter refuses the calls; this stays where somebody finds one that it does not know.
    (
        NoNestedNamespaces,
        Both,
        Beside(&[Seccomp], "a namespace of users"),
    ),
    // Files that landlock does not name stay closed even where they are seen.
    (
        MountView,
        Both,
        Alone(&["reading the accounts of the host", "a socket by its path"]),
    ),
    (MountView, Both, Beside(&[Landlock], "changing a file")),
    (
        ReadOnlyRoot,
        Both,
        Beside(&[Landlock], "filling the root folder, which is in memory"),
    ),
    // What is in them is measured as well, but now and then only.
    (
        SizedFolders,
        Both,
        Beside(&[MemoryWatch], "memory in the folder /tmp"),
    ),
    (
        NewSession,
        Both,
        Alone(&["writing on the owner's terminal"]),
    ),
    // Bubblewrap's first process waits for all the others, unless it dies with its parent.
    (
        NodeLife,
        Both,
        Alone(&[
            "fork bomb",
            "a daemon that outlives its run",
            "a daemon that keeps the output open",
            "outliving the node",
        ]),
    ),
    (
        ClearedEnvironment,
        Both,
        Alone(&["reading secrets in its environment"]),
    ),
    // Where the node is root, the paths that bubblewrap is told are near ones that say nothing.
    (
        HiddenArguments,
        PlainUser,
        Alone(&[
            "reading the arguments of the host's processes",
            "reading how it was started itself",
        ]),
    ),
    (
        ClosedDescriptors,
        Both,
        Alone(&["reading an inherited descriptor"]),
    ),
    // The kernel counts no processes of its root, in whatever namespace.
    (SwitchedUser, Root, Alone(&["fork bomb", "thread bomb"])),
    (
        Landlock,
        Both,
        Alone(&[
            "leaving a pipe that a reader would hang on",
            "leaving a socket",
            "leaving a device",
        ]),
    ),
    (
        Seccomp,
        Both,
        Alone(&[
            "memory of System V",
            "memory in files without a name",
            "leaving a file that runs as its owner",
            "a key of the session",
            "a ring of work for the kernel",
        ]),
    ),
    (
        Seccomp,
        Both,
        Beside(&[NewSession], "typing into the owner's terminal"),
    ),
    (AddressSpace, Both, Alone(&["memory in page tables"])),
    (Processes, Both, Alone(&["fork bomb", "thread bomb"])),
    (FileSize, Both, Alone(&["one huge file with nothing in it"])),
    (Descriptors, Both, Alone(&["descriptors"])),
    (NoCore, Both, Alone(&["a core file"])),
    (LockedMemory, Both, Alone(&["memory that is never swapped"])),
    // The filter refuses the calls, and to landlock a queue is a file that nobody allowed.
    (
        MessageQueues,
        Both,
        Beside(&[Seccomp, Landlock], "memory in message queues"),
    ),
    (QueuedSignals, Both, Alone(&["memory in queued signals"])),
    (CpuTime, Both, Alone(&["processor time"])),
    (
        Deadline,
        Both,
        Alone(&[
            "a loop that catches everything",
            "sleeping past the deadline",
        ]),
    ),
    (OutputCap, Both, Alone(&["a flood of output"])),
    (
        MemoryWatch,
        Both,
        Alone(&[
            "memory of one process",
            "memory of many processes",
            "memory that is mapped and shared",
            "files without content in /tmp",
            "memory in sockets",
        ]),
    ),
    (
        GrowthWatch,
        Both,
        Alone(&[
            "filling the disk",
            "filling the disk with files that have no name",
            "filling the disk behind a closed door",
            "many files",
        ]),
    ),
    // When the first process is killed, the kernel tells its child, and so on.
    (
        KillAll,
        Both,
        Beside(&[NodeLife], "sleeping past the deadline"),
    ),
];
