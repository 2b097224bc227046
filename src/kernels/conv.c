/* conv.c - convolution as a product whose left side is never in memory.
 *
 * A row of that product is the patch of the image that one result sees. Images are channels-last, so
 * a patch is a few lines, each one run of memory, and neighbouring results see runs a fixed step apart: the
 * register tile of the matrix product (product.h) reads them where they lie, in a band of
 * the image copied with its zero border to scratch that stays in the second cache level. Where taps are
 * not neighbours (dilation, groups) or images are too small, patches are copied one by one instead.
 * With one to four output channels vectors run along the patch (dot.h). Where it saves work, a tile has the
 * same pixel of several images, and only the taps inside them (conv_stack.h). By weights the sum runs over
 * pixels (conv_weight.h, tap by tap in conv_taps.h). The transposed convolution is, for each remainder of the position by the stride, an
 * ordinary convolution with every stride-th tap. */
#include "kernels/conv.h"
#include "kernels/gemm.h"
#include <string.h>

enum {
    SCRATCH = 1 << 17, /* most elements of an image's band, or of patches, in a task's scratch */
    TASKS = 16,        /* tasks aimed at */
    FEW = 4,           /* channels for which vectors run along the patch */
    SEVERAL = 6,       /* channels that fill a tile of weights by themselves */
    MANY = 256,        /* pixels of such a step tap by tap */
    VIEWS = 32,        /* taps at hand in the sum over pixels */
    PIXELS = 128,      /* pixels of a step of the sum over pixels, results that share a piece of the weights */
    STRETCH = 2048,    /* elements of a task that adds parts */
    COLS = 512,        /* weights of an output channel aimed at in such a step */
    WAKE = 1 << 15,    /* weights whose packing or collecting is worth other threads */
};
#define SMALL 1e6      /* multiply-adds below which threads do not pay */

static size_t divup(size_t a, size_t b) { return (a + b - 1) / b; }
static size_t least(size_t a, size_t b) { return a < b ? a : b; }
static size_t most(size_t a, size_t b) { return a > b ? a : b; }
static size_t round_up(size_t a, size_t b) { return divup(a, b) * b; }

/* A row's length in scratch: an odd number of lines of memory, so that neighbouring rows meet in no cache set. */
static size_t row_len(size_t n, size_t size) { return (divup(n * size, 64) | 1) * 64 / size; }

static double work_of(const gm__conv *g)
{
    return (double)g->n * (double)g->oh * (double)g->ow * (double)g->o * (double)(g->kh * g->kw) * (double)(g->c / g->groups);
}

static void run_tasks(gm_ctx *ctx, bool spread, size_t n, gm__task_fn *fn, void *arg)
{
    if (spread) gm__parallel(ctx, n, fn, arg);
    else for (size_t i = 0; i < n; i++) fn(arg, i, 0);
}

/* ---- grids -------------------------------------------------------------------------- */

static gm__grid forward_grid(const gm__conv *g)
{
    gm__grid d = {.n = g->n, .size = {g->oh, g->ow}, .step = {1, 1}, .in = {g->h, g->w, g->c}, .out = {g->oh, g->ow, g->o},
                  .groups = g->groups, .cin = g->c / g->groups, .cout = g->o / g->groups, .w_in = g->ws[1], .w_out = g->ws[0],
                  .w_tap = {g->ws[2], g->ws[3]}};
    const size_t k[2] = {g->kh, g->kw};
    d.w_group = (ptrdiff_t)d.cout * g->ws[0];
    for (int a = 0; a < 2; a++)
        d.taps[a] = (gm__taps){.n = k[a], .k_step = 1, .at = -g->pad[a], .at_step = g->dilation[a], .step = g->stride[a]};
    return d;
}

static ptrdiff_t common_divisor(ptrdiff_t a, ptrdiff_t b)
{
    while (b) {
        ptrdiff_t r = a % b;
        a = b;
        b = r;
    }
    return a;
}

/* Taps of the transposed convolution at positions that leave `rest` when divided by the stride:
 * those k with (rest + pad - k*dilation) % stride = 0, the last first. */
static gm__taps rest_taps(ptrdiff_t k, ptrdiff_t stride, ptrdiff_t pad, ptrdiff_t dilation, ptrdiff_t rest)
{
    gm__taps t = {.step = 1};
    ptrdiff_t first = 0, every = stride / common_divisor(stride, dilation);
    while (first < k && first < every && (rest + pad - first * dilation) % stride != 0) first++;
    if (first >= k || first >= every) return t;
    t.n = (size_t)((k - 1 - first) / every) + 1;
    t.k = first + ((ptrdiff_t)t.n - 1) * every;
    t.k_step = -every;
    t.at = (rest + pad - t.k * dilation) / stride; /* divides */
    t.at_step = every * dilation / stride;
    return t;
}

