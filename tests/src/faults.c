/* A disk that fails when it is told to: loaded into the program under test before libc, it lets one
 * call of one kind on files below some folders fail, or that one and all that follow, or ends the
 * program right before that call.
 *
 * What it is told, in the environment:
 *   FAULTS_BELOW    absolute folders, separated by colons; other files are left alone
 *   FAULTS_KIND     which calls fail: a name in `kind_names`
 *   FAULTS_NTH      which of them: 1 is the first; 0 or absent, none does, and they are only counted
 *   FAULTS_ERRNO    the error, as a number
 *   FAULTS_FOREVER  1 where those that follow fail too
 *   FAULTS_KILL     1 where the program is killed instead
 *   FAULTS_SWITCH   a file: calls fail, and are counted, only while it is there
 *   FAULTS_LOG      a file: gets a line `failed KIND NTH PATH` for the first call that failed, and at
 *                   the end of the program a line `count KIND NUMBER` for every kind
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

/* RESUME is a write that is the first since a sync: in a log, the first of the next transaction. */
enum kind { OPEN, READ, WRITE, SYNC, RENAME, UNLINK, MKDIR, TRUNCATE, STAT, WATCH, RESUME, KINDS };
static const char *const kind_names[KINDS] = {
    "open", "read", "write", "sync", "rename", "unlink", "mkdir", "truncate", "stat", "watch", "resume",
};

static char below[4096];
static char log_path[PATH_MAX];
static char switch_path[PATH_MAX];
static int failing_kind = -1;
static long failing_nth;
static int failing_errno = EIO;
static int is_forever;
static int is_kill;
static int is_synced = 1;
static long counts[KINDS];
static int is_ready;

/* The function of libc that has this name. */
#define REAL(name) ((__typeof__(&name))real(#name))

static void *real(const char *name) {
    void *found = dlsym(RTLD_NEXT, name);
    if (found == NULL) {
        fprintf(stderr, "faults: libc has no %s\n", name);
        abort();
    }
    return found;
}

static void note(const char *line) {
    if (log_path[0] == '\0') return;
    int fd = REAL(open)(log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0) return;
    ssize_t written = REAL(write)(fd, line, strlen(line));
    (void)written;
    close(fd);
}

static void take(char *into, size_t size, const char *name) {
    const char *value = getenv(name);
    if (value != NULL) snprintf(into, size, "%s", value);
}

__attribute__((constructor)) static void begin(void) {
    char kind[32] = "", number[32] = "";
    take(below, sizeof below, "FAULTS_BELOW");
    take(log_path, sizeof log_path, "FAULTS_LOG");
    take(switch_path, sizeof switch_path, "FAULTS_SWITCH");
    take(kind, sizeof kind, "FAULTS_KIND");
    for (int index = 0; index < KINDS; index++)
        if (strcmp(kind, kind_names[index]) == 0) failing_kind = index;
    take(number, sizeof number, "FAULTS_NTH");
    failing_nth = strtol(number, NULL, 10);
    take(number, sizeof number, "FAULTS_ERRNO");
    if (strtol(number, NULL, 10) > 0) failing_errno = (int)strtol(number, NULL, 10);
    is_forever = getenv("FAULTS_FOREVER") != NULL;
    is_kill = getenv("FAULTS_KILL") != NULL;
    is_ready = 1;
}

__attribute__((destructor)) static void end(void) {
    char line[64];
    for (int kind = 0; kind < KINDS; kind++) {
        snprintf(line, sizeof line, "count %s %ld\n", kind_names[kind], counts[kind]);
        note(line);
    }
}

static int is_below(const char *path) {
    for (const char *folder = below; *folder != '\0';) {
        size_t length = strcspn(folder, ":");
        if (length > 0 && strncmp(path, folder, length) == 0 &&
            (path[length] == '/' || path[length] == '\0'))
            return 1;
        folder += length;
        if (*folder == ':') folder++;
    }
    return 0;
}

/* Whether this call is to fail; errno is set where it is. */
static int fails(enum kind kind, const char *path) {
    if (!is_ready || !is_below(path)) return 0;
    int before = errno;
    if (switch_path[0] != '\0' && REAL(access)(switch_path, F_OK) != 0) {
        errno = before;
        return 0;
    }
    if (kind == SYNC) __atomic_store_n(&is_synced, 1, __ATOMIC_SEQ_CST);
    if (kind == WRITE && __atomic_exchange_n(&is_synced, 0, __ATOMIC_SEQ_CST) && fails(RESUME, path))
        return 1;
    long nth = __atomic_add_fetch(&counts[kind], 1, __ATOMIC_SEQ_CST);
    int is_hit = (int)kind == failing_kind && failing_nth > 0 &&
                 (nth == failing_nth || (is_forever && nth > failing_nth));
    if (is_hit && nth == failing_nth) {
        char line[PATH_MAX + 64];
        snprintf(line, sizeof line, "failed %s %ld %s\n", kind_names[kind], nth, path);
        note(line);
        if (is_kill) kill(getpid(), SIGKILL);
    }
    errno = is_hit ? failing_errno : before;
    return is_hit;
}

static int fails_fd(enum kind kind, int fd) {
    char link[64], path[PATH_MAX];
    int before = errno;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    errno = before;
    if (length <= 0) return 0;
    path[length] = '\0';
    return fails(kind, path);
}

static int fails_at(enum kind kind, int folder, const char *name) {
    char link[64], path[2 * PATH_MAX];
    if (name == NULL || name[0] == '\0') return fails_fd(kind, folder);
    if (name[0] == '/') return fails(kind, name);
    int before = errno;
    if (folder == AT_FDCWD)
        snprintf(link, sizeof link, "/proc/self/cwd");
    else
        snprintf(link, sizeof link, "/proc/self/fd/%d", folder);
    ssize_t length = readlink(link, path, PATH_MAX - 1);
    errno = before;
    if (length <= 0) return 0;
    snprintf(path + length, sizeof path - (size_t)length, "/%s", name);
    return fails(kind, path);
}

