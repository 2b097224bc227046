/* data.h - data sets inside the library. */
#ifndef GM_DATA_DATA_H
#define GM_DATA_DATA_H

#include "base/vocab.h"
#include "io/io.h"
#include "kernels/kernels.h"
#include <gm/dataset.h>

/* Rows of equal size that stay in files, one part a file, and are read when a batch wants them (stream.c). Counted. */
typedef struct gm__source {
    gm__handle h;
    gm_ctx *ctx;
    int n;
    struct { gm__pfile *file; uint64_t rows; } part[16];
    uint64_t start, pitch;       /* row r of a part is at start + r * pitch */
    size_t bytes;                /* of a row */
} gm__source;

/* The first column of every data set is x. */
typedef struct gm__column {
    char name[64];
    int dtype, ndim;             /* of one row */
    int64_t shape[GM_MAX_DIMS];
    int64_t row_elems;
    gm_tensor *t;                /* [rows, shape] of the whole that a range or split was cut from (gm__dataset_origin
                                    gives its row numbers), retained; NULL for a callback column */
    gm_tensor *offset;           /* i64 [rows + 1] of the whole: a ragged column, where t is [values, ..]; else NULL */
    gm__source *source;          /* retained: the rows are in files, and t is NULL */
    bool symbols;                /* u8 that are symbols, not shades: batches give i64 */
} gm__column;

/* Texts numbered in the order of their appearance, each kept with the NUL that ends it (words.c). */
typedef gm__vocab gm__words;
static inline const char *gm__word_text(const gm__words *w, size_t i) { return (const char *)gm__vocab_bytes(w, i); }

/* Names of the classes, shared by a data set and its parts. */
typedef struct gm__names { gm__handle h; gm__words words; } gm__names;

enum { GM__COLUMNS = 64 };
struct gm_dataset {
    gm__handle h;
    gm_ctx *ctx;                 /* retained */
    gm__column *column;
    int32_t n_columns;
    uint64_t rows;
    uint64_t first, stride;      /* row r is row first + r*stride of the whole ... */
    uint64_t *index;             /* ... or index[r] */
    int64_t classes;             /* 0: no labels */
    gm__names *names;            /* of the classes, or NULL */
    gm_row_source fn;            /* callback, or NULL */
    void *user;
    int modes;                   /* of a mixture of so many equal Gaussians, or 0 */
    double modes_sigma;          /* their deviation */
    bool host;                   /* the host's arrays, which it may change between two calls */
};

/* A SPEC split into its parts. */
typedef struct gm__spec {
    char kind[16];
    char *path[16]; int n_path;  /* unescaped */
    struct { char *key, *value; } opt[16]; int n_opt;
    bool has_range; int64_t first, end, stride; /* end < 0: to the end */
} gm__spec;
gm_status gm__spec_parse(gm_ctx *ctx, const char *text, gm__spec *out);
void gm__spec_free(gm_ctx *ctx, gm__spec *s);
/* At most so many files, and no options but those of the list "label y". */
gm_status gm__spec_only(gm_ctx *ctx, const gm__spec *s, int paths, const char *options);
const char *gm__spec_opt(const gm__spec *s, const char *key); /* NULL: not given */

/* A reader: one file, one row in readers.def. It adds the columns to d, which is empty. */
typedef struct gm__reader {
    const char *kind;
    gm_status (*open)(gm_ctx *ctx, const gm__spec *spec, gm_dataset *d);
} gm__reader;

#define READER(kind, open) gm_status open(gm_ctx *, const gm__spec *, gm_dataset *);
#include "data/readers.def"
#undef READER
gm_status gm__idx_load(gm__in *in, bool label, gm_tensor **out);
gm_status gm__cifar_load(gm_ctx *ctx, const char *name, const uint8_t *bytes, size_t size, gm_dataset *d);
gm_status gm__npz_load(const gm__zip *z, const gm__spec *spec, gm_dataset *d);
/* These two take the bytes, also on failure. */
gm_status gm__text_load(gm_ctx *ctx, const char *name, uint8_t *bytes, size_t size, gm_dataset *d);
gm_status gm__lines_load(gm_ctx *ctx, const char *name, uint8_t *bytes, size_t size, gm_dataset *d);
gm_status gm__ratings_load(gm_ctx *ctx, const char *name, const uint8_t *bytes, size_t size, bool map, gm_dataset *d);
/* Moves a share of the numbers of x, each by chance, to a column "y" of d; NaN where there is none. A row depends on its number alone. */
gm_status gm__ratings_hold(gm_dataset *d, gm_tensor *x, double share, uint64_t seed);
gm_status gm__csv_load(gm__in *in, char separator, const gm__spec *spec, gm_dataset *d);

