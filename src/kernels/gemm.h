/* gemm.h - sizes shared by gemm.c and its typed body. */
#ifndef GM_KERNELS_GEMM_H
#define GM_KERNELS_GEMM_H

#include "kernels/kernels.h"

enum {
    GM__KC = 448,             /* longest block of k: a panel of B stays in the first cache levels */
    GM__MC = 240,             /* rows of a task's block, a multiple of every tile height */
    GM__A_ROWS = 6,           /* rows of A that lie one after the other: so many at once are read where they lie */
    GM__A_STEP = 16,          /* columns of A packed at once where it lies column by column */
    GM__A_PACK = 1 << 20,     /* most elements of packed A a worker holds */
    GM__B_PACK = 1 << 21,     /* most elements of B packed for all workers at once */
    GM__B_SMALL = 1 << 14,    /* elements of a B that stays in the first cache anyhow */
    GM__TURN = 1 << 14,       /* elements of a block that waits to be turned */
    GM__TASKS = 16,           /* tasks aimed at for a large product */
};
#define GM__GEMM_SMALL 1.5e6  /* multiply-adds below which threads do not pay */
#define GM__GEMM_BIG 1.6e7    /* a product that is worth spreading by itself */
#define GM__GEMM_TASK 5e5     /* least multiply-adds of a task */

size_t gm__gemm_kblock(size_t k);

/* blas.c: true if OpenBLAS may and did compute the product */
bool gm__blas_gemm(gm_ctx *ctx, bool f64, const gm__gemm *g);

#endif
