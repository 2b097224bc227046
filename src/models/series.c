/* series.c - curves of a run: numbers by name and step, thinned so that a run of any
 * length fits. A point is the mean of `every` numbers that follow each other; when the
 * points are full, neighbours are joined. What is kept depends on the numbers alone, and
 * travels in checkpoints, so a resumed run goes on with the curve of one that was not
 * interrupted. Tensor gm.train.series.NAME, f64 [2 + points, 2]: (every, step of the last
 * number), (how many wait for the next point, their sum), then step and value of each point. */
#include "models/trainer.h"
#include <math.h>
#include <string.h>

enum { SERIES_MAX = 32 };
static const char prefix[] = "gm.train.series.";

static bool good_name(const char *name)
{
    size_t n = strlen(name);
    return n && n < sizeof((gm__series *)0)->name && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == n;
}

static gm__series *find(const gm_trainer *tr, const char *name)
{
    for (size_t i = 0; i < tr->n_series; i++)
        if (!strcmp(tr->series[i].name, name)) return &tr->series[i];
    return NULL;
}

gm_status gm__series_add(gm_trainer *tr, const char *name)
{
    if (find(tr, name)) return GM_OK;
    if (!good_name(name)) return gm__fail_ctx(tr->ctx, GM_EARG, "series: '%.40s' is no name", name);
    if (tr->n_series == SERIES_MAX) return gm__fail_ctx(tr->ctx, GM_ELIMIT, "series: more than %d", SERIES_MAX);
    gm__series *grown = gm__realloc(tr->ctx, tr->series, tr->n_series + 1, sizeof *grown);
    if (!grown) return GM_ENOMEM;
    tr->series = grown;
    gm__series *s = &grown[tr->n_series];
    *s = (gm__series){ .every = 1, .points = gm__alloc(tr->ctx, GM__SERIES_POINTS, sizeof *s->points) };
    if (!s->points) return GM_ENOMEM;
    gm__format(s->name, sizeof s->name, "%s", name);
    tr->n_series++;
    return GM_OK;
}

void gm__series_free(gm_trainer *tr)
{
    for (size_t i = 0; i < tr->n_series; i++) gm__free(tr->ctx, tr->series[i].points);
    gm__free(tr->ctx, tr->series);
    tr->series = NULL;
    tr->n_series = 0;
}

static void put(gm__series *s, int64_t step, double value)
{
    if (step <= s->last) return; /* an epoch's end that was cut short is measured again */
    s->sum += value;
    s->last = step;
    if (++s->waiting < s->every) return;
    s->points[s->n++] = (gm__point){ step, s->sum / (double)s->every };
    s->waiting = 0;
    s->sum = 0;
    if (s->n < GM__SERIES_POINTS) return;
    for (size_t i = 0; i < s->n / 2; i++)
        s->points[i] = (gm__point){ s->points[2 * i + 1].step, (s->points[2 * i].value + s->points[2 * i + 1].value) / 2 };
    s->n /= 2;
    s->every *= 2;
}

void gm__trainer_record(gm_trainer *tr, const char *name, double value)
{
    if (!tr) return;
    gm__series *s = find(tr, name);
    if (!s) { /* a lost curve must not change what the step says */
        char message[GM__MESSAGE];
        gm_status was = tr->ctx->err.status;
        gm__format(message, sizeof message, "%s", gm_ctx_message(tr->ctx));
        if (gm__series_add(tr, name)) gm__fail_ctx(tr->ctx, was, "%s", message);
        else s = &tr->series[tr->n_series - 1];
    }
    if (s) put(s, tr->st.step + tr->in_step, value);
}

size_t gm__series_points(const gm__series *s) { return s->n + (s->waiting > 0); }

gm__point gm__series_point(const gm__series *s, size_t i)
{
    return i < s->n ? s->points[i] : (gm__point){ s->last, s->sum / (double)s->waiting };
}

const gm__series *gm__trainer_series(const gm_trainer *tr, const char *name) { return find(tr, name); }

/* ---- in checkpoints ---------------------------------------------------------------- */

