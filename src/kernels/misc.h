/* misc.h - the body of the kernels that exist for one type only: sums of
 * squares in double, conversions, random numbers. Included by body.h. */

static double sumsq_f32(size_t n, const float *x)
{
    V_f64 s0 = set1_f64(0), s1 = s0;
    size_t i = 0;
    for (; i + 2 * L_f64 <= n; i += 2 * L_f64) {
        H_f32 a, b;
        memcpy(&a, x + i, sizeof a);
        memcpy(&b, x + i + L_f64, sizeof b);
        V_f64 u = __builtin_convertvector(a, V_f64), v = __builtin_convertvector(b, V_f64);
        s0 = fma_f64(u, u, s0);
        s1 = fma_f64(v, v, s1);
    }
    double s = hsum_f64(s0 + s1);
    for (; i < n; i++) s += (double)x[i] * (double)x[i];
    return s;
}
static double sumsq_f64(size_t n, const double *x) { return dot_f64(n, x, x); }

/* ---- conversions: exact or one rounding, left to the compiler's vectors -------- */

static void u8_f32(size_t n, float *y, const uint8_t *x, float scale, float shift)
{
    for (size_t i = 0; i < n; i++) y[i] = (float)x[i] * scale + shift;
}
static void f32_f64(size_t n, double *y, const float *x)
{
    for (size_t i = 0; i < n; i++) y[i] = (double)x[i];
}
static void f64_f32(size_t n, float *y, const double *x)
{
    for (size_t i = 0; i < n; i++) y[i] = (float)x[i];
}
static void bf16_f32(size_t n, float *y, const uint16_t *x)
{
    for (size_t i = 0; i < n; i++) {
        uint32_t u = (uint32_t)x[i] << 16;
        memcpy(y + i, &u, 4);
    }
}
static void f32_bf16(size_t n, uint16_t *y, const float *x)
{
    for (size_t i = 0; i < n; i++) {
        uint32_t u;
        memcpy(&u, x + i, 4);
        uint32_t even = (u + 0x7fffu + (u >> 16 & 1u)) >> 16, nan = u >> 16 | 0x40u;
        y[i] = (uint16_t)((u & 0x7fffffffu) > 0x7f800000u ? nan : even);
    }
}

/* ---- random numbers ------------------------------------------------------------- */

/* L_f64 Philox 4x32-10 blocks at once, one 32-bit word in each 64-bit lane; the
 * upper halves hold leftovers that neither the product nor the result sees.
 * Lanes stand in gm__block_order so that zipping within 128 bits gives the
 * words of consecutive blocks in order. */
typedef struct words { U_f64 w[4]; } words;
typedef struct philox_keys { gm__stream s; U_f64 k[10][2]; } philox_keys; /* of each round, spread */

static void philox_init(philox_keys *p, gm__stream s)
{
    p->s = s;
    for (uint32_t r = 0; r < 10; r++)
        for (int h = 0; h < 2; h++) p->k[r][h] = (U_f64){ 0 } + (uint64_t)(uint32_t)(s.key[h] + r * (h ? 0xBB67AE85u : 0x9E3779B9u));
}

/* Some such sets of blocks, round by round: the rounds of one wait for their products. */
INLINE void philox_sets(const philox_keys *p, uint32_t block, words *out, const int sets)
{
    const gm__stream *s = &p->s;
    U_f64 zero = { 0 }, c[2][4];
    U_f64 m0 = zero + (uint64_t)0xD2511F53u, m1 = zero + (uint64_t)0xCD9E8D57u;
    UNROLL for (int i = 0; i < sets; i++) {
        c[i][0] = gm__block_order + (uint64_t)(s->ctr[0] + block + (uint32_t)i * L_f64);
        UNROLL for (int q = 1; q < 4; q++) c[i][q] = zero + s->ctr[q];
    }
    UNROLL for (int round = 0; round < 10; round++)
        UNROLL for (int i = 0; i < sets; i++) {
            U_f64 p0 = mul32(m0, c[i][0]), p1 = mul32(m1, c[i][2]);
            c[i][0] = high32(p1) ^ c[i][1] ^ p->k[round][0];
            c[i][2] = high32(p0) ^ c[i][3] ^ p->k[round][1];
            c[i][1] = p1;
            c[i][3] = p0;
        }
    UNROLL for (int i = 0; i < sets; i++) out[i] = (words){ { c[i][0], c[i][1], c[i][2], c[i][3] } };
}
INLINE words philox(const philox_keys *p, uint32_t block)
{
    words w;
    philox_sets(p, block, &w, 1);
    return w;
}
#define LOW ((U_f64){ 0 } + (uint64_t)0xffffffffu)

