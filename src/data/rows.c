/* rows.c - rows of a data set as numbers: gathering, reading, statistics, fingerprint. */
#include "data/data.h"
#include <math.h>
#include <string.h>

int gm__column_out(const gm__column *c)
{
    if (c->symbols || !strcmp(c->name, "label")) return GM_I64;
    return c->dtype == GM_I32 || c->dtype == GM_I64 ? c->dtype : GM_F32;
}

/* n elements of the column's type to that of batches. */
static void convert(const gm__kern *kern, const gm__column *c, size_t n, void *out, const void *in)
{
    switch (c->dtype) {
    case GM_U8:
        if (c->symbols) {
            for (size_t i = 0; i < n; i++) ((int64_t *)out)[i] = ((const uint8_t *)in)[i];
            break;
        }
        kern->u8_f32(n, out, in, 1.0f / 255.0f, 0.0f);
        break;
    case GM_F64: kern->f64_f32(n, out, in); break;
    case GM_BF16: kern->bf16_f32(n, out, in); break;
    case GM_I32:
        if (gm__column_out(c) == GM_I64) {
            for (size_t i = 0; i < n; i++) ((int64_t *)out)[i] = ((const int32_t *)in)[i];
            break;
        }
        memcpy(out, in, n * 4);
        break;
    default: memcpy(out, in, n * gm__esize(c->dtype));
    }
}

/* One row whose elements do not lie side by side, in runs along the last axis. */
static void strided_row(const gm__kern *kern, const gm__column *c, const char *base, char *out)
{
    const gm_tensor *t = c->t;
    size_t in_size = gm__esize(c->dtype), out_size = gm__esize(gm__column_out(c));
    int64_t index[GM_MAX_DIMS] = { 0 };
    for (int64_t i = 0; i < c->row_elems; i++) {
        int64_t at = 0;
        for (int d = 0; d < c->ndim; d++) at += index[d] * t->stride[d + 1];
        convert(kern, c, 1, out + (size_t)i * out_size, base + at * (int64_t)in_size);
        for (int d = c->ndim - 1; d >= 0 && ++index[d] == c->shape[d]; d--) index[d] = 0;
    }
}

/* Rows of files, those that are what a batch wants without a detour. */
static int source_rows(const gm__kern *kern, const gm__column *c, const uint64_t *origin, size_t n, void *raw, char *out)
{
    bool same = gm__column_out(c) == c->dtype;
    size_t row = (size_t)c->row_elems * gm__esize(gm__column_out(c));
    for (size_t i = 0; i < n; i++, out += row) {
        int e = gm__source_row(c->source, origin[i], same ? out : raw);
        if (e) return e;
        if (!same) convert(kern, c, (size_t)c->row_elems, out, raw);
    }
    return 0;
}

enum { AHEAD = 2 }; /* rows fetched early */

int gm__column_rows(const gm__kern *kern, const gm__column *c, const uint64_t *origin, size_t n, void *raw, void *out)
{
    const gm_tensor *t = c->t;
    size_t in_size = gm__esize(c->dtype), row = (size_t)c->row_elems * gm__esize(gm__column_out(c));
    if (c->source) return source_rows(kern, c, origin, n, raw, out);
    size_t in_bytes = (size_t)c->row_elems * in_size < 4096 ? (size_t)c->row_elems * in_size : 4096;
    bool dense = gm__is_contiguous(c->ndim, c->shape, t->stride + 1);
    char *o = out;
    for (size_t i = 0; i < n && c->offset; i++, o += row) {
        const char *p;
        size_t have, size = gm__esize(gm__column_out(c));
        gm__ragged_row(c, origin[i], &p, &have);
        convert(kern, c, have, o, p);
        memset(o + have * size, 0, row - have * size);
    }
    for (size_t i = 0; i < n && !c->offset; i++, o += row) {
        const char *base = t->data + (int64_t)origin[i] * t->stride[0] * (int64_t)in_size;
        if (dense && i + AHEAD < n) { /* shuffled rows lie all over the memory */
            const char *later = t->data + (int64_t)origin[i + AHEAD] * t->stride[0] * (int64_t)in_size;
            for (size_t at = 0; at < in_bytes; at += 64) __builtin_prefetch(later + at);
        }
        if (dense) convert(kern, c, (size_t)c->row_elems, o, base);
        else strided_row(kern, c, base, o);
    }
    return 0;
}

enum { CHUNK = 64 }; /* rows whose numbers fit a frame */

