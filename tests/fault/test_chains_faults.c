/* Samplers of Gibbs chains, and completion, under failing memory: the n-th allocation fails, once and from then on, for every n.
 * No crash, no leak, no false success; the next run works. */
#include "cases.h"
#include <math.h>

static const struct { const char *family, *options; } cases[] = {
    {"rbm", "shape=4 hidden=3 conditional=on classes=2"}, {"rbm", "shape=4 hidden=3 units=gaussian"}, {"dbn", "shape=4 layers=3,4"}, {"dbm", "shape=4 layers=3,2"}, {"bm", "shape=4 hidden=2"}};

/* What a host does with chains; gives the first failure. */
static gm_status program(host *h, int which)
{
    enum { ROOM = 1024 };
    gm_ctx *ctx = NULL;
    gm_model *m = NULL;
    gm_sampler *s = NULL, *again = NULL;
    gm_tensor *x = NULL, *known = NULL, *out[5] = {NULL};
    uint8_t state[ROOM];
    size_t size = ROOM;
    double ess;
    gm_status st = host_ctx(h, &ctx);
    if (!st) st = gm_model_new(ctx, cases[which].family, cases[which].options, &m);
    if (!st) st = gm_sampler_new(ctx, m, "chains=3 burn-in=2 thin=2 trace=on", &s);
    if (!st) st = gm_sampler_draw(s, 200, NULL, &out[0]);
    if (!st) st = gm_sampler_trace(s, &out[1]);
    if (!st) st = gm_effective_samples(ctx, out[1], &ess, NULL);
    if (!st) st = gm_sampler_state_save(s, state, &size);
    if (!st) st = gm_sampler_new(ctx, m, NULL, &again);
    if (!st) st = gm_sampler_state_load(again, state, size);
    if (!st) st = gm_sampler_draw(again, 2, NULL, &out[2]);
    if (!st) st = gm_tensor_new(ctx, GM_F32, 2, (int64_t[]){3, 4}, &x);
    if (!st) st = gm_tensor_new(ctx, GM_U8, 1, (int64_t[]){4}, &known);
    if (!st) ((float *)gm_tensor_data(x))[5] = NAN, ((uint8_t *)gm_tensor_data(known))[2] = 1;
    if (!st) st = gm_complete(m, x, NULL, NULL, "steps=3 anneal=2", &out[3]);
    if (!st) st = gm_complete(m, x, known, NULL, "steps=3 mean=off", &out[4]);
    keep_message(ctx, st);
    for (size_t i = 0; i < sizeof out / sizeof *out; i++) gm_tensor_free(out[i]);
    gm_tensor_free(x), gm_tensor_free(known);
    gm_sampler_free(s), gm_sampler_free(again);
    gm_model_free(m);
    gm_ctx_free(ctx);
    return st;
}

int main(void) { return run_cases("chains_faults", program, sizeof cases / sizeof *cases); }
