/* Attention beyond the rows' samples: a plain double loop, what heads, groups, masks and caches are to each other, its memory; rotary positions. */
#include "ops/on_tape.h"
#include "ops/samples.h"
#include <gm/attention.h>

#define AXES(...) (const int32_t[]){__VA_ARGS__}
#define OK(x) ck_assert_msg((x) != NULL, "%s", gm_tape_message(t))

/* numbers in (-1, 1) by a hash of seed and place */
static gm_tensor *leaf(int dtype, unsigned seed, int ndim, const int64_t *shape)
{
    gm_tensor *x = NULL;
    ck_assert_int_eq(gm_tensor_new(ctx, dtype, ndim, shape, &x), GM_OK);
    for (int64_t e = 0; e < x->size; e++) {
        double v = 2 * hash_unit("attention", seed, 0, (unsigned)e) - 1;
        if (dtype == GM_F64) gm__f64(x)[e] = v;
        else if (dtype == GM_F32) gm__f32(x)[e] = (float)v;
        else ((uint8_t *)x->data)[e] = v < 0.3;
    }
    if (dtype != GM_U8) ck_assert_int_eq(gm_tensor_set_grad(x, 1), GM_OK);
    return x;
}
static void same_bits(gm_tensor *a, gm_tensor *b)
{
    ck_assert(a && b && gm__shape_equal(a, b));
    for (int64_t e = 0; e < a->size; e++) ck_assert_msg(element(a, e) == element(b, e), "element %d: %.9g and %.9g", (int)e, element(a, e), element(b, e));
}
static void near(const gm_tensor *a, const gm_tensor *b, double tol)
{
    ck_assert(a && b && gm__shape_equal(a, b));
    for (int64_t e = 0; e < a->size; e++)
        ck_assert_msg(fabs(element(a, e) - element(b, e)) <= tol * fmax(1, fabs(element(b, e))), "element %d: %.9g and %.9g", (int)e, element(a, e), element(b, e));
}
static gm_tensor *part(gm_tensor *x, int axis, int64_t first, int64_t last) { return gm_slice(t, x, axis, first, last, 1); }

/* The kernels of an instruction set, plain ones first; false if this CPU has it not. */
enum { LEVELS = 3 };
static bool use_kernels(int level)
{
    if (level > gm__cpu_detect()) return false;
    ctx->kern = gm__kern_table(level);
    return true;
}

/* ---- a double loop --------------------------------------------------------------------- */

typedef struct sizes { int64_t b, h, g, t, s, d, e; int causal, mask; } sizes;
enum { NONE, BYTES, ADDED, PADDING };

/* element of a tensor [.., .., .., ..] that broadcasts */
static double masked(const gm_tensor *m, int kind, const int64_t at[4])
{
    int64_t e = 0;
    for (int i = 0; i < 4; i++) e = e * m->shape[i] + (m->shape[i] == 1 ? 0 : at[i]);
    double v = element(m, e);
    return kind == ADDED ? v : v != 0 ? 0 : -INFINITY;
}

static double loop(const sizes *z, const gm_tensor *q, const gm_tensor *k, const gm_tensor *v, const gm_tensor *m, const int64_t at[4], int64_t e)
{
    double top = -INFINITY, total = 0, sum = 0, x[512];
    int64_t g = at[1] / (z->h / z->g);
    for (int64_t j = 0; j < z->s; j++) {
        x[j] = 0;
        for (int64_t c = 0; c < z->d; c++) x[j] += element(q, ((at[0] * z->h + at[1]) * z->t + at[2]) * z->d + c) * element(k, ((at[0] * z->g + g) * z->s + j) * z->d + c);
        x[j] /= sqrt((double)z->d);
        if (m) x[j] += masked(m, z->mask, (int64_t[]){at[0], at[1], at[2], j});
        if (z->causal && j > at[2] + z->s - z->t) x[j] = -INFINITY;
        top = fmax(top, x[j]);
    }
    for (int64_t j = 0; j < z->s && top > -INFINITY; j++) {
        total += exp(x[j] - top);
        sum += exp(x[j] - top) * element(v, ((at[0] * z->g + g) * z->s + j) * z->e + e);
    }
    return total > 0 ? sum / total : 0;
}

