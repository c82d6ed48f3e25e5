//! Knocking at the kernel's doors.

use crate::attack::{Attack, Real};
use crate::effect::Effect::{Done, Learned, Typed};

pub(super) const ATTACKS: &[Attack] = &[
    Attack::new(
        "a namespace of users",
        Done,
        r"
if libc.unshare(0x10000000) == 0: done()
",
    )
    .shell("unshare -U true && : >done"),
    Attack::new(
        "a process in a namespace of its own",
        Done,
        r"
child = libc.syscall(SYS_clone, ctypes.c_long(0x10000000 | signal.SIGCHLD), 0, 0, 0, 0)
if child == 0: os._exit(0)
if child > 0: done()
",
    ),
    Attack::new(
        "a mount",
        Done,
        r"
if libc.mount(b'none', tmp.encode(), b'tmpfs', 0, None) == 0: done()
if libc.unshare(0x10020000) == 0 and libc.mount(b'none', tmp.encode(), b'tmpfs', 0, None) == 0:
    done()
",
    )
    .shell("unshare -Urm mount -t tmpfs none $tmp && : >done"),
    Attack::new(
        "a program in the kernel",
        Done,
        r"
import struct
create = ctypes.create_string_buffer(struct.pack('IIII', 2, 4, 8, 1), 128)
if libc.syscall(SYS_bpf, 0, create, 128) >= 0: done()
",
    )
    .real(Real::OutsideAsRoot)
    .needs("root"),
    Attack::new(
        "a key of the session",
        Learned,
        r"
key = libc.syscall(SYS_keyctl, 10, -3, b'user', b'hearth-escape', 0)
held = ctypes.create_string_buffer(100)
if key != -1 and libc.syscall(SYS_keyctl, 11, key, held, 100) > 0: print(held.value)
",
    )
    .needs("a kernel with keyrings"),
    Attack::new(
        "a ring of work for the kernel",
        Done,
        r"
if libc.syscall(SYS_io_uring_setup, 8, ctypes.create_string_buffer(120)) >= 0: done()
",
    )
    .needs("a kernel with io_uring"),
    Attack::new(
        "typing into the owner's terminal",
        Typed,
        r"
import fcntl, termios
fcntl.ioctl(os.open('/dev/tty', os.O_RDWR), termios.TIOCSTI, b'x')
",
    )
    .needs("a dev.tty.legacy_tiocsti of 1"),
    Attack::new(
        "writing on the owner's terminal",
        Typed,
        r"
os.write(os.open('/dev/tty', os.O_RDWR), b'x')
",
    )
    .shell("echo x >/dev/tty"),
];
