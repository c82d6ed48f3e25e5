//! Closes every inherited descriptor. The one unsafe call of the crate is here.

use std::io;

/// Closes every descriptor but the three standard ones.
///
/// Whatever the node or a library in it failed to mark close-on-exec would otherwise be open to the
/// program: bubblewrap passes on all it is given.
pub(super) fn close_inherited() -> io::Result<()> {
    // SAFETY: the call takes three integers and touches no memory. The process is single-threaded
    // and owns no descriptor above 2 at the two places from which this is called.
    #[expect(unsafe_code, reason = "neither std nor nix has close_range")]
    let closed = unsafe { libc::syscall(libc::SYS_close_range, 3_u32, u32::MAX, 0_u32) };
    if closed == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}
