/* product.h - the body of the packed product: the register tile, the packing
 * of panels, the activation of a finished tile. Included by body.h for each
 * element type; gemm.c drives them.
 *
 * A tile is MR rows by two vectors of columns. Each element of C is a chain
 * acc = fma(a[i,k], b[k,j], acc) over k from acc = 0, whatever the tile's
 * shape, so an element's bits depend on neither m nor n. */

enum { F(MR) = SIMD == 2 ? 12 : SIMD == 1 ? 6 : 4, F(NR) = 2 * L };

INLINE void F(tile)(size_t kc, const T *a, ptrdiff_t ars, ptrdiff_t acs, const T *b, ptrdiff_t ldb, T *c,
                    size_t ldc, size_t n, bool add, const int m, const int nv)
{
    V acc[F(MR)][2];
    const T *ap[(F(MR) + 2) / 3]; /* a row group's base; its rows at 0, ars, 2 ars */
    UNROLL for (int i = 0; i < m; i++)
        UNROLL for (int j = 0; j < nv; j++) acc[i][j] = F(set1)(0);
    UNROLL for (int i = 0; i < m; i += 3) ap[i / 3] = a + i * ars;
    for (size_t k = 0; k < kc; k++) {
        V bv[2];
        UNROLL for (int j = 0; j < nv; j++) bv[j] = F(load)(b + j * L);
        b += ldb;
        UNROLL for (int i = 0; i < m; i++) {
            V av = F(set1)(ap[i / 3][(i % 3) * ars]);
            UNROLL for (int j = 0; j < nv; j++) acc[i][j] = F(fma)(av, bv[j], acc[i][j]);
        }
        UNROLL for (int i = 0; i < m; i += 3) ap[i / 3] += acs;
    }
    size_t r = n - (size_t)(nv - 1) * L; /* columns in the last vector */
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

#define ROWS(X) X(1) X(2) X(3) X(4) ROWS6(X) ROWS12(X)
#if SIMD > 0
#define ROWS6(X) X(5) X(6)
#else
#define ROWS6(X)
#endif
#if SIMD == 2
#define ROWS12(X) X(7) X(8) X(9) X(10) X(11) X(12)
#else
#define ROWS12(X)
#endif
#define TILE(m)                                                                                                \
    static __attribute__((noinline)) void F(tile_##m)(size_t kc, const T *a, ptrdiff_t ars, ptrdiff_t acs, const T *b, \
                                                     ptrdiff_t ldb, T *c, size_t ldc, size_t n, bool add)      \
    {                                                                                                          \
        if (n > L) F(tile)(kc, a, ars, acs, b, ldb, c, ldc, n, add, m, 2);                                     \
        else F(tile)(kc, a, ars, acs, b, ldb, c, ldc, n, add, m, 1);                                           \
    }
ROWS(TILE)
#undef TILE

static void F(gemm_tile)(size_t kc, const T *a, ptrdiff_t ars, ptrdiff_t acs, const T *b, ptrdiff_t ldb, T *c,
                         size_t ldc, size_t m, size_t n, bool add)
{
    switch (m) {
#define CASE(r) case r: F(tile_##r)(kc, a, ars, acs, b, ldb, c, ldc, n, add); break;
        ROWS(CASE)
#undef CASE
    }
}
#undef ROWS
#undef ROWS6
#undef ROWS12

/* dst[k*width + i] = src[i*rs + k*ks], i < rows <= width, k < kc. Places past
 * `rows` get copies of the last row: the tile computes but never stores them.
 * Where a row is contiguous in k (ks = 1) blocks of 16 bytes by L rows are
 * transposed in registers; where a column is (rs = 1) it is copied. */
INLINE void F(pack_rows)(size_t width, size_t rows, size_t kc, T *dst, const T *src, ptrdiff_t rs)
{
    enum { Q = 16 / sizeof(T) }; /* elements in 16 bytes */
    for (size_t i = 0; i < width; i += L) {
        size_t w = width - i < L ? width - i : L, k = 0;
        T edge[Q * L];
        for (; k + Q <= kc; k += Q) {
            const T *p = src + (ptrdiff_t)i * rs + (ptrdiff_t)k;
            ptrdiff_t s = rs;
            if (i + L > rows) { /* the last rows: copy them so that L exist */
                for (size_t l = 0; l < L; l++) {
                    size_t row = i + l < rows ? i + l : rows - 1;
                    for (size_t q = 0; q < Q; q++) edge[l * Q + q] = src[(ptrdiff_t)row * rs + (ptrdiff_t)(k + q)];
                }
                p = edge;
                s = Q;
            }
            V out[Q];
            F(transpose)(p, s, out);
            for (size_t q = 0; q < Q; q++) {
                T *d = dst + (k + q) * width + i;
                if (w == L) F(store)(d, out[q]);
                else F(storen)(d, out[q], w);
            }
        }
        for (; k < kc; k++)
            for (size_t l = 0; l < w; l++) {
                size_t row = i + l < rows ? i + l : rows - 1;
                dst[k * width + i + l] = src[(ptrdiff_t)row * rs + (ptrdiff_t)k];
            }
    }
}

static void F(gemm_pack)(size_t width, size_t rows, size_t kc, T *dst, const T *src, ptrdiff_t rs, ptrdiff_t ks)
{
    if (ks == 1) {
        F(pack_rows)(width, rows, kc, dst, src, rs);
    } else if (rs == 1) {
        for (size_t k = 0; k < kc; k++, src += ks, dst += width)
            for (size_t i = 0; i < rows; i += L) {
                size_t w = rows - i < L ? rows - i : L;
                if (w == L) F(store)(dst + i, F(load)(src + i));
                else F(storen)(dst + i, F(loadn)(src + i, w), w);
            }
    } else {
        for (size_t k = 0; k < kc; k++)
            for (size_t i = 0; i < rows; i++) dst[k * width + i] = src[(ptrdiff_t)i * rs + (ptrdiff_t)k * ks];
    }
}

/* C = act(C + bias) on one tile */
static void F(gemm_post)(size_t m, size_t n, T *c, size_t ldc, const T *bias, int act, T slope)
{
    for (size_t i = 0; i < m; i++, c += ldc) {
        if (bias) F(binary_ADD)(n, c, c, bias, GM__VV, NULL);
        switch (act) {
        case GM__ACT_RELU: F(unary_RELU)(n, c, c, NULL); break;
        case GM__ACT_LRELU: F(unary_LRELU)(n, c, c, (const T[2]){ slope, 0 }); break;
        case GM__ACT_TANH: F(unary_TANH)(n, c, c, NULL); break;
        case GM__ACT_SIGMOID: F(unary_SIGMOID)(n, c, c, NULL); break;
        default: break;
        }
    }
}