START_TEST(equals_a_double_loop)
{
    const sizes list[] = {{2, 3, 3, 5, 7, 4, 6, 0, NONE},     {1, 4, 2, 30, 30, 32, 32, 1, NONE},  {2, 2, 1, 13, 40, 16, 17, 1, BYTES}, {1, 2, 2, 64, 64, 32, 32, 1, NONE},
                          {2, 2, 2, 25, 33, 64, 64, 0, ADDED}, {3, 4, 1, 1, 50, 20, 20, 1, PADDING}, {2, 2, 2, 9, 500, 8, 48, 0, PADDING}, {1, 1, 1, 20, 6, 5, 3, 1, NONE}};
    for (size_t i = 0; i < sizeof list / sizeof *list && use_kernels(_i); i++) {
        const sizes *z = &list[i];
        gm_tensor *q = leaf(GM_F32, 1, 4, SHAPE(z->b, z->h, z->t, z->d)), *k = leaf(GM_F32, 2, 4, SHAPE(z->b, z->g, z->s, z->d)),
                  *v = leaf(GM_F32, 3, 4, SHAPE(z->b, z->g, z->s, z->e)), *m = NULL;
        if (z->mask == BYTES) m = leaf(GM_U8, 4, 4, SHAPE(1, z->h, z->t, z->s));
        if (z->mask == ADDED) m = leaf(GM_F32, 4, 4, SHAPE(z->b, 1, z->t, z->s));
        if (z->mask == PADDING) m = leaf(GM_U8, 4, 4, SHAPE(z->b, 1, 1, z->s));
        gm_tensor *y = gm_attention(t, q, k, v, m, 0, z->causal);
        OK(y);
        for (int64_t n = 0; n < y->size; n++) {
            int64_t row = n / z->e, at[4] = {row / (z->h * z->t), row / z->t % z->h, row % z->t, 0};
            double want = loop(z, q, k, v, m, at, n % z->e);
            ck_assert_msg(fabs(element(y, n) - want) < 1e-6, "case %d, element %d: %.9g, not %.9g", (int)i, (int)n, element(y, n), want);
        }
        gm_tape_reset(t);
        gm_tensor_free(q), gm_tensor_free(k), gm_tensor_free(v), gm_tensor_free(m);
    }
}
END_TEST

/* gradients of a size that takes whole tiles, several blocks, strips: f32 against f64, which PyTorch has checked in small */
START_TEST(gradients_of_larger_sizes)
{
    const sizes list[] = {{2, 4, 4, 64, 64, 32, 32, 1, NONE}, {1, 4, 2, 150, 170, 64, 48, 1, NONE}, {2, 2, 1, 77, 130, 20, 64, 0, PADDING}, {1, 2, 2, 5, 460, 16, 16, 1, NONE}};
    const sizes *z = &list[_i % 4];
    gm_tensor *g[2][3];
    if (!use_kernels(_i / 4)) return;
    for (int f64 = 0; f64 < 2; f64++) {
        int type = f64 ? GM_F64 : GM_F32;
        gm_tensor *q = leaf(GM_F64, 1, 4, SHAPE(z->b, z->h, z->t, z->d)), *k = leaf(GM_F64, 2, 4, SHAPE(z->b, z->g, z->s, z->d)),
                  *v = leaf(GM_F64, 3, 4, SHAPE(z->b, z->g, z->s, z->e)), *m = z->mask ? leaf(GM_U8, 4, 4, SHAPE(z->b, 1, 1, z->s)) : NULL;
        gm_tensor *y = gm_attention(t, gm_cast(t, q, type), gm_cast(t, k, type), gm_cast(t, v, type), m, 0, z->causal);
        ck_assert_int_eq(gm_tape_backward(t, gm_sum(t, gm_square(t, y), GM_ALL_AXES, 0)), GM_OK);
        gm_tape_reset(t);
        g[f64][0] = q, g[f64][1] = k, g[f64][2] = v;
        gm_tensor_free(m);
    }
    for (int i = 0; i < 3; i++) {
        near(gm_tensor_grad(g[0][i]), gm_tensor_grad(g[1][i]), 2e-6);
        gm_tensor_free(g[0][i]), gm_tensor_free(g[1][i]);
    }
}
END_TEST

