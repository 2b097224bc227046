/* Shape and index ops that are made of others: values worked out by hand, gradients by differences, wrong input. */
#include "ops/on_tape.h"
#include "ops/samples.h"
#include <gm/gm.h>

static gm_tensor *of(int dtype, int ndim, const int64_t *shape, const double *v)
{
    gm_tensor *x = gm__tape_tensor(t, GM_F64, ndim, shape);
    ck_assert_ptr_nonnull(x);
    for (int64_t e = 0; e < x->size; e++) gm__f64(x)[e] = v[e];
    return gm_cast(t, x, dtype);
}
/* 0, 1, 2, .. */
static gm_tensor *counted(int ndim, const int64_t *shape) { return gm_reshape(t, gm_arange(t, GM_F64, 0, ndim == 1 ? (double)shape[0] : (double)(shape[0] * shape[1]), 1), ndim, shape); }

static void is(const gm_tensor *x, int ndim, const int64_t *shape, const double *v)
{
    ck_assert_msg(x != NULL, "%s", gm_tape_message(t));
    ck_assert_int_eq(x->ndim, ndim);
    for (int d = 0; d < ndim; d++) ck_assert_int_eq(x->shape[d], shape[d]);
    for (int64_t e = 0; e < x->size; e++) ck_assert_msg(close_to(element(x, e), v[e], 1e-15), "element %lld is %.17g, not %.17g", (long long)e, element(x, e), v[e]);
}
static void fails(const void *y, gm_status s, const char *message)
{
    ck_assert_ptr_null(y);
    ck_assert_int_eq(gm_tape_status(t), s);
    ck_assert_str_eq(gm_tape_message(t), message);
    gm_tape_reset(t);
}

START_TEST(sizes_of_one)
{
    gm_tensor *x = counted(2, SHAPE(2, 3)), *y = gm_unsqueeze(t, gm_unsqueeze(t, x, 1), -1);
    is(y, 4, SHAPE(2, 1, 3, 1), VALUES(0, 1, 2, 3, 4, 5));
    is(gm_squeeze(t, y, GM_ALL_AXES), 2, SHAPE(2, 3), VALUES(0, 1, 2, 3, 4, 5));
    is(gm_squeeze(t, y, -3), 3, SHAPE(2, 3, 1), VALUES(0, 1, 2, 3, 4, 5));
    is(gm_flatten(t, y, 0, 2), 2, SHAPE(6, 1), VALUES(0, 1, 2, 3, 4, 5));
    is(gm_flatten(t, y, -2, -1), 3, SHAPE(2, 1, 3), VALUES(0, 1, 2, 3, 4, 5));
    is(gm_flatten(t, gm_transpose(t, x, 0, 1), 0, 1), 1, SHAPE(6), VALUES(0, 3, 1, 4, 2, 5));
    is(gm_movedim(t, y, 2, 0), 4, SHAPE(3, 2, 1, 1), VALUES(0, 3, 1, 4, 2, 5));
    is(gm_movedim(t, x, 0, -1), 2, SHAPE(3, 2), VALUES(0, 3, 1, 4, 2, 5));
    ck_assert_ptr_eq(y->data, x->data); /* views */
    fails(gm_squeeze(t, counted(2, SHAPE(2, 3)), 1), GM_ESHAPE, "squeeze: axis 1 has size 3, not 1");
    fails(gm_unsqueeze(t, counted(1, SHAPE(2)), 2), GM_ESHAPE, "unsqueeze: axis 2 is not in [-2,2)");
    fails(gm_flatten(t, counted(2, SHAPE(2, 3)), 1, 0), GM_ESHAPE, "flatten: axis 0 comes before axis 1");
    fails(gm_squeeze(t, NULL, 0), GM_EARG, "reshape: input 0 is NULL");
}
END_TEST

