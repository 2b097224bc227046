/* bits.h - products with a matrix of zeros and ones, by tables of sums of four rows; draws of such matrices. Included by
 * body.h; bits.c drives these and says how the product works. */

enum { PANEL = GM__BITS_PANEL, QUADS = GM__BITS_GROUP / 4, PV = PANEL / L_f32 }; /* vectors of a panel */

/* The 16 sums of a vector of columns, in rows of a panel. */
INLINE void sixteen(V_f32 r0, V_f32 r1, V_f32 r2, V_f32 r3, float *t)
{
    V_f32 r01 = r0 + r1, r23 = r2 + r3;
    const V_f32 sum[16] = {set1_f32(0), r0, r1, r01, r2, r0 + r2, r1 + r2, r01 + r2, r3, r0 + r3, r1 + r3, r01 + r3, r23, r0 + r23, r1 + r23, r01 + r23};
    UNROLL for (int s = 0; s < 16; s++) store_f32(t + s * PANEL, sum[s]);
}

/* Four rows of b, whose places k >= kc and columns j >= n count as zeros. */
static __attribute__((noinline)) void table_edge(size_t kc, size_t n, const float *b, ptrdiff_t brs, ptrdiff_t bcs, float *table)
{
    float r[4][PANEL] = {{0}};
    for (size_t k = 0; k < kc; k++)
        for (size_t j = 0; j < n; j++) r[k][j] = b[(ptrdiff_t)k * brs + (ptrdiff_t)j * bcs];
    for (size_t j = 0; j < PANEL; j += L_f32) sixteen(load_f32(r[0] + j), load_f32(r[1] + j), load_f32(r[2] + j), load_f32(r[3] + j), table + j);
}
static __attribute__((noinline)) void table_straight(size_t quads, const float *b, ptrdiff_t ld, float *table)
{
    for (; quads--; b += 4 * ld, table += 16 * PANEL)
        UNROLL for (size_t j = 0; j < PANEL; j += L_f32)
            sixteen(load_f32(b + j), load_f32(b + ld + j), load_f32(b + 2 * ld + j), load_f32(b + 3 * ld + j), table + j);
}
static __attribute__((noinline)) void table_across(size_t quads, const float *b, ptrdiff_t ld, float *table)
{
    for (; quads--; b += 4, table += 16 * PANEL)
        UNROLL for (size_t j = 0; j < PANEL; j += L_f32) {
            V_f32 r[4];
            transpose_f32(b + (ptrdiff_t)j * ld, ld, r);
            sixteen(r[0], r[1], r[2], r[3], table + j);
        }
}
static void bits_table_f32(size_t kc, size_t n, const float *b, ptrdiff_t brs, ptrdiff_t bcs, float *table)
{
    size_t k = n < PANEL ? 0 : kc / 4 * 4;
    if (bcs == 1) table_straight(k / 4, b, brs, table);
    else table_across(k / 4, b, bcs, table);
    for (; k < kc; k += 4) table_edge(kc - k < 4 ? kc - k : 4, n, b + (ptrdiff_t)k * brs, brs, bcs, table + k * 4 * PANEL);
}

static void bits_add_f32(size_t m, size_t quads, const uint32_t *a, ptrdiff_t step, const float *table, float *c, bool add)
{
    for (size_t i = 0; i < m; i++, a += step, c += PANEL) {
        V_f32 acc[PV];
        uint32_t w = *a;
        UNROLL for (int v = 0; v < PV; v++) acc[v] = add ? load_f32(c + v * L_f32) : set1_f32(0);
        if (quads == QUADS) {
            UNROLL for (int q = 0; q < QUADS; q++) {
                const float *t = table + q * 16 * PANEL + (w >> 4 * q & 15) * PANEL;
                UNROLL for (int v = 0; v < PV; v++) acc[v] += load_f32(t + v * L_f32);
            }
        } else {
            for (size_t q = 0; q < quads; q++) {
                const float *t = table + q * 16 * PANEL + (w >> 4 * q & 15) * PANEL;
                UNROLL for (int v = 0; v < PV; v++) acc[v] += load_f32(t + v * L_f32);
            }
        }
        UNROLL for (int v = 0; v < PV; v++) store_f32(c + v * L_f32, acc[v]);
    }
}

