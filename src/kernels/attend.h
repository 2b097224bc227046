/* attend.h - the body of attention's passes over rows of scores; attention.c drives them. Included by body.h for
 * each element type. Row r sees its first limit + r*step columns, at most n and at least none. */

INLINE size_t F(seen)(ptrdiff_t limit, size_t n)
{
    return limit < 0 ? 0 : (size_t)limit < n ? (size_t)limit : n;
}
/* e^x where it is no denormal, else 0: those would slow the product down and add nothing */
INLINE V F(weight)(V x)
{
    return F(sel)(F(lt)(x, F(set1)(sizeof(T) == 4 ? (T)-87.3 : (T)-708.3)), F(set1)(0), F(exp)(x));
}
INLINE void F(fill_zeros)(T *s, size_t from, size_t to)
{
    if (to > from) memset(s + from, 0, (to - from) * sizeof *s);
}

/* s = scale*s + bias of the columns [0, n), and the largest of them */
INLINE T F(scores)(size_t n, T *s, T scale, const T *bias, const bool biased)
{
    V sv = F(set1)(scale), top = F(set1)(-(T)INFINITY);
    size_t i = 0;
    for (; i + L <= n; i += L) {
        V x = F(load)(s + i) * sv;
        if (biased) x += F(load)(bias + i);
        F(store)(s + i, x);
        top = F(max)(x, top);
    }
    T t[L], m = -(T)INFINITY;
    if (i < n) {
        V x = F(loadn)(s + i, n - i) * sv;
        if (biased) x += F(loadn)(bias + i, n - i);
        F(storen)(s + i, x, n - i);
        F(store)(t, x);
        for (size_t l = 0; l < n - i; l++) m = t[l] > m ? t[l] : m;
    }
    F(store)(t, top);
    for (size_t l = 0; l < L; l++) m = t[l] > m ? t[l] : m;
    return m;
}

/* Scores to weights: s = e^(x - max), x = scale*s + bias, 0 past what the row sees. inverse: 1/sum, 0 for a row that sees nothing (by its
 * limit or by -inf); lse: log of the sum of e^x, +inf for such a row, so that attend_back finds weights of 0; may be NULL. */
static void F(attend)(size_t rows, size_t n, T *s, size_t ld, T scale, const T *bias, size_t ldbias, ptrdiff_t limit, ptrdiff_t step, T *inverse, T *lse)
{
    for (size_t r = 0; r < rows; r++, s += ld, bias += bias ? ldbias : 0, limit += step) {
        size_t w = F(seen)(limit, n);
        T m = bias ? F(scores)(w, s, scale, bias, true) : F(scores)(w, s, scale, NULL, false);
        bool low = m == -(T)INFINITY, none = w == 0 || (low && F(sum)(w, s) == -(T)INFINITY); /* or all are NaN, which must show */
        V mv = F(set1)(low ? 0 : m), total = F(set1)(0);
        size_t i = 0;
        for (; i + L <= w; i += L) {
            V e = F(weight)(F(load)(s + i) - mv);
            F(store)(s + i, e);
            total += e;
        }
        if (i < w) {
            T t[L];
            F(store)(t, F(weight)(F(loadn)(s + i, w - i) - mv));
            V e = F(loadn)(t, w - i);
            F(storen)(s + i, e, w - i);
            total += e;
        }
        F(fill_zeros)(s, w, n);
        T sum = F(hsum)(total);
        inverse[r] = none ? 0 : 1 / sum;
        if (lse) lse[r] = none ? (T)INFINITY : m + (T)log((double)sum);
    }
}

/* The other way: s = e^(scale*s + bias - lse), dp = s * (dp - delta) * scale, 0 past what the row sees. */
static void F(attend_back)(size_t rows, size_t n, T *s, T *dp, size_t ld, T scale, const T *bias, size_t ldbias, ptrdiff_t limit, ptrdiff_t step,
                           const T *lse, const T *delta)
{
    V sv = F(set1)(scale), zero = F(set1)(0);
    for (size_t r = 0; r < rows; r++, s += ld, dp += ld, bias += bias ? ldbias : 0, limit += step) {
        size_t w = F(seen)(limit, n);
        V lv = F(set1)(lse[r]), dv = F(set1)(delta[r]);
        for (size_t i = 0; i < w; i += L) {
            size_t left = w - i < L ? w - i : L;
            V p = F(weight)(F(fma)(F(loadn)(s + i, left), sv, (bias ? F(loadn)(bias + i, left) : zero) - lv));
            F(storen)(s + i, p, left);
            F(storen)(dp + i, p * (F(loadn)(dp + i, left) - dv) * sv, left);
        }
        F(fill_zeros)(s, w, n);
        F(fill_zeros)(dp, w, n);
    }
}

/* row r of x *= f[r] */
static void F(scale_rows)(size_t rows, size_t n, T *x, size_t ld, const T *f)
{
    for (size_t r = 0; r < rows; r++, x += ld) {
        V fv = F(set1)(f[r]);
        for (size_t i = 0; i < n; i += L) {
            size_t left = n - i < L ? n - i : L;
            F(storen)(x + i, F(loadn)(x + i, left) * fv, left);
        }
    }
}

/* Pairs turned by angles: y1 = c x1 - s x2, y2 = c x2 + s x1; back: by the opposite ones; add: added to y. y may be x. */
static void F(rotate)(size_t n, T *y1, T *y2, const T *x1, const T *x2, const T *c, const T *s, bool back, bool add)
{
    V sign = F(set1)(back ? -1 : 1);
    for (size_t i = 0; i < n; i += L) {
        size_t left = n - i < L ? n - i : L;
        V a = F(loadn)(x1 + i, left), b = F(loadn)(x2 + i, left), cv = F(loadn)(c + i, left), sv = F(loadn)(s + i, left) * sign;
        V u = cv * a - sv * b, v = cv * b + sv * a;
        if (add) u += F(loadn)(y1 + i, left), v += F(loadn)(y2 + i, left);
        F(storen)(y1 + i, u, left);
        F(storen)(y2 + i, v, left);
    }
}