START_TEST(parts)
{
    gm_tensor *x = counted(2, SHAPE(2, 5)), *out[5];
    ck_assert_int_eq(gm_split(t, x, 1, 3, SHAPE(2, 0, 3), out), GM_OK);
    is(out[0], 2, SHAPE(2, 2), VALUES(0, 1, 5, 6));
    is(out[1], 2, SHAPE(2, 0), NULL);
    is(out[2], 2, SHAPE(2, 3), VALUES(2, 3, 4, 7, 8, 9));
    ck_assert_int_eq(gm_chunk(t, x, 0, 2, out), GM_OK);
    is(out[1], 2, SHAPE(1, 5), VALUES(5, 6, 7, 8, 9));
    ck_assert_int_eq(gm_unstack(t, x, -1, 5, out), GM_OK);
    is(out[3], 1, SHAPE(2), VALUES(3, 8));
    ck_assert_int_eq(gm_split(t, x, 1, 2, SHAPE(2, 2), out), GM_ESHAPE);
    fails(out[0], GM_ESHAPE, "split: the parts make 4, axis 1 of [2,5] has 5");
    x = counted(2, SHAPE(2, 5));
    ck_assert_int_eq(gm_chunk(t, x, 1, 2, out), GM_ESHAPE);
    fails(out[1], GM_ESHAPE, "chunk: axis 1 of size 5 is no multiple of 2");
    x = counted(2, SHAPE(2, 5));
    ck_assert_int_eq(gm_unstack(t, x, 1, 4, out), GM_EARG);
    fails(out[3], GM_EARG, "unstack: 4 parts of axis 1 of size 5, or out is NULL");
    ck_assert_int_eq(gm_split(t, counted(1, SHAPE(2)), 0, 2, SHAPE(3, -1), out), GM_EARG);
    fails(out[0], GM_EARG, "split: part 1 has size -1");
}
END_TEST

START_TEST(repetition)
{
    gm_tensor *x = counted(2, SHAPE(2, 2));
    is(gm_repeat(t, x, SHAPE(2, 3)), 2, SHAPE(4, 6), VALUES(0, 1, 0, 1, 0, 1, 2, 3, 2, 3, 2, 3, 0, 1, 0, 1, 0, 1, 2, 3, 2, 3, 2, 3));
    is(gm_repeat(t, x, SHAPE(1, 0)), 2, SHAPE(2, 0), NULL);
    is(gm_repeat_interleave(t, x, 2, 0), 2, SHAPE(4, 2), VALUES(0, 1, 0, 1, 2, 3, 2, 3));
    is(gm_repeat_interleave(t, x, 2, -1), 2, SHAPE(2, 4), VALUES(0, 0, 1, 1, 2, 2, 3, 3));
    is(gm_repeat(t, gm_zeros(t, GM_F64, 2, SHAPE(0, 3)), SHAPE(2, 2)), 2, SHAPE(0, 6), NULL);
    fails(gm_repeat(t, counted(1, SHAPE(2)), SHAPE(-1)), GM_EARG, "repeat: axis 0 of [2] -1 times");
    fails(gm_repeat(t, counted(1, SHAPE(2)), NULL), GM_EARG, "repeat: times is NULL");
}
END_TEST

