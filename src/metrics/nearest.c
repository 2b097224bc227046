/* nearest.c - are samples nearer to the training rows than fresh rows are [Meehan, Chaudhuri, Dasgupta 2020]? */
#include "metrics/metrics.h"
#include <math.h>
#include <string.h>

enum { SOME = 4 /* marks its stream among those of evaluation */ };

/* How many of sorted x [n] lie below v, equals counting half. */
static double below(const float *x, size_t n, float v)
{
    size_t low = 0, high = n, first;
    while (low < high) {
        const size_t mid = low + (high - low) / 2;
        if (x[mid] < v) low = mid + 1;
        else high = mid;
    }
    for (first = low, high = n; low < high;) {
        const size_t mid = low + (high - low) / 2;
        if (x[mid] <= v) low = mid + 1;
        else high = mid;
    }
    return 0.5 * (double)(first + low);
}

/* Mean over v of the share of sorted x above it, and the variance of that mean. */
static double share_above(const float *x, size_t n, const float *v, size_t m, double *variance)
{
    double mean = 0, squares = 0;
    for (size_t i = 0; i < m; i++) {
        const double p = 1 - below(x, n, v[i]) / (double)n;
        mean += p;
        squares += p * p;
    }
    mean /= (double)m;
    *variance = m > 1 ? fmax(0, squares / (double)m - mean * mean) / (double)(m - 1) : 0;
    return mean;
}

/* Sorted distances of samples [m] and of fresh rows [n]. */
static void result(const float *samples, size_t m, const float *fresh, size_t n, double *closer, double *error, double *copied)
{
    double one, two;
    *closer = share_above(fresh, n, samples, m, &one);
    share_above(samples, m, fresh, n, &two);
    if (error) *error = sqrt(one + two); /* [DeLong et al. 1988] */
    size_t count = 0;
    while (count < m && samples[count] <= 0.1f * fresh[n / 2]) count++;
    if (copied) *copied = (double)count / (double)m;
}

/* Distances of rows to the nearest of train, ascending. own: their places in train, if they are some of these. */
static gm_status distances(gm_ctx *ctx, const gm__set *train, const gm__set *rows, const uint64_t *own, float **out)
{
    double *squares = gm__alloc(ctx, rows->n, sizeof *squares);
    float *room = gm__alloc(ctx, rows->n, sizeof *room);
    *out = gm__alloc(ctx, rows->n, sizeof **out);
    gm_status s = squares && room && *out ? gm__neighbours(ctx, train, rows, 1, own != NULL, own, squares, NULL) : GM_ENOMEM;
    for (size_t i = 0; !s && i < rows->n; i++) (*out)[i] = (float)sqrt(squares[i]);
    if (!s) gm__sort_f32(*out, room, rows->n);
    gm__free(ctx, room);
    gm__free(ctx, squares);
    return s;
}

/* At most n of the training rows, drawn. */
static gm_status some_of(gm_ctx *ctx, const gm__set *train, size_t n, gm__set *out, uint64_t **own)
{
    *out = (gm__set){ .ctx = ctx, .n = n < train->n ? n : train->n, .d = train->d };
    *own = gm__alloc(ctx, train->n, sizeof **own);
    out->x = gm__alloc(ctx, out->n * out->d, sizeof *out->x);
    out->norm = gm__alloc(ctx, out->n, sizeof *out->norm);
    if (!*own || !out->x || !out->norm) return GM_ENOMEM;
    gm__rng r = gm__rng_make(gm__stream_make(0, GM__R_EVAL, SOME, 0));
    gm__permutation(&r, *own, train->n);
    for (size_t i = 0; i < out->n; i++) {
        memcpy(out->x + i * out->d, train->x + (*own)[i] * out->d, out->d * sizeof(float));
        out->norm[i] = train->norm[(*own)[i]];
    }
    return GM_OK;
}

gm_status gm_nearest(gm_ctx *ctx, gm_tensor *train, gm_tensor *fresh, gm_tensor *samples, double *closer, double *error, double *copied)
{
    gm__set s[2] = { { 0 } }, f[2] = { { 0 } };
    float *a = NULL, *b = NULL;
    uint64_t *own = NULL;
    if (!gm__is(ctx, GM__CTX)) return GM_EARG;
    if (!closer) return gm__fail_ctx(ctx, GM_EARG, "nearest: closer is NULL");
    gm_status st = gm__sets_open(ctx, "nearest", (gm__arg){ "train", train }, (gm__arg){ "samples", samples }, 1, GM__SET_CENTRED, s);
    if (!st && fresh) st = gm__sets_open(ctx, "nearest", (gm__arg){ "train", train }, (gm__arg){ "fresh", fresh }, 1, GM__SET_CENTRED, f);
    if (!st && !fresh && s[0].n < 2) st = gm__fail_ctx(ctx, GM_EARG, "nearest: train has 1 row, 2 or more are needed without fresh rows");
    if (!st && !fresh) st = some_of(ctx, &s[0], s[1].n, &f[1], &own);
    if (!st) st = distances(ctx, &s[0], &s[1], NULL, &a);
    if (!st) st = distances(ctx, &s[0], &f[1], own, &b);
    if (!st) result(a, s[1].n, b, f[1].n, closer, error, copied);
    gm__free(ctx, a);
    gm__free(ctx, b);
    gm__free(ctx, own);
    gm__sets_close(s);
    gm__sets_close(f);
    return st;
}
