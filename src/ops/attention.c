/* attention.c - softmax(scale q k^T + mask) v of many heads. Inputs q [B,T,H,D], k [B,S,G,D], v [B,S,G,E], mask (optional)
 * that broadcasts to [B,H,T,S]; out [B,T,H,E]. attr.i[0]: causal; f[0]: scale. saved: the log of each row's sum, [B,H,T].
 * Heads come after places, as they lie in memory: gm_attention turns them and permute takes the turns back. */
#include "ops/elementwise.h"
#include <gm/attention.h>

#include <math.h>

static gm_status bad_shape(gm__call *c)
{
    char a[128], b[128], d[128];
    const gm_tensor *q = c->in[0], *k = c->in[1], *v = c->in[2];
    return gm__fail(c->err, GM_ESHAPE, "attention: q [B,T,H,D], k [B,S,G,D], v [B,S,G,E] wanted, G a divisor of H; places first: %s, %s, %s",
                    gm__shape_text(a, q->ndim, q->shape), gm__shape_text(b, k->ndim, k->shape), gm__shape_text(d, v->ndim, v->shape));
}

static gm_status infer(gm__call *c)
{
    const gm_tensor *q = c->in[0], *k = c->in[1], *v = c->in[2], *mask = c->in[3];
    char a[128], b[128];
    if (!gm__is_float(q->dtype)) return gm__fail(c->err, GM_EDTYPE, "attention: q is %s, f32 or f64 wanted", gm_dtype_name(q->dtype));
    if (k->dtype != q->dtype || v->dtype != q->dtype)
        return gm__fail(c->err, GM_EDTYPE, "attention: types differ: q %s, k %s, v %s", gm_dtype_name(q->dtype), gm_dtype_name(k->dtype), gm_dtype_name(v->dtype));
    if (q->ndim != 4 || k->ndim != 4 || v->ndim != 4 || k->shape[0] != q->shape[0] || v->shape[0] != q->shape[0] || k->shape[3] != q->shape[3] ||
        v->shape[1] != k->shape[1] || v->shape[2] != k->shape[2] || (k->shape[2] ? q->shape[2] % k->shape[2] : q->shape[2]) != 0)
        return bad_shape(c);
    if (mask) {
        int64_t full[4] = {q->shape[0], q->shape[2], q->shape[1], k->shape[1]}, both[GM_MAX_DIMS];
        int nd;
        if (mask->dtype != GM_U8 && mask->dtype != q->dtype)
            return gm__fail(c->err, GM_EDTYPE, "attention: the mask is %s; u8 or %s wanted", gm_dtype_name(mask->dtype), gm_dtype_name(q->dtype));
        bool fits = mask->ndim <= 4 && gm__broadcast(4, full, mask->ndim, mask->shape, &nd, both);
        for (int i = 0; fits && i < 4; i++) fits = both[i] == full[i];
        if (!fits)
            return gm__fail(c->err, GM_ESHAPE, "attention: mask %s does not broadcast to [B,H,T,S] = %s", gm__shape_text(a, mask->ndim, mask->shape),
                            gm__shape_text(b, 4, full));
    }
    gm__out_shape(c, q->dtype, 4, (const int64_t[]){q->shape[0], q->shape[1], q->shape[2], v->shape[3]});
    return GM_OK;
}

/* ---- the kernel ------------------------------------------------------------------- */

static gm__heads heads_of(const gm_tensor *x)
{
    return (gm__heads){x->data, (ptrdiff_t)x->stride[0], (ptrdiff_t)x->stride[1], (ptrdiff_t)x->stride[2]};
}
/* copied unless the numbers of a head lie side by side; false after recording a failure */
static bool readable(gm_tape *t, gm_tensor *x, gm__heads *h)
{
    if (x->shape[3] > 1 && x->stride[3] != 1 && !(x = gm__tape_contiguous(t, x))) return false;
    *h = heads_of(x);
    return true;
}
static bool describe(gm_tape *t, gm_tensor *const *in, const gm__attr *attr, gm__attention *a)
{
    const gm_tensor *q = in[0], *k = in[1], *mask = in[3];
    *a = (gm__attention){.batch = (size_t)q->shape[0], .t = (size_t)q->shape[1], .heads = (size_t)q->shape[2], .d = (size_t)q->shape[3],
                         .s = (size_t)k->shape[1], .groups = (size_t)k->shape[2], .dv = (size_t)in[2]->shape[3], .causal = attr->i[0] != 0, .scale = attr->f[0]};
    if (mask) {
        a->mask = mask->data;
        a->bytes = mask->dtype == GM_U8;
        for (int i = 0; i < mask->ndim; i++) a->mask_stride[4 - mask->ndim + i] = mask->shape[i] == 1 ? 0 : (ptrdiff_t)mask->stride[i];
    }
    return readable(t, in[0], &a->q) && readable(t, in[1], &a->k) && readable(t, in[2], &a->v);
}
static gm_status failed(gm_tape *t, gm_status s)
{
    return s == GM_OK || t->err.status ? s : gm__fail(&t->err, s, "attention: no memory for scores");
}

