/* test_tensor.c - tensors: making, wrapping, reading, writing, conversion, walks. */
#include "tensor/tensor.h"
#include <check.h>
#include <gm/gm.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static gm_ctx *ctx;
static void open_ctx(void) { ck_assert_int_eq(gm_ctx_new(NULL, &ctx), GM_OK); }
static void close_ctx(void) { gm_ctx_free(ctx); }

static gm_tensor *make(int32_t dtype, int32_t ndim, const int64_t *shape, const void *data)
{
    gm_tensor *t = NULL;
    ck_assert_int_eq(gm_tensor_copy(ctx, dtype, ndim, shape, data, &t), GM_OK);
    return t;
}

static uint64_t live(void)
{
    gm_memory m = {.struct_size = sizeof m};
    gm_ctx_memory(ctx, &m);
    return m.live_bytes;
}

START_TEST(new_and_getters)
{
    uint64_t before = live();
    int64_t shape[3] = {2, 3, 4};
    gm_tensor *t = NULL;
    ck_assert_int_eq(gm_tensor_new(ctx, GM_F32, 3, shape, &t), GM_OK);
    ck_assert_int_eq(gm_tensor_dtype(t), GM_F32);
    ck_assert_int_eq(gm_tensor_ndim(t), 3);
    ck_assert_int_eq(gm_tensor_size(t), 24);
    ck_assert_int_eq(gm_tensor_dim(t, 1), 3);
    ck_assert_int_eq(gm_tensor_dim(t, -1), 4);
    ck_assert_int_eq(gm_tensor_dim(t, 3), -1);
    ck_assert_int_eq(gm_tensor_stride(t, 0), 12);
    ck_assert_int_eq(gm_tensor_stride(t, -4), 0);
    ck_assert_int_eq((uintptr_t)gm_tensor_data(t) % 64, 0);
    for (int i = 0; i < 24; i++) ck_assert(((float *)gm_tensor_data(t))[i] == 0);
    gm_tensor_free(t);
    ck_assert_uint_eq(live(), before);

    ck_assert_int_eq(gm_tensor_new(ctx, GM_I64, 0, NULL, &t), GM_OK); /* one number */
    ck_assert_int_eq(gm_tensor_size(t), 1);
    gm_tensor_free(t);
    int64_t none[2] = {0, 5};
    ck_assert_int_eq(gm_tensor_new(ctx, GM_U8, 2, none, &t), GM_OK);
    ck_assert_int_eq(gm_tensor_size(t), 0);
    ck_assert_int_eq(gm_tensor_read(t, NULL, 0), GM_OK);
    gm_tensor_free(t);
    gm_tensor_free(NULL);
    ck_assert_int_eq(gm_tensor_dtype(NULL), -1);
    ck_assert_int_eq(gm_tensor_ndim((gm_tensor *)ctx), -1); /* a handle of another kind */
    ck_assert_ptr_null(gm_tensor_data((gm_tensor *)ctx));
    ck_assert_str_eq(gm_dtype_name(GM_BF16), "bf16");
    ck_assert_str_eq(gm_dtype_name(6), "?");
    ck_assert_uint_eq(gm_dtype_size(GM_I64), 8);
    ck_assert_uint_eq(gm_dtype_size(-1), 0);
}
END_TEST

