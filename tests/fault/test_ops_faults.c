/* Every expression of the public headers under failing memory, each on a tape of its own, backward too. */
#include "cases.h"

enum { GROUP = 12 }; /* expressions a program */

/* What the expressions take: two tables in (0,1), pictures, weights, a symmetric matrix, labels, a mask. */
typedef struct inputs {
    gm_tensor *x, *y, *v, *u, *label, *index, *mask, *pos;
    gm_tensor *image, *large, *filter, *turned, *bias, *line, *line_filter;
    gm_tensor *square, *sides, *seq, *w1, *w3, *w4, *hh1, *hh3, *hh4, *q;
} inputs;

static gm_tensor *first(gm_status s, gm_tensor **parts) { return s ? NULL : parts[0]; }

static int32_t doubled(void *user, gm_tensor *const *in, int32_t n, gm_tensor *out)
{
    (void)user, (void)n;
    for (int64_t i = 0; i < gm_tensor_size(out); i++) ((float *)gm_tensor_data(out))[i] = 2 * ((float *)gm_tensor_data(in[0]))[i];
    return 0;
}

static int32_t doubled_back(void *user, gm_tensor *const *in, int32_t n, gm_tensor *out, gm_tensor *gout, gm_tensor *const *gin)
{
    (void)user, (void)in, (void)n, (void)out;
    for (int64_t i = 0; i < gm_tensor_size(gout); i++) ((float *)gm_tensor_data(gin[0]))[i] = 2 * ((float *)gm_tensor_data(gout))[i];
    return 0;
}

static gm_tensor *custom(gm_tape *t, gm_tensor *x)
{
    gm_custom_op op;
    gm_custom_op_init(&op, sizeof op);
    op.name = "doubled", op.forward = doubled, op.backward = doubled_back;
    return gm_custom(t, &op, &x, 1);
}

static gm_status segment(gm_tape *t, gm_tensor *const *in, int32_t n, gm_tensor **out, int32_t n_out, void *user)
{
    (void)n, (void)n_out, (void)user;
    out[0] = gm_tanh(t, gm_square(t, in[0]));
    return gm_tape_status(t);
}

/* Expression k; *k becomes negative once it was built, and stays above if there are not so many. */
#define E(expr) if ((*k)-- == 0) return expr;

static gm_tensor *makes(gm_tape *t, const inputs *in, int *k)
{
    gm_tensor *x = in->x, *out[4] = {NULL};
    const int64_t shape[2] = {3, 4};
    E(gm_zeros(t, GM_F32, 2, shape)) E(gm_full(t, GM_F32, 2, shape, 2)) E(gm_arange(t, GM_F32, 0, 5, 1)) E(gm_linspace(t, GM_F32, 0, 1, 5)) E(gm_eye(t, GM_F32, 3, 4))
    E(gm_one_hot(t, in->label, 4, GM_F32)) E(gm_cast(t, x, GM_F64)) E(gm_detach(t, x))
    E(gm_uniform(t, 2, shape, 0, 1)) E(gm_normal(t, 2, shape, 0, 1)) E(gm_bernoulli(t, x)) E(gm_bernoulli_logits(t, x)) E(gm_categorical(t, x)) E(gm_dropout(t, x, 0.5))
    E(gm_gumbel(t, 2, shape)) E(gm_gumbel_softmax(t, x, 1, 1)) E(gm_exponential(t, 2, shape, 1)) E(gm_gamma(t, x)) E(gm_beta(t, x, in->y)) E(gm_dirichlet(t, x))
    E(gm_poisson(t, x)) E(gm_truncated_normal(t, 2, shape, 0, 1, -1, 1)) E(gm_randperm(t, 7))
    E(first(gm_split(t, x, 1, 2, (int64_t[]){1, 3}, out), out)) E(first(gm_chunk(t, x, 1, 2, out), out)) E(first(gm_unstack(t, x, 0, 3, out), out))
    E(custom(t, x)) E(first(gm_checkpoint(t, segment, NULL, &x, 1, out, 1), out))
    return NULL;
}