/* A function that takes a descriptor first. */
#define OF_FD(kind, type, name, params, ...)       \
    type name params {                             \
        if (fails_fd(kind, fd)) return -1;         \
        return REAL(name)(__VA_ARGS__);            \
    }
/* A function that takes a path first. */
#define OF_PATH(kind, type, name, params, ...)              \
    type name params {                                      \
        if (fails_at(kind, AT_FDCWD, path)) return -1;      \
        return REAL(name)(__VA_ARGS__);                     \
    }
/* A function that takes a folder's descriptor and a path in it. */
#define OF_AT(kind, type, name, params, ...)               \
    type name params {                                     \
        if (fails_at(kind, folder, path)) return -1;       \
        return REAL(name)(__VA_ARGS__);                    \
    }

/* Opening takes a third argument where it makes a file. */
#define MODE_OF(flags, last)                                    \
    mode_t mode = 0;                                            \
    if (((flags) & O_CREAT) || ((flags) & O_TMPFILE) == O_TMPFILE) { \
        va_list rest;                                           \
        va_start(rest, last);                                   \
        mode = va_arg(rest, mode_t);                            \
        va_end(rest);                                           \
    }
#define OPENING(name)                                        \
    int name(const char *path, int flags, ...) {             \
        MODE_OF(flags, flags)                                \
        if (fails_at(OPEN, AT_FDCWD, path)) return -1;       \
        return REAL(name)(path, flags, mode);                \
    }
#define OPENING_AT(name)                                     \
    int name(int folder, const char *path, int flags, ...) { \
        MODE_OF(flags, flags)                                \
        if (fails_at(OPEN, folder, path)) return -1;         \
        return REAL(name)(folder, path, flags, mode);        \
    }

OPENING(open)
OPENING(open64)
OPENING_AT(openat)
OPENING_AT(openat64)

DIR *opendir(const char *path) {
    if (fails_at(OPEN, AT_FDCWD, path)) return NULL;
    return REAL(opendir)(path);
}

OF_FD(READ, ssize_t, read, (int fd, void *to, size_t size), fd, to, size)
OF_FD(READ, ssize_t, pread, (int fd, void *to, size_t size, off_t at), fd, to, size, at)
OF_FD(READ, ssize_t, pread64, (int fd, void *to, size_t size, off64_t at), fd, to, size, at)
OF_FD(READ, ssize_t, readv, (int fd, const struct iovec *to, int count), fd, to, count)
OF_FD(READ, ssize_t, copy_file_range,
      (int fd, off64_t *from, int to_fd, off64_t *to, size_t size, unsigned flags),
      fd, from, to_fd, to, size, flags)

OF_FD(WRITE, ssize_t, write, (int fd, const void *from, size_t size), fd, from, size)
OF_FD(WRITE, ssize_t, pwrite, (int fd, const void *from, size_t size, off_t at), fd, from, size, at)
OF_FD(WRITE, ssize_t, pwrite64, (int fd, const void *from, size_t size, off64_t at),
      fd, from, size, at)
OF_FD(WRITE, ssize_t, writev, (int fd, const struct iovec *from, int count), fd, from, count)

OF_FD(SYNC, int, fsync, (int fd), fd)
OF_FD(SYNC, int, fdatasync, (int fd), fd)

OF_FD(TRUNCATE, int, ftruncate, (int fd, off_t size), fd, size)
OF_FD(TRUNCATE, int, ftruncate64, (int fd, off64_t size), fd, size)

OF_PATH(RENAME, int, rename, (const char *path, const char *to), path, to)
OF_AT(RENAME, int, renameat, (int folder, const char *path, int at, const char *to),
      folder, path, at, to)
OF_AT(RENAME, int, renameat2,
      (int folder, const char *path, int at, const char *to, unsigned flags),
      folder, path, at, to, flags)
OF_PATH(RENAME, int, link, (const char *path, const char *to), path, to)
OF_AT(RENAME, int, linkat, (int folder, const char *path, int at, const char *to, int flags),
      folder, path, at, to, flags)

OF_PATH(UNLINK, int, unlink, (const char *path), path)
OF_PATH(UNLINK, int, rmdir, (const char *path), path)
OF_AT(UNLINK, int, unlinkat, (int folder, const char *path, int flags), folder, path, flags)

OF_PATH(MKDIR, int, mkdir, (const char *path, mode_t mode), path, mode)
OF_AT(MKDIR, int, mkdirat, (int folder, const char *path, mode_t mode), folder, path, mode)

OF_PATH(STAT, int, stat, (const char *path, struct stat *to), path, to)
OF_PATH(STAT, int, stat64, (const char *path, struct stat64 *to), path, to)
OF_PATH(STAT, int, lstat, (const char *path, struct stat *to), path, to)
OF_PATH(STAT, int, lstat64, (const char *path, struct stat64 *to), path, to)
OF_FD(STAT, int, fstat, (int fd, struct stat *to), fd, to)
OF_FD(STAT, int, fstat64, (int fd, struct stat64 *to), fd, to)
OF_PATH(STAT, int, access, (const char *path, int how), path, how)
OF_AT(STAT, int, statx,
      (int folder, const char *path, int flags, unsigned mask, struct statx *to),
      folder, path, flags, mask, to)

int inotify_add_watch(int fd, const char *path, uint32_t mask) {
    if (fails_at(WATCH, AT_FDCWD, path)) return -1;
    int (*next)(int, const char *, uint32_t) = real("inotify_add_watch");
    return next(fd, path, mask);
}
