//! Whether somebody has a file open for writing. The unsafe calls of the crate are here.

use std::fs::File;

/// Whether a program has the file open for writing, or mapped so, as far as the system tells.
///
/// Linux refuses a read lease on such a file. It gives one only to the file's owner or to root, and
/// not on every file system: there, as on other systems, nothing is known, and a file counts as
/// whole once it was quiet.
#[cfg(target_os = "linux")]
pub(super) fn has_writer(file: &File) -> bool {
    use std::os::fd::AsRawFd;

    use nix::errno::Errno;
    use nix::libc;

    /// Which signal tells of a lease that is to be given up, as Linux defines it; libc leaves it out.
    const F_SETSIG: libc::c_int = 10;

    let ask = |what: libc::c_int, how: libc::c_int| {
        // SAFETY: the descriptor is open for as long as `file` is, and neither call takes a pointer.
        #[expect(unsafe_code, reason = "neither std nor nix has leases")]
        let answer = unsafe { libc::fcntl(file.as_raw_fd(), what, how) };
        Errno::result(answer).map(drop)
    };
    // Should somebody open the file in the moment in which the lease is held, the signal says so.
    // The usual one, SIGIO, ends a program that does not expect it; this one is ignored.
    if ask(F_SETSIG, libc::SIGURG).is_err() {
        return false;
    }
    let lease = ask(libc::F_SETLEASE, libc::F_RDLCK);
    // Whoever opens the file waits until the lease is given up.
    let _ = ask(libc::F_SETLEASE, libc::F_UNLCK);
    lease == Err(Errno::EAGAIN)
}

/// Whether a program has the file open for writing: no other system tells.
#[cfg(not(target_os = "linux"))]
pub(super) fn has_writer(_file: &File) -> bool {
    false
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::io::Write;

    use super::*;

    /// A program that another test starts may hold the descriptor for a moment.
    fn until_closed(file: &File) {
        for _ in 0..10_000 {
            if !has_writer(file) {
                return;
            }
            std::thread::yield_now();
        }
        panic!("it has a writer still");
    }

    #[test]
    fn a_file_has_a_writer_until_that_closes_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.txt");
        let mut writer = File::create(&path).unwrap();
        writer.write_all(b"half").unwrap();
        let reader = File::open(&path).unwrap();
        let another_reader = File::open(&path).unwrap();

        assert!(has_writer(&reader));
        // Asked once, and asked again.
        assert!(has_writer(&reader));
        drop(writer);
        until_closed(&reader);
        until_closed(&another_reader);
        // No lease is left that would hold up the next writer.
        let writer = File::options().append(true).open(&path).unwrap();
        assert!(has_writer(&reader));
        drop(writer);
    }
}