/* ---- what must be equal ------------------------------------------------------------------ */

START_TEST(weights_sum_to_one)
{
    gm_tensor *q = leaf(GM_F32, 1, 4, SHAPE(2, 2, 70, 16)), *k = leaf(GM_F32, 2, 4, SHAPE(2, 2, 70, 16));
    gm_tensor *ones = gm_full(t, GM_F32, 4, SHAPE(2, 2, 70, 3), 1), *y = gm_attention(t, gm_affine(t, q, 30, 0), k, ones, NULL, 0, 1);
    OK(y);
    for (int64_t e = 0; e < y->size; e++) ck_assert_msg(fabs(element(y, e) - 1) < 1e-6, "%g", element(y, e));
    gm_tensor_free(q), gm_tensor_free(k);
}
END_TEST

/* changed keys and values change no row that does not see them, to the bit: not even infinite ones */
START_TEST(the_future_changes_nothing)
{
    enum { T = 50, D = 24 };
    gm_tensor *q = leaf(GM_F32, 1, 4, SHAPE(1, 2, T, D)), *k = leaf(GM_F32, 2, 4, SHAPE(1, 2, T, D)), *v = leaf(GM_F32, 3, 4, SHAPE(1, 2, T, D));
    gm_tensor *before = gm_attention(t, q, k, v, NULL, 0, 1);
    for (int64_t now = 0; now < T; now += 7) {
        gm_tensor *k2 = gm_concat(t, (gm_tensor *[]){part(k, 2, 0, now + 1), gm_affine(t, part(k, 2, now + 1, T), -9, 4)}, 2, 2);
        gm_tensor *v2 = gm_concat(t, (gm_tensor *[]){part(v, 2, 0, now + 1), gm_affine(t, part(v, 2, now + 1, T), 1e30, 4)}, 2, 2);
        same_bits(part(gm_attention(t, q, k2, v2, NULL, 0, 1), 2, 0, now + 1), part(before, 2, 0, now + 1));
    }
    gm_tensor_free(q), gm_tensor_free(k), gm_tensor_free(v);
}
END_TEST

START_TEST(heads_are_single_heads_and_groups_are_repeated)
{
    enum { H = 6, T = 21, D = 16 };
    gm_tensor *q = leaf(GM_F32, 1, 4, SHAPE(2, H, T, D)), *k = leaf(GM_F32, 2, 4, SHAPE(2, H, T, D)), *v = leaf(GM_F32, 3, 4, SHAPE(2, H, T, D));
    gm_tensor *all = gm_attention(t, q, k, v, NULL, 0, 1);
    for (int h = 0; h < H; h++)
        same_bits(gm_attention(t, part(q, 1, h, h + 1), part(k, 1, h, h + 1), part(v, 1, h, h + 1), NULL, 0, 1), part(all, 1, h, h + 1));
    gm_tensor *k2 = part(k, 1, 0, 2), *v2 = part(v, 1, 0, 2), *kr[H], *vr[H];
    for (int h = 0; h < H; h++) kr[h] = part(k, 1, h / 3, h / 3 + 1), vr[h] = part(v, 1, h / 3, h / 3 + 1);
    same_bits(gm_attention(t, q, k2, v2, NULL, 0.3, 0), gm_attention(t, q, gm_concat(t, kr, H, 1), gm_concat(t, vr, H, 1), NULL, 0.3, 0));
    gm_tensor_free(q), gm_tensor_free(k), gm_tensor_free(v);
}
END_TEST

