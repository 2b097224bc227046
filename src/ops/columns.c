/* columns.c - sums over rows of pixels. */
#include "ops/columns.h"

#include <string.h>

enum { PART = 16384 /* elements that a part holds at least */, PARTS = 64 /* of an image, at most */ };

typedef struct job {
    const gm__columns *c;
    size_t part, parts; /* rows of a part, parts of an image */
    const char *g, *x, *mean, *a, *b, *d;
    char *y, *first, *second; /* y, or [images * parts, n] of partial results */
} job;

static job split(const gm__columns *c)
{
    size_t least = PART / (c->n ? c->n : 1) + 1, even = (c->rows + PARTS - 1) / PARTS;
    job j = {.c = c, .part = least > even ? least : even};
    j.parts = c->rows ? (c->rows + j.part - 1) / j.part : 0;
    return j;
}

#define CAT(T, p, i) ((p) ? (const T *)(const void *)(p) + (i) : NULL)
#define AT(T, p, i) ((T *)(void *)(p) + (i))

/* the rows of a part: of image i the ones from row `first` on */
static size_t rows_of(const job *j, size_t task, size_t *image, size_t *at)
{
    size_t first = task % j->parts * j->part;
    *image = task / j->parts * j->c->n;
    *at = task / j->parts * j->c->rows * j->c->n + first * j->c->n;
    return j->c->rows - first < j->part ? j->c->rows - first : j->part;
}
static void stats(void *arg, size_t first, size_t last)
{
    const job *j = arg;
    const gm_ctx *ctx = j->c->ctx;
    for (size_t k = first; k < last; k++) {
        size_t n = j->c->n, image, at, m = rows_of(j, k, &image, &at);
        if (j->c->f64) ctx->kern->colstat_f64(m, n, CAT(double, j->x, at), AT(double, j->first, k * n), AT(double, j->second, k * n));
        else ctx->kern->colstat_f32(m, n, CAT(float, j->x, at), AT(float, j->first, k * n), AT(float, j->second, k * n));
    }
}
static void sums(void *arg, size_t first, size_t last)
{
    const job *j = arg;
    const gm_ctx *ctx = j->c->ctx;
    for (size_t k = first; k < last; k++) {
        size_t n = j->c->n, image, at, m = rows_of(j, k, &image, &at);
        if (j->c->f64)
            ctx->kern->coldot_f64(m, n, CAT(double, j->g, at), CAT(double, j->x, at), CAT(double, j->mean, image), AT(double, j->first, k * n),
                                  AT(double, j->second, k * n));
        else
            ctx->kern->coldot_f32(m, n, CAT(float, j->g, at), CAT(float, j->x, at), CAT(float, j->mean, image), AT(float, j->first, k * n),
                                  AT(float, j->second, k * n));
    }
}
static void mix(void *arg, size_t first, size_t last)
{
    const job *j = arg;
    const gm_ctx *ctx = j->c->ctx;
    for (size_t k = first; k < last; k++) {
        size_t n = j->c->n, image, at, m = rows_of(j, k, &image, &at);
        if (j->c->f64)
            ctx->kern->colmix_f64(m, n, AT(double, j->y, at), CAT(double, j->g, at), CAT(double, j->x, at), CAT(double, j->a, image),
                                  CAT(double, j->b, image), CAT(double, j->d, image));
        else
            ctx->kern->colmix_f32(m, n, AT(float, j->y, at), CAT(float, j->g, at), CAT(float, j->x, at), CAT(float, j->a, image),
                                  CAT(float, j->b, image), CAT(float, j->d, image));
    }
}

static bool run(gm_tape *t, job *j, gm__range_fn *fn)
{
    size_t es = j->c->f64 ? 8 : 4, tasks = j->c->images * j->parts;
    j->first = gm__arena(t, 2 * tasks + 1, j->c->n * es + 1);
    if (!j->first) return false;
    j->second = j->first + tasks * j->c->n * es;
    gm__ranges(j->c->ctx, tasks, j->part * j->c->n, fn, j);
    return true;
}

bool gm__column_stats(gm_tape *t, const gm__columns *c, const void *x, void *mean, void *var)
{
    job j = split(c);
    size_t es = c->f64 ? 8 : 4;
    j.x = x;
    if (!run(t, &j, stats)) return false;
    for (size_t i = 0; i < c->images * c->n; i++) {
        const char *m = j.first + (i / c->n * j.parts * c->n + i % c->n) * es, *v = j.second + (m - j.first);
        double at = 0, spread = 0, seen = 0;
        for (size_t k = 0; k < j.parts; k++, m += c->n * es, v += c->n * es) { /* Chan's formula */
            double rows = (double)(c->rows - k * j.part < j.part ? c->rows - k * j.part : j.part), d = gm__load(c->f64, m) - at;
            spread += gm__load(c->f64, v) * rows + d * d * (seen * rows / (seen + rows));
            seen += rows;
            at += d * (rows / seen);
        }
        gm__store(c->f64, (char *)mean + i * es, at);
        gm__store(c->f64, (char *)var + i * es, seen > 0 ? spread / seen : 0);
    }
    return true;
}

bool gm__column_sums(gm_tape *t, const gm__columns *c, const void *g, const void *x, const void *mean, void *sum, void *along)
{
    job j = split(c);
    size_t es = c->f64 ? 8 : 4;
    j.g = g;
    j.x = x;
    j.mean = mean;
    if (!run(t, &j, sums)) return false;
    for (size_t i = 0; i < c->images * c->n; i++) {
        const char *s = j.first + (i / c->n * j.parts * c->n + i % c->n) * es, *a = j.second + (s - j.first);
        double u = 0, v = 0;
        for (size_t k = 0; k < j.parts; k++, s += c->n * es, a += c->n * es) {
            u += gm__load(c->f64, s);
            v += gm__load(c->f64, a);
        }
        gm__store(c->f64, (char *)sum + i * es, u);
        gm__store(c->f64, (char *)along + i * es, v);
    }
    return true;
}

void gm__column_mix(const gm__columns *c, void *y, const void *g, const void *x, const void *a, const void *b, const void *d)
{
    job j = split(c);
    j.y = y;
    j.g = g;
    j.x = x;
    j.a = a;
    j.b = b;
    j.d = d;
    gm__ranges(c->ctx, c->images * j.parts, j.part * c->n, mix, &j);
}
