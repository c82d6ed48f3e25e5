//! Reaching for the host's files, and leaving things behind that it would trip over.

use hearth_sandbox::Wall;

use crate::attack::{Attack, Real};
use crate::effect::Effect::{Changed, Done, Learned, Litter};

pub(super) const ATTACKS: &[Attack] = &[
    Attack::new(
        "reading a file by its path",
        Learned,
        r"
print(open(host + '/canary').read())
",
    )
    .shell("cat $host/canary"),
    Attack::new(
        "reading a file by the way up",
        Learned,
        r"
for path in '../canary', here + '/../canary', here + '/../..' + host + '/canary':
    attempt(lambda: print(open(path).read()))
",
    )
    .shell("cat ../canary $here/../canary"),
    Attack::new(
        "reading a file through /proc/self",
        Learned,
        r"
for start in '/proc/self/root', '/proc/self/cwd/..', '/proc/thread-self/root':
    for path in start + host + '/canary', start + '/canary':
        attempt(lambda: print(open(path).read()))
",
    )
    .shell("cat /proc/self/root$host/canary /proc/self/cwd/../canary"),
    Attack::new(
        "reading a file through /proc/1",
        Learned,
        r"
for path in 'root' + host + '/canary', 'cwd' + host + '/canary', 'environ', 'mem', 'maps':
    attempt(lambda: print(open('/proc/1/' + path).read()))
",
    )
    .shell("cat /proc/1/root$host/canary /proc/1/cwd$host/canary")
    .real(Real::OutsideAsRoot)
    .needs("root, and a first process that root may look into"),
    Attack::new(
        "reading a file by a symbolic link",
        Learned,
        r"
os.symlink(host, 'link')
print(open('link/canary').read())
",
    )
    .shell("ln -s $host link; cat link/canary"),
    Attack::new(
        "reading the accounts of the host",
        Learned,
        r"
print(open('/etc/passwd').read())
",
    )
    .shell("cat /etc/passwd"),
    Attack::new(
        "reading an inherited descriptor",
        Learned,
        r"
for fd in range(3, 1000):
    attempt(lambda: print(os.pread(fd, 100, 0)))
    attempt(lambda: print(open(f'/proc/self/fd/{fd}').read(100)))
",
    )
    .shell("for f in /proc/$$/fd/[3-9] /proc/$$/fd/[1-9][0-9]*; do head -c 100 $f; done"),
    Attack::new(
        "reading a key in the data folder",
        Learned,
        r"
print(open(host + '/data/owner.key').read())
",
    )
    .shell("cat $host/data/owner.key"),
    Attack::new(
        "changing a file",
        Changed,
        r"
open(host + '/canary', 'a').write('changed')
",
    )
    .shell("echo changed >>$host/canary"),
    Attack::new(
        "changing a file by a symbolic link",
        Changed,
        r"
os.symlink(host + '/canary', 'link')
open('link', 'a').write('changed')
",
    )
    .shell("ln -s $host/canary link; echo changed >>link"),
    Attack::new(
        "changing a file by a hard link",
        Changed,
        r"
for source in host + '/canary', '../canary':
    attempt(os.link, source, 'hard')
open('hard', 'r+').write('changed')
",
    )
    .shell("ln $host/canary hard; ln ../canary hard2; : >hard; : >hard2"),
    Attack::new(
        "leaving a file outside",
        Changed,
        r"
for folder in host, '..': attempt(lambda: open(folder + '/new', 'w').write('new'))
",
    )
    .shell("echo new >$host/new; echo new >../new"),
    Attack::new(
        "writing a hook of a repository",
        Changed,
        r"
open(host + '/repository/.git/hooks/post-commit', 'w').write('#!/bin/sh')
",
    )
    .shell("echo '#!/bin/sh' >$host/repository/.git/hooks/post-commit"),
    Attack::new(
        "writing a shell's start-up files",
        Changed,
        r"
for name in '.bashrc', '.profile': open(host + '/home/' + name, 'a').write('true')
",
    )
    .shell("echo true >>$host/home/.bashrc; echo true >>$host/home/.profile"),
    Attack::new(
        "writing the registry of tools",
        Changed,
        r"
open(host + '/data/tools/index.json', 'w').write('{}')
",
    )
    .shell("echo '{}' >$host/data/tools/index.json"),
    Attack::new(
        "leaving a pipe that a reader would hang on",
        Litter,
        r"
attempt(os.mkfifo, 'pipe')
os.mkfifo(tmp + '/pipe')
attempt(os.rename, tmp + '/pipe', 'moved')
attempt(os.link, tmp + '/pipe', 'linked')
",
    )
    .shell("mkfifo pipe"),
    Attack::new(
        "leaving a socket",
        Litter,
        r"
socket.socket(socket.AF_UNIX).bind('socket')
",
    ),
    // 0, 0 is the one device that everyone may make; it hides a file in a union of folders.
    Attack::new(
        "leaving a device",
        Litter,
        r"
for kind, major, minor in (0o20000, 1, 3), (0o60000, 254, 0), (0o20000, 0, 0):
    attempt(os.mknod, f'device{major}', 0o666 | kind, os.makedev(major, minor))
",
    )
    .shell("mknod null c 1 3; mknod none c 0 0")
    .needs("Linux 5.8"),
    Attack::new(
        "leaving a file that runs as its owner",
        Litter,
        r"
os.umask(0)
for i, mode in enumerate((0o4755, 0o2755, 0o6777)):
    open(f'a{i}', 'w')
    attempt(os.chmod, f'a{i}', mode)
    attempt(lambda: os.fchmod(os.open(f'a{i}', os.O_RDONLY), mode))
    attempt(os.open, f'b{i}', os.O_CREAT | os.O_WRONLY, mode)
    attempt(os.mknod, f'c{i}', mode | 0o100000)
",
    )
    .shell("cp /usr/bin/env env; chmod u+s env; chmod 6755 env"),
    Attack::new(
        "filling the root folder, which is in memory",
        Done,
        r"
for folder in '', '/dev', '/run':
    try:
        for i in range(8): open(f'{folder}/{i}', 'wb').write(b'x' * (4 << 20))
        hold()
    except OSError: pass
",
    )
    .real(Real::Without(&[Wall::ReadOnlyRoot, Wall::Landlock])),
];
