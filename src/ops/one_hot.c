/* one_hot.c - 1 at the place of a label, 0 elsewhere: [..] gives [.., classes]. attr.i: classes, dtype. */
#include "ops/index.h"

#include <string.h>

static gm_status infer(gm__call *c)
{
    const gm_tensor *ix = c->in[0];
    const int64_t *i = c->attr->i;
    char a[128];
    GM__TRY(gm__index_type(c, ix));
    if (!gm__is_float((int)i[1])) return gm__fail(c->err, GM_EDTYPE, "one_hot: the result has type number %lld, f32 or f64 wanted", (long long)i[1]);
    if (ix->ndim == GM_MAX_DIMS || i[0] < 0)
        return gm__fail(c->err, GM_ESHAPE, "one_hot: %lld classes of labels %s", (long long)i[0], gm__shape_text(a, ix->ndim, ix->shape));
    gm__out_shape(c, (int)i[1], ix->ndim, ix->shape);
    c->out->shape[c->out->ndim++] = i[0];
    return GM_OK;
}
static gm_status forward(gm__call *c)
{
    const int64_t *v;
    gm_tensor *y = c->out;
    int64_t classes = c->attr->i[0];
    GM__TRY(gm__index_read(c->t, "one_hot", c->in[0], classes, &v));
    memset(y->data, 0, (size_t)y->size * gm__esize(y->dtype));
    for (int64_t i = 0; i < c->in[0]->size; i++) {
        if (gm__f64_of(y)) gm__f64(y)[i * classes + v[i]] = 1;
        else gm__f32(y)[i * classes + v[i]] = 1;
    }
    return GM_OK;
}
const gm__op gm__op_one_hot = {"one_hot", 1, GM__OP_NOGRAD, infer, forward, NULL, NULL,
    "7:k5 i=5,1 | 17:K10 i=10,0 | .:k3 i=3,1 | 0:k3 i=3,1 | 2,3:k4t i=4,1 | 5,3:K4s i=7,0 | 1:k1 i=1,1 | 1,7:k2 i=2,1 | 2,1,3:k6 i=6,1 | 7,1:K3 i=17,1 | 0,2:k1 i=0,1 | 17:k17 i=17,0"};

gm_tensor *gm_one_hot(gm_tape *t, gm_tensor *label, int64_t classes, int32_t dtype)
{
    gm__attr a = {.i = {classes, dtype}};
    return gm__apply(t, &gm__op_one_hot, &label, 1, &a);
}