START_TEST(padding)
{
    gm_tensor *x = counted(1, SHAPE(4)), *y;
    is(gm_pad(t, x, SHAPE(2), SHAPE(3), GM_PAD_CONSTANT, 7), 1, SHAPE(9), VALUES(7, 7, 0, 1, 2, 3, 7, 7, 7));
    is(gm_pad(t, x, SHAPE(2), SHAPE(3), GM_PAD_REFLECT, 0), 1, SHAPE(9), VALUES(2, 1, 0, 1, 2, 3, 2, 1, 0));
    is(gm_pad(t, x, SHAPE(2), SHAPE(3), GM_PAD_REPLICATE, 0), 1, SHAPE(9), VALUES(0, 0, 0, 1, 2, 3, 3, 3, 3));
    is(gm_pad(t, x, SHAPE(2), SHAPE(3), GM_PAD_CIRCULAR, 0), 1, SHAPE(9), VALUES(2, 3, 0, 1, 2, 3, 0, 1, 2));
    y = gm_pad(t, counted(2, SHAPE(2, 2)), SHAPE(1, 1), SHAPE(0, 1), GM_PAD_REFLECT, 0);
    is(y, 2, SHAPE(3, 4), VALUES(3, 2, 3, 2, 1, 0, 1, 0, 3, 2, 3, 2));
    is(gm_pad(t, x, SHAPE(0), SHAPE(0), GM_PAD_REFLECT, 0), 1, SHAPE(4), VALUES(0, 1, 2, 3));
    const int64_t six[6] = {1, 1, 1, 1, 1, 1};
    y = gm_pad(t, gm_full(t, GM_F32, 6, six, 2), six, six, GM_PAD_CONSTANT, 1);
    ck_assert_msg(y != NULL, "%s", gm_tape_message(t));
    ck_assert_int_eq(y->size, 729);
    ck_assert_double_eq(element(gm_sum(t, y, GM_ALL_AXES, 0), 0), 730);
    fails(gm_pad(t, counted(1, SHAPE(4)), SHAPE(4), SHAPE(0), GM_PAD_REFLECT, 0), GM_ESHAPE, "pad: 4 and 0 around axis 0 of [4], at most 3 can be in this mode");
    fails(gm_pad(t, counted(1, SHAPE(4)), SHAPE(0), SHAPE(5), GM_PAD_CIRCULAR, 0), GM_ESHAPE, "pad: 0 and 5 around axis 0 of [4], at most 4 can be in this mode");
    fails(gm_pad(t, gm_zeros(t, GM_F32, 1, SHAPE(0)), SHAPE(1), SHAPE(0), GM_PAD_REPLICATE, 0), GM_ESHAPE, "pad: 1 and 0 around axis 0 of [0], at most 0 can be in this mode");
    fails(gm_pad(t, counted(1, SHAPE(4)), SHAPE(-1), SHAPE(0), GM_PAD_CONSTANT, 0), GM_EARG, "pad: -1 and 0 around axis 0; negative sizes are gm_slice's");
    fails(gm_pad(t, counted(1, SHAPE(4)), SHAPE(0), SHAPE(0), 4, 0), GM_EARG, "pad: 4 is no mode");
    fails(gm_pad(t, counted(1, SHAPE(4)), SHAPE(INT64_MAX), SHAPE(0), GM_PAD_CONSTANT, 0), GM_ESHAPE, "pad: 9223372036854775807 and 0 around [4] is too large");
    fails(gm_pad(t, NULL, NULL, NULL, 0, 0), GM_EARG, "reshape: input 0 is NULL");
}
END_TEST

START_TEST(order)
{
    gm_tensor *x = of(GM_F32, 1, SHAPE(7), VALUES(3, NAN, -1, 3, INFINITY, NAN, -2)), *at;
    is(gm_sort(t, x, 0, 0, &at), 1, SHAPE(7), VALUES(-2, -1, 3, 3, INFINITY, NAN, NAN));
    is(at, 1, SHAPE(7), VALUES(6, 2, 0, 3, 4, 1, 5)); /* equals and NaNs as they came */
    is(gm_sort(t, x, 0, 1, &at), 1, SHAPE(7), VALUES(NAN, NAN, INFINITY, 3, 3, -1, -2));
    is(at, 1, SHAPE(7), VALUES(1, 5, 4, 0, 3, 2, 6));
    is(gm_topk(t, x, 3, -1, 1, &at), 1, SHAPE(3), VALUES(NAN, NAN, INFINITY));
    is(gm_topk(t, x, 2, 0, 0, NULL), 1, SHAPE(2), VALUES(-2, -1));
    /* the long way and the short way agree, NaNs and equals included */
    gm_tensor *many = gm_zeros(t, GM_F64, 1, SHAPE(500));
    for (int i = 0; i < 500; i++) gm__f64(many)[i] = i % 17 == 3 ? NAN : (double)(i * 7919 % 23);
    for (int down = 0; down < 2; down++) {
        gm_tensor *all = gm_argsort(t, many, 0, down), *few;
        ck_assert_ptr_nonnull(gm_topk(t, many, 64, 0, down, &few));
        for (int i = 0; i < 64; i++) ck_assert_double_eq(element(all, i), element(few, i));
    }
    fails(gm_topk(t, counted(1, SHAPE(4)), 5, 0, 1, &at), GM_EARG, "topk: 5 of axis 0 of [4]");
    ck_assert_ptr_null(at);
    fails(gm_sort(t, gm_zeros(t, GM_I64, 1, SHAPE(4)), 0, 0, NULL), GM_EDTYPE, "argsort: input 0 is i64, f32 or f64 wanted");
    fails(gm_argsort(t, counted(1, SHAPE(4)), 1, 0), GM_ESHAPE, "argsort: axis 1 is not in [-1,1)");
}
END_TEST

