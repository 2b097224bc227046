/* product.h - the body of the packed product: the register tile, the packing
 * of panels, the activation of a finished tile. Included by body.h for each
 * element type; gemm.c drives them.
 *
 * A tile is MR rows by two vectors of columns. Each element of C is a chain
 * acc = fma(a[i,k], b[k,j], acc) over k from acc = 0, whatever the tile's
 * shape, so an element's bits depend on neither m nor n. */

enum { F(MR) = SIMD == 2 ? 12 : SIMD == 1 ? 6 : 4, F(NR) = 2 * L };
/* Rows of a tile of one vector, as many as keep the multipliers busy. */
enum { F(TALL) = SIMD == 0 ? 8 : 12 };

/* One tile: C = A B + bias, or C += A B; bias: [n] or NULL. */
INLINE void F(tile)(const gm__tile *t, const T *a, const T *b, T *c, bool add, const T *bias, const int m, const int nv)
{
    size_t kc = t->kc, segs = kc ? t->segs : 0, n = t->n, ldc = t->ldc;
    ptrdiff_t ars = t->ars, acs = t->acs, ldb = t->ldb;
    V acc[F(TALL)][2];
    const T *ap[(F(TALL) + 2) / 3]; /* a row group's base; its rows at 0, ars, 2 ars */
    UNROLL for (int i = 0; i < m; i++)
        UNROLL for (int j = 0; j < nv; j++) acc[i][j] = F(set1)(0);
    UNROLL for (int i = 0; i < m; i += 3) ap[i / 3] = a + i * ars;
    UNROLL for (int i = 0; i < m; i++) /* C is wanted when the chain is done, that of the next tile after another */
        UNROLL for (int j = 0; j < nv; j++) __builtin_prefetch(c + t->cnext + (size_t)i * ldc + j * L, 1);
    ptrdiff_t jump = t->astep - (ptrdiff_t)kc * acs, bjump = t->bstep - (ptrdiff_t)kc * ldb;
    for (; segs; segs--) {
        size_t k = kc;
        do {
            V bv[2];
            UNROLL for (int j = 0; j < nv; j++) bv[j] = F(load)(b + j * L);
            b += ldb;
            UNROLL for (int i = 0; i < m; i++) {
                V av = F(set1)(ap[i / 3][(i % 3) * ars]);
                UNROLL for (int j = 0; j < nv; j++) acc[i][j] = F(fma)(av, bv[j], acc[i][j]);
            }
            UNROLL for (int i = 0; i < m; i += 3) ap[i / 3] += acs;
        } while (--k);
        UNROLL for (int i = 0; i < m; i += 3) ap[i / 3] += jump;
        b += bjump;
    }
    size_t r = n - (size_t)(nv - 1) * L; /* columns in the last vector */
    if (bias)
        UNROLL for (int j = 0; j < nv; j++) {
            V bv = j < nv - 1 ? F(load)(bias + j * L) : F(loadn)(bias + j * L, r);
            UNROLL for (int i = 0; i < m; i++) acc[i][j] += bv;
        }
    UNROLL for (int i = 0; i < m; i++) {
        T *ci = c + (size_t)i * ldc;
        UNROLL for (int j = 0; j < nv; j++) {
            if (j < nv - 1 || r == L) {
                if (add) acc[i][j] += F(load)(ci + j * L);
                F(store)(ci + j * L, acc[i][j]);
            } else {
                if (add) acc[i][j] += F(loadn)(ci + j * L, r);
                F(storen)(ci + j * L, acc[i][j], r);
            }
        }
    }
}
/* ... and t->more like it. */
INLINE void F(tiles)(const gm__tile *t, const T *a, const T *b, T *c, bool add, const T *bias, const int m, const int nv)
{
    ptrdiff_t anext = t->anext, cnext = t->cnext;
    for (size_t left = t->more + 1; left; left--, a += anext, c += cnext) F(tile)(t, a, b, c, add, bias, m, nv);
}

