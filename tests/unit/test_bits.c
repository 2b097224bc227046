/* test_bits.c - products with zeros and ones and draws from them, in every build: whole numbers against three loops, bit for
 * bit; odd sizes, both layouts; equal bits for any number of threads and for a row alone or in a batch. */
#include "kernels/kernels.h"
#include <check.h>
#include <gm/ctx.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *const levels[] = {"plain", "avx2", "avx512"};
enum { GUARD = 77, SPARE = 8 };

static gm_ctx *context(const char *cpu, int threads)
{
    gm_ctx *ctx = NULL;
    gm_ctx_config c;
    gm_ctx_config_init(&c, sizeof c);
    c.cpu = cpu;
    c.threads = threads;
    gm_status s = gm_ctx_new(&c, &ctx);
    ck_assert_msg(s == GM_OK || s == GM_EUNSUPPORTED, "status %d", (int)s);
    return ctx;
}

static uint32_t lcg = 1;
static uint32_t draw(void) { return (lcg = lcg * 1664525u + 1013904223u) >> 8; }

typedef struct made { /* a product and what it should give */
    gm__bits g;
    uint32_t *a;
    float *x, *b, *bias, *c, *y, *shift;
    double *right;
    gm__stream *streams;
} made;

/* Numbers of b are whole and small, so that sums in any order are exact; layout 1: columns of b contiguous, and words of a. */
static made make(size_t m, size_t n, size_t k, int layout, bool whole)
{
    size_t words = gm__bits_words(k);
    made d = {.a = calloc(m * words + 1, 4), .x = calloc(m * k + 1, 4), .b = calloc(n * k + 1, 4), .bias = calloc(n + 1, 4), .c = calloc(m * n + SPARE, 4),
              .y = calloc(m * n + SPARE, 4), .shift = calloc(n + 1, 4), .right = calloc(m * n + 1, 8), .streams = calloc(m + 1, sizeof(gm__stream))};
    for (size_t i = 0; i < m * k; i++) d.x[i] = (float)(draw() % 2);
    for (size_t i = 0; i < n * k; i++) d.b[i] = whole ? (float)(draw() % 201) - 100 : (float)(draw() % 20001) / 1e4f - 1;
    for (size_t j = 0; j < n; j++) d.bias[j] = (float)(draw() % 9), d.shift[j] = (float)(draw() % 7) - 3;
    for (size_t i = 0; i < m; i++) d.streams[i] = gm__stream_make(3, GM__R_USER, 1, i / 2);
    for (size_t i = 0; i < m; i++)
        for (size_t q = 0; q < k; q++) d.a[layout ? q / 32 * m + i : i * words + q / 32] |= (uint32_t)(d.x[i * k + q] > 0) << q % 32;
    d.g = (gm__bits){.m = m, .n = n, .k = k, .a = d.a, .ars = layout ? 1 : (ptrdiff_t)words, .aws = layout ? (ptrdiff_t)m : 1, .b = d.b,
                     .brs = layout ? 1 : (ptrdiff_t)n, .bcs = layout ? (ptrdiff_t)k : 1, .bias = d.bias, .c = d.c, .ldc = n, .y = d.y, .ldy = n,
                     .scale = 0.01f, .shift = d.shift, .streams = d.streams};
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < n; j++) {
            double s = (double)d.bias[j];
            for (size_t q = 0; q < k; q++) s += (double)d.x[i * k + q] * (double)d.b[(ptrdiff_t)q * d.g.brs + (ptrdiff_t)j * d.g.bcs];
            d.right[i * n + j] = s;
        }
    for (size_t i = 0; i < SPARE; i++) d.c[m * n + i] = d.y[m * n + i] = GUARD;
    return d;
}
static void drop(made *d)
{
    free(d->a), free(d->x), free(d->b), free(d->bias), free(d->c), free(d->y), free(d->shift), free(d->right), free(d->streams);
}

static void check_draws(const made *d)
{
    const gm__bits *g = &d->g;
    for (size_t i = 0; i < g->m; i++) {
        gm__rng r = gm__rng_make(d->streams[i]);
        for (size_t j = 0; j < g->n; j++) {
            double u = (gm__rng_u32(&r) >> 8) * 0x1p-24, p = 1 / (1 + exp(-((double)g->scale * d->right[i * g->n + j] + (double)d->shift[j])));
            if (fabs(u - p) > 1e-6) ck_assert_msg(d->y[i * g->n + j] == (u < p ? 1.0f : 0.0f), "row %zu column %zu: u %g, p %g", i, j, u, p);
        }
    }
    for (size_t i = 0; i < SPARE; i++) ck_assert(d->y[g->m * g->n + i] == GUARD && d->c[g->m * g->n + i] == GUARD);
}

