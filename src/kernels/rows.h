/* rows.h - the body of the reductions and of the kernels that work on rows:
 * sums, softmax, layer norm. Included by body.h for each element type. */

/* The sum over i of EXPR(v = load(x + i)) where a block of 64 vectors has four
 * accumulators and blocks are joined like the digits of a binary counter: an
 * order that depends on n alone, and an error that grows with log n. */
#define CASCADE(NAME, ARGS, EXPR, EXPRN)                                                         \
    static T F(NAME) ARGS                                                                        \
    {                                                                                            \
        enum { BLOCK = 64 * L };                                                                 \
        V level[48], z = F(set1)(0);                                                             \
        size_t i = 0, blocks = 0, depth = 0;                                                     \
        for (; i + BLOCK <= n; i += BLOCK) {                                                     \
            V s0 = z, s1 = z, s2 = z, s3 = z;                                                    \
            for (size_t j = i; j < i + BLOCK; j += 4 * L) {                                      \
                s0 = EXPR(s0, j);                                                                \
                s1 = EXPR(s1, j + L);                                                            \
                s2 = EXPR(s2, j + 2 * L);                                                        \
                s3 = EXPR(s3, j + 3 * L);                                                        \
            }                                                                                    \
            V s = (s0 + s1) + (s2 + s3);                                                         \
            for (size_t count = ++blocks; !(count & 1); count >>= 1) s = level[--depth] + s;                 \
            level[depth++] = s;                                                                  \
        }                                                                                        \
        V s = z;                                                                                 \
        for (; i + L <= n; i += L) s = EXPR(s, i);                                               \
        if (i < n) s = EXPRN(s, i, n - i);                                                       \
        while (depth) s = level[--depth] + s;                                                    \
        return F(hsum)(s);                                                                       \
    }
#define ADD(s, i) s + F(load)(x + (i))
#define ADDN(s, i, r) s + F(loadn)(x + (i), r)
CASCADE(sum, (size_t n, const T *x), ADD, ADDN)
#undef ADD
#undef ADDN
#define ADD(s, i) F(fma)(F(load)(a + (i)), F(load)(b + (i)), s)
#define ADDN(s, i, r) F(fma)(F(loadn)(a + (i), r), F(loadn)(b + (i), r), s)
CASCADE(dot, (size_t n, const T *a, const T *b), ADD, ADDN)
#undef ADD
#undef ADDN
/* sum of (x - m)^2 */
#define DEV(v) (v - mv)
#define ADD(s, i) F(fma)(DEV(F(load)(x + (i))), DEV(F(load)(x + (i))), s)
#define ADDN(s, i, r) F(dev_tail)(s, F(loadn)(x + (i), r), mv, r)
INLINE V F(dev_tail)(V s, V v, V mv, size_t r)
{
    T t[L];
    F(store)(t, DEV(v));
    v = F(loadn)(t, r);
    return F(fma)(v, v, s);
}
CASCADE(devsq_, (size_t n, const T *x, V mv), ADD, ADDN)
#undef ADD
#undef ADDN
#undef DEV
#undef CASCADE

static T F(max_of)(size_t n, const T *x)
{
    V top = F(set1)(-(T)INFINITY), bad = F(set1)(0);
    size_t i = 0;
    for (; i + L <= n; i += L) {
        V v = F(load)(x + i);
        top = F(max)(v, top);
        bad = F(sel)(F(nan)(v), v, bad);
    }
    T t[L], m = -(T)INFINITY;
    F(store)(t, top);
    for (size_t l = 0; l < L; l++) m = t[l] > m ? t[l] : m;
    bool nan = F(any)(F(nan)(bad));
    for (; i < n; i++) {
        m = x[i] > m ? x[i] : m;
        nan |= x[i] != x[i];
    }
    return nan ? (T)NAN : m;
}

/* y[j] (+)= column sums. Strips of four vectors; every 64 rows a partial sum is put away. */
static void F(colsum)(size_t rows, size_t n, const T *x, size_t ld, T *y, bool add)
{
    for (size_t j = 0; j < n; j += L) {
        size_t r = n - j < L ? n - j : L, wide = n - j >= 4 * L ? 4 : 1;
        V total[4], z = F(set1)(0);
        for (size_t c = 0; c < 4; c++) total[c] = z;
        for (size_t i = 0; i < rows; i += 64) {
            size_t end = rows - i < 64 ? rows : i + 64;
            V s0 = z, s1 = z, s2 = z, s3 = z;
            if (wide == 4) {
                for (size_t k = i; k < end; k++) {
                    const T *p = x + k * ld + j;
                    s0 += F(load)(p), s1 += F(load)(p + L), s2 += F(load)(p + 2 * L), s3 += F(load)(p + 3 * L);
                }
                total[1] += s1, total[2] += s2, total[3] += s3;
            } else if (r == L) {
                for (size_t k = i; k < end; k++) s0 += F(load)(x + k * ld + j);
            } else {
                for (size_t k = i; k < end; k++) s0 += F(loadn)(x + k * ld + j, r);
            }
            total[0] += s0;
        }
        if (wide == 4) {
            for (size_t c = 0; c < 4; c++) {
                T *p = y + j + c * L;
                if (add) total[c] += F(load)(p);
                F(store)(p, total[c]);
            }
            j += 3 * L;
        } else {
            if (add) total[0] += F(loadn)(y + j, r);
            F(storen)(y + j, total[0], r);
        }
    }
}

