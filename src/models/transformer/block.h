/* block.h - one block of a transformer, the part that GPT, encoders and decoders share:
 *
 *     x = x + attention(norm(x)),  x = x + feed(norm(x))              norm before (pre), as in GPT-2
 *     x = norm(x + attention(x)),  x = norm(x + feed(x))              or after the sum (post), as in the first transformer
 *
 * attention: heads h = 1 .. H with queries, keys and values of D = embd/H numbers from one product; heads of keys may be fewer, G,
 * each shared by H/G of queries. feed: two products with an activation between; swiglu: a*sigmoid(a)*b for halves a, b of the first.
 * Between the two a decoder may look at another text (cross.c): x = x + attention(norm(x), memory). */
#ifndef GM_MODELS_TRANSFORMER_BLOCK_H
#define GM_MODELS_TRANSFORMER_BLOCK_H

#include "models/model.h"

enum { GM__GELU_TANH, GM__GELU_ERF, GM__BLOCK_RELU, GM__BLOCK_SWIGLU, GM__BLOCK_SILU };
enum { GM__NORM_LAYER, GM__NORM_RMS };
enum { GM__POS_LEARNED, GM__POS_SINUSOIDAL, GM__POS_ROTARY, GM__POS_NONE };
#define GM__BLOCK_ACTIVATIONS "gelu|gelu-erf|relu|swiglu|silu"
#define GM__BLOCK_NORMS "layer|rms"
#define GM__POSITIONS "learned|sinusoidal|rotary|none"

typedef struct gm__block_cfg {
    int64_t embd, heads, kv_heads, hidden; /* H, G; numbers between the products of feed */
    int32_t activation, norm, post, bias, rotary, causal;
    double dropout, eps, base;             /* of what is added to x; of norms; of rotary positions */
} gm__block_cfg;

/* Weights [out, in]; qkv: H heads of queries, G of keys, G of values one below the other. NULL where the options leave one out. */
enum {
    GM__NORM1, GM__NORM1_B, GM__QKV, GM__QKV_B, GM__PROJ, GM__PROJ_B,
    GM__NORM2, GM__NORM2_B, GM__FC, GM__FC_B, GM__OUT, GM__OUT_B, GM__BLOCK_TENSORS
};
typedef struct gm__block { gm_tensor *w[GM__BLOCK_TENSORS]; } gm__block; /* borrowed from the model */

/* Do the options fit one another? kv_heads 0: as many as heads. GM_EARG names those of the family `who` that do not. */
gm_status gm__block_check(gm_ctx *ctx, const char *who, int64_t embd, int64_t heads, int64_t kv_heads, bool rotary);
int64_t gm__block_hidden(int64_t embd, int32_t activation); /* usual size of feed: 4 embd; swiglu: 2/3 of it, whole eighths */

/* Tensors of a model and how they are drawn. A tensor is drawn from stream *index, which moves on. */
gm_status gm__add_drawn(gm_model *m, const char *name, int32_t ndim, const int64_t *shape, double mean, double std, uint64_t *index, gm_tensor **out);
/* One of a file: GM_EFORMAT unless it is there with this shape. */
gm_status gm__find_shaped(gm_model *m, const char *name, int32_t ndim, const int64_t *shape, gm_tensor **out);
/* PREFIX.norm1.weight ..: N(0, std), those that end in x N(0, last_std), biases 0, norms 1 */
gm_status gm__block_add(gm_model *m, const char *prefix, const gm__block_cfg *c, double std, double last_std, uint64_t *index, gm__block *b);
gm_status gm__block_find(gm_model *m, const char *prefix, const gm__block_cfg *c, gm__block *b);
/* Decay of weights is for matrices: for a family's add_params. */
gm_status gm__block_params(gm_model *m, gm_optim *o);

/* ---- on a tape; x [B, T, embd] ------------------------------------------------------------- */

