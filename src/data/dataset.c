/* dataset.c - data sets: named columns of equal length, parts of them, questions about them. */
#include "data/data.h"
#include <math.h>
#include <string.h>

#define CHECK(d)                                     \
    do {                                             \
        if (!gm__is((d), GM__DATASET)) return GM_EARG; \
    } while (0)

gm_status gm__dataset_make(gm_ctx *ctx, gm_dataset **out)
{
    *out = NULL;
    gm_dataset *d = gm__calloc(ctx, 1, sizeof *d);
    if (!d) return GM_ENOMEM;
    d->column = gm__calloc(ctx, GM__COLUMNS, sizeof *d->column);
    if (!d->column) {
        gm__free(ctx, d);
        return GM_ENOMEM;
    }
    d->h.magic = GM__DATASET;
    atomic_init(&d->h.refs, 1);
    d->ctx = ctx;
    gm__retain(ctx);
    d->stride = 1;
    *out = d;
    return GM_OK;
}

void gm_dataset_free(gm_dataset *d)
{
    if (!gm__is(d, GM__DATASET) || !gm__release(d)) return;
    gm_ctx *ctx = d->ctx;
    d->h.magic = GM__DEAD;
    for (int32_t i = 0; i < d->n_columns; i++) {
        gm_tensor_free(d->column[i].t);
        gm_tensor_free(d->column[i].offset);
        gm__source_free(d->column[i].source);
    }
    if (d->names && gm__release(d->names)) {
        gm__vocab_free(&d->names->words);
        gm__free(ctx, d->names);
    }
    gm__free(ctx, d->column);
    gm__free(ctx, d->index);
    gm__free(ctx, d);
    gm_ctx_free(ctx);
}

/* ---- columns ------------------------------------------------------------------- */

static gm_status count_classes(gm_dataset *d, const gm_tensor *t)
{
    int64_t most = -1;
    for (int64_t i = 0; i < t->shape[0]; i++) {
        int64_t v = t->dtype == GM_I64 ? ((const int64_t *)(void *)t->data)[i * t->stride[0]]
                                       : ((const int32_t *)(void *)t->data)[i * t->stride[0]];
        if (v < 0 || v >= INT32_MAX)
            return gm__fail_ctx(d->ctx, GM_EFORMAT, "label: row %lld has %lld; labels are numbers from 0 on", (long long)i, (long long)v);
        if (v > most) most = v;
    }
    d->classes = most + 1;
    return GM_OK;
}

gm__column *gm__column_new(gm_dataset *d, const char *name, int dtype, int32_t ndim, const int64_t *shape)
{
    gm__column *c = &d->column[d->n_columns];
    *c = (gm__column){ .dtype = dtype, .ndim = ndim, .row_elems = 1 };
    gm__format(c->name, sizeof c->name, "%s", name);
    for (int32_t i = 0; i < ndim; i++) {
        c->shape[i] = shape[i];
        c->row_elems *= shape[i];
    }
    d->n_columns++;
    return c;
}

gm_status gm__dataset_add(gm_dataset *d, const char *name, gm_tensor *t)
{
    char text[128];
    bool label = !strcmp(name, "label");
    if (d->n_columns == GM__COLUMNS) return gm__fail_ctx(d->ctx, GM_ELIMIT, "data: more than %d columns", (int)GM__COLUMNS);
    if (t->ndim < 1 || t->shape[0] < 1 || !t->size)
        return gm__fail_ctx(d->ctx, GM_ESHAPE, "data: column '%s' of shape %s has no rows or no values", name, gm__shape_text(text, t->ndim, t->shape));
    if (d->n_columns && (uint64_t)t->shape[0] != d->rows)
        return gm__fail_ctx(d->ctx, GM_ESHAPE, "data: column '%s' has %lld rows, '%s' has %llu", name, (long long)t->shape[0],
                            d->column[0].name, (unsigned long long)d->rows);
    if (label && (t->ndim != 1 || (t->dtype != GM_I32 && t->dtype != GM_I64)))
        return gm__fail_ctx(d->ctx, t->ndim != 1 ? GM_ESHAPE : GM_EDTYPE, "data: labels must be [rows] of i32 or i64, not %s of %s",
                            gm__shape_text(text, t->ndim, t->shape), gm_dtype_name(t->dtype));
    if (label) GM__TRY(count_classes(d, t));
    d->rows = (uint64_t)t->shape[0];
    gm__column *c = gm__column_new(d, name, t->dtype, t->ndim - 1, t->shape + 1);
    c->t = t;
    gm__retain(t);
    return GM_OK;
}

