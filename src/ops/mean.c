/* mean.c - means over an axis or all; of nothing NaN. attr.i: axis, keep. */
#include "ops/reduce.h"

static gm_status forward(gm__call *c)
{
    gm_tensor *x = gm__tape_contiguous(c->t, c->in[0]);
    if (!x) return gm__recorded(c->t);
    gm__axes a = gm__axes_of(x, c->attr->i[0]);
    gm__sum_axes(c->ctx, gm__f64_of(x), a, c->out->data, x->data);
    double p[2] = {(double)a.n, 0};
    gm_tensor count = {.dtype = GM_F64, .contiguous = true, .size = 1, .data = (char *)p};
    float f = (float)a.n;
    if (!gm__f64_of(x)) {
        count.dtype = GM_F32;
        count.data = (char *)&f;
    }
    gm__ew2(c->ctx, GM__B_DIV, c->out, c->out, &count, NULL, false);
    return GM_OK;
}
static gm_status fused(gm_tape *t, const gm__node *n, gm_tensor *gy, const bool *want)
{
    bool add;
    gm_tensor view, *g = gm__grad_into(t, n, 0, &add);
    double p[2] = {1 / (double)gm__axes_of(n->in[0], n->attr.i[0]).n, 0};
    GM__UNUSED(want);
    if (!g) return gm__recorded(t);
    gm__unreduced_view(n, gy, &view);
    gm__ew1(t->ctx, GM__U_AFFINE, g, &view, p, add);
    return GM_OK;
}
static void vjp(gm_tape *t, const gm__node *n, gm_tensor *gy, const bool *want, gm_tensor **gx)
{
    double count = (double)gm__axes_of(n->in[0], n->attr.i[0]).n;
    GM__UNUSED(want);
    gx[0] = gm_expand(t, gm__unreduced(t, n, gm__scale(t, gy, 1 / count)), n->in[0]->ndim, n->in[0]->shape);
}
const gm__op gm__op_mean = {"mean", 1, 0, gm__infer_reduce, forward, vjp, fused,
    "7,17 i=1,0 | 7,17 i=0,1 | 2,3,4:t i=1,0 | . i=127,0 | 3,5 i=127,0 | 3,5 i=127,1 | 5,9:s i=-1,1 | 1 i=0,0 | 2,0,3 i=0,0 | "
    "2,1,3,1,2 i=-3,0 | 17,7:ts i=0,1 | 1,1,1 i=127,1"};

gm_tensor *gm_mean(gm_tape *t, gm_tensor *x, int32_t axis, int32_t keep) { return gm__reduce(t, &gm__op_mean, x, axis, keep); }
