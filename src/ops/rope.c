/* rope.c - rotary positions. x [.., places, .., D], the place along attr.i[0]; i[1]: the first place, i[2]: turn back; f[0]: base.
 * Numbers i and i + D/2 of place p turn by p base^(-2i/D). saved: cosines and sines of each place, [places, 2, D/2]. */
#include "ops/elementwise.h"
#include <gm/attention.h>

#include <math.h>

enum { RUN = 32 }; /* places for which angles are added up before they are computed anew */

static gm_status infer(gm__call *c)
{
    const gm_tensor *x = c->in[0];
    char a[128];
    GM__TRY(gm__infer_same(c));
    GM__ASSERT(c->err, c->attr->i[0] >= 0 && c->attr->i[0] < x->ndim - 1);
    if (x->shape[x->ndim - 1] % 2)
        return gm__fail(c->err, GM_ESHAPE, "rope: x has shape %s, an even last size wanted", gm__shape_text(a, x->ndim, x->shape));
    return GM_OK;
}

typedef struct job {
    gm_ctx *ctx;
    bool f64, back, add;
    size_t half, inner, places; /* rows of one place that lie together; places */
    int64_t first;
    double base;
    const gm_tensor *x, *y;     /* the numbers of a row side by side, rows anywhere */
    char *table;                /* for each place the cosines, then the sines */
} job;

/* Cosines and sines of each place from their run's beginning, so that they depend on the place alone. */
static void angles(void *arg, size_t from, size_t to)
{
    const job *j = arg;
    size_t es = j->f64 ? 8 : 4, h = j->half;
    for (size_t i = 0; i < h; i++) {
        double turn = pow(j->base, -(double)i / (double)h), ct = cos(turn), st = sin(turn), c = 1, s = 0;
        for (size_t p = from; p < to; p++) {
            int64_t place = j->first + (int64_t)p, run = place - place % RUN;
            if (p == from || place == run) {
                c = cos((double)run * turn);
                s = sin((double)run * turn);
            } else {
                run = place - 1;
            }
            for (; run < place; run++) {
                double next = c * ct - s * st;
                s = s * ct + c * st;
                c = next;
            }
            gm__store(j->f64, j->table + (2 * p * h + i) * es, c);
            gm__store(j->f64, j->table + ((2 * p + 1) * h + i) * es, s);
        }
    }
}

static char *row_of(const gm_tensor *x, size_t row)
{
    int64_t at = 0, r = (int64_t)row;
    for (int i = x->ndim - 2; i >= 0; i--) {
        at += r % x->shape[i] * x->stride[i];
        r /= x->shape[i];
    }
    return x->data + at * (int64_t)gm__esize(x->dtype);
}

static void rows(void *arg, size_t first, size_t last)
{
    const job *j = arg;
    size_t es = j->f64 ? 8 : 4, h = j->half;
    for (size_t r = first; r < last; r++) {
        const char *c = j->table + 2 * (r / j->inner % j->places) * h * es, *x = row_of(j->x, r);
        char *y = row_of(j->y, r);
        if (j->f64) j->ctx->kern->rotate_f64(h, (double *)(void *)y, (double *)(void *)(y + h * es), (const double *)(const void *)x,
                                             (const double *)(const void *)(x + h * es), (const double *)(const void *)c,
                                             (const double *)(const void *)(c + h * es), j->back, j->add);
        else j->ctx->kern->rotate_f32(h, (float *)(void *)y, (float *)(void *)(y + h * es), (const float *)(const void *)x, (const float *)(const void *)(x + h * es),
                                      (const float *)(const void *)c, (const float *)(const void *)(c + h * es), j->back, j->add);
    }
}

