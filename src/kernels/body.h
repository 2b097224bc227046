/* body.h - builds one gm__kern table. A kern_*.c file defines SIMD (see
 * simd.h) and TABLE, then includes this; everything here is static but the
 * table. The typed templates are included twice, with T and S set. */
#include "kernels/vmath.h"

/* L rows of 16 bytes each, s elements apart, to columns: out[q] lane l = p[l*s + q] */
INLINE void transpose_f32(const float *p, ptrdiff_t s, V_f32 out[4])
{
    V_f32 r0 = load128_f32(p, 4 * s), r1 = load128_f32(p + s, 4 * s);
    V_f32 r2 = load128_f32(p + 2 * s, 4 * s), r3 = load128_f32(p + 3 * s, 4 * s);
    V_f32 a = zip_lo_f32(r0, r2), b = zip_hi_f32(r0, r2), c = zip_lo_f32(r1, r3), d = zip_hi_f32(r1, r3);
    out[0] = zip_lo_f32(a, c);
    out[1] = zip_hi_f32(a, c);
    out[2] = zip_lo_f32(b, d);
    out[3] = zip_hi_f32(b, d);
}
INLINE void transpose_f64(const double *p, ptrdiff_t s, V_f64 out[2])
{
    V_f64 a = load128_f64(p, 2 * s), b = load128_f64(p + s, 2 * s);
    out[0] = zip_lo_f64(a, b);
    out[1] = zip_hi_f64(a, b);
}
/* the sums over the lanes of four vectors: halves, then quarters of 128 bits, then those; a fixed order */
INLINE void hsum4_f32(const V_f32 v[4], float out[4])
{
    V_f32 a = zip_lo_f32(v[0], v[1]) + zip_hi_f32(v[0], v[1]), b = zip_lo_f32(v[2], v[3]) + zip_hi_f32(v[2], v[3]);
    V_f32 c = (V_f32)zip_lo_f64((V_f64)a, (V_f64)b) + (V_f32)zip_hi_f64((V_f64)a, (V_f64)b);
    float t[L_f32];
    store_f32(t, c);
    for (size_t i = 0; i < 4; i++) out[i] = t[i];
    for (size_t l = 4; l < L_f32; l += 4)
        for (size_t i = 0; i < 4; i++) out[i] += t[l + i];
}
INLINE void hsum4_f64(const V_f64 v[4], double out[4])
{
    for (size_t h = 0; h < 4; h += 2) {
        V_f64 a = zip_lo_f64(v[h], v[h + 1]) + zip_hi_f64(v[h], v[h + 1]);
        double t[L_f64];
        store_f64(t, a);
        for (size_t i = 0; i < 2; i++) out[h + i] = t[i];
        for (size_t l = 2; l < L_f64; l += 2)
            for (size_t i = 0; i < 2; i++) out[h + i] += t[l + i];
    }
}

#define F(name) GM__JOIN(name, S)
#define V F(V)
#define I F(I)
#define M F(M)
#define L F(L)

#define S f32
#define T float
#define T_(x) x##f
#include "kernels/map.h"
#include "kernels/rows.h"
#include "kernels/attend.h"
#include "kernels/window.h"
#include "kernels/columns.h"
#include "kernels/update.h"
#include "kernels/product.h"
#include "kernels/dot.h"
#include "kernels/cell.h"
#undef S
#undef T
#undef T_

#define S f64
#define T double
#define T_(x) x
#include "kernels/map.h"
#include "kernels/rows.h"
#include "kernels/attend.h"
#include "kernels/window.h"
#include "kernels/columns.h"
#include "kernels/update.h"
#include "kernels/product.h"
#include "kernels/dot.h"
#include "kernels/cell.h"
#undef S
#undef T
#undef T_

#undef V
#undef I
#undef M
#undef L
#undef F
#include "kernels/misc.h"
#include "kernels/bits.h"

