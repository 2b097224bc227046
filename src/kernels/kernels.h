/* kernels.h - loops over numbers. No tensor, no tape, no allocation.
 *
 * A gm__kern is a table of functions built from the same source for one
 * instruction set (plain, avx2, avx512); ctx->kern is the one in use. All
 * arrays are contiguous unless a stride is named; y may be the same array as
 * an input (element by element), never partly overlapping. n may be 0. A loop's
 * tail computes the same bits as its body, so a result never depends on where an
 * element stands. Reductions add in a fixed order that depends on n alone.
 */
#ifndef GM_KERNELS_KERNELS_H
#define GM_KERNELS_KERNELS_H

#include "base/base.h"

/* y = f(x); p[0], p[1] are parameters */
#define GM__UNARY_LIST(X)                                                                  \
    X(NEG) X(ABS) X(EXP) X(LOG) X(SQRT) X(SQUARE) X(RECIP) X(SIN) X(COS) X(TANH)           \
    X(SIGMOID) X(RELU) X(LRELU /* p0: slope */) X(ELU /* p0: alpha */) X(SOFTPLUS)         \
    X(GELU /* exact, erf */) X(SILU) X(ERF) X(AFFINE /* p0*x + p1 */)                      \
    X(CLAMP /* to [p0,p1], NaN stays */) X(COPY) X(FILL /* p0, x unused */) X(SIGN) X(LOG1P) X(EXPM1) \
    X(MISH) X(HARDSWISH) X(GELU_TANH) X(LOG_SIGMOID)
/* y = f(a, b); the first are arithmetic, those from TANH_G on are gradients: a = g (incoming),
 * b = saved input x or output y as named */
#define GM__BINARY_LIST(X)                                                                 \
    X(ADD) X(SUB) X(MUL) X(DIV) X(POW) X(MAX) X(MIN)                                       \
    X(TANH_G /* g*(1-y*y) */) X(SIGMOID_G /* g*y*(1-y) */) X(RELU_G /* y>0 ? g : 0 */)     \
    X(LRELU_G /* x>0 ? g : p0*g */) X(ELU_G /* of x, p0 */) X(SOFTPLUS_G /* g*sigmoid(x) */) \
    X(GELU_G /* x */) X(SILU_G /* x */) X(EXP_G /* g*y */) X(LOG_G /* g/x */)              \
    X(SQRT_G /* g/(2y) */) X(SQUARE_G /* 2gx */) X(RECIP_G /* -g*y*y */) X(SIN_G) X(COS_G) \
    X(ABS_G /* g*sign(x) */) X(CLAMP_G /* p0<=x<=p1 ? g : 0 */)                            \
    X(BCE /* a: logit, b: target: max(a,0) - a*b + log1p(exp(-|a|)) */)                    \
    X(BCE_G /* sigmoid(a) - b */)                                                          \
    X(MISH_G /* x */) X(HARDSWISH_G /* x */) X(GELU_TANH_G /* x */) X(LOG_SIGMOID_G /* g*sigmoid(-x) */)
/* functions too rare for vectors: plain loops over special.c and the C library, the same in every table */
#define GM__RARE_UNARY_LIST(X)                                                             \
    X(FLOOR) X(CEIL) X(ROUND /* halves to even */) X(TRUNC) X(TAN) X(ASIN) X(ACOS) X(ATAN) \
    X(SINH) X(COSH) X(ASINH) X(ATANH) X(ERFINV) X(LGAMMA /* log |Gamma| */)       \
    X(POLYGAMMA /* of order p0 */)
#define GM__RARE_BINARY_LIST(X) X(ATAN2) X(FMOD) X(REMAINDER /* sign of b */)
#define GM__COMPARE_LIST(X) X(EQ) X(NE) X(LT) X(LE) X(GT) X(GE)
enum {
#define GM__X(n) GM__U_##n,
    GM__UNARY_LIST(GM__X) GM__U_COUNT, GM__U_RARE = GM__U_COUNT - 1, GM__RARE_UNARY_LIST(GM__X) GM__U_ALL
#undef GM__X
};
enum {
#define GM__X(n) GM__B_##n,
    GM__BINARY_LIST(GM__X) GM__B_COUNT, GM__B_RARE = GM__B_COUNT - 1, GM__RARE_BINARY_LIST(GM__X) GM__B_ALL
#undef GM__X
};
enum {
#define GM__X(n) GM__C_##n,
    GM__COMPARE_LIST(GM__X) GM__C_COUNT
#undef GM__X
};
/* how the operands of a binary kernel run: both arrays, a one number, b one number */
enum { GM__VV, GM__SV, GM__VS };