START_TEST(refusals)
{
    gm_tensor *t = (gm_tensor *)1;
    int64_t neg[2] = {3, -1}, huge[3] = {INT64_MAX / 2, 4, 4}, hidden[3] = {0, INT64_MAX, INT64_MAX}, ok[1] = {2};
    int64_t nine[9] = {1, 1, 1, 1, 1, 1, 1, 1, 1};
    ck_assert_int_eq(gm_tensor_new(ctx, GM_F32, 2, neg, &t), GM_ESHAPE);
    ck_assert_ptr_null(t);
    ck_assert_str_eq(gm_ctx_message(ctx), "tensor: negative size in shape [3,-1]");
    ck_assert_int_eq(gm_tensor_new(ctx, GM_F32, 3, huge, &t), GM_ESHAPE);
    ck_assert_int_eq(gm_tensor_new(ctx, GM_F32, 3, hidden, &t), GM_ESHAPE);
    ck_assert_int_eq(gm_tensor_new(ctx, GM_F32, 9, nine, &t), GM_ESHAPE);
    ck_assert_int_eq(gm_tensor_new(ctx, 6, 1, ok, &t), GM_EARG);
    ck_assert_int_eq(gm_tensor_new(ctx, GM_F32, 1, NULL, &t), GM_EARG);
    ck_assert_int_eq(gm_tensor_new(NULL, GM_F32, 1, ok, &t), GM_EARG);
    ck_assert_int_eq(gm_tensor_new(ctx, GM_F32, 1, ok, NULL), GM_EARG);
    ck_assert_int_eq(gm_tensor_copy(ctx, GM_F32, 1, ok, NULL, &t), GM_EARG);
    gm_ctx_config c;
    gm_ctx_config_init(&c, sizeof c);
    c.max_bytes = 1 << 20;
    gm_ctx *small = NULL;
    int64_t big[1] = {1 << 20};
    ck_assert_int_eq(gm_ctx_new(&c, &small), GM_OK);
    ck_assert_int_eq(gm_tensor_new(small, GM_F64, 1, big, &t), GM_ENOMEM);
    ck_assert_str_eq(gm_ctx_message(small), "tensor: out of memory or over the cap (8388608 bytes)");
    gm_ctx_free(small);
    ck_assert_ptr_null(t);

    float x[4] = {1, 2, 3, 4};
    ck_assert_int_eq(gm_tensor_copy(ctx, GM_F32, 1, ok, x, &t), GM_OK);
    ck_assert_int_eq(gm_tensor_read(t, x, 4), GM_ESHAPE);
    ck_assert_str_eq(gm_ctx_message(ctx), "read: 4 bytes given, the tensor has 8");
    ck_assert_int_eq(gm_tensor_read(t, NULL, 8), GM_EARG);
    ck_assert_int_eq(gm_tensor_write(t, x, 12), GM_ESHAPE);
    ck_assert_int_eq(gm_tensor_read(NULL, x, 8), GM_EARG);
    double v;
    ck_assert_int_eq(gm_tensor_item(t, &v), GM_ESHAPE);
    ck_assert_str_eq(gm_ctx_message(ctx), "item: the tensor has 2 elements (shape [2])");
    gm_tensor_free(t);
}
END_TEST

static int deleted;
static void deleter(void *data, void *user) { deleted += data == user ? 1 : 100; }

START_TEST(wrap)
{
    float x[12];
    for (int i = 0; i < 12; i++) x[i] = (float)i;
    int64_t shape[2] = {3, 2}, stride[2] = {1, 3}, zero[2] = {0, 1}, neg[2] = {-1, 1}, far[2] = {INT64_MAX / 2, 1};
    gm_tensor *t = NULL;
    deleted = 0;
    ck_assert_int_eq(gm_tensor_wrap(ctx, GM_F32, 2, shape, stride, x, deleter, x, &t), GM_OK);
    float y[6], want[6] = {0, 3, 1, 4, 2, 5}, in[6] = {10, 11, 12, 13, 14, 15};
    ck_assert_ptr_eq(gm_tensor_data(t), x);
    ck_assert_int_eq(gm_tensor_read(t, y, sizeof y), GM_OK);
    ck_assert_mem_eq(y, want, sizeof y);
    ck_assert_int_eq(gm_tensor_write(t, in, sizeof in), GM_OK);
    ck_assert(x[3] == 11 && x[1] == 12);
    gm__retain(t);
    gm_tensor_free(t);
    ck_assert_int_eq(deleted, 0);
    gm_tensor_free(t);
    ck_assert_int_eq(deleted, 1);

    deleted = 0;
    ck_assert_int_eq(gm_tensor_wrap(ctx, GM_F32, 2, shape, neg, x, deleter, x, &t), GM_EARG);
    ck_assert_int_eq(gm_tensor_wrap(ctx, GM_F32, 2, shape, far, x, deleter, x, &t), GM_ESHAPE);
    ck_assert_int_eq(gm_tensor_wrap(ctx, GM_F32, 2, shape, NULL, (char *)x + 1, deleter, x, &t), GM_EARG);
    ck_assert_int_eq(gm_tensor_wrap(ctx, GM_F32, 2, shape, NULL, NULL, deleter, x, &t), GM_EARG);
    ck_assert_int_eq(deleted, 0);

    ck_assert_int_eq(gm_tensor_wrap(ctx, GM_F32, 2, shape, zero, x, NULL, NULL, &t), GM_OK); /* rows repeat */
    ck_assert_int_eq(gm_tensor_read(t, y, sizeof y), GM_OK);
    ck_assert(y[0] == y[2] && y[1] == y[5]);
    ck_assert_int_eq(gm_tensor_write(t, y, sizeof y), GM_EARG);
    gm_tensor_free(t);
}
END_TEST

