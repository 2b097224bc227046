/* read_npz.c - arrays of an .npz file as columns: x=KEY, label=KEY, y=KEY. */
#include "data/data.h"
#include <string.h>

/* t, or a copy of another type in its place. */
static gm_status as_type(gm_tensor **t, int dtype)
{
    gm_tensor *from = *t, *to;
    if (from->dtype == dtype) return GM_OK;
    GM__TRY(gm__tensor_make(from->ctx, gm__ctx_err(from->ctx), dtype, from->ndim, from->shape, false, &to));
    for (int64_t i = 0; i < from->size; i++) {
        double v;
        int64_t k = 0;
        switch (from->dtype) {
        case GM_U8: v = (double)(k = ((const uint8_t *)from->data)[i]); break;
        case GM_I32: v = (double)(k = ((const int32_t *)(void *)from->data)[i]); break;
        case GM_I64: v = (double)(k = ((const int64_t *)(void *)from->data)[i]); break;
        case GM_F64: v = gm__f64(from)[i]; break;
        default: v = (double)gm__f32(from)[i];
        }
        if (dtype == GM_I64) ((int64_t *)(void *)to->data)[i] = k;
        else gm__f32(to)[i] = (float)v;
    }
    gm_tensor_free(from);
    *t = to;
    return GM_OK;
}

static bool whole(const gm_tensor *t) { return t->dtype == GM_U8 || t->dtype == GM_I32 || t->dtype == GM_I64; }

static gm_status add(const gm__zip *z, const gm__zip_entry *e, const char *column, gm_dataset *d)
{
    gm__in *in = NULL;
    gm_tensor *t = NULL;
    bool boolean = false;
    gm_status s = gm__zip_in(z, e, &in);
    if (!s) s = gm__npy_load(in, &t, &boolean);
    gm__in_close(in);
    if (!s && (t->ndim < 1 || !t->size)) s = gm__fail_ctx(z->ctx, GM_EFORMAT, "%s: npz: '%s' has no rows", z->name, e->name);
    if (!s && !strcmp(column, "label") && whole(t)) s = as_type(&t, GM_I64);
    else if (!s && (boolean || !strcmp(column, "y"))) s = as_type(&t, GM_F32); /* u8 would mean shades up to 255 */
    if (!s && !strcmp(column, "y") && t->ndim == 1) { /* as csv gives it */
        t->ndim = 2;
        t->shape[1] = 1;
        t->stride[1] = 1;
    }
    if (!s) s = gm__dataset_add(d, column, t);
    gm_tensor_free(t);
    return s;
}

gm_status gm__npz_load(const gm__zip *z, const gm__spec *spec, gm_dataset *d)
{
    static const char *const columns[] = { "x", "label", "y" };
    const gm__zip_entry *e;
    for (size_t i = 0; i < GM__COUNT(columns); i++) {
        const char *key = gm__spec_opt(spec, columns[i]);
        bool alone = !key && !i && z->n == 1; /* the only array is x */
        if (!key && i) continue;
        if (alone) e = &z->entry[0];
        else GM__TRY(gm__npz_find(z, key ? key : "x", &e));
        GM__TRY(add(z, e, columns[i], d));
    }
    return GM_OK;
}

gm_status gm__open_npz(gm_ctx *ctx, const gm__spec *spec, gm_dataset *d)
{
    gm__zip *z;
    GM__TRY(gm__spec_only(ctx, spec, 1, "x label y"));
    GM__TRY(gm__zip_open(ctx, spec->path[0], &z));
    gm_status s = gm__npz_load(z, spec, d);
    gm__zip_close(z);
    return s;
}
