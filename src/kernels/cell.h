/* cell.h - the body of the recurrent cells: one step of many lanes, forward and back. Included by body.h for each
 * element type; the formulas stand at gm__cell in kernels.h. The last columns go through the same code as whole
 * vectors, with fewer lanes read and written. */

INLINE V F(get)(const T *p, size_t r) { return r == L ? F(load)(p) : F(loadn)(p, r); }
INLINE void F(put)(T *p, V v, size_t r)
{
    if (r == L) F(store)(p, v);
    else F(storen)(p, v, r);
}
/* gate q at column j, before its activation */
INLINE V F(gate)(const gm__cell *s, const T *x, const T *u, size_t q, size_t j, size_t r)
{
    V v = F(get)(x + q * s->n + j, r) + F(get)(u + q * s->n + j, r);
    if (s->b) v += F(get)((const T *)s->b + q * s->n + j, r);
    return v;
}

/* ---- elman: h = tanh a ---------------------------------------------------------------- */

INLINE void F(elman_at)(const gm__cell *s, size_t i, size_t j, size_t r)
{
    const T *x = (const T *)s->x + i * s->n, *u = (const T *)s->u + i * s->n;
    F(put)((T *)s->h + i * s->n + j, F(tanh)(F(gate)(s, x, u, 0, j, r)), r);
}
INLINE void F(elman_g_at)(const gm__cell_g *s, size_t i, size_t j, size_t r)
{
    size_t at = i * s->n + j;
    V h = F(get)((const T *)s->h + at, r), dh = F(get)((const T *)s->gy + at, r) + F(get)((const T *)s->dh + at, r);
    F(put)((T *)s->gx + at, dh * (F(set1)(1) - h * h), r);
}

/* ---- gru: kept r, z, n, and what r scales ------------------------------------------------- */

INLINE void F(gru_at)(const gm__cell *s, size_t i, size_t j, size_t r)
{
    const T *x = (const T *)s->x + i * 3 * s->n, *u = (const T *)s->u + i * 3 * s->n;
    V reset = F(sigmoid)(F(gate)(s, x, u, 0, j, r)), z = F(sigmoid)(F(gate)(s, x, u, 1, j, r));
    V m = F(get)(u + 2 * s->n + j, r), h = F(get)((const T *)s->h0 + i * s->n + j, r);
    if (s->b) m += F(get)((const T *)s->b + 2 * s->n + j, r);
    V n = F(tanh)(F(fma)(reset, m, F(get)(x + 2 * s->n + j, r)));
    F(put)((T *)s->h + i * s->n + j, F(fma)(z, h - n, n), r);
    if (s->kept) {
        T *k = (T *)s->kept + i * 4 * s->n + j;
        F(put)(k, reset, r), F(put)(k + s->n, z, r), F(put)(k + 2 * s->n, n, r), F(put)(k + 3 * s->n, m, r);
    }
}
INLINE void F(gru_g_at)(const gm__cell_g *s, size_t i, size_t j, size_t r)
{
    size_t at = i * s->n + j;
    const T *k = (const T *)s->kept + i * 4 * s->n + j;
    T *gx = (T *)s->gx + i * 3 * s->n + j, *gu = (T *)s->gu + i * 3 * s->n + j;
    V one = F(set1)(1), dh = F(get)((const T *)s->gy + at, r) + F(get)((const T *)s->dh + at, r);
    V reset = F(get)(k, r), z = F(get)(k + s->n, r), n = F(get)(k + 2 * s->n, r), m = F(get)(k + 3 * s->n, r);
    V dn = dh * (one - z) * (one - n * n), dz = dh * (F(get)((const T *)s->h0 + at, r) - n) * z * (one - z);
    V dr = dn * m * reset * (one - reset);
    F(put)(gx, dr, r), F(put)(gx + s->n, dz, r), F(put)(gx + 2 * s->n, dn, r);
    F(put)(gu, dr, r), F(put)(gu + s->n, dz, r), F(put)(gu + 2 * s->n, dn * reset, r);
    F(put)((T *)s->dh + at, dh * z, r);
}

/* ---- lstm: kept i, f, g, o ------------------------------------------------------------------ */

INLINE void F(lstm_at)(const gm__cell *s, size_t i, size_t j, size_t r)
{
    const T *x = (const T *)s->x + i * 4 * s->n, *u = (const T *)s->u + i * 4 * s->n;
    V in = F(sigmoid)(F(gate)(s, x, u, 0, j, r)), f = F(sigmoid)(F(gate)(s, x, u, 1, j, r));
    V g = F(tanh)(F(gate)(s, x, u, 2, j, r)), o = F(sigmoid)(F(gate)(s, x, u, 3, j, r));
    V c = F(fma)(f, F(get)((const T *)s->c0 + i * s->n + j, r), in * g);
    F(put)((T *)s->c + i * s->n + j, c, r);
    F(put)((T *)s->h + i * s->n + j, o * F(tanh)(c), r);
    if (s->kept) {
        T *k = (T *)s->kept + i * 4 * s->n + j;
        F(put)(k, in, r), F(put)(k + s->n, f, r), F(put)(k + 2 * s->n, g, r), F(put)(k + 3 * s->n, o, r);
    }
}
INLINE void F(lstm_g_at)(const gm__cell_g *s, size_t i, size_t j, size_t r)
{
    size_t at = i * s->n + j;
    const T *k = (const T *)s->kept + i * 4 * s->n + j;
    T *gx = (T *)s->gx + i * 4 * s->n + j;
    V one = F(set1)(1), dh = F(get)((const T *)s->gy + at, r) + F(get)((const T *)s->dh + at, r);
    V in = F(get)(k, r), f = F(get)(k + s->n, r), g = F(get)(k + 2 * s->n, r), o = F(get)(k + 3 * s->n, r);
    V tc = F(tanh)(F(get)((const T *)s->c + at, r));
    V dc = F(fma)(dh * o, one - tc * tc, F(get)((const T *)s->dc + at, r));
    F(put)(gx, dc * g * in * (one - in), r);
    F(put)(gx + s->n, dc * F(get)((const T *)s->c0 + at, r) * f * (one - f), r);
    F(put)(gx + 2 * s->n, dc * in * (one - g * g), r);
    F(put)(gx + 3 * s->n, dh * tc * o * (one - o), r);
    F(put)((T *)s->dc + at, dc * f, r);
}

#define CELL(NAME, STEP)                                                     \
    static void F(NAME)(const STEP *s)                                       \
    {                                                                        \
        for (size_t i = 0; i < s->rows; i++) {                               \
            size_t j = 0;                                                    \
            for (; j + L <= s->n; j += L) F(NAME##_at)(s, i, j, L);          \
            if (j < s->n) F(NAME##_at)(s, i, j, s->n - j);                   \
        }                                                                    \
    }
CELL(elman, gm__cell)
CELL(elman_g, gm__cell_g)
CELL(gru, gm__cell)
CELL(gru_g, gm__cell_g)
CELL(lstm, gm__cell)
CELL(lstm_g, gm__cell_g)
#undef CELL
