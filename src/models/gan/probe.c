/* probe.c - the same rows of data and the same noise at each look: how wide the generated rows spread, where their mean lies, how much
 * of the data they reach. */
#include "models/gan/health.h"
#include <gm/metrics.h>
#include <math.h>
#include <string.h>

enum { PROBE = 256 };

/* ---- rows ------------------------------------------------------------------------------ */

/* Means of the columns, and the root of the sum of their variances. */
static double moments(const float *x, int64_t n, int64_t row, double *mean)
{
    double var = 0;
    memset(mean, 0, (size_t)row * sizeof *mean);
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < row; j++) mean[j] += (double)x[i * row + j] / (double)n;
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < row; j++) var += pow((double)x[i * row + j] - mean[j], 2) / (double)n;
    return sqrt(var);
}

static gm_status copy(gm_ctx *ctx, gm_tape *t, gm_tensor *x, gm_tensor **out)
{
    if (!x) return gm__tape_failed(ctx, t);
    if (x->dtype != GM_F32) x = gm_cast(t, x, GM_F32);
    x = x ? gm__tape_contiguous(t, x) : NULL;
    return x ? gm_tensor_copy(ctx, GM_F32, x->ndim, x->shape, x->data, out) : gm__tape_failed(ctx, t);
}

/* Share of the data's rows that are the nearest one to some of these. It asks not how near: rows that are not like the data yet
 * reach all of them as long as they differ as the data do. */
static gm_status reached(gm_ctx *ctx, const gm__health *h, gm_tensor *rows, double *share)
{
    const int64_t n = h->x->shape[0];
    gm_tensor *distance = NULL, *index = NULL;
    bool hit[PROBE] = {false};
    int64_t hits = 0;
    GM__TRY(gm_neighbours(ctx, h->x, rows, 1, &distance, &index));
    for (int64_t i = 0; i < index->size; i++) hit[((const int64_t *)(const void *)index->data)[i]] = true;
    for (int64_t i = 0; i < n; i++) hits += hit[i];
    *share = (double)hits / (double)n;
    gm_tensor_free(distance), gm_tensor_free(index);
    return GM_OK;
}

/* What further rows of the data reach; data of less than two batches: what equally likely ones would. */
static gm_status reach_of_data(gm_model *m, gm_trainer *tr, gm__health *h)
{
    gm_tensor *x = NULL, *rows = NULL;
    h->reach = 1 - exp(-1);
    if (gm_dataset_rows(tr->data) < 2 * PROBE) return GM_OK;
    GM__TRY(gm_batches_next(h->batches, &x));
    gm_tape_reset(h->t);
    gm__batch b = gm__model_batch(m, h->t, x, h->batches);
    GM__TRY(copy(tr->ctx, h->t, gm__gan_rows_in(m, h->t, b.x), &rows));
    gm_status s = reached(tr->ctx, h, rows, &h->reach);
    gm_tensor_free(rows);
    return s;
}

static gm_status read_rows(gm_model *m, gm_trainer *tr, gm__health *h)
{
    char options[100];
    gm_tensor *x = NULL;
    const long long rows = (long long)gm_dataset_rows(tr->data), n = rows < PROBE ? rows : PROBE;
    gm__format(options, sizeof options, "batch=%lld shuffle=on prefetch=off seed=%llu", n, (unsigned long long)tr->cfg.seed);
    GM__TRY(gm_batches_new(tr->data, options, &h->batches));
    GM__TRY(gm_batches_next(h->batches, &x));
    gm_tape_reset(h->t);
    gm__batch b = gm__model_batch(m, h->t, x, h->batches);
    GM__TRY(copy(tr->ctx, h->t, gm__gan_rows_in(m, h->t, b.x), &h->x));
    if (b.cond) GM__TRY(copy(tr->ctx, h->t, b.cond, &h->cond));
    return reach_of_data(m, tr, h);
}