gm_status gm__dataset_make(gm_ctx *ctx, gm_dataset **out);
gm_status gm__dataset_add(gm_dataset *d, const char *name, gm_tensor *t /* retained */);
/* Column "x" of rows [offset[r], offset[r+1]) of values, and "length"; d is empty. Both retained. */
gm_status gm__dataset_add_ragged(gm_dataset *d, gm_tensor *values, gm_tensor *offsets);
gm__column *gm__column_new(gm_dataset *d, const char *name, int dtype, int32_t ndim, const int64_t *shape);
void gm__ragged_row(const gm__column *c, uint64_t origin, const char **p, size_t *n); /* its values and their number */
/* The text of text:FILE or a range of it; NULL if d is something else. */
const uint8_t *gm__dataset_bytes(const gm_dataset *d, size_t *n);
gm_status gm__dataset_names(gm_dataset *d, gm__words *classes); /* takes the words, which are empty afterwards */
gm_ctx *gm__dataset_ctx(const gm_dataset *d);
void gm__dataset_centre(const gm_dataset *d, int k, double at[2]); /* of mode k < d->modes: synth.c */
const gm__column *gm__dataset_column(const gm_dataset *d, const char *name);
/* Type that a column has in a batch: f32 for u8 (scaled to [0,1]) and floats, i64 for "label", else its own. */
int gm__column_out(const gm__column *c);
/* Rows by number into out (contiguous, of gm__column_out; for a callback "x" f32, "label" i64). rows are numbers inside d. */
gm_status gm__dataset_gather(gm_dataset *d, const char *column, const uint64_t *rows, size_t n, void *out);
/* A number that changes when the data does: shape, type and contents of every column (CRC-64); for callbacks shape only. */
gm_status gm__dataset_fingerprint(gm_dataset *d, uint64_t *out);
/* Number of a row in the whole data set that a range or split was cut from: the r of the streams. */
uint64_t gm__dataset_origin(const gm_dataset *d, uint64_t row);
/* One call of a callback data set: x and label of row (inside d); GM_ECANCELED. */
gm_status gm__dataset_call(gm_dataset *d, uint64_t row, float *x, int64_t *label);
/* Rows of the whole, without checks, locks, messages or allocation: also from the prefetch thread. raw has room for a row
 * of the source, if there is one; 0, or what its file gave (gm__pfile_fail). */
int gm__column_rows(const gm__kern *kern, const gm__column *c, const uint64_t *origin, size_t n, void *raw, void *out);
/* stream=on|off|auto (the default: where the files are so big that they might not fit memory) of a SPEC whose files hold
 * rows of equal size; gzip cannot be streamed. */
gm_status gm__stream_wanted(gm_ctx *ctx, const gm__spec *s, int n_path, bool *stream);
gm_status gm__source_new(gm_ctx *ctx, gm__source **out);
gm_status gm__source_add(gm__source *s, const char *path); /* a part, without rows so far; its file is s->part[s->n - 1].file */
void gm__source_free(gm__source *s);
/* Makes a source, fills it and the data set through fn, and drops its own hold on it. */
gm_status gm__source_open(gm_ctx *ctx, const gm__spec *spec, gm_status (*fn)(gm_ctx *, const char *path, gm__source *, gm_dataset *), gm_dataset *d);
int gm__source_row(const gm__source *s, uint64_t row, void *p); /* 0, or what the file gave */
gm_status gm__source_fail(gm_ctx *ctx, const gm__source *s, uint64_t row, int e);
gm_status gm__dataset_add_source(gm_dataset *d, const char *name, int dtype, int ndim, const int64_t *shape, gm__source *s /* retained */);
/* smallest and largest number of "x" as batches give it (u8 in [0,1]) */
gm_status gm__dataset_extent(gm_dataset *d, double *lo, double *hi);
/* mean and deviation of every feature of "x" (double, [row_elems]) for scale=standard; deviation 0 becomes 1 */
gm_status gm__dataset_moments(gm_dataset *d, double *mean, double *std);

#endif