gm_status gm__dataset_names(gm_dataset *d, gm__words *classes)
{
    d->names = gm__calloc(d->ctx, 1, sizeof *d->names);
    if (!d->names) return GM_ENOMEM;
    atomic_init(&d->names->h.refs, 1);
    d->names->words = *classes;
    gm__vocab_init(classes, d->ctx);
    return GM_OK;
}

gm_ctx *gm__dataset_ctx(const gm_dataset *d) { return d->ctx; }

const gm__column *gm__dataset_column(const gm_dataset *d, const char *name)
{
    for (int32_t i = 0; i < d->n_columns; i++)
        if (!strcmp(d->column[i].name, name)) return &d->column[i];
    return NULL;
}

uint64_t gm__dataset_origin(const gm_dataset *d, uint64_t row) { return d->index ? d->index[row] : d->first + row * d->stride; }

/* ---- data sets of the host's ------------------------------------------------------ */

gm_status gm_dataset_from_tensors(gm_ctx *ctx, gm_tensor *x, gm_tensor *label, gm_dataset **out)
{
    gm_dataset *d;
    if (out) *out = NULL;
    if (!gm__is(ctx, GM__CTX)) return GM_EARG;
    if (!out) return gm__fail_ctx(ctx, GM_EARG, "dataset_from_tensors: out is NULL");
    GM__TRY(gm__check_tensor(gm__ctx_err(ctx), "dataset_from_tensors", "x", x));
    if (label) GM__TRY(gm__check_tensor(gm__ctx_err(ctx), "dataset_from_tensors", "label", label));
    if (x->tape || (label && label->tape)) return gm__fail_ctx(ctx, GM_EARG, "dataset_from_tensors: the result of an op; copy it first");
    GM__TRY(gm__dataset_make(ctx, &d));
    gm_status s = gm__dataset_add(d, "x", x);
    if (!s && label) s = gm__dataset_add(d, "label", label);
    d->host = true;
    if (s == GM_EFORMAT) s = gm__ctx_err(ctx)->status = GM_EARG; /* the host's array, not a file */
    if (s) gm_dataset_free(d);
    else *out = d;
    return s;
}

gm_status gm_dataset_add(gm_dataset *d, const char *name, gm_tensor *t)
{
    CHECK(d);
    if (!name || !*name || strlen(name) >= sizeof d->column->name) return gm__fail_ctx(d->ctx, GM_EARG, "dataset_add: a name of 1 to 63 bytes is needed");
    GM__TRY(gm__check_tensor(gm__ctx_err(d->ctx), "dataset_add", name, t));
    if (t->tape) return gm__fail_ctx(d->ctx, GM_EARG, "dataset_add: the result of an op; copy it first");
    if (!d->host || d->index || d->first || d->stride != 1) return gm__fail_ctx(d->ctx, GM_EARG, "dataset_add: columns are added to a whole data set over arrays");
    if (gm__dataset_column(d, name)) return gm__fail_ctx(d->ctx, GM_EARG, "dataset_add: there is a column '%s' already", name);
    gm_status s = gm__dataset_add(d, name, t);
    if (s == GM_EFORMAT) s = gm__ctx_err(d->ctx)->status = GM_EARG; /* the host's array, not a file */
    return s;
}

