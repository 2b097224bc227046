/* file.c - whole files in, atomic replacement out. */
#include "base/file.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h> /* rename */
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

int (*gm__file_test_hook)(int call);

const char *gm__errno_text(int e, char *tmp)
{
    static const struct { int code; const char *text; } table[] = {
        { ENOENT, "No such file or directory" }, { EACCES, "Permission denied" },     { EPERM, "Operation not permitted" },
        { EISDIR, "Is a directory" },            { ENOTDIR, "Not a directory" },      { ENOSPC, "No space left on device" },
        { EDQUOT, "Disk quota exceeded" },       { EIO, "Input/output error" },       { EROFS, "Read-only file system" },
        { EMFILE, "Too many open files" },       { ENFILE, "Too many open files in system" },
        { ENAMETOOLONG, "File name too long" },  { ELOOP, "Too many levels of symbolic links" },
        { EFBIG, "File too large" },             { EEXIST, "File exists" },           { ENOMEM, "Cannot allocate memory" },
        { ETXTBSY, "Text file busy" },           { EINVAL, "Invalid argument" },      { ENXIO, "No such device or address" },
        { EINTR, "Interrupted system call" },    { EBUSY, "Device or resource busy" }, { ENOTSUP, "Operation not supported" },
    };
    for (size_t i = 0; i < GM__COUNT(table); i++)
        if (table[i].code == e) return table[i].text;
    gm__format(tmp, 24, "error %d", e);
    return tmp;
}

static gm_status fail_errno(gm_ctx *ctx, const char *path, int e)
{
    char tmp[24];
    return gm__fail_ctx(ctx, e == ENOMEM ? GM_ENOMEM : GM_EIO, "%.300s: %s", path, gm__errno_text(e, tmp));
}

/* ---- system calls: retried after a signal; a failure is -errno ------------------- */

static int hook(int call) { return gm__file_test_hook ? gm__file_test_hook(call) : 0; }

#define RETRY(r, call, expr)                     \
    do {                                         \
        int h_ = hook(call);                     \
        if (h_ > 0) errno = h_, (r) = -1;        \
        else (r) = (expr);                       \
    } while ((r) < 0 && errno == EINTR)

static int sys_open(const char *path, int flags, mode_t mode)
{
    int fd;
    RETRY(fd, GM__F_OPEN, open(path, flags | O_CLOEXEC | O_NOCTTY, mode));
    return fd < 0 ? -errno : fd;
}

static int sys_fstat(int fd, struct stat *st)
{
    int r;
    RETRY(r, GM__F_STAT, fstat(fd, st));
    return r < 0 ? -errno : 0;
}

static int sys_stat(const char *path, struct stat *st)
{
    int r;
    RETRY(r, GM__F_STAT, stat(path, st));
    return r < 0 ? -errno : 0;
}

/* Some systems refuse counts beyond 2^31. */
static size_t portion(int h, size_t n) { return h < 0 ? 1 : n < (size_t)1 << 30 ? n : (size_t)1 << 30; }

static ssize_t sys_read(int fd, void *p, size_t n)
{
    ssize_t r;
    RETRY(r, GM__F_READ, read(fd, p, portion(h_, n)));
    return r < 0 ? -errno : r;
}

static ssize_t sys_pread(int fd, void *p, size_t n, uint64_t at)
{
    ssize_t r;
    RETRY(r, GM__F_READ, pread(fd, p, portion(h_, n), (off_t)at));
    return r < 0 ? -errno : r;
}

static ssize_t sys_write(int fd, const void *p, size_t n)
{
    ssize_t r;
    RETRY(r, GM__F_WRITE, write(fd, p, portion(h_, n)));
    return r < 0 ? -errno : r;
}

static int sys_chmod(int fd, mode_t mode)
{
    int r;
    RETRY(r, GM__F_CHMOD, fchmod(fd, mode));
    return r < 0 ? -errno : 0;
}

static int sys_sync(int fd)
{
    int r;
    RETRY(r, GM__F_SYNC, fsync(fd));
    return r < 0 ? -errno : 0;
}

/* Never retried: the descriptor is gone even after EINTR, and may be another's by then. */
static int sys_close(int fd)
{
    int h = hook(GM__F_CLOSE), r = close(fd), e = r < 0 ? errno : 0;
    if (h > 0) e = h;
    return e == EINTR ? 0 : -e;
}

