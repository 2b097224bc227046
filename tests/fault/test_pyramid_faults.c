/* The pyramid of GANs and super-resolution under failing memory. */
#include "cases.h"

static const char *const cases[] = {
    "levels=2 width=2 noise-dim=2 conditional=concat loss=wasserstein penalty=gp",
    "levels=1 width=2 noise-dim=2 spectral=on loss=hinge",
    "width=2 blocks=1 pretrain=0.5 penalty=r1",
    "width=2 blocks=0 pretrain=0 spectral=on factor=4 loss=relativistic",
};

static gm_status use(gm_ctx *ctx, gm_model *m, int lapgan)
{
    gm_tensor *small = NULL, *y = NULL, *z = NULL;
    gm_status s = lapgan ? gm_lapgan_sample_level(m, 1, 3, 1, NULL, &y) : gm_tensor_new(ctx, GM_F32, 4, (int64_t[]){2, 1, 3, 2}, &small);
    if (!s) s = lapgan ? gm_lapgan_set_level(m, 1) : gm_srgan_upscale(m, small, &y);
    if (!s) s = lapgan ? gm_sample(m, 3, 1, &z) : gm_predict(m, small, &z);
    gm_tensor_free(small), gm_tensor_free(y), gm_tensor_free(z);
    return s;
}

static gm_status program(host *h, int which)
{
    gm_ctx *ctx = NULL;
    gm_dataset *d = NULL;
    gm_model *m = NULL, *again = NULL;
    gm_tensor *x = NULL, *label = NULL;
    gm_status s = host_ctx(h, &ctx);
    if (!s) s = gm_tensor_new(ctx, GM_F32, 4, (int64_t[]){8, 1, 4, 4}, &x);
    if (!s) s = gm_tensor_new(ctx, GM_I64, 1, (int64_t[]){8}, &label);
    if (!s) ((int64_t *)gm_tensor_data(label))[3] = 1;
    if (!s) s = gm_dataset_from_tensors(ctx, x, label, &d);
    if (!s) s = gm_model_new(ctx, which < 2 ? "lapgan" : "srgan", cases[which], &m);
    if (!s) s = gm_fit(m, d, "steps=2 batch=4 seed=1");
    if (!s) s = gm_model_save(m, model_path);
    if (!s) s = gm_model_load(ctx, model_path, &again);
    if (!s) s = use(ctx, again, which < 2);
    keep_message(ctx, s);
    gm_tensor_free(x), gm_tensor_free(label);
    gm_model_free(m), gm_model_free(again);
    gm_dataset_free(d);
    gm_ctx_free(ctx);
    return s;
}

int main(void) { return run_cases("pyramid_faults", program, sizeof cases / sizeof *cases); }
