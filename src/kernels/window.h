/* window.h - the body of the kernels that walk windows over the last but one axis of an image:
 * weighted sums and maxima, all channels of a place side by side. Included by body.h for each element type. */

/* y[0..n) = sum over k of w[k] x[k*n ..]; no taps give 0 */
INLINE void F(tap_row)(size_t n, size_t taps, T *y, const T *x, const T *w)
{
    if (taps == 0) {
        memset(y, 0, n * sizeof *y);
        return;
    }
    size_t i = 0;
    for (; i + 2 * L <= n; i += 2 * L) {
        V v = F(set1)(*w), s = v * F(load)(x + i), u = v * F(load)(x + i + L);
        for (size_t k = 1; k < taps; k++) {
            v = F(set1)(w[k]);
            s = F(fma)(v, F(load)(x + k * n + i), s);
            u = F(fma)(v, F(load)(x + k * n + i + L), u);
        }
        F(store)(y + i, s);
        F(store)(y + i + L, u);
    }
    for (; i < n; i += L) {
        size_t r = n - i < L ? n - i : L;
        V s = F(set1)(*w) * F(loadn)(x + i, r);
        for (size_t k = 1; k < taps; k++) s = F(fma)(F(set1)(w[k]), F(loadn)(x + k * n + i, r), s);
        F(storen)(y + i, s, r);
    }
}

static void F(taps)(size_t rows, size_t n, T *y, const T *x, const uint32_t *from, const uint32_t *at, const T *w)
{
    for (size_t r = 0; r < rows; r++) F(tap_row)(n, at[r + 1] - at[r], y + r * n, x + from[r] * n, w + at[r]);
}

/* Channel by channel the first largest value and its place; the first NaN wins and stays. Exact: the compiler's vectors do. */
static void F(max_window)(size_t rows, size_t n, T *y, int32_t *place, const T *x, size_t width, size_t top, size_t bottom, const uint32_t *from,
                          const uint32_t *to)
{
    for (size_t r = 0; r < rows; r++, y += n, place += n) {
        for (size_t h = top; h < bottom; h++) {
            for (size_t q = from[r]; q < to[r]; q++) {
                int32_t here = (int32_t)(h * width + q);
                const T *p = x + (h * width + q) * n;
                bool first = h == top && q == from[r];
                for (size_t c = 0; first && c < n; c++) y[c] = p[c], place[c] = here;
                for (size_t c = 0; !first && c < n; c++) {
                    bool better = !(p[c] <= y[c]) && y[c] == y[c];
                    place[c] = better ? here : place[c];
                    y[c] = better ? p[c] : y[c];
                }
            }
        }
    }
}
