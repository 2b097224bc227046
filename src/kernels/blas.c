/* blas.c - OpenBLAS and LAPACKE; no other file includes them. OpenBLAS maps a
 * large buffer at its first call and retries for ever if it cannot, so the
 * first use of a context asks the system for as much address space before. */
#include "kernels/gemm.h"
#include <cblas.h>
#include <lapacke.h>
#include <limits.h>
#include <sys/mman.h>

#define BLAS_BUFFER ((size_t)160 << 20)

static bool blas_room(gm_ctx *ctx)
{
    if (ctx->blas_ready) return true;
    void *p = mmap(NULL, BLAS_BUFFER, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) return false;
    munmap(p, BLAS_BUFFER);
    if (ctx->cfg.blas_threads == 1) openblas_set_num_threads(1);
    ctx->blas_ready = true;
    return true;
}

/* The transposition and leading dimension by which BLAS reads a matrix of
 * rows x cols with these strides, if it can. */
static bool blas_layout(size_t rows, size_t cols, ptrdiff_t rs, ptrdiff_t cs, CBLAS_TRANSPOSE *t, blasint *ld)
{
    ptrdiff_t r = (ptrdiff_t)rows, c = (ptrdiff_t)cols;
    if (cs == 1 && rs >= c && rs <= INT_MAX) return *t = CblasNoTrans, *ld = (blasint)rs, true;
    if (rs == 1 && cs >= r && cs <= INT_MAX) return *t = CblasTrans, *ld = (blasint)cs, true;
    return false;
}

bool gm__blas_gemm(gm_ctx *ctx, bool f64, const gm__gemm *g)
{
    CBLAS_TRANSPOSE ta, tb;
    blasint lda, ldb;
    if (ctx->cfg.blas_threads != 1 || ctx->cpu != GM__CPU_PLAIN) return false;
    if (g->m > INT_MAX || g->n > INT_MAX || g->k > INT_MAX || g->ldc > INT_MAX) return false;
    if (!blas_layout(g->m, g->k, g->ars, g->acs, &ta, &lda) || !blas_layout(g->k, g->n, g->brs, g->bcs, &tb, &ldb)) return false;
    if (!blas_room(ctx)) return false;
    blasint m = (blasint)g->m, n = (blasint)g->n, k = (blasint)g->k, ldc = (blasint)g->ldc;
    if (f64) cblas_dgemm(CblasRowMajor, ta, tb, m, n, k, 1.0, g->a, lda, g->b, ldb, g->add, g->c, ldc);
    else cblas_sgemm(CblasRowMajor, ta, tb, m, n, k, 1.0f, g->a, lda, g->b, ldb, g->add, g->c, ldc);
    if (g->bias || g->act) {
        if (f64) ctx->kern->gemm_post_f64(g->m, g->n, g->c, g->ldc, g->bias, g->act, g->slope);
        else ctx->kern->gemm_post_f32(g->m, g->n, g->c, g->ldc, g->bias, g->act, (float)g->slope);
    }
    return true;
}

/* LAPACK reads columns, we rows: of a symmetric matrix they are the same, and
 * its eigenvectors in columns are ours in rows. */
gm_status gm__eigh(gm_ctx *ctx, size_t n, double *a, double *values)
{
    enum { MOST = 16384 }; /* 2 n^2 + 6 n + 1 must fit LAPACK's int */
    double size = 0, *work = NULL;
    lapack_int isize = 0, *iwork = NULL;
    gm_status s = GM_ENOMEM;
    if (!n) return GM_OK;
    if (n > MOST) return gm__fail_ctx(ctx, GM_ELIMIT, "eigenvalues: %zu rows, the limit is %d", n, MOST);
    if (!ctx->kern->finite_f64(n * n, a)) return gm__fail_ctx(ctx, GM_ENONFINITE, "eigenvalues: the matrix holds inf or NaN");
    if (!blas_room(ctx)) return gm__fail_ctx(ctx, GM_ENOMEM, "eigenvalues: no address space for OpenBLAS's buffers");

    lapack_int in = (lapack_int)n;
    lapack_int info = LAPACKE_dsyevd_work(LAPACK_COL_MAJOR, 'V', 'U', in, a, in, values, &size, -1, &isize, -1);
    if (info) return gm__fail_ctx(ctx, GM_EINTERNAL, "eigenvalues: LAPACK refused its query (%d)", (int)info);
    work = gm__alloc(ctx, (size_t)size, sizeof *work);
    iwork = gm__alloc(ctx, (size_t)isize, sizeof *iwork);
    if (!work || !iwork) goto done;
    info = LAPACKE_dsyevd_work(LAPACK_COL_MAJOR, 'V', 'U', in, a, in, values, work, (lapack_int)size, iwork, isize);
    s = info ? gm__fail_ctx(ctx, GM_EINTERNAL, "eigenvalues: no convergence (%d)", (int)info) : GM_OK;
done:
    gm__free(ctx, iwork);
    gm__free(ctx, work);
    return s;
}
