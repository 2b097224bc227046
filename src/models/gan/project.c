/* project.c - the code of a row: the one whose row is nearest to it, by gradient descent through the generator. */
#include "models/gan/gan.h"
#include <math.h>
#include <string.h>

/* Descent goes from a few starts, the same for every row, of which the best is taken. */
enum { STARTS = 4, STEPS = 100 };
static const double rate = 0.1;

typedef struct search {
    const gm_model *m;
    gm_tape *t;
    gm_tensor *target, *cond;    /* [N*STARTS, row], [N*STARTS, classes] */
    gm_tensor *z;                /* [N*STARTS, code], a leaf */
    float *mean, *square;        /* Adam's */
} search;

/* Squared error of every start, [N*STARTS]; with a gradient: d sum / d z. */
static gm_tensor *errors(const search *k, bool gradient, gm_tensor **g)
{
    gm_tape *t = k->t;
    gm_tape_recording(t, gradient);
    gm_tensor *y = gm__gan_generate(k->m, t, k->z, k->cond), *e = gm_sum(t, gm_square(t, gm_sub(t, y, k->target)), 1, 0);
    if (gradient && e) gm_tape_grad(t, e, &k->z, 1, 0, g);
    gm_tape_recording(t, 0);
    return e;
}

static void adam(search *k, const gm_tensor *g, int step)
{
    const double b1 = 0.9, b2 = 0.999, a = 1 - pow(b1, step + 1), b = 1 - pow(b2, step + 1);
    const double lr = rate * 0.5 * (1 + cos(3.14159265358979 * step / STEPS));
    for (int64_t i = 0; i < k->z->size; i++) {
        const double d = (double)gm__f32(g)[i], m = b1 * (double)k->mean[i] + (1 - b1) * d, v = b2 * (double)k->square[i] + (1 - b2) * d * d;
        k->mean[i] = (float)m, k->square[i] = (float)v;
        gm__f32(k->z)[i] -= (float)(lr * (m / a) / (sqrt(v / b) + 1e-8));
    }
    k->z->version++;
}

static void descend(search *k)
{
    for (int step = 0; step < STEPS && !gm_tape_status(k->t); step++) {
        const uint64_t frame = gm_tape_push(k->t);
        gm_tensor *g = NULL;
        errors(k, true, &g);
        g = g ? gm__tape_contiguous(k->t, g) : NULL;
        if (g) adam(k, g, step);
        gm_tape_pop(k->t, frame, NULL);
    }
}

/* Of the starts of each row the code with the least error. */
static gm_tensor *best(const search *k, int64_t n)
{
    const int64_t code = k->z->shape[1];
    gm_tensor *e = errors(k, false, NULL), *z = e ? gm__tape_tensor(k->t, GM_F32, 2, (int64_t[]){n, code}) : NULL;
    for (int64_t i = 0; z && i < n; i++) {
        int64_t at = i * STARTS;
        for (int64_t j = 1; j < STARTS; j++)
            if (gm__f32(e)[i * STARTS + j] < gm__f32(e)[at]) at = i * STARTS + j;
        memcpy(gm__f32(z) + i * code, gm__f32(k->z) + at * code, (size_t)code * sizeof(float));
    }
    return z;
}

static gm_tensor *repeated(gm_tape *t, gm_tensor *x)
{
    if (!x) return NULL;
    const int64_t n = x->shape[0], size = x->shape[1];
    gm_tensor *many = gm_expand(t, gm_reshape(t, x, 3, (int64_t[]){n, 1, size}), 3, (int64_t[]){n, STARTS, size});
    return gm_reshape(t, many, 2, (int64_t[]){n * STARTS, size});
}

gm_tensor *gm__gan_project(gm_model *m, const gm__batch *b)
{
    const int64_t n = b->x->shape[0], code = gm__gan_of(m)->code, size = n * STARTS * code;
    search k = {.m = m, .t = b->t};
    gm_tensor *z = NULL;
    k.target = repeated(b->t, gm__gan_rows_in(m, b->t, b->x));
    k.cond = repeated(b->t, b->cond);
    k.mean = gm__arena(b->t, (size_t)size * 2, sizeof *k.mean);
    if (k.mean && k.target && !gm_tensor_new(m->ctx, GM_F32, 2, (int64_t[]){n * STARTS, code}, &k.z)) {
        k.square = k.mean + size;
        memset(k.mean, 0, (size_t)size * 2 * sizeof *k.mean);
        gm__init_normal(k.z, 0, 1, 0, 0);
        for (int64_t i = 1; i < n; i++) memcpy(gm__f32(k.z) + i * STARTS * code, k.z->data, (size_t)(STARTS * code) * sizeof(float));
        gm_tensor_set_grad(k.z, 1);
        descend(&k);
        z = best(&k, n);
    }
    gm_tensor_free(k.z); /* the tape keeps it as long as it needs it */
    return z;
}
