/* metrics.h - what the files of src/metrics share: sets of rows as f32, products of blocks, exact neighbours.
 *
 * Distances of pairs come from products, |x|^2 + |y|^2 - 2 x.y, whose rounding error has a bound: gm__pair_scan finds
 * every pair that may lie below a threshold, and gm__distance2 then says exactly. Few pairs are asked about, so
 * all of it takes the time of the products. */
#ifndef GM_METRICS_METRICS_H
#define GM_METRICS_METRICS_H

#include "kernels/kernels.h"
#include "tensor/tensor.h"
#include <gm/metrics.h>

/* ---- rows.c ---------------------------------------------------------------------------- */

typedef struct gm__set {
    gm_ctx *ctx;
    size_t n, d;
    float *x;          /* [n, d] */
    float *norm;       /* [n]: |x_i|^2 */
} gm__set;

enum { GM__SET_RAW, GM__SET_CENTRED }; /* CENTRED: less the first set's mean, which rounding likes better */

/* An argument of the caller's and its name. */
typedef struct gm__arg { const char *name; const gm_tensor *t; } gm__arg;
/* Both sets as f32, checked: types, shapes, finite numbers, at least `least` rows. b.name NULL: one set. */
gm_status gm__sets_open(gm_ctx *ctx, const char *who, gm__arg a, gm__arg b, size_t least, int how, gm__set out[2]);
void gm__sets_close(gm__set s[2]);
/* The smaller number of rows in both. */
void gm__sets_level(gm__set s[2]);
gm_status gm__metrics_settings(gm_ctx *ctx, const gm_metrics_config *c, gm_metrics_config *out);
double gm__binomial_error(double p, size_t n);
extern const gm__opts gm__metrics_opts;

/* ---- pairs.c ------------------------------------------------------------------------------ */

/* Squared distance of two rows, the differences added in double in an order that depends on d alone. */
double gm__distance2(const float *a, const float *b, size_t d);

/* What is known of row i of a against rows j0 .. j0+n-1 of b: the products p. */
typedef struct gm__strip { size_t i, j0, n; const float *p; } gm__strip;
typedef void gm__strip_fn(void *arg, const gm__strip *s);
/* Calls fn for every row of a and all of b in strips, each row's in order; rows run as tasks of the pool. */
gm_status gm__strips(gm_ctx *ctx, const gm__set *a, const gm__set *b, gm__strip_fn *fn, void *arg);

/* First place from `from` on where w[j] - 2 p[j] <= t; n if there is none. */
size_t gm__pair_scan(const float *p, const float *w, size_t n, size_t from, float t);
/* Is |a_i - b_j|^2 <= T + R_j possible? Only where w_j - 2 p <= t, with w_j = share |b_j|^2 - R_j and t = T - share |a_i|^2. */
double gm__pair_share(size_t d);

/* Squared distances of the k nearest rows, ascending [queries, k], and their numbers (may be NULL). self: query i is row own[i], or
 * row i without own, and not its own neighbour. */
gm_status gm__neighbours(gm_ctx *ctx, const gm__set *rows, const gm__set *queries, size_t k, bool self, const uint64_t *own, double *distance2, int64_t *index);

/* ---- wasserstein.c ------------------------------------------------------------------------ */

/* Ascending, in place; room: n numbers. */
void gm__sort_f32(float *x, float *room, size_t n);

#endif
