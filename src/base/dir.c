/* dir.c - what a folder holds, sorted by name. */
#include "base/file.h"
#include "base/sort.h"
#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

static gm_status fail_errno(gm_ctx *ctx, const char *path, int e)
{
    char tmp[24];
    return gm__fail_ctx(ctx, e == ENOMEM ? GM_ENOMEM : GM_EIO, "%.300s: %s", path, gm__errno_text(e, tmp));
}

static bool ends_in(const char *name, const char *end)
{
    size_t n = strlen(name), m = strlen(end);
    for (size_t i = 0; n > m && i < m; i++)
        if ((name[n - m + i] | 32) != end[i]) return false; /* capitals too */
    return n > m;
}

static gm_status add(gm__dir *d, const char *name)
{
    if (d->n == d->cap) {
        char **more = gm__realloc(d->ctx, d->name, 2 * d->cap + 16, sizeof *more);
        if (!more) return GM_ENOMEM;
        d->name = more;
        d->cap = 2 * d->cap + 16;
    }
    d->name[d->n] = gm__strdup(d->ctx, name);
    return d->name[d->n++] ? GM_OK : GM_ENOMEM;
}

gm_status gm__dir_list(gm_ctx *ctx, const char *path, const char *end, gm__dir *out)
{
    struct stat st;
    *out = (gm__dir){ .ctx = ctx };
    DIR *dir = opendir(path);
    if (!dir) return fail_errno(ctx, path, errno);
    gm_status s = GM_OK;
    while (!s) {
        errno = 0;
        const struct dirent *e = readdir(dir);
        if (!e) {
            if (errno) s = fail_errno(ctx, path, errno);
            break;
        }
        if (e->d_name[0] == '.' || fstatat(dirfd(dir), e->d_name, &st, 0)) continue; /* hidden, or just gone */
        if (end ? S_ISREG(st.st_mode) && ends_in(e->d_name, end) : S_ISDIR(st.st_mode)) s = add(out, e->d_name);
    }
    closedir(dir);
    if (s) gm__dir_free(out);
    else gm__sort_texts((const char **)(void *)out->name, out->n);
    return s;
}

void gm__dir_free(gm__dir *d)
{
    for (size_t i = 0; i < d->n; i++) gm__free(d->ctx, d->name[i]);
    gm__free(d->ctx, d->name);
    *d = (gm__dir){ .ctx = d->ctx };
}
