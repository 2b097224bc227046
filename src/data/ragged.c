/* ragged.c - columns whose rows differ in length: the values of all rows one after the other, and i64 offsets, where
 * row r is values[offset[r] .. offset[r+1]). A batch pads with zeros to the longest row of the data and has a column
 * "length". */
#include "data/data.h"
#include <string.h>

static gm_status check(gm_dataset *d, const char *name, const gm_tensor *values, const gm_tensor *offsets, int64_t *longest)
{
    char text[128];
    const int64_t *at = (const int64_t *)(const void *)offsets->data;
    if (values->ndim < 1 || !values->contiguous)
        return gm__fail_ctx(d->ctx, GM_ESHAPE, "data: ragged column '%s': values of shape %s are not contiguous or have no first axis", name,
                            gm__shape_text(text, values->ndim, values->shape));
    if (offsets->dtype != GM_I64) return gm__fail_ctx(d->ctx, GM_EDTYPE, "data: ragged column '%s': offsets must be i64, not %s", name, gm_dtype_name(offsets->dtype));
    if (offsets->ndim != 1 || offsets->shape[0] < 2 || !offsets->contiguous)
        return gm__fail_ctx(d->ctx, GM_ESHAPE, "data: ragged column '%s': offsets must be [rows + 1], not %s", name,
                            gm__shape_text(text, offsets->ndim, offsets->shape));
    for (int64_t r = 0; r + 1 < offsets->shape[0]; r++) {
        if (at[r] < 0 || at[r + 1] < at[r] || at[r + 1] > values->shape[0])
            return gm__fail_ctx(d->ctx, GM_EARG, "data: ragged column '%s': row %lld is [%lld,%lld) of %lld values", name, (long long)r,
                                (long long)at[r], (long long)at[r + 1], (long long)values->shape[0]);
        if (at[r + 1] - at[r] > *longest) *longest = at[r + 1] - at[r];
    }
    if (!*longest || !values->size) return gm__fail_ctx(d->ctx, GM_ESHAPE, "data: ragged column '%s': every row is empty", name);
    return GM_OK;
}

static gm_status add_lengths(gm_dataset *d, const gm_tensor *offsets)
{
    int64_t rows = offsets->shape[0] - 1;
    const int64_t *at = (const int64_t *)(const void *)offsets->data;
    gm_tensor *t;
    GM__TRY(gm__tensor_make(d->ctx, gm__ctx_err(d->ctx), GM_I64, 1, &rows, false, &t));
    for (int64_t r = 0; r < rows; r++) ((int64_t *)(void *)t->data)[r] = at[r + 1] - at[r];
    gm_status s = gm__dataset_add(d, "length", t);
    gm_tensor_free(t);
    return s;
}

gm_status gm__dataset_add_ragged(gm_dataset *d, gm_tensor *values, gm_tensor *offsets)
{
    int64_t shape[GM_MAX_DIMS], longest = 0;
    GM__TRY(check(d, "x", values, offsets, &longest));
    shape[0] = longest;
    for (int i = 1; i < values->ndim; i++) shape[i] = values->shape[i];
    d->rows = (uint64_t)offsets->shape[0] - 1;
    gm__column *c = gm__column_new(d, "x", values->dtype, values->ndim, shape);
    c->t = values;
    c->offset = offsets;
    gm__retain(values);
    gm__retain(offsets);
    return add_lengths(d, offsets);
}

void gm__ragged_row(const gm__column *c, uint64_t origin, const char **p, size_t *n)
{
    const int64_t *at = (const int64_t *)(const void *)c->offset->data + origin;
    size_t each = (size_t)(c->row_elems / c->shape[0]); /* numbers of one element of the row */
    *p = c->t->data + (size_t)at[0] * each * gm__esize(c->dtype);
    *n = (size_t)(at[1] - at[0]) * each;
}

gm_status gm_dataset_from_ragged(gm_ctx *ctx, gm_tensor *values, gm_tensor *offsets, gm_tensor *label, gm_dataset **out)
{
    gm_dataset *d;
    if (out) *out = NULL;
    if (!gm__is(ctx, GM__CTX)) return GM_EARG;
    if (!out) return gm__fail_ctx(ctx, GM_EARG, "dataset_from_ragged: out is NULL");
    GM__TRY(gm__check_tensor(gm__ctx_err(ctx), "dataset_from_ragged", "values", values));
    GM__TRY(gm__check_tensor(gm__ctx_err(ctx), "dataset_from_ragged", "offsets", offsets));
    if (label) GM__TRY(gm__check_tensor(gm__ctx_err(ctx), "dataset_from_ragged", "label", label));
    if (values->tape || offsets->tape || (label && label->tape)) return gm__fail_ctx(ctx, GM_EARG, "dataset_from_ragged: the result of an op; copy it first");
    GM__TRY(gm__dataset_make(ctx, &d));
    gm_tensor *copy = NULL; /* of the offsets: checked once, they must not change */
    gm_status s = gm__tensor_make(ctx, gm__ctx_err(ctx), offsets->dtype, offsets->ndim, offsets->shape, false, &copy);
    if (!s) {
        gm__copy_values(ctx, copy, offsets);
        s = gm__dataset_add_ragged(d, values, copy);
    }
    if (!s && label) s = gm__dataset_add(d, "label", label);
    d->host = true;
    gm_tensor_free(copy);
    if (s == GM_EFORMAT) s = gm__ctx_err(ctx)->status = GM_EARG; /* the host's array, not a file */
    if (s) gm_dataset_free(d);
    else *out = d;
    return s;
}
