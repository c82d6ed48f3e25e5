//! Reaching for other processes, learning about them, and outliving the run.

use crate::attack::Attack;
use crate::effect::Effect::{Hurt, Learned, Left};

pub(super) const ATTACKS: &[Attack] = &[
    Attack::new(
        "a daemon that outlives its run",
        Left,
        r"
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        for number in signal.SIGTERM, signal.SIGHUP: signal.signal(number, signal.SIG_IGN)
        os.closerange(0, 3)
        open('daemon', 'w').close()
        time.sleep(8)
    os._exit(0)
while not os.path.exists('daemon'): time.sleep(0.005)
",
    )
    .shell(
        "setsid sh -c 'trap \"\" TERM HUP; : >daemon; sleep 8' >/dev/null 2>&1 & \
         while ! [ -e daemon ]; do sleep 0.01; done",
    ),
    // The pipes that stay open are no reason to wait either.
    Attack::new(
        "a daemon that keeps the output open",
        Left,
        r"
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        open('daemon', 'w').close()
        time.sleep(8)
    os._exit(0)
while not os.path.exists('daemon'): time.sleep(0.005)
",
    ),
    Attack::new(
        "killing whoever started it",
        Left,
        r"
for number in signal.SIGTERM, signal.SIGKILL: attempt(os.kill, os.getppid(), number)
time.sleep(8)
",
    )
    .shell("kill -9 $PPID; sleep 8")
    .within(std::time::Duration::from_millis(500)),
    Attack::new(
        "outliving the node",
        Left,
        r"
open('started', 'w').close()
time.sleep(8)
",
    )
    .shell(": >started; sleep 8")
    .orphaned(),
    Attack::new(
        "killing a neighbour",
        Hurt,
        r"
for target in neighbour, -neighbour: attempt(os.kill, target, signal.SIGKILL)
",
    )
    .shell("kill -9 $neighbour"),
    // Seized with the option that the traced ends with the tracer.
    Attack::new(
        "tracing a neighbour",
        Hurt,
        r"
libc.ptrace(0x4206, neighbour, None, ctypes.c_void_p(0x100000))
",
    )
    .needs("a kernel.yama.ptrace_scope of 0"),
    Attack::new(
        "reading the memory of a neighbour",
        Learned,
        r"
stack = [line for line in open(f'/proc/{neighbour}/maps') if '[stack]' in line][0]
start, end = (int(part, 16) for part in stack.split()[0].split('-'))
memory = os.open(f'/proc/{neighbour}/mem', os.O_RDONLY)
print(os.pread(memory, end - start, start))
",
    )
    .needs("a kernel.yama.ptrace_scope of 0"),
    Attack::new(
        "reading the environment of a neighbour",
        Learned,
        r"
print(open(f'/proc/{neighbour}/environ').read())
",
    )
    .shell("cat /proc/$neighbour/environ"),
    Attack::new(
        "reading the arguments of the host's processes",
        Learned,
        r"
names = []
for process in os.listdir('/proc'):
    attempt(lambda: names.append(open(f'/proc/{process}/cmdline').read()))
print([name for name in names if 'workspace-' in name])
",
    )
    .shell("cat /proc/[0-9]*/cmdline | tr '\\0' '\\n' | grep -a workspace-"),
    Attack::new(
        "reading how it was started itself",
        Learned,
        r"
for process in '1', str(os.getppid()): attempt(lambda: print(open(f'/proc/{process}/cmdline').read()))
",
    )
    .shell("cat /proc/1/cmdline /proc/$PPID/cmdline"),
    Attack::new(
        "reading secrets in its environment",
        Learned,
        r"
print(os.environ, open('/proc/self/environ').read())
",
    )
    .shell("env; cat /proc/self/environ"),
    Attack::new(
        "reading the host's name",
        Learned,
        r"
print('host=' + os.uname().nodename + '.')
",
    )
    .shell("echo \"host=$(uname -n).\""),
    Attack::new(
        "listing the host's shared memory",
        Learned,
        r"
for line in open('/proc/sysvipc/shm'): print('shm=' + line.split()[3])
",
    )
    .shell("while read key id mode size rest; do echo shm=$size; done </proc/sysvipc/shm"),
    Attack::new(
        "reading where the host keeps it",
        Learned,
        r"
print(open('/proc/self/cgroup').read())
",
    )
    .shell("cat /proc/self/cgroup")
    .needs("tests that run in a control group of their own"),
];
