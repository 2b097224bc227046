/* io.h - the C library's calls on files, of which the n-th fails, once or from then on. They stand before the real ones at
 * link time, so that whatever the library calls is met. */
#ifndef IO_H
#define IO_H

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SHORT = -1 }; /* reads and writes of one byte, where an errno would stand */

static struct {
    long calls, fail_at;
    int how, forever, armed;
    const char *last; /* the call that failed */
} io;

/* May this call fail now? Unlink is spared once all fail for good: nobody could clean up. */
static int io_fails(const char *name, int may_be_short)
{
    if (!io.armed || (io.how == SHORT && !may_be_short)) return 0;
    const long n = ++io.calls;
    if (n != io.fail_at && !(io.forever && n > io.fail_at && strcmp(name, "unlink"))) return 0;
    io.last = name;
    if (io.how != SHORT) errno = io.how;
    return 1;
}

#define REAL(type, name, ...)                                                      \
    static type (*real)(__VA_ARGS__);                                              \
    if (!real) *(void **)(void *)&real = dlsym(RTLD_NEXT, #name)

#define FAILING(type, name, parameters, arguments, ...)                            \
    type name parameters                                                           \
    {                                                                              \
        REAL(type, name, __VA_ARGS__);                                             \
        return io_fails(#name, 0) ? (type)-1 : real arguments;                     \
    }

FAILING(int, fsync, (int fd), (fd), int)
FAILING(int, rename, (const char *from, const char *to), (from, to), const char *, const char *)
FAILING(int, unlink, (const char *path), (path), const char *)
FAILING(int, fstat, (int fd, struct stat *st), (fd, st), int, struct stat *)
FAILING(int, stat, (const char *path, struct stat *st), (path, st), const char *, struct stat *)
FAILING(int, fstatat, (int dir, const char *path, struct stat *st, int flags), (dir, path, st, flags), int, const char *, struct stat *, int)
FAILING(int, fchmod, (int fd, mode_t mode), (fd, mode), int, mode_t)
FAILING(int, mkdir, (const char *path, mode_t mode), (path, mode), const char *, mode_t)

int open(const char *path, int flags, ...)
{
    REAL(int, open, const char *, int, ...);
    va_list ap;
    va_start(ap, flags);
    const mode_t mode = flags & O_CREAT ? va_arg(ap, mode_t) : 0;
    va_end(ap);
    return io_fails("open", 0) ? -1 : real(path, flags, mode);
}

/* The descriptor is gone, whatever close says. */
int close(int fd)
{
    REAL(int, close, int);
    const int failed = io_fails("close", 0), e = errno, r = real(fd);
    return failed ? errno = e, -1 : r;
}

#define IN_PIECES(name, parameters, n, arguments, short_arguments, ...)            \
    ssize_t name parameters                                                        \
    {                                                                              \
        REAL(ssize_t, name, __VA_ARGS__);                                          \
        if (!io_fails(#name, (n) > 1)) return real arguments;                      \
        return io.how == SHORT ? real short_arguments : -1;                        \
    }
IN_PIECES(read, (int fd, void *p, size_t n), n, (fd, p, n), (fd, p, 1), int, void *, size_t)
IN_PIECES(pread, (int fd, void *p, size_t n, off_t at), n, (fd, p, n, at), (fd, p, 1, at), int, void *, size_t, off_t)
IN_PIECES(write, (int fd, const void *p, size_t n), n, (fd, p, n), (fd, p, 1), int, const void *, size_t)

DIR *opendir(const char *path)
{
    REAL(DIR *, opendir, const char *);
    return io_fails("opendir", 0) ? NULL : real(path);
}

struct dirent *readdir(DIR *d)
{
    REAL(struct dirent *, readdir, DIR *);
    return io_fails("readdir", 0) ? NULL : real(d);
}

#endif
