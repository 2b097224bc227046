/* index.c - reading and checking index tensors. */
#include "ops/index.h"

gm_status gm__index_type(gm__call *c, const gm_tensor *ix)
{
    if (ix->dtype == GM_I32 || ix->dtype == GM_I64) return GM_OK;
    return gm__fail(c->err, GM_EDTYPE, "%s: the index is %s, i32 or i64 wanted", c->op->name, gm_dtype_name(ix->dtype));
}

gm_status gm__index_read(gm_tape *t, const char *who, gm_tensor *ix, int64_t n, const int64_t **out)
{
    gm_tensor *wide = ix;
    if (ix->dtype != GM_I64) {
        if (!(wide = gm__tape_tensor(t, GM_I64, ix->ndim, ix->shape))) return gm__recorded(t);
        gm__copy_values(t->ctx, wide, ix);
    } else if (!(wide = gm__tape_contiguous(t, ix))) {
        return gm__recorded(t);
    }
    const int64_t *v = (const int64_t *)(const void *)wide->data;
    for (int64_t i = 0; i < wide->size; i++)
        if (v[i] < 0 || v[i] >= n)
            return gm__fail(&t->err, GM_EARG, "%s: index %lld at position %lld is not in [0,%lld)", who, (long long)v[i], (long long)i, (long long)n);
    *out = v;
    return GM_OK;
}
