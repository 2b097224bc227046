/* blas.c - OpenBLAS and LAPACKE; no other file includes them. OpenBLAS maps a
 * large buffer at its first call and retries for ever if it cannot, so the
 * first use of a context asks the system for as much address space before. */
#include "kernels/gemm.h"
#include <cblas.h>
#include <lapacke.h>
#include <limits.h>
#include <math.h>
#include <string.h>
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

/* ---- factorisations ------------------------------------------------------------
 * LAPACK reads columns, we rows: each matrix of ours is its transpose to LAPACK,
 * which every function below undoes by choosing what to ask for, never by copying. */

/* Room for OpenBLAS, sizes within LAPACK's int, no inf or NaN among the n numbers. */
static gm_status ready(gm_ctx *ctx, size_t rows, size_t cols, size_t n, const double *a)
{
    size_t less = rows < cols ? rows : cols, more = rows < cols ? cols : rows;
    if (less > GM__LAPACK_MOST || more > INT_MAX) return gm__fail_ctx(ctx, GM_ELIMIT, "[%zu,%zu] is over the limit of %d", rows, cols, GM__LAPACK_MOST);
    if (!ctx->kern->finite_f64(n, a)) return gm__fail_ctx(ctx, GM_ENONFINITE, "the matrix holds inf or NaN");
    return blas_room(ctx) ? GM_OK : gm__fail_ctx(ctx, GM_ENOMEM, "no address space for OpenBLAS's buffers");
}

static gm_status refused(gm_ctx *ctx, lapack_int info) { return gm__fail_ctx(ctx, GM_EINTERNAL, "LAPACK refused its arguments (%d)", (int)info); }

/* A symmetric matrix is its own transpose, and eigenvectors in columns are ours in rows. */
gm_status gm__eigh(gm_ctx *ctx, size_t n, double *a, double *values)
{
    double size = 0, *work = NULL;
    lapack_int isize = 0, *iwork = NULL;
    gm_status s = GM_ENOMEM;
    if (!n) return GM_OK;
    GM__TRY(ready(ctx, n, n, n * n, a));
    lapack_int in = (lapack_int)n;
    lapack_int info = LAPACKE_dsyevd_work(LAPACK_COL_MAJOR, 'V', 'U', in, a, in, values, &size, -1, &isize, -1);
    if (info) return refused(ctx, info);
    work = gm__alloc(ctx, (size_t)size, sizeof *work);
    iwork = gm__alloc(ctx, (size_t)isize, sizeof *iwork);
    if (!work || !iwork) goto done;
    info = LAPACKE_dsyevd_work(LAPACK_COL_MAJOR, 'V', 'U', in, a, in, values, work, (lapack_int)size, iwork, isize);
    s = info ? gm__fail_ctx(ctx, GM_EINTERNAL, "no convergence (%d)", (int)info) : GM_OK;
done:
    gm__free(ctx, iwork);
    gm__free(ctx, work);
    return s;
}

/* The lower triangle by rows is the upper one by columns: A = U^T U, L = U^T. */
gm_status gm__cholesky(gm_ctx *ctx, size_t n, double *a, size_t *minor)
{
    *minor = 0;
    if (!n) return GM_OK;
    GM__TRY(ready(ctx, n, n, n * n, a));
    lapack_int info = LAPACKE_dpotrf_work(LAPACK_COL_MAJOR, 'U', (lapack_int)n, a, (lapack_int)n);
    if (info < 0) return refused(ctx, info);
    *minor = (size_t)info;
    for (size_t i = 0; i < n; i++)
        for (size_t j = i + 1; j < n; j++) a[i * n + j] = 0;
    return GM_OK;
}

gm_status gm__solve_triangular(gm_ctx *ctx, size_t n, size_t k, const double *a, double *b, bool upper, bool transposed, bool unit)
{
    if (!n || !k) return GM_OK;
    GM__TRY(ready(ctx, n, k, n * n, a));
    cblas_dtrsm(CblasRowMajor, CblasLeft, upper ? CblasUpper : CblasLower, transposed ? CblasTrans : CblasNoTrans, unit ? CblasUnit : CblasNonUnit,
                (blasint)n, (blasint)k, 1.0, a, (blasint)n, b, (blasint)k);
    return GM_OK;
}