/* activation fused into a product's store */
enum { GM__ACT_NONE, GM__ACT_RELU, GM__ACT_LRELU, GM__ACT_TANH, GM__ACT_SIGMOID };

#define GM__X(n)                                                                           \
    void gm__rare_##n##_f32(size_t n_, float *y, const float *x, const float *p);          \
    void gm__rare_##n##_f64(size_t n_, double *y, const double *x, const double *p);
GM__RARE_UNARY_LIST(GM__X)
#undef GM__X
#define GM__X(n)                                                                           \
    void gm__rare_##n##_f32(size_t n_, float *y, const float *a, const float *b, int mode, const float *p); \
    void gm__rare_##n##_f64(size_t n_, double *y, const double *a, const double *b, int mode, const double *p);
GM__RARE_BINARY_LIST(GM__X)
#undef GM__X

typedef struct gm__adam { /* one pass; PyTorch's order of operations */
    double lr, beta1, beta2, eps, decay; /* decay: L2 (adam) or decoupled (adamw) */
    double bias1, bias2;                 /* 1 - beta^t */
    bool decoupled;
} gm__adam;
typedef struct gm__rmsprop { double lr, alpha, eps, decay, momentum; } gm__rmsprop;

/* C [m, n] (+)= A B where k runs over segs segments of kc: segment s, element k of row i at a[i*ars + s*astep + k*acs], of
 * column j at b[s*bstep + k*ldb + j]; then `more` such products, each `anext` on in a and `cnext` in C */
typedef struct gm__tile {
    size_t segs, kc, m, n, ldc;
    ptrdiff_t ars, acs, astep, ldb, bstep;
    size_t more;
    ptrdiff_t anext, cnext;
} gm__tile;

/* One step of a recurrent cell on `rows` lanes: all arrays contiguous, states [rows, n], gates [rows, G n], G blocks of n each.
 * With a = x + u + b, where x comes from the input and u is the product of the state before (h0) with its weights:
 *   elman  G 1          h = tanh a
 *   gru    G 3: r z n   n = tanh(x_n + r (u_n + b_n)), h = n + z (h0 - n); r, z: sigmoid
 *   lstm   G 4: i f g o c = f c0 + i g, h = o tanh c; g: tanh, others: sigmoid */
enum { GM__ELMAN, GM__GRU, GM__LSTM, GM__CELLS };
typedef struct gm__cell {
    size_t rows, n;
    const void *x, *u, *b;     /* b: [G n] or NULL */
    const void *h0, *c0;
    void *h, *c;               /* may be h0, c0 */
    void *kept;                /* what the way back needs besides states: [rows, 4 n], elman: nothing; NULL: not wanted */
} gm__cell;
typedef struct gm__cell_g {    /* and back */
    size_t rows, n;
    const void *gy, *kept, *h0, *c0, *h, *c; /* gy: gradient of h from outside */
    void *dh, *dc;             /* in: the gradients of h and c from later steps. out: of c0; gru: of h0 but for the product */
    void *gx, *gu;             /* out: gradients of x and of u; lstm and elman: of both, gu is not used */
} gm__cell_g;

