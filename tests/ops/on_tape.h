/* on_tape.h - a context and a tape for tests of ops. */
#ifndef TESTS_ON_TAPE_H
#define TESTS_ON_TAPE_H

#include <check.h>
#include <gm/gm.h>

static gm_ctx *ctx;
static gm_tape *t;

static void setup(void)
{
    ck_assert_int_eq(gm_ctx_new(NULL, &ctx), GM_OK);
    ck_assert_int_eq(gm_tape_new(ctx, 1, &t), GM_OK);
}
static void teardown(void)
{
    gm_tape_free(t);
    gm_ctx_free(ctx);
}

#define SHAPE(...) (const int64_t[]){__VA_ARGS__}
#define VALUES(...) (const double[]){__VA_ARGS__}

#endif
