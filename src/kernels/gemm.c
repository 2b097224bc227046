/* gemm.c - the packed matrix product, C = act(A B + bias) or C += A B.
 *
 * After Goto and van de Geijn, "Anatomy of high-performance matrix
 * multiplication", 2008: A and B are rearranged into panels that the register
 * tile (product.h) reads in order. C is cut into tasks, blocks of rows by
 * groups of column panels; a task runs through all of k by itself.
 *
 * k is cut into equal blocks of at most KC; an element of C is the sum, in
 * order, of one chain of multiply-adds for each block. The cut depends on k
 * alone and the chain on nothing, so an element has the same bits whether its
 * row stands alone or in a batch, packed or not, on any number of threads.
 *
 * Not to be called from inside a gm__parallel task (the scratch of the calling
 * thread's worker would be unknown); gm__gemm_batch spreads many products. */
#include "kernels/gemm.h"

size_t gm__gemm_kblock(size_t k)
{
    size_t blocks = (k + GM__KC - 1) / GM__KC;
    return blocks ? (k + blocks - 1) / blocks : 0;
}

#define T float
#define S f32
#include "kernels/gemm_body.h"
#undef T
#undef S
#define T double
#define S f64
#include "kernels/gemm_body.h"
#undef T
#undef S

typedef struct batch_job {
    gm_ctx *ctx;
    bool f64;
    const gm__gemm *g;
    ptrdiff_t sa, sb, sc;
    atomic_int failed;
} batch_job;

static gm__gemm one_of(const batch_job *j, size_t i)
{
    size_t size = j->f64 ? sizeof(double) : sizeof(float);
    gm__gemm g = *j->g;
    g.a = (const char *)g.a + (ptrdiff_t)i * j->sa * (ptrdiff_t)size;
    g.b = (const char *)g.b + (ptrdiff_t)i * j->sb * (ptrdiff_t)size;
    g.c = (char *)g.c + (ptrdiff_t)i * j->sc * (ptrdiff_t)size;
    return g;
}

static void batch_task(void *arg, size_t i, size_t worker)
{
    batch_job *j = arg;
    gm__gemm g = one_of(j, i);
    gm_status s = j->f64 ? gemm_on_f64(j->ctx, &g, worker) : gemm_on_f32(j->ctx, &g, worker);
    if (s) atomic_store(&j->failed, 1);
}

gm_status gm__gemm_batch(gm_ctx *ctx, bool f64, size_t batch, const gm__gemm *g, ptrdiff_t sa, ptrdiff_t sb, ptrdiff_t sc)
{
    batch_job j = { .ctx = ctx, .f64 = f64, .g = g, .sa = sa, .sb = sb, .sc = sc };
    double work = (double)g->m * (double)g->n * (double)g->k;
    if (batch >= 4 && work < GM__GEMM_BIG && work * (double)batch > GM__GEMM_SMALL && gm__workers(ctx) > 1) {
        size_t need = f64 ? gemm_scratch_f64(ctx, g) : gemm_scratch_f32(ctx, g);
        for (size_t w = 0; w < gm__workers(ctx); w++)
            if (need && !gm__scratch(ctx, w, need)) return GM_ENOMEM;
        gm__parallel(ctx, batch, batch_task, &j);
        return atomic_load(&j.failed) ? gm__fail_ctx(ctx, GM_ENOMEM, "matmul: no memory for scratch") : GM_OK;
    }
    for (size_t i = 0; i < batch; i++) {
        gm__gemm one = one_of(&j, i);
        GM__TRY(f64 ? gm__gemm_f64(ctx, &one) : gm__gemm_f32(ctx, &one));
    }
    return GM_OK;
}