/* y (+)= x turned; a table of angles is made unless there is one. */
static gm_status turn(gm_tape *t, const gm__attr *attr, bool back, gm_tensor **table, const gm_tensor *y, gm_tensor *x, bool add)
{
    int axis = (int)attr->i[0];
    if (x->shape[x->ndim - 1] > 1 && x->stride[x->ndim - 1] != 1 && !(x = gm__tape_contiguous(t, x))) return gm__recorded(t);
    if (y->size == 0) return GM_OK;
    job j = {.ctx = t->ctx, .f64 = gm__f64_of(y), .back = back, .add = add, .half = (size_t)y->shape[y->ndim - 1] / 2, .places = (size_t)y->shape[axis],
             .inner = 1, .first = attr->i[1], .base = attr->f[0], .x = x, .y = y};
    for (int i = axis + 1; i < y->ndim - 1; i++) j.inner *= (size_t)y->shape[i];
    const bool known = *table != NULL;
    if (!known && !(*table = gm__tape_tensor(t, y->dtype, 3, (const int64_t[]){y->shape[axis], 2, (int64_t)j.half}))) return gm__recorded(t);
    j.table = (*table)->data;
    if (!known) angles(&j, 0, j.places);
    gm__ranges(t->ctx, (size_t)y->size / (2 * j.half), 2 * j.half, rows, &j);
    return GM_OK;
}

static gm_status forward(gm__call *c)
{
    gm_tensor *table = NULL;
    GM__TRY(turn(c->t, c->attr, c->attr->i[2] != 0, &table, c->out, c->in[0], false));
    if (c->node) c->node->saved[0] = table;
    return GM_OK;
}
/* Straight to where x was cut from, where it is a part of something larger. */
static gm_status fused(gm_tape *t, const gm__node *n, gm_tensor *gy, const bool *want)
{
    const gm_tensor *x = n->in[0];
    gm_tensor *table = n->saved[0], *to, part;
    bool add = true;
    if (!want[0]) return GM_OK;
    if (gm__grad_whole(t, n, 0) && (x->shape[x->ndim - 1] == 1 || x->stride[x->ndim - 1] == 1)) to = gm__grad_part(t, n, 0, &part) ? &part : NULL;
    else to = gm__grad_into(t, n, 0, &add);
    return to ? turn(t, &n->attr, !n->attr.i[2], &table, to, gy, add) : gm__recorded(t);
}
static void vjp(gm_tape *t, const gm__node *n, gm_tensor *gy, const bool *want, gm_tensor **gx)
{
    gm__attr a = n->attr;
    if (!want[0]) return;
    a.i[2] = !a.i[2];
    gx[0] = gm__apply(t, &gm__op_rope, &gy, 1, &a);
}
const gm__op gm__op_rope = {"rope", 1, 0, infer, forward, vjp, fused,
    "7,16 f=10000 | 2,3,4 i=1 f=100 | 2,17,3,6 i=1,5 f=10000 | 2,3,17,2 i=2,1000 f=10000 | 5,8:s i=0,31 f=7 | 2,3,4:t i=1,2,1 f=50 | 0,4 f=10 | 3,0 f=10 | "
    "1,2 i=0,123456 f=10000 | 70,4 i=0,1 f=10000 | 2,4,1,6:s i=1,64,1 f=10000 | 1,1,1,34 i=0,9 f=500"};

gm_tensor *gm_rope(gm_tape *t, gm_tensor *x, int64_t first, double base)
{
    static const int32_t turned[4] = {0, 2, 1, 3};
    char a[128];
    if (!gm__tape_ok(t)) return NULL;
    if (!gm__is(x, GM__TENSOR)) return gm__tape_fail(t, GM_EARG, "rope: x is %s", x ? "no tensor" : "NULL");
    if (x->ndim < 2) return gm__tape_fail(t, GM_ESHAPE, "rope: x has shape %s, [.., places, size] wanted", gm__shape_text(a, x->ndim, x->shape));
    if (first < 0 || first > (int64_t)1 << 40) return gm__tape_fail(t, GM_EARG, "rope: first place %lld is not in [0, 2^40]", (long long)first);
    if (!(base > 0) || !isfinite(base)) return gm__tape_fail(t, GM_EARG, "rope: base %g, a positive number wanted", base);
    gm__attr attr = {.i = {x->ndim - 2, first}, .f = {base}};
    if (x->ndim == 4 && x->stride[1] < x->stride[2]) { /* heads were put before places, by a view: turn them as they lie */
        gm_tensor *lies = gm_permute(t, x, turned);
        attr.i[0] = 1;
        return lies ? gm_permute(t, gm__apply(t, &gm__op_rope, &lies, 1, &attr), turned) : NULL;
    }
    return gm__apply(t, &gm__op_rope, &x, 1, &attr);
}