gm_status gm__series_write(gm_trainer *tr, gm__stw *w, gm__strs *names, gm_tensor **kept)
{
    for (size_t i = 0; i < tr->n_series; i++) {
        const gm__series *s = &tr->series[i];
        char text[64];
        size_t length = gm__format(text, sizeof text, "%s%s", prefix, s->name);
        const char *name = gm__strs_add(names, text, length);
        if (!name) return GM_ENOMEM;
        GM__TRY(gm_tensor_new(tr->ctx, GM_F64, 2, (int64_t[]){ (int64_t)s->n + 2, 2 }, &kept[i]));
        double *v = gm__f64(kept[i]);
        v[0] = (double)s->every, v[1] = (double)s->last;
        v[2] = (double)s->waiting, v[3] = s->sum;
        for (size_t k = 0; k < s->n; k++) v[4 + 2 * k] = (double)s->points[k].step, v[5 + 2 * k] = s->points[k].value;
        GM__TRY(gm__stw_tensor(w, name, kept[i], false));
    }
    return GM_OK;
}

/* A whole number of [lo, hi], nothing else. */
static bool whole(double v, int64_t lo, int64_t hi, int64_t *out)
{
    if (!(v >= (double)lo && v <= (double)hi) || v != floor(v)) return false;
    *out = (int64_t)v;
    return true;
}

static bool fill(gm__series *s, const double *v, size_t n, int64_t step)
{
    if (!whole(v[0], 1, (int64_t)1 << 50, &s->every) || !whole(v[1], 0, step, &s->last) || !whole(v[2], 0, s->every - 1, &s->waiting)) return false;
    s->sum = v[3];
    for (s->n = 0; s->n < n; s->n++) {
        gm__point *p = &s->points[s->n];
        p->value = v[5 + 2 * s->n];
        if (!whole(v[4 + 2 * s->n], s->n ? p[-1].step : 0, s->last, &p->step)) return false;
    }
    return true;
}

static gm_status read_one(gm_trainer *tr, const gm__st *f, const char *who, const gm__entry *e)
{
    const char *name = e->name + sizeof prefix - 1;
    bool shaped = e->dtype == GM_F64 && e->ndim == 2 && e->shape[1] == 2 && e->shape[0] >= 2 && e->shape[0] < GM__SERIES_POINTS + 2;
    if (!shaped || !good_name(name)) return gm__fail_ctx(tr->ctx, GM_EFORMAT, "%.160s: %.64s: no series", who, e->name);
    gm_status s = gm__series_add(tr, name);
    if (s) return s == GM_ENOMEM ? s : gm__blame(tr->ctx, GM_EFORMAT, who, "gm.train.series");
    gm_tensor *t = NULL;
    GM__TRY(gm_tensor_new(tr->ctx, GM_F64, 2, e->shape, &t));
    s = gm__st_load(f, e, t);
    const int64_t latest = tr->st.step + (tr->st.played > 0); /* of a step in progress, too */
    if (!s && !fill(find(tr, name), gm__f64(t), (size_t)e->shape[0] - 2, latest))
        s = gm__fail_ctx(tr->ctx, GM_EFORMAT, "%.160s: %.64s: steps out of order", who, e->name);
    gm_tensor_free(t);
    return s;
}

gm_status gm__series_read(gm_trainer *tr, const gm__st *f, const char *who)
{
    for (size_t i = 0; i < f->n; i++)
        if (!strncmp(f->entries[i].name, prefix, sizeof prefix - 1)) GM__TRY(read_one(tr, f, who, &f->entries[i]));
    return GM_OK;
}

/* ---- for hosts ------------------------------------------------------------------------ */

static const gm__series *at(const gm_trainer *tr, int32_t i)
{
    return gm__is(tr, GM__TRAINER) && i >= 0 && (size_t)i < tr->n_series ? &tr->series[i] : NULL;
}

int32_t gm_trainer_series_count(const gm_trainer *tr) { return gm__is(tr, GM__TRAINER) ? (int32_t)tr->n_series : 0; }

const char *gm_trainer_series_name(const gm_trainer *tr, int32_t i)
{
    const gm__series *s = at(tr, i);
    return s ? s->name : NULL;
}

int64_t gm_trainer_series_read(const gm_trainer *tr, int32_t i, uint64_t *steps, double *values, int64_t cap)
{
    const gm__series *s = at(tr, i);
    int64_t n = s ? (int64_t)gm__series_points(s) : 0;
    for (int64_t k = 0; k < n && k < cap; k++) {
        gm__point p = gm__series_point(s, (size_t)k);
        if (steps) steps[k] = (uint64_t)p.step;
        if (values) values[k] = p.value;
    }
    return n;
}
