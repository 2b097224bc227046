/* gamma.c - draws from Gamma(alpha, 1) (Marsaglia and Tsang 2000). The gradient is the implicit one (Figurnov et al.
 * 2018): the draw moves with alpha so that its probability stays. saved[0]: that slope, a constant to further gradients. */
#include "ops/random.h"

#include <float.h>
#include <math.h>

typedef struct job { bool f64; const float *keys; const char *a; char *y, *slope; } job;

/* alpha >= 1/3 */
static double draw_large(gm__rng *r, double alpha)
{
    double d = alpha - 1.0 / 3, c = 1 / sqrt(9 * d);
    for (;;) {
        double z = gm__rng_normal(r), v = 1 + c * z;
        if (!(v > 0)) continue;
        v = v * v * v;
        if (log(1 - gm__rng_unit(r)) < 0.5 * z * z + d * (1 - v + log(v))) return d * v;
    }
}
static double draw(gm__rng *r, double alpha)
{
    double y = alpha < 1 ? draw_large(r, alpha + 1) : draw_large(r, alpha);
    if (alpha < 1) y *= pow(1 - gm__rng_unit(r), 1 / alpha);
    return fmax(y, FLT_MIN);
}

static void elements(void *arg, size_t first, size_t last)
{
    const job *j = arg;
    size_t es = j->f64 ? 8 : 4;
    for (size_t i = first; i < last; i++) {
        gm__rng r = gm__element(j->keys, i);
        double a = gm__load(j->f64, j->a + i * es), y = draw(&r, a);
        gm__store(j->f64, j->y + i * es, y);
        if (j->slope) gm__store(j->f64, j->slope + i * es, gm__gamma_slope(a, y));
    }
}

static gm_status forward(gm__call *c)
{
    gm_tensor *a = gm__tape_contiguous(c->t, c->in[0]), *slope = NULL;
    if (!a) return gm__recorded(c->t);
    job j = {.f64 = gm__f64_of(a), .a = a->data, .y = c->out->data};
    size_t n = (size_t)a->size;
    for (size_t i = 0; i < n; i++) {
        double v = gm__load(j.f64, j.a + i * gm__esize(a->dtype));
        if (!(v > 0 && v < INFINITY)) return gm__fail(c->err, GM_EARG, "gamma: alpha %g at position %zu is not above 0 and finite", v, i);
    }
    if (!(j.keys = gm__draw_keys(c->t, a))) return gm__recorded(c->t);
    if (c->node) {
        if (!(slope = gm__tape_tensor(c->t, a->dtype, a->ndim, a->shape))) return gm__recorded(c->t);
        j.slope = slope->data;
    }
    gm__ranges(c->ctx, n, 64, elements, &j);
    if (c->node) c->node->saved[0] = slope;
    return GM_OK;
}
static void vjp(gm_tape *t, const gm__node *n, gm_tensor *gy, const bool *want, gm_tensor **gx)
{
    if (want[0]) gx[0] = gm_mul(t, gy, n->saved[0]);
}
/* The inputs are constants here: finite differences of a rejection say nothing of the law; see test_draws.c. */
const gm__op gm__op_gamma = {"gamma", 1, GM__OP_RANDOM, gm__infer_same, forward, vjp, NULL,
    "7,17:pc | .:pc | 0,3:pc | 1:uc | 2,3,4:ptc | 5,9:psc | 2,1,3,1,2:uc | 1,1,1:ptc | 17,7:ptsc | 3,1,5:usc | 33:pc | 4,0,2:ptc"};

gm_tensor *gm_gamma(gm_tape *t, gm_tensor *alpha) { return gm__apply1(t, &gm__op_gamma, alpha); }