static gm_status forward(gm__call *c)
{
    gm__attention a;
    gm_tensor *lse = NULL;
    if (!describe(c->t, c->in, c->attr, &a)) return gm__recorded(c->t);
    if (c->node) {
        lse = gm__tape_tensor(c->t, c->out->dtype, 3, (const int64_t[]){c->out->shape[0], c->out->shape[2], c->out->shape[1]});
        if (!lse) return gm__recorded(c->t);
        c->node->saved[0] = lse;
        a.lse = lse->data;
    }
    a.out = heads_of(c->out);
    return failed(c->t, gm__f64_of(c->out) ? gm__attention_f64(c->ctx, &a) : gm__attention_f32(c->ctx, &a));
}

/* ---- the gradient of ops ------------------------------------------------------------ */

static gm_tensor *heads_first(gm_tape *t, gm_tensor *x) { return gm_transpose(t, x, 1, 2); }

/* [B,S,G,D] to [B,H,S,D]: the heads of a group read one view */
static gm_tensor *for_each_head(gm_tape *t, gm_tensor *x, int64_t heads)
{
    int64_t b = x->shape[0], s = x->shape[1], g = x->shape[2], d = x->shape[3];
    if (g == heads) return heads_first(t, x);
    gm_tensor *y = gm_expand(t, gm_reshape(t, heads_first(t, x), 5, (const int64_t[]){b, g, 1, s, d}), 5, (const int64_t[]){b, g, heads / g, s, d});
    return gm_reshape(t, y, 4, (const int64_t[]){b, heads, s, d});
}
/* and the gradient back */
static gm_tensor *for_the_group(gm_tape *t, gm_tensor *y, const gm_tensor *x)
{
    int64_t b = x->shape[0], s = x->shape[1], g = x->shape[2], d = x->shape[3];
    if (!y) return NULL;
    if (g != y->shape[1]) y = gm_sum(t, gm_reshape(t, y, 5, (const int64_t[]){b, g, y->shape[1] / (g ? g : 1), s, d}), 2, 0);
    return heads_first(t, y);
}

/* 1 where query i sees key j, u8 [B,H,T,S] */
static gm_tensor *visible(gm_tape *t, const gm__node *n)
{
    const gm_tensor *q = n->in[0], *k = n->in[1], *mask = n->in[3];
    int64_t shape[4] = {q->shape[0], q->shape[2], q->shape[1], k->shape[1]}, stride[4] = {0}, at[4];
    gm_tensor *see = gm__tape_tensor(t, GM_U8, 4, shape);
    if (!see) return NULL;
    for (int i = 0; mask && i < mask->ndim; i++) stride[4 - mask->ndim + i] = mask->shape[i] == 1 ? 0 : mask->stride[i];
    for (int64_t e = 0; e < see->size; e++) {
        int64_t rest = e, from = 0;
        for (int i = 3; i >= 0; i--) {
            at[i] = rest % shape[i];
            rest /= shape[i];
            from += at[i] * stride[i];
        }
        bool on = !n->attr.i[0] || at[3] <= at[2] + shape[3] - shape[2];
        if (mask && mask->dtype == GM_U8) on = on && ((const uint8_t *)mask->data)[from];
        else if (mask) on = on && gm__load(gm__f64_of(mask), mask->data + (size_t)from * gm__esize(mask->dtype)) > -INFINITY;
        ((uint8_t *)see->data)[e] = on;
    }
    return see;
}