/* the sum of e^(x - m); y, if not NULL, receives the terms */
static T F(exp_sum)(size_t n, T *y, const T *x, T m)
{
    V mv = F(set1)(m), total = F(set1)(0), s = total;
    size_t i = 0, k = 0;
    for (; i + L <= n; i += L) {
        V e = F(exp)(F(load)(x + i) - mv);
        if (y) F(store)(y + i, e);
        s += e;
        if (++k % 64 == 0) total += s, s = F(set1)(0);
    }
    total += s;
    if (i < n) {
        T t[L];
        F(store)(t, F(exp)(F(loadn)(x + i, n - i) - mv));
        V e = F(loadn)(t, n - i);
        if (y) F(storen)(y + i, e, n - i);
        total += e;
    }
    return F(hsum)(total);
}

static void F(softmax)(size_t rows, size_t n, T *y, const T *x)
{
    for (size_t r = 0; r < rows; r++, y += n, x += n) {
        T s = F(exp_sum)(n, y, x, F(max_of)(n, x));
        F(binary_DIV)(n, y, y, &s, GM__VS, NULL);
    }
}

static void F(log_softmax)(size_t rows, size_t n, T *y, const T *x)
{
    for (size_t r = 0; r < rows; r++, y += n, x += n) {
        T m = F(max_of)(n, x);
        V mv = F(set1)(m), ls = F(log)(F(set1)(F(exp_sum)(n, NULL, x, m)));
        size_t i = 0;
        for (; i + L <= n; i += L) F(store)(y + i, (F(load)(x + i) - mv) - ls);
        if (i < n) F(storen)(y + i, (F(loadn)(x + i, n - i) - mv) - ls, n - i);
    }
}

static void F(softmax_g)(size_t rows, size_t n, T *gx, const T *g, const T *y)
{
    for (size_t r = 0; r < rows; r++, y += n, g += n, gx += n) {
        V d = F(set1)(F(dot)(n, g, y));
        size_t i = 0;
        for (; i + L <= n; i += L) F(store)(gx + i, F(load)(y + i) * (F(load)(g + i) - d));
        if (i < n) F(storen)(gx + i, F(loadn)(y + i, n - i) * (F(loadn)(g + i, n - i) - d), n - i);
    }
}

static void F(log_softmax_g)(size_t rows, size_t n, T *gx, const T *g, const T *y)
{
    for (size_t r = 0; r < rows; r++, y += n, g += n, gx += n) {
        V s = F(set1)(-F(sum)(n, g));
        size_t i = 0;
        for (; i + L <= n; i += L) F(store)(gx + i, F(fma)(F(exp)(F(load)(y + i)), s, F(load)(g + i)));
        if (i < n) F(storen)(gx + i, F(fma)(F(exp)(F(loadn)(y + i, n - i)), s, F(loadn)(g + i, n - i)), n - i);
    }
}

static void F(layer_norm)(size_t rows, size_t n, T eps, T *y, T *mean, T *rstd, const T *x, const T *w, const T *b)
{
    V one = F(set1)(1), zero = F(set1)(0);
    for (size_t r = 0; r < rows; r++, y += n, x += n) {
        T m = mean ? F(sum)(n, x) / (T)n : 0;
        T k = 1 / (T)sqrt((double)((mean ? F(devsq_)(n, x, F(set1)(m)) : F(dot)(n, x, x)) / (T)n + eps));
        rstd[r] = k;
        if (mean) mean[r] = m;
        V mv = F(set1)(m), kv = F(set1)(k);
        for (size_t i = 0; i < n; i += L) {
            size_t left = n - i < L ? n - i : L;
            V h = (F(loadn)(x + i, left) - mv) * kv;
            h = F(fma)(h, w ? F(loadn)(w + i, left) : one, b ? F(loadn)(b + i, left) : zero);
            F(storen)(y + i, h, left);
        }
    }
}

/* h = (x - mean) rstd, u = g w: gx = rstd (u - mean(u) - h mean(u h)); without a mean, rstd (u - h mean(u h)) */
static void F(layer_norm_g)(size_t rows, size_t n, T *gx, T *gw, T *gb, const T *g, const T *x, const T *mean,
                            const T *rstd, const T *w)
{
    V one = F(set1)(1);
    for (size_t r = 0; r < rows; r++, gx += n, g += n, x += n) {
        V mv = F(set1)(mean ? mean[r] : 0), kv = F(set1)(rstd[r]), su = F(set1)(0), sh = F(set1)(0);
        for (size_t i = 0; i < n; i += L) {
            size_t left = n - i < L ? n - i : L;
            V gi = F(loadn)(g + i, left), h = (F(loadn)(x + i, left) - mv) * kv;
            V u = gi * (w ? F(loadn)(w + i, left) : one);
            su += u; /* lanes past the end hold g = 0, so u = 0 */
            sh = F(fma)(u, h, sh);
            if (gw) F(storen)(gw + i, F(fma)(gi, h, F(loadn)(gw + i, left)), left);
            if (gb) F(storen)(gb + i, gi + F(loadn)(gb + i, left), left);
        }
        V mu = F(set1)(mean ? F(hsum)(su) / (T)n : 0), mh = F(set1)(F(hsum)(sh) / (T)n);
        for (size_t i = 0; i < n; i += L) {
            size_t left = n - i < L ? n - i : L;
            V h = (F(loadn)(x + i, left) - mv) * kv;
            V u = F(loadn)(g + i, left) * (w ? F(loadn)(w + i, left) : one);
            F(storen)(gx + i, kv * (u - mu - h * mh), left);
        }
    }
}