/* false if no position of the image has these rests */
static bool data_grid(const gm__conv *g, size_t rest_y, size_t rest_x, gm__grid *d)
{
    const size_t rest[2] = {rest_y, rest_x}, size[2] = {g->h, g->w}, k[2] = {g->kh, g->kw};
    *d = (gm__grid){.n = g->n, .in = {g->oh, g->ow, g->o}, .out = {g->h, g->w, g->c}, .groups = g->groups, .cin = g->o / g->groups,
                    .cout = g->c / g->groups, .w_in = g->ws[0], .w_out = g->ws[1], .w_tap = {g->ws[2], g->ws[3]}};
    d->w_group = (ptrdiff_t)d->cin * g->ws[0];
    for (int a = 0; a < 2; a++) {
        if (rest[a] >= size[a]) return false;
        d->first[a] = rest[a];
        d->step[a] = (size_t)g->stride[a];
        d->size[a] = divup(size[a] - rest[a], d->step[a]);
        d->taps[a] = rest_taps((ptrdiff_t)k[a], g->stride[a], g->pad[a], g->dilation[a], (ptrdiff_t)rest[a]);
    }
    return true;
}

/* Lines of a patch are runs of memory. */
static bool dense_taps(const gm__grid *d) { return d->groups == 1 && (d->taps[1].at_step == 1 || d->taps[1].n == 1) && d->taps[0].n && d->taps[1].n; }

/* ---- taps inside the image ----------------------------------------------------------- */

typedef struct span { size_t lo, hi; } span; /* lo .. hi-1 */

/* Which of start + i*step, i < n, lie in [0,size). */
static span inside(ptrdiff_t start, ptrdiff_t step, size_t n, size_t size)
{
    span s = {0, 0};
    if (start < 0) s.lo = divup((size_t)-start, (size_t)step);
    if (start < (ptrdiff_t)size) s.hi = least(n, (size_t)((ptrdiff_t)size - 1 - start) / (size_t)step + 1);
    return s;
}

/* What a tap sees of images, in the sum over pixels (conv_weight.h). */
typedef struct view { size_t rows, cols, at, from; } view;

/* The part of all taps of all results that are inside. */
static double kept(const gm__grid *d)
{
    double all = 1;
    for (int a = 0; a < 2; a++) {
        const gm__taps *t = &d->taps[a];
        double sum = 0;
        for (size_t i = 0; i < t->n; i++) {
            span s = inside(t->at + (ptrdiff_t)i * t->at_step, t->step, d->size[a], d->in[a]);
            sum += s.hi > s.lo ? (double)(s.hi - s.lo) : 0;
        }
        all *= sum / ((double)t->n * (double)d->size[a]);
    }
    return all;
}

/* ---- bands ------------------------------------------------------------------------------ */

/* Some rows of an image with the border that the taps of some rows of results reach. */
typedef struct band {
    size_t len;  /* elements of a row of it */
    size_t rows; /* most rows of results */
    size_t size; /* elements */
    bool bare;   /* no border at the sides: rows inside the image are read where they lie */
} band;

static size_t band_rows(const gm__grid *d, size_t rows) { return (rows - 1) * (size_t)d->taps[0].step + (d->taps[0].n - 1) * (size_t)d->taps[0].at_step + 1; }

/* The rows of the image itself that results' rows first .. first+rows-1 see. */
static span image_rows(const gm__grid *d, size_t first, size_t rows)
{
    ptrdiff_t lo = (ptrdiff_t)first * d->taps[0].step + d->taps[0].at, hi = lo + (ptrdiff_t)band_rows(d, rows), h = (ptrdiff_t)d->in[0];
    lo = lo < 0 ? 0 : lo < h ? lo : h;
    hi = hi < lo ? lo : hi < h ? hi : h;
    return (span){(size_t)lo, (size_t)hi};
}

/* Of `rows` rows of results from `first` on, those before the next whose taps reach over an edge, or no longer do, if that spares a copy. */
static size_t inner_rows(const gm__grid *d, const band *b, size_t first, size_t rows)
{
    span all = {0, d->size[0]};
    for (size_t i = 0; i < 2; i++) { /* the first line of taps, the last */
        ptrdiff_t at = d->taps[0].at + (i ? ((ptrdiff_t)d->taps[0].n - 1) * d->taps[0].at_step : 0);
        span s = inside(at, d->taps[0].step, d->size[0], d->in[0]);
        all = (span){most(all.lo, s.lo), least(all.hi, s.hi)};
    }
    if (!b->bare || all.lo >= all.hi || first >= all.hi) return rows;
    return least(rows, (first < all.lo ? all.lo : all.hi) - first);
}