INLINE void to_uniforms(words w, V_f32 out[2])
{
    V_f64 a = (V_f64)((w.w[0] & LOW) | w.w[1] << 32), b = (V_f64)((w.w[2] & LOW) | w.w[3] << 32);
    I_f32 lo = (I_f32)((U_f32)zip_lo_f64(a, b) >> 8), hi = (I_f32)((U_f32)zip_hi_f64(a, b) >> 8);
    out[0] = __builtin_convertvector(lo, V_f32) * set1_f32(0x1p-24f);
    out[1] = __builtin_convertvector(hi, V_f32) * set1_f32(0x1p-24f);
}
/* the next 4 L_f64 = 2 L_f32 uniforms */
INLINE void uniform_pair(const philox_keys *s, uint32_t block, V_f32 out[2]) { to_uniforms(philox(s, block), out); }

/* the next 2 L_f32 normals: words (0,1) and (2,3) of a block make a pair each */
INLINE void normal_pair(const philox_keys *s, uint32_t block, V_f32 out[2])
{
    words w = philox(s, block);
    U_f32 u = (U_f32)((w.w[0] & LOW) | w.w[2] << 32) >> 8, v = (U_f32)((w.w[1] & LOW) | w.w[3] << 32) >> 8;
    V_f32 u1 = __builtin_convertvector((I_f32)(u + 1u), V_f32) * set1_f32(0x1p-24f); /* (0,1] */
    V_f32 r = sqrt_f32(set1_f32(-2.0f) * log_core(u1, set1_f32(0)));
    /* angle 2 pi v/2^24 = q pi/2 + rest, the rest in whole 2^-24 turns: exact */
    I_f32 q = (I_f32)((v + (1u << 21)) >> 22), rest = (I_f32)v - (I_f32)((U_f32)q << 22);
    V_f32 angle = __builtin_convertvector(rest, V_f32) * set1_f32(3.74507035e-07f); /* 2 pi / 2^24 */
    V_f32 x = r * sin_quadrant(q + 1, angle), y = r * sin_quadrant(q, angle);
    out[0] = zip_lo_f32(x, y);
    out[1] = zip_hi_f32(x, y);
}

/* y[i] = EXPR(draw d of element i); the tail draws whole vectors too */
#define STREAM(PAIR, EXPR)                                                                   \
    enum { STEP = 2 * L_f32 };                                                               \
    V_f32 d[2];                                                                              \
    philox_keys keys;                                                                        \
    philox_init(&keys, s);                                                                   \
    size_t i = 0;                                                                            \
    uint32_t block = 0;                                                                      \
    for (; i + STEP <= n; i += STEP, block += STEP / 4) {                                    \
        PAIR(&keys, block, d);                                                               \
        store_f32(y + i, EXPR(d[0], load_f32, i));                                           \
        store_f32(y + i + L_f32, EXPR(d[1], load_f32, i + L_f32));                           \
    }                                                                                        \
    if (i < n) {                                                                             \
        PAIR(&keys, block, d);                                                               \
        for (size_t h = 0; h < 2 && i < n; h++, i += L_f32) {                                \
            size_t r = n - i < L_f32 ? n - i : L_f32;                                        \
            storen_f32(y + i, EXPR(d[h], load_r, i), r);                                     \
        }                                                                                    \
    }
#define load_r(p) loadn_f32(p, r)
#define DRAW(d, ld, i) d
#define BELOW(d, ld, i) sel_f32(lt_f32(d, ld(p + (i))), one, zero)
#define BELOW_SIGMOID(d, ld, i) sel_f32(lt_f32(d, sigmoid_f32(ld(p + (i)))), one, zero)
#define KEEP(d, ld, i) sel_f32(lt_f32(d, kv), iv, zero)

static void uniform_f32(gm__stream s, size_t n, float *y) { STREAM(uniform_pair, DRAW) }
static void normal_f32(gm__stream s, size_t n, float *y) { STREAM(normal_pair, DRAW) }
static void bernoulli_f32(gm__stream s, size_t n, float *y, const float *p)
{
    V_f32 one = set1_f32(1), zero = set1_f32(0);
    STREAM(uniform_pair, BELOW)
}
/* p = sigmoid of the logits x, in one pass */
static void bernoulli_logits_f32(gm__stream s, size_t n, float *y, const float *p)
{
    V_f32 one = set1_f32(1), zero = set1_f32(0);
    STREAM(uniform_pair, BELOW_SIGMOID)
}
static void dropout_f32(gm__stream s, size_t n, float *y, float keep)
{
    V_f32 kv = set1_f32(keep), iv = set1_f32(1.0f / keep), zero = set1_f32(0);
    STREAM(uniform_pair, KEEP)
}
#undef STREAM
#undef load_r
#undef DRAW
#undef BELOW
#undef BELOW_SIGMOID
#undef KEEP
