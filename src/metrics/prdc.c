/* prdc.c - precision, recall, density, coverage: balls around the rows of each set, reaching to their k-th neighbours
 * [Kynkaanniemi et al. 2019; Naeem et al. 2020]. A ball holds its edge. */
#include "metrics/metrics.h"
#include <math.h>

typedef struct job {
    const gm__set *data, *samples;
    double share;
    double *data_radius, *sample_radius; /* squared, of each row's ball */
    float *w, *w_radius;                 /* of samples: without and with their radius (gm__pair_scan) */
    atomic_uint *inside;                 /* of each sample: balls of the data that hold it */
    uint8_t *covered, *recalled;         /* of each data row: does its ball hold a sample, does a sample's hold it? */
} job;

static double distance2(const job *j, size_t data, size_t sample)
{
    return gm__distance2(j->data->x + data * j->data->d, j->samples->x + sample * j->data->d, j->data->d);
}

/* One data row against a strip of samples; sums of whole numbers do not depend on who comes first. */
static void strip(void *arg, const gm__strip *s)
{
    job *j = arg;
    const double norm = j->share * (double)j->data->norm[s->i], radius = j->data_radius[s->i];
    for (size_t k = 0; k < s->n; k++) {
        k = gm__pair_scan(s->p, j->w + s->j0, s->n, k, (float)(radius - norm));
        if (k == s->n || distance2(j, s->i, s->j0 + k) > radius) continue;
        j->covered[s->i] = 1;
        atomic_fetch_add_explicit(&j->inside[s->j0 + k], 1, memory_order_relaxed);
    }
    for (size_t k = 0; k < s->n && !j->recalled[s->i]; k++) {
        k = gm__pair_scan(s->p, j->w_radius + s->j0, s->n, k, (float)-norm);
        if (k < s->n && distance2(j, s->i, s->j0 + k) <= j->sample_radius[s->j0 + k]) j->recalled[s->i] = 1;
    }
}

/* Squared distances of each row to its k-th neighbour in its own set. */
static gm_status radii(gm_ctx *ctx, const gm__set *s, size_t k, double **out)
{
    double *all = gm__alloc(ctx, s->n * k, sizeof *all);
    *out = gm__alloc(ctx, s->n, sizeof **out);
    gm_status st = all && *out ? gm__neighbours(ctx, s, s, k, true, NULL, all, NULL) : GM_ENOMEM;
    for (size_t i = 0; !st && i < s->n; i++) (*out)[i] = all[i * k + k - 1];
    gm__free(ctx, all);
    return st;
}

static gm_status run(gm_ctx *ctx, job *j, size_t k)
{
    const size_t n = j->data->n, m = j->samples->n;
    j->share = gm__pair_share(j->data->d);
    j->w = gm__alloc(ctx, 2 * m, sizeof *j->w);
    j->inside = gm__calloc(ctx, m, sizeof *j->inside);
    j->covered = gm__calloc(ctx, n, 2);
    if (!j->w || !j->inside || !j->covered) return GM_ENOMEM;
    j->w_radius = j->w + m;
    j->recalled = j->covered + n;
    GM__TRY(radii(ctx, j->data, k, &j->data_radius));
    GM__TRY(radii(ctx, j->samples, k, &j->sample_radius));
    for (size_t i = 0; i < m; i++) {
        const double v = j->share * (double)j->samples->norm[i];
        j->w[i] = (float)v;
        j->w_radius[i] = (float)(v - j->sample_radius[i]);
    }
    return gm__strips(ctx, j->data, j->samples, strip, j);
}

static void result(const job *j, size_t k, double value[4], double error[4])
{
    const double n = (double)j->data->n, m = (double)j->samples->n;
    double precision = 0, recall = 0, coverage = 0, sum = 0, squares = 0;
    for (size_t i = 0; i < j->samples->n; i++) {
        const double v = (double)atomic_load_explicit(&j->inside[i], memory_order_relaxed);
        precision += v > 0;
        sum += v;
        squares += v * v;
    }
    for (size_t i = 0; i < j->data->n; i++) recall += j->recalled[i], coverage += j->covered[i];
    value[0] = precision / m, value[1] = recall / n, value[2] = sum / m / (double)k, value[3] = coverage / n;
    if (!error) return;
    error[0] = gm__binomial_error(value[0], j->samples->n);
    error[1] = gm__binomial_error(value[1], j->data->n);
    error[2] = sqrt(fmax(0, squares / m - sum / m * (sum / m)) / (m - 1)) / (double)k;
    error[3] = gm__binomial_error(value[3], j->data->n);
}

gm_status gm_prdc(gm_ctx *ctx, gm_tensor *data, gm_tensor *samples, const gm_metrics_config *c, double value[4], double error[4])
{
    gm__set s[2];
    gm_metrics_config cfg;
    if (!gm__is(ctx, GM__CTX)) return GM_EARG;
    if (!value) return gm__fail_ctx(ctx, GM_EARG, "prdc: value is NULL");
    GM__TRY(gm__metrics_settings(ctx, c, &cfg));
    GM__TRY(gm__sets_open(ctx, "prdc", (gm__arg){ "data", data }, (gm__arg){ "samples", samples }, (size_t)cfg.k + 1, GM__SET_CENTRED, s));
    job j = { .data = &s[0], .samples = &s[1] };
    gm_status st = run(ctx, &j, (size_t)cfg.k);
    if (!st) result(&j, (size_t)cfg.k, value, error);
    gm__free(ctx, j.sample_radius);
    gm__free(ctx, j.data_radius);
    gm__free(ctx, j.covered);
    gm__free(ctx, (void *)j.inside);
    gm__free(ctx, j.w);
    gm__sets_close(s);
    return st;
}
