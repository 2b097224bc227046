/* io.h - files of tensors inside the library. */
#ifndef GM_IO_IO_H
#define GM_IO_IO_H

#include "base/base.h"
#include "base/file.h"
#include "tensor/tensor.h"
#include <gm/file.h>

/* ---- files, gzip or not ---------------------------------------------------- */

/* A file read from front to end; a gzip stream (known by its magic) is expanded on the way, so nothing is ever
 * bigger than what was asked for. Messages are `FILE: ...`. */
typedef struct gm__in gm__in;
gm_status gm__in_open(gm_ctx *ctx, const char *path, gm__in **out);
gm_status gm__in_memory(gm_ctx *ctx, const char *who, const void *bytes /* borrowed */, size_t size, gm__in **out);
/* A part of a zip file: plain or raw deflate, `want` bytes with this CRC-32; checked when its end is read. */
gm_status gm__in_part(gm_ctx *ctx, const char *who, const void *bytes, size_t size, bool deflated, uint64_t want, uint32_t crc, gm__in **out);
gm_status gm__in_read(gm__in *in, void *p, size_t n, size_t *got); /* got < n only at the end */
/* Exactly n bytes into new memory; one that lies about its size costs no more than what it really holds. */
gm_status gm__in_take(gm__in *in, size_t n, void **out);
gm_status gm__in_end(gm__in *in); /* GM_EFORMAT if anything follows */
uint64_t gm__in_bound(const gm__in *in); /* no more bytes than this can follow */
uint64_t gm__in_at(const gm__in *in);    /* offset in the (expanded) data */
const char *gm__in_name(const gm__in *in);
gm_ctx *gm__in_ctx(const gm__in *in);
void gm__in_close(gm__in *in);
/* Tensor over memory from gm__alloc, which it takes, also on failure. */
gm_status gm__own_tensor(gm_ctx *ctx, void *data, int32_t dtype, int32_t ndim, const int64_t *shape, gm_tensor **out);

/* Whole file or gzip stream, expanded, at most max bytes (GM_ELIMIT past that, while streaming). A gzip
 * member is recognised by its magic whatever the name. */
gm_status gm__read_all(gm_ctx *ctx, const char *path, uint64_t max, uint8_t **data, size_t *size);

/* ---- safetensors ------------------------------------------------------------- */

typedef struct gm__entry { const char *name; int dtype; int ndim; int64_t shape[GM_MAX_DIMS]; const uint8_t *data; size_t bytes; } gm__entry;
typedef struct gm__meta { const char *key, *value; } gm__meta;
typedef struct gm__st { /* a parsed file; everything points into its memory */
    gm_ctx *ctx;
    uint8_t *bytes; size_t size;
    gm__map *map; /* whose memory the bytes are, or NULL */
    gm__entry *entries; size_t n; /* sorted by name */
    gm__meta *meta; size_t n_meta;
    void *text; /* storage of names */
} gm__st;
/* Parses and checks everything: sizes, overlaps, holes, order, types, UTF-8 of names, duplicate keys. A gm.* key in the
 * metadata demands gm.checksum, which is verified over the whole file. */
gm_status gm__st_open(gm_ctx *ctx, const char *path, gm__st **out);
gm_status gm__st_map(gm_ctx *ctx, const char *path, gm__st **out); /* the same of a file that is mapped, not read */
gm_status gm__st_parse(gm_ctx *ctx, const char *who, uint8_t *bytes /* taken */, size_t size, gm__st **out);
void gm__st_close(gm__st *f);
const gm__entry *gm__st_find(const gm__st *f, const char *name);
const char *gm__st_meta(const gm__st *f, const char *key);
gm_status gm__st_load(const gm__st *f, const gm__entry *e, gm_tensor *dst); /* shape equal; float types convert */
/* A new tensor like the entry; where the file is mapped it borrows the file's memory and keeps the mapping. */
gm_status gm__st_tensor(const gm__st *f, const gm__entry *e, gm_tensor **out);

/* Writing: add entries (borrowed until commit) and metadata (copied), then commit atomically. Entries are stored
 * sorted by name, header keys sorted, header padded so that data starts 64-aligned; with any gm.* metadata the
 * checksum is added. Non-finite floats in entries with `finite` are refused with GM_ENONFINITE naming the tensor. */
typedef struct gm__stw gm__stw;
gm_status gm__stw_new(gm_ctx *ctx, gm__stw **out);
gm_status gm__stw_meta(gm__stw *w, const char *key, const char *value);
gm_status gm__stw_tensor(gm__stw *w, const char *name, const gm_tensor *t, bool finite);
gm_status gm__stw_commit(gm__stw *w, const char *path);
gm_status gm__stw_bytes(gm__stw *w, uint8_t **bytes, size_t *size); /* the same file in memory, the caller's (gm__free) */
void gm__stw_free(gm__stw *w);

/* ---- zip, npy, png ------------------------------------------------------------ */

/* A zip file in memory: the directory, checked (sizes, overlaps, duplicates, methods); data are checked when read. */
typedef struct gm__zip_entry { const char *name; bool deflated; uint32_t crc; uint64_t start, packed, size; } gm__zip_entry;
typedef struct gm__zip {
    gm_ctx *ctx;
    char *name;
    uint8_t *owned;
    const uint8_t *bytes; size_t size;
    gm__zip_entry *entry; size_t n;
    char *text; /* storage of names */
} gm__zip;
gm_status gm__zip_open(gm_ctx *ctx, const char *path, gm__zip **out);
gm_status gm__zip_memory(gm_ctx *ctx, const char *who, const void *bytes /* borrowed */, size_t size, gm__zip **out);
gm_status gm__zip_in(const gm__zip *z, const gm__zip_entry *e, gm__in **out);
void gm__zip_close(gm__zip *z);
/* Entry of an array: KEY.npy. GM_ENOTFOUND names those that there are. */
gm_status gm__npz_find(const gm__zip *z, const char *key, const gm__zip_entry **out);

/* An .npy array, the rest of `in`. *boolean: it was b1, kept as u8 of 0 and 1. */
gm_status gm__npy_load(gm__in *in, gm_tensor **out, bool *boolean);
typedef struct gm__npy_head { int dtype; bool boolean, fortran; int ndim; int64_t shape[GM_MAX_DIMS]; } gm__npy_head;
gm_status gm__npy_header(gm__in *in, gm__npy_head *h, int64_t *size); /* what stands before the data, and how many elements follow */
/* The other way round: the header of t, and t itself or a contiguous copy in *copy. */
gm_status gm__npy_start(const char *who, const gm_tensor *t, gm__buf *header, gm_tensor **copy);

/* The bytes of the PNG that gm_png_write would write. */
gm_status gm__png_encode(const gm_tensor *images, int32_t columns, gm__buf *out);

/* What the first bytes of a PNG (GM__PNG_HEADER are enough) of `size` bytes say; pixels that it cannot hold are refused. */
enum { GM__PNG_HEADER = 26 };
typedef struct gm__png { int32_t width, height; bool colour; } gm__png;
gm_status gm__png_header(gm_ctx *ctx, const char *who, const uint8_t *b, size_t n, uint64_t size, gm__png *out);
/* Its pixels as [1 or 3, height, width]. */
gm_status gm__png_decode(gm_ctx *ctx, const char *who, const uint8_t *bytes, size_t size, const gm__png *head, bool rgb, uint8_t *out);

uint64_t gm__crc64(uint64_t crc, const void *p, size_t n); /* ECMA-182 reflected (as xz) */

#endif