static gm_tensor *of_one(gm_tape *t, const inputs *in, int *k)
{
    gm_tensor *x = in->x;
    E(gm_neg(t, x)) E(gm_abs(t, x)) E(gm_exp(t, x)) E(gm_log(t, x)) E(gm_sqrt(t, x)) E(gm_square(t, x)) E(gm_reciprocal(t, x)) E(gm_sin(t, x)) E(gm_cos(t, x))
    E(gm_tanh(t, x)) E(gm_sigmoid(t, x)) E(gm_relu(t, x)) E(gm_leaky_relu(t, x, 0.1)) E(gm_elu(t, x, 1)) E(gm_softplus(t, x)) E(gm_gelu(t, x)) E(gm_silu(t, x))
    E(gm_clamp(t, x, 0.2, 0.8)) E(gm_affine(t, x, 2, 1)) E(gm_sign(t, x)) E(gm_floor(t, x)) E(gm_ceil(t, x)) E(gm_round(t, x)) E(gm_trunc(t, x)) E(gm_isnan(t, x))
    E(gm_isinf(t, x)) E(gm_isfinite(t, x)) E(gm_rsqrt(t, x)) E(gm_expm1(t, x)) E(gm_log1p(t, x)) E(gm_tan(t, x)) E(gm_asin(t, x)) E(gm_acos(t, x)) E(gm_atan(t, x))
    E(gm_sinh(t, x)) E(gm_cosh(t, x)) E(gm_asinh(t, x)) E(gm_acosh(t, gm_affine(t, x, 1, 1))) E(gm_atanh(t, x)) E(gm_erf(t, x)) E(gm_erfinv(t, x)) E(gm_lgamma(t, x))
    E(gm_digamma(t, x)) E(gm_logit(t, x)) E(gm_log_sigmoid(t, x)) E(gm_mish(t, x)) E(gm_hardsigmoid(t, x)) E(gm_hardswish(t, x)) E(gm_gelu_tanh(t, x)) E(gm_selu(t, x))
    E(gm_celu(t, x, 1)) E(gm_softsign(t, x)) E(gm_logical_not(t, x)) E(gm_softmax(t, x, 1)) E(gm_log_softmax(t, x, 1))
    return NULL;
}

static gm_tensor *of_several(gm_tape *t, const inputs *in, int *k)
{
    gm_tensor *x = in->x, *y = in->y, *w = in->v, *mean = NULL, *label = in->label;
    E(gm_add(t, x, y)) E(gm_sub(t, x, y)) E(gm_mul(t, x, y)) E(gm_div(t, x, y)) E(gm_pow(t, x, y)) E(gm_maximum(t, x, y)) E(gm_minimum(t, x, y)) E(gm_eq(t, x, y))
    E(gm_ne(t, x, y)) E(gm_lt(t, x, y)) E(gm_le(t, x, y)) E(gm_gt(t, x, y)) E(gm_ge(t, x, y)) E(gm_where(t, in->mask, x, y)) E(gm_prelu(t, x, w)) E(gm_atan2(t, x, y))
    E(gm_fmod(t, x, y)) E(gm_remainder(t, x, y)) E(gm_lerp(t, x, y, x)) E(gm_masked_fill(t, x, in->mask, 1)) E(gm_logical_and(t, x, y)) E(gm_logical_or(t, x, y))
    E(gm_logical_xor(t, x, y)) E(gm_matmul(t, x, in->u)) E(gm_linear(t, x, y, NULL)) E(gm_linear_act(t, x, y, NULL, GM_ACT_RELU, 0)) E(gm_outer(t, w, w)) E(gm_dot(t, w, w))
    E(gm_mse(t, x, y, GM_MEAN)) E(gm_bce_with_logits(t, x, y, GM_SUM)) E(gm_bce(t, x, y, GM_MEAN)) E(gm_cross_entropy(t, x, label, GM_MEAN)) E(gm_l1(t, x, y, GM_MEAN))
    E(gm_huber(t, x, y, 0.1, GM_MEAN)) E(gm_hinge(t, x, y, 1, GM_MEAN)) E(gm_kl_div(t, x, y, GM_MEAN)) E(gm_nll(t, x, label, GM_MEAN))
    E(gm_cross_entropy_smooth(t, x, label, w, 0.1, GM_MEAN)) E(gm_soft_cross_entropy(t, x, y, GM_MEAN)) E(gm_bce_with_logits_weighted(t, x, y, w, 0.1, GM_MEAN))
    E(gm_poisson_nll(t, x, y, GM_MEAN)) E(gm_gaussian_nll(t, x, y, x, 1e-6, GM_MEAN)) E(gm_cosine_similarity(t, x, y, 1, 1e-8)) E(gm_gaussian_log_prob(t, x, y, y))
    E(gm_bernoulli_log_prob(t, x, y)) E(gm_gaussian_kl(t, x, y)) E(gm_gaussian_draw(t, x, y)) E(gm_layer_norm(t, x, w, w, 1e-5)) E(gm_rms_norm(t, x, w, 1e-5))
    E((mean = gm_mean(t, x, 0, 0), gm_batch_norm(t, x, w, w, mean, gm_var(t, x, 0, 0, 0), 1e-5)))
    E(gm_gan_d_loss(t, GM_GAN_HINGE, w, w, 0.1)) E(gm_gan_g_loss(t, GM_GAN_RELATIVISTIC, w, w)) E(gm_psnr(t, in->image, in->image, 1)) E(gm_ssim(t, in->large, in->large, 1))
    return NULL;
}

