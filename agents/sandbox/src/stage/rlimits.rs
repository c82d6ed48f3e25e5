//! The limits that the kernel holds by itself.

use nix::sys::resource::{Resource, setrlimit};

use crate::message::KernelLimits;
use crate::{Wall, Walls};

/// Sets them on this process; all that it becomes or starts has them too.
///
/// The count of processes holds only because it is set inside the user namespace: outside, it
/// counts the user's other processes, and never binds root.
pub(super) fn set(limits: &KernelLimits, walls: &Walls) -> nix::Result<()> {
    // First SIGXCPU, which a program can answer; a second later SIGKILL, which it cannot.
    let cpu_ends = limits.cpu_seconds.saturating_add(1);
    for (wall, resource, soft, hard) in [
        both(
            Wall::AddressSpace,
            Resource::RLIMIT_AS,
            limits.address_bytes,
        ),
        both(Wall::Processes, Resource::RLIMIT_NPROC, limits.processes),
        both(Wall::FileSize, Resource::RLIMIT_FSIZE, limits.file_bytes),
        both(
            Wall::Descriptors,
            Resource::RLIMIT_NOFILE,
            limits.descriptors,
        ),
        // A core file would be written by the kernel, where the host's settings say. Where they name
        // a program of the host, it is started for any limit but 1, even for 0; and 1 is too little
        // for a file.
        both(Wall::NoCore, Resource::RLIMIT_CORE, 1),
        // Memory of these kinds is not measured.
        both(Wall::LockedMemory, Resource::RLIMIT_MEMLOCK, 64 * 1024),
        both(Wall::MessageQueues, Resource::RLIMIT_MSGQUEUE, 0),
        // Queued signals are kernel memory.
        both(Wall::QueuedSignals, Resource::RLIMIT_SIGPENDING, 1024),
        (
            Wall::CpuTime,
            Resource::RLIMIT_CPU,
            limits.cpu_seconds,
            cpu_ends,
        ),
    ] {
        if walls.has(wall) {
            setrlimit(resource, soft, hard)?;
        }
    }
    Ok(())
}

/// The soft limit and the hard one alike: a program could raise the soft one again.
fn both(wall: Wall, resource: Resource, limit: u64) -> (Wall, Resource, u64, u64) {
    (wall, resource, limit, limit)
}
