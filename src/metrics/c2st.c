/* c2st.c - a classifier that tells samples from data, and how often it is right [Lopez-Paz & Oquab 2017]. */
#include "metrics/c2st.h"
#include <math.h>
#include <string.h>

/* ---- the nearest other row ------------------------------------------------------------------- */

typedef struct job {
    const gm__set *all;   /* data, then as many samples */
    double share;
    float *w;
    double *best;         /* squared distance of the nearest so far */
    uint32_t *near, *same; /* rows at that distance, and how many of them are of the row's own set */
} job;

static void strip(void *arg, const gm__strip *s)
{
    const job *j = arg;
    const size_t d = j->all->d, half = j->all->n / 2;
    for (size_t k = 0; k < s->n; k++) {
        k = gm__pair_scan(s->p, j->w + s->j0, s->n, k, (float)(j->best[s->i] - j->share * (double)j->all->norm[s->i]));
        const size_t other = s->j0 + k;
        if (k == s->n || other == s->i) continue;
        const double v = gm__distance2(j->all->x + s->i * d, j->all->x + other * d, d);
        if (v > j->best[s->i]) continue;
        if (v < j->best[s->i]) j->best[s->i] = v, j->near[s->i] = j->same[s->i] = 0;
        j->near[s->i]++;
        j->same[s->i] += (other < half) == (s->i < half);
    }
}

static gm_status nearest(gm_ctx *ctx, const gm__set *all, double *value)
{
    job j = { .all = all, .share = gm__pair_share(all->d) };
    j.w = gm__alloc(ctx, all->n, sizeof *j.w);
    j.best = gm__alloc(ctx, all->n, sizeof *j.best);
    j.near = gm__calloc(ctx, all->n, 2 * sizeof *j.near);
    gm_status s = j.w && j.best && j.near ? GM_OK : GM_ENOMEM;
    if (!s) {
        j.same = j.near + all->n;
        for (size_t i = 0; i < all->n; i++) j.w[i] = (float)(j.share * (double)all->norm[i]), j.best[i] = INFINITY;
        s = gm__strips(ctx, all, all, strip, &j);
    }
    double right = 0;
    for (size_t i = 0; i < all->n && !s; i++) right += (double)j.same[i] / (double)j.near[i];
    *value = right / (double)all->n;
    gm__free(ctx, j.near);
    gm__free(ctx, j.best);
    gm__free(ctx, j.w);
    return s;
}

/* ---- from outside ------------------------------------------------------------------------------ */

enum { ORDER = 3 /* marks its streams among those of evaluation */ };

/* Both sets, made equally long, one behind the other, each in an order drawn from the seed: neighbouring rows of a file may be alike
 * or, as in MNIST, every second row may come from another source, and halves are made of every second row. */
static gm_status join(gm_ctx *ctx, const gm__set s[2], uint64_t seed, gm__set *all)
{
    const size_t n = s->n < s[1].n ? s->n : s[1].n, d = s->d, more = s->n > s[1].n ? s->n : s[1].n;
    *all = (gm__set){ .ctx = ctx, .n = 2 * n, .d = d };
    all->x = gm__alloc(ctx, all->n * d, sizeof *all->x);
    all->norm = gm__alloc(ctx, all->n, sizeof *all->norm);
    uint64_t *order = gm__alloc(ctx, more, sizeof *order);
    const gm_status st = all->x && all->norm && order ? GM_OK : GM_ENOMEM;
    for (size_t k = 0; k < 2 && !st; k++) {
        gm__rng r = gm__rng_make(gm__stream_make(seed, GM__R_EVAL, ORDER, k));
        gm__permutation(&r, order, s[k].n);
        for (size_t i = 0; i < n; i++) {
            memcpy(all->x + (k * n + i) * d, s[k].x + order[i] * d, d * sizeof(float));
            all->norm[k * n + i] = s[k].norm[order[i]];
        }
    }
    gm__free(ctx, order);
    return st;
}

gm_status gm_c2st(gm_ctx *ctx, gm_tensor *data, gm_tensor *samples, const gm_metrics_config *c, double *value, double *error)
{
    gm_metrics_config cfg;
    gm__set s[2], all[2] = { { 0 } };
    if (!gm__is(ctx, GM__CTX)) return GM_EARG;
    if (!value) return gm__fail_ctx(ctx, GM_EARG, "c2st: value is NULL");
    GM__TRY(gm__metrics_settings(ctx, c, &cfg));
    GM__TRY(gm__sets_open(ctx, "c2st", (gm__arg){ "data", data }, (gm__arg){ "samples", samples }, 4, GM__SET_CENTRED, s));
    gm_status st = join(ctx, s, cfg.seed, all);
    gm__sets_close(s);
    if (!st) st = cfg.judge == GM_JUDGE_LOGISTIC ? gm__logistic(ctx, all, value) : nearest(ctx, all, value);
    if (!st && error) *error = gm__binomial_error(*value, all->n);
    gm__sets_close(all);
    return st;
}