static gm_tensor *of_shapes(gm_tape *t, const inputs *in, int *k)
{
    gm_tensor *x = in->x, *y = in->y, *both[2] = {x, y}, *second = NULL;
    E(gm_sum(t, x, 1, 0)) E(gm_mean(t, x, 0, 1)) E(gm_max(t, x, 1, 0)) E(gm_min(t, x, 1, 0)) E(gm_logsumexp(t, x, 1, 0)) E(gm_argmax(t, x, 1, 0)) E(gm_var(t, x, 1, 1, 0))
    E(gm_std(t, x, 1, 1, 0)) E(gm_prod(t, x, 1, 0)) E(gm_argmin(t, x, 1, 0)) E(gm_any(t, x, 1, 0)) E(gm_all(t, x, 1, 0)) E(gm_norm(t, x, 3, 1, 0)) E(gm_cumsum(t, x, 1))
    E(gm_sum_axes(t, x, 2, (int32_t[]){0, 1}, 1)) E(gm_reshape(t, x, 1, (int64_t[]){12})) E(gm_permute(t, x, (int32_t[]){1, 0})) E(gm_transpose(t, x, 0, 1))
    E(gm_slice(t, x, 1, 0, 4, 2)) E(gm_expand(t, x, 3, (int64_t[]){2, 3, 4})) E(gm_concat(t, both, 2, 1)) E(gm_stack(t, both, 2, 0)) E(gm_embedding(t, x, in->label))
    E(gm_gather(t, x, 1, in->index)) E(gm_index_select(t, x, 0, in->label)) E(gm_index_add(t, x, 0, in->label, y)) E(gm_pad(t, x, (int64_t[]){1, 0}, (int64_t[]){0, 2}, GM_PAD_CONSTANT, 0))
    E(gm_scatter(t, x, 1, in->index, y)) E(gm_scatter_add(t, x, 1, in->index, y)) E(gm_nonzero(t, in->mask)) E(gm_masked_select(t, x, in->mask)) E(gm_squeeze(t, gm_unsqueeze(t, x, 0), 0))
    E(gm_flatten(t, in->image, 1, 3)) E(gm_movedim(t, in->image, 1, 3)) E(gm_repeat(t, x, (int64_t[]){2, 3})) E(gm_repeat_interleave(t, x, 2, 1)) E(gm_flip(t, x, 1, (int32_t[]){1}))
    E(gm_roll(t, x, 1, 1)) E(gm_tril(t, x, 0)) E(gm_triu(t, x, 0)) E(gm_diag(t, in->v, 1)) E(gm_diagonal(t, x, 1)) E(gm_trace(t, in->square)) E(gm_sort(t, x, 1, 0, &second))
    E(gm_argsort(t, x, 1, 0)) E(gm_topk(t, x, 2, 1, 1, &second)) E(gm_cholesky(t, in->square)) E(gm_logdet(t, in->square)) E(gm_solve_triangular(t, in->square, in->sides, 0, 0, 0))
    E(gm_solve(t, in->square, in->sides)) E(gm_inverse(t, in->square)) E(gm_det(t, in->square)) E(gm_slogdet(t, in->square, &second)) E(gm_eigh(t, in->square, &second))
    gm_tensor *third = NULL;
    E(gm_svd(t, in->sides, &second, &third)) E(gm_qr(t, in->sides, &second))
    return NULL;
}

