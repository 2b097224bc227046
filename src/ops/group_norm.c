/* group_norm.c - normalises groups of channels over the pixels of each image. Inputs x [N,P,C], w, b [C] (optional);
 * attr.i[0]: groups, attr.f[0]: eps. saved: mean and 1/sqrt(var+eps) of each image and channel [N,C]. */
#include "ops/columns.h"
#include "ops/layout.h"
#include <gm/image.h>

#include <math.h>

static gm_status infer(gm__call *c)
{
    const gm_tensor *x = c->in[0];
    int64_t groups = c->attr->i[0];
    char a[128], b[128];
    GM__TRY(gm__infer_same(c));
    if (x->ndim != 3) return gm__fail(c->err, GM_ESHAPE, "group_norm: x [N, P, C] wanted, got %s", gm__shape_text(a, x->ndim, x->shape));
    if (groups < 1 || x->shape[2] % groups)
        return gm__fail(c->err, GM_ESHAPE, "group_norm: %lld groups do not divide %lld channels", (long long)groups, (long long)x->shape[2]);
    for (int i = 1; i < 3; i++) {
        const gm_tensor *p = c->in[i];
        if (p && (p->ndim != 1 || p->shape[0] != x->shape[2]))
            return gm__fail(c->err, GM_ESHAPE, "group_norm: %s %s does not fit x %s", i == 1 ? "w" : "b", gm__shape_text(a, p->ndim, p->shape),
                            gm__shape_text(b, x->ndim, x->shape));
    }
    return GM_OK;
}

typedef struct job {
    gm__columns c;
    size_t groups, each; /* channels of a group */
    char *mean, *rstd, *a, *b, *d; /* [N,C]; a, b, d: coefficients of the result */
    const char *x, *w, *shift;
} job;

static double number(const job *j, const char *p, size_t i, double absent) { return p ? gm__load(j->c.f64, p + i * (j->c.f64 ? 8 : 4)) : absent; }
static void put(const job *j, char *p, size_t i, double v) { gm__store(j->c.f64, p + i * (j->c.f64 ? 8 : 4), v); }

/* false after recording a failure; a missing tensor stays missing */
static bool plain(gm_tape *t, gm_tensor *x, const char **data)
{
    *data = NULL;
    if (!x) return true;
    if (!(x = gm__tape_contiguous(t, x))) return false;
    *data = x->data;
    return true;
}
static bool start(gm_tape *t, job *j, const gm_tensor *x, int64_t groups)
{
    size_t n = (size_t)x->shape[0], ch = (size_t)x->shape[2], bytes = n * ch * gm__esize(x->dtype);
    j->c = (gm__columns){t->ctx, gm__f64_of(x), n, (size_t)x->shape[1], ch};
    j->groups = (size_t)groups;
    j->each = ch / j->groups;
    j->a = gm__arena(t, bytes + 1, 3);
    j->b = j->a ? j->a + bytes : NULL;
    j->d = j->a ? j->b + bytes : NULL;
    return j->a != NULL;
}

/* The mean and variance of each channel become those of its group, then coefficients a x + d. */
static void join(const job *j, double eps)
{
    for (size_t first = 0; first < j->c.images * j->c.n; first += j->each) {
        double mean = 0, var = 0, n = (double)j->each;
        for (size_t k = first; k < first + j->each; k++) mean += number(j, j->mean, k, 0) / n;
        for (size_t k = first; k < first + j->each; k++) {
            double d = number(j, j->mean, k, 0) - mean;
            var += (number(j, j->rstd, k, 0) + d * d) / n;
        }
        double rstd = 1 / sqrt(var + eps);
        for (size_t k = first; k < first + j->each; k++) {
            double a = rstd * number(j, j->w, k % j->c.n, 1);
            put(j, j->mean, k, mean);
            put(j, j->rstd, k, rstd);
            put(j, j->a, k, a);
            put(j, j->d, k, number(j, j->shift, k % j->c.n, 0) - mean * a);
        }
    }
}