#define GM__UN32(n) [GM__U_##n] = unary_##n##_f32,
#define GM__UN64(n) [GM__U_##n] = unary_##n##_f64,
#define GM__BI32(n) [GM__B_##n] = binary_##n##_f32,
#define GM__BI64(n) [GM__B_##n] = binary_##n##_f64,
#define GM__RA32(n) [GM__U_##n] = gm__rare_##n##_f32,
#define GM__RA64(n) [GM__U_##n] = gm__rare_##n##_f64,
#define GM__RB32(n) [GM__B_##n] = gm__rare_##n##_f32,
#define GM__RB64(n) [GM__B_##n] = gm__rare_##n##_f64,
#define GM__CM32(n) [GM__C_##n] = compare_##n##_f32,
#define GM__CM64(n) [GM__C_##n] = compare_##n##_f64,
#define TYPED(S, UN, RA, BI, RB, CM)                                                  \
    .unary_##S = { GM__UNARY_LIST(UN) GM__RARE_UNARY_LIST(RA) },                      \
    .binary_##S = { GM__BINARY_LIST(BI) GM__RARE_BINARY_LIST(RB) },                   \
    .compare_##S = { GM__COMPARE_LIST(CM) }, .select_##S = select_##S,                \
    .axpy_##S = axpy_##S, .sum_##S = sum_##S, .sumsq_##S = sumsq_##S,                 \
    .dot_##S = dot_##S, .max_##S = max_of_##S, .colsum_##S = colsum_##S,              \
    .softmax_##S = softmax_##S, .log_softmax_##S = log_softmax_##S,                   \
    .softmax_g_##S = softmax_g_##S, .log_softmax_g_##S = log_softmax_g_##S,           \
    .layer_norm_##S = layer_norm_##S, .layer_norm_g_##S = layer_norm_g_##S,           \
    .colstat_##S = colstat_##S, .coldot_##S = coldot_##S, .colmix_##S = colmix_##S,    \
    .taps_##S = taps_##S, .max_window_##S = max_window_##S,                           \
    .finite_##S = finite_##S, .adam_##S = adam_##S, .sgd_##S = sgd_##S,               \
    .rmsprop_##S = rmsprop_##S, .adagrad_##S = adagrad_##S,                           \
    .attend_##S = attend_##S, .attend_back_##S = attend_back_##S, .scale_rows_##S = scale_rows_##S, .rotate_##S = rotate_##S, \
    .conv_tile_##S = conv_tile_##S, .conv_dot_##S = conv_dot_##S,                     \
    .gemm_tile_##S = gemm_tile_##S, .gemm_pack_##S = gemm_pack_##S, .gemm_turn_##S = gemm_turn_##S,                 \
    .cell_##S = { elman_##S, gru_##S, lstm_##S }, .cell_g_##S = { elman_g_##S, gru_g_##S, lstm_g_##S }, \
    .gemm_post_##S = gemm_post_##S, .gemv_##S = gemv_##S, .mr_##S = MR_##S, .nr_##S = NR_##S, .tall_##S = TALL_##S

extern const gm__kern TABLE;
const gm__kern TABLE = {
    .name = SIMD == 2 ? "avx512" : SIMD == 1 ? "avx2" : "plain",
    TYPED(f32, GM__UN32, GM__RA32, GM__BI32, GM__RB32, GM__CM32),
    TYPED(f64, GM__UN64, GM__RA64, GM__BI64, GM__RB64, GM__CM64),
    .u8_f32 = u8_f32, .f32_f64 = f32_f64, .f64_f32 = f64_f32, .bf16_f32 = bf16_f32, .f32_bf16 = f32_bf16,
    .uniform_f32 = uniform_f32, .normal_f32 = normal_f32,
    .bernoulli_f32 = bernoulli_f32, .bernoulli_logits_f32 = bernoulli_logits_f32, .dropout_f32 = dropout_f32,
    .bits_table_f32 = bits_table_f32, .bits_add_f32 = bits_add_f32, .bits_put_f32 = bits_put_f32, .bits_rows_f32 = bits_rows_f32, .bits_columns_f32 = bits_columns_f32,
    .bernoulli_tile_f32 = bernoulli_tile_f32,
};