static int sys_rename(const char *from, const char *to)
{
    int r;
    RETRY(r, GM__F_RENAME, rename(from, to));
    return r < 0 ? -errno : 0;
}

/* ---- reading ------------------------------------------------------------------------ */

static gm_status read_all(gm_ctx *ctx, const char *path, int fd, uint64_t max, uint8_t **data, size_t *size)
{
    struct stat st;
    int e = sys_fstat(fd, &st);
    if (e) return fail_errno(ctx, path, -e);
    if (!S_ISREG(st.st_mode)) return gm__fail_ctx(ctx, GM_EIO, "%s: not a regular file", path);
    uint64_t n = st.st_size > 0 ? (uint64_t)st.st_size : 0;
    if (n > max || n >= SIZE_MAX)
        return gm__fail_ctx(ctx, GM_ELIMIT, "%s: %llu bytes, more than the limit of %llu", path, (unsigned long long)n, (unsigned long long)max);
    uint8_t *p = gm__alloc(ctx, (size_t)n + 1, 1);
    if (!p) return GM_ENOMEM;
    size_t got = 0;
    while (got < n) {
        ssize_t r = sys_read(fd, p + got, (size_t)n - got);
        if (r <= 0) {
            gm__free(ctx, p);
            return r ? fail_errno(ctx, path, (int)-r) : gm__fail_ctx(ctx, GM_EIO, "%s: became shorter while it was read", path);
        }
        got += (size_t)r;
    }
    p[n] = 0;
    *data = p;
    *size = (size_t)n;
    return GM_OK;
}

gm_status gm__file_read(gm_ctx *ctx, const char *path, uint64_t max, uint8_t **data, size_t *size)
{
    *data = NULL;
    *size = 0;
    int fd = sys_open(path, O_RDONLY | O_NONBLOCK, 0); /* a FIFO must not hold us up */
    if (fd < 0) return fail_errno(ctx, path, -fd);
    gm_status s = read_all(ctx, path, fd, max, data, size);
    sys_close(fd); /* nothing was written: nothing can be lost */
    return s;
}

/* ---- reading at any place ------------------------------------------------------------- */

struct gm__pfile {
    gm_ctx *ctx;
    int fd;
    uint64_t size;
    char *path;
};

gm_status gm__pfile_open(gm_ctx *ctx, const char *path, gm__pfile **out)
{
    struct stat st = { 0 };
    *out = NULL;
    gm__pfile *f = gm__calloc(ctx, 1, sizeof *f);
    if (!f) return GM_ENOMEM;
    f->ctx = ctx;
    f->path = gm__strdup(ctx, path);
    f->fd = f->path ? sys_open(path, O_RDONLY | O_NONBLOCK, 0) : -1;
    int e = f->fd < 0 ? f->fd : sys_fstat(f->fd, &st);
    gm_status s = !f->path ? GM_ENOMEM : e ? fail_errno(ctx, path, -e) : S_ISREG(st.st_mode) ? GM_OK : gm__fail_ctx(ctx, GM_EIO, "%s: not a regular file", path);
    if (s) {
        gm__pfile_free(f);
        return s;
    }
    f->size = st.st_size > 0 ? (uint64_t)st.st_size : 0;
    *out = f;
    return GM_OK;
}

void gm__pfile_free(gm__pfile *f)
{
    if (!f) return;
    if (f->fd >= 0) sys_close(f->fd);
    gm__free(f->ctx, f->path);
    gm__free(f->ctx, f);
}

uint64_t gm__pfile_size(const gm__pfile *f) { return f->size; }
const char *gm__pfile_name(const gm__pfile *f) { return f->path; }

int gm__pfile_read(const gm__pfile *f, uint64_t at, void *p, size_t n)
{
    for (char *q = p; n;) {
        ssize_t r = sys_pread(f->fd, q, n, at);
        if (r <= 0) return r ? (int)-r : -1;
        q += r;
        at += (uint64_t)r;
        n -= (size_t)r;
    }
    return 0;
}

gm_status gm__pfile_fail(gm_ctx *ctx, const gm__pfile *f, int e)
{
    return e < 0 ? gm__fail_ctx(ctx, GM_EIO, "%s: became shorter while it was used", f->path) : fail_errno(ctx, f->path, e);
}