static gm_status forward(gm__call *c)
{
    const gm_tensor *y = c->out;
    const int64_t shape[] = {y->shape[0], y->shape[2]};
    job j = {.each = 0};
    gm_tensor *mean = gm__tape_tensor(c->t, y->dtype, 2, shape), *rstd = mean ? gm__tape_tensor(c->t, y->dtype, 2, shape) : NULL;
    if (!rstd || !start(c->t, &j, y, c->attr->i[0]) || !plain(c->t, c->in[0], &j.x) || !plain(c->t, c->in[1], &j.w) || !plain(c->t, c->in[2], &j.shift))
        return gm__recorded(c->t);
    j.mean = mean->data;
    j.rstd = rstd->data;
    if (c->node) {
        c->node->saved[0] = mean;
        c->node->saved[1] = rstd;
    }
    if (y->size == 0) return GM_OK;
    if (!gm__column_stats(c->t, &j.c, j.x, j.mean, j.rstd)) return gm__recorded(c->t);
    join(&j, c->attr->f[0]);
    gm__column_mix(&j.c, y->data, j.x, NULL, j.a, NULL, j.d);
    return GM_OK;
}

/* ---- gradients ----------------------------------------------------------------------------- */

/* h = (x-mean) rstd, u = g w: gx = rstd (u - mean(u) - h mean(u h)) = a g + b x + d, means over a group */
static void coefficients(const job *j, const char *sum, const char *along)
{
    double count = (double)j->each * (double)j->c.rows;
    for (size_t first = 0; first < j->c.images * j->c.n; first += j->each) {
        double u = 0, uh = 0, rstd = number(j, j->rstd, first, 1), mean = number(j, j->mean, first, 0);
        for (size_t k = first; k < first + j->each; k++) {
            double w = number(j, j->w, k % j->c.n, 1) / count;
            u += w * number(j, sum, k, 0);
            uh += w * number(j, along, k, 0) * rstd;
        }
        for (size_t k = first; k < first + j->each; k++) {
            put(j, j->a, k, rstd * number(j, j->w, k % j->c.n, 1));
            put(j, j->b, k, -rstd * rstd * uh);
            put(j, j->d, k, rstd * (mean * rstd * uh - u));
        }
    }
}

/* the gradient of w or b: over all images, v or v rstd of each channel */
static gm_status give_channels(gm_tape *t, const gm__node *n, int i, const job *j, const char *v, const char *rstd)
{
    bool add;
    gm_tensor *g = gm__grad_into(t, n, i, &add);
    if (!g) return gm__recorded(t);
    for (size_t c = 0; c < j->c.n; c++) {
        double s = add ? number(j, g->data, c, 0) : 0;
        for (size_t k = c; k < j->c.images * j->c.n; k += j->c.n) s += number(j, v, k, 0) * number(j, rstd, k, 1);
        put(j, g->data, c, s);
    }
    return GM_OK;
}

static gm_status fused(gm_tape *t, const gm__node *n, gm_tensor *gy, const bool *want)
{
    job j = {.mean = n->saved[0]->data, .rstd = n->saved[1]->data};
    size_t es = gm__esize(gy->dtype), channels = (size_t)(gy->shape[0] * gy->shape[2]);
    gm_tensor *gx = want[0] ? gm__grad_tmp(t, n, 0) : NULL;
    char *sum = gm__arena(t, channels + 1, 2 * es), *along = sum ? sum + channels * es : NULL;
    if ((want[0] && !gx) || !sum || !start(t, &j, gy, n->attr.i[0]) || !plain(t, n->in[0], &j.x) || !plain(t, n->in[1], &j.w)) return gm__recorded(t);
    if (gy->size > 0) {
        if (!gm__column_sums(t, &j.c, gy->data, j.x, j.mean, sum, along)) return gm__recorded(t);
        if (gx) {
            coefficients(&j, sum, along);
            gm__column_mix(&j.c, gx->data, gy->data, j.x, j.a, j.b, j.d);
        }
    } else {
        j.c.images = 0; /* sums of nothing */
    }
    if (gx) GM__TRY(gm__grad_give(t, n, 0, gx));
    if (n->in[1] && want[1]) GM__TRY(give_channels(t, n, 1, &j, along, j.rstd));
    if (n->in[2] && want[2]) GM__TRY(give_channels(t, n, 2, &j, sum, NULL));
    return GM_OK;
}

