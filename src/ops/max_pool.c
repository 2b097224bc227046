/* max_pool.c - maxima over windows, and what their gradients are made of.
 * max_pool: x [N,H,W,C] -> [N,OH,OW,C]. attr.i: [0..4] and [5..9] in, out, window (0: adaptive), stride, padding of H and of W.
 * saved: i32 [N,OH,OW,C], the place h*W + w of each maximum.
 * pool_put: g [N,OH,OW,C], places -> [N,H,W,C] where g is added at its places. attr.i: H, W.
 * pool_pick: x [N,H,W,C], places [N,OH,OW,C] -> x at the places; the transpose of pool_put. */
#include "ops/window.h"

#include <string.h>

enum { CHANNELS = 64 }; /* that one task of pool_put and pool_pick takes */

static gm_status want_image(gm__call *c)
{
    char a[128];
    GM__TRY(gm__is_float(c->in[0]->dtype) ? GM_OK : gm__fail(c->err, GM_EDTYPE, "%s: x is %s, f32 or f64 wanted", c->op->name, gm_dtype_name(c->in[0]->dtype)));
    if (c->in[0]->ndim == 4) return GM_OK;
    return gm__fail(c->err, GM_ESHAPE, "%s: x [N, H, W, C] wanted, got %s", c->op->name, gm__shape_text(a, c->in[0]->ndim, c->in[0]->shape));
}

/* ---- max_pool ------------------------------------------------------------------------------ */

static void spans_of(const gm__attr *a, gm__span axes[2])
{
    for (int d = 0; d < 2; d++) axes[d] = (gm__span){a->i[5 * d], a->i[5 * d + 1], a->i[5 * d + 2], a->i[5 * d + 3], a->i[5 * d + 4]};
}

static gm_status infer(gm__call *c)
{
    const gm_tensor *x = c->in[0];
    gm__span axes[2];
    GM__TRY(want_image(c));
    spans_of(c->attr, axes);
    gm__out_shape(c, x->dtype, 4, x->shape);
    for (int d = 0; d < 2; d++) {
        if (x->shape[1 + d] != axes[d].in)
            return gm__fail(c->err, GM_ESHAPE, "max_pool: size %lld of axis %d is not %lld", (long long)x->shape[1 + d], 1 + d, (long long)axes[d].in);
        c->out->shape[1 + d] = axes[d].out;
    }
    return axes[0].in * axes[1].in <= INT32_MAX ? GM_OK : gm__fail(c->err, GM_ELIMIT, "max_pool: images of more than 2147483647 pixels");
}

typedef struct job {
    gm_ctx *ctx;
    bool f64;
    size_t channels, h, w, oh, ow; /* of the large and the small image */
    const uint32_t *top, *bottom, *from, *to;
    char *y;
    const char *x;
    int32_t *place;
} job;
static job job_of(gm_ctx *ctx, const gm_tensor *large, const gm_tensor *small)
{
    return (job){.ctx = ctx, .f64 = gm__f64_of(large), .channels = (size_t)large->shape[3], .h = (size_t)large->shape[1],
                 .w = (size_t)large->shape[2], .oh = (size_t)small->shape[1], .ow = (size_t)small->shape[2]};
}

static void rows(void *arg, size_t first, size_t last)
{
    const job *j = arg;
    size_t es = j->f64 ? 8 : 4, c = j->channels;
    for (size_t i = first; i < last; i++) {
        size_t r = i % j->oh, at = i * j->ow * c;
        const void *x = j->x + i / j->oh * j->h * j->w * c * es;
        void *y = j->y + at * es;
        if (j->f64) j->ctx->kern->max_window_f64(j->ow, c, y, j->place + at, x, j->w, j->top[r], j->bottom[r], j->from, j->to);
        else j->ctx->kern->max_window_f32(j->ow, c, y, j->place + at, x, j->w, j->top[r], j->bottom[r], j->from, j->to);
    }
}

static gm_status forward(gm__call *c)
{
    gm_tensor *x = gm__tape_contiguous(c->t, c->in[0]), *y = c->out;
    gm_tensor *place = x ? gm__tape_tensor(c->t, GM_I32, 4, y->shape) : NULL;
    gm__span axes[2];
    if (!place) return gm__recorded(c->t);
    if (c->node) c->node->saved[0] = place;
    if (y->size == 0) return GM_OK;
    job j = job_of(c->ctx, x, y);
    j.y = y->data;
    j.x = x->data;
    j.place = (int32_t *)(void *)place->data;
    spans_of(c->attr, axes);
    if (!gm__windows(c->t, &axes[0], &j.top, &j.bottom) || !gm__windows(c->t, &axes[1], &j.from, &j.to)) return gm__recorded(c->t);
    gm__ranges(c->ctx, (size_t)y->shape[0] * j.oh, (size_t)x->size / ((size_t)y->shape[0] * j.oh) + 1, rows, &j);
    return GM_OK;
}

/* ---- places ---------------------------------------------------------------------------------- */

