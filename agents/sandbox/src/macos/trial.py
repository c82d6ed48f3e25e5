import json, os, resource, socket, sys

assert sys.version_info >= (3, 9), "too old"


def is_refused(call, *args):
    try:
        call(*args)
    except PermissionError:
        return True
    except OSError:
        return False
    return False


def is_open(fd):
    try:
        os.fstat(fd)
    except OSError:
        return False
    return True


def hard(name):
    return resource.getrlimit(name)[1]


attempts = {
    "list_users": (os.listdir, "/Users"),
    "read_accounts": (open, "/private/etc/master.passwd"),
    "write": (os.mkdir, "/private/tmp/hearth-trial"),
    "connect": (lambda: socket.create_connection(("127.0.0.1", 9), 1),),
    "fork": (lambda: os.fork() or os._exit(0),),
    "pipe": (os.mkfifo, "pipe"),
}
json.dump(
    {
        "version": "%d.%d.%d" % sys.version_info[:3],
        "refused": [name for name, call in attempts.items() if is_refused(*call)],
        "environment": sorted(name for name in os.environ if not name.startswith("__CF")),
        "descriptors": sum(is_open(fd) for fd in range(3, 256)),
        "limits": {
            "file": hard(resource.RLIMIT_FSIZE),
            "descriptors": hard(resource.RLIMIT_NOFILE),
            "core": hard(resource.RLIMIT_CORE),
            "cpu": hard(resource.RLIMIT_CPU),
        },
    },
    sys.stdout,
)
