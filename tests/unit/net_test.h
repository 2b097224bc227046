/* net_test.h - a context, a tape and networks from text for tests of networks. */
#ifndef TESTS_NET_TEST_H
#define TESTS_NET_TEST_H

#include "nn/nn.h"
#include <check.h>
#include <gm/gm.h>
#include <string.h>

static gm_ctx *ctx;
static gm_tape *tape;
static void setup(void)
{
    gm_ctx_config c;
    gm_ctx_config_init(&c, sizeof c);
    c.max_bytes = 1 << 26; /* so that nobody's memory is asked for where a text wants far too much */
    ck_assert_int_eq(gm_ctx_new(&c, &ctx), GM_OK);
    ck_assert_int_eq(gm_tape_new(ctx, 7, &tape), GM_OK);
}
static void teardown(void)
{
    gm_tape_free(tape);
    ck_assert_int_eq(atomic_load(&ctx->h.refs), 1); /* nothing else holds it */
    gm_ctx_free(ctx);
}

#define OK(call)                                                                               \
    do {                                                                                       \
        gm_status s_ = (call);                                                                 \
        ck_assert_msg(s_ == GM_OK, "%s: %s: %s", #call, gm_status_name(s_), gm_ctx_message(ctx)); \
    } while (0)
#define HAVE(handle) ck_assert_msg((handle) != NULL, "%s", gm_tape_message(tape))
/* A row's shape: how many sizes, the sizes. */
#define ROW(...) (int)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)), (int64_t[]){__VA_ARGS__}

static inline gm_net *net_of(const char *text, int ndim, const int64_t *shape)
{
    gm_net *n = NULL;
    OK(gm_net_new(ctx, text, ndim, shape, 3, &n));
    return n;
}

static inline double get(const gm_tensor *t, int64_t i) { return t->dtype == GM_F64 ? gm__f64(t)[i] : (double)gm__f32(t)[i]; }

#endif
