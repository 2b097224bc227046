/* spectral_norm.c - w / sigma, sigma = u^T W v. Inputs w, u, v; no gradient flows into u and v. attr.i[0]: the axis of w,
 * 0 or 1, that holds W's rows; the others, in order, are its columns. saved: sigma. (Miyato et al. 2018) */
#include "ops/elementwise.h"

/* w as [a, h, t]: column a*t of row h */
typedef struct parts { size_t a, h, t; } parts;
static parts parts_of(const gm_tensor *w, int64_t axis)
{
    parts p = {axis ? (size_t)w->shape[0] : 1, (size_t)w->shape[axis], 1};
    for (int i = (int)axis + 1; i < w->ndim; i++) p.t *= (size_t)w->shape[i];
    return p;
}

static gm_status infer(gm__call *c)
{
    const gm_tensor *w = c->in[0], *u = c->in[1], *v = c->in[2];
    char a[128], b[128], d[128];
    int64_t axis = c->attr->i[0];
    GM__TRY(gm__infer_same(c));
    bool fit = w->ndim >= 2 && (axis == 0 || axis == 1) && u->ndim == 1 && v->ndim == 1 && u->shape[0] == w->shape[axis];
    if (fit) {
        parts p = parts_of(w, axis);
        fit = (size_t)v->shape[0] == p.a * p.t;
    }
    if (fit) return GM_OK;
    return gm__fail(c->err, GM_ESHAPE, "spectral_norm: w %s, u %s and v %s do not fit", gm__shape_text(a, w->ndim, w->shape),
                    gm__shape_text(b, u->ndim, u->shape), gm__shape_text(d, v->ndim, v->shape));
}

static double dot(gm_ctx *ctx, bool f64, size_t n, const char *a, const char *b)
{
    return f64 ? ctx->kern->dot_f64(n, (const double *)(const void *)a, (const double *)(const void *)b)
               : (double)ctx->kern->dot_f32(n, (const float *)(const void *)a, (const float *)(const void *)b);
}

static gm_status forward(gm__call *c)
{
    gm_tensor *w = gm__tape_contiguous(c->t, c->in[0]), *u = gm__tape_contiguous(c->t, c->in[1]), *v = gm__tape_contiguous(c->t, c->in[2]);
    gm_tensor *sigma = gm__tape_tensor(c->t, c->out->dtype, 0, NULL);
    if (!w || !u || !v || !sigma) return gm__recorded(c->t);
    bool f64 = gm__f64_of(w);
    size_t es = f64 ? 8 : 4;
    parts p = parts_of(w, c->attr->i[0]);
    double sum = 0;
    for (size_t a = 0; a < p.a; a++)
        for (size_t h = 0; h < p.h; h++)
            sum += gm__load(f64, u->data + h * es) * dot(c->ctx, f64, p.t, w->data + (a * p.h + h) * p.t * es, v->data + a * p.t * es);
    gm__store(f64, sigma->data, sum);
    gm__kaffine(c->ctx, f64, (size_t)w->size, c->out->data, w->data, 1 / sum, 0);
    if (c->node) c->node->saved[0] = sigma;
    return GM_OK;
}

/* gw = (gy - u v^T sum(gy y)) / sigma, added to what is there or written */
static gm_status fused(gm_tape *t, const gm__node *n, gm_tensor *gy, const bool *want)
{
    bool add, f64 = gm__f64_of(gy);
    size_t es = f64 ? 8 : 4;
    gm_tensor *u = gm__tape_contiguous(t, n->in[1]), *v = gm__tape_contiguous(t, n->in[2]);
    if (!want[0]) return GM_OK;
    double sigma = gm__load(f64, n->saved[0]->data), sum = dot(t->ctx, f64, (size_t)gy->size, gy->data, n->out->data);
    gm_tensor *to = gm__grad_into(t, n, 0, &add);
    if (!u || !v || !to) return gm__recorded(t);
    parts p = parts_of(n->in[0], n->attr.i[0]);
    if (!add) gm__ew1(t->ctx, GM__U_FILL, to, to, (double[2]){0, 0}, false);
    if (f64) t->ctx->kern->axpy_f64((size_t)to->size, gm__f64(to), 1 / sigma, gm__f64(gy));
    else t->ctx->kern->axpy_f32((size_t)to->size, gm__f32(to), (float)(1 / sigma), gm__f32(gy));
    for (size_t a = 0; a < p.a; a++)
        for (size_t h = 0; h < p.h; h++) {
            double by = -sum / sigma * gm__load(f64, u->data + h * es);
            char *row = to->data + (a * p.h + h) * p.t * es, *of = v->data + a * p.t * es;
            if (f64) t->ctx->kern->axpy_f64(p.t, (double *)(void *)row, by, (const double *)(void *)of);
            else t->ctx->kern->axpy_f32(p.t, (float *)(void *)row, (float)by, (const float *)(void *)of);
        }
    return GM_OK;
}

static void vjp(gm_tape *t, const gm__node *n, gm_tensor *gy, const bool *want, gm_tensor **gx)
{
    gm_tensor *w = n->in[0];
    parts p = parts_of(w, n->attr.i[0]);
    int64_t a = (int64_t)p.a, h = (int64_t)p.h, k = (int64_t)p.t;
    if (!want[0]) return;
    gm_tensor *u = gm_reshape(t, gm_detach(t, n->in[1]), 3, (int64_t[]){1, h, 1}), *v = gm_reshape(t, gm_detach(t, n->in[2]), 3, (int64_t[]){a, 1, k});
    gm_tensor *outer = gm__reshape_like(t, gm_mul(t, u, v), w);
    gm_tensor *sigma = gm_sum(t, gm_mul(t, w, outer), GM_ALL_AXES, 0), *sum = gm_sum(t, gm_mul(t, gy, n->out), GM_ALL_AXES, 0);
    gx[0] = gm_div(t, gm_sub(t, gy, gm_mul(t, outer, sum)), sigma);
}
const gm__op gm__op_spectral_norm = {"spectral_norm", 3, 0, infer, forward, vjp, fused,
    "3,4:p 3:pc 4:pc | 1,1:p 1:pc 1:pc | 7,17:p 7:pc 17:pc | 7,17:p 17:pc 7:pc i=1 | 5,3,2,2:p 5:pc 12:pc | 5,3,2,2:p 3:pc 20:pc i=1 |"
    "4,6:pt 4:pc 6:pc | 4,6:ps 4:pcs 6:pcs | 2,3,7:p 3:pc 14:pc i=1 | 17,1:p 17:pc 1:pc | 1,17:p 17:pc 1:pc i=1 | 2,3,4,5:pt 2:pc 60:pc | 3,3:m 3:uc 3:uc"};

gm_tensor *gm__spectral_norm(gm_tape *t, gm_tensor *w, gm_tensor *u, gm_tensor *v, int axis)
{
    gm_tensor *in[3] = {w, u, v};
    gm__attr at = {.i = {axis}};
    return gm__apply(t, &gm__op_spectral_norm, in, 3, &at);
}
