/* randperm.c - a random order of 0 .. n-1, i64. attr.i[0]: n. */
#include "ops/random.h"

static gm_status infer(gm__call *c)
{
    gm__out_shape(c, GM_I64, 1, c->attr->i);
    return GM_OK;
}
static gm_status forward(gm__call *c)
{
    gm_tensor number = {.ndim = 0};
    const float *keys = gm__draw_keys(c->t, &number);
    if (!keys) return gm__recorded(c->t);
    gm__rng r = gm__element(keys, 0);
    gm__permutation(&r, (uint64_t *)(void *)c->out->data, (size_t)c->out->size);
    return GM_OK;
}
const gm__op gm__op_randperm = {"randperm", 0, GM__OP_RANDOM | GM__OP_NOGRAD, infer, forward, NULL, NULL,
    "i=7 | i=0 | i=1 | i=2 | i=3 | i=17 | i=33 | i=64 | i=100 | i=128 | i=255 | i=1000"};

gm_tensor *gm_randperm(gm_tape *t, int64_t n)
{
    gm__attr a = {.i = {n}};
    if (!gm__tape_ok(t)) return NULL;
    if (n < 0) return gm__tape_fail(t, GM_EARG, "randperm: n %lld is below 0", (long long)n);
    return gm__apply(t, &gm__op_randperm, NULL, 0, &a);
}
