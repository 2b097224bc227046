/* data.h - data sets inside the library. */
#ifndef GM_DATA_DATA_H
#define GM_DATA_DATA_H

#include "io/io.h"
#include "kernels/kernels.h"
#include <gm/dataset.h>

typedef struct gm__column {
    char name[64];
    int dtype, ndim;             /* of one row */
    int64_t shape[GM_MAX_DIMS];
    int64_t row_elems;
    gm_tensor *t;                /* [rows, shape], retained; NULL for a callback column */
} gm__column;

/* A SPEC split into its parts. */
typedef struct gm__spec {
    char kind[16];
    char *path[2]; int n_path;   /* unescaped */
    struct { char *key, *value; } opt[16]; int n_opt;
    bool has_range; int64_t first, end, stride; /* end < 0: to the end */
} gm__spec;
gm_status gm__spec_parse(gm_ctx *ctx, const char *text, gm__spec *out);
void gm__spec_free(gm_ctx *ctx, gm__spec *s);

/* A reader: one file, one row in readers.def. */
typedef struct gm__reader {
    const char *kind;
    gm_status (*open)(gm_ctx *ctx, const gm__spec *spec, gm_dataset *d);
} gm__reader;

gm_status gm__dataset_make(gm_ctx *ctx, gm_dataset **out);
gm_status gm__dataset_add(gm_dataset *d, const char *name, gm_tensor *t /* retained */);
gm_ctx *gm__dataset_ctx(const gm_dataset *d);
const gm__column *gm__dataset_column(const gm_dataset *d, const char *name);
/* Rows by number into out (contiguous, f32 when the column is u8 or float). rows are numbers inside d. */
gm_status gm__dataset_gather(gm_dataset *d, const char *column, const uint64_t *rows, size_t n, void *out);
/* A number that changes when the data does: shape, type and contents of every column (CRC-64); for callbacks shape only. */
gm_status gm__dataset_fingerprint(gm_dataset *d, uint64_t *out);
/* Number of a row in the whole data set that a range or split was cut from: the r of the streams. */
uint64_t gm__dataset_origin(const gm_dataset *d, uint64_t row);
/* mean and deviation of every feature of "x" (double, [row_elems]) for scale=standard; deviation 0 becomes 1 */
gm_status gm__dataset_moments(gm_dataset *d, double *mean, double *std);

#endif