gm_tensor *gm__block_norm(gm_tape *t, const gm__block_cfg *c, gm_tensor *x, gm_tensor *w, gm_tensor *b);
gm_tensor *gm__block_heads(gm_tape *t, gm_tensor *x, int64_t all, int64_t first, int64_t heads); /* heads of `all` side by side: [B, heads, T, D], a view */
gm_tensor *gm__block_merge(gm_tape *t, gm_tensor *x); /* back: [B, T, heads*D] */
gm_tensor *gm__block_attend(gm_tape *t, const gm__block *b, const gm__block_cfg *c, gm_tensor *x, gm_tensor *mask /* as gm_attention's, or NULL */);
gm_tensor *gm__block_feed(gm_tape *t, const gm__block *b, const gm__block_cfg *c, gm_tensor *x);
/* The block, and its two parts: x with what attention adds, with what feed adds. */
gm_tensor *gm__block_run(gm_tape *t, const gm__block *b, const gm__block_cfg *c, gm_tensor *x, gm_tensor *mask);
gm_tensor *gm__block_look(gm_tape *t, const gm__block *b, const gm__block_cfg *c, gm_tensor *x, gm_tensor *mask);
gm_tensor *gm__block_think(gm_tape *t, const gm__block *b, const gm__block_cfg *c, gm_tensor *x);
/* sin, cos of position/10000^(2i/embd), one after the other: [T, embd] from position `first` on [Vaswani et al. 2017] */
gm_tensor *gm__sinusoids(gm_tape *t, int64_t first, int64_t n, int64_t embd);
void gm__sinusoid_rows(float *out, int64_t first, int64_t n, int64_t embd);

/* ---- cross-attention: cross.c --------------------------------------------------------------- */

/* Weights [out, in]; kv: G heads of keys, then of values. NULL where the options leave one out. */
enum { GM__CROSS_NORM, GM__CROSS_NORM_B, GM__CROSS_Q, GM__CROSS_Q_B, GM__CROSS_KV, GM__CROSS_KV_B, GM__CROSS_PROJ, GM__CROSS_PROJ_B, GM__CROSS_TENSORS };
typedef struct gm__cross { gm_tensor *w[GM__CROSS_TENSORS]; } gm__cross; /* borrowed from the model */
/* PREFIX.cross.norm.weight ..: new ones, drawn as by gm__block_add, or without `index` those that a file brought. */
gm_status gm__cross_make(gm_model *m, const char *prefix, const gm__block_cfg *c, double std, double last_std, uint64_t *index, gm__cross *x);
/* x [B, T, embd] with what attention to memory [B, S, embd] adds; mask: u8 [B, 1, 1, S], or NULL */
gm_tensor *gm__cross_run(gm_tape *t, const gm__cross *w, const gm__block_cfg *c, gm_tensor *x, gm_tensor *memory, gm_tensor *mask);

/* ---- token by token: step.c -------------------------------------------------------------- */

typedef struct gm__cache { /* keys and values of one block */
    int64_t room;
    float *k, *v;              /* [G, room, D] */
} gm__cache;
enum { GM__STEP_ROWS = 16 };   /* rows that go through a block at once */
size_t gm__step_scratch(const gm__block_cfg *c, int64_t room); /* floats */
/* rows x [n, embd] of positions at .. at+n-1 through a block, in place; n <= GM__STEP_ROWS. turn: [room, D] cosines and sines of
 * rotary positions, or NULL. A row has the same bits whatever n is. */
void gm__block_step(gm_ctx *ctx, const gm__block *b, const gm__block_cfg *c, const gm__cache *seen, const float *turn, int64_t at, int64_t n, float *x, float *scratch);
/* Its two parts, and the attention to n_seen rows of another text, whose keys and values `seen` holds, that may stand between them. */
void gm__step_look(gm_ctx *ctx, const gm__block *b, const gm__block_cfg *c, const gm__cache *seen, const float *turn, int64_t at, int64_t n, float *x, float *scratch);
void gm__step_cross(gm_ctx *ctx, const gm__cross *w, const gm__block_cfg *c, const gm__cache *seen, int64_t n_seen, int64_t n, float *x, float *scratch);
void gm__step_think(gm_ctx *ctx, const gm__block *b, const gm__block_cfg *c, int64_t n, float *x, float *scratch);
void gm__step_turns(float *turn, int64_t room, int64_t d, double base);
/* y [n, out] = x [n, in] w^T + bias */
void gm__step_linear(gm_ctx *ctx, int64_t n, const float *x, const gm_tensor *w, const gm_tensor *bias, float *y);
void gm__step_norm(gm_ctx *ctx, const gm__block_cfg *c, int64_t n, const float *x, const gm_tensor *w, const gm_tensor *bias, float *y);

#endif