/* x += or = at the places: a task is up to CHANNELS channels of an image */
#define PLACES(NAME, S, T, STATEMENT)                                                          \
    static void NAME##_##S(void *arg, size_t first, size_t last)                               \
    {                                                                                          \
        const job *j = arg;                                                                    \
        size_t ch = j->channels, parts = (ch + CHANNELS - 1) / CHANNELS, n = j->oh * j->ow;    \
        for (size_t i = first; i < last; i++) {                                                \
            size_t image = i / parts, c0 = i % parts * CHANNELS, c1 = ch - c0 < CHANNELS ? ch : c0 + CHANNELS; \
            T *small = (T *)(void *)j->y + image * n * ch, *large = (T *)(void *)j->x + image * j->h * j->w * ch; \
            const int32_t *place = j->place + image * n * ch;                                  \
            for (size_t p = 0; p < n; p++, small += ch, place += ch)                           \
                for (size_t c = c0; c < c1; c++) STATEMENT;                                    \
        }                                                                                      \
    }
PLACES(put, f32, float, large[(size_t)place[c] * ch + c] += small[c])
PLACES(put, f64, double, large[(size_t)place[c] * ch + c] += small[c])
PLACES(pick, f32, float, small[c] = large[(size_t)place[c] * ch + c])
PLACES(pick, f64, double, small[c] = large[(size_t)place[c] * ch + c])

static void places(gm_ctx *ctx, bool add, gm_tensor *large, gm_tensor *small, const gm_tensor *place)
{
    job j = job_of(ctx, large, small);
    j.x = large->data;
    j.y = small->data;
    j.place = (int32_t *)(void *)place->data;
    size_t parts = (j.channels + CHANNELS - 1) / CHANNELS;
    gm__range_fn *fn = add ? (j.f64 ? put_f64 : put_f32) : j.f64 ? pick_f64 : pick_f32;
    if (add) memset(large->data, 0, (size_t)large->size * gm__esize(large->dtype));
    if (small->size > 0) gm__ranges(ctx, (size_t)large->shape[0] * parts, (size_t)small->size / ((size_t)large->shape[0] * parts) + 1, fn, &j);
}

static gm_status want_places(gm__call *c)
{
    GM__TRY(want_image(c));
    if (c->in[1]->dtype != GM_I32) return gm__fail(c->err, GM_EDTYPE, "%s: places are %s, i32 wanted", c->op->name, gm_dtype_name(c->in[1]->dtype));
    return GM_OK;
}
static gm_status infer_put(gm__call *c)
{
    GM__TRY(want_places(c));
    if (!gm__shape_equal(c->in[0], c->in[1])) return gm__fail(c->err, GM_ESHAPE, "pool_put: a place is wanted for each number");
    gm__out_shape(c, c->in[0]->dtype, 4, c->in[0]->shape);
    c->out->shape[1] = c->attr->i[0];
    c->out->shape[2] = c->attr->i[1];
    return GM_OK;
}
static gm_status infer_pick(gm__call *c)
{
    const gm_tensor *x = c->in[0], *place = c->in[1];
    GM__TRY(want_places(c));
    if (place->ndim != 4 || place->shape[0] != x->shape[0] || place->shape[3] != x->shape[3]) return gm__fail(c->err, GM_ESHAPE, "pool_pick: places do not fit x");
    gm__out_shape(c, x->dtype, 4, place->shape);
    return GM_OK;
}
static gm_status forward_put(gm__call *c)
{
    gm_tensor *g = gm__tape_contiguous(c->t, c->in[0]), *place = g ? gm__tape_contiguous(c->t, c->in[1]) : NULL;
    if (!place) return gm__recorded(c->t);
    places(c->ctx, true, c->out, g, place);
    return GM_OK;
}
static gm_status forward_pick(gm__call *c)
{
    gm_tensor *x = gm__tape_contiguous(c->t, c->in[0]), *place = x ? gm__tape_contiguous(c->t, c->in[1]) : NULL;
    if (!place) return gm__recorded(c->t);
    places(c->ctx, false, x, c->out, place);
    return GM_OK;
}

/* ---- gradients ---------------------------------------------------------------------------------- */

static gm_tensor *put(gm_tape *t, gm_tensor *g, gm_tensor *place, const gm_tensor *like)
{
    gm__attr a = {.i = {like->shape[1], like->shape[2]}};
    return gm__apply(t, &gm__op_pool_put, (gm_tensor *[]){g, place}, 2, &a);
}

static gm_status fused(gm_tape *t, const gm__node *n, gm_tensor *gy, const bool *want)
{
    GM__UNUSED(want);
    gm_tensor *g = gm__grad_tmp(t, n, 0);
    if (!g) return gm__recorded(t);
    places(t->ctx, true, g, gy, n->saved[0]);
    return gm__grad_give(t, n, 0, g);
}
static void vjp(gm_tape *t, const gm__node *n, gm_tensor *gy, const bool *want, gm_tensor **gx)
{
    GM__UNUSED(want);
    gx[0] = put(t, gy, n->saved[0], n->in[0]);
}
static void vjp_put(gm_tape *t, const gm__node *n, gm_tensor *gy, const bool *want, gm_tensor **gx)
{
    if (want[0]) gx[0] = gm__apply2(t, &gm__op_pool_pick, gy, n->in[1]);
}
static void vjp_pick(gm_tape *t, const gm__node *n, gm_tensor *gy, const bool *want, gm_tensor **gx)
{
    if (want[0]) gx[0] = put(t, gy, n->in[1], n->in[0]);
}