/* padded keys are as good as absent ones; a cache's last row is the whole's */
START_TEST(padding_and_caches)
{
    enum { T = 37, D = 32, REAL = 30 };
    gm_tensor *q = leaf(GM_F32, 1, 4, SHAPE(1, 4, T, D)), *k = leaf(GM_F32, 2, 4, SHAPE(1, 2, T, D)), *v = leaf(GM_F32, 3, 4, SHAPE(1, 2, T, D)), *m = leaf(GM_U8, 4, 4, SHAPE(1, 1, 1, T));
    for (int i = 0; i < T; i++) ((uint8_t *)m->data)[i] = i < REAL;
    near(gm_attention(t, q, k, v, m, 0, 0), gm_attention(t, q, part(k, 2, 0, REAL), part(v, 2, 0, REAL), NULL, 0, 0), 1e-7);
    gm_tensor *whole = gm_attention(t, q, k, v, NULL, 0, 1);
    for (int i = 1; i <= T; i += 4)
        same_bits(gm_attention(t, part(q, 2, i - 1, i), part(k, 2, 0, i), part(v, 2, 0, i), NULL, 0, 1), part(whole, 2, i - 1, i));
    same_bits(gm_attention(t, part(q, 2, T - 5, T), k, v, NULL, 0, 1), part(whole, 2, T - 5, T));
    gm_tensor_free(q), gm_tensor_free(k), gm_tensor_free(v), gm_tensor_free(m);
}
END_TEST

/* one tensor as query, key and value gets the sum of three gradients */
START_TEST(one_tensor_three_times)
{
    gm_tensor *x = leaf(GM_F64, 1, 4, SHAPE(1, 2, 9, 6)), *c[3];
    for (int i = 0; i < 3; i++) c[i] = leaf(GM_F64, 1, 4, SHAPE(1, 2, 9, 6));
    gm_tensor *y = gm_attention(t, x, x, x, NULL, 0, 1);
    ck_assert_int_eq(gm_tape_backward(t, gm_sum(t, gm_square(t, y), GM_ALL_AXES, 0)), GM_OK);
    y = gm_attention(t, c[0], c[1], c[2], NULL, 0, 1);
    ck_assert_int_eq(gm_tape_backward(t, gm_sum(t, gm_square(t, y), GM_ALL_AXES, 0)), GM_OK);
    near(gm_tensor_grad(x), gm_add(t, gm_add(t, gm_tensor_grad(c[0]), gm_tensor_grad(c[1])), gm_tensor_grad(c[2])), 1e-13);
    gm_tape_reset(t);
    gm_tensor_free(x);
    for (int i = 0; i < 3; i++) gm_tensor_free(c[i]);
}
END_TEST

/* large scores, none seen, NaN */
START_TEST(extremes)
{
    gm_tensor *q = leaf(GM_F32, 1, 4, SHAPE(1, 1, 20, 4)), *k = leaf(GM_F32, 2, 4, SHAPE(1, 1, 20, 4)), *v = leaf(GM_F32, 3, 4, SHAPE(1, 1, 20, 4)), *m = leaf(GM_F32, 4, 2, SHAPE(20, 20));
    gm_tensor *y = gm_attention(t, gm_affine(t, q, 1e4, 0), gm_affine(t, k, 1e4, 0), v, NULL, 1, 1);
    for (int64_t e = 0; e < y->size; e++) ck_assert(isfinite(element(y, e)) && fabs(element(y, e)) <= 1);
    near(gm_attention(t, q, k, v, gm_affine(t, m, 0, 1e4), 0, 0), gm_attention(t, q, k, v, NULL, 0, 0), 2e-3); /* shifted by 1e4 +- 5e-4 */
    for (int i = 0; i < 400; i++) gm__f32(m)[i] = i / 20 == 3 ? -INFINITY : 0;
    y = gm_attention(t, q, k, v, m, 0, 0);
    for (int i = 0; i < 80; i++) ck_assert(i / 4 == 3 ? element(y, i) == 0 : element(y, i) != 0);
    gm_tensor_set_grad(m, 0);
    y = gm_attention(t, q, k, v, m, 0, 0);
    ck_assert_int_eq(gm_tape_backward(t, gm_sum(t, y, GM_ALL_AXES, 0)), GM_OK);
    for (int i = 0; i < 80; i++) ck_assert(isfinite(element(gm_tensor_grad(q), i)) && (i / 4 != 3 || element(gm_tensor_grad(q), i) == 0));
    gm_tape_reset(t);
    for (int i = 0; i < 4; i++) gm__f32(q)[20 + i] = NAN;
    y = gm_attention(t, q, k, v, NULL, 0, 1);
    for (int i = 0; i < 80; i++) ck_assert(isnan(element(y, i)) == (i / 4 == 5));
    gm_tape_reset(t);
    gm_tensor_free(q), gm_tensor_free(k), gm_tensor_free(v), gm_tensor_free(m);
}
END_TEST