/* ---- mapped --------------------------------------------------------------------------- */

static int sys_map(int fd, size_t n, uint8_t **out)
{
    int h = hook(GM__F_MAP);
    void *p = h > 0 ? MAP_FAILED : mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    if (p == MAP_FAILED) return h > 0 ? -h : -errno;
    *out = p;
    return 0;
}

gm_status gm__map_open(gm_ctx *ctx, const char *path, gm__map **out)
{
    gm__pfile *f = NULL; /* closed at the end: the mapping stays */
    *out = NULL;
    GM__TRY(gm__pfile_open(ctx, path, &f));
    gm__map *m = gm__calloc(ctx, 1, sizeof *m);
    gm_status s = m ? GM_OK : GM_ENOMEM;
    if (!s && f->size >= SIZE_MAX) s = gm__fail_ctx(ctx, GM_ELIMIT, "%s: %llu bytes are too many to be mapped", path, (unsigned long long)f->size);
    if (!s) {
        m->ctx = ctx;
        m->size = (size_t)f->size;
        atomic_init(&m->owners, 1);
        int e = m->size ? sys_map(f->fd, m->size, &m->bytes) : 0;
        if (e) s = fail_errno(ctx, path, -e);
    }
    gm__pfile_free(f);
    if (s) gm__free(ctx, m);
    else *out = m;
    return s;
}

void gm__map_retain(gm__map *m) { atomic_fetch_add(&m->owners, 1); }

void gm__map_release(gm__map *m)
{
    if (!m || atomic_fetch_sub(&m->owners, 1) != 1) return;
    if (m->bytes) munmap(m->bytes, m->size);
    gm__free(m->ctx, m);
}

/* ---- writing ------------------------------------------------------------------------ */

enum { OUT_BUFFER = 1 << 16, TRIES = 100000 /* a process that died may have had our number, and left its temporaries */ };

struct gm__out {
    gm_ctx *ctx;
    gm_status status;
    int fd, dir;     /* -1: closed; dir: the folder, for its fsync */
    char *path, *tmp;
    size_t used;
    uint8_t buffer[OUT_BUFFER];
};

static void out_free(gm__out *o)
{
    gm_ctx *ctx = o->ctx;
    if (o->fd >= 0) sys_close(o->fd);
    if (o->dir >= 0) sys_close(o->dir);
    gm__free(ctx, o->tmp);
    gm__free(ctx, o->path);
    gm__free(ctx, o);
}

/* The folder part of path, with its '/', is path[0 .. folder_length). */
static size_t folder_length(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? (size_t)(slash - path) + 1 : 0;
}

static gm_status open_folder(gm__out *o, size_t folder)
{
    const char *name = ".";
    if (folder) {
        memcpy(o->tmp, o->path, folder);
        o->tmp[folder] = 0;
        name = o->tmp;
    }
    int fd = sys_open(name, O_RDONLY | O_DIRECTORY, 0);
    if (fd == -EACCES) return GM_OK; /* may be written, not read: then it cannot be synced */
    if (fd < 0) return fail_errno(o->ctx, o->path, -fd);
    o->dir = fd;
    return GM_OK;
}

/* Makes the temporary with the mode that the file is to have. */
static gm_status open_tmp(gm__out *o, size_t folder, size_t cap)
{
    struct stat st;
    int e = sys_stat(o->path, &st);
    if (e && e != -ENOENT) return fail_errno(o->ctx, o->path, -e);
    bool old = !e;
    if (old && !S_ISREG(st.st_mode)) return gm__fail_ctx(o->ctx, GM_EIO, "%s: not a regular file", o->path);
    int fd = -EEXIST;
    for (int i = 0; i < TRIES && fd == -EEXIST; i++) {
        /* a long name is cut, so that the temporary's is not too long */
        gm__format(o->tmp, cap, "%.*s.%.200s.gm-%ld-%d.tmp", (int)folder, o->path, o->path + folder, (long)getpid(), i);
        fd = sys_open(o->tmp, O_WRONLY | O_CREAT | O_EXCL, old ? 0600 : 0666);
    }
    if (fd < 0) return fail_errno(o->ctx, o->path, -fd);
    o->fd = fd;
    e = old ? sys_chmod(fd, st.st_mode & 07777) : 0;
    return e ? fail_errno(o->ctx, o->path, -e) : GM_OK;
}