START_TEST(made)
{
    is(gm_arange(t, GM_I64, 2, 8, 2.5), 1, SHAPE(3), VALUES(2, 4, 7));
    is(gm_arange(t, GM_F32, 1, 1, 1), 1, SHAPE(0), NULL);
    is(gm_arange(t, GM_F64, 3, 0, -1), 1, SHAPE(3), VALUES(3, 2, 1));
    is(gm_linspace(t, GM_F64, 0, 1, 5), 1, SHAPE(5), VALUES(0, 0.25, 0.5, 0.75, 1));
    is(gm_linspace(t, GM_F64, 2, 9, 1), 1, SHAPE(1), VALUES(2));
    gm_tensor *thirds = gm_linspace(t, GM_F64, 0.1, 0.7, 4);
    ck_assert(gm__f64(thirds)[0] == 0.1 && gm__f64(thirds)[3] == 0.7);
    is(gm_eye(t, GM_U8, 2, 3), 2, SHAPE(2, 3), VALUES(1, 0, 0, 0, 1, 0));
    is(gm_eye(t, GM_F32, 0, 3), 2, SHAPE(0, 3), NULL);
    is(gm_diag(t, counted(1, SHAPE(2)), -1), 2, SHAPE(3, 3), VALUES(0, 0, 0, 0, 0, 0, 0, 1, 0));
    is(gm_one_hot(t, of(GM_I32, 1, SHAPE(2), VALUES(2, 0)), 3, GM_F32), 2, SHAPE(2, 3), VALUES(0, 0, 1, 1, 0, 0));
    fails(gm_arange(t, GM_F32, 0, 1, 0), GM_EARG, "arange: from 0 to 1 by 0");
    fails(gm_arange(t, GM_F32, 0, INFINITY, 1), GM_EARG, "arange: from 0 to inf by 1");
    fails(gm_arange(t, 9, 0, 1, 1), GM_EDTYPE, "arange: no type has number 9");
    fails(gm_linspace(t, GM_F32, 0, 1, -1), GM_EARG, "linspace: -1 numbers");
    fails(gm_eye(t, GM_F32, -1, 2), GM_ESHAPE, "eye: -1 x 2");
    fails(gm_one_hot(t, of(GM_I64, 1, SHAPE(2), VALUES(0, 3)), 3, GM_F32), GM_EARG, "one_hot: index 3 at position 1 is not in [0,3)");
    fails(gm_one_hot(t, of(GM_I64, 1, SHAPE(1), VALUES(0)), 3, GM_I64), GM_EDTYPE, "one_hot: the result has type number 3, f32 or f64 wanted");
    fails(gm_diag(t, gm_zeros(t, GM_F32, 0, NULL), 0), GM_ESHAPE, "diag: x has shape [], vectors wanted");
    fails(gm_diagonal(t, counted(1, SHAPE(4)), 0), GM_ESHAPE, "diagonal: x has shape [4], matrices wanted");
    fails(gm_diagonal(t, counted(2, SHAPE(2, 3)), 4), GM_ESHAPE, "diagonal: [2,3] has no diagonal 4");
    fails(gm_tril(t, counted(1, SHAPE(4)), 0), GM_ESHAPE, "tril: x has shape [4], matrices wanted");
}
END_TEST