static void vjp(gm_tape *t, const gm__node *n, gm_tensor *gy, const bool *want, gm_tensor **gx)
{
    gm_tensor *x = n->in[0], *w = n->in[1], *b = n->in[2];
    int64_t groups = n->attr.i[0], each = x->shape[2] / groups;
    const int64_t split[] = {x->shape[0], x->shape[1], groups, each}, one[] = {x->shape[0], 1, groups, 1};
    double count = (double)x->shape[1] * (double)each;
    gm_tensor *like = gm_zeros(t, x->dtype, 4, one), *v = gm_reshape(t, x, 4, split);
    if (!like || !v) return;
    gm_tensor *centred = gm_sub(t, v, gm__scale(t, gm__sum_to(t, v, like), 1 / count));
    gm_tensor *var = gm__scale(t, gm__sum_to(t, gm_square(t, centred), like), 1 / count);
    gm_tensor *rstd = gm_reciprocal(t, gm_sqrt(t, gm_affine(t, var, 1, n->attr.f[0]))), *hat = gm_mul(t, centred, rstd);
    if (want[0]) {
        gm_tensor *u = gm_reshape(t, w ? gm_mul(t, gy, w) : gy, 4, split);
        gm_tensor *d = gm_sub(t, u, gm__scale(t, gm__sum_to(t, u, like), 1 / count));
        d = gm_sub(t, d, gm_mul(t, hat, gm__scale(t, gm__sum_to(t, gm_mul(t, u, hat), like), 1 / count)));
        gx[0] = gm__reshape_like(t, gm_mul(t, rstd, d), x);
    }
    if (w && want[1]) gx[1] = gm__sum_to(t, gm_mul(t, gy, gm__reshape_like(t, hat, x)), w);
    if (b && want[2]) gx[2] = gm__sum_to(t, gy, b);
}
const gm__op gm__op_group_norm = {"group_norm", 3, GM__OP_OPT1 | GM__OP_OPT2, infer, forward, vjp, fused,
    "2,5,6 6 6 i=3 f=1e-5 | 1,7,4 4 4 i=1 f=1e-5 | 3,4,5 5 5 i=5 f=1e-5 | 2,6,4 - - i=2 f=0.1 | 2,3,4:t 4 - i=2 f=1e-5 | 1,5,9:s - 9:s i=3 f=1e-3 | "
    "0,3,4 4 4 i=2 f=1e-5 | 2,9,1 1 1 i=1 f=1e-5 | 2,1,8 8 8 i=2 f=1e-5 | 1,70,2 2 2 i=2 f=1e-5 | 2,3,34 34 34 i=17 f=1e-5 | 1,2,35 35:c 35 i=7 f=1e-5 | "
    "2,4,6:c 6 6 i=3 f=1e-5 | 1,66,3 3 3 i=1 f=1e-5"};

/* x [N, C, ..] as [N, P, C] and back */
static gm_tensor *apply(gm_tape *t, const char *who, gm_tensor *x, int64_t groups, bool instance, gm_tensor *w, gm_tensor *b, double eps)
{
    char text[128];
    if (!gm__tape_ok(t)) return NULL;
    if (!gm__is(x, GM__TENSOR)) return gm__tape_fail(t, GM_EARG, "%s: x is no tensor", who);
    if (x->ndim < 2 || (instance && x->ndim < 3))
        return gm__tape_fail(t, GM_ESHAPE, "%s: x [N, C, ..] wanted, got %s", who, gm__shape_text(text, x->ndim, x->shape));
    int64_t shape[3] = {x->shape[0], 1, x->shape[1]};
    for (int i = 2; i < x->ndim; i++) shape[1] *= x->shape[i];
    gm_tensor *last = x->ndim > 2 ? gm__to_last(t, x) : x, *y = last ? gm_reshape(t, last, 3, shape) : NULL;
    gm__attr a = {.i = {instance ? shape[2] + !shape[2] : groups}, .f = {eps}};
    y = y ? gm__apply(t, &gm__op_group_norm, (gm_tensor *[]){y, w, b}, 3, &a) : NULL;
    y = y ? gm__reshape_like(t, y, last) : NULL;
    return y && x->ndim > 2 ? gm__from_last(t, y) : y;
}

gm_tensor *gm_group_norm(gm_tape *t, gm_tensor *x, int64_t groups, gm_tensor *w, gm_tensor *b, double eps)
{
    return apply(t, "group_norm", x, groups, false, w, b, eps);
}
gm_tensor *gm_instance_norm(gm_tape *t, gm_tensor *x, gm_tensor *w, gm_tensor *b, double eps) { return apply(t, "instance_norm", x, 0, true, w, b, eps); }