gm_status gm__probe_open(gm_model *m, gm_trainer *tr)
{
    gm__health *h = gm__health_of(tr);
    if (h->mean) return GM_OK;
    if (!h->t) GM__TRY(gm_tape_new(tr->ctx, tr->cfg.seed, &h->t));
    gm_tape_recording(h->t, 0);
    gm_status s = h->x ? GM_OK : read_rows(m, tr, h);
    if (s) {
        gm__probe_free(tr->ctx, h);
        return s;
    }
    double *mean = gm__alloc(tr->ctx, (size_t)m->row, sizeof *mean);
    if (!mean) return GM_ENOMEM;
    h->spread = fmax(moments(gm__f32(h->x), h->x->shape[0], m->row, mean), 1e-30);
    h->mean = mean;
    return GM_OK;
}

void gm__probe_free(gm_ctx *ctx, gm__health *h)
{
    gm_tape_free(h->t);
    gm_batches_free(h->batches);
    gm_tensor_free(h->x), gm_tensor_free(h->cond);
    gm__free(ctx, h->mean);
    h->t = NULL, h->batches = NULL, h->x = h->cond = NULL, h->mean = NULL;
}

gm_tensor *gm__probe_fakes(gm_model *m, gm__health *h, gm_tensor *cond, int64_t n)
{
    gm__gan_code code = gm__gan_draw_code(m, h->t, n, 1, 0);
    return gm__gan_generate(m, h->t, code.z, cond);
}

/* ---- a look ------------------------------------------------------------------------------- */

/* Generated rows from the same noise each time, [n, row] f32, as training makes them: norms by the batch, which record nothing. */
static gm_tensor *same_fakes(gm_model *m, gm_trainer *tr, gm__health *h)
{
    gm_tape *t = h->t;
    gm_tape_reset(t);
    gm_tape_seed(t, tr->cfg.seed);
    gm_tape_recording(t, 0);
    gm_tape_training(t, 1);
    gm__gan_hold_g(gm__gan_of(m), true);
    gm_tensor *y = gm__probe_fakes(m, h, h->cond, h->x->shape[0]);
    gm__gan_hold_g(gm__gan_of(m), false);
    if (y && y->dtype != GM_F32) y = gm_cast(t, y, GM_F32);
    return y ? gm__tape_contiguous(t, y) : NULL;
}

static double distance(const float *a, const float *b, int64_t n)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += pow((double)(a[i] - b[i]), 2);
    return sqrt(sum);
}

gm_status gm__probe_look(gm_model *m, gm_trainer *tr, gm__look *look, gm_tensor **mean)
{
    GM__TRY(gm__probe_open(m, tr));
    gm__health *h = gm__health_of(tr);
    const int64_t row = m->row;
    const float *last = gm__f32(h->place), *began = last + row;
    gm_tensor *fake = same_fakes(m, tr, h);
    double *middle = fake ? gm__arena(h->t, (size_t)row, sizeof *middle) : NULL, off = 0;
    *mean = middle ? gm__tape_tensor(h->t, GM_F32, 1, &row) : NULL;
    *look = (gm__look){.finite = true};
    if (!*mean) return gm__tape_failed(tr->ctx, h->t);
    look->diversity = moments(gm__f32(fake), fake->shape[0], row, middle) / h->spread;
    for (int64_t j = 0; j < row; j++) off += pow(middle[j] - h->mean[j], 2), gm__f32(*mean)[j] = (float)middle[j];
    look->distance = sqrt(off) / h->spread;
    if (!isfinite(look->diversity) || !isfinite(look->distance)) {
        look->finite = false;
        return GM_OK;
    }
    if (gm__health_state(tr)[GM__H_LOOKS] > 0) {
        look->moved = distance(gm__f32(*mean), last, row) / h->spread;
        look->net = distance(gm__f32(*mean), began, row) / h->spread;
    }
    GM__TRY(reached(tr->ctx, h, fake, &look->reach));
    look->reach /= h->reach;
    return GM_OK;
}
