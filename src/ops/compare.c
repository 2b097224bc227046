/* compare.c - what the six comparisons share: kernels for arrays of floats, plain loops for the rest. */
#include "ops/compare.h"
#include "ops/elementwise.h"

gm_status gm__compare_infer(gm__call *c)
{
    char a[128], b[128];
    const gm_tensor *x = c->in[0], *y = c->in[1];
    int nd;
    int64_t shape[GM_MAX_DIMS];
    if (x->dtype == GM_BF16) return gm__fail(c->err, GM_EDTYPE, "%s: bf16 is storage only, cast first", c->op->name);
    if (x->dtype != y->dtype)
        return gm__fail(c->err, GM_EDTYPE, "%s: types differ: %s and %s", c->op->name, gm_dtype_name(x->dtype), gm_dtype_name(y->dtype));
    if (!gm__broadcast(x->ndim, x->shape, y->ndim, y->shape, &nd, shape))
        return gm__fail(c->err, GM_ESHAPE, "%s: shapes do not broadcast: %s and %s", c->op->name, gm__shape_text(a, x->ndim, x->shape),
                        gm__shape_text(b, y->ndim, y->shape));
    gm__out_shape(c, GM_U8, nd, shape);
    return GM_OK;
}

typedef struct job { gm_ctx *ctx; bool f64; int op, mode; uint8_t *y; const char *a, *b; } job;

static void run(void *arg, size_t first, size_t last)
{
    const job *j = arg;
    size_t es = j->f64 ? 8 : 4;
    const void *a = j->mode == GM__SV ? j->a : j->a + first * es;
    const void *b = j->mode == GM__VS ? j->b : j->b + first * es;
    if (j->f64) j->ctx->kern->compare_f64[j->op](last - first, j->y + first, a, b, j->mode);
    else j->ctx->kern->compare_f32[j->op](last - first, j->y + first, a, b, j->mode);
}

#define LOOP(T, CMP)                                                                                          \
    for (int64_t i = 0; i < w->inner; i++) {                                                                  \
        T a = *(const T *)(const void *)(w->ptr[1] + i * w->istride[1]);                                      \
        T b = *(const T *)(const void *)(w->ptr[2] + i * w->istride[2]);                                      \
        *(uint8_t *)(w->ptr[0] + i * w->istride[0]) = a CMP b;                                                \
    }                                                                                                         \
    break
#define COMPARE(NAME, T)                                                                                      \
    static void NAME(const gm__walk *w, int op)                                                               \
    {                                                                                                         \
        switch (op) {                                                                                         \
        case GM__C_EQ: LOOP(T, ==);                                                                           \
        case GM__C_NE: LOOP(T, !=);                                                                           \
        case GM__C_LT: LOOP(T, <);                                                                            \
        case GM__C_LE: LOOP(T, <=);                                                                           \
        case GM__C_GT: LOOP(T, >);                                                                            \
        default: LOOP(T, >=);                                                                                 \
        }                                                                                                     \
    }
COMPARE(compare_f32, float)
COMPARE(compare_f64, double)
COMPARE(compare_i32, int32_t)
COMPARE(compare_i64, int64_t)
COMPARE(compare_u8, uint8_t)

gm_status gm__compare_forward(gm__call *c, int op)
{
    const gm_tensor *y = c->out, *a = c->in[0], *b = c->in[1];
    if (y->size == 0) return GM_OK;
    bool va = a->contiguous && a->size == y->size, vb = b->contiguous && b->size == y->size;
    if (gm__is_float(a->dtype) && ((va && (vb || b->size == 1)) || (vb && a->size == 1))) {
        job j = {c->ctx, gm__f64_of(a), op, va && vb ? GM__VV : va ? GM__VS : GM__SV, (uint8_t *)y->data, a->data, b->data};
        gm__ranges(c->ctx, (size_t)y->size, 1, run, &j);
        return GM_OK;
    }
    const gm_tensor *ops[3] = {y, a, b};
    gm__walk w;
    gm__walk_init(&w, y->ndim, y->shape, 3, ops);
    do {
        if (a->dtype == GM_F32) compare_f32(&w, op);
        else if (a->dtype == GM_F64) compare_f64(&w, op);
        else if (a->dtype == GM_I32) compare_i32(&w, op);
        else if (a->dtype == GM_I64) compare_i64(&w, op);
        else compare_u8(&w, op);
    } while (gm__walk_next(&w));
    return GM_OK;
}
