/* nonzero.c - the row-major places where a mask is set. */
#include "ops/ops.h"

static int64_t count(const gm_tensor *m, int64_t *at)
{
    const gm_tensor *ops[1] = {m};
    int64_t n = 0, place = 0;
    gm__walk w;
    gm__walk_init(&w, m->ndim, m->shape, 1, ops);
    do {
        for (int64_t i = 0; i < w.inner; i++, place++)
            if (w.ptr[0][i * w.istride[0]]) {
                if (at) at[n] = place;
                n++;
            }
    } while (gm__walk_next(&w));
    return n;
}
static gm_status infer(gm__call *c)
{
    const gm_tensor *m = c->in[0];
    if (m->dtype != GM_U8) return gm__fail(c->err, GM_EDTYPE, "nonzero: the mask is %s, u8 wanted", gm_dtype_name(m->dtype));
    int64_t n = count(m, NULL);
    gm__out_shape(c, GM_I64, 1, &n);
    return GM_OK;
}
static gm_status forward(gm__call *c)
{
    count(c->in[0], (int64_t *)(void *)c->out->data);
    return GM_OK;
}
const gm__op gm__op_nonzero = {"nonzero", 1, GM__OP_NOGRAD, infer, forward, NULL, NULL,
    "7,17:b | 17:b | .:b | 0,3:b | 2,3,4:bt | 5,9:bs | 1:b | 1,1:b | 7,1:b | 1,17:bt | 2,2,3,3:b | 3,0:b"};

gm_tensor *gm_nonzero(gm_tape *t, gm_tensor *mask) { return gm__apply1(t, &gm__op_nonzero, mask); }
gm_tensor *gm_masked_select(gm_tape *t, gm_tensor *x, gm_tensor *mask)
{
    char a[128], b[128];
    int64_t all = -1;
    if (!gm__tape_ok(t)) return NULL;
    gm_tensor *at = gm_nonzero(t, mask);
    if (!at || !gm__is(x, GM__TENSOR)) return gm_reshape(t, x, 0, NULL); /* which says what is wrong */
    if (!gm__shape_equal(x, mask))
        return gm__tape_fail(t, GM_ESHAPE, "masked_select: x %s and mask %s differ", gm__shape_text(a, x->ndim, x->shape), gm__shape_text(b, mask->ndim, mask->shape));
    all = x->size;
    return gm_index_select(t, gm_reshape(t, x, 1, &all), 0, at);
}
