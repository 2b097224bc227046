/* layer_norm.c - (x-mean)/sqrt(var+eps) w + b over the last axis. Inputs x, w, b (w, b optional);
 * attr.f[0]: eps. saved: 1/sqrt(var+eps), mean of each row.
 * rms_norm is x/sqrt(mean(x^2)+eps) w: the same without mean and b. */
#include "ops/elementwise.h"
#include <gm/image.h>

#include <string.h>

static gm_status infer(gm__call *c)
{
    const gm_tensor *x = c->in[0];
    char a[128], b[128];
    GM__TRY(gm__infer_same(c));
    if (x->ndim < 1) return gm__fail(c->err, GM_ESHAPE, "%s: a number has no axis", c->op->name);
    for (int i = 1; i < c->nin; i++) {
        const gm_tensor *p = c->in[i];
        if (p && (p->ndim != 1 || p->shape[0] != x->shape[x->ndim - 1]))
            return gm__fail(c->err, GM_ESHAPE, "%s: %s %s does not fit x %s", c->op->name, i == 1 ? "w" : "b", gm__shape_text(a, p->ndim, p->shape),
                            gm__shape_text(b, x->ndim, x->shape));
    }
    return GM_OK;
}

/* rows are independent; the gradients of w and b are summed a block of rows at a time */
typedef struct job {
    gm_ctx *ctx;
    bool f64;
    double eps;
    size_t n, rows, block;
    char *y, *mean, *rstd, *gw, *gb;
    const char *g, *x, *w, *b;
} job;

#define AT(T, p, i) ((p) ? (T *)(void *)(p) + (i) : NULL)
#define CAT(T, p, i) ((p) ? (const T *)(const void *)(p) + (i) : NULL)

static void rows_of(void *arg, size_t first, size_t last)
{
    const job *j = arg;
    size_t at = first * j->n, m = last - first;
    if (j->f64)
        j->ctx->kern->layer_norm_f64(m, j->n, j->eps, AT(double, j->y, at), AT(double, j->mean, first), AT(double, j->rstd, first), CAT(double, j->x, at),
                                     CAT(double, j->w, 0), CAT(double, j->b, 0));
    else
        j->ctx->kern->layer_norm_f32(m, j->n, (float)j->eps, AT(float, j->y, at), AT(float, j->mean, first), AT(float, j->rstd, first),
                                     CAT(float, j->x, at), CAT(float, j->w, 0), CAT(float, j->b, 0));
}

static void blocks_g(void *arg, size_t first, size_t last)
{
    const job *j = arg;
    for (size_t k = first; k < last; k++) {
        size_t row = k * j->block, m = j->rows - row < j->block ? j->rows - row : j->block, at = row * j->n, part = k * j->n;
        if (j->f64)
            j->ctx->kern->layer_norm_g_f64(m, j->n, AT(double, j->y, at), AT(double, j->gw, part), AT(double, j->gb, part), CAT(double, j->g, at),
                                           CAT(double, j->x, at), CAT(double, j->mean, row), CAT(double, j->rstd, row), CAT(double, j->w, 0));
        else
            j->ctx->kern->layer_norm_g_f32(m, j->n, AT(float, j->y, at), AT(float, j->gw, part), AT(float, j->gb, part), CAT(float, j->g, at),
                                           CAT(float, j->x, at), CAT(float, j->mean, row), CAT(float, j->rstd, row), CAT(float, j->w, 0));
    }
}

/* false after recording a failure; a missing tensor stays missing */
static bool plain(gm_tape *t, gm_tensor *x, const char **data)
{
    *data = NULL;
    if (!x) return true;
    if (!(x = gm__tape_contiguous(t, x))) return false;
    *data = x->data;
    return true;
}

static gm_status forward(gm__call *c)
{
    const gm_tensor *y = c->out;
    job j = {.ctx = c->ctx, .f64 = gm__f64_of(y), .eps = c->attr->f[0], .n = (size_t)y->shape[y->ndim - 1], .y = y->data};
    bool centred = c->nin > 2;
    gm_tensor *rstd = gm__tape_tensor(c->t, y->dtype, y->ndim - 1, y->shape);
    gm_tensor *mean = rstd && centred ? gm__tape_tensor(c->t, y->dtype, y->ndim - 1, y->shape) : NULL;
    if (!rstd || (centred && !mean) || !plain(c->t, c->in[0], &j.x) || !plain(c->t, c->in[1], &j.w) || !plain(c->t, centred ? c->in[2] : NULL, &j.b))
        return gm__recorded(c->t);
    j.mean = mean ? mean->data : NULL;
    j.rstd = rstd->data;
    if (y->size > 0) gm__ranges(c->ctx, (size_t)rstd->size, j.n, rows_of, &j);
    if (c->node) {
        c->node->saved[0] = rstd;
        c->node->saved[1] = mean;
    }
    return GM_OK;
}

/* sums of [blocks, n] partial sums into input i's gradient */
static gm_status give_sums(gm_tape *t, const gm__node *n, int i, const job *j, const char *part, size_t blocks)
{
    bool add;
    gm_tensor *g = gm__grad_into(t, n, i, &add);
    if (!g) return gm__recorded(t);
    if (j->f64) t->ctx->kern->colsum_f64(blocks, j->n, (const double *)(const void *)part, j->n, gm__f64(g), add);
    else t->ctx->kern->colsum_f32(blocks, j->n, (const float *)(const void *)part, j->n, gm__f32(g), add);
    return GM_OK;
}

