/* where.c - c ? x : y, all three broadcast. */
#include "ops/elementwise.h"

static gm_status infer(gm__call *c)
{
    char a[128], b[128];
    const gm_tensor *cond = c->in[0], *x = c->in[1], *y = c->in[2];
    int nd;
    int64_t shape[GM_MAX_DIMS], both[GM_MAX_DIMS];
    if (cond->dtype != GM_U8) return gm__fail(c->err, GM_EDTYPE, "where: the condition is %s, u8 wanted", gm_dtype_name(cond->dtype));
    if (!gm__is_float(x->dtype)) return gm__fail(c->err, GM_EDTYPE, "where: input 1 is %s, f32 or f64 wanted", gm_dtype_name(x->dtype));
    if (x->dtype != y->dtype) return gm__fail(c->err, GM_EDTYPE, "where: types differ: %s and %s", gm_dtype_name(x->dtype), gm_dtype_name(y->dtype));
    if (!gm__broadcast(x->ndim, x->shape, y->ndim, y->shape, &nd, shape))
        return gm__fail(c->err, GM_ESHAPE, "where: shapes do not broadcast: %s and %s", gm__shape_text(a, x->ndim, x->shape), gm__shape_text(b, y->ndim, y->shape));
    int n2;
    if (!gm__broadcast(nd, shape, cond->ndim, cond->shape, &n2, both))
        return gm__fail(c->err, GM_ESHAPE, "where: shapes do not broadcast: %s and %s", gm__shape_text(a, cond->ndim, cond->shape), gm__shape_text(b, nd, shape));
    gm__out_shape(c, x->dtype, n2, both);
    return GM_OK;
}

#define SELECT(T)                                                                                          \
    for (int64_t i = 0; i < w.inner; i++)                                                                  \
    *(T *)(void *)(w.ptr[0] + i * w.istride[0]) = *(const uint8_t *)(w.ptr[1] + i * w.istride[1])          \
                                                      ? *(const T *)(void *)(w.ptr[2] + i * w.istride[2])  \
                                                      : *(const T *)(void *)(w.ptr[3] + i * w.istride[3])

static gm_status forward(gm__call *c)
{
    const gm_tensor *y = c->out, *ops[4] = {y, c->in[0], c->in[1], c->in[2]};
    const gm__kern *k = c->ctx->kern;
    if (y->size == 0) return GM_OK;
    bool plain = true;
    for (int i = 0; i < 3; i++) plain = plain && c->in[i]->contiguous && c->in[i]->size == y->size;
    if (plain) {
        const void *cond = c->in[0]->data;
        if (gm__f64_of(y)) k->select_f64((size_t)y->size, gm__f64(y), cond, gm__f64(c->in[1]), gm__f64(c->in[2]));
        else k->select_f32((size_t)y->size, gm__f32(y), cond, gm__f32(c->in[1]), gm__f32(c->in[2]));
        return GM_OK;
    }
    gm__walk w;
    gm__walk_init(&w, y->ndim, y->shape, 4, ops);
    do {
        if (gm__f64_of(y)) SELECT(double);
        else SELECT(float);
    } while (gm__walk_next(&w));
    return GM_OK;
}
static void vjp(gm_tape *t, const gm__node *n, gm_tensor *gy, const bool *want, gm_tensor **gx)
{
    gm_tensor *zero = gm__number(t, gy, 0);
    if (want[1]) gx[1] = gm__sum_to(t, gm_where(t, n->in[0], gy, zero), n->in[1]);
    if (want[2]) gx[2] = gm__sum_to(t, gm_where(t, n->in[0], zero, gy), n->in[2]);
}
const gm__op gm__op_where = {"where", 3, GM__OP_EW, infer, forward, vjp, NULL,
    "7,17:b 7,17 7,17 | .:b . . | 7,1:b 17 7,17 | 3:b . 2,3 | 0,3:b 3 3 | 2,3,4:bt 3,1 4 | 5,9:bs 5,9:t 5,9:s | "
    "7,17:b . . | .:b 2,1,3,1,2 3,4,1 | 1:b 1,1 1 | 4,0,2:b 2:s . | 17,7:bt 17,1:t 7"};

gm_tensor *gm_where(gm_tape *t, gm_tensor *c, gm_tensor *x, gm_tensor *y)
{
    gm_tensor *in[3] = {c, x, y};
    return gm__apply(t, &gm__op_where, in, 3, NULL);
}