static void vjp(gm_tape *t, const gm__node *n, gm_tensor *gy, const bool *want, gm_tensor **gx)
{
    double scale = n->attr.f[0];
    int64_t heads = n->in[0]->shape[2];
    gm_tensor *q = heads_first(t, n->in[0]), *k = for_each_head(t, n->in[1], heads), *v = for_each_head(t, n->in[2], heads), *g = heads_first(t, gy);
    gm_tensor *mask = n->in[3] && n->in[3]->dtype != GM_U8 ? n->in[3] : NULL;
    gm_tensor *x = gm__scale(t, gm_matmul(t, q, gm_transpose(t, k, -1, -2)), scale), *see = n->attr.i[0] || n->in[3] ? visible(t, n) : NULL;
    if (mask) x = gm_add(t, x, mask);
    if (see) x = gm_where(t, see, x, gm__number(t, gy, -1e30)); /* a row that sees nothing: even weights, then none */
    gm_tensor *p = gm_softmax(t, x, -1);
    if (see) p = gm_where(t, see, p, gm__number(t, gy, 0));
    if (want[2]) gx[2] = for_the_group(t, gm_matmul(t, gm_transpose(t, p, -1, -2), g), n->in[2]);
    gm_tensor *gp = gm_mul(t, gm_matmul(t, g, gm_transpose(t, v, -1, -2)), p), *gs = gm_sub(t, gp, gm_mul(t, p, gm_sum(t, gp, -1, 1)));
    if (want[0]) gx[0] = heads_first(t, gm__scale(t, gm_matmul(t, gs, k), scale));
    if (want[1]) gx[1] = for_the_group(t, gm__scale(t, gm_matmul(t, gm_transpose(t, gs, -1, -2), q), scale), n->in[1]);
    if (mask && want[3]) gx[3] = gm__sum_to(t, gs, mask);
}

/* ---- and by the kernel ----------------------------------------------------------------- */

/* Where the mask wants a gradient all slopes are needed at once, as ops make them. */
static gm_status by_ops(gm_tape *t, const gm__node *n, gm_tensor *gy, const bool *want)
{
    gm_tensor *gx[4] = {NULL};
    vjp(t, n, gy, want, gx);
    for (int i = 0; i < 4 && !t->err.status; i++)
        if (want[i]) GM__TRY(gm__grad_give(t, n, i, gx[i]));
    return t->err.status;
}

/* Two views of one tensor in which no head of the one overlaps a head of the other, as queries, keys and values of one projection. */
static bool side_by_side(const gm_tensor *a, const gm_tensor *b)
{
    ptrdiff_t apart = (b->data - a->data) / (ptrdiff_t)gm__esize(a->dtype);
    const gm_tensor *low = apart >= 0 ? a : b, *high = apart >= 0 ? b : a;
    if (apart < 0) apart = -apart;
    for (int i = 0; i < 2; i++)
        if (a->shape[i] != b->shape[i] || a->stride[i] != b->stride[i]) return false;
    int64_t row = low->stride[1], span = high->shape[2] * high->stride[2];
    return low->shape[2] * low->stride[2] <= apart && (a->shape[1] == 1 || apart + span <= row) && (a->shape[0] == 1 || a->shape[1] * row <= a->stride[0]);
}
/* Gradients straight to where the inputs were cut from: the kernel's tasks must not meet there. */
static bool in_parts(gm_tape *t, const gm__node *n, const bool *want)
{
    const gm_tensor *of[3];
    for (int i = 0; i < 3; i++) {
        const gm_tensor *x = n->in[i];
        if (!want[i] || !(of[i] = gm__grad_whole(t, n, i)) || x->stride[3] != 1 || x->stride[2] < x->shape[3] || x->size == 0) return false;
        for (int k = 0; k < i; k++)
            if (of[i] == of[k] && !side_by_side(x, n->in[k])) return false;
    }
    return true;
}

