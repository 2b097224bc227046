/* Predicting and conditional models under failing memory: the n-th allocation fails, once and
 * from then on, for every n. No crash, no leak, no false success; the next run works. */
#include "cases.h"

static const struct { const char *family, *options, *train; } cases[] = {
    {"mlp", "hidden=7 norm=batch dropout=0.2", "steps=3 batch=10 seed=1"},
    {"cnn", "channels=2,3 hidden=4", "steps=2 batch=6 seed=1"},
    {"vae", "preset=conv channels=2,3 hidden=5 latent=2 conditional=on", "steps=2 batch=6 seed=1"},
    {"vae", "code=categorical latent=2 categories=3 hidden=6 conditional=on", "steps=2 batch=10 seed=1"},
    {"ae", "hidden=6 latent=3 sparsity=1 l1=0.1 conditional=on", "steps=2 batch=10 seed=1"},
    {"mlp", "task=regress hidden=5", "steps=2 batch=10 seed=1"},
};

/* What a host does with such a model; gives the first failure. */
static gm_status program(host *h, int which)
{
    gm_ctx *ctx = NULL;
    gm_dataset *d = NULL;
    gm_model *m = NULL, *again = NULL;
    gm_sampler *sampler = NULL;
    gm_tensor *x = NULL, *label = NULL, *y = NULL, *z = NULL, *drawn = NULL, *axes = NULL;
    gm_measure got[4];
    int32_t n;
    gm_status s = host_ctx(h, &ctx);
    gm_dataset *source = NULL;
    if (!s) s = gm_dataset_open(ctx, "synth:digits,n=12,seed=3", &source);
    if (!s) s = gm_dataset_read(source, "x", 0, 12, &x);
    if (!s) s = gm_dataset_read(source, "label", 0, 12, &label);
    if (!s) s = gm_dataset_from_tensors(ctx, x, label, &d);
    if (!s) s = gm_tensor_new(ctx, GM_F32, 2, (int64_t[]){12, 2}, &y);
    if (!s) s = gm_dataset_add(d, "y", y);
    if (!s) s = gm_model_new(ctx, cases[which].family, cases[which].options, &m);
    if (!s) s = gm_fit(m, d, cases[which].train);
    if (!s) s = gm_model_save(m, model_path);
    if (!s) s = gm_model_load(ctx, model_path, &again);
    const uint32_t can = s ? 0 : gm_model_can(again);
    if (!s) s = gm_model_apply(again, can & GM_CAN_PREDICT ? GM_CAN_PREDICT : GM_CAN_RECONSTRUCT, x, can & GM_CAN_CONDITION ? label : NULL, &z);
    if (!s) s = gm_eval(again, d, NULL, got, 4, &n);
    if (!s && can & GM_CAN_SAMPLE) s = gm_sampler_new(ctx, again, NULL, &sampler);
    if (!s && can & GM_CAN_SAMPLE) s = gm_sampler_draw(sampler, 12, label, &drawn);
    if (!s && can & GM_CAN_DECODE) s = gm_traverse(again, NULL, 3, 1, NULL, &axes);
    keep_message(ctx, s);
    gm_tensor *own[] = {x, label, y, z, drawn, axes};
    for (size_t i = 0; i < sizeof own / sizeof *own; i++) gm_tensor_free(own[i]);
    gm_sampler_free(sampler);
    gm_model_free(m), gm_model_free(again);
    gm_dataset_free(source), gm_dataset_free(d);
    gm_ctx_free(ctx);
    return s;
}

int main(void) { return run_cases("net_faults", program, sizeof cases / sizeof *cases); }
