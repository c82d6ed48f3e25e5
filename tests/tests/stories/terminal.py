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


def wait_for(text):
    """Reads until the text is there, and throws away what led up to it."""
    global said
    end = time.monotonic() + PATIENCE
    while text not in said:
        if not select.select([ours], [], [], end - time.monotonic())[0]:
            os.kill(child, signal.SIGTERM)
            sys.exit(f"no {text!r} in {said!r}")
        said += os.read(ours, 4096)
    said = said.split(text, 1)[1]


def type(text):
    os.write(ours, text)


wait_for(b"in memory and gone afterwards")
wait_for(b"sandbox$ ")
is_raw = not termios.tcgetattr(theirs)[3] & (termios.ICANON | termios.ECHO | termios.ISIG)
# What is typed is shown as well: the numbers tell the answer from the question.
type(b"echo size $(stty size)-$((1+1))\n")
wait_for(b"size 31 101-2")
resize(51, 121)
type(b"until [ \"$(stty size)\" = '51 121' ]; do sleep 0.01; done; echo grown-$((2+2))\n")
wait_for(b"grown-4")
type(b"sh -c 'echo running-$((3+3)); exec sleep 1000'\n")
wait_for(b"running-6")
type(b"\x03")
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