static gm_status fused(gm_tape *t, const gm__node *n, gm_tensor *gy, const bool *want)
{
    size_t es = gm__esize(gy->dtype);
    job j = {.ctx = t->ctx, .f64 = gm__f64_of(gy), .n = (size_t)gy->shape[gy->ndim - 1], .g = gy->data, .rstd = n->saved[0]->data,
             .mean = n->saved[1] ? n->saved[1]->data : NULL};
    gm_tensor *gx = gm__grad_tmp(t, n, 0);
    j.rows = (size_t)n->saved[0]->size;
    j.block = 32768 / (j.n + 1) + 1;
    size_t blocks = (j.rows + j.block - 1) / j.block;
    if (!gx || !plain(t, n->in[0], &j.x) || !plain(t, n->in[1], &j.w)) return gm__recorded(t);
    j.y = gx->data;
    for (int i = 1; i < n->nin; i++) {
        if (!n->in[i] || !want[i]) continue;
        char *part = gm__arena(t, blocks * j.n + 1, es);
        if (!part) return gm__recorded(t);
        memset(part, 0, blocks * j.n * es);
        *(i == 1 ? &j.gw : &j.gb) = part;
    }
    if (gy->size > 0) gm__ranges(t->ctx, blocks, j.block * j.n, blocks_g, &j);
    if (want[0]) GM__TRY(gm__grad_give(t, n, 0, gx));
    if (j.gw) GM__TRY(give_sums(t, n, 1, &j, j.gw, blocks));
    if (j.gb) GM__TRY(give_sums(t, n, 2, &j, j.gb, blocks));
    return GM_OK;
}

static void vjp(gm_tape *t, const gm__node *n, gm_tensor *gy, const bool *want, gm_tensor **gx)
{
    gm_tensor *x = n->in[0], *w = n->in[1], *b = n->in[2];
    gm_tensor *centred = gm_sub(t, x, gm_mean(t, x, -1, 1));
    gm_tensor *rstd = gm_reciprocal(t, gm_sqrt(t, gm_affine(t, gm_mean(t, gm_square(t, centred), -1, 1), 1, n->attr.f[0])));
    gm_tensor *hat = gm_mul(t, centred, rstd), *g = w ? gm_mul(t, gy, w) : gy;
    if (want[0]) {
        gm_tensor *along = gm_mul(t, hat, gm_mean(t, gm_mul(t, g, hat), -1, 1));
        gx[0] = gm_mul(t, rstd, gm_sub(t, gm_sub(t, g, gm_mean(t, g, -1, 1)), along));
    }
    if (w && want[1]) gx[1] = gm__sum_to(t, gm_mul(t, gy, hat), w);
    if (b && want[2]) gx[2] = gm__sum_to(t, gy, b);
}
const gm__op gm__op_layer_norm = {"layer_norm", 3, GM__OP_OPT1 | GM__OP_OPT2, infer, forward, vjp, fused,
    "7,17 17 17 f=1e-5 | 5 5 5 f=1e-5 | 0,3 3 3 f=1e-5 | 4,3 - - f=0.1 | 2,3,4:t 4 - f=1e-5 | 5,9:s - 9:s f=1e-3 | 2,70 70 70 f=1e-5 | "
    "2,1,3,1,2 2 2 f=1e-2 | 17,7:ts 7:s 7 f=1e-5 | 33 33 - f=1e-5 | 4,0,2 2 2 f=1e-5 | 1,1,3 - 3 f=0.1"};

static void vjp_rms(gm_tape *t, const gm__node *n, gm_tensor *gy, const bool *want, gm_tensor **gx)
{
    gm_tensor *x = n->in[0], *w = n->in[1];
    gm_tensor *rstd = gm_reciprocal(t, gm_sqrt(t, gm_affine(t, gm_mean(t, gm_square(t, x), -1, 1), 1, n->attr.f[0])));
    gm_tensor *hat = gm_mul(t, x, rstd), *g = w ? gm_mul(t, gy, w) : gy;
    if (want[0]) gx[0] = gm_mul(t, rstd, gm_sub(t, g, gm_mul(t, hat, gm_mean(t, gm_mul(t, g, hat), -1, 1))));
    if (w && want[1]) gx[1] = gm__sum_to(t, gm_mul(t, gy, hat), w);
}
const gm__op gm__op_rms_norm = {"rms_norm", 2, GM__OP_OPT1, infer, forward, vjp_rms, fused,
    "7,17 17 f=1e-5 | 5 5 f=1e-5 | 0,3 3 f=1e-5 | 4,3 - f=0.1 | 2,3,4:t 4 f=1e-5 | 5,9:s 9:s f=1e-3 | 2,70 70 f=1e-5 | 1 1 f=1e-5 | 3,1 - f=1e-6 | "
    "1,33 33 f=1e-5 | 2,0 0 f=1e-5 | 3,2,8 8:c f=1e-5 | 4,7:c 7 f=1e-5"};

gm_tensor *gm_layer_norm(gm_tape *t, gm_tensor *x, gm_tensor *w, gm_tensor *b, double eps)
{
    gm_tensor *in[3] = {x, w, b};
    gm__attr a = {.f = {eps}};
    return gm__apply(t, &gm__op_layer_norm, in, 3, &a);
}

gm_tensor *gm_rms_norm(gm_tape *t, gm_tensor *x, gm_tensor *w, double eps)
{
    gm__attr a = {.f = {eps}};
    return gm__apply(t, &gm__op_rms_norm, (gm_tensor *[]){x, w}, 2, &a);
}