/* 4,096 places: all scores of one head alone would take 64 MiB */
START_TEST(memory_grows_with_the_length)
{
    enum { T = 4096 };
    gm_memory used = {.struct_size = sizeof used};
    gm_tensor *q = leaf(GM_F32, 1, 4, SHAPE(1, 1, T, 8)), *k = leaf(GM_F32, 2, 4, SHAPE(1, 1, T, 8)), *v = leaf(GM_F32, 3, 4, SHAPE(1, 1, T, 8));
    ck_assert_int_eq(gm_tape_backward(t, gm_sum(t, gm_attention(t, q, k, v, NULL, 0, 1), GM_ALL_AXES, 0)), GM_OK);
    gm_ctx_memory(ctx, &used);
    ck_assert_msg(used.peak_bytes < 16 << 20, "%lu bytes", (unsigned long)used.peak_bytes);
    gm_tape_reset(t);
    gm_tensor_free(q), gm_tensor_free(k), gm_tensor_free(v);
}
END_TEST

/* views of one projection go in, and heads side by side come out, without a copy; gradients go straight into the projection's */
START_TEST(heads_lie_as_projections_leave_them)
{
    enum { T = 12, H = 4, G = 2, D = 16, ALL = H + 2 * G };
    gm_tensor *x[2] = {leaf(GM_F64, 1, 4, SHAPE(2, T, ALL, D)), leaf(GM_F64, 1, 4, SHAPE(2, T, ALL, D))}, *y[2];
    const int at[4] = {0, H, H + G, ALL};
    for (int copied = 0; copied < 2; copied++) {
        gm_tensor *p[3], *whole = copied ? x[1] : gm_affine(t, x[0], 1, 0);
        for (int i = 0; i < 3; i++) {
            p[i] = gm_permute(t, part(whole, 2, at[i], at[i + 1]), AXES(0, 2, 1, 3));
            if (copied) p[i] = gm_affine(t, p[i], 1, 0);
        }
        y[copied] = gm_attention(t, p[0], p[1], p[2], NULL, 0, 1);
        gm_tensor *merged = gm_reshape(t, gm_permute(t, y[copied], AXES(0, 2, 1, 3)), 3, SHAPE(2, T, H * D));
        ck_assert_ptr_eq(merged->data, y[copied]->data);
        gm_tensor *more = gm_sum(t, gm_square(t, whole), GM_ALL_AXES, 0); /* another part of the gradient */
        ck_assert_int_eq(gm_tape_backward(t, gm_add(t, more, gm_sum(t, gm_square(t, merged), GM_ALL_AXES, 0))), GM_OK);
    }
    same_bits(y[0], y[1]);
    near(gm_tensor_grad(x[0]), gm_tensor_grad(x[1]), 1e-13);
    gm_tape_reset(t);
    gm_tensor_free(x[0]), gm_tensor_free(x[1]);
}
END_TEST

/* overlapping parts of one tensor: the sum of their gradients */
START_TEST(parts_that_overlap)
{
    enum { T = 20, D = 8 };
    gm_tensor *x[2] = {leaf(GM_F64, 1, 4, SHAPE(1, T, 4, D)), leaf(GM_F64, 1, 4, SHAPE(1, T, 4, D))};
    for (int copied = 0; copied < 2; copied++) {
        gm_tensor *p[3];
        for (int i = 0; i < 3; i++) {
            p[i] = gm_permute(t, part(x[copied], 2, i, i + 2), AXES(0, 2, 1, 3));
            if (copied) p[i] = gm_affine(t, p[i], 1, 0);
        }
        gm_tensor *y = gm_attention(t, p[0], p[1], p[2], NULL, 0, 0);
        ck_assert_int_eq(gm_tape_backward(t, gm_sum(t, gm_square(t, y), GM_ALL_AXES, 0)), GM_OK);
    }
    near(gm_tensor_grad(x[0]), gm_tensor_grad(x[1]), 1e-13);
    gm_tape_reset(t);
    gm_tensor_free(x[0]), gm_tensor_free(x[1]);
}
END_TEST

