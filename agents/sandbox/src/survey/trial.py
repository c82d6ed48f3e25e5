import json, os, socket, sys

assert sys.version_info >= (3, 9), "too old"


def text(path):
    try:
        with open(path, errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def is_refused(call, *args):
    try:
        call(*args)
    except OSError:
        return True
    return False


def size(folder):
    found = os.statvfs(folder)
    return found.f_blocks * found.f_frsize


attempts = {
    "terminal": (os.open, "/dev/tty", os.O_RDWR),
    "pipe": (os.mkfifo, "/workspace/pipe"),
    "socket": (socket.socket, socket.AF_INET, socket.SOCK_STREAM),
}
namespaces = "user", "pid", "net", "ipc", "uts", "cgroup"
json.dump(
    {
        "version": "%d.%d.%d" % sys.version_info[:3],
        "namespaces": {
            name: os.readlink("/proc/self/ns/" + name)
            for name in namespaces
            if os.path.exists("/proc/self/ns/" + name)
        },
        "root": os.listdir("/"),
        "folder_sizes": [size(name) for name in ("/tmp", "/dev/shm", "/workspace")],
        "environment": sorted(os.environ),
        "first_arguments": text("/proc/1/cmdline"),
        "descriptors": sum(not is_refused(os.fstat, fd) for fd in range(3, 256)),
        "status": text("/proc/self/status"),
        "root_is_read_only": bool(os.statvfs("/").f_flag & os.ST_RDONLY),
        "limits": text("/proc/self/limits"),
        "refused": [name for name, call in attempts.items() if is_refused(*call)],
    },
    sys.stdout,
)
