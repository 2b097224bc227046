/* poisson.c - draws from Poisson(rate): products of uniforms for small rates, transformed rejection (Hoermann 1993) from 10 on. */
#include "ops/random.h"

#include <math.h>

typedef struct job { bool f64; const float *keys; const char *rate; char *y; } job;

static double draw_small(gm__rng *r, double rate)
{
    double stop = exp(-rate), p = 1, k = -1;
    do {
        p *= 1 - gm__rng_unit(r);
        k++;
    } while (p > stop);
    return k;
}

static double draw_large(gm__rng *r, double rate)
{
    double b = 0.931 + 2.53 * sqrt(rate), a = -0.059 + 0.02483 * b, inv_alpha = 1.1239 + 1.1328 / (b - 3.4), sure = 0.9277 - 3.6224 / (b - 2);
    for (;;) {
        int sign;
        double u = gm__rng_unit(r) - 0.5, v = 1 - gm__rng_unit(r), s = 0.5 - fabs(u);
        double k = floor((2 * a / s + b) * u + rate + 0.43);
        if (s >= 0.07 && v <= sure) return k;
        if (!(k >= 0) || (s < 0.013 && v > s)) continue;
        if (log(v * inv_alpha / (a / (s * s) + b)) <= k * log(rate) - rate - lgamma_r(k + 1, &sign)) return k;
    }
}

static void elements(void *arg, size_t first, size_t last)
{
    const job *j = arg;
    size_t es = j->f64 ? 8 : 4;
    for (size_t i = first; i < last; i++) {
        gm__rng r = gm__element(j->keys, i);
        double rate = gm__load(j->f64, j->rate + i * es);
        gm__store(j->f64, j->y + i * es, rate < 10 ? draw_small(&r, rate) : draw_large(&r, rate));
    }
}

static gm_status forward(gm__call *c)
{
    gm_tensor *rate = gm__tape_contiguous(c->t, c->in[0]);
    if (!rate) return gm__recorded(c->t);
    job j = {.f64 = gm__f64_of(rate), .rate = rate->data, .y = c->out->data};
    for (size_t i = 0; i < (size_t)rate->size; i++) {
        double v = gm__load(j.f64, j.rate + i * gm__esize(rate->dtype));
        if (!(v >= 0 && v <= 1e15)) return gm__fail(c->err, GM_EARG, "poisson: rate %g at position %zu is not in [0,1e15]", v, i);
    }
    if (!(j.keys = gm__draw_keys(c->t, rate))) return gm__recorded(c->t);
    gm__ranges(c->ctx, (size_t)rate->size, 64, elements, &j);
    return GM_OK;
}
const gm__op gm__op_poisson = {"poisson", 1, GM__OP_RANDOM | GM__OP_NOGRAD, gm__infer_same, forward, NULL, NULL,
    "7,17:p | .:p | 0,3:p | 1:u | 2,3,4:pt | 5,9:ps | 2,1,3,1,2:u | 1,1,1:pt | 17,7:pts | 3,1,5:us | 33:p | 4,0,2:pt"};

gm_tensor *gm_poisson(gm_tape *t, gm_tensor *rate) { return gm__apply1(t, &gm__op_poisson, rate); }
