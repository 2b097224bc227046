/* columns.h - the body of the kernels for norms over columns: a pixel is a row, a channel a column.
 * Included by body.h for each element type. Rows go in blocks that stay in the cache between the passes over them. */

enum { F(COL_ROWS) = 64 };

static void F(colstat)(size_t rows, size_t n, const T *x, T *mean, T *var)
{
    for (size_t i = 0; i < rows; i += F(COL_ROWS)) {
        size_t m = rows - i < F(COL_ROWS) ? rows - i : F(COL_ROWS);
        V inv = F(set1)(1 / (T)m), share = F(set1)((T)m / (T)(i + m)), seen = F(set1)((T)i), z = F(set1)(0);
        for (size_t j = 0; j < n; j += L) {
            size_t r = n - j < L ? n - j : L;
            V s = z, d2 = z;
            const T *p = x + i * n + j;
            if (r == L) for (size_t k = 0; k < m; k++) s += F(load)(p + k * n);
            else for (size_t k = 0; k < m; k++) s += F(loadn)(p + k * n, r);
            s *= inv;
            if (r == L) {
                for (size_t k = 0; k < m; k++) {
                    V d = F(load)(p + k * n) - s;
                    d2 = F(fma)(d, d, d2);
                }
            } else {
                for (size_t k = 0; k < m; k++) {
                    V d = F(loadn)(p + k * n, r) - s;
                    d2 = F(fma)(d, d, d2);
                }
            }
            if (i > 0) { /* Chan's formula joins the block to those before it */
                V old = F(loadn)(mean + j, r), d = s - old;
                s = F(fma)(d, share, old);
                d2 = (F(loadn)(var + j, r) + d2) + d * d * (share * seen);
            }
            F(storen)(mean + j, s, r);
            F(storen)(var + j, d2, r);
        }
    }
    T inv = rows ? 1 / (T)rows : 0;
    F(binary_MUL)(n, var, var, &inv, GM__VS, NULL);
}

static void F(coldot)(size_t rows, size_t n, const T *g, const T *x, const T *mean, T *sum, T *along)
{
    for (size_t i = 0; i < rows; i += F(COL_ROWS)) {
        size_t m = rows - i < F(COL_ROWS) ? rows - i : F(COL_ROWS);
        for (size_t j = 0; j < n; j += L) {
            size_t r = n - j < L ? n - j : L;
            V s = F(set1)(0), a = s, mv = F(loadn)(mean + j, r);
            const T *p = g + i * n + j, *q = x + i * n + j;
            if (r == L) {
                for (size_t k = 0; k < m; k++) {
                    V v = F(load)(p + k * n);
                    s += v;
                    a = F(fma)(v, F(load)(q + k * n) - mv, a);
                }
            } else {
                for (size_t k = 0; k < m; k++) {
                    V v = F(loadn)(p + k * n, r);
                    s += v;
                    a = F(fma)(v, F(loadn)(q + k * n, r) - mv, a);
                }
            }
            if (i > 0) s += F(loadn)(sum + j, r), a += F(loadn)(along + j, r);
            F(storen)(sum + j, s, r);
            F(storen)(along + j, a, r);
        }
    }
}

static void F(colmix)(size_t rows, size_t n, T *y, const T *g, const T *x, const T *a, const T *b, const T *c)
{
    for (size_t i = 0; i < rows; i++, y += n, g += n) {
        size_t j = 0;
        for (; j + L <= n; j += L) {
            V v = F(load)(c + j);
            if (x) v = F(fma)(F(load)(b + j), F(load)(x + i * n + j), v);
            F(store)(y + j, F(fma)(F(load)(a + j), F(load)(g + j), v));
        }
        if (j < n) {
            V v = F(loadn)(c + j, n - j);
            if (x) v = F(fma)(F(loadn)(b + j, n - j), F(loadn)(x + i * n + j, n - j), v);
            F(storen)(y + j, F(fma)(F(loadn)(a + j, n - j), F(loadn)(g + j, n - j), v), n - j);
        }
    }
}
