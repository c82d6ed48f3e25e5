"""Sits at a terminal before `hearth sandbox shell`, and prints what it saw as one JSON object.

Arguments: the signal to end it with, or 0 to leave the shell; then the program and its arguments."""

import fcntl, json, os, select, signal, struct, sys, termios, time

PATIENCE = 60

ours, theirs = os.openpty()


def resize(rows, columns):
    fcntl.ioctl(ours, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


resize(31, 101)
before = termios.tcgetattr(theirs)
child = os.fork()
if child == 0:
    os.setsid()
    fcntl.ioctl(theirs, termios.TIOCSCTTY, 0)
    for fd in range(3):
        os.dup2(theirs, fd)
    os.execv(sys.argv[2], sys.argv[2:])

said = b""


def comes(text, patience):
    """Reads until the text is there, and throws away what led up to it; returns whether it came."""
    global said
    end = time.monotonic() + patience
    while text not in said:
        if not select.select([ours], [], [], max(0, end - time.monotonic()))[0]:
            return False
        said += os.read(ours, 4096)
    said = said.split(text, 1)[1]
    return True


def wait_for(text):
    if not comes(text, PATIENCE):
        os.kill(child, signal.SIGTERM)
        sys.exit(f"no {text!r} in {said!r}")


def type(text):
    os.write(ours, text)


wait_for(b"in memory and gone afterwards")
wait_for(b"sandbox$ ")
is_raw = not termios.tcgetattr(theirs)[3] & (termios.ICANON | termios.ECHO | termios.ISIG)
# What is typed is shown as well: the numbers tell the answer from the question.
type(b"echo size $(stty size)-$((1+1))\n")
wait_for(b"size 31 101-2")
# Not while the shell reads a line: what it does about its terminal then can put the former size back.
type(b"echo waits-$((1+2)); until [ \"$(stty size)\" = '51 121' ]; do sleep 0.01; done; echo grown-$((2+2))\n")
wait_for(b"waits-3")
resize(51, 121)
wait_for(b"grown-4")
type(b"sh -c 'echo running-$((3+3)); exec sleep 1000'\n")
wait_for(b"running-6")
# The key has arrived where it is shown. What becomes of it is the shell's: a person whom it does not hear presses
# it again.
for _ in range(PATIENCE // 10):
    type(b"\x03")
    wait_for(b"^C")
    if comes(b"sandbox$ ", 10):
        break
else:
    wait_for(b"sandbox$ ")
type(b"echo after-$((4+4))\n")
wait_for(b"after-8")
if int(sys.argv[1]):
    os.kill(child, int(sys.argv[1]))
else:
    type(b"exit 5\n")
status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
json.dump(
    {
        "is_raw": is_raw,
        "is_restored": termios.tcgetattr(theirs) == before,
        "status": status,
    },
    sys.stdout,
)