gm_status gm__dataset_gather(gm_dataset *d, const char *column, const uint64_t *rows, size_t n, void *out)
{
    const gm__column *c = gm__dataset_column(d, column);
    uint64_t origin[CHUNK];
    char *o = out;
    if (!c) return gm__fail_ctx(d->ctx, GM_ENOTFOUND, "data: no column '%s'", column);
    if (d->fn) {
        bool label = !strcmp(column, "label");
        float *x = label ? gm__alloc(d->ctx, (size_t)d->column[0].row_elems, sizeof *x) : NULL;
        gm_status s = label && !x ? GM_ENOMEM : GM_OK;
        for (size_t i = 0; i < n && !s; i++) {
            int64_t k;
            s = gm__dataset_call(d, rows[i], label ? x : (float *)out + i * (size_t)c->row_elems, &k);
            if (label) ((int64_t *)out)[i] = k;
        }
        gm__free(d->ctx, x);
        return s;
    }
    size_t row = (size_t)c->row_elems * gm__esize(gm__column_out(c));
    void *raw = c->source ? gm__alloc(d->ctx, c->source->bytes, 1) : NULL;
    if (c->source && !raw) return GM_ENOMEM;
    gm_status s = GM_OK;
    for (size_t i = 0; i < n && !s;) {
        size_t k = 0;
        for (; k < CHUNK && i < n; k++, i++) origin[k] = gm__dataset_origin(d, rows[i]);
        int e = gm__column_rows(d->ctx->kern, c, origin, k, raw, o);
        if (e) s = gm__source_fail(d->ctx, c->source, origin[0], e);
        o += k * row;
    }
    gm__free(d->ctx, raw);
    return s;
}

/* Rows [first, first+n) through gm__dataset_gather. */
static gm_status gather_range(gm_dataset *d, const gm__column *c, uint64_t first, uint64_t n, void *out)
{
    uint64_t rows[CHUNK];
    char *o = out;
    for (uint64_t i = 0; i < n;) {
        size_t k = 0;
        for (; k < CHUNK && i < n; k++, i++) rows[k] = first + i;
        GM__TRY(gm__dataset_gather(d, c->name, rows, k, o));
        o += k * (size_t)c->row_elems * gm__esize(gm__column_out(c));
    }
    return GM_OK;
}

gm_status gm_dataset_read(gm_dataset *d, const char *column, uint64_t first, uint64_t n, gm_tensor **out)
{
    int64_t shape[GM_MAX_DIMS];
    gm_tensor *t;
    if (out) *out = NULL;
    if (!gm__is(d, GM__DATASET)) return GM_EARG;
    if (!column || !out) return gm__fail_ctx(d->ctx, GM_EARG, "dataset_read: an argument is NULL");
    const gm__column *c = gm__dataset_column(d, column);
    if (!c) return gm__fail_ctx(d->ctx, GM_ENOTFOUND, "dataset_read: no column '%s'", column);
    if (first > d->rows || n > d->rows - first)
        return gm__fail_ctx(d->ctx, GM_EARG, "dataset_read: rows [%llu,%llu+%llu) of %llu", (unsigned long long)first,
                            (unsigned long long)first, (unsigned long long)n, (unsigned long long)d->rows);
    bool wide = !c->offset && (c->dtype == GM_F64 || c->dtype == GM_BF16); /* read as stored, not as batches give them */
    shape[0] = (int64_t)n;
    for (int i = 0; i < c->ndim; i++) shape[i + 1] = c->shape[i];
    GM__TRY(gm__tensor_make(d->ctx, gm__ctx_err(d->ctx), wide ? c->dtype : gm__column_out(c), c->ndim + 1, shape, false, &t));
    gm_status s = GM_OK;
    if (!wide) s = gather_range(d, c, first, n, t->data);
    for (uint64_t r = 0; wide && c->source && r < n && !s; r++) {
        uint64_t origin = gm__dataset_origin(d, first + r);
        int e = gm__source_row(c->source, origin, t->data + (size_t)r * c->source->bytes);
        if (e) s = gm__source_fail(d->ctx, c->source, origin, e);
    }
    for (uint64_t r = 0; wide && !c->source && r < n; r++) {
        gm_tensor from = *c->t, to = *t; /* one row of each */
        from.ndim = to.ndim = (int8_t)c->ndim;
        from.size = to.size = c->row_elems;
        for (int i = 0; i < c->ndim; i++) {
            from.shape[i] = to.shape[i] = c->shape[i];
            from.stride[i] = c->t->stride[i + 1];
            to.stride[i] = t->stride[i + 1];
        }
        from.contiguous = gm__is_contiguous(c->ndim, from.shape, from.stride);
        from.data += (int64_t)gm__dataset_origin(d, first + r) * c->t->stride[0] * (int64_t)gm__esize(c->dtype);
        to.data += (size_t)r * (size_t)c->row_elems * gm__esize(c->dtype);
        gm__copy_values(d->ctx, &to, &from);
    }
    if (s) gm_tensor_free(t);
    else *out = t;
    return s;
}

/* ---- statistics ----------------------------------------------------------------- */

/* Calls fn(user, row as f32) for every row of x. */
static gm_status each_row(gm_dataset *d, void (*fn)(void *user, const float *x, size_t n), void *user)
{
    const gm__column *c = gm__dataset_column(d, "x");
    if (!c || gm__column_out(c) != GM_F32) return gm__fail_ctx(d->ctx, GM_EDTYPE, "data: column 'x' holds no real numbers to scale");
    size_t n = (size_t)c->row_elems;
    float *x = gm__alloc(d->ctx, n, sizeof *x);
    gm_status s = x ? GM_OK : GM_ENOMEM;
    for (uint64_t r = 0; r < d->rows && !s; r++) {
        s = gm__dataset_gather(d, "x", &r, 1, x);
        if (!s) fn(user, x, n);
    }
    gm__free(d->ctx, x);
    return s;
}

