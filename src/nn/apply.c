/* apply.c - running a net on a tape. */
#include "nn/net.h"
#include <string.h>

/* Runs layer i and those after it that it can take into its own pass; the number of layers run. */
static size_t apply_some(const gm__run *r, gm__seq *s, size_t i, gm_tensor **x)
{
    gm__layer *l = &s->layers[i], *end = s->layers + s->n, *next = l + 1;
    bool doubled = l->doubles && next < end && next->takes_doubled; /* a product on the small image */
    if (doubled) l = next++;
    bool fused = l->kind->apply_act && next < end && next->kind->act; /* one pass over the product's result */
    int32_t act = fused ? next->kind->act : GM_ACT_NONE;
    if (doubled) *x = l->kind->apply_doubled(r, l, *x, act, fused ? next->v[0] : 0);
    else if (fused) *x = l->kind->apply_act(r, l, *x, act, next->v[0]);
    else *x = l->kind->apply(r, l, *x);
    return 1 + doubled + fused;
}

gm_tensor *gm__apply_seq(const gm__run *r, gm__seq *s, gm_tensor *x)
{
    for (size_t i = 0; i < s->n && x;) i += apply_some(r, s, i, &x);
    return x;
}

gm_tensor *gm__apply_reshape(const gm__run *r, gm_tensor *x, const gm__row *from, const gm__row *to)
{
    int64_t shape[2 * GM_MAX_DIMS];
    int lead = x->ndim - from->ndim;
    if (gm__row_equal(from, to)) return x;
    for (int d = 0; d < lead; d++) shape[d] = x->shape[d];
    for (int d = 0; d < to->ndim; d++) shape[lead + d] = to->dim[d];
    return gm_reshape(r->t, x, lead + to->ndim, shape);
}

gm_tensor *gm__apply_batch(const gm__run *r, gm_tensor *x, const gm__row *in)
{
    int64_t shape[GM_MAX_DIMS] = {1};
    int lead = x->ndim - in->ndim;
    if (lead == 1) return x;
    for (int d = 0; d < lead; d++) shape[0] *= x->shape[d];
    for (int d = 0; d < in->ndim; d++) shape[1 + d] = x->shape[lead + d];
    return gm_reshape(r->t, x, 1 + in->ndim, shape);
}

gm_tensor *gm__apply_unbatch(const gm__run *r, gm_tensor *y, const gm_tensor *x, const gm__row *in)
{
    int64_t shape[2 * GM_MAX_DIMS];
    int lead = x->ndim - in->ndim;
    if (!y || lead == 1) return y;
    for (int d = 0; d < lead; d++) shape[d] = x->shape[d];
    for (int d = 1; d < y->ndim; d++) shape[lead + d - 1] = y->shape[d];
    return gm_reshape(r->t, y, lead + y->ndim - 1, shape);
}

gm_tensor *gm__join_cond(const gm__run *r, gm_tensor *x)
{
    gm_tensor *c = r->cond;
    int64_t shape[GM_MAX_DIMS];
    memcpy(shape, x->shape, sizeof shape);
    shape[x->ndim - 1] = r->net->cond;
    if (c->ndim != x->ndim || memcmp(shape, c->shape, (size_t)c->ndim * sizeof *shape) != 0) c = gm_expand(r->t, c, x->ndim, shape);
    return gm_concat(r->t, (gm_tensor *[]){x, c}, 2, -1);
}

/* x ends in the row's sizes, with at least one axis before them */
static bool fits(const gm_tensor *x, const gm__row *row)
{
    int lead = x->ndim - row->ndim;
    return lead >= 1 && memcmp(x->shape + lead, row->dim, (size_t)row->ndim * sizeof row->dim[0]) == 0;
}

static bool check_inputs(gm_net *net, gm_tape *t, const gm_tensor *x, const gm_tensor *cond)
{
    char got[128], row[128];
    if (!gm__is(net, GM__NET)) return gm__tape_fail(t, GM_EARG, "net_apply: not a net"), false;
    if (gm__check_tensor(&t->err, "net_apply", "x", x)) return false;
    if (!fits(x, &net->in))
        return gm__tape_fail(t, GM_ESHAPE, "net_apply: x is %s, expected rows of %s after a batch axis", gm__shape_text(got, x->ndim, x->shape),
                             gm__row_text(row, &net->in)), false;
    if (!net->cond != !cond)
        return gm__tape_fail(t, GM_EARG, cond ? "net_apply: the net takes no condition" : "net_apply: the net needs a condition"), false;
    if (!cond) return true;
    if (gm__check_tensor(&t->err, "net_apply", "cond", cond)) return false;
    if (cond->ndim < 1 || cond->shape[cond->ndim - 1] != net->cond)
        return gm__tape_fail(t, GM_ESHAPE, "net_apply: condition is %s, expected %lld numbers a row", gm__shape_text(got, cond->ndim, cond->shape),
                             (long long)net->cond), false;
    return true;
}

gm_tensor *gm_net_apply(gm_net *net, gm_tape *t, gm_tensor *x, gm_tensor *cond)
{
    if (!gm__tape_ok(t) || !check_inputs(net, t, x, cond)) return NULL;
    /* several threads may run one net: written once, never when it already stands */
    if (!atomic_load_explicit(&net->applied, memory_order_relaxed)) atomic_store_explicit(&net->applied, true, memory_order_relaxed);
    gm__run r = {.net = net, .t = t, .cond = cond};
    if (cond && !net->body.has_cond) {
        gm__row flat = {.ndim = 1, .dim = {1}};
        for (int d = 0; d < net->in.ndim; d++) flat.dim[0] *= net->in.dim[d];
        x = gm__apply_reshape(&r, x, &net->in, &flat);
        x = x ? gm__join_cond(&r, x) : NULL;
    }
    return gm__apply_seq(&r, &net->body.root, x);
}