gm_status gm_dataset_from_callback(gm_ctx *ctx, uint64_t rows, int32_t ndim, const int64_t *shape, int64_t classes,
                                   gm_row_source fn, void *user, gm_dataset **out)
{
    gm_dataset *d;
    int64_t size;
    if (out) *out = NULL;
    if (!gm__is(ctx, GM__CTX)) return GM_EARG;
    if (!out || !fn) return gm__fail_ctx(ctx, GM_EARG, "dataset_from_callback: an argument is NULL");
    if (rows < 1 || rows > INT64_MAX || classes < 0 || classes >= INT32_MAX)
        return gm__fail_ctx(ctx, GM_EARG, "dataset_from_callback: %llu rows, %lld classes", (unsigned long long)rows, (long long)classes);
    if (ndim == GM_MAX_DIMS) return gm__fail_ctx(ctx, GM_EARG, "dataset_from_callback: a row has at most 7 dimensions");
    GM__TRY(gm__shape_check(gm__ctx_err(ctx), "dataset_from_callback", ndim, shape, &size));
    if (!size) return gm__fail_ctx(ctx, GM_EARG, "dataset_from_callback: a row without values");
    GM__TRY(gm__dataset_make(ctx, &d));
    gm__column_new(d, "x", GM_F32, ndim, shape);
    if (classes) gm__column_new(d, "label", GM_I64, 0, NULL);
    d->rows = rows;
    d->classes = classes;
    d->fn = fn;
    d->user = user;
    *out = d;
    return GM_OK;
}

gm_status gm__dataset_call(gm_dataset *d, uint64_t row, float *x, int64_t *label)
{
    int64_t k = 0;
    uint64_t r = gm__dataset_origin(d, row);
    if (d->fn(r, x, &k, d->user)) return gm__fail_ctx(d->ctx, GM_ECANCELED, "data: the callback stopped at row %llu", (unsigned long long)r);
    if (d->classes && (k < 0 || k >= d->classes))
        return gm__fail_ctx(d->ctx, GM_EARG, "data: the callback gave label %lld for row %llu; classes are 0 to %lld", (long long)k,
                            (unsigned long long)r, (long long)d->classes - 1);
    *label = k;
    return GM_OK;
}

/* ---- parts --------------------------------------------------------------------------- */

/* The same columns without rows; the caller sets rows and the place of each. */
static gm_status part(gm_dataset *d, gm_dataset **out)
{
    GM__TRY(gm__dataset_make(d->ctx, out));
    memcpy((*out)->column, d->column, (size_t)d->n_columns * sizeof *d->column);
    (*out)->n_columns = d->n_columns;
    for (int32_t i = 0; i < d->n_columns; i++) {
        if (d->column[i].t) gm__retain(d->column[i].t);
        if (d->column[i].offset) gm__retain(d->column[i].offset);
        if (d->column[i].source) gm__retain(d->column[i].source);
    }
    (*out)->classes = d->classes;
    (*out)->names = d->names;
    if (d->names) gm__retain(d->names);
    (*out)->fn = d->fn;
    (*out)->user = d->user;
    (*out)->host = d->host;
    (*out)->modes = d->modes;
    (*out)->modes_sigma = d->modes_sigma;
    return GM_OK;
}

gm_status gm_dataset_range(gm_dataset *d, uint64_t first, uint64_t end, uint64_t stride, gm_dataset **out)
{
    gm_dataset *p;
    if (out) *out = NULL;
    CHECK(d);
    if (!out) return gm__fail_ctx(d->ctx, GM_EARG, "range: out is NULL");
    if (first >= end || end > d->rows || !stride)
        return gm__fail_ctx(d->ctx, GM_EARG, "range [%llu:%llu:%llu] does not fit a data set of %llu rows", (unsigned long long)first,
                            (unsigned long long)end, (unsigned long long)stride, (unsigned long long)d->rows);
    GM__TRY(part(d, &p));
    p->rows = (end - first - 1) / stride + 1;
    if (d->index) {
        p->index = gm__alloc(d->ctx, p->rows, sizeof *p->index);
        if (!p->index) {
            gm_dataset_free(p);
            return GM_ENOMEM;
        }
        for (uint64_t r = 0; r < p->rows; r++) p->index[r] = d->index[first + r * stride];
    } else {
        p->first = d->first + first * d->stride;
        p->stride = p->rows > 1 ? d->stride * stride : 1;
    }
    *out = p;
    return GM_OK;
}