#define ROWS(X) X(1) X(2) X(3) X(4) ROWS6(X) ROWS12(X)
#if SIMD == 0
#define ROWS6(X)
#define ROWS12(X)
#define TALLER(X) X(5) X(6) X(7) X(8)
#elif SIMD == 1
#define ROWS6(X) X(5) X(6)
#define ROWS12(X)
#define TALLER(X) X(7) X(8) X(9) X(10) X(11) X(12)
#else
#define ROWS6(X) X(5) X(6)
#define ROWS12(X) X(7) X(8) X(9) X(10) X(11) X(12)
#define TALLER(X)
#endif
#define TILE_HEAD(m) static __attribute__((noinline)) void F(tile_##m)(const gm__tile *t, const T *a, const T *b, T *c, bool add, const T *bias)
#define TILE_RUN(m, nv) F(tiles)(t, a, b, c, add, bias, m, nv)
#define TILE(m)                          \
    TILE_HEAD(m)                         \
    {                                    \
        if (t->n > L) TILE_RUN(m, 2);    \
        else TILE_RUN(m, 1);             \
    }
#define TALL_TILE(m) TILE_HEAD(m) { TILE_RUN(m, 1); }
ROWS(TILE)
TALLER(TALL_TILE)
#undef TILE
#undef TALL_TILE
#undef TILE_RUN
#undef TILE_HEAD

static void F(conv_tile)(const gm__tile *t, const T *a, const T *b, T *c, bool add, const T *bias)
{
    switch (t->m) {
#define CASE(r) case r: F(tile_##r)(t, a, b, c, add, bias); break;
        ROWS(CASE) TALLER(CASE)
#undef CASE
    }
}
static void F(gemm_tile)(size_t kc, const T *a, ptrdiff_t ars, ptrdiff_t acs, const T *b, ptrdiff_t ldb, T *c,
                         size_t ldc, size_t m, size_t n, bool add)
{
    const gm__tile t = {.segs = 1, .kc = kc, .m = m, .n = n, .ars = ars, .acs = acs, .ldb = ldb, .ldc = ldc};
    F(conv_tile)(&t, a, b, c, add, NULL);
}
#undef ROWS
#undef ROWS6
#undef ROWS12
#undef TALLER

/* Elements in 16 bytes, the depth of a transposed block. */
enum { F(Q) = 16 / sizeof(T) };

/* out[q] lane l = src[(i + l)*rs + k + q], rows past the last read as the last */
INLINE void F(columns)(const T *src, ptrdiff_t rs, size_t i, size_t rows, size_t k, V out[F(Q)])
{
    T edge[F(Q) * L];
    if (i + L <= rows) {
        F(transpose)(src + (ptrdiff_t)i * rs + (ptrdiff_t)k, rs, out);
        return;
    }
    for (size_t l = 0; l < L; l++) {
        const T *p = src + (ptrdiff_t)(i + l < rows ? i + l : rows - 1) * rs + (ptrdiff_t)k;
        for (size_t q = 0; q < F(Q); q++) edge[l * F(Q) + q] = p[q];
    }
    F(transpose)(edge, F(Q), out);
}
/* the same for one k */
INLINE V F(column)(const T *src, ptrdiff_t rs, size_t i, size_t rows, size_t k)
{
    T t[L];
    for (size_t l = 0; l < L; l++) t[l] = src[(ptrdiff_t)(i + l < rows ? i + l : rows - 1) * rs + (ptrdiff_t)k];
    return F(load)(t);
}

/* dst[k*ld + i] = src[i*rs + k], i < rows <= width, k < kc; places from rows to width hold anything. Blocks of L rows by 16 bytes are
 * transposed in registers. */