START_TEST(indices)
{
    gm_tensor *x = counted(2, SHAPE(2, 3)), *ix = of(GM_I64, 1, SHAPE(3), VALUES(2, 0, 2));
    is(gm_index_select(t, x, 1, ix), 2, SHAPE(2, 3), VALUES(2, 0, 2, 5, 3, 5));
    is(gm_index_add(t, x, -1, ix, gm_full(t, GM_F64, 2, SHAPE(2, 3), 10)), 2, SHAPE(2, 3), VALUES(10, 1, 22, 13, 4, 25));
    gm_tensor *at = of(GM_I32, 2, SHAPE(2, 2), VALUES(1, 1, 0, 2)), *src = of(GM_F64, 2, SHAPE(2, 2), VALUES(10, 20, 30, 40));
    is(gm_scatter(t, x, 1, at, src), 2, SHAPE(2, 3), VALUES(0, 20, 2, 30, 4, 40)); /* the last wins */
    is(gm_scatter_add(t, x, 1, at, src), 2, SHAPE(2, 3), VALUES(0, 31, 2, 33, 4, 45));
    gm_tensor *mask = of(GM_U8, 2, SHAPE(2, 3), VALUES(1, 0, 1, 0, 0, 1));
    is(gm_nonzero(t, mask), 1, SHAPE(3), VALUES(0, 2, 5));
    is(gm_masked_select(t, gm_transpose(t, gm_transpose(t, x, 0, 1), 0, 1), mask), 1, SHAPE(3), VALUES(0, 2, 5));
    is(gm_flip(t, x, 2, (const int32_t[]){0, -1}), 2, SHAPE(2, 3), VALUES(5, 4, 3, 2, 1, 0));
    is(gm_roll(t, x, INT64_MIN, 1), 2, SHAPE(2, 3), VALUES(2, 0, 1, 5, 3, 4)); /* -2^63 is 1 modulo 3 */
    fails(gm_index_select(t, counted(1, SHAPE(4)), 0, of(GM_I64, 1, SHAPE(2), VALUES(0, -1))), GM_EARG, "index_select: index -1 at position 1 is not in [0,4)");
    fails(gm_index_select(t, counted(1, SHAPE(4)), 0, of(GM_I64, 2, SHAPE(1, 1), VALUES(0))), GM_ESHAPE, "index_select: the index has shape [1,1], one axis wanted");
    fails(gm_index_select(t, counted(1, SHAPE(4)), 0, counted(1, SHAPE(2))), GM_EDTYPE, "index_select: the index is f64, i32 or i64 wanted");
    fails(gm_index_add(t, counted(1, SHAPE(4)), 0, of(GM_I64, 1, SHAPE(2), VALUES(0, 1)), counted(1, SHAPE(3))), GM_ESHAPE, "index_sum: 2 indices for [3] along axis 0");
    fails(gm_scatter(t, counted(1, SHAPE(4)), 0, of(GM_I64, 1, SHAPE(2), VALUES(0, 1)), counted(1, SHAPE(3))), GM_ESHAPE, "scatter: src [3] and index [2] differ");
    fails(gm_scatter(t, counted(1, SHAPE(4)), 0, of(GM_I64, 1, SHAPE(1), VALUES(4)), counted(1, SHAPE(1))), GM_EARG, "scatter: index 4 at position 0 is not in [0,4)");
    fails(gm_masked_select(t, counted(1, SHAPE(4)), of(GM_U8, 1, SHAPE(2), VALUES(0, 1))), GM_ESHAPE, "masked_select: x [4] and mask [2] differ");
    fails(gm_masked_select(t, counted(1, SHAPE(4)), counted(1, SHAPE(4))), GM_EDTYPE, "nonzero: the mask is f64, u8 wanted");
    fails(gm_flip(t, counted(1, SHAPE(4)), 2, (const int32_t[]){0, -1}), GM_EARG, "flip: axis -1 is named twice");
    fails(gm_flip(t, counted(1, SHAPE(4)), 1, (const int32_t[]){1}), GM_ESHAPE, "flip: axis 1 is not in [-1,1)");
    fails(gm_roll(t, counted(1, SHAPE(4)), 1, 3), GM_ESHAPE, "roll: axis 3 is not in [-1,1)");
}
END_TEST

START_TEST(vectors)
{
    gm_tensor *x = counted(1, SHAPE(3)), *y = counted(1, SHAPE(2)), *m = counted(2, SHAPE(2, 3));
    is(gm_outer(t, x, y), 2, SHAPE(3, 2), VALUES(0, 0, 0, 1, 0, 2));
    is(gm_dot(t, x, x), 0, NULL, VALUES(5));
    is(gm_dot(t, m, m), 1, SHAPE(2), VALUES(5, 50));
    is(gm_trace(t, m), 0, NULL, VALUES(4));
    fails(gm_outer(t, m, y), GM_ESHAPE, "outer: two vectors wanted, got [2,3] and [2]");
    fails(gm_dot(t, counted(1, SHAPE(3)), counted(1, SHAPE(2))), GM_ESHAPE, "dot: shapes differ or have no axis: [3] and [2]");
}
END_TEST

