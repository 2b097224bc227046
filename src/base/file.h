/* file.h - whole files in, atomic replacement out. */
#ifndef GM_BASE_FILE_H
#define GM_BASE_FILE_H

#include "base/base.h"

/* Reads a regular file of at most max bytes (more: GM_ELIMIT); FIFOs, folders
 * and devices are refused. *data has size + 1 bytes, the last 0; gm__free it.
 * Messages are `PATH: what went wrong`, GM_EIO for all that the system refuses. */
gm_status gm__file_read(gm_ctx *ctx, const char *path, uint64_t max, uint8_t **data, size_t *size);

/* A regular file read at any place, also by several threads at once. */
typedef struct gm__pfile gm__pfile;
gm_status gm__pfile_open(gm_ctx *ctx, const char *path, gm__pfile **out);
void gm__pfile_free(gm__pfile *f); /* NULL is fine */
uint64_t gm__pfile_size(const gm__pfile *f);
const char *gm__pfile_name(const gm__pfile *f);
int gm__pfile_read(const gm__pfile *f, uint64_t at, void *p, size_t n); /* 0, an errno, or -1: it ends before. Makes no message */
gm_status gm__pfile_fail(gm_ctx *ctx, const gm__pfile *f, int e);       /* the message of what it gave */

/* A regular file's bytes, fetched by the system when they are touched and shared with whoever else reads the file. What is
 * written stays in this process. Where somebody cuts the file short meanwhile, what is gone cannot be touched (SIGBUS). */
typedef struct gm__map { gm_ctx *ctx; uint8_t *bytes; size_t size; atomic_int owners; } gm__map; /* bytes NULL: size 0 */
gm_status gm__map_open(gm_ctx *ctx, const char *path, gm__map **out);
void gm__map_retain(gm__map *m);
void gm__map_release(gm__map *m);

/* The names in a folder, sorted by bytes: of its regular files that end in `end` (lower case; ".png" finds X.PNG too), or of
 * its folders if end is NULL. Hidden ones are left out. */
typedef struct gm__dir { gm_ctx *ctx; char **name; size_t n, cap; } gm__dir;
gm_status gm__dir_list(gm_ctx *ctx, const char *path, const char *end, gm__dir *out);
void gm__dir_free(gm__dir *d);

/* A file being written beside its place (.NAME.gm-PID-N.tmp) and moved there by
 * commit. After any failure nothing is left and the old file is as it was. */
typedef struct gm__out gm__out;
gm_status gm__out_open(gm_ctx *ctx, const char *path, gm__out **out);
gm_status gm__out_write(gm__out *o, const void *p, size_t n); /* buffered; a failure sticks until commit */
gm_status gm__out_commit(gm__out *o); /* to the disk and to its name; frees o, also on failure */
void gm__out_abort(gm__out *o);       /* unlinks and frees; NULL is fine */

gm_status gm__file_write(gm_ctx *ctx, const char *path, const void *data, size_t size); /* the three in one */

/* Makes a folder; one that is there is fine. The folder above must exist. */
gm_status gm__folder_make(gm_ctx *ctx, const char *path);

/* Text of an errno without locale or shared buffer: "No such file or directory", "error 99" (into tmp[24]). */
const char *gm__errno_text(int e, char *tmp);

/* Tests make system calls fail: called before each, returns 0 (go on), an errno
 * (fail so), or -1 (reads and writes: one byte only). NULL outside of tests. */
enum { GM__F_OPEN, GM__F_STAT, GM__F_READ, GM__F_WRITE, GM__F_CHMOD, GM__F_SYNC, GM__F_CLOSE, GM__F_RENAME, GM__F_UNLINK, GM__F_MKDIR, GM__F_MAP };
extern int (*gm__file_test_hook)(int call);

#endif