INLINE void F(pack_rows)(size_t width, size_t rows, size_t kc, T *dst, size_t ld, const T *src, ptrdiff_t rs)
{
    for (size_t i = 0; i < width; i += L) {
        size_t w = width - i < L ? width - i : L, k = 0;
        for (; k + F(Q) <= kc; k += F(Q)) {
            V out[F(Q)];
            F(columns)(src, rs, i, rows, k, out);
            for (size_t q = 0; q < F(Q); q++) {
                T *d = dst + (k + q) * ld + i;
                if (w == L) F(store)(d, out[q]);
                else F(storen)(d, out[q], w);
            }
        }
        for (; k < kc; k++) F(storen)(dst + k * ld + i, F(column)(src, rs, i, rows, k), w);
    }
}

static void F(gemm_turn)(size_t rows, size_t cols, T *dst, size_t ld, const T *src, size_t lds) { F(pack_rows)(rows, rows, cols, dst, ld, src, (ptrdiff_t)lds); }

/* dst[k*width + i] = src[i*rs + k*ks], i < rows <= width, k < kc. Places past
 * `rows` hold anything: the tile computes but never stores them. Where a row
 * is contiguous in k (ks = 1) it is turned; where a column is (rs = 1) it is copied. */
static void F(gemm_pack)(size_t width, size_t rows, size_t kc, T *dst, const T *src, ptrdiff_t rs, ptrdiff_t ks)
{
    if (ks == 1) {
        F(pack_rows)(width, rows, kc, dst, width, src, rs);
    } else if (rs == 1) {
        /* while what a whole vector reads and writes too much lies inside both, and is written again */
        size_t w = rows % L ? rows % L : L, step = ks < 0 ? 0 : (size_t)ks < width ? (size_t)ks : width;
        size_t last = w == L ? 0 : step ? (L - w + step - 1) / step : kc, whole = kc > last ? kc - last : 0;
        if (rows <= L)
            for (size_t k = 0; k < whole; k++, src += ks, dst += width) F(store)(dst, F(load)(src));
        else for (size_t k = 0; k < whole; k++, src += ks, dst += width)
            for (size_t i = 0; i < rows; i += L) F(store)(dst + i, F(load)(src + i));
        for (size_t k = whole; k < kc; k++, src += ks, dst += width)
            for (size_t i = 0; i < rows; i += L) F(storen)(dst + i, F(loadn)(src + i, rows - i < L ? rows - i : L), rows - i < L ? rows - i : L);
    } else {
        for (size_t k = 0; k < kc; k++)
            for (size_t i = 0; i < rows; i++) dst[k * width + i] = src[(ptrdiff_t)i * rs + (ptrdiff_t)k * ks];
    }
}

/* c[j] (+)= sum over k of a[k*acs] b[k*brs + j*bcs], brs or bcs is 1: the same
 * chains as in the tile, many columns at once to hide the latency. */
