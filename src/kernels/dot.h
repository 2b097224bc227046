/* dot.h - products with few columns, in vectors along k: the tile of convolutions
 * with one to three output channels. Included by body.h for each element type. */

/* Four rows, of which the first m are wanted; the others repeat the first, so that a row's bits do not depend on its place. */
INLINE void F(dot_tile)(size_t segs, size_t kc, const T *a, ptrdiff_t ars, ptrdiff_t astep, const T *b, size_t ldb, T *c, size_t ldc,
                        size_t m, bool add, const int n)
{
    V acc[3][4];
    const T *ap[4];
    UNROLL for (int i = 0; i < 4; i++) {
        ap[i] = (size_t)i < m ? a + i * ars : a;
        UNROLL for (int j = 0; j < n; j++) acc[j][i] = F(set1)(0);
    }
    size_t whole = kc / L * L, rest = kc - whole;
    for (size_t s = 0; s < segs; s++, b += kc) {
        for (size_t k = 0; k < whole; k += L) {
            V bv[3];
            UNROLL for (int j = 0; j < n; j++) bv[j] = F(load)(b + (size_t)j * ldb + k);
            UNROLL for (int i = 0; i < 4; i++) {
                V av = F(load)(ap[i] + k);
                UNROLL for (int j = 0; j < n; j++) acc[j][i] = F(fma)(av, bv[j], acc[j][i]);
            }
        }
        if (rest)
            UNROLL for (int i = 0; i < 4; i++) {
                V av = F(loadn)(ap[i] + whole, rest);
                UNROLL for (int j = 0; j < n; j++) acc[j][i] = F(fma)(av, F(loadn)(b + (size_t)j * ldb + whole, rest), acc[j][i]);
            }
        UNROLL for (int i = 0; i < 4; i++) ap[i] += astep;
    }
    UNROLL for (int j = 0; j < n; j++) {
        T sum[4];
        F(hsum4)(acc[j], sum);
        for (size_t i = 0; i < m; i++) c[i * ldc + (size_t)j] = add ? c[i * ldc + (size_t)j] + sum[i] : sum[i];
    }
}

static void F(conv_dot)(size_t segs, size_t kc, const T *a, ptrdiff_t ars, ptrdiff_t astep, const T *b, size_t ldb, T *c, size_t ldc,
                        size_t m, size_t n, bool add)
{
    if (n == 1) F(dot_tile)(segs, kc, a, ars, astep, b, ldb, c, ldc, m, add, 1);
    else if (n == 2) F(dot_tile)(segs, kc, a, ars, astep, b, ldb, c, ldc, m, add, 2);
    else F(dot_tile)(segs, kc, a, ars, astep, b, ldb, c, ldc, m, add, 3);
}
