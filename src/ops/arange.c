/* arange.c - evenly spaced numbers. attr.i: [0] count, [1] dtype, [2] ends given; attr.f: first, step, last.
 * With both ends given the second half is counted back from the last, so that both are exact. */
#include "ops/ops.h"

#include <math.h>

static gm_status infer(gm__call *c)
{
    const int64_t *i = c->attr->i;
    int64_t size;
    if (i[1] < GM_F32 || i[1] > GM_BF16) return gm__fail(c->err, GM_EDTYPE, "arange: no type has number %lld", (long long)i[1]);
    GM__TRY(gm__shape_check(c->err, "arange", 1, i, &size));
    gm__out_shape(c, (int)i[1], 1, i);
    return GM_OK;
}
static gm_status forward(gm__call *c)
{
    gm_tensor *y = c->out, *w = y->dtype == GM_F64 ? y : gm__tape_tensor(c->t, GM_F64, 1, y->shape);
    const double *f = c->attr->f;
    if (!w) return gm__recorded(c->t);
    for (int64_t k = 0, n = y->size; k < n; k++)
        gm__f64(w)[k] = c->attr->i[2] && k >= (n + 1) / 2 ? f[2] - (double)(n - 1 - k) * f[1] : f[0] + (double)k * f[1];
    if (w != y) gm__copy_values(c->ctx, y, w);
    return GM_OK;
}
const gm__op gm__op_arange = {"arange", 0, GM__OP_NOGRAD, infer, forward, NULL, NULL,
    "i=7,1 f=0,1 | i=17,1 f=-2.5,0.5 | i=0,1 f=1,1 | i=1,1 f=3,1 | i=7,3 f=0,1 | i=5,2 f=10,-3 | i=9,0 f=0,0.25 | i=17,1,1 f=0,0.0625,1 | i=7,1,1 f=-1,0.5,2 | "
    "i=1,1,1 f=4,0,4 | i=2,1,1 f=1,3,4 | i=4,4 f=1,2"};

static gm_tensor *made(gm_tape *t, int64_t n, int32_t dtype, int ends, double first, double step, double last)
{
    gm__attr a = {.i = {n, dtype, ends}, .f = {first, step, last}};
    return gm__apply(t, &gm__op_arange, NULL, 0, &a);
}
gm_tensor *gm_arange(gm_tape *t, int32_t dtype, double start, double stop, double step)
{
    if (!gm__tape_ok(t)) return NULL;
    double n = ceil((stop - start) / step);
    if (step == 0 || !(n < 1e15)) return gm__tape_fail(t, GM_EARG, "arange: from %g to %g by %g", start, stop, step);
    return made(t, n > 0 ? (int64_t)n : 0, dtype, 0, start, step, 0);
}
gm_tensor *gm_linspace(gm_tape *t, int32_t dtype, double first, double last, int64_t n)
{
    if (!gm__tape_ok(t)) return NULL;
    if (n < 0) return gm__tape_fail(t, GM_EARG, "linspace: %lld numbers", (long long)n);
    return made(t, n, dtype, 1, first, n > 1 ? (last - first) / (double)(n - 1) : 0, last);
}
