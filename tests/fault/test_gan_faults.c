/* Generative adversarial networks under failing memory. */
#include "cases.h"

static const char *const cases[] = {
    "preset=mlp hidden=4 noise-dim=2 loss=wasserstein penalty=gp d-steps=2",
    "preset=mlp hidden=4 noise-dim=2 spectral=on conditional=acgan penalty=none loss=hinge",
    "preset=mlp hidden=4 noise-dim=2 codes=2 mbstd=on instance-noise=0.1 penalty=r1 conditional=projection",
    "preset=mlp hidden=4 noise-dim=2 conditional=projection loss=hinge penalty=r1 unroll=1 d-band=0.6,0.7 health=act health-every=1 gap-every=1 gap-steps=1",
};

static gm_status program(host *h, int which)
{
    gm_ctx *ctx = NULL;
    gm_dataset *d = NULL;
    gm_model *m = NULL, *again = NULL, *alone = NULL;
    gm_tensor *x = NULL, *label = NULL, *drawn = NULL, *logit = NULL, *code = NULL;
    gm_status s = host_ctx(h, &ctx);
    if (!s) s = gm_tensor_new(ctx, GM_F32, 2, (int64_t[]){8, 3}, &x);
    if (!s) s = gm_tensor_new(ctx, GM_I64, 1, (int64_t[]){8}, &label);
    if (!s) ((int64_t *)gm_tensor_data(label))[3] = 1;
    if (!s) s = gm_dataset_from_tensors(ctx, x, label, &d);
    if (!s) s = gm_model_new(ctx, "gan", cases[which], &m);
    if (!s) s = gm_fit(m, d, "steps=2 batch=4 seed=1");
    if (!s) s = gm_model_save(m, model_path);
    if (!s) s = gm_model_load(ctx, model_path, &again);
    if (!s) s = gm_sample(again, 3, 1, &drawn);
    if (!s) s = gm_gan_discriminate(again, x, which ? label : NULL, &logit);
    if (!s) s = gm_gan_noise(again, 3, 1, 2, &code);
    if (!s) s = gm_gan_export_generator(again, model_path);
    if (!s) s = gm_model_load(ctx, model_path, &alone);
    keep_message(ctx, s);
    gm_tensor_free(x), gm_tensor_free(label), gm_tensor_free(drawn), gm_tensor_free(logit), gm_tensor_free(code);
    gm_model_free(m), gm_model_free(again), gm_model_free(alone);
    gm_dataset_free(d);
    gm_ctx_free(ctx);
    return s;
}

int main(void) { return run_cases("gan_faults", program, sizeof cases / sizeof *cases); }