typedef struct sums { double *mean, *square; } sums;

static void add_row(void *user, const float *x, size_t n)
{
    sums *s = user;
    for (size_t i = 0; i < n; i++) s->mean[i] += (double)x[i];
}

static void add_square(void *user, const float *x, size_t n)
{
    sums *s = user;
    for (size_t i = 0; i < n; i++) {
        double e = (double)x[i] - s->mean[i];
        s->square[i] += e * e;
    }
}

gm_status gm__dataset_moments(gm_dataset *d, double *mean, double *std)
{
    const gm__column *c = gm__dataset_column(d, "x");
    size_t n = c ? (size_t)c->row_elems : 0;
    sums s = { mean, std };
    memset(mean, 0, n * sizeof *mean);
    memset(std, 0, n * sizeof *std);
    GM__TRY(each_row(d, add_row, &s));
    for (size_t i = 0; i < n; i++) mean[i] /= (double)d->rows;
    GM__TRY(each_row(d, add_square, &s));
    for (size_t i = 0; i < n; i++) {
        std[i] = sqrt(std[i] / (double)d->rows);
        if (std[i] <= 1e-6 * fabs(mean[i]) || std[i] < 1e-30) std[i] = 1; /* a constant, but for rounding */
    }
    return GM_OK;
}

static void widen(void *user, const float *x, size_t n)
{
    double *e = user;
    for (size_t i = 0; i < n; i++) {
        if ((double)x[i] < e[0]) e[0] = (double)x[i];
        if ((double)x[i] > e[1]) e[1] = (double)x[i];
    }
}

gm_status gm__dataset_extent(gm_dataset *d, double *lo, double *hi)
{
    double e[2] = { INFINITY, -INFINITY };
    GM__TRY(each_row(d, widen, e));
    *lo = e[0];
    *hi = e[1];
    return GM_OK;
}

/* ---- fingerprint ------------------------------------------------------------------ */

static uint64_t number(uint64_t crc, uint64_t v)
{
    uint8_t b[8];
    for (int i = 0; i < 8; i++) b[i] = (uint8_t)(v >> 8 * i);
    return gm__crc64(crc, b, 8);
}

/* Every element of a row in order, whatever its strides. */
static uint64_t strided_crc(uint64_t crc, const gm__column *c, const char *base)
{
    int64_t index[GM_MAX_DIMS] = { 0 };
    size_t size = gm__esize(c->dtype);
    for (int64_t i = 0; i < c->row_elems; i++) {
        int64_t at = 0;
        for (int d = 0; d < c->ndim; d++) at += index[d] * c->t->stride[d + 1];
        crc = gm__crc64(crc, base + at * (int64_t)size, size);
        for (int d = c->ndim - 1; d >= 0 && ++index[d] == c->shape[d]; d--) index[d] = 0;
    }
    return crc;
}

static gm_status source_crc(gm_dataset *d, const gm__column *c, uint64_t *crc)
{
    void *raw = gm__alloc(d->ctx, c->source->bytes, 1);
    gm_status s = raw ? GM_OK : GM_ENOMEM;
    for (uint64_t r = 0; r < d->rows && !s; r++) {
        uint64_t origin = gm__dataset_origin(d, r);
        int e = gm__source_row(c->source, origin, raw);
        if (e) s = gm__source_fail(d->ctx, c->source, origin, e);
        else *crc = gm__crc64(*crc, raw, c->source->bytes);
    }
    gm__free(d->ctx, raw);
    return s;
}

gm_status gm__dataset_fingerprint(gm_dataset *d, uint64_t *out)
{
    uint64_t crc = number(0, d->rows);
    for (int32_t i = 0; i < d->n_columns; i++) {
        const gm__column *c = &d->column[i];
        crc = gm__crc64(crc, c->name, strlen(c->name) + 1);
        crc = number(crc, (uint64_t)c->dtype);
        crc = number(crc, (uint64_t)c->ndim);
        for (int k = 0; k < c->ndim; k++) crc = number(crc, (uint64_t)c->shape[k]);
        for (uint64_t r = 0; c->offset && r < d->rows; r++) {
            const char *p;
            size_t n;
            gm__ragged_row(c, gm__dataset_origin(d, r), &p, &n);
            crc = gm__crc64(crc, p, n * gm__esize(c->dtype));
        }
        if (c->source) GM__TRY(source_crc(d, c, &crc));
        if (!c->t || c->offset) continue;
        bool dense = gm__is_contiguous(c->ndim, c->shape, c->t->stride + 1);
        size_t size = gm__esize(c->dtype);
        for (uint64_t r = 0; r < d->rows; r++) {
            const char *base = c->t->data + (int64_t)gm__dataset_origin(d, r) * c->t->stride[0] * (int64_t)size;
            crc = dense ? gm__crc64(crc, base, (size_t)c->row_elems * size) : strided_crc(crc, c, base);
        }
    }
    *out = number(crc, (uint64_t)d->classes);
    return GM_OK;
}
