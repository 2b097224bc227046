/* logistic.c - logistic regression that tells the halves of a set apart: minimum of
 * |w|^2/2 + sum over rows of log(1 + exp(-y (w.x + b))), x standardised, y = 1 or -1, by Newton steps whose systems are solved
 * by conjugate gradients, so that no matrix but the rows is ever held. */
#include "metrics/c2st.h"
#include <math.h>
#include <string.h>

enum { NEWTON = 30, CG = 100, HALVINGS = 20 };

typedef struct fit {
    gm_ctx *ctx;
    const gm__set *all;
    size_t first, n, d;  /* trained on rows first, first + 2, ..: n of them */
    double *mean, *inv;  /* [d]: a number of x is (v - mean) inv */
    double *w, *g, *p, *r, *step; /* [d + 1], the last is of b */
    double *z, *dz, *y;  /* [n]: w.x + b, its change along the step, label */
    float *u, *v;        /* [d], [n]: as the products take them */
} fit;

static void moments(fit *f)
{
    const size_t d = f->d;
    for (size_t i = 0; i < f->n; i++)
        for (size_t j = 0; j < d; j++) f->mean[j] += (double)f->all->x[(f->first + 2 * i) * d + j];
    for (size_t j = 0; j < d; j++) f->mean[j] /= (double)f->n;
    for (size_t i = 0; i < f->n; i++)
        for (size_t j = 0; j < d; j++) {
            const double v = (double)f->all->x[(f->first + 2 * i) * d + j] - f->mean[j];
            f->inv[j] += v * v;
        }
    for (size_t j = 0; j < d; j++) {
        const double deviation = sqrt(f->inv[j] / (double)f->n);
        f->inv[j] = deviation > 0 ? 1 / deviation : 1;
    }
}

/* z = X w + b */
static gm_status forward(fit *f, const double *w, double *z)
{
    const size_t d = f->d;
    double shift = w[d];
    for (size_t j = 0; j < d; j++) {
        f->u[j] = (float)(w[j] * f->inv[j]);
        shift -= w[j] * f->inv[j] * f->mean[j];
    }
    GM__TRY(gm__gemm_f32(f->ctx, &(gm__gemm){ .m = f->n, .n = 1, .k = d, .a = f->all->x + f->first * d, .ars = (ptrdiff_t)(2 * d), .acs = 1,
                                              .b = f->u, .brs = 1, .bcs = 1, .c = f->v, .ldc = 1 }));
    for (size_t i = 0; i < f->n; i++) z[i] = (double)f->v[i] + shift;
    return GM_OK;
}

/* g = (X^T r, sum r) */
static gm_status backward(fit *f, const double *r, double *g)
{
    const size_t d = f->d;
    double sum = 0;
    for (size_t i = 0; i < f->n; i++) f->v[i] = (float)r[i], sum += r[i];
    GM__TRY(gm__gemm_f32(f->ctx, &(gm__gemm){ .m = 1, .n = d, .k = f->n, .a = f->v, .ars = (ptrdiff_t)f->n, .acs = 1,
                                              .b = f->all->x + f->first * d, .brs = (ptrdiff_t)(2 * d), .bcs = 1, .c = f->u, .ldc = d }));
    for (size_t j = 0; j < d; j++) g[j] = ((double)f->u[j] - f->mean[j] * sum) * f->inv[j];
    g[d] = sum;
    return GM_OK;
}

static double sigmoid(double x) { return 1 / (1 + exp(-x)); }

static double dot(const double *a, const double *b, size_t n)
{
    double s = 0;
    for (size_t j = 0; j < n; j++) s += a[j] * b[j];
    return s;
}

/* At w + t step, where z becomes z + t dz. */
static double objective(const fit *f, double t)
{
    double sum = 0;
    for (size_t j = 0; j < f->d; j++) sum += 0.5 * (f->w[j] + t * f->step[j]) * (f->w[j] + t * f->step[j]);
    for (size_t i = 0; i < f->n; i++) {
        const double v = -f->y[i] * (f->z[i] + t * f->dz[i]);
        sum += v > 0 ? v + log1p(exp(-v)) : log1p(exp(v));
    }
    return sum;
}

static gm_status gradient(fit *f, double *g)
{
    for (size_t i = 0; i < f->n; i++) f->dz[i] = -f->y[i] * sigmoid(-f->y[i] * f->z[i]);
    GM__TRY(backward(f, f->dz, g));
    for (size_t j = 0; j < f->d; j++) g[j] += f->w[j];
    return GM_OK;
}

