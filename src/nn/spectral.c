/* spectral.c - weights divided by their largest singular value (Miyato et al. 2018).
 *
 * Singular vectors u, v are statistics: each application in training improves them by a step of the power method, or several, and
 * what it finds waits in the layer for the optimiser's step, as batch norm's statistics do. Gradients take them as constants. */
#include "kernels/kernels.h"
#include "nn/net.h"
#include "ops/ops.h"
#include <math.h>
#include <string.h>

enum { FIRST_STEPS = 15 }; /* of the power method, from a random vector */

/* w as [a, h, t] with W's rows on h: column a*t + .. of row h */
typedef struct parts { size_t a, h, t; } parts;
static parts parts_of(const gm_tensor *w, int axis)
{
    parts p = {axis ? (size_t)w->shape[0] : 1, (size_t)w->shape[axis], 1};
    for (int i = axis + 1; i < w->ndim; i++) p.t *= (size_t)w->shape[i];
    return p;
}

/* v = W^T u / |..|, u = W v / |..| */
#define POWER(S, T)                                                                                \
    static void normalise_##S(const gm__kern *k, size_t n, T *x)                                   \
    {                                                                                              \
        T by = (T)(1 / fmax(sqrt(k->sumsq_##S(n, x)), 1e-12));                                     \
        for (size_t i = 0; i < n; i++) x[i] *= by;                                                 \
    }                                                                                              \
    static void power_##S(const gm__kern *k, parts p, const T *w, T *u, T *v)                      \
    {                                                                                              \
        memset(v, 0, p.a * p.t * sizeof *v);                                                       \
        for (size_t a = 0; a < p.a; a++)                                                           \
            for (size_t h = 0; h < p.h; h++) k->axpy_##S(p.t, v + a * p.t, u[h], w + (a * p.h + h) * p.t); \
        normalise_##S(k, p.a * p.t, v);                                                            \
        memset(u, 0, p.h * sizeof *u);                                                             \
        for (size_t a = 0; a < p.a; a++)                                                           \
            for (size_t h = 0; h < p.h; h++) u[h] += k->dot_##S(p.t, w + (a * p.h + h) * p.t, v + a * p.t); \
        normalise_##S(k, p.h, u);                                                                  \
    }
POWER(f32, float)
POWER(f64, double)

static void power(const gm_tensor *w, int axis, gm_tensor *u, gm_tensor *v)
{
    if (w->dtype == GM_F64) power_f64(w->ctx->kern, parts_of(w, axis), gm__f64(w), gm__f64(u), gm__f64(v));
    else power_f32(w->ctx->kern, parts_of(w, axis), gm__f32(w), gm__f32(u), gm__f32(v));
}

static void to_doubles(const gm_tensor *x, double *to)
{
    for (int64_t i = 0; i < x->size; i++) to[i] = x->dtype == GM_F64 ? gm__f64(x)[i] : (double)gm__f32(x)[i];
}
static void from_doubles(gm_tensor *x, const double *from)
{
    for (int64_t i = 0; i < x->size; i++) {
        if (x->dtype == GM_F64) gm__f64(x)[i] = from[i];
        else gm__f32(x)[i] = (float)from[i];
    }
}

/* ---- building ------------------------------------------------------------------------- */

gm_status gm__spectral_declare(gm__build *b, gm__layer *l, int ndim, const int64_t *shape, int axis, int steps)
{
    int64_t rows = shape[axis], cols = 1;
    for (int i = 0; i < ndim; i++) cols *= i == axis ? 1 : shape[i];
    if (b->body->params.at[l->param].fill == GM__FILL_ZERO) return gm__build_fail(b, l, GM_EARG, "weights of 0 cannot be spectral");
    GM__TRY(gm__declare_stat(b, l, "weight_u", 1, &rows, GM__FILL_ZERO));
    GM__TRY(gm__declare_stat(b, l, "weight_v", 1, &cols, GM__FILL_ZERO));
    double *block = gm__alloc(b->ctx, (size_t)(rows + cols), sizeof *block);
    if (!block) return GM_ENOMEM;
    l->pending = (gm__stats){.mean = block, .var = block + rows};
    l->spectral = 1 + axis;
    l->power = steps;
    return GM_OK;
}

static void start(gm_net *net, gm__body *body, gm__seq *seq)
{
    for (size_t i = 0; i < seq->n; i++) {
        gm__layer *l = &seq->layers[i];
        for (size_t j = 0; j < l->n_branch; j++) start(net, body, &l->branch[j]);
        if (!l->spectral) continue;
        gm_tensor *u = body->stats.at[l->stat].tensor, *v = body->stats.at[l->stat + 1].tensor;
        gm__init_normal(u, 0, 1, net->seed, ((uint64_t)1 << 32) + l->stat); /* draws of parameters count from 0 */
        for (int k = 0; k < FIRST_STEPS; k++) power(body->params.at[l->param].tensor, l->spectral - 1, u, v);
    }
}

gm_status gm__spectral_start(gm_net *net, gm__body *body)
{
    start(net, body, &body->root);
    return GM_OK;
}

/* ---- running ---------------------------------------------------------------------------- */

gm_tensor *gm__spectral_weight(const gm__run *r, gm__layer *l, gm_tensor *w)
{
    gm_tape *t = r->t;
    gm__stats *p = &l->pending;
    if (!l->spectral || !gm__tape_ok(t)) return w;
    gm_tensor *u = gm__stat(r, l, 0), *v = gm__stat(r, l, 1);
    if (t->training) {
        gm_tensor *from = u;
        u = gm__tape_tensor(t, from->dtype, 1, from->shape);
        v = u ? gm__tape_tensor(t, v->dtype, 1, v->shape) : NULL;
        if (!v) return NULL;
        if (t->replaying && !r->net->frozen) { /* the step forward was taken when the segment ran first */
            if (p->batches != 1)
                return gm__tape_fail(t, GM_ESTATE, "spectral: a checkpointed segment runs again after %lld steps of its layer, 1 wanted", (long long)p->batches);
            from_doubles(u, p->mean);
            from_doubles(v, p->var);
            return gm__spectral_norm(t, w, u, v, l->spectral - 1);
        }
        if (p->batches) from_doubles(u, p->mean);
        else memcpy(u->data, from->data, (size_t)u->size * gm__esize(u->dtype));
        for (int k = 0; k < l->power; k++) power(w, l->spectral - 1, u, v);
        if (!r->net->frozen) to_doubles(u, p->mean), to_doubles(v, p->var), p->batches++;
    }
    return gm__spectral_norm(t, w, u, v, l->spectral - 1);
}

void gm__spectral_commit(gm_net *net, gm__layer *l)
{
    gm__slot *s = &net->body.stats.at[l->stat];
    from_doubles(s[0].tensor, l->pending.mean);
    from_doubles(s[1].tensor, l->pending.var);
    for (int i = 0; i < 2; i++) s[i].tensor->version++;
}
