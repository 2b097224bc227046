/* gm/linalg.h - matrix factorisations and what follows from them, over the last two axes; leading axes are a batch.
 *
 * All as in gm/ops.h. LAPACK computes in f64 whatever the type of the tensors; results are rounded to it. The
 * smaller size of a matrix is at most 16384. GM_ENONFINITE is recorded for a matrix that holds inf or NaN, is singular or is not positive definite, and
 * the message says where and in which matrix of the batch. Symmetric matrices are read as (a + a^T)/2, so that the
 * gradient is symmetric and that of each element.
 */
#ifndef GM_LINALG_H
#define GM_LINALG_H

#include <gm/ops.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- positive definite matrices ------------------------------------------- */

/** The lower triangle L with a = L L^T. @param a [..., N, N], symmetric, positive definite. @return [..., N, N]. @grad a, any. @since 0.1 @source Murray 2016 */
GM_API gm_tensor *gm_cholesky(gm_tape *t, gm_tensor *a);
/** log det a = 2 sum log diag L. @param a [..., N, N], symmetric, positive definite. @return [...]. @grad a, any. @since 0.1 */
GM_API gm_tensor *gm_logdet(gm_tape *t, gm_tensor *a);

/* ---- systems of equations, leading axes broadcast -------------------------- */

/** X with A X = b, or A^T X = b if transposed, for a triangle A. @param a [..., N, N]; what lies on the other side is not read. @param b [..., N, K].
 *  @param upper 1: A is the upper triangle. @param unit 1: the diagonal is 1 and not read. @return [..., N, K]. @grad a b, any. @since 0.1 */
GM_API gm_tensor *gm_solve_triangular(gm_tape *t, gm_tensor *a, gm_tensor *b, int32_t upper, int32_t transposed, int32_t unit);
/** X with a X = b, by LU with row exchanges. @param a [..., N, N]. @param b [..., N, K]. @return [..., N, K]. @grad a b, any. @since 0.1 */
GM_API gm_tensor *gm_solve(gm_tape *t, gm_tensor *a, gm_tensor *b);
/** a^-1; to multiply by it gm_solve is faster and better. @param a [..., N, N]. @return [..., N, N]. @grad a, any. @since 0.1 */
GM_API gm_tensor *gm_inverse(gm_tape *t, gm_tensor *a);
/** Determinant; 0 where singular, but there the gradient is GM_ENONFINITE. @param a [..., N, N]. @return [...]. @grad a, any. @since 0.1 */
GM_API gm_tensor *gm_det(gm_tape *t, gm_tensor *a);
/** log |det a|, -inf where singular. @param a [..., N, N]. @param sign receives -1, 0 or 1 [...], without gradient; may be NULL. @return [...]. @grad a, any. @since 0.1 */
GM_API gm_tensor *gm_slogdet(gm_tape *t, gm_tensor *a, gm_tensor **sign);

/* ---- factors: signs are fixed, so that results are unique ------------------- */

/** Eigenvalues of a symmetric matrix, ascending. @param a [..., N, N]. @param vectors receives the vectors in columns [..., N, N], the largest component of each
 *  positive; NULL: not wanted. @return [..., N]. @grad a, any; through the vectors it is NaN where two values are equal, as it does not exist there; of
 *  the values without vectors it always is finite. @since 0.1 @source Giles 2008 */
GM_API gm_tensor *gm_eigh(gm_tape *t, gm_tensor *a, gm_tensor **vectors);
/** Singular values, descending, of a = u diag(s) vt, K = min(M, N). @param a [..., M, N]. @param u receives [..., M, K]. @param vt receives [..., K, N], the largest
 *  component of each row positive; either may be NULL. @return [..., K]. @grad a, any; with u or vt it is NaN where two values are equal (or one is 0 and M
 *  differs from N); of the values alone it always is finite. @since 0.1 @source Townsend 2016 */
GM_API gm_tensor *gm_svd(gm_tape *t, gm_tensor *a, gm_tensor **u, gm_tensor **vt);
/** Q of a = Q R, R's diagonal not negative. @param a [..., M, N], M >= N. @param r receives R [..., N, N]; may be NULL. @return [..., M, N]. @grad a, any, where
 *  its columns are independent (GM_ENONFINITE otherwise). @since 0.1 @source Seeger et al. 2017 */
GM_API gm_tensor *gm_qr(gm_tape *t, gm_tensor *a, gm_tensor **r);

#ifdef __cplusplus
}
#endif
#endif