START_TEST(assign)
{
    float a[6] = {1, 2, 3, 4, 5, 6}, row[3] = {7, 8, 9}, got[6];
    int64_t s23[2] = {2, 3}, s3[1] = {3}, s32[2] = {3, 2}, st[2] = {1, 3};
    gm_tensor *d = make(GM_F32, 2, s23, a), *r = make(GM_F32, 1, s3, row), *w = NULL, *f64 = NULL, *ints = NULL;
    uint64_t version = d->version;
    ck_assert_int_eq(gm_tensor_assign(d, r), GM_OK); /* broadcast */
    ck_assert_uint_eq(d->version, version + 1);
    gm_tensor_read(d, got, sizeof got);
    ck_assert(got[0] == 7 && got[5] == 9 && got[3] == 7);
    ck_assert_int_eq(gm_tensor_assign(r, d), GM_ESHAPE);
    ck_assert_str_eq(gm_ctx_message(ctx), "assign: [3] from [2,3]");
    double e[3] = {0.5, -1, 1e300};
    f64 = make(GM_F64, 1, s3, e);
    ck_assert_int_eq(gm_tensor_assign(r, f64), GM_OK); /* converts */
    gm_tensor_read(r, row, sizeof row);
    ck_assert(row[0] == 0.5f && row[1] == -1 && isinf(row[2]));
    int32_t k[3] = {1, 2, 3};
    ints = make(GM_I32, 1, s3, k);
    ck_assert_int_eq(gm_tensor_assign(r, ints), GM_EDTYPE);
    ck_assert_str_eq(gm_ctx_message(ctx), "assign: f32 from i32; cast first");
    ck_assert_int_eq(gm_tensor_assign(r, NULL), GM_EARG);
    ck_assert_int_eq(gm_tensor_assign(NULL, r), GM_EARG);

    float sq[9] = {1, 2, 3, 4, 5, 6, 7, 8, 9}; /* a transpose of itself: read before written */
    int64_t s33[2] = {3, 3};
    gm_tensor *m = NULL, *mt = NULL;
    ck_assert_int_eq(gm_tensor_wrap(ctx, GM_F32, 2, s33, NULL, sq, NULL, NULL, &m), GM_OK);
    ck_assert_int_eq(gm_tensor_wrap(ctx, GM_F32, 2, s33, (int64_t[]){1, 3}, sq, NULL, NULL, &mt), GM_OK);
    ck_assert_int_eq(gm_tensor_assign(m, mt), GM_OK);
    float want[9] = {1, 4, 7, 2, 5, 8, 3, 6, 9};
    ck_assert_mem_eq(sq, want, sizeof sq);

    ck_assert_int_eq(gm_tensor_wrap(ctx, GM_F32, 2, s32, st, a, NULL, NULL, &w), GM_OK);
    gm_tensor_free(d); gm_tensor_free(r); gm_tensor_free(w); gm_tensor_free(f64); gm_tensor_free(ints);
    gm_tensor_free(m); gm_tensor_free(mt);
}
END_TEST

