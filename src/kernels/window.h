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

/* the bits of whole numbers in a vector of reals */
INLINE V F(whole)(int32_t v) { return (V)((I){ 0 } + v); }
INLINE void F(store_whole)(int32_t *place, V v, size_t r)
{
    I k = (I)v;
    if (sizeof(T) == 4 && r == L) memcpy(place, &k, sizeof k);
    else for (size_t l = 0; l < r; l++) place[l] = (int32_t)k[l];
}

/* Channel by channel the first largest value and its place; the first NaN wins and stays. */
static void F(max_window)(size_t rows, size_t n, T *y, int32_t *place, const T *x, size_t width, size_t top, size_t bottom, const uint32_t *from,
                          const uint32_t *to)
{
    for (size_t r = 0; r < rows; r++, y += n, place += n) {
        for (size_t j = 0; j < n; j += L) {
            size_t left = n - j < L ? n - j : L, first = top * width + from[r];
            V best = F(loadn)(x + first * n + j, left), at = F(whole)((int32_t)first);
            for (size_t h = top; h < bottom; h++) {
                for (size_t q = h * width + from[r]; q < h * width + to[r]; q++) {
                    V v = left == L ? F(load)(x + q * n + j) : F(loadn)(x + q * n + j, left);
                    M better = F(both)(F(not)(F(le)(v, best)), F(eq)(best, best));
                    best = F(sel)(better, v, best);
                    at = F(sel)(better, F(whole)((int32_t)q), at);
                }
            }
            F(storen)(y + j, best, left);
            F(store_whole)(place + j, at, left);
        }
    }
}
