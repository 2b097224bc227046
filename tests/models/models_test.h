/* models_test.h - small data, small models and files for the tests of the models' core. */
#ifndef MODELS_TEST_H
#define MODELS_TEST_H

#include "models/trainer.h"
#include <check.h>
#include <gm/gm.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SIDE = 4, ROW = SIDE * SIDE };

static gm_ctx *ctx;
static char dir[64];

static void setup(void)
{
    gm_ctx_config c;
    gm_ctx_config_init(&c, sizeof c);
    c.threads = 2;
    ck_assert_int_eq(gm_ctx_new(&c, &ctx), GM_OK);
    strcpy(dir, "/tmp/gm_models_XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
}

static void teardown(void)
{
    char command[128];
    ck_assert_msg(atomic_load(&ctx->h.refs) == 1, "something still holds the context: a leak");
    gm_ctx_free(ctx);
    snprintf(command, sizeof command, "rm -rf '%s'", dir);
    ck_assert_int_eq(system(command), 0);
}

#define OK(expr) ck_assert_msg((expr) == GM_OK, "%s: %s", #expr, gm_ctx_message(ctx))
/* The call fails with this code, and its message holds this text. */
#define FAILS(code, text, expr)                                                                                   \
    do {                                                                                                          \
        gm_status got_ = (expr);                                                                                  \
        ck_assert_msg(got_ == (code), "%s: %s, not %s (%s)", #expr, gm_status_name(got_), #code, gm_ctx_message(ctx)); \
        ck_assert_msg(strstr(gm_ctx_message(ctx), (text)) != NULL, "'%s' is not in: %s", (text), gm_ctx_message(ctx)); \
    } while (0)

static inline const char *at(const char *name)
{
    static char text[8][128];
    static int k;
    k = (k + 1) % 8;
    snprintf(text[k], sizeof text[k], "%s/%s", dir, name);
    return text[k];
}

/* Numbers in (0,1) that look unordered. */
static inline double unit(uint32_t i)
{
    uint32_t h = i * 2654435761u + 12345u;
    h ^= h >> 15, h *= 2246822519u, h ^= h >> 13;
    return (h >> 8) * 0x1p-24;
}

/* [n, 1, 4, 4] grey pictures: a bright row or column and noise, labels 0..7. */
static inline gm_dataset *pictures(int64_t n, uint32_t seed)
{
    gm_tensor *x = NULL, *label = NULL;
    gm_dataset *d = NULL;
    OK(gm_tensor_new(ctx, GM_F32, 4, (int64_t[]){ n, 1, SIDE, SIDE }, &x));
    OK(gm_tensor_new(ctx, GM_I64, 1, &n, &label));
    for (int64_t i = 0; i < n; i++) {
        uint32_t k = (uint32_t)i * 31 + seed * 7919;
        int which = (int)(unit(k) * 2 * SIDE);
        ((int64_t *)gm_tensor_data(label))[i] = which;
        for (int j = 0; j < ROW; j++) {
            int on = which < SIDE ? j / SIDE == which : j % SIDE == which - SIDE;
            gm__f32(x)[i * ROW + j] = (float)(on ? 0.8 + 0.2 * unit(k + j + 1) : 0.2 * unit(k + j + 1));
        }
    }
    OK(gm_dataset_from_tensors(ctx, x, label, &d));
    gm_tensor_free(x);
    gm_tensor_free(label);
    return d;
}

static inline gm_model *model(const char *options)
{
    gm_model *m = NULL;
    OK(gm_model_new(ctx, "vae", options, &m));
    return m;
}

static inline char *slurp(const char *path, size_t *n)
{
    FILE *f = fopen(path, "rb");
    ck_assert_msg(f != NULL, "no file %s", path);
    char *p = malloc(1 << 22);
    *n = fread(p, 1, 1 << 22, f);
    fclose(f);
    return p;
}

static inline int same_files(const char *a, const char *b)
{
    size_t na, nb;
    char *pa = slurp(a, &na), *pb = slurp(b, &nb);
    int same = na == nb && !memcmp(pa, pb, na);
    free(pa);
    free(pb);
    return same;
}

/* Do two models hold the same bits? */
static inline int same_weights(gm_model *a, gm_model *b)
{
    if (gm_model_tensor_count(a) != gm_model_tensor_count(b)) return 0;
    for (int32_t i = 0; i < gm_model_tensor_count(a); i++) {
        gm_tensor *x = gm_model_tensor(a, i), *y = gm_model_tensor(b, i);
        if (x->size != y->size || memcmp(x->data, y->data, (size_t)x->size * gm__esize(x->dtype))) return 0;
    }
    return 1;
}

static inline double furthest(const gm_tensor *a, const gm_tensor *b)
{
    double most = 0;
    ck_assert_int_eq(a->size, b->size);
    for (int64_t i = 0; i < a->size; i++) most = fmax(most, fabs((double)gm__f32(a)[i] - (double)gm__f32(b)[i]));
    return most;
}

static inline int run_suite(Suite *s)
{
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}

#endif