const gm__op gm__op_max_pool = {"max_pool", 1, 0, infer, forward, vjp, fused,
    "2,4,6,3 i=4,2,2,2,0,6,3,2,2,0 | 1,7,5,1 i=7,3,3,2,0,5,2,2,3,0 | 2,5,7,2 i=5,5,3,1,1,7,7,3,1,1 | 1,1,1,4 i=1,1,1,1,0,1,1,1,1,0 | "
    "3,7,5,2:t i=7,4,3,2,1,5,2,4,2,1 | 1,9,4,9:s i=9,3,3,3,0,4,1,4,4,0 | 0,4,4,2 i=4,2,2,2,0,4,2,2,2,0 | 2,4,4,0 i=4,2,2,2,0,4,2,2,2,0 | "
    "1,7,5,3 i=7,3,0,0,0,5,4,0,0,0 | 2,3,2,1 i=3,5,0,0,0,2,1,0,0,0 | 1,1,9,5 i=1,1,1,1,0,9,5,3,2,1 | 2,9,9,1 i=9,2,2,5,0,9,2,3,5,0 | 1,5,4,35 i=5,2,2,2,0,4,2,2,2,0"};
const gm__op gm__op_pool_put = {"pool_put", 2, 0, infer_put, forward_put, vjp_put, NULL,
    "2,3,2,4 2,3,2,4:K24 i=4,6 | 1,1,1,1 1,1,1,1:K6 i=2,3 | 1,4,4,2 1,4,4,2:K4 i=2,2 | 0,2,2,3 0,2,2,3:K4 i=3,3 | 2,2,2,0 2,2,2,0:K4 i=3,3 | "
    "1,3,3,1:t 1,3,3,1:K35t i=7,5 | 2,2,1,17 2,2,1,17:K9 i=3,3 | 1,2,3,35 1,2,3,35:K20s i=4,5 | 3,1,7,1 3,1,7,1:K14 i=1,14 | 1,5,1,3:s 1,5,1,3:K10 i=10,1 | "
    "1,1,1,7 1,1,1,7:K1 i=1,1 | 2,5,5,2:c 2,5,5,2:K9 i=3,3"};
const gm__op gm__op_pool_pick = {"pool_pick", 2, 0, infer_pick, forward_pick, vjp_pick, NULL,
    "2,4,6,4 2,3,2,4:K24 | 1,2,3,1 1,1,1,1:K6 | 1,2,2,2 1,4,4,2:K4 | 0,3,3,3 0,2,2,3:K4 | 2,3,3,0 2,2,2,0:K4 | 1,7,5,1:t 1,3,3,1:K35t | "
    "2,3,3,17 2,2,1,17:K9 | 1,4,5,35 1,2,3,35:K20s | 3,1,14,1 3,1,7,1:K14 | 1,10,1,3:s 1,5,1,3:K10 | 1,1,1,7 1,1,1,7:K1 | 2,3,3,2:c 2,5,5,2:K9"};

/* ---- public ------------------------------------------------------------------------------------- */

static gm_tensor *apply(gm_tape *t, gm_tensor *x, const gm__span axes[2], bool signal)
{
    gm__attr a = {0};
    for (int d = 0; d < 2; d++) memcpy(&a.i[5 * d], (int64_t[]){axes[d].in, axes[d].out, axes[d].k, axes[d].s, axes[d].pad}, 5 * sizeof(int64_t));
    return gm__image_out(t, gm__apply(t, &gm__op_max_pool, &x, 1, &a), signal);
}
static gm_tensor *largest(gm_tape *t, const char *who, gm_tensor *x, const int64_t k[2], const int64_t stride[2], const int64_t pad[2], bool signal)
{
    gm__span axes[2];
    x = gm__image_in(t, who, x, signal);
    return gm__pool_spans(t, who, x, k, stride, pad, axes) ? apply(t, x, axes, signal) : NULL;
}

gm_tensor *gm_max_pool2d(gm_tape *t, gm_tensor *x, const int64_t k[2], const int64_t stride[2], const int64_t pad[2])
{
    return largest(t, "max_pool2d", x, k, stride, pad, false);
}
gm_tensor *gm_max_pool1d(gm_tape *t, gm_tensor *x, int64_t k, int64_t stride, int64_t pad)
{
    return largest(t, "max_pool1d", x, (int64_t[]){1, k}, (int64_t[]){1, stride ? stride : k}, (int64_t[]){0, pad}, true);
}
gm_tensor *gm_adaptive_max_pool2d(gm_tape *t, gm_tensor *x, int64_t oh, int64_t ow)
{
    gm__span axes[2];
    x = gm__image_in(t, "adaptive_max_pool2d", x, false);
    return gm__adaptive_spans(t, "adaptive_max_pool2d", x, oh, ow, axes) ? apply(t, x, axes, false) : NULL;
}
