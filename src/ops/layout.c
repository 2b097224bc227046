/* layout.c - channels-last views, and elementwise ops that keep that order. */
#include "ops/layout.h"

bool gm__is_last(const gm_tensor *x)
{
    int64_t step = x->ndim > 1 ? x->shape[1] : 1;
    if (x->contiguous || x->ndim < 3 || x->size == 0) return false;
    if (x->shape[1] > 1 && x->stride[1] != 1) return false;
    for (int i = x->ndim - 1; i >= 0; i--) {
        if (i == 1) continue;
        if (x->shape[i] > 1 && x->stride[i] != step) return false;
        step *= x->shape[i];
    }
    return true;
}

static gm_tensor *turn_to_last(gm_tape *t, gm_tensor *x)
{
    int32_t axes[GM_MAX_DIMS] = {0};
    for (int i = 1; i < x->ndim - 1; i++) axes[i] = i + 1;
    axes[x->ndim - 1] = 1;
    return gm_permute(t, x, axes);
}

gm_tensor *gm__to_last(gm_tape *t, gm_tensor *x)
{
    char a[128];
    if (!gm__tape_ok(t)) return NULL;
    if (!gm__is(x, GM__TENSOR)) return gm__alias(t, x); /* which says what is wrong */
    if (x->ndim < 3) return gm__tape_fail(t, GM_ESHAPE, "images [N, C, ..] wanted, got %s", gm__shape_text(a, x->ndim, x->shape));
    gm_tensor *y = turn_to_last(t, x);
    return y && !y->contiguous ? gm__copy(t, y) : y;
}

gm_tensor *gm__from_last(gm_tape *t, gm_tensor *x)
{
    int32_t axes[GM_MAX_DIMS] = {0};
    if (!x) return NULL;
    axes[1] = x->ndim - 1;
    for (int i = 2; i < x->ndim; i++) axes[i] = i - 1;
    return gm_permute(t, x, axes);
}

/* The input in the order of an nd-dimensional image; numbers stay as they are. */
static gm_tensor *turned(gm_tape *t, gm_tensor *x, int nd)
{
    int64_t shape[GM_MAX_DIMS];
    if (!x || x->size == 1) return x;
    if (x->ndim < nd) {
        for (int i = 0; i < nd; i++) shape[i] = i < nd - x->ndim ? 1 : x->shape[i - (nd - x->ndim)];
        if (!(x = gm_reshape(t, x, nd, shape))) return NULL;
    }
    return turn_to_last(t, x);
}

bool gm__apply_last(gm_tape *t, const gm__op *op, gm_tensor *const *in, int32_t nin, const gm__attr *attr, gm_tensor **out)
{
    gm_tensor *now[4];
    int nd = 0;
    if (nin > (int32_t)GM__COUNT(now)) return false;
    for (int32_t i = 0; i < nin; i++)
        if (in[i] && gm__is_last(in[i])) nd = in[i]->ndim;
    for (int32_t i = 0; i < nin; i++)
        if (in[i] && in[i]->ndim > nd) return false;
    if (nd == 0) return false;
    *out = NULL;
    for (int32_t i = 0; i < nin; i++) {
        now[i] = turned(t, in[i], nd);
        /* with sizes of 1 a row-major input turned may look channels-last itself, and would be turned for ever */
        if (now[i] && gm__is_last(now[i])) now[i] = gm__copy(t, now[i]);
        if (!now[i] && in[i]) return true;
    }
    *out = gm__from_last(t, gm__apply(t, op, now, nin, attr));
    return true;
}