static void bits_put_f32(size_t m, size_t n, float *tile, const float *bias, float *c, size_t ldc, bool add)
{
    size_t whole = n / L_f32 * L_f32, r = n - whole;
    for (size_t i = 0; i < m; i++, tile += PANEL, c = c ? c + ldc : NULL) {
        for (size_t j = 0; j < whole; j += L_f32) {
            V_f32 v = load_f32(tile + j);
            if (bias) store_f32(tile + j, v += load_f32(bias + j));
            if (add) v += load_f32(c + j);
            if (c) store_f32(c + j, v);
        }
        if (!r) continue;
        V_f32 v = load_f32(tile + whole);
        if (bias) store_f32(tile + whole, v += loadn_f32(bias + whole, r));
        if (add) v += loadn_f32(c + whole, r);
        if (c) storen_f32(c + whole, v, r);
    }
}

/* ---- to bits; false, and bits of no meaning, where a number is neither 0 nor 1 ---------- */

static bool bits_rows_f32(size_t n, const float *x, uint32_t *bits)
{
    V_f32 one = set1_f32(1), zero = set1_f32(0);
    bool other = false;
    for (size_t j = 0; j < n; j += 32) {
        uint32_t w = 0;
        for (size_t l = 0; l < 32 && j + l < n; l += L_f32) {
            size_t r = n - j - l;
            V_f32 v = r < L_f32 ? loadn_f32(x + j + l, r) : load_f32(x + j + l);
            M_f32 on = eq_f32(v, one);
            other |= any_f32(not_f32(eq_f32(sel_f32(on, zero, v), zero)));
            w |= word_f32(on) << l;
        }
        *bits++ = w;
    }
    return !other;
}
static bool bits_columns_f32(size_t rows, size_t n, const float *x, size_t ld, uint32_t *bits)
{
    V_f32 one = set1_f32(1), zero = set1_f32(0);
    bool other = false;
    for (size_t j = 0; j < n; j += L_f32) {
        size_t r = n - j < L_f32 ? n - j : L_f32;
        U_f32 w = {0};
        for (size_t i = 0; i < rows; i++) {
            V_f32 v = r < L_f32 ? loadn_f32(x + i * ld + j, r) : load_f32(x + i * ld + j);
            other |= any_f32(not_f32(eq_f32(sel_f32(eq_f32(v, one), zero, v), zero)));
            w |= (U_f32)sel_f32(eq_f32(v, one), (V_f32)((U_f32){0} + ((uint32_t)1 << i)), zero);
        }
        storen_f32((float *)(void *)(bits + j), (V_f32)w, r);
    }
    return !other;
}

/* ---- draws ------------------------------------------------------------------------------- */

enum { SETS = SIMD == 2 ? 1 : 2 }; /* of blocks at a time: a panel's numbers, or what registers hold */

static void bernoulli_tile_f32(size_t m, size_t n, const gm__stream *s, uint32_t block, float *y, size_t ldy, const float *x, size_t ldx, float scale,
                               const float *shift)
{
    V_f32 one = set1_f32(1), zero = set1_f32(0), by = set1_f32(scale), d[2 * SETS];
    philox_keys keys;
    words w[SETS];
    for (size_t i = 0; i < m; i++, s++, x += ldx, y += ldy) {
        if (i && s->key[0] == s[-1].key[0] && s->key[1] == s[-1].key[1]) keys.s = *s;
        else philox_init(&keys, *s);
        for (size_t j = 0; j < n;) {
            philox_sets(&keys, block + (uint32_t)(j / 4), w, SETS);
            UNROLL for (int q = 0; q < SETS; q++) to_uniforms(w[q], d + 2 * q);
            for (size_t h = 0; h < 2 * SETS && j < n; h++, j += L_f32) {
                size_t r = n - j < L_f32 ? n - j : L_f32;
                V_f32 v = r < L_f32 ? loadn_f32(x + j, r) : load_f32(x + j);
                V_f32 to = !shift ? zero : r < L_f32 ? loadn_f32(shift + j, r) : load_f32(shift + j);
                v = sel_f32(lt_f32(d[h], sigmoid_f32(fma_f32(by, v, to))), one, zero);
                if (r < L_f32) storen_f32(y + j, v, r);
                else store_f32(y + j, v);
            }
        }
    }
}