/* P L U of the transpose, whose determinant is the same; solving asks for the transpose again. */
gm_status gm__solve(gm_ctx *ctx, size_t n, size_t k, double *a, double *bt, size_t *zero, double *sign, double *log_abs)
{
    *zero = 0;
    if (sign) *sign = 1;
    if (log_abs) *log_abs = 0;
    if (!n) return GM_OK;
    GM__TRY(ready(ctx, n, k, n * n, a));
    lapack_int in = (lapack_int)n, *pivot = gm__alloc(ctx, n, sizeof *pivot);
    if (!pivot) return GM_ENOMEM;
    lapack_int info = LAPACKE_dgetrf_work(LAPACK_COL_MAJOR, in, in, a, in, pivot);
    if (info > 0) *zero = (size_t)info;
    if (info == 0 && k > 0) info = LAPACKE_dgetrs_work(LAPACK_COL_MAJOR, 'T', in, (lapack_int)k, a, in, pivot, bt, in);
    for (size_t i = 0; sign && i < n; i++)
        if ((a[i * n + i] < 0) != (pivot[i] != (lapack_int)i + 1)) *sign = -*sign;
    for (size_t i = 0; log_abs && i < n; i++) *log_abs += log(fabs(a[i * n + i]));
    if (sign && *zero) *sign = 0;
    gm__free(ctx, pivot);
    return info < 0 ? refused(ctx, info) : GM_OK;
}

/* A^T = V S U^T: what LAPACK calls U is our V^T by rows, its V^T our U. */
gm_status gm__svd(gm_ctx *ctx, size_t m, size_t n, double *a, double *s, double *u, double *vt)
{
    size_t k = m < n ? m : n;
    if (!k) return GM_OK;
    GM__TRY(ready(ctx, m, n, m * n, a));
    lapack_int im = (lapack_int)m, in = (lapack_int)n, ik = (lapack_int)k;
    double size = 0;
    const char what = u ? 'S' : 'N';
    lapack_int info = LAPACKE_dgesdd_work(LAPACK_COL_MAJOR, what, in, im, a, in, s, vt, in, u, ik, &size, -1, NULL);
    if (info) return refused(ctx, info);
    double *work = gm__alloc(ctx, (size_t)size, sizeof *work);
    lapack_int *iwork = gm__alloc(ctx, 8 * k, sizeof *iwork);
    gm_status st = GM_ENOMEM;
    if (!work || !iwork) goto done;
    info = LAPACKE_dgesdd_work(LAPACK_COL_MAJOR, what, in, im, a, in, s, vt, in, u, ik, work, (lapack_int)size, iwork);
    st = info ? gm__fail_ctx(ctx, GM_EINTERNAL, "no convergence (%d)", (int)info) : GM_OK;
done:
    gm__free(ctx, iwork);
    gm__free(ctx, work);
    return st;
}

/* A^T = L Q', so A = Q'^T L^T: L lies in a's upper triangle by rows, Q' by columns is our Q by rows. */
gm_status gm__qr(gm_ctx *ctx, size_t m, size_t n, double *a, double *q)
{
    if (!m || !n) return GM_OK;
    GM__ASSERT(gm__ctx_err(ctx), m >= n);
    GM__TRY(ready(ctx, m, n, m * n, a));
    lapack_int im = (lapack_int)m, in = (lapack_int)n;
    double size = 0, size2 = 0;
    lapack_int info = LAPACKE_dgelqf_work(LAPACK_COL_MAJOR, in, im, a, in, NULL, &size, -1);
    if (!info && q) info = LAPACKE_dorglq_work(LAPACK_COL_MAJOR, in, im, in, q, in, NULL, &size2, -1);
    if (info) return refused(ctx, info);
    if (size2 > size) size = size2;
    double *work = gm__alloc(ctx, (size_t)size, sizeof *work), *tau = gm__alloc(ctx, n, sizeof *tau);
    gm_status st = GM_ENOMEM;
    if (!work || !tau) goto done;
    info = LAPACKE_dgelqf_work(LAPACK_COL_MAJOR, in, im, a, in, tau, work, (lapack_int)size);
    if (q) memcpy(q, a, m * n * sizeof *a);
    if (!info && q) info = LAPACKE_dorglq_work(LAPACK_COL_MAJOR, in, im, in, q, in, tau, work, (lapack_int)size);
    st = info ? refused(ctx, info) : GM_OK;
done:
    gm__free(ctx, tau);
    gm__free(ctx, work);
    return st;
}
