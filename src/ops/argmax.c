/* argmax.c - index of the first largest value over an axis or all; a NaN counts as largest. attr.i: axis, keep. */
#include "ops/reduce.h"

static gm_status infer(gm__call *c)
{
    GM__TRY(gm__infer_reduce_some(c));
    c->out->dtype = GM_I64;
    return GM_OK;
}
static gm_status forward(gm__call *c)
{
    gm_tensor *x = gm__tape_contiguous(c->t, c->in[0]);
    if (!x) return gm__recorded(c->t);
    bool f64 = gm__f64_of(x);
    size_t es = f64 ? 8 : 4;
    gm__axes a = gm__axes_of(x, c->attr->i[0]);
    int64_t *y = (int64_t *)(void *)c->out->data;
    for (size_t o = 0; o < a.outer; o++)
        for (size_t k = 0; k < a.inner; k++) {
            const char *p = x->data + (o * a.n * a.inner + k) * es;
            double best = gm__load(f64, p);
            int64_t at = 0;
            for (size_t i = 1; i < a.n && best == best; i++) {
                double v = gm__load(f64, p + i * a.inner * es);
                if (!(v <= best)) best = v, at = (int64_t)i;
            }
            y[o * a.inner + k] = at;
        }
    return GM_OK;
}
const gm__op gm__op_argmax = {"argmax", 1, GM__OP_NOGRAD, infer, forward, NULL, NULL,
    "7,17 i=1,0 | 7,17 i=0,1 | 2,3,4:t i=1,0 | . i=127,0 | 3,5 i=127,0 | 3,5 i=127,1 | 5,9:s i=-1,1 | 1 i=0,0 | 2,0,3 i=0,0 | "
    "2,1,3,1,2 i=-3,0 | 17,7:ts i=0,1 | 1,1,1 i=127,1"};

gm_tensor *gm_argmax(gm_tape *t, gm_tensor *x, int32_t axis, int32_t keep) { return gm__reduce(t, &gm__op_argmax, x, axis, keep); }