/* ---- rotary positions ---------------------------------------------------------------------- */

START_TEST(rotary_positions)
{
    enum { T = 80, D = 32 };
    gm_tensor *q = leaf(GM_F64, 1, 2, SHAPE(1, D)), *k = leaf(GM_F64, 2, 2, SHAPE(1, D)), *x = leaf(GM_F64, 3, 4, SHAPE(2, 3, T, D));
    /* products depend on the distance */
    double first = 0;
    for (int64_t p = 0; p < 5000; p = 3 * p + 1) {
        double v = element(gm_sum(t, gm_mul(t, gm_rope(t, q, p + 17, 10000), gm_rope(t, k, p, 10000)), GM_ALL_AXES, 0), 0);
        if (p == 0) first = v;
        ck_assert_msg(fabs(v - first) < 1e-10, "place %d: %.15g, not %.15g", (int)p, v, first);
    }
    /* a row has the same bits alone and among others, and however heads lie */
    gm_tensor *y = gm_rope(t, x, 5, 10000);
    for (int i = 0; i < T; i += 9) same_bits(gm_rope(t, part(x, 2, i, i + 1), 5 + i, 10000), part(y, 2, i, i + 1));
    same_bits(gm_rope(t, gm_permute(t, gm_affine(t, gm_permute(t, x, AXES(0, 2, 1, 3)), 1, 0), AXES(0, 2, 1, 3)), 5, 10000), y);
    gm_tape_reset(t);
    gm_tensor_free(q), gm_tensor_free(k), gm_tensor_free(x);
}
END_TEST

/* The gradient of turned heads goes straight into that of the projection they were cut from, onto what others gave. */
START_TEST(turned_parts_of_a_projection)
{
    enum { T = 7, H = 3, D = 6 };
    gm_tensor *x[2] = {leaf(GM_F64, 4, 3, SHAPE(2, T, 2 * H * D)), leaf(GM_F64, 4, 3, SHAPE(2, T, 2 * H * D))};
    for (int whole = 0; whole < 2; whole++) {
        gm_tensor *y = gm_affine(t, x[whole], 1, 0), *heads = gm_reshape(t, y, 4, SHAPE(2, T, 2 * H, D)), *sum = gm_sum(t, gm_square(t, y), GM_ALL_AXES, 0);
        for (int i = 0; i < 2; i++) {
            gm_tensor *p = gm_transpose(t, part(heads, 2, i * H, (i + 1) * H), 1, 2);
            if (whole) p = gm_affine(t, p, 1, 0); /* no part of the projection */
            gm_tensor *turned = gm_rope(t, p, 3 + i, 100);
            sum = gm_add(t, sum, gm_sum(t, gm_mul(t, gm_square(t, turned), turned), GM_ALL_AXES, 0));
        }
        OK(sum);
        ck_assert_int_eq(gm_tape_backward(t, sum), GM_OK);
        gm_tape_reset(t);
    }
    near(gm_tensor_grad(x[0]), gm_tensor_grad(x[1]), 1e-13);
    gm_tensor_free(x[0]), gm_tensor_free(x[1]);
}
END_TEST

/* ---- wrong arguments ------------------------------------------------------------------------- */

static void fails(gm_tensor *y, gm_status code, const char *text)
{
    ck_assert_ptr_null(y);
    ck_assert_int_eq(gm_tape_status(t), code);
    ck_assert_msg(strstr(gm_tape_message(t), text) != NULL, "\"%s\" is not in \"%s\"", text, gm_tape_message(t));
    gm_tape_reset(t);
}
static gm_tensor *zeros(int type, int64_t a, int64_t b, int64_t c, int64_t d) { return gm_zeros(t, type, 4, SHAPE(a, b, c, d)); }

