//! Closes every inherited descriptor. The one unsafe call of the crate is here.

use std::io;

/// Closes every descriptor but the three standard ones; nothing else may be open by then.
///
/// Whatever the node or a library in it failed to mark close-on-exec would otherwise be open to the
/// program: bubblewrap passes on all it is given.
pub(super) fn close_inherited() -> io::Result<()> {
    close_range(0)
}

/// Has the same closed when the program takes over. What is to be passed on is made after this.
pub(super) fn close_inherited_on_exec() -> io::Result<()> {
    close_range(libc::CLOSE_RANGE_CLOEXEC)
}

fn close_range(flags: u32) -> io::Result<()> {
    // SAFETY: the call takes three integers and touches no memory. Without flags it is made only
    // where the process is single-threaded and owns no descriptor above 2.
    #[expect(unsafe_code, reason = "neither std nor nix has close_range")]
    let closed = unsafe { libc::syscall(libc::SYS_close_range, 3_u32, u32::MAX, flags) };
    if closed == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}