/* all of them in one expression: x [3,4], y [5] */
static gm_tensor *everything(gm_tape *tape, gm_tensor *const *in, int32_t n, void *user)
{
    gm_tensor *out[4], *x = in[0], *sum;
    int64_t one[2] = {1, 2}, two[2] = {2, 1};
    (void)n;
    (void)user;
    if (gm_chunk(tape, x, 1, 2, out)) return NULL;
    sum = gm_sum(tape, gm_square(tape, gm_mul(tape, out[0], out[1])), GM_ALL_AXES, 0);
    if (gm_unstack(tape, x, 0, 3, out)) return NULL;
    sum = gm_add(tape, sum, gm_dot(tape, out[0], gm_square(tape, out[2])));
    for (int mode = GM_PAD_CONSTANT; mode <= GM_PAD_CIRCULAR; mode++) {
        gm_tensor *p = gm_pad(tape, x, one, two, mode, 0.5);
        sum = gm_add(tape, sum, gm_sum(tape, gm_mul(tape, gm_square(tape, p), gm_roll(tape, p, mode + 1, 1)), GM_ALL_AXES, 0));
    }
    sum = gm_add(tape, sum, gm_trace(tape, gm_matmul(tape, gm_outer(tape, in[1], in[1]), gm_diag(tape, in[1], 0))));
    gm_tensor *r = gm_repeat(tape, x, two), *s = gm_repeat_interleave(tape, x, 2, 0);
    sum = gm_add(tape, sum, gm_sum(tape, gm_mul(tape, r, gm_square(tape, s)), GM_ALL_AXES, 0));
    sum = gm_add(tape, sum, gm_dot(tape, gm_square(tape, gm_sort(tape, in[1], 0, 1, NULL)), gm_linspace(tape, GM_F64, 1, 3, 5)));
    return gm_add(tape, sum, gm_sum(tape, gm_square(tape, gm_masked_select(tape, x, gm_gt(tape, x, gm_zeros(tape, GM_F64, 0, NULL)))), GM_ALL_AXES, 0));
}
START_TEST(gradients)
{
    gm_tensor *in[2];
    double error = 1;
    ck_assert_int_eq(gm_tensor_new(ctx, GM_F64, 2, SHAPE(3, 4), &in[0]), GM_OK);
    ck_assert_int_eq(gm_tensor_new(ctx, GM_F64, 1, SHAPE(5), &in[1]), GM_OK);
    for (int j = 0; j < 2; j++) {
        for (int64_t e = 0; e < in[j]->size; e++) gm__f64(in[j])[e] = 2 * hash_unit("shape", 1, (unsigned)j, (unsigned)e) - 1;
        gm_tensor_set_grad(in[j], 1);
    }
    ck_assert_msg(!gm_gradcheck(ctx, everything, NULL, in, 2, 2, &error), "%s", gm_ctx_message(ctx));
    ck_assert_msg(error < 1e-7, "off by %g", error);
    gm_tensor_free(in[0]);
    gm_tensor_free(in[1]);
}
END_TEST

/* an embedding large enough for the pool: the same sums, bit by bit, whatever the number of threads */
START_TEST(sums_over_threads)
{
    float *kept = NULL;
    for (int threads = 1; threads <= 3; threads += 2) {
        gm_ctx_config c;
        gm_ctx *own = NULL;
        gm_tape *tape = NULL;
        gm_tensor *table = NULL;
        gm_ctx_config_init(&c, sizeof c);
        c.threads = threads;
        ck_assert_int_eq(gm_ctx_new(&c, &own), GM_OK);
        ck_assert_int_eq(gm_tape_new(own, 1, &tape), GM_OK);
        ck_assert_int_eq(gm_tensor_new(own, GM_F32, 2, SHAPE(1000, 33), &table), GM_OK);
        gm_tensor_set_grad(table, 1);
        gm_tensor *ix = gm_cast(tape, gm_uniform(tape, 1, SHAPE(5000), 0, 1000), GM_I64);
        gm_tensor *y = gm_embedding(tape, table, ix), *w = gm_normal(tape, 2, SHAPE(5000, 33), 0, 1);
        ck_assert_int_eq(gm_tape_backward(tape, gm_sum(tape, gm_mul(tape, y, w), GM_ALL_AXES, 0)), GM_OK);
        const float *g = gm__f32(gm_tensor_grad(table));
        if (!kept) {
            kept = malloc(33000 * sizeof *kept);
            memcpy(kept, g, 33000 * sizeof *kept);
            double *want = calloc(33000, sizeof *want); /* the sums in double */
            for (int i = 0; i < 5000; i++)
                for (int k = 0; k < 33; k++) want[((const int64_t *)(void *)ix->data)[i] * 33 + k] += (double)gm__f32(w)[i * 33 + k];
            for (int i = 0; i < 33000; i++) ck_assert(close_to((double)g[i], want[i], 1e-5));
            free(want);
        } else {
            ck_assert_int_eq(memcmp(kept, g, 33000 * sizeof *kept), 0);
        }
        gm_tensor_free(table);
        gm_tape_free(tape);
        gm_ctx_free(own);
    }
    free(kept);
}
END_TEST

