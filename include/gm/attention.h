/* gm/attention.h - attention: values looked up by how alike their keys and a query are.
 *
 * Heads come before places: q [batch, heads, places, size]. A view permuted from [batch, places, heads, size], as a projection leaves it,
 * costs no copy, and results lie in memory that way round, so that gm_permute and gm_reshape join heads for nothing. All else as in gm/ops.h.
 */
#ifndef GM_ATTENTION_H
#define GM_ATTENTION_H

#include <gm/ops.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Attention: y[b,h,i] = sum over j of p_j v[b,g,j], p = softmax over the keys j that query i sees of scale q[b,h,i].k[b,g,j] (+ mask), g = h/(H/G).
 * Never holds a matrix of all scores: memory grows with T + S. A query that sees no key gives zeros.
 * @param q [B, H, T, D]. @param k [B, G, S, D]. @param v [B, G, S, E]. G divides H: H/G heads share one group of keys and values.
 * @param mask optional, broadcasts to [B, H, T, S] ([B, 1, 1, S] is padding): u8, 1 where seen; or of q's type, added to the scores, -inf hides.
 * @param scale of the scores; 0: 1/sqrt(D). @param causal not 0: query i sees keys j <= i + S - T, so that queries are the last T of S places.
 * @return [B, H, T, E]. @grad q k v mask (a mask's gradient takes memory for all scores), any. @since 0.1 @source Vaswani et al. 2017; Ainslie et al. 2023; Dao et al. 2022 */
GM_API gm_tensor *gm_attention(gm_tape *t, gm_tensor *q, gm_tensor *k, gm_tensor *v, gm_tensor *mask, double scale, int32_t causal);
/** Rotary positions: numbers i and i + D/2 of place p turn, as a point in the plane, by the angle p base^(-2i/D); products of two turned
 * vectors then depend on the distance of their places. @param x [.., T, D], D even. @param first the place of row 0, 0 or more.
 * @param base usually 10000. @return as x. @grad x, any. @since 0.1 @source Su et al. 2021 */
GM_API gm_tensor *gm_rope(gm_tape *t, gm_tensor *x, int64_t first, double base);

#ifdef __cplusplus
}
#endif
#endif
