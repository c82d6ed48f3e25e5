//! Using up the machine. An attack is done when it has held more than its limit for half a second.

use std::time::Duration;

use crate::attack::Attack;
use crate::effect::Effect::{Done, Flood, Litter};

/// A deadline, and an attack that is done well after it.
const SOON: Duration = Duration::from_millis(400);

pub(super) const ATTACKS: &[Attack] = &[
    Attack::new(
        "fork bomb",
        Done,
        r"
count = 0
for _ in range(60):
    try: pid = os.fork()
    except OSError: break
    if pid == 0:
        time.sleep(4)
        os._exit(0)
    count += 1
if count == 60: done()
",
    )
    .shell("i=0; while [ $i -lt 60 ]; do sleep 4 & i=$((i+1)); done; : >done"),
    Attack::new(
        "thread bomb",
        Done,
        r"
import threading
threading.stack_size(65536)
for _ in range(60): threading.Thread(target=time.sleep, args=(4,), daemon=True).start()
done()
",
    ),
    Attack::new(
        "memory of one process",
        Done,
        r"
keep = [b'x' * (16 << 20) for _ in range(16)]
hold()
",
    ),
    Attack::new(
        "memory of many processes",
        Done,
        r"
full, tell = os.pipe()
for _ in range(10):
    if os.fork() == 0:
        keep = b'x' * (24 << 20)
        os.write(tell, b'x')
        time.sleep(4)
        os._exit(0)
for _ in range(10): os.read(full, 1)
hold()
",
    ),
    Attack::new(
        "memory that is mapped and shared",
        Done,
        r"
import mmap
keep = mmap.mmap(-1, 256 << 20)
for _ in range(16): keep.write(b'x' * (16 << 20))
hold()
",
    ),
    Attack::new("memory in the folder /tmp", Done, FILL_TMP).shell(
        "for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16; do \
         head -c 4194304 /dev/zero >$tmp/$i || exit; done; sleep 0.5; : >done",
    ),
    Attack::new("memory in the folder /dev/shm", Done, FILL_SHM),
    Attack::new(
        "files without content in /tmp",
        Done,
        r"
for i in range(3000): open(f'{tmp}/{i}', 'x').close()
hold()
",
    ),
    Attack::new(
        "memory of System V",
        Done,
        r"
libc.shmat.restype = ctypes.c_void_p
libc.shmdt.argtypes = [ctypes.c_void_p]
parts = [libc.shmget(0, 8 << 20, 0o1600) for _ in range(12)]
for part in parts:
    if part < 0: sys.exit()
    at = libc.shmat(part, None, 0)
    ctypes.memset(at, 1, 8 << 20)
    libc.shmdt(at)
hold()
for part in parts: libc.shmctl(part, 0, None)
",
    ),
    Attack::new(
        "memory in files without a name",
        Done,
        r"
keep = [os.memfd_create('a') for _ in range(24)]
for file in keep:
    written = 0
    while written < 4 << 20: written += os.write(file, b'x' * (1 << 20))
hold()
",
    ),
    // Neither the resident size nor the proportional one counts them.
    Attack::new(
        "memory in page tables",
        Done,
        r"
import mmap
keep = mmap.mmap(-1, 16 << 30, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x4000)
attempt(keep.madvise, 15)
for at in range(0, 16 << 30, 2 << 20): keep[at]
kib = int(open('/proc/self/status').read().split('VmPTE:')[1].split()[0])
if kib > 16 << 10: hold()
",
    ),
    Attack::new(
        "memory in sockets",
        Done,
        r"
full, tell = os.pipe()
is_child = [os.fork() == 0 for _ in range(3)]
keep = []
for _ in range(100):
    keep += socket.socketpair()
    keep[-1].setblocking(False)
    keep[-1].send(b'x' * 32768)
os.write(tell, b'x')
if any(is_child):
    time.sleep(4)
    os._exit(0)
for _ in range(8): os.read(full, 1)
hold()
",
    ),
    Attack::new(
        "memory that is never swapped",
        Done,
        r"
keep = ctypes.create_string_buffer(2 << 20)
if libc.mlock(keep, 2 << 20) == 0: done()
",
    ),
    Attack::new(
        "memory in queued signals",
        Done,
        r"
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGRTMIN])
if all(libc.sigqueue(os.getpid(), signal.SIGRTMIN, None) == 0 for _ in range(3000)): done()
",
    ),
    Attack::new(
        "memory in message queues",
        Done,
        r"
name = b'/hearth-escape-%d' % os.getpid()
if libc.mq_open(name, os.O_CREAT | os.O_RDWR, 0o600, None) >= 0:
    libc.mq_unlink(name)
    done()
",
    ),
    Attack::new(
        "descriptors",
        Done,
        r"
keep = [os.open('/dev/null', os.O_RDONLY) for _ in range(600)]
done()
",
    ),
    Attack::new(
        "processor time",
        Done,
        r"
while time.process_time() < 1.7: pass
done()
",
    )
    .shell("exec python3 -c 'import time\nwhile time.process_time() < 1.7: pass\nopen(\"done\", \"w\")'")
    .cpu(Duration::from_secs(1)),
    Attack::new(
        "a loop that catches everything",
        Done,
        r"
for number in range(1, 65):
    try: signal.signal(number, signal.SIG_IGN)
    except (OSError, ValueError): pass
end = time.monotonic() + 1.2
while time.monotonic() < end:
    try:
        while time.monotonic() < end: pass
    except BaseException: pass
done()
",
    )
    .within(SOON),
    Attack::new(
        "sleeping past the deadline",
        Done,
        r"
time.sleep(1)
done()
",
    )
    .shell("sleep 1; : >done")
    .within(SOON),
    Attack::new(
        "a flood of output",
        Flood,
        r"
for _ in range(32): os.write(1, b'x' * 65536)
",
    )
    .shell("head -c 2097152 /dev/zero"),
    Attack::new(
        "filling the disk",
        Done,
        r"
for i in range(8): open(str(i), 'wb').write(b'x' * (4 << 20))
hold()
",
    )
    .shell(
        "for i in 1 2 3 4 5 6 7 8; do head -c 4194304 /dev/zero >$i || exit; done; \
         sleep 0.5; : >done",
    ),
    Attack::new(
        "filling the disk with files that have no name",
        Done,
        r"
keep = []
for _ in range(8):
    keep.append(open('a', 'wb', 0))
    keep[-1].write(b'x' * (4 << 20))
    os.unlink('a')
hold()
",
    ),
    Attack::new(
        "filling the disk behind a closed door",
        Done,
        r"
os.mkdir('in')
os.chdir('in')
os.chmod(here + '/in', 0o300)
for i in range(8): open(str(i), 'wb').write(b'x' * (4 << 20))
hold()
",
    ),
    Attack::new(
        "many files",
        Done,
        r"
for i in range(3000): open(str(i), 'x').close()
hold()
",
    )
    .shell("i=0; while [ $i -lt 3000 ]; do : >$i; i=$((i+1)); done; sleep 0.5; : >done"),
    Attack::new(
        "one huge file with nothing in it",
        Done,
        r"
open('sparse', 'wb').truncate(64 << 30)
done()
",
    )
    .shell("truncate -s 64G sparse && : >done"),
    Attack::new(
        "a core file",
        Litter,
        r"
import resource
hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
os.abort()
",
    )
    .needs("a kernel.core_pattern that names a file, and no limit of core files for the tests"),
];

const FILL_TMP: &str = r"
for i in range(16): open(f'{tmp}/{i}', 'wb').write(b'x' * (4 << 20))
hold()
";

const FILL_SHM: &str = r"
for i in range(16): open(f'{shm}/{i}', 'wb').write(b'x' * (4 << 20))
hold()
";