/* Room for at least one row of results, for as many as fill SCRATCH or `rows`. */
static band band_of(const gm__grid *d, size_t rows)
{
    band b = {.len = ((d->size[1] - 1) * (size_t)d->taps[1].step + d->taps[1].n) * d->cin, .rows = 1};
    b.bare = d->taps[1].at >= 0 && (size_t)d->taps[1].at * d->cin + b.len <= d->in[1] * d->cin;
    if (b.bare) b.len = d->in[1] * d->cin;
    while (b.rows < rows && band_rows(d, b.rows + 1) * b.len <= SCRATCH) b.rows++;
    b.size = band_rows(d, b.rows) * b.len;
    return b;
}

#define T float
#define S f32
#include "kernels/conv_body.h"
#include "kernels/conv_stack.h"
#include "kernels/conv_weight.h"
#include "kernels/conv_taps.h"
#include "kernels/conv_plan.h"
#undef T
#undef S
#define T double
#define S f64
#include "kernels/conv_body.h"
#include "kernels/conv_stack.h"
#include "kernels/conv_weight.h"
#include "kernels/conv_taps.h"
#include "kernels/conv_plan.h"
#undef T
#undef S

/* ---- kernels of one pixel: plain products ------------------------------------------------- */

static bool is_product(const gm__conv *g)
{
    for (int a = 0; a < 2; a++)
        if (g->stride[a] != 1 || g->pad[a] != 0) return false;
    return g->kh == 1 && g->kw == 1 && g->groups == 1;
}

static gm_status product(gm_ctx *ctx, bool f64, const gm__gemm *p)
{
    gm_status s = f64 ? gm__gemm_f64(ctx, p) : gm__gemm_f32(ctx, p);
    return s ? gm__fail_ctx(ctx, s, "convolution: no memory for scratch") : GM_OK;
}

/* out [pixels, n] = in [pixels, k] w */
static gm_status pixel_product(gm_ctx *ctx, bool f64, size_t pixels, size_t n, size_t k, void *out, const void *in, const void *w, ptrdiff_t w_in,
                               ptrdiff_t w_out, const gm__conv_end *end)
{
    gm__gemm p = {.m = pixels, .n = n, .k = k, .a = in, .ars = (ptrdiff_t)k, .acs = 1, .b = w, .brs = w_in, .bcs = w_out, .c = out, .ldc = n,
                  .add = end->add, .bias = end->bias, .act = end->act, .slope = end->slope};
    return product(ctx, f64, &p);
}

/* ---- the three convolutions ------------------------------------------------------------------ */

static gm_status run_grid(gm_ctx *ctx, bool f64, bool spread, const gm__grid *d, void *out, const void *in, const void *w, const gm__conv_end *end)
{
    return f64 ? run_gather_f64(ctx, spread, d, out, in, w, end) : run_gather_f32(ctx, spread, d, out, in, w, end);
}

gm_status gm__conv_forward(gm_ctx *ctx, bool f64, const gm__conv *g, void *y, const void *x, const void *w, const gm__conv_end *end)
{
    if (is_product(g)) return pixel_product(ctx, f64, g->n * g->h * g->w, g->o, g->c, y, x, w, g->ws[1], g->ws[0], end);
    gm__grid d = forward_grid(g);
    return run_grid(ctx, f64, work_of(g) > SMALL, &d, y, x, w, end);
}

gm_status gm__conv_data(gm_ctx *ctx, bool f64, const gm__conv *g, void *x, const void *y, const void *w, const gm__conv_end *end)
{
    if (is_product(g)) return pixel_product(ctx, f64, g->n * g->h * g->w, g->c, g->o, x, y, w, g->ws[0], g->ws[1], end);
    for (size_t i = 0; i < (size_t)g->stride[0] && i < g->h; i++)
        for (size_t j = 0; j < (size_t)g->stride[1]; j++) {
            gm__grid d;
            if (!data_grid(g, i, j, &d)) break;
            GM__TRY(run_grid(ctx, f64, work_of(g) > SMALL, &d, x, y, w, end));
        }
    return GM_OK;
}

gm_status gm__conv_weight(gm_ctx *ctx, bool f64, const gm__conv *g, void *w, const void *x, const void *y, bool add)
{
    gm__grid d = forward_grid(g);
    bool spread = work_of(g) > SMALL;
    return f64 ? by_weight_f64(ctx, spread, &d, w, x, y, add) : by_weight_f32(ctx, spread, &d, w, x, y, add);
}
