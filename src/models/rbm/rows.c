/* rows.c - data as states of units, and states as data: checks, entries that are missing, levels.
 *
 * A missing entry (NaN) takes no part: its units are held at 0, which adds nothing to any product, so that every row has a
 * machine of its own made of the units that it has [Salakhutdinov, Mnih & Hinton 2007]. */
#include "models/rbm/rbm.h"
#include "models/trainer.h"
#include <math.h>
#include <string.h>

/* ---- checks ---------------------------------------------------------------------------- */

static bool counts(const gm__rbm *r) { return (r->visible->has & GM__UNIT_COUNTS) != 0; }
static bool refuse(const gm__rbm *r, gm_tape *t, double found, int64_t row)
{
    gm__tape_fail(t, GM_EARG, "%s: %s units want %s, found %g in row %lld%s", r->owner, r->visible->name, r->visible->values, found, (long long)row,
                  r->visible->hint && !isnan(found) ? r->visible->hint : isnan(found) && r->visible->has & GM__UNIT_MISSING ? " (missing=on leaves such entries out)" : "");
    return false;
}

/* Softmax: the units of every group make 1, or all of them are missing. Replicated: there are not too many words. */
static bool sums_fit(const gm__rbm *r, gm_tape *t, const float *row, int64_t number)
{
    const int64_t units = r->nv - r->labels, group = counts(r) ? units : r->how.group;
    for (int64_t g = 0; g < units; g += group) {
        double sum = 0;
        int64_t gone = 0;
        for (int64_t i = g; i < g + group; i++) gone += isnan(row[i]), sum += (double)row[i];
        if (gone == group || (counts(r) ? sum <= GM__RBM_WORDS : fabs(sum - 1) < 1e-3)) continue;
        gm__tape_fail(t, GM_EARG, "%s: %s units want %s: units %lld to %lld of row %lld make %g", r->owner, r->visible->name, r->visible->values, (long long)g,
                      (long long)(g + group - 1), (long long)number, sum);
        return false;
    }
    return true;
}

static bool fits(const gm__rbm *r, gm_tape *t, const gm_tensor *x)
{
    const int64_t units = r->nv - r->labels;
    for (int64_t i = 0; i < x->size; i++) {
        const float v = gm__f32(x)[i];
        if (!r->visible->takes((double)v) && !(isnan(v) && r->how.missing)) return refuse(r, t, (double)v, i / units);
    }
    if (!r->how.group && !counts(r)) return true;
    for (int64_t i = 0; i < x->shape[0]; i++)
        if (!sums_fit(r, t, gm__f32(x) + i * units, i)) return false;
    return true;
}

/* ---- data in --------------------------------------------------------------------------- */

/* Every number becomes a group of which the unit of its level is on. */
static gm_tensor *from_levels(const gm__rbm *r, gm_tape *t, gm_tensor *x)
{
    const int64_t k = r->n_levels, entries = (r->nv - r->labels) / k;
    x = x ? gm__tape_contiguous(t, x) : NULL;
    gm_tensor *v = x ? gm_zeros(t, GM_F32, 2, (int64_t[]){x->shape[0], entries * k}) : NULL;
    for (int64_t i = 0; v && i < x->size; i++) {
        const float value = gm__f32(x)[i];
        int64_t at = 0;
        while (at < k && !(fabsf(value - r->level[at]) <= 1e-4f * fmaxf(1, fabsf(value)))) at++;
        if (at < k) gm__f32(v)[i * k + at] = 1;
        else if (!(isnan(value) && r->how.missing))
            return gm__tape_fail(t, GM_EARG, "%s: %g in row %lld is none of the levels %g to %g%s", r->owner, (double)value, (long long)(i / entries),
                                 (double)r->level[0], (double)r->level[k - 1], isnan(value) ? " (missing=on leaves such entries out)" : "");
    }
    return v;
}

gm_tensor *gm__rbm_rows(const gm__rbm *r, gm_tape *t, gm_tensor *x, bool check)
{
    if (r->n_levels) return from_levels(r, t, x);
    gm_tensor *v = x ? gm_reshape(t, x, 2, (int64_t[]){x->shape[0], r->nv - r->labels}) : NULL;
    if (!check && !r->how.missing) return v;
    v = v ? gm__tape_contiguous(t, v) : NULL;
    if (!v || (check && !fits(r, t, v))) return NULL;
    if (!r->how.missing) return v;
    gm_tensor *filled = gm_zeros(t, GM_F32, 2, v->shape);
    for (int64_t i = 0; filled && i < v->size; i++)
        if (!isnan(gm__f32(v)[i])) gm__f32(filled)[i] = gm__f32(v)[i];
    return filled;
}

