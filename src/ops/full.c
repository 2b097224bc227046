/* full.c - a tensor of one value. attr.i: [0] ndim, [1..8] shape, [9] dtype; attr.f[0]: the value. */
#include "ops/elementwise.h"

#include <string.h>

static gm_status infer(gm__call *c)
{
    int64_t size;
    GM__TRY(gm__shape_check(c->err, "full", (int32_t)c->attr->i[0], c->attr->i + 1, &size));
    if (c->attr->i[9] < GM_F32 || c->attr->i[9] > GM_BF16) return gm__fail(c->err, GM_EDTYPE, "full: no type has number %lld", (long long)c->attr->i[9]);
    gm__out_shape(c, (int)c->attr->i[9], (int)c->attr->i[0], c->attr->i + 1);
    return GM_OK;
}
static gm_status forward(gm__call *c)
{
    gm_tensor *y = c->out;
    double v = c->attr->f[0];
    if (v == 0) {
        memset(y->data, 0, (size_t)y->size * gm__esize(y->dtype));
    } else if (gm__is_float(y->dtype)) {
        double p[2] = {v, 0};
        gm__ew1(c->ctx, GM__U_FILL, y, y, p, false);
    } else { /* the conversion of one double is defined in one place */
        gm_tensor one = *y;
        one.dtype = GM_F64;
        one.ndim = 0;
        one.size = 1;
        one.contiguous = true;
        one.data = (char *)&v;
        gm__copy_values(c->ctx, y, &one);
    }
    return GM_OK;
}
const gm__op gm__op_full = {"full", 0, GM__OP_NOGRAD, infer, forward, NULL, NULL,
    "i=2,3,4,0,0,0,0,0,0,1 f=2.5 | i=0,0,0,0,0,0,0,0,0,1 f=-1 | i=1,0,0,0,0,0,0,0,0,1 f=1 | i=1,5,0,0,0,0,0,0,0,2 f=7.9 | i=1,5,0,0,0,0,0,0,0,4 f=1 | "
    "i=5,2,1,3,1,2,0,0,0,1 f=3 | i=2,0,4,0,0,0,0,0,0,1 f=1 | i=3,1,1,1,0,0,0,0,0,1 f=-2 | "
    "i=1,17,0,0,0,0,0,0,0,3 f=-3.9 | i=0,0,0,0,0,0,0,0,0,2 f=5 | i=2,7,17,0,0,0,0,0,0,1 f=0 | "
    "i=2,3,1,0,0,0,0,0,0,4 f=2"};

gm_tensor *gm_full(gm_tape *t, int32_t dtype, int32_t ndim, const int64_t *shape, double v)
{
    gm__attr a;
    if (!gm__attr_shape(t, "full", &a, ndim, shape)) return NULL;
    a.i[9] = dtype;
    a.f[0] = v;
    return gm__apply(t, &gm__op_full, NULL, 0, &a);
}
gm_tensor *gm_zeros(gm_tape *t, int32_t dtype, int32_t ndim, const int64_t *shape) { return gm_full(t, dtype, ndim, shape, 0); }
