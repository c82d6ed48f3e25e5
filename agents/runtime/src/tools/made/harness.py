"""Calls the function `run` of a tool once, and answers with one line where standard output was."""

import json
import linecache
import os
import sys
import traceback

LONGEST_RESULT = 64 * 1024
LONGEST_STORY = 4000

# What the tool prints goes where errors go, so that the answer is alone.
_out = os.fdopen(os.dup(1), "wb")
os.dup2(2, 1)
_work = json.loads(sys.stdin.buffer.read())
os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
_file = f"<tool {_work['name']}>"


def _answer(answer):
    _out.write(b"\n" + json.dumps(answer).encode() + b"\n")
    _out.flush()
    # Whatever threads the tool has left end with it.
    os._exit(0)


def _story(error):
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename != _file:
        trace = trace.tb_next
    told = "".join(traceback.format_exception(type(error), error, trace)).strip()
    return told[-LONGEST_STORY:]


def _is_of_the_host(error):
    host = sys.modules.get("host")
    return host is not None and isinstance(error, host.HostError)


def _main():
    source = _work["code"]
    linecache.cache[_file] = (len(source), None, source.splitlines(True), _file)
    try:
        code = compile(source, _file, "exec")
    except (SyntaxError, ValueError) as error:
        _answer({"problem": "compile", "story": _story(error)})
    space = {"__name__": "tool"}
    try:
        exec(code, space)
        run = space.get("run")
        if not callable(run):
            _answer({"problem": "no_run"})
        if _work["args"] is None:
            _answer({"result": None})
        result = run(**_work["args"])
    except BaseException as error:
        kind = "host" if _is_of_the_host(error) else "raised"
        _answer({"problem": kind, "story": _story(error)})
    try:
        length = len(json.dumps(result, allow_nan=False))
    except (TypeError, ValueError, RecursionError) as error:
        _answer({"problem": "not_json", "story": str(error)[:LONGEST_STORY]})
    if length > LONGEST_RESULT:
        _answer({"problem": "too_long", "story": str(length)})
    _answer({"result": result})


_main()
