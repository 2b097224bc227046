/* bits.c - the product with a matrix A of zeros and ones, and draws of the next such matrix from it.
 *
 * An element of C is a sum of some elements of a column of B. For every four rows of B a table holds the 16 sums of some of
 * them [after Arlazarov, Dinic, Kronrod & Faradzhev 1970], so four bits of A take one addition: a third of the time of a
 * product that multiplies. C is cut into panels of 32 columns by blocks of rows, the tasks; a task makes the tables of 32 rows of
 * B at a time in its scratch, where they stay in the first cache. From a finished tile states are drawn before it leaves the cache.
 *
 * An element is one chain of additions over k, whatever the cut, so its bits depend on its row and column alone. */
#include "kernels/kernels.h"
#include <string.h>

enum { ROWS = 512, TABLE = GM__BITS_GROUP / 4 * 16 * GM__BITS_PANEL }; /* most rows of a block; floats of the tables */
#define SMALL 5e5 /* sums below which threads do not pay */

typedef struct job {
    gm_ctx *ctx;
    const gm__bits *g;
    size_t blocks, rows; /* rows of each but the last */
} job;

static size_t scratch(size_t rows) { return (TABLE + rows * GM__BITS_PANEL) * sizeof(float); }

/* What the tile holds goes to C, and draws from it to Y. */
static void finish(const job *p, size_t row, size_t m, size_t col, size_t n, float *tile)
{
    const gm__bits *g = p->g;
    const gm__kern *k = p->ctx->kern;
    if (g->bias || g->c) k->bits_put_f32(m, n, tile, g->bias ? g->bias + col : NULL, g->c ? g->c + row * g->ldc + col : NULL, g->ldc, g->add);
    if (g->y)
        k->bernoulli_tile_f32(m, n, g->streams + row, (uint32_t)(col / 4), g->y + row * g->ldy + col, g->ldy, tile, GM__BITS_PANEL, g->scale,
                              g->shift ? g->shift + col : NULL);
}

static void task(void *arg, size_t at, size_t worker)
{
    const job *p = arg;
    const gm__bits *g = p->g;
    const gm__kern *kern = p->ctx->kern;
    size_t row = at % p->blocks * p->rows, m = g->m - row < p->rows ? g->m - row : p->rows;
    size_t col = at / p->blocks * GM__BITS_PANEL, n = g->n - col < GM__BITS_PANEL ? g->n - col : GM__BITS_PANEL;
    float *table = gm__scratch(p->ctx, worker, scratch(m)), *tile = table + TABLE; /* there already: the caller saw to it */
    if (!g->k) memset(tile, 0, m * GM__BITS_PANEL * sizeof *tile);
    for (size_t k = 0; k < g->k; k += GM__BITS_GROUP) {
        size_t kc = g->k - k < GM__BITS_GROUP ? g->k - k : GM__BITS_GROUP;
        kern->bits_table_f32(kc, n, g->b + (ptrdiff_t)k * g->brs + (ptrdiff_t)col * g->bcs, g->brs, g->bcs, table);
        kern->bits_add_f32(m, (kc + 3) / 4, g->a + (ptrdiff_t)row * g->ars + (ptrdiff_t)(k / GM__BITS_GROUP) * g->aws, g->ars, table, tile, k > 0);
    }
    finish(p, row, m, col, n, tile);
}

gm_status gm__bits_product(gm_ctx *ctx, const gm__bits *g)
{
    job p = {.ctx = ctx, .g = g, .blocks = (g->m + ROWS - 1) / ROWS};
    p.rows = p.blocks ? (g->m + p.blocks - 1) / p.blocks : 0;
    size_t tasks = p.blocks * ((g->n + GM__BITS_PANEL - 1) / GM__BITS_PANEL);
    bool spread = (double)g->m * (double)g->n * (double)g->k / 4 > SMALL;
    for (size_t w = 0; w < (spread ? gm__workers(ctx) : 1); w++)
        if (tasks && !gm__scratch(ctx, w, scratch(p.rows))) return GM_ENOMEM;
    if (spread) gm__parallel(ctx, tasks, task, &p);
    else
        for (size_t i = 0; i < tasks; i++) task(&p, i, 0);
    return GM_OK;
}