static gm_tensor *of_images(gm_tape *t, const inputs *in, int *k)
{
    gm_tensor *x = in->image, *w = in->filter, *b = in->bias, *l = in->line, *second = NULL, *third = NULL;
    const int64_t one[2] = {1, 1}, two[2] = {2, 2}, no[2] = {0, 0};
    E(gm_conv2d(t, x, w, b, one, one, one, 1)) E(gm_conv_transpose2d(t, x, in->turned, b, two, one, one, one, 1)) E(gm_conv1d(t, l, in->line_filter, b, 1, 1, 1, 1))
    E(gm_conv_transpose1d(t, l, in->line_filter, b, 2, 1, 1, 1, 1)) E(gm_upsample_conv2d(t, x, w, b, 1)) E(gm_max_pool2d(t, x, two, two, no)) E(gm_max_pool1d(t, l, 2, 2, 0))
    E(gm_avg_pool2d(t, x, two, two, no, 1)) E(gm_avg_pool1d(t, l, 2, 2, 0, 1)) E(gm_adaptive_avg_pool2d(t, x, 3, 2)) E(gm_adaptive_max_pool2d(t, x, 3, 2)) E(gm_global_avg_pool(t, x))
    E(gm_upsample2d(t, x, 6, 6, GM_BILINEAR)) E(gm_upsample1d(t, l, 9, GM_NEAREST)) E(gm_upsample_nearest(t, x, 2)) E(gm_pyramid_down(t, x)) E(gm_pyramid_up(t, x, 8, 8))
    E(gm_laplacian_split(t, x, &second)) E(gm_laplacian_join(t, gm_pyramid_down(t, x), x)) E(gm_pixel_shuffle(t, x, 2)) E(gm_pixel_unshuffle(t, x, 2))
    E(gm_instance_norm(t, x, b, b, 1e-5)) E(gm_group_norm(t, x, 2, b, b, 1e-5))
    E(gm_elman(t, in->seq, NULL, in->w1, in->hh1, NULL, NULL, &second)) E(gm_gru(t, in->seq, NULL, in->w3, in->hh3, NULL, NULL, &second))
    E(gm_lstm(t, in->seq, NULL, NULL, in->w4, in->hh4, NULL, NULL, &second, &third)) E(gm_attention(t, in->q, in->q, in->q, NULL, 0, 1)) E(gm_rope(t, in->q, 0, 10000))
    return NULL;
}

static gm_tensor *expression(gm_tape *t, const inputs *in, int *k)
{
    gm_tensor *(*const lists[])(gm_tape *, const inputs *, int *) = {makes, of_one, of_several, of_shapes, of_images};
    gm_tensor *y = NULL;
    for (size_t i = 0; i < sizeof lists / sizeof *lists && *k >= 0; i++) y = lists[i](t, in, k);
    return y;
}

/* A leaf with numbers between 0.1 and 0.9, or of whole numbers 0, 1, 2, 0 .. */
static gm_tensor *leaf(gm_ctx *ctx, gm_status *s, int32_t dtype, int32_t ndim, const int64_t *shape)
{
    gm_tensor *x = NULL;
    if (!*s) *s = gm_tensor_new(ctx, dtype, ndim, shape, &x);
    if (*s) return NULL;
    void *p = gm_tensor_data(x);
    for (int64_t i = 0; i < gm_tensor_size(x); i++) {
        if (dtype == GM_F32) ((float *)p)[i] = (float)(0.1 + 0.8 * (double)(i * 37 % 101) / 100);
        if (dtype == GM_I64) ((int64_t *)p)[i] = i % 3;
        if (dtype == GM_U8) ((uint8_t *)p)[i] = i % 2 == 0;
    }
    if (dtype == GM_F32) *s = gm_tensor_set_grad(x, 1);
    return x;
}

