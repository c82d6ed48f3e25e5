"""The functions of the host that this run may call: host.call(NAME, **arguments), or by name."""

import functools as _functools
import json as _json
import socket as _socket
import threading as _threading

_channel = _socket.socket(fileno=CHANNEL)
_channel.set_inheritable(False)
_answers = _channel.makefile("rb")
_one_at_a_time = _threading.Lock()


class HostError(Exception):
    """The host refused a call, or it failed there."""


def call(name, /, **arguments):
    """Calls a function of the host and returns its answer.

    Raises PermissionError where it is not granted, HostError where anything else goes wrong.
    """
    line = _json.dumps({"name": name, "args": arguments}, allow_nan=False).encode() + b"\n"
    if len(line) > LONGEST:
        raise HostError(f"the arguments of {name} are {len(line)} bytes long, and {LONGEST} is the most")
    with _one_at_a_time:
        try:
            _channel.sendall(line)
            answer = _answers.readline()
        except OSError:
            answer = b""
    if not answer:
        raise HostError("the host takes no more calls from this run")
    [(kind, value)] = _json.loads(answer).items()
    if kind == "value":
        return value
    raise (PermissionError if kind == "denied" else HostError)(value)


def __getattr__(name):
    if name in GRANTED:
        return _functools.partial(call, name)
    raise AttributeError(f"host.{name} is not granted to this run; granted: {', '.join(GRANTED)}")


def __dir__():
    return ["HostError", "call", *GRANTED]