gm_status gm_dataset_split(gm_dataset *d, double fraction, uint64_t seed, gm_dataset **first, gm_dataset **second)
{
    gm_dataset *p[2] = { NULL, NULL };
    uint64_t *order = NULL;
    uint8_t *in_first = NULL;
    if (first) *first = NULL;
    if (second) *second = NULL;
    CHECK(d);
    if (!first || !second) return gm__fail_ctx(d->ctx, GM_EARG, "split: an argument is NULL");
    if (!(fraction >= 0 && fraction <= 1)) return gm__fail_ctx(d->ctx, GM_EARG, "split: fraction %g is not in [0,1]", fraction);
    uint64_t n = (uint64_t)floor(fraction * (double)d->rows + 0.5), at[2] = { 0, 0 };
    if (n < 1 || n >= d->rows)
        return gm__fail_ctx(d->ctx, GM_EARG, "split: fraction %g of %llu rows leaves a part empty", fraction, (unsigned long long)d->rows);
    gm_status s = GM_ENOMEM;
    order = gm__alloc(d->ctx, d->rows, sizeof *order);
    in_first = gm__calloc(d->ctx, d->rows, 1);
    if (!order || !in_first) goto done;
    for (int i = 0; i < 2; i++) {
        s = part(d, &p[i]);
        if (s) goto done;
        p[i]->rows = i ? d->rows - n : n;
        p[i]->index = gm__alloc(d->ctx, p[i]->rows, sizeof *order);
        s = p[i]->index ? GM_OK : GM_ENOMEM;
        if (s) goto done;
    }
    gm__rng r = gm__rng_make(gm__stream_make(seed, GM__R_SHUFFLE, 0, 1)); /* epochs use a = 0 */
    gm__permutation(&r, order, d->rows);
    for (uint64_t i = 0; i < n; i++) in_first[order[i]] = 1;
    for (uint64_t i = 0; i < d->rows; i++) { /* each part keeps the order of the whole */
        int which = !in_first[i];
        p[which]->index[at[which]++] = gm__dataset_origin(d, i);
    }
    *first = p[0];
    *second = p[1];
    p[0] = p[1] = NULL;
done:
    gm_dataset_free(p[0]);
    gm_dataset_free(p[1]);
    gm__free(d->ctx, order);
    gm__free(d->ctx, in_first);
    return s;
}

/* ---- questions ------------------------------------------------------------------------ */

uint64_t gm_dataset_rows(const gm_dataset *d) { return gm__is(d, GM__DATASET) ? d->rows : 0; }

int32_t gm_dataset_columns(const gm_dataset *d) { return gm__is(d, GM__DATASET) ? d->n_columns : 0; }

const char *gm_dataset_column_name(const gm_dataset *d, int32_t i)
{
    return gm__is(d, GM__DATASET) && i >= 0 && i < d->n_columns ? d->column[i].name : NULL;
}

static const gm__column *find(const gm_dataset *d, const char *name)
{
    return gm__is(d, GM__DATASET) && name ? gm__dataset_column(d, name) : NULL;
}

int32_t gm_dataset_shape(const gm_dataset *d, const char *column, int64_t shape[8])
{
    const gm__column *c = find(d, column);
    if (!c) return -1;
    for (int i = 0; shape && i < c->ndim; i++) shape[i] = c->shape[i];
    return c->ndim;
}

int32_t gm_dataset_dtype(const gm_dataset *d, const char *column)
{
    const gm__column *c = find(d, column);
    return c ? c->dtype : -1;
}

int64_t gm_dataset_classes(const gm_dataset *d) { return gm__is(d, GM__DATASET) ? d->classes : 0; }

const char *gm_dataset_class_name(const gm_dataset *d, int64_t k)
{
    bool known = gm__is(d, GM__DATASET) && d->names && k >= 0 && (uint64_t)k < d->names->words.n;
    return known ? gm__word_text(&d->names->words, (size_t)k) : NULL;
}
