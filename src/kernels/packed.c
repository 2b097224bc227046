/* packed.c - products with a matrix that is packed once and used many times: the state's weights over the steps of a
 * recurrent net. Rows are few, and each worker multiplies rows of its own, inside a gm__parallel task.
 *
 * Packed: block of k after block of k (gm__gemm_kblock), in each panel of nr columns after panel, in it k after k. The
 * chains of multiply-adds are those of gemm.c, so an element has the same bits as there. */
#include "kernels/gemm.h"

static size_t panel_width(gm_ctx *ctx, bool f64) { return f64 ? ctx->kern->nr_f64 : ctx->kern->nr_f32; }
static size_t tile_height(gm_ctx *ctx, bool f64) { return f64 ? ctx->kern->mr_f64 : ctx->kern->mr_f32; }
static size_t round_up(size_t n, size_t step) { return (n + step - 1) / step * step; }

size_t gm__packed_bytes(gm_ctx *ctx, bool f64, size_t k, size_t n)
{
    return k * round_up(n, panel_width(ctx, f64)) * (f64 ? sizeof(double) : sizeof(float));
}

size_t gm__packed_rows_bytes(gm_ctx *ctx, bool f64, size_t m, size_t k)
{
    return round_up(m, tile_height(ctx, f64)) * k * (f64 ? sizeof(double) : sizeof(float));
}

typedef struct pack_job {
    gm_ctx *ctx;
    const gm__packed *b;
    char *to;
    const char *from;
    ptrdiff_t brs, bcs;
} pack_job;

static void pack_task(void *arg, size_t panel, size_t worker)
{
    const pack_job *p = arg;
    const gm__kern *kern = p->ctx->kern;
    size_t nr = panel_width(p->ctx, p->b->f64), es = p->b->f64 ? sizeof(double) : sizeof(float), K = p->b->k, kc = gm__gemm_kblock(K);
    size_t j = panel * nr, n = p->b->n - j < nr ? p->b->n - j : nr, width = round_up(p->b->n, nr);
    GM__UNUSED(worker);
    for (size_t k = 0; k < K; k += kc) {
        size_t depth = K - k < kc ? K - k : kc;
        char *to = p->to + (k * width + j * depth) * es;
        const char *from = p->from + ((ptrdiff_t)k * p->brs + (ptrdiff_t)j * p->bcs) * (ptrdiff_t)es;
        if (p->b->f64) kern->gemm_pack_f64(nr, n, depth, (double *)to, (const double *)from, p->bcs, p->brs);
        else kern->gemm_pack_f32(nr, n, depth, (float *)to, (const float *)from, p->bcs, p->brs);
    }
}

void gm__pack(gm_ctx *ctx, gm__packed *b, void *to, const void *from, ptrdiff_t brs, ptrdiff_t bcs)
{
    pack_job p = { .ctx = ctx, .b = b, .to = to, .from = from, .brs = brs, .bcs = bcs };
    b->data = to;
    if (b->k && b->n) gm__parallel(ctx, round_up(b->n, panel_width(ctx, b->f64)) / panel_width(ctx, b->f64), pack_task, &p);
}

/* Rows are shared out evenly among the tiles: a low tile cannot keep the multipliers busy. */
#define PRODUCT(S, T)                                                                                                              \
    static void product_##S(const gm__kern *kern, const gm__packed *b, size_t m, const T *a, size_t lda, T *c, bool add, T *room)  \
    {                                                                                                                              \
        size_t nr = kern->nr_##S, kb = gm__gemm_kblock(b->k), width = round_up(b->n, nr), tiles = (m + kern->mr_##S - 1) / kern->mr_##S; \
        for (size_t k = 0; k < b->k; k += kb) {                                                                                    \
            size_t kc = b->k - k < kb ? b->k - k : kb;                                                                             \
            for (size_t t = 0, i = 0, h; t < tiles; t++, i += h) {                                                                 \
                h = m / tiles + (t < m % tiles);                                                                                   \
                kern->gemm_pack_##S(h, h, kc, room + i * kc, a + i * lda + k, (ptrdiff_t)lda, 1);                                  \
            }                                                                                                                      \
            for (size_t j = 0; j < b->n; j += nr)                                                                                  \
                for (size_t t = 0, i = 0, h; t < tiles; t++, i += h) {                                                             \
                    h = m / tiles + (t < m % tiles);                                                                               \
                    kern->gemm_tile_##S(kc, room + i * kc, 1, (ptrdiff_t)h, (const T *)b->data + k * width + j * kc, (ptrdiff_t)nr, \
                                        c + i * b->n + j, b->n, h, b->n - j < nr ? b->n - j : nr, add || k > 0);                   \
                }                                                                                                                  \
        }                                                                                                                          \
        if (!b->k && !add) kern->unary_##S[GM__U_FILL](m * b->n, c, NULL, (const T[2]){ 0, 0 });                                   \
    }
PRODUCT(f32, float)
PRODUCT(f64, double)

void gm__packed_product(gm_ctx *ctx, const gm__packed *b, size_t m, const void *a, size_t lda, void *c, bool add, void *room)
{
    if (!m || !b->n) return;
    if (b->f64) product_f64(ctx->kern, b, m, a, lda, c, add, room);
    else product_f32(ctx->kern, b, m, a, lda, c, add, room);
}
