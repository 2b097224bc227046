/* common.c - shape rules and small expressions that many ops share. */
#include "ops/ops.h"

#include <string.h>

int gm__axis(gm__call *c, int64_t axis, int ndim)
{
    if (axis >= -ndim && axis < ndim) return (int)(axis < 0 ? axis + ndim : axis);
    gm__fail(c->err, GM_ESHAPE, "%s: axis %lld is not in [-%d,%d)", c->op->name, (long long)axis, ndim, ndim);
    return -1;
}

void gm__out_shape(gm__call *c, int dtype, int ndim, const int64_t *shape)
{
    c->out->dtype = (int8_t)dtype;
    c->out->ndim = (int8_t)ndim;
    for (int i = 0; i < ndim; i++) c->out->shape[i] = shape[i];
}

gm_status gm__want_float(gm__call *c)
{
    const gm_tensor *first = NULL;
    for (int i = 0; i < c->nin; i++) {
        const gm_tensor *x = c->in[i];
        if (!x) continue;
        if (!gm__is_float(x->dtype))
            return gm__fail(c->err, GM_EDTYPE, "%s: input %d is %s, f32 or f64 wanted", c->op->name, i, gm_dtype_name(x->dtype));
        if (!first) first = x;
        if (x->dtype != first->dtype)
            return gm__fail(c->err, GM_EDTYPE, "%s: types differ: %s and %s", c->op->name, gm_dtype_name(first->dtype), gm_dtype_name(x->dtype));
    }
    return GM_OK;
}

gm_status gm__infer_same(gm__call *c)
{
    GM__TRY(gm__want_float(c));
    gm__out_shape(c, c->in[0]->dtype, c->in[0]->ndim, c->in[0]->shape);
    return GM_OK;
}

gm_status gm__infer_alike(gm__call *c)
{
    char a[128], b[128];
    GM__TRY(gm__infer_same(c));
    for (int i = 1; i < c->nin; i++)
        if (!gm__shape_equal(c->in[0], c->in[i]))
            return gm__fail(c->err, GM_ESHAPE, "%s: shapes differ: %s and %s", c->op->name, gm__shape_text(a, c->in[0]->ndim, c->in[0]->shape),
                            gm__shape_text(b, c->in[i]->ndim, c->in[i]->shape));
    return GM_OK;
}

gm_status gm__infer_broadcast(gm__call *c)
{
    char a[128], b[128];
    GM__TRY(gm__infer_same(c));
    for (int i = 1; i < c->nin; i++) {
        int nd;
        int64_t shape[GM_MAX_DIMS];
        if (!gm__broadcast(c->out->ndim, c->out->shape, c->in[i]->ndim, c->in[i]->shape, &nd, shape))
            return gm__fail(c->err, GM_ESHAPE, "%s: shapes do not broadcast: %s and %s", c->op->name, gm__shape_text(a, c->out->ndim, c->out->shape),
                            gm__shape_text(b, c->in[i]->ndim, c->in[i]->shape));
        gm__out_shape(c, c->out->dtype, nd, shape);
    }
    return GM_OK;
}

bool gm__attr_shape(gm_tape *t, const char *who, gm__attr *a, int32_t ndim, const int64_t *shape)
{
    if (!gm__tape_ok(t)) return false;
    memset(a, 0, sizeof *a);
    if (ndim < 0 || ndim > GM_MAX_DIMS) {
        gm__tape_fail(t, GM_ESHAPE, "%s: %d dimensions, 0 to %d wanted", who, (int)ndim, (int)GM_MAX_DIMS);
        return false;
    }
    if (ndim > 0 && !shape) {
        gm__tape_fail(t, GM_EARG, "%s: shape is NULL", who);
        return false;
    }
    a->i[0] = ndim;
    for (int i = 0; i < ndim; i++) a->i[1 + i] = shape[i];
    return true;
}

gm_tensor *gm__reduce_loss(gm_tape *t, gm_tensor *loss, int32_t reduce)
{
    if (reduce == GM_NONE) return loss;
    if (reduce == GM_MEAN) return gm_mean(t, loss, GM_ALL_AXES, 0);
    if (reduce == GM_SUM) return gm_sum(t, loss, GM_ALL_AXES, 0);
    return gm__tape_fail(t, GM_EARG, "reduce: %d is none of GM_NONE, GM_MEAN, GM_SUM", (int)reduce);
}

gm_tensor *gm__number(gm_tape *t, const gm_tensor *like, double v) { return gm_full(t, like->dtype, 0, NULL, v); }
gm_tensor *gm__scale(gm_tape *t, gm_tensor *x, double a) { return gm_affine(t, x, a, 0); }
gm_tensor *gm__alias(gm_tape *t, gm_tensor *x) { return x ? gm_reshape(t, x, x->ndim, x->shape) : gm_reshape(t, x, 0, NULL); }
gm_tensor *gm__reshape_like(gm_tape *t, gm_tensor *x, const gm_tensor *like) { return gm_reshape(t, x, like->ndim, like->shape); }

bool gm__expand_all(gm_tape *t, const char *who, gm_tensor **in, int n)
{
    if (!gm__tape_ok(t)) return false;
    int nd = 0;
    int64_t shape[GM_MAX_DIMS];
    bool differ = false;
    for (int i = 0; i < n; i++) {
        char a[128], b[128];
        if (!gm__is(in[i], GM__TENSOR)) return true; /* the op itself says which argument is wrong */
        differ = differ || !gm__shape_equal(in[0], in[i]);
        int64_t both[GM_MAX_DIMS];
        int nb;
        if (!gm__broadcast(nd, shape, in[i]->ndim, in[i]->shape, &nb, both)) {
            gm__tape_fail(t, GM_ESHAPE, "%s: shapes do not broadcast: %s and %s", who, gm__shape_text(a, nd, shape),
                          gm__shape_text(b, in[i]->ndim, in[i]->shape));
            return false;
        }
        nd = nb;
        memcpy(shape, both, sizeof shape[0] * (size_t)nd);
    }
    if (!differ) return true;
    for (int i = 0; i < n; i++) {
        bool fits = in[i]->ndim == nd;
        for (int k = 0; fits && k < nd; k++) fits = in[i]->shape[k] == shape[k];
        if (!fits && !(in[i] = gm_expand(t, in[i], nd, shape))) return false;
    }
    return true;
}
