//! The limits that the kernel holds by itself.

use nix::sys::resource::{Resource, setrlimit};

use crate::message::KernelLimits;

/// Sets them on this process; all that it becomes or starts has them too.
///
/// The count of processes holds only because it is set inside the user namespace: outside, it
/// counts the user's other processes, and never binds root.
pub(super) fn set(limits: &KernelLimits) -> nix::Result<()> {
    let fixed = [
        (Resource::RLIMIT_AS, limits.address_bytes),
        (Resource::RLIMIT_NPROC, limits.processes),
        (Resource::RLIMIT_FSIZE, limits.file_bytes),
        (Resource::RLIMIT_NOFILE, limits.descriptors),
        // A core file would be written by the kernel, where the host's settings say.
        (Resource::RLIMIT_CORE, 0),
        // Memory of these kinds is not measured.
        (Resource::RLIMIT_MEMLOCK, 64 * 1024),
        (Resource::RLIMIT_MSGQUEUE, 0),
        // Queued signals are kernel memory.
        (Resource::RLIMIT_SIGPENDING, 1024),
    ];
    for (resource, limit) in fixed {
        setrlimit(resource, limit, limit)?;
    }
    // First SIGXCPU, which a program can answer; a second later SIGKILL, which it cannot.
    setrlimit(
        Resource::RLIMIT_CPU,
        limits.cpu_seconds,
        limits.cpu_seconds.saturating_add(1),
    )
}