INLINE void F(gemv_straight)(size_t kc, T *c, const T *a, ptrdiff_t acs, const T *b, ptrdiff_t brs, size_t n, bool add, const int nv)
{
    V acc[8];
    UNROLL for (int v = 0; v < nv; v++) acc[v] = F(set1)(0);
    for (size_t k = 0; k < kc; k++, a += acs, b += brs) {
        V av = F(set1)(*a);
        if (nv == 1) acc[0] = F(fma)(av, F(loadn)(b, n), acc[0]);
        else UNROLL for (int v = 0; v < nv; v++) acc[v] = F(fma)(av, F(load)(b + v * L), acc[v]);
    }
    if (nv == 1) {
        if (add) acc[0] += F(loadn)(c, n);
        F(storen)(c, acc[0], n);
    } else {
        UNROLL for (int v = 0; v < nv; v++) {
            if (add) acc[v] += F(load)(c + v * L);
            F(store)(c + v * L, acc[v]);
        }
    }
}
INLINE void F(gemv_across)(size_t kc, T *c, const T *a, ptrdiff_t acs, const T *b, ptrdiff_t bcs, size_t n, bool add, const int nv)
{
    V acc[4];
    size_t k = 0;
    UNROLL for (int v = 0; v < nv; v++) acc[v] = F(set1)(0);
    for (; k + F(Q) <= kc; k += F(Q))
        UNROLL for (int v = 0; v < nv; v++) {
            V out[F(Q)];
            F(columns)(b, bcs, (size_t)v * L, n, k, out);
            UNROLL for (int q = 0; q < (int)F(Q); q++) acc[v] = F(fma)(F(set1)(a[((ptrdiff_t)k + q) * acs]), out[q], acc[v]);
        }
    for (; k < kc; k++)
        UNROLL for (int v = 0; v < nv; v++) acc[v] = F(fma)(F(set1)(a[(ptrdiff_t)k * acs]), F(column)(b, bcs, (size_t)v * L, n, k), acc[v]);
    UNROLL for (int v = 0; v < nv; v++) {
        size_t w = n - (size_t)v * L < L ? n - (size_t)v * L : L;
        if (add) acc[v] += F(loadn)(c + v * L, w);
        F(storen)(c + v * L, acc[v], w);
    }
}
static void F(gemv)(size_t n, size_t kc, T *c, const T *a, ptrdiff_t acs, const T *b, ptrdiff_t brs, ptrdiff_t bcs, bool add)
{
    size_t j = 0;
    if (bcs == 1) {
        for (; j + 8 * L <= n; j += 8 * L) F(gemv_straight)(kc, c + j, a, acs, b + j, brs, 8 * L, add, 8);
        if (j + 4 * L <= n) F(gemv_straight)(kc, c + j, a, acs, b + j, brs, 4 * L, add, 4), j += 4 * L;
        for (; j < n; j += L) F(gemv_straight)(kc, c + j, a, acs, b + j, brs, n - j < L ? n - j : L, add, 1);
    } else {
        for (; j + 4 * L <= n; j += 4 * L) F(gemv_across)(kc, c + j, a, acs, b + (ptrdiff_t)j * bcs, bcs, 4 * L, add, 4);
        for (; j < n; j += L) F(gemv_across)(kc, c + j, a, acs, b + (ptrdiff_t)j * bcs, bcs, n - j < L ? n - j : L, add, 1);
    }
}

/* C = act(C + bias) on one tile: a vector of columns at a time, all rows. */
INLINE V F(act)(V x, int act, V slope)
{
    switch (act) {
    case GM__ACT_RELU: return F(u_RELU)(x, slope, slope);
    case GM__ACT_LRELU: return F(u_LRELU)(x, slope, slope);
    case GM__ACT_TANH: return F(u_TANH)(x, slope, slope);
    case GM__ACT_SIGMOID: return F(u_SIGMOID)(x, slope, slope);
    default: return x;
    }
}
INLINE void F(post)(size_t m, size_t n, T *c, size_t ldc, const T *bias, T slope, const int act)
{
    V s = F(set1)(slope);
    for (size_t j = 0; j < n; j += L) {
        size_t w = n - j < L ? n - j : L;
        V b = F(set1)(0);
        T *p = c + j;
        if (bias) b = F(loadn)(bias + j, w);
        for (size_t i = 0; i < m; i++, p += ldc) {
            V x = w == L ? F(load)(p) : F(loadn)(p, w);
            if (bias) x += b;
            x = F(act)(x, act, s);
            if (w == L) F(store)(p, x);
            else F(storen)(p, x, w);
        }
    }
}
static void F(gemm_post)(size_t m, size_t n, T *c, size_t ldc, const T *bias, int act, T slope)
{
    switch (act) {
    case GM__ACT_RELU: F(post)(m, n, c, ldc, bias, slope, GM__ACT_RELU); break;
    case GM__ACT_LRELU: F(post)(m, n, c, ldc, bias, slope, GM__ACT_LRELU); break;
    case GM__ACT_TANH: F(post)(m, n, c, ldc, bias, slope, GM__ACT_TANH); break;
    case GM__ACT_SIGMOID: F(post)(m, n, c, ldc, bias, slope, GM__ACT_SIGMOID); break;
    default: if (bias) F(post)(m, n, c, ldc, bias, slope, GM__ACT_NONE); break;
    }
}