/* Copies of every order of axes, of all element sizes, small and large, on one thread and three: byte by byte. */
static void check_copy(gm_tape *tape, gm_tensor *x, const int32_t *axes, bool gap)
{
    gm_tensor *p = gm_permute(tape, gap ? gm_slice(tape, x, 3, 1, INT64_MAX, 2) : x, axes), *y = p ? gm__copy(tape, p) : NULL;
    ck_assert_msg(y != NULL, "%s", gm_tape_message(tape));
    size_t es = gm_dtype_size(y->dtype);
    const char *at = y->data;
    ck_assert(y->contiguous || y->size == 0);
    for (int64_t a = 0; a < p->shape[0]; a++)
        for (int64_t b = 0; b < p->shape[1]; b++)
            for (int64_t c = 0; c < p->shape[2]; c++)
                for (int64_t d = 0; d < p->shape[3]; d++, at += es)
                    if (memcmp(at, p->data + (a * p->stride[0] + b * p->stride[1] + c * p->stride[2] + d * p->stride[3]) * (int64_t)es, es))
                        ck_abort_msg("axes %d%d%d%d, type %d: [%d,%d,%d,%d] differs", axes[0], axes[1], axes[2], axes[3], y->dtype, (int)a, (int)b, (int)c, (int)d);
}
START_TEST(copies)
{
    static const int64_t shapes[][4] = {{3, 37, 5, 131}, {2, 1, 65, 33}, {1, 7, 1, 40}, {40, 33, 1, 70}, {0, 3, 2, 2}};
    static const int types[] = {GM_U8, GM_BF16, GM_F32, GM_I64};
    for (int threads = 1; threads <= 3; threads += 2) {
        gm_ctx_config c;
        gm_ctx *own = NULL;
        gm_tape *tape = NULL;
        gm_ctx_config_init(&c, sizeof c);
        c.threads = threads;
        ck_assert_int_eq(gm_ctx_new(&c, &own), GM_OK);
        ck_assert_int_eq(gm_tape_new(own, 1, &tape), GM_OK);
        for (size_t s = 0; s < GM__COUNT(shapes); s++)
            for (size_t k = 0; k < GM__COUNT(types); k++) {
                gm_tape_reset(tape);
                gm_tensor *x = gm_cast(tape, gm_uniform(tape, 4, shapes[s], 0, 255), types[k]);
                for (int32_t code = 0; code < 256; code++) {
                    int32_t axes[4] = {code & 3, code >> 2 & 3, code >> 4 & 3, code >> 6};
                    if ((1 << axes[0] | 1 << axes[1] | 1 << axes[2] | 1 << axes[3]) != 15) continue;
                    uint64_t mark = gm_tape_push(tape);
                    check_copy(tape, x, axes, code & 1);
                    gm_tape_pop(tape, mark, NULL);
                }
            }
        gm_tape_free(tape);
        gm_ctx_free(own);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {sizes_of_one, parts, repetition, padding, order, made, indices, vectors, gradients, sums_over_threads, copies};
    Suite *s = suite_create("shape");
    TCase *c = tcase_create("shape");
    tcase_add_checked_fixture(c, setup, teardown);
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) tcase_add_test(c, tests[i]);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