/* Every pair of types, dense and strided, against plain rules. */
START_TEST(conversion)
{
    static const double v[8] = {0, 1, -3.75, 300.5, 3e9, -1e19, 1e19, 2.5};
    int64_t n = 8, gap = 2;
    for (int from = 0; from < 6; from++)
        for (int to = 0; to < 6; to++)
            for (int strided = 0; strided < 2; strided++) {
                char src[8 * 16] = {0}, dst[8 * 8];
                int64_t step = strided ? gap : 1;
                double in[8];
                for (int i = 0; i < 8; i++) {
                    char *p = src + (size_t)(i * step) * gm__esize(from);
                    double x = v[i];
                    float f = (float)x;
                    uint32_t u;
                    if (from == GM_U8) { *(uint8_t *)p = (uint8_t)(i * 36); in[i] = i * 36; }
                    else if (from == GM_I32) { *(int32_t *)p = i == 5 ? INT32_MIN : i * 1000; in[i] = *(int32_t *)p; }
                    else if (from == GM_I64) { *(int64_t *)p = i == 5 ? -((int64_t)1 << 40) : i * 1000; in[i] = (double)*(int64_t *)p; }
                    else if (from == GM_F32) { *(float *)p = f; in[i] = f; }
                    else if (from == GM_F64) { *(double *)p = x; in[i] = x; }
                    else { memcpy(&u, &f, 4); u &= 0xffff0000u; memcpy(&f, &u, 4); *(uint16_t *)p = (uint16_t)(u >> 16); in[i] = f; }
                }
                gm_tensor *s = NULL, *d = NULL;
                ck_assert_int_eq(gm_tensor_wrap(ctx, from, 1, &n, &step, src, NULL, NULL, &s), GM_OK);
                ck_assert_int_eq(gm_tensor_wrap(ctx, to, 1, &n, NULL, dst, NULL, NULL, &d), GM_OK);
                gm__copy_values(ctx, d, s);
                for (int i = 0; i < 8; i++) {
                    char *p = dst + (size_t)i * gm__esize(to);
                    double x = in[i], lo = to == GM_U8 ? 0 : to == GM_I32 ? INT32_MIN : -0x1p63, hi = to == GM_U8 ? 255 : INT32_MAX;
                    double clamped = x <= lo ? lo : to != GM_I64 && x >= hi ? hi : trunc(x);
                    if (to == GM_F64) ck_assert(*(double *)p == x);
                    else if (to == GM_F32) ck_assert(*(float *)p == (float)x);
                    else if (to == GM_U8) ck_assert(*(uint8_t *)p == clamped);
                    else if (to == GM_I32) ck_assert(*(int32_t *)p == clamped);
                    else if (to == GM_I64) { if (x >= 0x1p63) ck_assert(*(int64_t *)p == INT64_MAX); else ck_assert(*(int64_t *)p == (int64_t)clamped); }
                    else {
                        uint32_t u = (uint32_t)*(uint16_t *)p << 16;
                        float f;
                        memcpy(&f, &u, 4);
                        ck_assert(fabs(f - x) <= fabs(x) / 256);
                    }
                }
                gm_tensor_free(s);
                gm_tensor_free(d);
            }
    /* NaN: 0 in integers, NaN in bf16; rounding to even in bf16 */
    double odd[4] = {NAN, INFINITY, -INFINITY, 1.00390625};
    int64_t four = 4;
    gm_tensor *s = make(GM_F64, 1, &four, odd), *i = NULL, *b = NULL;
    gm_tensor_new(ctx, GM_I32, 1, &four, &i);
    gm_tensor_new(ctx, GM_BF16, 1, &four, &b);
    gm__copy_values(ctx, i, s);
    gm__copy_values(ctx, b, s);
    int32_t *ip = gm_tensor_data(i);
    uint16_t *bp = gm_tensor_data(b);
    ck_assert(ip[0] == 0 && ip[1] == INT32_MAX && ip[2] == INT32_MIN && ip[3] == 1);
    ck_assert((bp[0] & 0x7fff) > 0x7f80);
    ck_assert(bp[1] == 0x7f80 && bp[2] == 0xff80 && bp[3] == 0x3f80);
    gm_tensor_free(s); gm_tensor_free(i); gm_tensor_free(b);
}
END_TEST