/* Like RETRY; a temporary that cannot be removed is not worth another message. */
static void remove_tmp(gm__out *o)
{
    int r;
    RETRY(r, GM__F_UNLINK, unlink(o->tmp));
    GM__UNUSED(r);
}

gm_status gm__out_open(gm_ctx *ctx, const char *path, gm__out **out)
{
    *out = NULL;
    if (!path || !*path) return gm__fail_ctx(ctx, GM_EARG, "a file to write needs a name");
    gm__out *o = gm__alloc(ctx, 1, sizeof *o);
    if (!o) return GM_ENOMEM;
    o->ctx = ctx;
    o->status = GM_OK;
    o->fd = o->dir = -1;
    o->used = 0;
    size_t folder = folder_length(path), cap = strlen(path) + 64;
    o->tmp = NULL;
    o->path = gm__strdup(ctx, path);
    gm_status s = GM_ENOMEM;
    if (!o->path || !(o->tmp = gm__alloc(ctx, cap, 1))) goto fail;
    if ((s = open_folder(o, folder))) goto fail;
    if ((s = open_tmp(o, folder, cap))) goto fail;
    *out = o;
    return GM_OK;
fail:
    if (o->fd >= 0) remove_tmp(o);
    out_free(o);
    return s;
}

static gm_status write_all(gm__out *o, const uint8_t *p, size_t n)
{
    while (n) {
        ssize_t r = sys_write(o->fd, p, n);
        if (r <= 0) return o->status = fail_errno(o->ctx, o->path, r ? (int)-r : EIO);
        p += r;
        n -= (size_t)r;
    }
    return GM_OK;
}

gm_status gm__out_write(gm__out *o, const void *p, size_t n)
{
    if (o->status) return o->status;
    if (n > sizeof o->buffer - o->used) {
        GM__TRY(write_all(o, o->buffer, o->used));
        o->used = 0;
        if (n >= sizeof o->buffer) return write_all(o, p, n);
    }
    if (n) memcpy(o->buffer + o->used, p, n);
    o->used += n;
    return GM_OK;
}

gm_status gm__out_commit(gm__out *o)
{
    gm_ctx *ctx = o->ctx;
    gm_status s = o->status;
    int e = 0;
    if (!s) s = write_all(o, o->buffer, o->used);
    if (!s && (e = sys_sync(o->fd))) s = fail_errno(ctx, o->path, -e);
    e = sys_close(o->fd);
    o->fd = -1;
    if (!s && e) s = fail_errno(ctx, o->path, -e);
    if (!s && (e = sys_rename(o->tmp, o->path))) s = fail_errno(ctx, o->path, -e);
    if (s) {
        remove_tmp(o);
    } else if (o->dir >= 0 && (e = sys_sync(o->dir)) && e != -EINVAL) { /* EINVAL: a file system without it */
        char tmp[24];
        s = gm__fail_ctx(ctx, GM_EIO, "%s: written, but its folder could not be synced: %s", o->path, gm__errno_text(-e, tmp));
    }
    out_free(o);
    return s;
}

void gm__out_abort(gm__out *o)
{
    if (!o) return;
    remove_tmp(o);
    out_free(o);
}

gm_status gm__file_write(gm_ctx *ctx, const char *path, const void *data, size_t size)
{
    gm__out *o;
    GM__TRY(gm__out_open(ctx, path, &o));
    gm_status s = gm__out_write(o, data, size);
    if (!s) return gm__out_commit(o);
    gm__out_abort(o);
    return s;
}

gm_status gm__folder_make(gm_ctx *ctx, const char *path)
{
    struct stat st = { 0 };
    int r, e;
    RETRY(r, GM__F_MKDIR, mkdir(path, 0777));
    if (!r) return GM_OK;
    if (errno != EEXIST) return fail_errno(ctx, path, errno);
    if ((e = sys_stat(path, &st))) return fail_errno(ctx, path, -e);
    return S_ISDIR(st.st_mode) ? GM_OK : gm__fail_ctx(ctx, GM_EIO, "%s: Not a directory", path);
}