/* out = H p, H = diag(1, .., 1, 0) + X^T D X */
static gm_status curvature(fit *f, const double *p, double *out)
{
    GM__TRY(forward(f, p, f->dz));
    for (size_t i = 0; i < f->n; i++) f->dz[i] *= sigmoid(f->z[i]) * sigmoid(-f->z[i]);
    GM__TRY(backward(f, f->dz, out));
    for (size_t j = 0; j < f->d; j++) out[j] += p[j];
    return GM_OK;
}

/* step = -H^-1 g, roughly; hp: room. */
static gm_status solve(fit *f, double *hp)
{
    const size_t n = f->d + 1;
    for (size_t j = 0; j < n; j++) f->step[j] = 0, f->p[j] = f->r[j] = -f->g[j];
    double rr = dot(f->r, f->r, n);
    const double enough = 1e-2 * rr; /* a tenth of the gradient's length */
    for (int k = 0; k < CG && rr > enough; k++) {
        GM__TRY(curvature(f, f->p, hp));
        const double bend = dot(f->p, hp, n);
        if (!(bend > 0)) break;
        const double a = rr / bend, was = rr;
        for (size_t j = 0; j < n; j++) f->step[j] += a * f->p[j], f->r[j] -= a * hp[j];
        rr = dot(f->r, f->r, n);
        for (size_t j = 0; j < n; j++) f->p[j] = f->r[j] + rr / was * f->p[j];
    }
    return GM_OK;
}

static gm_status train(fit *f)
{
    const size_t n = f->d + 1;
    for (int k = 0; k < NEWTON; k++) {
        double most = 0, t = 1;
        GM__TRY(gm__check_cancel(f->ctx));
        GM__TRY(gradient(f, f->g));
        for (size_t j = 0; j < n; j++) most = fmax(most, fabs(f->g[j]));
        if (most <= 1e-6 * (double)f->n) return GM_OK;
        double *hp = f->g + n; /* behind the gradient */
        GM__TRY(solve(f, hp));
        GM__TRY(forward(f, f->step, f->dz));
        const double here = objective(f, 0), slope = dot(f->g, f->step, n);
        int h = 0;
        for (; h < HALVINGS && objective(f, t) > here + 1e-4 * t * slope; h++) t /= 2;
        if (h == HALVINGS) return GM_OK; /* as low as rounding lets it go */
        for (size_t j = 0; j < n; j++) f->w[j] += t * f->step[j];
        for (size_t i = 0; i < f->n; i++) f->z[i] += t * f->dz[i];
    }
    return GM_OK;
}

/* Rows of the other half that the sign of w.x + b puts right. */
static double right(const fit *f)
{
    const size_t half = f->all->n / 2;
    double count = 0;
    for (size_t i = 1 - f->first; i < f->all->n; i += 2) {
        double z = f->w[f->d];
        for (size_t j = 0; j < f->d; j++) z += f->w[j] * f->inv[j] * ((double)f->all->x[i * f->d + j] - f->mean[j]);
        count += z == 0 ? 0.5 : (z > 0) == (i < half);
    }
    return count;
}

gm_status gm__logistic(gm_ctx *ctx, const gm__set *all, double *value)
{
    const size_t d = all->d, n = d + 1, rows = (all->n + 1) / 2;
    fit f = { .ctx = ctx, .all = all, .d = d };
    double *room = gm__alloc(ctx, 8 * n + 3 * rows, sizeof *room), count = 0;
    f.u = gm__alloc(ctx, d + rows, sizeof *f.u);
    gm_status s = room && f.u ? GM_OK : GM_ENOMEM;
    for (size_t fold = 0; fold < 2 && !s; fold++) {
        memset(room, 0, (8 * n + 3 * rows) * sizeof *room);
        f.mean = room, f.inv = room + n, f.w = room + 2 * n, f.p = room + 3 * n, f.r = room + 4 * n, f.step = room + 5 * n;
        f.g = room + 6 * n; /* 2 n */
        f.z = room + 8 * n, f.dz = f.z + rows, f.y = f.dz + rows;
        f.v = f.u + d;
        f.first = fold;
        f.n = (all->n - fold + 1) / 2;
        for (size_t i = 0; i < f.n; i++) f.y[i] = f.first + 2 * i < all->n / 2 ? 1 : -1;
        moments(&f);
        s = train(&f);
        if (!s) count += right(&f);
    }
    *value = count / (double)all->n;
    gm__free(ctx, f.u);
    gm__free(ctx, room);
    return s;
}