START_TEST(item)
{
    double v = 0;
    float f = 2.5f;
    int64_t one[2] = {1, 1};
    gm_tensor *t = make(GM_F32, 2, one, &f);
    ck_assert_int_eq(gm_tensor_item(t, &v), GM_OK);
    ck_assert(v == 2.5);
    gm_tensor_free(t);
    int64_t k = 7;
    t = make(GM_I64, 0, NULL, &k);
    ck_assert_int_eq(gm_tensor_item(t, &v), GM_OK);
    ck_assert(v == 7);
    ck_assert_int_eq(gm_tensor_item(t, NULL), GM_EARG);
    gm_tensor_free(t);
}
END_TEST

/* Transposes of many shapes and element sizes against the definition. */
START_TEST(transposed_copies)
{
    static const int64_t sizes[] = {1, 2, 7, 31, 32, 33, 70};
    for (int dtype = 0; dtype < 6; dtype++)
        for (size_t a = 0; a < GM__COUNT(sizes); a++)
            for (size_t b = 0; b < GM__COUNT(sizes); b++) {
                int64_t m = sizes[a], n = sizes[b], shape[3] = {2, m, n}, stride[3] = {m * n, 1, m};
                size_t es = gm__esize(dtype), total = (size_t)(2 * m * n) * es;
                char *x = malloc(total), *y = malloc(total);
                for (size_t i = 0; i < total; i++) x[i] = (char)(i * 7 + i / 251);
                gm_tensor *t = NULL;
                ck_assert_int_eq(gm_tensor_wrap(ctx, dtype, 3, shape, stride, x, NULL, NULL, &t), GM_OK);
                ck_assert_int_eq(gm_tensor_read(t, y, total), GM_OK);
                for (int64_t p = 0; p < 2; p++)
                    for (int64_t i = 0; i < m; i++)
                        for (int64_t j = 0; j < n; j++)
                            ck_assert_mem_eq(y + (size_t)(p * m * n + i * n + j) * es, x + (size_t)(p * m * n + j * m + i) * es, es);
                gm_tensor_free(t);
                free(x);
                free(y);
            }
}
END_TEST

START_TEST(shapes)
{
    int64_t out[8], a[3] = {2, 1, 4}, b[2] = {3, 1}, c[2] = {3, 4}, e[1] = {5};
    int n;
    ck_assert(gm__broadcast(3, a, 2, b, &n, out) && n == 3 && out[0] == 2 && out[1] == 3 && out[2] == 4);
    ck_assert(gm__broadcast(0, NULL, 2, c, &n, out) && n == 2 && out[1] == 4);
    ck_assert(!gm__broadcast(2, c, 1, e, &n, out));
    int64_t z[2] = {0, 1};
    ck_assert(gm__broadcast(2, z, 2, c, &n, out) == false);
    ck_assert(gm__broadcast(2, z, 1, c, &n, out) == false || out[0] == 0);
    char text[128];
    ck_assert_str_eq(gm__shape_text(text, 0, NULL), "[]");
    ck_assert_str_eq(gm__shape_text(text, 3, a), "[2,1,4]");
    int64_t wide[8];
    for (int i = 0; i < 8; i++) wide[i] = INT64_MIN;
    gm__shape_text(text, 8, wide);
    ck_assert(strlen(text) < 128 && strcmp(text + strlen(text) - 4, "...]") == 0);
    ck_assert(gm__is_contiguous(3, a, (int64_t[]){4, 99, 1}));
    ck_assert(!gm__is_contiguous(2, c, (int64_t[]){1, 3}));
    ck_assert(gm__is_contiguous(2, (int64_t[]){0, 3}, (int64_t[]){1, 7}));
}
END_TEST