#define LEAF(name, dtype, ...) in->name = leaf(ctx, &s, dtype, (int32_t)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)), (int64_t[]){__VA_ARGS__})
static gm_status prepare(gm_ctx *ctx, inputs *in)
{
    gm_status s = GM_OK;
    LEAF(x, GM_F32, 3, 4), LEAF(y, GM_F32, 3, 4), LEAF(v, GM_F32, 4), LEAF(u, GM_F32, 4, 2), LEAF(label, GM_I64, 3), LEAF(index, GM_I64, 3, 4), LEAF(mask, GM_U8, 3, 4);
    LEAF(image, GM_F32, 1, 4, 4, 4), LEAF(large, GM_F32, 1, 1, 11, 11), LEAF(filter, GM_F32, 4, 4, 3, 3), LEAF(turned, GM_F32, 4, 4, 3, 3), LEAF(bias, GM_F32, 4), LEAF(line, GM_F32, 1, 4, 6), LEAF(line_filter, GM_F32, 4, 4, 3);
    LEAF(square, GM_F32, 3, 3), LEAF(sides, GM_F32, 3, 2), LEAF(seq, GM_F32, 3, 2, 4), LEAF(q, GM_F32, 1, 2, 3, 4);
    LEAF(w1, GM_F32, 2, 4), LEAF(w3, GM_F32, 6, 4), LEAF(w4, GM_F32, 8, 4), LEAF(hh1, GM_F32, 2, 2), LEAF(hh3, GM_F32, 6, 2), LEAF(hh4, GM_F32, 8, 2);
    if (!s) { /* positive definite, with eigenvalues apart */
        const float a[9] = {3, 0.5f, 0.2f, 0.5f, 2, 0.1f, 0.2f, 0.1f, 1};
        s = gm_tensor_write(in->square, a, sizeof a);
    }
    return s;
}

static void drop_all(inputs *in)
{
    gm_tensor **p = (gm_tensor **)(void *)in;
    for (size_t i = 0; i < sizeof *in / sizeof *p; i++) gm_tensor_free(p[i]);
}

/* A group of expressions, each with the gradient of its sum. */
static gm_status program(host *h, int which)
{
    gm_ctx *ctx = NULL;
    inputs in = {NULL};
    gm_status s = host_ctx(h, &ctx);
    if (!s) s = prepare(ctx, &in);
    keep_message(ctx, s);
    for (int i = 0; i < GROUP && !s; i++) {
        gm_tape *t = NULL;
        int k = which * GROUP + i;
        if ((s = gm_tape_new(ctx, 1, &t))) break;
        gm_tensor *y = expression(t, &in, &k);
        if (y && k < 0 && gm_tensor_dtype(y) == GM_F32) {
            gm_tensor *loss = gm_add(t, gm_sum(t, y, GM_ALL_AXES, 0), gm_sum(t, in.x, GM_ALL_AXES, 0)); /* what has no gradient is a constant */
            if (loss) gm_tape_backward(t, loss);
        }
        s = gm_tape_status(t);
        if (s) snprintf(message, sizeof message, "expression %d: %s", which * GROUP + i, gm_tape_message(t));
        ck_assert_msg(!s || *gm_tape_message(t), "a failure without a message");
        ck_assert_msg(s || y || k >= 0, "expression %d is NULL without an error", which * GROUP + i);
        gm_tape_free(t);
    }
    drop_all(&in);
    gm_ctx_free(ctx);
    return s;
}

int main(void)
{
    const int many = 1 << 20;
    int k = many;
    inputs none = {NULL};
    expression(NULL, &none, &k); /* builds nothing, but counts */
    return run_cases("ops_faults", program, (many - k + GROUP - 1) / GROUP);
}