START_TEST(whole_numbers)
{
    static const size_t sizes[][3] = {{1, 1, 1}, {2, 31, 3}, {3, 32, 4}, {5, 33, 5}, {7, 7, 31}, {4, 64, 32}, {9, 40, 33}, {1, 65, 100}, {257, 35, 37},
                                      {300, 3, 64}, {6, 17, 0}, {0, 5, 5}, {5, 0, 5}, {13, 129, 130}};
    gm_ctx *ctx = context(levels[_i], 1);
    if (!ctx) return;
    for (size_t s = 0; s < GM__COUNT(sizes); s++)
        for (int layout = 0; layout < 2; layout++) {
            made d = make(sizes[s][0], sizes[s][1], sizes[s][2], layout, true);
            size_t all = d.g.m * d.g.n;
            ck_assert_int_eq(gm__bits_product(ctx, &d.g), GM_OK);
            for (size_t i = 0; i < all; i++) ck_assert_msg((double)d.c[i] == d.right[i], "%s %zu: %g, not %g", levels[_i], s, (double)d.c[i], d.right[i]);
            check_draws(&d);
            gm__bits more = d.g; /* without bias, added to what is there; no draws */
            more.bias = NULL, more.add = true, more.y = NULL;
            ck_assert_int_eq(gm__bits_product(ctx, &more), GM_OK);
            for (size_t i = 0; i < all; i++) ck_assert((double)d.c[i] == 2 * d.right[i] - (double)d.bias[i % d.g.n]);
            more = d.g; /* draws alone */
            more.c = NULL, more.shift = NULL;
            memset(d.shift, 0, d.g.n * sizeof *d.shift);
            ck_assert_int_eq(gm__bits_product(ctx, &more), GM_OK);
            check_draws(&d);
            drop(&d);
        }
    gm_ctx_free(ctx);
}
END_TEST

START_TEST(rows_and_threads)
{
    gm_ctx *one = context(levels[_i], 1), *three = context(levels[_i], 3);
    if (!one) return;
    made d = make(300, 90, 111, 0, false);
    float *c = malloc(300 * 90 * 4), *y = malloc(300 * 90 * 4);
    ck_assert_int_eq(gm__bits_product(one, &d.g), GM_OK);
    for (size_t i = 0; i < 300 * 90; i++) ck_assert(fabs((double)d.c[i] - d.right[i]) < 2e-5);
    check_draws(&d);
    memcpy(c, d.c, 300 * 90 * 4);
    memcpy(y, d.y, 300 * 90 * 4);
    memset(d.c, 0, 300 * 90 * 4);
    memset(d.y, 0, 300 * 90 * 4);
    ck_assert_int_eq(gm__bits_product(three, &d.g), GM_OK);
    ck_assert(!memcmp(c, d.c, 300 * 90 * 4) && !memcmp(y, d.y, 300 * 90 * 4));
    for (size_t i = 0; i < 300; i += 37) {
        gm__bits alone = d.g;
        float row[90], drawn[90];
        alone.m = 1, alone.a += (ptrdiff_t)i * alone.ars, alone.streams += i, alone.c = row, alone.y = drawn;
        ck_assert_int_eq(gm__bits_product(one, &alone), GM_OK);
        ck_assert(!memcmp(row, c + i * 90, sizeof row) && !memcmp(drawn, y + i * 90, sizeof drawn));
    }
    free(c), free(y);
    drop(&d);
    gm_ctx_free(one);
    gm_ctx_free(three);
}
END_TEST

START_TEST(packing)
{
    gm_ctx *ctx = context(levels[_i], 1);
    if (!ctx) return;
    for (size_t n = 1; n < 100; n++) {
        float x[3 * 100];
        uint32_t rows[4], columns[100 + 1];
        for (size_t i = 0; i < 300; i++) x[i] = (float)(draw() % 2);
        ck_assert(ctx->kern->bits_rows_f32(n, x, rows));
        for (size_t j = 0; j < 128; j++)
            if (j / 32 < gm__bits_words(n)) ck_assert_uint_eq(rows[j / 32] >> j % 32 & 1, j < n && x[j] > 0);
        columns[n] = GUARD;
        ck_assert(ctx->kern->bits_columns_f32(3, n, x, 100, columns));
        for (size_t j = 0; j < n; j++) ck_assert_uint_eq(columns[j], (uint32_t)x[j] | (uint32_t)x[100 + j] << 1 | (uint32_t)x[200 + j] << 2);
        ck_assert_uint_eq(columns[n], GUARD);
        static const float other[] = {0.5f, -1, 2, NAN, INFINITY, 1e-40f};
        for (size_t q = 0; q < GM__COUNT(other); q++) {
            size_t at = draw() % n;
            float was = x[100 + at];
            x[100 + at] = other[q];
            ck_assert(!ctx->kern->bits_rows_f32(n, x + 100, rows));
            ck_assert(!ctx->kern->bits_columns_f32(3, n, x, 100, columns));
            x[100 + at] = was;
        }
        x[n] = 0.5f; /* behind the row: of no matter */
        ck_assert(ctx->kern->bits_rows_f32(n, x, rows));
        x[0] = -0.0f;
        ck_assert(ctx->kern->bits_rows_f32(n, x, rows) && !(rows[0] & 1));
    }
    gm_ctx_free(ctx);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("bits");
    TCase *c = tcase_create("bits");
    tcase_set_timeout(c, 60);
    tcase_add_loop_test(c, whole_numbers, 0, 3);
    tcase_add_loop_test(c, rows_and_threads, 0, 3);
    tcase_add_loop_test(c, packing, 0, 3);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