START_TEST(walks)
{
    float x[24], r[4];
    int64_t s[3] = {2, 3, 4}, s1[2] = {3, 1}, s0[3] = {2, 0, 4};
    gm_tensor *a = NULL, *b = NULL, *e = NULL;
    gm_tensor_wrap(ctx, GM_F32, 3, s, NULL, x, NULL, NULL, &a);
    gm_tensor_wrap(ctx, GM_F32, 2, s1, NULL, r, NULL, NULL, &b);
    gm_tensor_new(ctx, GM_F32, 3, s0, &e);
    gm__walk w;
    const gm_tensor *ops[2] = {a, a};
    gm__walk_init(&w, 3, s, 2, ops); /* all axes fall into one */
    ck_assert(w.ndim == 1 && w.inner == 24 && w.outer == 1 && w.istride[1] == 4);
    ck_assert(!gm__walk_next(&w));
    ops[1] = b;
    gm__walk_init(&w, 3, s, 2, ops);
    ck_assert(w.ndim == 3 && w.inner == 4 && w.outer == 6 && w.istride[1] == 0);
    int steps = 0;
    do {
        ck_assert_ptr_eq(w.ptr[0], (char *)(x + 4 * steps));
        ck_assert_ptr_eq(w.ptr[1], (char *)(r + steps % 3));
        steps++;
    } while (gm__walk_next(&w));
    ck_assert_int_eq(steps, 6);
    ops[0] = ops[1] = e;
    gm__walk_init(&w, 3, s0, 2, ops);
    ck_assert(w.inner == 0 && !gm__walk_next(&w));
    gm_tensor_free(a); gm_tensor_free(b); gm_tensor_free(e);
}
END_TEST

START_TEST(leaf_grads)
{
    int64_t n = 3;
    gm_tensor *t = NULL, *g = NULL, *i = NULL;
    gm_tensor_new(ctx, GM_F32, 1, &n, &t);
    gm_tensor_new(ctx, GM_I32, 1, &n, &i);
    ck_assert_int_eq(gm_tensor_set_grad(i, 1), GM_EDTYPE);
    ck_assert_int_eq(gm_tensor_set_grad(NULL, 1), GM_EARG);
    ck_assert_int_eq(gm_tensor_set_grad(t, 1), GM_OK);
    ck_assert_ptr_null(gm_tensor_grad(t));
    ck_assert_int_eq(gm__leaf_grad(t, &g), GM_OK);
    t->has_grad = true;
    ck_assert_ptr_eq(gm_tensor_grad(t), g);
    gm_tensor_clear_grad(t);
    ck_assert_ptr_null(gm_tensor_grad(t));
    ck_assert_int_eq(gm_tensor_set_grad(t, 0), GM_OK);
    ck_assert_ptr_null(t->grad);
    gm_tensor_free(t);
    gm_tensor_free(i);
}
END_TEST

/* A tensor keeps its context alive; a long copy over several threads is a copy. */
START_TEST(lifetime_and_threads)
{
    int64_t n = 5 << 20;
    gm_tensor *t = NULL, *u = NULL;
    gm_ctx_config c;
    gm_ctx_config_init(&c, sizeof c);
    c.threads = 3;
    gm_ctx *own = NULL;
    ck_assert_int_eq(gm_ctx_new(&c, &own), GM_OK);
    ck_assert_int_eq(gm_tensor_new(own, GM_U8, 1, &n, &t), GM_OK);
    ck_assert_int_eq(gm_tensor_new(own, GM_U8, 1, &n, &u), GM_OK);
    gm_ctx_free(own);
    for (int64_t i = 0; i < n; i++) t->data[i] = (char)(i * 31);
    ck_assert_int_eq(gm_tensor_assign(u, t), GM_OK);
    ck_assert(memcmp(t->data, u->data, (size_t)n) == 0);
    gm_tensor_free(t);
    gm_tensor_free(u);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("tensor");
    TCase *c = tcase_create("tensor");
    tcase_add_checked_fixture(c, open_ctx, close_ctx);
    tcase_add_test(c, new_and_getters);
    tcase_add_test(c, refusals);
    tcase_add_test(c, wrap);
    tcase_add_test(c, assign);
    tcase_add_test(c, conversion);
    tcase_add_test(c, item);
    tcase_add_test(c, transposed_copies);
    tcase_add_test(c, shapes);
    tcase_add_test(c, walks);
    tcase_add_test(c, leaf_grads);
    tcase_add_test(c, lifetime_and_threads);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