#define GM__KERN_TYPED(S, T) /* members for element type T with suffix S */              \
    void (*unary_##S[GM__U_ALL])(size_t n, T *y, const T *x, const T *p);              \
    void (*binary_##S[GM__B_ALL])(size_t n, T *y, const T *a, const T *b, int mode, const T *p); \
    void (*compare_##S[GM__C_COUNT])(size_t n, uint8_t *y, const T *a, const T *b, int mode); \
    void (*select_##S)(size_t n, T *y, const uint8_t *c, const T *a, const T *b); /* c ? a : b */ \
    void (*axpy_##S)(size_t n, T *y, T alpha, const T *x);            /* y += alpha x */ \
    T (*sum_##S)(size_t n, const T *x);                               /* fixed order, blocked; error <= O(log n) eps */ \
    double (*sumsq_##S)(size_t n, const T *x);                        /* accumulated in double */ \
    T (*dot_##S)(size_t n, const T *a, const T *b);                                      \
    T (*max_##S)(size_t n, const T *x);                               /* -inf for n = 0; NaN if any is */ \
    /* y[j] (+)= sum over i < rows of x[i*ld + j], j < n; fixed order */                 \
    void (*colsum_##S)(size_t rows, size_t n, const T *x, size_t ld, T *y, bool add);    \
    void (*softmax_##S)(size_t rows, size_t n, T *y, const T *x);                        \
    void (*log_softmax_##S)(size_t rows, size_t n, T *y, const T *x);                    \
    /* gx = y*(g - sum(g*y)); gx = g - exp(y)*sum(g) */                                  \
    void (*softmax_g_##S)(size_t rows, size_t n, T *gx, const T *g, const T *y);         \
    void (*log_softmax_g_##S)(size_t rows, size_t n, T *gx, const T *g, const T *y);     \
    /* y = (x - mean)*rstd*w + b; w, b may be NULL; mean, rstd: [rows], written; mean NULL: 0, rstd of the mean square */       \
    void (*layer_norm_##S)(size_t rows, size_t n, T eps, T *y, T *mean, T *rstd, const T *x, const T *w, const T *b); \
    /* gx written; gw, gb (may be NULL) added to */                                      \
    void (*layer_norm_g_##S)(size_t rows, size_t n, T *gx, T *gw, T *gb, const T *g, const T *x, const T *mean, const T *rstd, const T *w); \
    /* each column of x [rows, n]: mean and variance (divided by rows) */                \
    void (*colstat_##S)(size_t rows, size_t n, const T *x, T *mean, T *var);             \
    /* each column: sum of g, sum of g (x - mean); rows > 0 */                           \
    void (*coldot_##S)(size_t rows, size_t n, const T *g, const T *x, const T *mean, T *sum, T *along); \
    /* y = a[j] g + b[j] x + c[j]; x may be NULL */                                      \
    void (*colmix_##S)(size_t rows, size_t n, T *y, const T *g, const T *x, const T *a, const T *b, const T *c); \
    /* rows of n: y row r = sum over k in [at[r], at[r+1]) of w[k] times x row from[r] + k - at[r] */ \
    void (*taps_##S)(size_t rows, size_t n, T *y, const T *x, const uint32_t *from, const uint32_t *at, const T *w); \
    /* y row r = the largest of each column over places (h, q) of image x [.., width, n], top <= h < bottom, from[r] <= q < to[r], \
     * none of the windows empty; place: h*width + q of the first such */                 \
    void (*max_window_##S)(size_t rows, size_t n, T *y, int32_t *place, const T *x, size_t width, size_t top, size_t bottom, \
                           const uint32_t *from, const uint32_t *to);                     \
    bool (*finite_##S)(size_t n, const T *x);                         /* no inf, no NaN */ \
    void (*adam_##S)(size_t n, T *w, T *m, T *v, const T *g, T gscale, const gm__adam *h); /* g is multiplied by gscale first */ \
    /* v = mu v + g' ; w -= lr (nesterov ? g' + mu v : v); g' = gscale g + decay w; v NULL: no momentum; first: v = g' */ \
    void (*sgd_##S)(size_t n, T *w, T *v, const T *g, T gscale, T lr, T mu, T decay, bool nesterov, bool first); \
    /* v: mean of squares; m: mean of gradients, taken out of v, or NULL; b: momentum or NULL */ \
    void (*rmsprop_##S)(size_t n, T *w, T *v, T *m, T *b, const T *g, T gscale, const gm__rmsprop *h); \
    void (*adagrad_##S)(size_t n, T *w, T *v, const T *g, T gscale, T lr, T eps, T decay); /* v += g'^2; w -= lr g' / (sqrt(v) + eps) */ \
    /* The parts of attention, see attend.h and attention.c. */                          \
    void (*attend_##S)(size_t rows, size_t n, T *s, size_t ld, T scale, const T *bias, size_t ldbias, ptrdiff_t limit, ptrdiff_t step, T *inverse, T *lse); \
    void (*attend_back_##S)(size_t rows, size_t n, T *s, T *dp, size_t ld, T scale, const T *bias, size_t ldbias, ptrdiff_t limit, ptrdiff_t step, \
                            const T *lse, const T *delta);                                \
    void (*scale_rows_##S)(size_t rows, size_t n, T *x, size_t ld, const T *f); /* row r of x *= f[r] */ \
    void (*rotate_##S)(size_t n, T *y1, T *y2, const T *x1, const T *x2, const T *c, const T *s, bool back, bool add); \
    /* The parts of the packed product, see product.h and gemm.c. C tile (+)= A B, m <= mr rows, n <= nr columns: \
     * a[i*ars + k*acs], b[k*ldb + j] */                                                 \
    void (*gemm_tile_##S)(size_t kc, const T *a, ptrdiff_t ars, ptrdiff_t acs, const T *b, ptrdiff_t ldb, T *c, size_t ldc, size_t m, size_t n, bool add); \
    /* the same with k in segments, plus bias [n] unless NULL; n of one vector, nr/2 or less, goes with m <= tall */ \
    void (*conv_tile_##S)(const gm__tile *t, const T *a, const T *b, T *c, bool add, const T *bias); \
    /* few columns: c[i*ldc + j] (+)= sum over s < segs, k < kc of a[i*ars + s*astep + k] b[j*ldb + s*kc + k], m <= 4, n <= 3 */ \
    void (*conv_dot_##S)(size_t segs, size_t kc, const T *a, ptrdiff_t ars, ptrdiff_t astep, const T *b, size_t ldb, T *c, size_t ldc, size_t m, size_t n, bool add); \
    void (*gemm_pack_##S)(size_t width, size_t rows, size_t kc, T *dst, const T *src, ptrdiff_t rs, ptrdiff_t ks); \
    void (*gemm_turn_##S)(size_t rows, size_t cols, T *dst, size_t ld, const T *src, size_t lds); /* dst[j*ld + i] = src[i*lds + j] */ \
    /* c[j] (+)= sum a[k*acs] b[k*brs + j*bcs], one of brs, bcs is 1 */                   \
    void (*gemv_##S)(size_t n, size_t kc, T *c, const T *a, ptrdiff_t acs, const T *b, ptrdiff_t brs, ptrdiff_t bcs, bool add); \
    void (*gemm_post_##S)(size_t m, size_t n, T *c, size_t ldc, const T *bias, int act, T slope); \
    void (*cell_##S[GM__CELLS])(const gm__cell *s);                                      \
    void (*cell_g_##S[GM__CELLS])(const gm__cell_g *s)

typedef struct gm__kern {
    const char *name;
    GM__KERN_TYPED(f32, float);
    GM__KERN_TYPED(f64, double);
    size_t mr_f32, nr_f32, mr_f64, nr_f64, tall_f32, tall_f64; /* micro tile of the product */
    /* conversions */
    void (*u8_f32)(size_t n, float *y, const uint8_t *x, float scale, float shift); /* y = scale*x + shift */
    void (*f32_f64)(size_t n, double *y, const float *x);
    void (*f64_f32)(size_t n, float *y, const double *x);
    void (*bf16_f32)(size_t n, float *y, const uint16_t *x);
    void (*f32_bf16)(size_t n, uint16_t *y, const float *x); /* round to nearest even, NaN stays NaN */
    /* random: element i of the stream is word i%4 of block i/4, from element 0 of s */
    void (*uniform_f32)(gm__stream s, size_t n, float *y);         /* (word >> 8) * 2^-24 */
    void (*normal_f32)(gm__stream s, size_t n, float *y);          /* Box-Muller on word pairs (0,1), (2,3) */
    void (*bernoulli_f32)(gm__stream s, size_t n, float *y, const float *p); /* uniform < p ? 1 : 0 */
    void (*bernoulli_logits_f32)(gm__stream s, size_t n, float *y, const float *x); /* p = sigmoid(x); y may be x */
    void (*dropout_f32)(gm__stream s, size_t n, float *mask, float keep);    /* uniform < keep ? 1/keep : 0 */
    /* The parts of the product with zeros and ones, see bits.c. table: for every four of kc rows (bits_table: b[k*brs + j*bcs], one of
     * brs, bcs is 1, columns j < n <= GM__BITS_PANEL) the 16 sums of some of them, rows of a panel; unused rows count as zeros */
    void (*bits_table_f32)(size_t kc, size_t n, const float *b, ptrdiff_t brs, ptrdiff_t bcs, float *table);
    /* c row i of a panel (+)= the sums that the bits of a[i*step] select, four bits a table */
    void (*bits_add_f32)(size_t m, size_t quads, const uint32_t *a, ptrdiff_t step, const float *table, float *c, bool add);
    /* the end of a tile of a panel: tile += bias (may be NULL), c (may be NULL) (+)= tile */
    void (*bits_put_f32)(size_t m, size_t n, float *tile, const float *bias, float *c, size_t ldc, bool add);
    /* bit j%32 of word j/32 is x[j]; bit i of word j is x[i*ld + j], rows <= 32. False if a number is neither 0 nor 1 */
    bool (*bits_rows_f32)(size_t n, const float *x, uint32_t *bits);
    bool (*bits_columns_f32)(size_t rows, size_t n, const float *x, size_t ld, uint32_t *bits);
    /* y[i*ldy + j] = uniform < sigmoid(scale x[i*ldx + j] + shift[j]), element j of row i from element 4 block + j of s[i]; shift may be NULL */
    void (*bernoulli_tile_f32)(size_t m, size_t n, const gm__stream *s, uint32_t block, float *y, size_t ldy, const float *x, size_t ldx, float scale,
                               const float *shift);
} gm__kern;

/* ---- the packed product (gemm.c): C = act(A B + bias) or C += A B ---------- */

typedef struct gm__gemm {
    size_t m, n, k;
    const void *a; ptrdiff_t ars, acs; /* element (i,k) at a[i*ars + k*acs]: free transposes */
    const void *b; ptrdiff_t brs, bcs;
    void *c; size_t ldc;               /* row-major, ldc >= n */
    bool add;                          /* C += */
    const void *bias;                  /* [n] or NULL; not with add */
    int act; double slope;             /* GM__ACT_*; not with add */
} gm__gemm;
/* Deterministic: tiles and their order depend on (m,n,k) alone, never on the number of threads.
 * An element has the same bits whether its row is alone or in a batch (n = 1 apart from
 * n > 1 in nothing but speed). k = 0 gives act(bias) or leaves C when add. GM_ENOMEM when
 * scratch cannot be had. Uses gm__scratch; not to be called inside a gm__parallel task. */
gm_status gm__gemm_f32(gm_ctx *ctx, const gm__gemm *g);
gm_status gm__gemm_f64(gm_ctx *ctx, const gm__gemm *g);
/* batch products with given strides (elements) between matrices */
gm_status gm__gemm_batch(gm_ctx *ctx, bool f64, size_t batch, const gm__gemm *g, ptrdiff_t sa, ptrdiff_t sb, ptrdiff_t sc);

/* ---- products with a matrix packed once (packed.c) ---------- */

typedef struct gm__packed { bool f64; size_t k, n; const void *data; } gm__packed; /* of a matrix [k, n] */
size_t gm__packed_bytes(gm_ctx *ctx, bool f64, size_t k, size_t n);
/* Packs b's matrix, element (k,j) at from[k*brs + j*bcs], into `to`. Over threads. */
void gm__pack(gm_ctx *ctx, gm__packed *b, void *to, const void *from, ptrdiff_t brs, ptrdiff_t bcs);
/* c [m, n] (+)= a [m, k] times b, rows of a lda apart, on the calling thread; inside a gm__parallel task, too.
 * room: gm__packed_rows_bytes(m, k), aligned as any number. The bits of gm__gemm_*. */
size_t gm__packed_rows_bytes(gm_ctx *ctx, bool f64, size_t m, size_t k);
void gm__packed_product(gm_ctx *ctx, const gm__packed *b, size_t m, const void *a, size_t lda, void *c, bool add, void *room);

/* ---- the product with zeros and ones (bits.c): C (+)= A B + bias, A given as bits ---------- */

enum { GM__BITS_PANEL = 32, GM__BITS_GROUP = 32 }; /* columns of C, and numbers of k, at a time */
typedef struct gm__bits {
    size_t m, n, k;
    const uint32_t *a; ptrdiff_t ars, aws; /* element (i,k): bit k%32 of a[i*ars + k/32*aws]; bits past k are 0 */
    const float *b; ptrdiff_t brs, bcs;    /* one of brs, bcs is 1 */
    const float *bias;                     /* [n] or NULL; not with add */
    float *c; size_t ldc;                  /* the product; NULL: only draws are wanted */
    bool add;                              /* C += */
    float *y; size_t ldy;                  /* unless NULL: 1 with probability sigmoid(scale C + shift), else 0 */
    float scale; const float *shift;       /* [n] or NULL */
    const gm__stream *streams;             /* [m]: element (i,j) takes number j of stream i */
} gm__bits;
/* Deterministic, the same bits for a row alone or in a batch. GM_ENOMEM, without a message, when scratch cannot be had.
 * Uses gm__scratch; not to be called inside a gm__parallel task. */
gm_status gm__bits_product(gm_ctx *ctx, const gm__bits *g);
static inline size_t gm__bits_words(size_t k) { return (k + 31) / 32; }

/* ---- attention (attention.c): out = softmax(scale q k^T + mask) v for each head, never more scores than some rows of them ---- */

typedef struct gm__heads { void *p; ptrdiff_t batch, row, head; } gm__heads; /* number d of row i: p[batch*b + row*i + head*h + d] */
typedef struct gm__attention {
    size_t batch, heads, groups, t, s, d, dv; /* head h reads keys and values of group h / (heads/groups) */
    bool causal;                   /* row i sees keys j <= i + s - t */
    double scale;
    gm__heads q, k, v, out;
    const void *mask;              /* or NULL */
    bool bytes;                    /* the mask: 0 hides; else it is added to the scores */
    ptrdiff_t mask_stride[4];      /* over batch, heads, t, s */
    void *lse;                     /* [batch, heads, t], see attend_##S; forward: may be NULL */
    gm__heads g_out, g_q, g_k, g_v; /* gradients; those not wanted have p NULL */
    bool add_q, add_k, add_v;      /* add to what is there */
} gm__attention;
/* Deterministic on any number of threads; a row has the same bits alone and among others, whatever lies past what it sees.
 * GM_ENOMEM, without a message, when scratch cannot be had. Uses gm__scratch; not to be called inside a gm__parallel task. */
gm_status gm__attention_f32(gm_ctx *ctx, const gm__attention *a);
gm_status gm__attention_f64(gm_ctx *ctx, const gm__attention *a);
gm_status gm__attention_back_f32(gm_ctx *ctx, const gm__attention *a);
gm_status gm__attention_back_f64(gm_ctx *ctx, const gm__attention *a);

/* ---- parallel wrappers (parallel.c): split [0,n) into fixed chunks over the pool ---- */

void gm__unary(gm_ctx *ctx, bool f64, int op, size_t n, void *y, const void *x, const double p[2]);
void gm__binary(gm_ctx *ctx, bool f64, int op, size_t n, void *y, const void *a, const void *b, int mode, const double p[2]);
double gm__sum(gm_ctx *ctx, bool f64, size_t n, const void *x);

/* ---- rare functions (special.c), in double ---------------------------------- */

double gm__erfinv(double x);
double gm__normal_quantile(double p);     /* z with P(Z <= z) = p; full relative accuracy for small p */
double gm__polygamma(int n, double x);    /* derivative n + 1 of log Gamma; n = 0: digamma */
double gm__gamma_slope(double a, double x); /* dx/da of a Gamma(a, 1) draw x whose probability stays: -(dP(a,x)/da) / p(x) */

/* ---- OpenBLAS and LAPACKE (blas.c): the only file that includes them ------- */

/* All matrices row-major f64 and overwritten as said; work through ctx's allocator. Failures leave a message in ctx:
 * GM_ENONFINITE (a holds inf or NaN), GM_ELIMIT (both sizes over GM__LAPACK_MOST), GM_ENOMEM, GM_EINTERNAL. */
enum { GM__LAPACK_MOST = 16384 }; /* a few times its square must fit LAPACK's int */

/* Symmetric eigenproblem, ascending values; a [n,n] is replaced by eigenvectors in rows. */
gm_status gm__eigh(gm_ctx *ctx, size_t n, double *a, double *values);
/* a (its lower triangle is read) = L L^T is replaced by L. *minor: 0, or the order of the first leading minor that is not positive. */
gm_status gm__cholesky(gm_ctx *ctx, size_t n, double *a, size_t *minor);
/* op(A) X = B for a triangle A [n,n] whose diagonal is not 0 (unit: is not read); b [n,k] is replaced by X. */
gm_status gm__solve_triangular(gm_ctx *ctx, size_t n, size_t k, const double *a, double *b, bool upper, bool transposed, bool unit);
/* A X = B; bt [k,n] holds B by columns and is replaced by X; a by its factors. *zero: 0, or the first pivot (from 1) that is 0,
 * then bt is not touched. sign, log_abs (may be NULL): of the determinant; 0 and -inf where singular. */
gm_status gm__solve(gm_ctx *ctx, size_t n, size_t k, double *a, double *bt, size_t *zero, double *sign, double *log_abs);
/* A = U diag(s) V^T, k = min(m,n): s [k] descending, u [m,k], vt [k,n] (both NULL: s alone); a is destroyed. */
gm_status gm__svd(gm_ctx *ctx, size_t m, size_t n, double *a, double *s, double *u, double *vt);
/* A = Q R, m >= n: q [m,n] (NULL: R alone), R in the upper triangle of a's first n rows. */
gm_status gm__qr(gm_ctx *ctx, size_t m, size_t n, double *a, double *q);

#endif
