/* Deep belief networks under failing memory: the n-th allocation fails, once and from then on, for every n.
 * No crash, no leak, no false success; the next run works. */
#include "cases.h"

static const char *const cases[] = {"layers=3,2 up-down=1 layer-k=1,2 layer-lr=1,0.5 burn-in=2", "layers=4,4,2 centered=on persistent=on conditional=on up-down=1 inputs=draw burn-in=2"};

/* What a host does with such a model; gives the first failure. */
static gm_status program(host *h, int which)
{
    gm_ctx *ctx = NULL;
    gm_dataset *d = NULL;
    gm_model *m = NULL, *again = NULL, *net = NULL, *ae = NULL;
    gm_tensor *x = NULL, *label = NULL, *out[4] = {NULL};
    gm_measure got;
    int32_t n;
    gm_status s = host_ctx(h, &ctx);
    if (!s) s = gm_tensor_new(ctx, GM_F32, 2, (int64_t[]){6, 4}, &x);
    if (!s) s = gm_tensor_new(ctx, GM_I64, 1, (int64_t[]){6}, &label);
    if (!s) s = gm_dataset_from_tensors(ctx, x, label, &d);
    if (!s) s = gm_model_new(ctx, "dbn", cases[which], &m);
    if (!s) s = gm_fit(m, d, "epochs=4 batch=6 seed=1");
    if (!s) s = gm_model_save(m, model_path);
    if (!s) s = gm_model_load(ctx, model_path, &again);
    if (!s) s = gm_eval(again, d, "metric=recon", &got, 1, &n);
    if (!s) s = gm_sample(again, 3, 1, &out[0]);
    if (!s) s = gm_encode_layer(again, x, NULL, 1, &out[1]);
    if (!s) s = gm_reconstruct(again, x, &out[2]);
    if (!s && which) s = gm_predict(again, x, &out[3]);
    if (!s) s = gm_dbn_unroll(again, which ? NULL : "classes=2", &net);
    if (!s) s = gm_dbn_autoencoder(again, "latent=1", &ae);
    keep_message(ctx, s);
    for (size_t i = 0; i < sizeof out / sizeof *out; i++) gm_tensor_free(out[i]);
    gm_tensor_free(x), gm_tensor_free(label);
    gm_model_free(m), gm_model_free(again), gm_model_free(net), gm_model_free(ae);
    gm_dataset_free(d);
    gm_ctx_free(ctx);
    return s;
}

int main(void) { return run_cases("dbn_faults", program, sizeof cases / sizeof *cases); }