START_TEST(wrong_arguments)
{
#define Z(...) zeros(GM_F32, __VA_ARGS__)
    fails(gm_attention(t, NULL, Z(1, 1, 2, 2), Z(1, 1, 2, 2), NULL, 0, 0), GM_EARG, "attention: q is NULL");
    fails(gm_attention(t, Z(1, 1, 2, 2), Z(1, 1, 2, 2), NULL, NULL, 0, 0), GM_EARG, "attention: v is NULL");
    fails(gm_attention(t, gm_zeros(t, GM_F32, 2, SHAPE(3, 4)), Z(1, 1, 2, 2), Z(1, 1, 2, 2), NULL, 0, 0), GM_ESHAPE, "attention: q has shape [3,4], [batch, heads, places, size] wanted");
    fails(gm_attention(t, Z(1, 1, 2, 3), Z(1, 1, 2, 2), Z(1, 1, 2, 2), NULL, 0, 0), GM_ESHAPE, "places first: [1,2,1,3], [1,2,1,2]");
    fails(gm_attention(t, Z(1, 4, 2, 2), Z(1, 3, 2, 2), Z(1, 3, 2, 2), NULL, 0, 0), GM_ESHAPE, "G a divisor of H");
    fails(gm_attention(t, Z(1, 4, 2, 2), Z(1, 2, 2, 2), Z(1, 2, 3, 2), NULL, 0, 0), GM_ESHAPE, "[1,3,2,2]");
    fails(gm_attention(t, Z(2, 4, 2, 2), Z(1, 4, 2, 2), Z(1, 4, 2, 2), NULL, 0, 0), GM_ESHAPE, "attention: ");
    fails(gm_attention(t, Z(1, 1, 2, 2), zeros(GM_F64, 1, 1, 2, 2), Z(1, 1, 2, 2), NULL, 0, 0), GM_EDTYPE, "types differ: q f32, k f64, v f32");
    fails(gm_attention(t, zeros(GM_I32, 1, 1, 2, 2), Z(1, 1, 2, 2), Z(1, 1, 2, 2), NULL, 0, 0), GM_EDTYPE, "q is i32");
    fails(gm_attention(t, Z(1, 1, 2, 2), Z(1, 1, 3, 2), Z(1, 1, 3, 2), Z(1, 1, 3, 2), 0, 0), GM_ESHAPE, "mask [1,1,3,2] does not broadcast to [B,H,T,S] = [1,1,2,3]");
    fails(gm_attention(t, Z(1, 1, 2, 2), Z(1, 1, 3, 2), Z(1, 1, 3, 2), Z(5, 1, 2, 3), 0, 0), GM_ESHAPE, "does not broadcast");
    fails(gm_attention(t, Z(1, 1, 2, 2), Z(1, 1, 3, 2), Z(1, 1, 3, 2), zeros(GM_I64, 1, 1, 2, 3), 0, 0), GM_EDTYPE, "mask is i64; u8 or f32 wanted");
    fails(gm_attention(t, Z(1, 1, 2, 2), Z(1, 1, 3, 2), Z(1, 1, 3, 2), NULL, NAN, 0), GM_EARG, "scale");
    fails(gm_rope(t, NULL, 0, 10000), GM_EARG, "rope: x is NULL");
    fails(gm_rope(t, Z(1, 1, 2, 3), 0, 10000), GM_ESHAPE, "even");
    fails(gm_rope(t, gm_zeros(t, GM_F32, 1, SHAPE(4)), 0, 10000), GM_ESHAPE, "rope: x has shape [4]");
    fails(gm_rope(t, zeros(GM_I32, 1, 1, 2, 4), 0, 10000), GM_EDTYPE, "rope");
    fails(gm_rope(t, Z(1, 1, 2, 4), -1, 10000), GM_EARG, "first place -1");
    fails(gm_rope(t, Z(1, 1, 2, 4), 0, 0), GM_EARG, "base 0");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("attention");
    TCase *c = tcase_create("attention");
    const TTest *const tests[] = {weights_sum_to_one, the_future_changes_nothing, heads_are_single_heads_and_groups_are_repeated, padding_and_caches,
                                  one_tensor_three_times, extremes, memory_grows_with_the_length, heads_lie_as_projections_leave_them, parts_that_overlap, rotary_positions, turned_parts_of_a_projection,
                                  wrong_arguments};
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_set_timeout(c, 60);
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) tcase_add_test(c, tests[i]);
    tcase_add_loop_test(c, equals_a_double_loop, 0, LEVELS);
    tcase_add_loop_test(c, gradients_of_larger_sizes, 0, 4 * LEVELS);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