static gm_status fused(gm_tape *t, const gm__node *n, gm_tensor *gy, const bool *want)
{
    gm__attention a;
    if (n->in[3] && want[3]) return by_ops(t, n, gy, want);
    if (!describe(t, n->in, &n->attr, &a)) return gm__recorded(t);
    bool parts = in_parts(t, n, want);
    /* one tensor as several inputs: its parts of the gradient must be given one after the other */
    bool shared = !parts && (n->in[0] == n->in[1] || n->in[1] == n->in[2] || n->in[0] == n->in[2]);
    gm_tensor *g[3] = {NULL}, part[3];
    bool add[3] = {parts, parts, parts};
    for (int i = 0; i < 3; i++) {
        if (!want[i]) continue;
        if (parts) g[i] = gm__grad_part(t, n, i, &part[i]) ? &part[i] : NULL;
        else g[i] = shared ? gm__grad_tmp(t, n, i) : gm__grad_into(t, n, i, &add[i]);
        if (!g[i]) return gm__recorded(t);
    }
    a.out = heads_of(n->out);
    a.g_out = heads_of(gy);
    a.lse = n->saved[0]->data;
    if (g[0]) a.g_q = heads_of(g[0]);
    if (g[1]) a.g_k = heads_of(g[1]);
    if (g[2]) a.g_v = heads_of(g[2]);
    a.add_q = add[0];
    a.add_k = add[1];
    a.add_v = add[2];
    GM__TRY(failed(t, gm__f64_of(gy) ? gm__attention_back_f64(t->ctx, &a) : gm__attention_back_f32(t->ctx, &a)));
    for (int i = 0; shared && i < 3; i++)
        if (g[i]) GM__TRY(gm__grad_give(t, n, i, g[i]));
    return GM_OK;
}

const gm__op gm__op_attention = {"attention", 4, GM__OP_OPT3, infer, forward, vjp, fused,
    "2,7,3,4 2,7,3,4 2,7,3,4 - f=0.5 | 1,17,1,16 1,17,1,16 1,17,1,16 - i=1 f=0.25 | 1,1,1,1 1,1,1,1 1,1,1,1 - f=1 | 2,7,4,5 2,9,2,5 2,9,2,3 - i=1 f=0.4 | "
    "1,13,6,8 1,5,2,8 1,5,2,7 - i=1 f=0.3 | 2,1,2,17 2,17,1,17 2,17,1,5 2,1,1,17:b i=1 f=0.2 | 3,5,2,4:t 3,6,2,4:s 3,6,2,2:t 5,6:b f=0.5 | "
    "2,4,2,3:s 2,4,2,3:t 2,4,2,3:s 2,1,4,4 f=0.6 | 1,25,2,4 1,33,2,4 1,33,2,4 1,2,1,1 i=1 f=0.5 | 0,3,2,4 0,3,2,4 0,3,2,4 - f=0.5 | "
    "2,0,2,4 2,3,2,4 2,3,2,4 - f=0.5 | 2,3,2,4 2,0,2,4 2,0,2,4 - f=0.5 | 1,3,2,0 1,4,2,0 1,4,2,5 - f=1 | 1,7,2,4:c 1,7,2,4 1,7,2,4 7,7:c i=1 f=-0.5 | "
    "1,70,1,8 1,70,1,8 1,70,1,32 - i=1 f=0.35"};

/* ---- the public form: heads before places ---------------------------------------------------- */

gm_tensor *gm_attention(gm_tape *t, gm_tensor *q, gm_tensor *k, gm_tensor *v, gm_tensor *mask, double scale, int32_t causal)
{
    gm_tensor *in[4] = {q, k, v, mask};
    char a[128];
    if (!gm__tape_ok(t)) return NULL;
    for (int i = 0; i < 3; i++) {
        if (!gm__is(in[i], GM__TENSOR)) return gm__tape_fail(t, GM_EARG, "attention: %c is %s", "qkv"[i], in[i] ? "no tensor" : "NULL");
        if (in[i]->ndim != 4)
            return gm__tape_fail(t, GM_ESHAPE, "attention: %c has shape %s, [batch, heads, places, size] wanted", "qkv"[i], gm__shape_text(a, in[i]->ndim, in[i]->shape));
        if (!(in[i] = heads_first(t, in[i]))) return NULL;
    }
    if (!isfinite(scale)) return gm__tape_fail(t, GM_EARG, "attention: the scale is not finite");
    gm__attr attr = {.i = {causal != 0}, .f = {scale != 0 ? scale : q->shape[3] ? 1 / sqrt((double)q->shape[3]) : 1}};
    return heads_first(t, gm__apply(t, &gm__op_attention, in, 4, &attr));
}