gm_tensor *gm__rbm_absent(const gm__rbm *r, gm_tape *t, gm_tensor *x)
{
    const int64_t units = r->nv - r->labels, k = r->n_levels ? r->n_levels : 1;
    if (!r->how.missing) return NULL;
    x = x ? gm__tape_contiguous(t, x) : NULL;
    gm_tensor *y = x ? gm_zeros(t, GM_U8, 2, (int64_t[]){x->shape[0], r->nv}) : NULL;
    for (int64_t i = 0; y && i < x->size; i++)
        if (isnan(gm__f32(x)[i])) memset((uint8_t *)y->data + i * k / units * r->nv + i * k % units, 1, (size_t)k);
    return y;
}

/* ---- means ----------------------------------------------------------------------------- */

/* Sums of units over a batch, and how many rows have them. */
static bool add_units(const gm__rbm *r, gm_tape *t, gm_tensor *x, double *sum, double *seen)
{
    const int64_t units = r->nv - r->labels;
    gm_tensor *v = gm__rbm_rows(r, t, x, false), *absent = gm__rbm_absent(r, t, x);
    v = v ? gm__tape_contiguous(t, v) : NULL;
    if (!v || (r->how.missing && !absent)) return false;
    for (int64_t i = 0; i < v->size; i++) {
        sum[i % units] += (double)gm__f32(v)[i];
        if (absent) seen[i % units] += !((const uint8_t *)absent->data)[i / units * r->nv + i % units];
    }
    return true;
}

/* Levels that few rows have say little: each entry counts as if it had been seen once a level more, as the data are on average. */
static void smooth(const gm__rbm *r, double *sum, double *seen)
{
    const int64_t units = r->nv - r->labels, k = r->how.group;
    for (int64_t level = 0; level < k; level++) {
        double on = 0, all = 0;
        for (int64_t i = level; i < units; i += k) on += sum[i], all += seen[i];
        for (int64_t i = level; all > 0 && i < units; i += k) sum[i] += (double)k * on / all, seen[i] += (double)k;
    }
}

gm_status gm__rbm_means(const gm__rbm *r, gm_trainer *tr, double *mean)
{
    enum { LOOK = 10000 };
    const int64_t units = r->nv - r->labels;
    gm_batches *b = NULL;
    gm_tensor *x = NULL;
    gm_tape *t = NULL;
    double rows = 0, *seen = gm__calloc(tr->ctx, (size_t)units, sizeof *seen);
    gm_status s = seen ? gm__trainer_batches(tr, GM__CHUNK, &b) : GM_ENOMEM;
    if (!s) s = gm__use_tape(tr->ctx, &t);
    for (int64_t j = 0; j < units; j++) mean[j] = 0;
    while (!s && rows < LOOK) {
        if ((s = gm__check_cancel(tr->ctx)) || (s = gm_batches_next(b, &x))) break;
        gm_tape_reset(t);
        if (!add_units(r, t, gm__model_rows(tr->m, t, x), mean, seen)) s = gm__tape_failed(tr->ctx, t);
        rows += (double)gm_tensor_dim(x, 0);
    }
    if (s == GM_END) s = GM_OK;
    if (!s && r->how.missing && r->how.group) smooth(r, mean, seen);
    for (int64_t j = 0; !s && j < units; j++) mean[j] /= r->how.missing ? fmax(seen[j], 1) : rows;
    gm_tape_free(t);
    gm_batches_free(b);
    gm__free(tr->ctx, seen);
    return s;
}

/* ---- data out -------------------------------------------------------------------------- */

gm_tensor *gm__rbm_shaped(const gm_model *m, gm_tape *t, gm_tensor *v)
{
    int64_t shape[GM_MAX_DIMS] = {v ? v->shape[0] : 0};
    memcpy(shape + 1, m->shape, (size_t)m->ndim * sizeof *shape);
    return v ? gm_reshape(t, v, m->ndim + 1, shape) : NULL;
}

gm_tensor *gm__rbm_data(const gm__rbm *r, const gm_model *m, gm_tape *t, gm_tensor *v)
{
    const int64_t k = r->n_levels, n = v ? v->shape[0] : 0;
    if (!k || !v) return gm__rbm_shaped(m, t, v);
    gm_tensor *level = gm_zeros(t, GM_F32, 1, &k);
    if (level) memcpy(level->data, r->level, (size_t)k * sizeof(float));
    return gm__rbm_shaped(m, t, gm_sum(t, gm_mul(t, gm_reshape(t, v, 3, (int64_t[]){n, m->row, k}), level), 2, 0));
}
